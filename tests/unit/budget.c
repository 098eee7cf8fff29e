/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/budget.h"
#include "detect/index.h"

#include <stdlib.h>

static void pages_serve_another_size_when_they_are_empty(void **state)
{
        struct budget b;
        uint32_t *handles = calloc(100000, sizeof(*handles));
        (void)state;

        assert_true(budget_init(&b, 64 * BUDGET_PAGE));
        unsigned small = budget_class_of(&b, 20), large = budget_class_of(&b, 8192);
        assert_int_equal(budget_class_of(&b, 24), small);
        for (unsigned round = 0; round < 3; round++) {
                unsigned count = 0;
                while ((handles[count] = budget_take(&b, small, BUDGET_KEPT))) {
                        memset(budget_at(&b, handles[count]), 0xee, 24);
                        count++;
                }
                assert_int_equal(count, 64 * (BUDGET_PAGE / 24));
                assert_int_equal(budget_take(&b, large, BUDGET_KEPT), 0);
                while (count)
                        budget_give(&b, handles[--count]);
                assert_int_equal(b.pages.used, 0);
                while ((handles[count] = budget_take(&b, large, BUDGET_KEPT))) {
                        const uint8_t *bytes = budget_at(&b, handles[count++]);
                        assert_int_equal(bytes[0] | bytes[8191], 0);
                }
                assert_int_equal(count, 128);
                while (count)
                        budget_give(&b, handles[--count]);
        }
        free(handles);
        budget_free(&b);
}

static void newcomers_leave_a_quarter_and_growth_a_sixteenth(void **state)
{
        struct budget b;
        unsigned count = 0;
        (void)state;

        assert_true(budget_init(&b, 64 * BUDGET_PAGE));
        unsigned class = budget_class_of(&b, BUDGET_PAGE);
        while (budget_take(&b, class, BUDGET_NEWCOMER))
                count++;
        assert_int_equal(count, 48);
        while (budget_take(&b, class, BUDGET_GROWTH))
                count++;
        assert_int_equal(count, 60);
        while (budget_take(&b, class, BUDGET_KEPT))
                count++;
        assert_int_equal(count, 64);
        budget_free(&b);
}

/* Against a plain array, with hashes that fall into few runs. */
static void an_index_finds_what_was_put_and_not_removed(void **state)
{
        enum { KEYS = 3000 };
        struct budget b;
        struct index ix;
        uint32_t handles[KEYS] = { 0 }, seed = 5, position = 0;
        uint64_t room = 1 << 20;
        (void)state;

        assert_true(budget_init(&b, 4 << 20));
        assert_true(index_init(&ix, 1 << 20, &room));
        unsigned class = budget_class_of(&b, 8);
        for (unsigned step = 0; step < 40000; step++) {
                seed = seed * 1664525 + 1013904223;
                unsigned key = seed % KEYS;
                uint64_t hash = (uint64_t)(key % 97) << 32 | (key + 1);
                uint32_t handle = index_find(&ix, &b, hash);
                assert_int_equal(handle, handles[key]);
                if (handle) {
                        index_remove(&ix, hash, handle);
                        budget_give(&b, handle);
                        handles[key] = 0;
                        continue;
                }
                handles[key] = budget_take(&b, class, BUDGET_GROWTH);
                memcpy(budget_at(&b, handles[key]), &hash, sizeof(hash));
                assert_true(index_put(&ix, hash, handles[key]));
        }
        unsigned there = 0;
        for (unsigned key = 0; key < KEYS; key++)
                there += handles[key] != 0;
        assert_int_equal(ix.count, there);
        /* A walk of as many steps meets each once. */
        uint64_t sum = 0, walked = 0;
        for (unsigned i = 0; i < there; i++)
                walked += index_walk(&ix, &position);
        for (unsigned key = 0; key < KEYS; key++)
                sum += handles[key];
        assert_true(sum == walked);
        index_free(&ix);
        budget_free(&b);
}

/* And, past the first size, not with half of the bytes. */
static void an_index_has_room_for_as_many_as_were_asked_for(void **state)
{
        static const uint32_t counts[] = { 0, 1, 768, 769, 1536, 1537, 10000, 174762 };
        (void)state;

        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                struct index ix;
                uint64_t bytes = index_bytes_for(counts[i]), room = bytes;
                assert_true(index_init(&ix, bytes, &room));
                for (uint32_t n = 0; n < counts[i]; n++)
                        assert_true(index_put(&ix, (uint64_t)(n + 1) << 32, n + 1));
                assert_true(index_taken(&ix) == bytes || counts[i] <= 768);
                index_free(&ix);
                assert_int_equal(room, bytes);
        }
}

static void an_index_is_full_at_its_cap(void **state)
{
        struct index ix;
        uint64_t count = 0;
        uint64_t room = 1 << 20;
        (void)state;

        assert_true(index_init(&ix, 4096 * sizeof(uint64_t), &room));
        while (index_put(&ix, (count + 1) << 32, (uint32_t)count + 1))
                count++;
        assert_int_equal(count, 3072);
        index_free(&ix);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pages_serve_another_size_when_they_are_empty),
                cmocka_unit_test(newcomers_leave_a_quarter_and_growth_a_sixteenth),
                cmocka_unit_test(an_index_finds_what_was_put_and_not_removed),
                cmocka_unit_test(an_index_has_room_for_as_many_as_were_asked_for),
                cmocka_unit_test(an_index_is_full_at_its_cap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
