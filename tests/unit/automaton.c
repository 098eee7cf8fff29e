/* SPDX-License-Identifier: MIT */
#include "observe/automaton.h"

#include "unit/unit.h"

#include <stdlib.h>

struct found {
        unsigned count;
        struct hit {
                unsigned literal;
                size_t end;
        } hits[4096];
};

static void on_hit(void *context, unsigned literal, size_t end)
{
        struct found *found = context;

        assert_true(found->count < sizeof(found->hits) / sizeof(found->hits[0]));
        found->hits[found->count++] = (struct hit){ literal, end };
}

static struct automaton *make(const char *const *texts, unsigned count)
{
        struct slice literals[64];
        struct automaton *a;

        for (unsigned i = 0; i < count; i++)
                literals[i] = slice_str(texts[i]);
        a = automaton_new(literals, count);
        assert_non_null(a);
        return a;
}

static void test_textbook(void **state)
{
        static const char *const texts[] = { "he", "she", "his", "hers", "e" };
        static const struct hit expected[] = { { 1, 4 }, { 0, 4 }, { 4, 4 }, { 3, 6 } };
        struct automaton *a = make(texts, 5);
        struct found found = { 0 };

        (void)state;
        automaton_scan(a, slice_str("ushers"), on_hit, &found);
        assert_int_equal(found.count, 4);
        assert_memory_equal(found.hits, expected, sizeof(expected));
        automaton_free(&a);
        assert_null(a);
}

static void test_same_text_twice(void **state)
{
        static const char *const texts[] = { "bot", "robot", "bot" };
        struct automaton *a = make(texts, 3);
        struct found found = { 0 };
        unsigned seen[3] = { 0 };

        (void)state;
        automaton_scan(a, slice_str("robot"), on_hit, &found);
        for (unsigned i = 0; i < found.count; i++)
                seen[found.hits[i].literal]++;
        assert_int_equal(found.count, 3);
        assert_true(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
        assert_int_equal(found.hits[0].literal, 1);
        automaton_free(&a);
}

static void test_nothing(void **state)
{
        struct automaton *a = automaton_new(NULL, 0);
        struct found found = { 0 };

        (void)state;
        automaton_scan(a, slice_str("anything"), on_hit, &found);
        automaton_scan(a, slice_none(), on_hit, &found);
        assert_int_equal(found.count, 0);
        automaton_free(&a);
        automaton_free(&a);
}

/* All 256 bytes in use: there is no class left for the others. */
static void test_every_byte(void **state)
{
        uint8_t bytes[256];
        struct slice literals[256];
        struct found found = { 0 };

        (void)state;
        for (unsigned i = 0; i < 256; i++) {
                bytes[i] = (uint8_t)i;
                literals[i] = slice_of(&bytes[i], 1);
        }
        struct automaton *a = automaton_new(literals, 256);
        automaton_scan(a, slice_of(bytes, 256), on_hit, &found);
        assert_int_equal(found.count, 256);
        for (unsigned i = 0; i < 256; i++)
                assert_true(found.hits[i].literal == i && found.hits[i].end == i + 1);
        automaton_free(&a);
}

/* Against looking for each literal at each place, on texts of few letters. */
static void test_against_search(void **state)
{
        struct slice literals[24];
        uint8_t letters[24][6], text[200];

        (void)state;
        srand(7);
        for (int round = 0; round < 200; round++) {
                struct found found = { 0 };
                unsigned expected = 0;
                for (int i = 0; i < 24; i++) {
                        size_t len = 1 + (size_t)(rand() % 6);
                        for (size_t k = 0; k < len; k++)
                                letters[i][k] = (uint8_t)("abc"[rand() % 3]);
                        literals[i] = slice_of(letters[i], len);
                }
                for (size_t i = 0; i < sizeof(text); i++)
                        text[i] = (uint8_t)("abcd"[rand() % 4]);
                struct automaton *a = automaton_new(literals, 24);
                automaton_scan(a, slice_of(text, sizeof(text)), on_hit, &found);
                for (int i = 0; i < 24; i++)
                        for (size_t at = 0; at + literals[i].len <= sizeof(text); at++)
                                expected +=
                                    !memcmp(text + at, literals[i].data, literals[i].len);
                assert_int_equal(found.count, expected);
                for (unsigned i = 0; i < found.count; i++) {
                        struct slice l = literals[found.hits[i].literal];
                        assert_memory_equal(text + found.hits[i].end - l.len, l.data,
                                            l.len);
                        assert_true(i == 0 || found.hits[i - 1].end < found.hits[i].end ||
                                    literals[found.hits[i - 1].literal].len >= l.len);
                }
                automaton_free(&a);
        }
}

static void test_caps(void **state)
{
        static uint8_t bytes[AUTOMATON_STATES_MAX];
        struct slice literal = slice_of(bytes, AUTOMATON_STATES_MAX - 1);
        struct slice longer = slice_of(bytes, AUTOMATON_STATES_MAX);
        struct found found = { 0 };

        (void)state;
        struct automaton *a = automaton_new(&literal, 1);
        assert_non_null(a);
        automaton_scan(a, longer, on_hit, &found);
        assert_int_equal(found.count, 2);
        automaton_free(&a);
        assert_null(automaton_new(&longer, 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_textbook),
                cmocka_unit_test(test_same_text_twice),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_every_byte),
                cmocka_unit_test(test_against_search),
                cmocka_unit_test(test_caps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
