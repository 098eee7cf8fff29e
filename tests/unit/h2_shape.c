/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "http/h2_shape.h"

static void test_text(void **state)
{
        static const uint8_t settings[] = { 0,    1, 0, 1,    0,    0, 0, 4, 0,
                                            0x60, 0, 0, 0x1a, 0x2a, 1, 2, 3, 4 };
        struct h2_shape shape = { 0 };
        struct h2_priority priority = { true, 1, 200 };

        (void)state;
        h2_shape_settings(&shape, slice_of(settings, sizeof(settings)));
        h2_shape_window(&shape, slice_of("\x80\xee\xff\1", 4));
        h2_shape_window(&shape, slice_of("\0\0\0\1", 4)); /* the first one counts */
        h2_shape_priority(&shape, 3, &priority);
        h2_shape_settings(&shape, slice_of(settings, 6));
        assert_slice(h2_shape_text(&shape),
                     "1:65536,4:6291456,g w15662849 p3:x1:200 1:65536");
}

static void test_order_counts(void **state)
{
        static const uint8_t one[] = { 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0 };
        static const uint8_t other[] = { 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 };
        struct h2_shape a = { 0 }, b = { 0 };

        (void)state;
        h2_shape_settings(&a, slice_of(one, sizeof(one)));
        h2_shape_settings(&b, slice_of(other, sizeof(other)));
        assert_slice(h2_shape_text(&a), "1:1,2:0");
        assert_slice(h2_shape_text(&b), "2:0,1:1");
}

static void test_bound(void **state)
{
        static uint8_t endless[6 * 2000];
        struct h2_shape shape = { 0 };
        struct h2_priority priority = { false, 0x7fffffff, 255 };

        (void)state;
        memset(endless, 0xff, sizeof(endless));
        for (int i = 0; i < 10; i++) {
                h2_shape_settings(&shape, slice_of(endless, sizeof(endless)));
                h2_shape_priority(&shape, 0x7fffffff, &priority);
        }
        assert_true(shape.len <= H2_SHAPE_TEXT);
        assert_true(shape.len > H2_SHAPE_TEXT - 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_order_counts),
                cmocka_unit_test(test_bound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
