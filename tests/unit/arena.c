/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/arena.h"

#include <stdalign.h>

static bool is_zero(const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (bytes[i])
                        return false;
        return true;
}

/* Of all sizes: aligned, zeroed, apart from each other, and still there at the end. */
static void test_takes(void **state)
{
        struct arena arena = { NULL };
        uint8_t *taken[300];

        (void)state;
        for (size_t i = 0; i < 300; i++) {
                size_t size = i * i % 9001;
                taken[i] = arena_take(&arena, size);
                assert_int_equal((uintptr_t)taken[i] % alignof(max_align_t), 0);
                assert_true(is_zero(taken[i], size));
                memset(taken[i], (int)(i % 255) + 1, size);
        }
        for (size_t i = 0; i < 300; i++)
                for (size_t at = 0; at < i * i % 9001; at++)
                        assert_int_equal(taken[i][at], i % 255 + 1);
        arena_free(&arena);
        assert_null(arena.blocks);
        arena_free(&arena);
}

static void test_copies(void **state)
{
        struct arena arena = { NULL };
        char text[] = "text";
        struct slice copy = arena_copy(&arena, slice_str(text));

        (void)state;
        text[0] = 'x';
        assert_slice(copy, "text");
        assert_int_equal(copy.data[4], 0);
        copy = arena_copy(&arena, slice_none());
        assert_int_equal(copy.len, 0);
        assert_int_equal(copy.data[0], 0);
        arena_free(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_takes),
                cmocka_unit_test(test_copies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
