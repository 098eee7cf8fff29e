/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

static void test_parts(void **state)
{
        struct slice rest = SLICE("a,,b"), part;

        (void)state;
        assert_true(slice_next(&rest, ',', &part));
        assert_slice(part, "a");
        assert_true(slice_next(&rest, ',', &part));
        assert_slice(part, "");
        assert_true(slice_next(&rest, ',', &part));
        assert_slice(part, "b");
        assert_false(slice_next(&rest, ',', &part));
}

static void test_cutting_never_leaves_the_slice(void **state)
{
        struct slice s = SLICE("abc");

        (void)state;
        assert_slice(slice_from(s, 1), "bc");
        assert_int_equal(slice_from(s, 99).len, 0);
        assert_slice(slice_first(s, 2), "ab");
        assert_slice(slice_first(s, 99), "abc");
        assert_int_equal(slice_find(s, 'c'), 2);
        assert_int_equal(slice_find(s, 'x'), 3);
        assert_int_equal(slice_find(slice_none(), 'x'), 0);
}

static void test_comparing(void **state)
{
        struct slice name = SLICE("Content-Length"), head = SLICE("Content"),
                     tail = SLICE("Length");

        (void)state;
        assert_true(slice_equal_nocase(name, slice_str("content-LENGTH")));
        assert_false(slice_equal_nocase(name, slice_str("content-lengt")));
        /* Only letters differ in case: '[' and '{' do not. */
        assert_false(slice_equal_nocase(slice_str("["), slice_str("{")));
        assert_true(slice_starts_with(name, head));
        assert_true(slice_ends_with(name, tail));
        assert_false(slice_ends_with(tail, name));
        assert_true(slice_equal(slice_none(), slice_str("")));
}

static void test_taking(void **state)
{
        struct slice rest = SLICE("abcd"), part = slice_none();

        (void)state;
        assert_true(slice_take(&rest, 3, &part));
        assert_slice(part, "abc");
        assert_false(slice_take(&rest, 2, &part));
        assert_false(slice_take(&rest, UINT64_MAX, &part));
        assert_slice(part, "abc");
        assert_true(slice_take(&rest, 1, &part));
        assert_slice(part, "d");
        assert_true(slice_take(&rest, 0, &part));
        assert_int_equal(part.len, 0);
        assert_false(slice_take(&rest, 1, &part));
}

static void test_trim(void **state)
{
        (void)state;
        assert_slice(slice_trim(slice_str(" \t a b\t ")), "a b");
        assert_int_equal(slice_trim(slice_str(" \t ")).len, 0);
}

static void test_numbers(void **state)
{
        static const struct {
                const char *text;
                bool good;
                uint64_t value;
        } cases[] = {
                { "0", true, 0 },
                { "0042", true, 42 },
                { "18446744073709551615", true, UINT64_MAX },
                { "18446744073709551616", false, 0 },
                { "99999999999999999999", false, 0 },
                { "", false, 0 },
                { "+1", false, 0 },
                { "1 ", false, 0 },
                { "0x1", false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t value = 0;
                assert_int_equal(slice_to_u64(slice_str(cases[i].text), &value),
                                 cases[i].good);
                assert_true(value == cases[i].value);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parts),
                cmocka_unit_test(test_cutting_never_leaves_the_slice),
                cmocka_unit_test(test_comparing),
                cmocka_unit_test(test_taking),
                cmocka_unit_test(test_trim),
                cmocka_unit_test(test_numbers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
