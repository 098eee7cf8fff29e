/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/cold.h"

#include "base/clock.h"

#include <math.h>

#define HOUR (3600 * NS_PER_SEC)

struct site {
        struct cold_site site;
        struct cold_spread spread;
        struct cold_surge key;
        int64_t hour;
};

static void begin(struct site *s)
{
        *s = (struct site){ .hour = 500000 };
        cold_site_init(&s->site);
        cold_spread_init(&s->spread);
        cold_site_advance(&s->site, s->hour * HOUR);
}

static void rest(struct site *s, unsigned views, unsigned cold)
{
        for (unsigned i = 0; i < views; i++)
                cold_site_note(&s->site, i >= cold);
}

static void view(struct site *s, unsigned views, unsigned cold)
{
        for (unsigned i = 0; i < views; i++) {
                cold_site_note(&s->site, i >= cold);
                cold_surge_advance(&s->key, &s->site, &s->spread);
                cold_surge_count(&s->key, &s->site, i >= cold);
        }
}

static void next_hour(struct site *s, unsigned hours)
{
        s->hour += hours;
        cold_site_advance(&s->site, s->hour * HOUR + 5);
}

static double value(struct site *s)
{
        cold_surge_advance(&s->key, &s->site, &s->spread);
        return cold_surge_value(&s->key, &s->site, &s->spread);
}

/* What groups of so many views differ by. */
static double groups(double views)
{
        return COLD_DIFFER * COLD_DIFFER * views;
}

static void an_hour_is_judged_by_the_rest_of_that_hour(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        rest(&s, 999, 199); /* p = 199.5 / 1000 */
        view(&s, 100, 30);
        double p = 0.1995, variance = 100 * p * (1 - p) * (1 + 100 / 999.0 + groups(100));
        double z = (30 - 100 * p) / sqrt(variance);
        assert_float_equal(value(&s), z / 2 - 0.5, 1e-4);
        next_hour(&s, 1);
        /* The hour now is without a view: it says nothing of the one before. */
        rest(&s, 1000, 1000);
        assert_float_equal(value(&s), z / 2 - 0.5, 1e-4);
        assert_float_equal(s.spread.square,
                           4 + (z * z / 0.92056 - 4) / (COLD_CLOSINGS + 1), 1e-4);
        assert_float_equal(s.key.square, z * z / 0.99501, 1e-4);
        assert_float_equal(s.key.usual, z / 49, 1e-4);
        /* 30 views like all others of their hour. */
        begin(&s);
        rest(&s, 999, 199);
        view(&s, 100, 30);
        next_hour(&s, 1);
        rest(&s, 1000, 500);
        view(&s, 30, 15);
        next_hour(&s, 1);
        double sigma = sqrt(4 + (z * z / 0.92056 - 4) / (COLD_CLOSINGS + 1));
        double own = z * z / 0.99501 - sigma * sigma;
        sigma = own > 0 ? sqrt(sigma * sigma + own / 49) : sigma;
        assert_float_equal(value(&s), z / 2 - 1 - z / 49 / sigma, 1e-4);
}

/* However alike people are. */
static void sigma_is_not_below_its_least(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        s.spread.square = 0.5;
        rest(&s, 999, 199);
        view(&s, 100, 26);
        double p = 0.1995, variance = 100 * p * (1 - p) * (1 + 100 / 999.0 + groups(100));
        assert_float_equal(value(&s), (26 - 100 * p) / sqrt(variance) / COLD_LEAST - 0.5,
                           1e-4);
}

static void no_hour_counts_more_than_its_most(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned i = 1; i <= 7; i++) {
                rest(&s, 10000, 1000);
                view(&s, 100, 100);
                assert_float_equal(value(&s), i * 1.25, 1e-4);
                next_hour(&s, 1);
        }
}

/* What a group always does is usual, unless it is far out. */
static void a_key_has_its_usual_z(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 1000; i++) {
                rest(&s, 10000, 2000);
                view(&s, 400, 80 + 11); /* z is 1 */
                next_hour(&s, 1);
        }
        assert_true(value(&s) < 1);
        assert_true(s.key.usual > 0.85 && s.key.usual < 1.05);
        for (unsigned i = 0; i < 24; i++) {
                rest(&s, 10000, 2000);
                view(&s, 400, 80 + 34); /* z is 3 */
                next_hour(&s, 1);
        }
        assert_true(value(&s) > 10);
        begin(&s);
        for (unsigned i = 0; i < 1000; i++) {
                rest(&s, 10000, 2000);
                view(&s, 400, 320);
                next_hour(&s, 1);
        }
        assert_float_equal(value(&s), COLD_SUM_MAX, 1e-4);
}

/* By turns far above and far below: the others' sigma would make alarms of it. */
static void a_key_has_a_sigma_of_its_own(void **state)
{
        struct site s;
        double most = 0;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 1000; i++) {
                rest(&s, 10000, 2000);
                view(&s, 400, i % 8 < 4 ? 80 + 34 : 80 - 34);
                next_hour(&s, 1);
                if (i > 300 && value(&s) > most)
                        most = value(&s);
                s.spread.square = 1; /* what all other keys do */
        }
        assert_true(sqrt(s.key.square) > 2.5);
        assert_true(most < 3);
}

static void the_key_itself_is_not_of_the_rest(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        rest(&s, 99, 9);
        view(&s, 900, 150); /* nine in ten of all views of the site */
        double p = 0.095, variance = 900 * p * (1 - p) * (1 + 900 / 99.0 + groups(900));
        assert_float_equal(value(&s), (150 - 900 * p) / sqrt(variance) / 2 - 0.5, 1e-3);
}

static void part_of_an_hour_counts_as_part(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        rest(&s, 999, 199);
        view(&s, 400, 80);
        next_hour(&s, 1);
        rest(&s, 999, 199);
        view(&s, 24, 20);
        double before = value(&s); /* 24 views make no z */
        assert_float_equal(before, 0, 1e-6);
        view(&s, 1, 1);
        double p = 0.1995, full = 400 * p * (1 - p) * (1 + 400 / 999.0 + groups(400));
        double own = s.key.square - s.spread.square;
        double sigma = sqrt(s.spread.square + fmax(own, 0) / 49);
        assert_float_equal(
            value(&s), ((21 - 25 * p) / sqrt(full) - s.key.usual) / sigma - 0.5, 1e-3);
}

static void hours_with_few_views_are_put_together(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 5; i++) {
                rest(&s, 1000, 100);
                view(&s, 4, 4);
                assert_float_equal(value(&s), 0, 1e-6);
                next_hour(&s, 1);
        }
        rest(&s, 1000, 100);
        view(&s, 5, 5);
        assert_float_equal(value(&s), 1.25, 1e-4);
        /* A day without 25 is forgotten. */
        begin(&s);
        for (unsigned i = 0; i < 30; i++) {
                rest(&s, 1000, 100);
                view(&s, 2, 2);
                assert_float_equal(value(&s), 0, 1e-6);
                next_hour(&s, 2);
        }
}

static void hours_without_a_rest_are_passed_over(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        rest(&s, 49, 0);
        view(&s, 100, 100);
        assert_float_equal(value(&s), 0, 1e-6);
        next_hour(&s, 1);
        assert_float_equal(value(&s), 0, 1e-6);
        /* An hour that the site has forgotten, as well. */
        rest(&s, 1000, 100);
        view(&s, 100, 100);
        next_hour(&s, COLD_HOURS);
        rest(&s, 1000, 100);
        assert_float_equal(value(&s), 0, 1e-6);
}

static void the_sum_has_an_end_and_comes_down(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 50; i++) {
                rest(&s, 10000, 1000);
                view(&s, 100, 100);
                next_hour(&s, 1);
        }
        assert_float_equal(value(&s), COLD_SUM_MAX, 1e-6);
        for (unsigned i = 0; i < 45; i++) {
                rest(&s, 10000, 1000);
                view(&s, 100, 10);
                next_hour(&s, 1);
        }
        assert_float_equal(value(&s), 0, 1e-6);
}

/* On a busy site nothing is cold: what most views are rarer than counts for little. */
static void rare_is_what_is_rare_on_this_site(void **state)
{
        static const unsigned levels[] = { 9, 11, 12, 13, 14, 15, 15, 16, 16, 16 };
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned hour = 0; hour < 12; hour++) {
                for (unsigned i = 0; i < 2000; i++)
                        cold_site_note(&s.site, levels[i % 10]);
                for (unsigned i = 0; i < 300; i++) {
                        unsigned level = i % 2 ? levels[i % 10] : levels[i / 2 % 4];
                        cold_site_note(&s.site, level);
                        cold_surge_advance(&s.key, &s.site, &s.spread);
                        cold_surge_count(&s.key, &s.site, level);
                }
                if (hour == 0)
                        assert_float_equal(value(&s), 0, 1e-6);
                next_hour(&s, 1);
        }
        assert_int_equal(s.site.score[0], COLD_SCORE);
        assert_int_equal(s.site.score[16], 0);
        assert_in_range(s.site.score[13], s.site.score[14] + 1, s.site.score[12] - 1);
        assert_true(value(&s) > 4);
}

/* By how much is the same for thousands of views and for millions. */
static void a_large_group_may_differ_a_little(void **state)
{
        struct site s;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 100; i++) {
                rest(&s, 200000, 40000);
                view(&s, 20000, 4000 + 400); /* 2 % more than 20: 7 sigma of a coin */
                next_hour(&s, 1);
                assert_true(value(&s) < 5);
        }
        for (unsigned i = 0; i < 12; i++) {
                rest(&s, 200000, 40000);
                view(&s, 20000, 4000 + 3000);
                next_hour(&s, 1);
        }
        assert_true(value(&s) > 10);
}

/* sigma follows what keys do, and few scrapers do not make it wide. */
static void sigma_is_learnt(void **state)
{
        struct site s;
        double square;
        (void)state;

        begin(&s);
        for (unsigned i = 0; i < 3000; i++) {
                rest(&s, 10000, 2000);
                /* z is 3 or -3 by turns, nearly: 3 sqrt(160 * 0.16 * 1.416) = 18.1 */
                view(&s, 160, i % 2 ? 32 + 18 : 32 - 18);
                next_hour(&s, 1);
        }
        square = s.spread.square;
        assert_true(square > 7.5 && square < 10);
        begin(&s);
        for (unsigned i = 0; i < 3000; i++) {
                struct cold_surge people = s.key;
                rest(&s, 10000, 2000);
                if (i % 20 == 0)
                        s.key = (struct cold_surge){ 0 };
                view(&s, 160, i % 20 == 0 ? 160 : i % 2 ? 38 : 26);
                next_hour(&s, 1);
                value(&s);
                if (i % 20 == 0)
                        s.key = people;
        }
        /* z is 1; 5 % of hours far out. */
        assert_true(s.spread.square < 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_hour_is_judged_by_the_rest_of_that_hour),
                cmocka_unit_test(sigma_is_not_below_its_least),
                cmocka_unit_test(no_hour_counts_more_than_its_most),
                cmocka_unit_test(a_key_has_its_usual_z),
                cmocka_unit_test(a_key_has_a_sigma_of_its_own),
                cmocka_unit_test(the_key_itself_is_not_of_the_rest),
                cmocka_unit_test(part_of_an_hour_counts_as_part),
                cmocka_unit_test(hours_with_few_views_are_put_together),
                cmocka_unit_test(hours_without_a_rest_are_passed_over),
                cmocka_unit_test(the_sum_has_an_end_and_comes_down),
                cmocka_unit_test(rare_is_what_is_rare_on_this_site),
                cmocka_unit_test(a_large_group_may_differ_a_little),
                cmocka_unit_test(sigma_is_learnt),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
