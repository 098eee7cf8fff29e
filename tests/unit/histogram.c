/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include "unit/unit.h"

static void edges_rise_and_hold_their_own_value(void **state)
{
        (void)state;
        assert_int_equal(histogram_edges_ns[0], 100);
        assert_int_equal(histogram_edges_ns[1], 250);
        assert_int_equal(histogram_edges_ns[HISTOGRAM_EDGES - 1], INT64_C(10000000000));
        for (unsigned i = 0; i < HISTOGRAM_EDGES; i++) {
                struct histogram h = { 0 };
                if (i)
                        assert_true(histogram_edges_ns[i - 1] < histogram_edges_ns[i]);
                histogram_add(&h, histogram_edges_ns[i]);
                histogram_add(&h, histogram_edges_ns[i] + 1);
                assert_int_equal(h.counts[i], 1);
                if (i + 1 < HISTOGRAM_EDGES)
                        assert_int_equal(h.counts[i + 1], 1);
                assert_int_equal(h.count, 2);
                assert_int_equal(h.sum_ns, 2 * histogram_edges_ns[i] + 1);
        }
}

static void what_is_below_and_above_is_counted(void **state)
{
        struct histogram h = { 0 };
        uint64_t in_edges = 0;

        (void)state;
        histogram_add(&h, -5);
        histogram_add(&h, 0);
        histogram_add(&h, INT64_C(3600000000000));
        assert_int_equal(h.counts[0], 2);
        for (unsigned i = 0; i < HISTOGRAM_EDGES; i++)
                in_edges += h.counts[i];
        assert_int_equal(in_edges, 2);
        assert_int_equal(h.count, 3);
        assert_int_equal(h.sum_ns, INT64_C(3600000000000));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(edges_rise_and_hold_their_own_value),
                cmocka_unit_test(what_is_below_and_above_is_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
