/* SPDX-License-Identifier: MIT */
/*
 * Segments are written as "OFFSET:TEXT"; what is held is read back in order.
 * The first copy of a byte wins.
 */
#include "unit/unit.h"

#include "stream/reasm.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
        struct reasm reasm;
        struct blocks blocks;
        struct reasm_limits limits;
        struct counters counters;
};

static void begin(struct world *w)
{
        *w = (struct world){ .limits = { 4096, 16 } };
        assert_true(blocks_init(&w->blocks, 1 << 20));
}

static void end(struct world *w)
{
        reasm_clear(&w->reasm, &w->blocks);
        assert_int_equal(w->blocks.used, 0);
        assert_int_equal(w->reasm.bytes, 0);
        assert_int_equal(w->reasm.pieces, 0);
        blocks_free(&w->blocks);
}

static enum reasm_result hold(struct world *w, const char *text)
{
        char *end;
        long offset = strtol(text, &end, 10);
        struct reasm_segment segment = { .offset = offset, .bytes = slice_str(end + 1) };

        return reasm_hold(&w->reasm, &w->blocks, &w->limits, &segment, &w->counters);
}

/* "3:abc 9:xyz" */
static const char *held(const struct world *w)
{
        static char text[8192];
        size_t len = 0;

        text[0] = '\0';
        for (const struct reasm_piece *p = w->reasm.first; p; p = p->next)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%ld:%.*s",
                                        len ? " " : "", (long)p->offset, (int)p->len,
                                        p->data);
        return text;
}

static void test_order(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        assert_int_equal(hold(&w, "20:cc"), REASM_HELD);
        assert_int_equal(hold(&w, "10:bb"), REASM_HELD);
        assert_int_equal(hold(&w, "30:dd"), REASM_HELD);
        assert_int_equal(hold(&w, "5:aa"), REASM_HELD);
        assert_string_equal(held(&w), "5:aa 10:bb 20:cc 30:dd");
        struct reasm_piece *first = reasm_take_first(&w.reasm);
        assert_int_equal(first->offset, 5);
        reasm_piece_free(&w.blocks, first);
        assert_string_equal(held(&w), "10:bb 20:cc 30:dd");
        end(&w);
}

static void test_overlaps(void **state)
{
        static const struct {
                const char *first, *second, *held;
                enum reasm_result result;
                bool conflict;
        } cases[] = {
                { "10:bbbb", "10:bbbb", "10:bbbb", REASM_DUPLICATE, false },
                { "10:bbbb", "10:bxxb", "10:bbbb", REASM_DUPLICATE, true },
                { "10:bbbb", "11:bb", "10:bbbb", REASM_DUPLICATE, false },
                { "10:bbbb", "8:aabb", "8:aa 10:bbbb", REASM_HELD, false },
                { "10:bbbb", "8:aaxb", "8:aa 10:bbbb", REASM_HELD, true },
                { "10:bbbb", "12:bbcc", "10:bbbb 14:cc", REASM_HELD, false },
                { "10:bbbb", "12:xbcc", "10:bbbb 14:cc", REASM_HELD, true },
                { "10:bbbb", "8:aabbbbcc", "8:aa 10:bbbb 14:cc", REASM_HELD, false },
                { "10:bbbb", "14:cc", "10:bbbb 14:cc", REASM_HELD, false },
                { "10:bbbb", "8:aa", "8:aa 10:bbbb", REASM_HELD, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                begin(&w);
                assert_int_equal(hold(&w, cases[i].first), REASM_HELD);
                assert_int_equal(hold(&w, cases[i].second), cases[i].result);
                assert_string_equal(held(&w), cases[i].held);
                assert_int_equal(w.counters.segments_conflicting, cases[i].conflict);
                end(&w);
        }
}

static void test_one_segment_over_many_pieces(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        hold(&w, "10:b");
        hold(&w, "12:d");
        hold(&w, "14:f");
        assert_int_equal(hold(&w, "9:abcdefg"), REASM_HELD);
        assert_string_equal(held(&w), "9:a 10:b 11:c 12:d 13:e 14:f 15:g");
        assert_int_equal(w.counters.segments_overlapping, 1);
        assert_int_equal(w.counters.segments_conflicting, 0);
        end(&w);
}

static void test_caps(void **state)
{
        struct world w;
        char text[32];

        (void)state;
        begin(&w);
        for (int i = 0; i < 16; i++) {
                snprintf(text, sizeof(text), "%d:x", i * 10);
                assert_int_equal(hold(&w, text), REASM_HELD);
        }
        assert_int_equal(hold(&w, "1000:x"), REASM_FULL);
        end(&w);

        begin(&w);
        w.limits.bytes = 3;
        assert_int_equal(hold(&w, "0:ab"), REASM_HELD);
        assert_int_equal(hold(&w, "10:cd"), REASM_FULL);
        assert_int_equal(hold(&w, "10:c"), REASM_HELD);
        end(&w);
}

/* Random segments of one text: what is held is always that text. */
static void test_random_segments(void **state)
{
        (void)state;
        for (unsigned seed = 0; seed < 200; seed++) {
                struct world w;
                char text[16];
                begin(&w);
                w.limits.pieces = 1000;
                srand(seed);
                for (int i = 0; i < 100; i++) {
                        int offset = rand() % 200, len = 1 + rand() % 8;
                        int at = snprintf(text, sizeof(text), "%d:", offset);
                        for (int k = 0; k < len; k++)
                                text[at + k] = (char)('a' + (offset + k) % 26);
                        text[at + len] = '\0';
                        hold(&w, text);
                }
                int64_t before = -1;
                for (struct reasm_piece *p = w.reasm.first; p; p = p->next) {
                        assert_true(p->offset > before || before == -1);
                        for (uint32_t k = 0; k < p->len; k++)
                                assert_int_equal(p->data[k], 'a' + (p->offset + k) % 26);
                        before = p->offset + p->len - 1;
                }
                assert_int_equal(w.counters.segments_conflicting, 0);
                end(&w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_overlaps),
                cmocka_unit_test(test_one_segment_over_many_pieces),
                cmocka_unit_test(test_caps),
                cmocka_unit_test(test_random_segments),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
