/* SPDX-License-Identifier: MIT */
#include "timing.h"

#include "fake_lab.h"
#include "unit/unit.h"

#include <math.h>

#define DRAWS 50000

struct gaps {
        double mean_s, least_s, most_s, sigma; /* of the logarithms */
};

static struct gaps draw(enum timing_kind kind)
{
        struct dice dice = dice_of(1, 2);
        struct gaps g = { .least_s = 1e9 };
        double sum = 0, logs = 0, squares = 0;

        for (unsigned i = 0; i < DRAWS; i++) {
                double s = (double)timing_gap(kind, 10, &dice) / 1e9;

                sum += s;
                logs += log(s);
                squares += log(s) * log(s);
                g.least_s = fmin(g.least_s, s);
                g.most_s = fmax(g.most_s, s);
        }
        g.mean_s = sum / DRAWS;
        g.sigma = sqrt(squares / DRAWS - logs / DRAWS * logs / DRAWS);
        return g;
}

static void test_gaps_have_the_mean_and_the_shape(void **state)
{
        struct gaps fixed = draw(TIMING_FIXED), jitter = draw(TIMING_JITTER),
                    human = draw(TIMING_HUMAN);

        (void)state;
        assert_true(fixed.least_s == 10 && fixed.most_s == 10);
        assert_true(fabs(jitter.mean_s - 10) < 0.1);
        assert_true(jitter.least_s >= 5 && jitter.most_s <= 15);
        assert_true(jitter.least_s < 5.1 && jitter.most_s > 14.9);
        assert_true(fabs(human.mean_s - 10) < 0.6);
        assert_true(fabs(human.sigma - 1.2) < 0.02);
}

static void test_moments_are_spread_evenly_and_in_order(void **state)
{
        struct dice dice = dice_of(1, 3);
        unsigned quarter[4] = { 0 };
        int64_t now = 1000, end = now + 4 * HOUR_NS;

        (void)state;
        for (uint32_t left = 20000; left > 0; left--) {
                int64_t next = timing_spread(now, end, left, &dice);

                assert_true(next >= now && next <= end);
                now = next;
                if (next < end)
                        quarter[(next - 1000) / HOUR_NS]++;
        }
        for (unsigned i = 0; i < 4; i++)
                assert_in_range(quarter[i], 4800, 5200);
}

static void nothing(struct lab *lab)
{
        (void)lab;
}

static void test_a_pace_allows_so_many_and_no_more(void **state)
{
        struct lab *lab = fake_run(nothing, "seed: 1");
        const struct pace_limits limits = { .most = { 10, 25, 0 } };
        struct pace *p = pace_new(lab, &limits);
        int64_t now = BEGIN_NS, minute = 60 * (int64_t)NS_PER_SEC;

        (void)state;
        /* Ten at once; the eleventh when the first is ten minutes old. */
        for (unsigned i = 0; i < 10; i++) {
                assert_true(pace_free_at(p, now) == now);
                pace_note(p, now);
        }
        assert_true(pace_free_at(p, now) == now + 10 * minute + 1);
        now = pace_free_at(p, now);
        for (unsigned i = 0; i < 10; i++)
                pace_note(p, now);
        now = pace_free_at(p, now);
        for (unsigned i = 0; i < 5; i++)
                pace_note(p, now);
        /* 25 in this hour: the next is an hour after the first. */
        assert_true(pace_free_at(p, now) == BEGIN_NS + 60 * minute + 1);
        pace_clear(p);
        assert_true(pace_free_at(p, now) == now);
        fake_free(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gaps_have_the_mean_and_the_shape),
                cmocka_unit_test(test_moments_are_spread_evenly_and_in_order),
                cmocka_unit_test(test_a_pace_allows_so_many_and_no_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
