/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/fit.h"

#include <math.h>
#include <stdio.h>

#define HOUR (3600 * NS_PER_SEC)
#define DAY  (24 * HOUR)
#define FROM (20000 * DAY)

static struct counters counters;

enum { CHROME = 1001, FIREFOX = 1002, NAVIGATION = 5, FETCH = 6 };

static uint64_t name(uint64_t n)
{
        return hash_u64(&(struct hash_key){ 3, 4 }, n);
}

static struct fit_sight sight(unsigned visitor, unsigned family, unsigned page,
                              unsigned shape, unsigned ja4)
{
        return (struct fit_sight){ name(visitor), name(family), name(page), name(shape),
                                   ja4 ? name(ja4) : 0 };
}

static void see(struct fit *f, unsigned visitor, unsigned family, unsigned page,
                unsigned shape, unsigned ja4)
{
        struct fit_sight s = sight(visitor, family, page, shape, ja4);

        fit_note(f, &s);
}

static double value(const struct fit *f, unsigned visitor, unsigned family, unsigned page,
                    unsigned shape, unsigned ja4)
{
        struct fit_sight s = sight(visitor, family, page, shape, ja4);

        return fit_value(f, &s);
}

static void begin(struct fit *f)
{
        counters = (struct counters){ 0 };
        assert_true(fit_init(f, 1 << 20, &counters));
        fit_advance(f, FROM);
}

static void it_is_the_share_of_visitors(void **state)
{
        struct fit f;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < 90; i++)
                for (unsigned k = 0; k < 3; k++) /* again is the same visitor */
                        see(&f, i, CHROME, NAVIGATION, 1, 0);
        for (unsigned i = 90; i < 99; i++)
                see(&f, i, CHROME, NAVIGATION, 2, 0);
        see(&f, 500, CHROME, FETCH, 3, 0);
        see(&f, 501, FIREFOX, NAVIGATION, 3, 0);
        assert_true(isnan(value(&f, 999, CHROME, NAVIGATION, 1, 0)));
        fit_advance(&f, FROM + 12 * HOUR);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 1, 0), log2(90.5 / 100),
                           1e-6);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 2, 0), log2(9.5 / 100),
                           1e-6);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 3, 0), log2(0.5 / 100),
                           1e-6);
        /* A visitor is not its own precedent. */
        assert_float_equal(value(&f, 95, CHROME, NAVIGATION, 2, 0), log2(8.5 / 99), 1e-6);
        assert_float_equal(value(&f, 501, FIREFOX, NAVIGATION, 3, 0), -1, 1e-6);
        /* Of a family that nobody else claims nothing is said. */
        assert_float_equal(value(&f, 999, 77, NAVIGATION, 1, 0), -1, 1e-6);
        fit_free(&f);
}

static void the_less_usual_of_shape_and_hello_counts(void **state)
{
        struct fit f;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < 99; i++)
                see(&f, i, CHROME, NAVIGATION, 1, i < 50 ? 8 : 0);
        fit_advance(&f, FROM + 12 * HOUR);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 1, 8), log2(50.5 / 51),
                           1e-6);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 1, 9), log2(0.5 / 51),
                           1e-6);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 2, 8), log2(0.5 / 100),
                           1e-6);
        fit_free(&f);
}

static void what_has_no_family_or_shape_has_no_fit(void **state)
{
        struct fit f;
        struct fit_sight s = sight(1, CHROME, NAVIGATION, 1, 0);
        (void)state;

        begin(&f);
        fit_advance(&f, FROM + 13 * HOUR);
        assert_false(isnan(fit_value(&f, &s)));
        s.shape = 0;
        assert_true(isnan(fit_value(&f, &s)));
        s = sight(1, CHROME, NAVIGATION, 1, 0);
        s.family = 0;
        assert_true(isnan(fit_value(&f, &s)));
        fit_free(&f);
}

static void a_day_loses_an_eighth(void **state)
{
        struct fit f;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < 80; i++)
                see(&f, i, CHROME, NAVIGATION, 1, 0);
        fit_advance(&f, FROM + DAY);
        for (unsigned i = 0; i < 30; i++) /* some of them again, with a new release */
                see(&f, i, CHROME, NAVIGATION, 2, 0);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 1, 0), log2(70.5 / 101),
                           1e-5);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 2, 0), log2(30.5 / 101),
                           1e-5);
        fit_free(&f);
}

/* Ten thousand visitors, each with a shape of its own, do not drive out the usual. */
static void a_flood_of_shapes_evicts_the_rarest(void **state)
{
        struct fit f;
        (void)state;

        assert_true(fit_init(&f, 64 << 10, &counters));
        fit_advance(&f, FROM);
        for (unsigned i = 0; i < 200; i++)
                see(&f, i, CHROME, NAVIGATION, 10 + i % 2, 0);
        counters.fit_evicted = counters.fit_saturated = 0;
        for (unsigned i = 0; i < 10000; i++)
                see(&f, 1000000 + i, FIREFOX, NAVIGATION, 2000000 + i, 0);
        assert_true(counters.fit_evicted > 7000);
        assert_true(counters.fit_saturated > 1000);
        fit_advance(&f, FROM + 12 * HOUR);
        assert_float_equal(value(&f, 999, CHROME, NAVIGATION, 10, 0), log2(0.5), 0.1);
        assert_true(value(&f, 999, FIREFOX, NAVIGATION, 77, 0) < -12);
        fit_free(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_the_share_of_visitors),
                cmocka_unit_test(the_less_usual_of_shape_and_hello_counts),
                cmocka_unit_test(what_has_no_family_or_shape_has_no_fit),
                cmocka_unit_test(a_day_loses_an_eighth),
                cmocka_unit_test(a_flood_of_shapes_evicts_the_rarest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
