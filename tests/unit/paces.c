/* SPDX-License-Identifier: MIT */
#include "detect/paces.h"

#include "base/hash.h"
#include "unit/unit.h"

#include <math.h>

#define FROM (20000 * INT64_C(86400) * NS_PER_SEC)

static uint64_t name(unsigned visitor)
{
        return hash_u64(&(struct hash_key){ 7, 8 }, visitor);
}

/* Nine requests, `gap_ms` apart; the bin of the pace. */
static int pace_of(uint32_t gap_ms)
{
        struct pace p = { .last_ms = 5 };
        int bin = -1;

        for (unsigned i = 1; i <= PACES_GAPS; i++) {
                assert_int_equal(bin, -1);
                bin = pace_add(&p, 5 + i * gap_ms);
        }
        return bin;
}

static void a_pace_is_a_mean_of_logarithms(void **state)
{
        struct pace p = { .last_ms = 0 };
        uint32_t now_ms = 0;
        (void)state;

        assert_int_equal(pace_of(1), 0);
        assert_int_equal(pace_of(2), 4);
        assert_int_equal(pace_of(1024), 40);
        assert_int_equal(pace_of(0), 0);
        assert_int_equal(pace_of(PACES_VISIT), 76);
        /* Half of them 256 ms, half 4096: as 1024 each. */
        for (unsigned i = 0; i < PACES_GAPS; i++) {
                now_ms += i % 2 ? 256 : 4096;
                assert_int_equal(pace_add(&p, now_ms), i == 7 ? 40 : -1);
        }
}

static void a_long_gap_and_a_late_one(void **state)
{
        struct pace p = { .last_ms = 0 };
        (void)state;

        for (unsigned i = 1; i < PACES_GAPS; i++)
                assert_int_equal(pace_add(&p, i * 1024), -1);
        assert_int_equal(pace_add(&p, 3 * 1024), -1); /* is passed over */
        assert_int_equal(p.gaps, 7);
        assert_int_equal(pace_add(&p, 7 * 1024 + PACES_VISIT + 1), -1);
        assert_int_equal(p.gaps, 0);
        /* More than 2^31 ms later. */
        assert_int_equal(pace_add(&p, UINT32_MAX - 5), -1);
        assert_int_equal(p.last_ms, UINT32_MAX - 5);
}

static void visit(struct paces *p, unsigned visitor, int64_t at_ns, uint32_t gap_ms)
{
        for (unsigned i = 0; i < 30; i++)
                paces_note(p, name(visitor), at_ns + i * gap_ms * NS_PER_MS);
}

static void a_visitor_counts_once(void **state)
{
        struct paces p;
        (void)state;

        assert_true(paces_init(&p));
        for (unsigned i = 0; i < 150; i++)
                visit(&p, i, FROM, 1024);
        assert_true(isnan(paces_share(&p, 40)));
        for (unsigned i = 150; i < 300; i++)
                visit(&p, i, FROM, 4096);
        double all = p.all / p.weight;
        assert_in_range(all, 280, 300); /* few share a place */
        assert_float_equal(paces_share(&p, 40), 0.5, 0.03);
        assert_float_equal(paces_share(&p, 39), 0.5, 0.03);
        assert_float_equal(paces_share(&p, 38), 1 / (all + 1), 1e-9);
        visit(&p, 1, FROM + 600 * NS_PER_SEC, 1024); /* is still here */
        assert_float_equal(p.all / p.weight, all, 1e-9);
        visit(&p, 1, FROM + 5000 * NS_PER_SEC, 1024); /* was away */
        assert_true(p.all / p.weight > all + 0.9);
        paces_free(&p);
}

static void old_visitors_fade(void **state)
{
        struct paces p;
        (void)state;

        assert_true(paces_init(&p));
        for (unsigned i = 0; i < 200000; i++)
                visit(&p, i, FROM + i * 10 * NS_PER_SEC, i < 150000 ? 1024 : 64);
        /* exp(-50000 / 16384), and what shares a place */
        assert_float_equal(paces_share(&p, 40), 0.05, 0.02);
        assert_true(isfinite(p.all));
        paces_free(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pace_is_a_mean_of_logarithms),
                cmocka_unit_test(a_long_gap_and_a_late_one),
                cmocka_unit_test(a_visitor_counts_once),
                cmocka_unit_test(old_visitors_fade),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
