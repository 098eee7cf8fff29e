/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/collisions.h"

#include "base/clock.h"
#include "base/hash.h"

#include <math.h>
#include <stdio.h>

static struct counters counters;

static uint64_t name(uint64_t seed, uint64_t n)
{
        return hash_u64(&(struct hash_key){ seed, 5 }, n);
}

/* Values of scipy.stats.poisson.cdf(c, mean) are the same; these are by hand. */
static void the_surprise_is_that_of_poisson(void **state)
{
        (void)state;

        assert_float_equal(collisions_surprise(0, 16.118), 7.0, 1e-3); /* ln 1e7 */
        assert_float_equal(collisions_surprise(1, 2), -log10(3 * exp(-2)), 1e-12);
        assert_float_equal(collisions_surprise(2, 2), -log10(5 * exp(-2)), 1e-12);
        assert_float_equal(collisions_surprise(3, 2), -log10(19 / 3.0 * exp(-2)), 1e-12);
        assert_float_equal(collisions_surprise(5, 0), 0, 0);
        assert_float_equal(collisions_surprise(100000, 3), 0, 1e-12);
        /* Half of it, or so, is below the mean; and far below there is no 0. */
        assert_float_equal(collisions_surprise(10000, 10000), -log10(0.5026), 1e-3);
        assert_float_equal(collisions_surprise(0, 5000), 5000 / M_LN10, 1e-6);
}

static void pairs_and_repeats_are_counted(void **state)
{
        struct budget budget;
        struct collisions c = { 0 };
        (void)state;

        assert_true(budget_init(&budget, 1 << 20));
        for (unsigned i = 0; i < 5; i++)
                collisions_count(&c, &budget, &counters, name(1, i), 100);
        collisions_count(&c, &budget, &counters, name(1, 3), 100);
        assert_int_equal(c.small, 0); /* eight stand in the entry */
        /* C(6,2) = 15 pairs, one repeat, and lambda0 = 15 q^2 0.4082 = 3 */
        assert_float_equal(collisions_value(&c, 100, 0.2 / 0.49), -log10(4 * exp(-3)),
                           1e-6);
        assert_true(isnan(collisions_value(&c, 100, NAN)));
        /* In the next pane what is there still counts as the other one. */
        collisions_rotate(&c, 100, 101);
        collisions_count(&c, &budget, &counters, name(1, 1), 101);
        assert_int_equal(c.repeats[window_cell(101)], 1);
        assert_float_equal(c.pairs[window_cell(101)], 6, 0);
        collisions_rotate(&c, 101, 107);
        assert_float_equal(collisions_value(&c, 107, 0.2 / 0.49),
                           collisions_surprise(2, 21 * 0.2), 1e-9);
        collisions_rotate(&c, 107, 108);
        assert_float_equal(collisions_value(&c, 108, 0.2 / 0.49),
                           collisions_surprise(1, 6 * 0.2), 1e-6);
        /* A window after it began, it begins anew: nothing is repeated. */
        collisions_count(&c, &budget, &counters, name(1, 1), 108);
        assert_int_equal(c.repeats[window_cell(108)], 0);
        assert_float_equal(c.pairs[window_cell(108)], 0, 0);
        budget_free(&budget);
}

static void filters_come_with_need_and_go_back(void **state)
{
        struct budget budget;
        struct collisions c = { 0 };
        (void)state;

        assert_true(budget_init(&budget, 1 << 20));
        for (unsigned i = 0; i < 8; i++)
                collisions_count(&c, &budget, &counters, name(1, i), 100);
        assert_int_equal(c.small, 0);
        for (unsigned i = 8; i < 256; i++)
                collisions_count(&c, &budget, &counters, name(1, i), 100);
        assert_int_not_equal(c.small, 0);
        assert_int_equal(c.large, 0);
        for (unsigned i = 256; i < 4096; i++)
                collisions_count(&c, &budget, &counters, name(1, i), 100);
        assert_int_not_equal(c.large, 0);
        assert_true(c.repeats[window_cell(100)] < 6);
        c.repeats[window_cell(100)] = 0;
        struct collisions again = c;
        for (unsigned i = 0; i < 4095; i++) {
                again.live = 4095; /* looked at, but not put */
                collisions_count(&again, &budget, &counters, name(1, i), 100);
        }
        assert_int_equal(again.repeats[window_cell(100)], 4095);
        assert_float_equal(c.pairs[window_cell(100)], 4096.0 * 4095 / 2, 10);
        collisions_count(&c, &budget, &counters, name(1, 5), 100);
        assert_int_equal(c.live, 1);
        assert_int_equal(c.repeats[window_cell(100)], 0);
        collisions_clear(&c, &budget);
        assert_int_equal(budget.pages.used, 0);
        budget_free(&budget);
}

static void without_memory_it_begins_anew(void **state)
{
        struct budget budget;
        struct collisions c = { 0 };
        unsigned page;
        (void)state;

        assert_true(budget_init(&budget, 8 * BUDGET_PAGE));
        page = budget_class_of(&budget, BUDGET_PAGE);
        while (budget_take(&budget, page, BUDGET_GROWTH))
                ;
        counters.collisions_refused = 0;
        for (unsigned i = 0; i < 20; i++)
                collisions_count(&c, &budget, &counters, name(1, i), 100);
        assert_int_equal(counters.collisions_refused, 2);
        assert_float_equal(c.pairs[window_cell(100)], 28 + 28 + 6, 0);
        budget_free(&budget);
}

/* Views of 1,000 targets that are all alike, by as many people: s is 1e-3. */
static double learn(uint64_t seed, unsigned views, unsigned people, unsigned again)
{
        struct collisions_site site;
        double rate;

        assert_true(collisions_site_init(&site));
        for (uint64_t i = 0; i < views; i++) {
                uint64_t target = name(seed, name(seed + 1, i) % 1000);
                uint64_t person = name(seed + 2, name(seed + 3, i) % people);
                for (unsigned k = 0; k <= again; k++)
                        collisions_site_note(&site, target, person,
                                             (int64_t)i * NS_PER_SEC);
        }
        rate = collisions_site_rate(&site);
        collisions_site_free(&site);
        return rate;
}

static void the_rate_is_learnt_and_less_two_errors(void **state)
{
        unsigned above = 0;
        double mean = 0;
        (void)state;

        for (uint64_t seed = 1; seed <= 200; seed++) {
                double rate = learn(seed * 10, 500, 1000000, 0);
                above += rate > 1e-3;
                mean += rate / 200;
        }
        /* Some 100 collisions: two standard errors are 20 %; more than half of 500
           views repeat some target less than pairs say. */
        printf("s = 1e-3: %.2e in the mean, too high in %u of 200\n", mean, above);
        assert_true(above <= 8);
        assert_true(mean > 5e-4 && mean < 9e-4);
}

static void ones_own_views_are_no_collisions(void **state)
{
        (void)state;

        double once = learn(7, 400, 1000000, 0), often = learn(7, 400, 1000000, 5);
        assert_true(fabs(often / once - 1) < 0.15);
        /* One person alone says nothing. */
        assert_true(isnan(learn(7, 1000, 1, 0)));
        assert_true(isnan(learn(7, 40, 1000, 0)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_surprise_is_that_of_poisson),
                cmocka_unit_test(pairs_and_repeats_are_counted),
                cmocka_unit_test(filters_come_with_need_and_go_back),
                cmocka_unit_test(without_memory_it_begins_anew),
                cmocka_unit_test(the_rate_is_learnt_and_less_two_errors),
                cmocka_unit_test(ones_own_views_are_no_collisions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
