/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/blocks.h"

static void test_rooms(void **state)
{
        struct blocks blocks;
        size_t room;

        (void)state;
        assert_true(blocks_init(&blocks, 1 << 20));
        void *small = blocks_take(&blocks, 1, &room);
        assert_non_null(small);
        assert_int_equal(room, 64);
        void *exact = blocks_take(&blocks, 4096, &room);
        assert_int_equal(room, 4096);
        assert_int_equal(blocks.used, 64 + 4096);
        blocks_give(&blocks, exact, room);
        assert_ptr_equal(blocks_take(&blocks, 4000, &room), exact);
        assert_null(blocks_take(&blocks, BLOCKS_SIZE_MAX + 1, &room));
        assert_null(blocks_take(&blocks, SIZE_MAX, &room));
        for (size_t size = 64; size <= BLOCKS_SIZE_MAX; size *= 2) {
                void *whole = blocks_take(&blocks, size, &room);
                assert_int_equal(room, size);
                blocks_give(&blocks, whole, room);
                void *half = blocks_take(&blocks, size / 2 + 1, &room);
                assert_int_equal(room, size);
                blocks_give(&blocks, half, room);
        }
        blocks_free(&blocks);
}

static void test_budget(void **state)
{
        struct blocks blocks;
        size_t room;

        (void)state;
        assert_true(blocks_init(&blocks, 1024));
        void *first = blocks_take(&blocks, 512, &room);
        assert_non_null(first);
        assert_non_null(blocks_take(&blocks, 512, &room));
        assert_null(blocks_take(&blocks, 1, &room));
        blocks_give(&blocks, first, 512);
        assert_non_null(blocks_take(&blocks, 256, &room));
        assert_non_null(blocks_take(&blocks, 256, &room));
        assert_null(blocks_take(&blocks, 1, &room));
        blocks_free(&blocks);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rooms),
                cmocka_unit_test(test_budget),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
