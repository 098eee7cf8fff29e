/* SPDX-License-Identifier: MIT */
/*
 * Distributions against their exact moments and quantiles. Bounds are five standard
 * errors of what is measured, and the seed is fixed: a failure is a mistake, not bad
 * luck.
 */
#include "dice.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>

#define DRAWS 400000

typedef double draw_fn(struct dice *);

static double values[DRAWS];

static int ascending(const void *left, const void *right)
{
        double a = *(const double *)left, b = *(const double *)right;

        return (a > b) - (a < b);
}

static void draw_all(draw_fn *draw, uint64_t name)
{
        struct dice d = dice_of(1, name);

        for (unsigned i = 0; i < DRAWS; i++)
                values[i] = draw(&d);
        qsort(values, DRAWS, sizeof(*values), ascending);
}

static double mean_of(void)
{
        double sum = 0;

        for (unsigned i = 0; i < DRAWS; i++)
                sum += values[i];
        return sum / DRAWS;
}

static double variance_of(double mean)
{
        double sum = 0;

        for (unsigned i = 0; i < DRAWS; i++)
                sum += (values[i] - mean) * (values[i] - mean);
        return sum / DRAWS;
}

static void assert_mean(double mean, double variance)
{
        double error = 5 * sqrt(variance / DRAWS);

        assert_true(fabs(mean_of() - mean) < error);
}

/* `below` of all lie under x. */
static void assert_part_below(double x, double below)
{
        unsigned n = 0;

        while (n < DRAWS && values[n] < x)
                n++;
        /* In a tail where a few are expected, a few more are none of the normal law. */
        double error = 5 * sqrt(below * (1 - below) / DRAWS) + 3.0 / DRAWS;
        assert_true(fabs((double)n / DRAWS - below) < error);
}

static double draw_unit(struct dice *d)
{
        return dice_unit(d);
}

static void test_unit(void **state)
{
        (void)state;
        draw_all(draw_unit, 1);
        assert_true(values[0] >= 0 && values[DRAWS - 1] < 1);
        assert_mean(0.5, 1.0 / 12);
        for (double x = 0.05; x < 1; x += 0.05)
                assert_part_below(x, x);
}

static double draw_normal(struct dice *d)
{
        return dice_normal(d);
}

static void test_normal(void **state)
{
        (void)state;
        draw_all(draw_normal, 2);
        assert_mean(0, 1);
        assert_true(fabs(variance_of(mean_of()) - 1) < 5 * sqrt(2.0 / DRAWS));
        for (double x = -3; x <= 3; x += 0.5)
                assert_part_below(x, 0.5 * erfc(-x / sqrt(2)));
}

static double draw_exponential(struct dice *d)
{
        return dice_exponential(d, 7);
}

static void test_exponential(void **state)
{
        (void)state;
        draw_all(draw_exponential, 3);
        assert_mean(7, 49);
        for (double x = 1; x < 40; x *= 2)
                assert_part_below(x, 1 - exp(-x / 7));
}

static double draw_lognormal(struct dice *d)
{
        return dice_lognormal(d, 12, 1.2);
}

static void test_lognormal(void **state)
{
        (void)state;
        draw_all(draw_lognormal, 4);
        assert_part_below(12, 0.5);
        for (double x = 1; x < 200; x *= 3)
                assert_part_below(x, 0.5 * erfc(-log(x / 12) / 1.2 / sqrt(2)));
}

static double draw_inverse_gaussian(struct dice *d)
{
        return dice_inverse_gaussian(d, 3, 6.2);
}

static double phi(double x)
{
        return 0.5 * erfc(-x / sqrt(2));
}

static void test_inverse_gaussian(void **state)
{
        const double m = 3, l = 6.2;

        (void)state;
        draw_all(draw_inverse_gaussian, 5);
        assert_mean(m, m * m * m / l);
        for (double x = 0.5; x < 20; x *= 1.7) {
                double r = sqrt(l / x);
                assert_part_below(x, phi(r * (x / m - 1)) +
                                         exp(2 * l / m) * phi(-r * (x / m + 1)));
        }
}

static double draw_weibull(struct dice *d)
{
        return dice_weibull(d, 5, 0.7);
}

static void test_weibull(void **state)
{
        (void)state;
        draw_all(draw_weibull, 6);
        for (double x = 0.2; x < 50; x *= 2)
                assert_part_below(x, 1 - exp(-pow(x / 5, 0.7)));
}

static double draw_pareto(struct dice *d)
{
        return dice_pareto(d, 2, 1.5);
}

static void test_pareto(void **state)
{
        (void)state;
        draw_all(draw_pareto, 7);
        assert_true(values[0] >= 2);
        for (double x = 2.2; x < 100; x *= 2)
                assert_part_below(x, 1 - pow(2 / x, 1.5));
}

static double poisson_mean;

static double draw_poisson(struct dice *d)
{
        return dice_poisson(d, poisson_mean);
}

/* Small means are drawn in one way, large ones in another. */
static void test_poisson(void **state)
{
        static const double means[] = { 0.35, 3, 11.9, 12.1, 80, 5000 };

        (void)state;
        for (unsigned i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
                poisson_mean = means[i];
                draw_all(draw_poisson, 8 + i);
                assert_mean(means[i], means[i]);
                double error = 5 * sqrt((means[i] + 2 * means[i] * means[i]) / DRAWS);
                assert_true(fabs(variance_of(means[i]) - means[i]) < error);
                double sum = 0;
                for (unsigned k = 0; k < 30 && means[i] < 15; k++) {
                        sum += exp(k * log(means[i]) - means[i] - lgamma(k + 1));
                        assert_part_below(k + 0.5, sum < 1 ? sum : 1);
                }
        }
        struct dice d = dice_of(1, 1);
        assert_int_equal(dice_poisson(&d, 0), 0);
}

static void test_below(void **state)
{
        enum { SIDES = 7 };
        unsigned seen[SIDES] = { 0 };
        struct dice d = dice_of(1, 20);
        double chi = 0, each = (double)DRAWS / SIDES;

        (void)state;
        for (unsigned i = 0; i < DRAWS; i++)
                seen[dice_below(&d, SIDES)]++;
        for (unsigned i = 0; i < SIDES; i++)
                chi += (seen[i] - each) * (seen[i] - each) / each;
        assert_true(chi < 30); /* 6 degrees of freedom: 1 in 26 000 */
        assert_int_equal(dice_below(&d, 1), 0);
        /* A count where a plain remainder would prefer the lower half. */
        unsigned low = 0;
        for (unsigned i = 0; i < DRAWS; i++)
                low += dice_below(&d, 3U << 30) < 3U << 29;
        assert_true(fabs(low - DRAWS / 2.0) < 5 * sqrt(DRAWS / 4.0));
}

static void test_weighted(void **state)
{
        static const double weights[] = { 1, 0, 5, 2 };
        unsigned seen[4] = { 0 };
        struct dice d = dice_of(1, 21);

        (void)state;
        for (unsigned i = 0; i < DRAWS; i++)
                seen[dice_weighted(&d, weights, 4)]++;
        assert_int_equal(seen[1], 0);
        for (unsigned i = 0; i < 4; i++) {
                double p = weights[i] / 8;
                assert_true(fabs(seen[i] - p * DRAWS) <= 5 * sqrt(p * (1 - p) * DRAWS));
        }
}

/* The exact law, rank by rank and then in powers of two. */
static void check_zipf(double s, uint32_t count)
{
        struct zipf zipf = zipf_of(s, count);
        struct dice d = dice_of(1, (uint64_t)(s * 100) + count);
        double *part = calloc(count, sizeof(*part)), sum = 0;
        unsigned *seen = calloc(count, sizeof(*seen));

        assert_true(part && seen);
        for (uint32_t i = 0; i < count; i++)
                sum += part[i] = pow(i + 1.0, -s);
        for (unsigned i = 0; i < DRAWS; i++) {
                uint32_t rank = zipf_draw(&zipf, &d);
                assert_true(rank < count);
                seen[rank]++;
        }
        for (uint32_t from = 0, to = 1; from < count; from = to, to = 2 * to) {
                double p = 0, n = 0;
                for (uint32_t i = from; i < to && i < count; i++) {
                        p += part[i] / sum;
                        n += seen[i];
                }
                assert_true(fabs(n - p * DRAWS) <= 5 * sqrt(p * (1 - p) * DRAWS) + 1);
        }
        for (uint32_t i = 0; i < count && i < 20; i++) {
                double p = part[i] / sum;
                assert_true(fabs(seen[i] - p * DRAWS) <=
                            5 * sqrt(p * (1 - p) * DRAWS) + 1);
        }
        free(part);
        free(seen);
}

static void test_zipf(void **state)
{
        static const double exponents[] = { 0, 0.6, 0.8, 1, 1.0000001, 1.4, 2 };

        (void)state;
        for (unsigned i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
                check_zipf(exponents[i], 1);
                check_zipf(exponents[i], 2);
                check_zipf(exponents[i], 1000);
                check_zipf(exponents[i], 1000000);
        }
}

/* Streams of neighbouring names and seeds have nothing in common. */
static void test_streams(void **state)
{
        enum { STREAMS = 2000, LENGTH = 50 };
        double xy = 0, first = 0;

        (void)state;
        for (uint64_t name = 0; name < STREAMS; name++) {
                struct dice a = dice_of(1, name), b = dice_of(1, name + 1);
                struct dice c = dice_of(2, name);
                first += dice_unit(&a);
                dice_unit(&b);
                for (unsigned i = 0; i < LENGTH; i++) {
                        double x = dice_unit(&a) - 0.5;
                        xy += x * (dice_unit(&b) - 0.5) + x * (dice_unit(&c) - 0.5);
                }
        }
        double n = 2.0 * STREAMS * LENGTH;
        assert_true(fabs(xy) < 5 * sqrt(n) / 12);
        assert_true(fabs(first / STREAMS - 0.5) < 5 * sqrt(1.0 / 12 / STREAMS));
        struct dice a = dice_of(3, 4), b = dice_of(3, 4);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(dice_bits(&a), dice_bits(&b));
        assert_true(dice_name(1, "people", 2) != dice_name(1, "people", 3));
        assert_true(dice_name(1, "people", 2) != dice_name(1, "traps", 2));
        assert_true(dice_name(1, "people", 2) != dice_name(2, "people", 2));
}

static void test_permute(void **state)
{
        static const uint32_t counts[] = { 1, 2, 3, 10, 254, 1024, 1025, 100000 };

        (void)state;
        for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
                uint8_t *seen = calloc(counts[c], 1);
                uint32_t moved = 0;
                assert_non_null(seen);
                for (uint32_t i = 0; i < counts[c]; i++) {
                        uint32_t to = dice_permute(77, counts[c], i);
                        assert_true(to < counts[c] && !seen[to]);
                        seen[to] = 1;
                        moved += to != dice_permute(78, counts[c], i);
                }
                assert_true(counts[c] < 10 || moved > counts[c] / 2);
                free(seen);
        }
}

/* Neighbours do not stay neighbours. */
static void test_permute_spreads(void **state)
{
        enum { COUNT = 1000000 };
        double sum = 0;
        unsigned near = 0;

        (void)state;
        for (uint32_t i = 0; i + 1 < 20000; i++) {
                double a = dice_permute(5, COUNT, i), b = dice_permute(5, COUNT, i + 1);
                sum += fabs(a - b);
                near += fabs(a - b) < 100;
        }
        assert_true(fabs(sum / 20000 / COUNT - 1.0 / 3) < 0.05);
        assert_true(near < 40); /* four are expected */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit),
                cmocka_unit_test(test_normal),
                cmocka_unit_test(test_exponential),
                cmocka_unit_test(test_lognormal),
                cmocka_unit_test(test_inverse_gaussian),
                cmocka_unit_test(test_weibull),
                cmocka_unit_test(test_pareto),
                cmocka_unit_test(test_poisson),
                cmocka_unit_test(test_below),
                cmocka_unit_test(test_weighted),
                cmocka_unit_test(test_zipf),
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_permute),
                cmocka_unit_test(test_permute_spreads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
