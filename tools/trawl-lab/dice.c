/* SPDX-License-Identifier: MIT */
#include "dice.h"

#include "base/check.h"

#include <math.h>

static uint64_t splitmix(uint64_t *state)
{
        uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
}

struct dice dice_of(uint64_t seed, uint64_t name)
{
        uint64_t state = dice_mix(seed, name);
        struct dice dice;

        for (unsigned i = 0; i < 4; i++)
                dice.state[i] = splitmix(&state);
        return dice;
}

uint64_t dice_name(uint64_t seed, const char *text, uint64_t number)
{
        uint64_t name = seed;

        for (; *text; text++)
                name = dice_mix(name, (uint8_t)*text);
        return dice_mix(name, number);
}

static uint64_t rotate(uint64_t x, unsigned by)
{
        return x << by | x >> (64 - by);
}

uint64_t dice_bits(struct dice *d)
{
        uint64_t *s = d->state;
        uint64_t result = rotate(s[0] + s[3], 23) + s[0], shifted = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = rotate(s[3], 45);
        return result;
}

double dice_unit(struct dice *d)
{
        return dice_unit_of(dice_bits(d));
}

/* For logarithms: 0 < u <= 1. */
static double unit_above_zero(struct dice *d)
{
        return 1 - dice_unit(d);
}

/* Lemire 2019: a multiplication, and seldom a division. */
uint32_t dice_below(struct dice *d, uint32_t count)
{
        CHECK(count > 0);
        uint64_t product = (dice_bits(d) >> 32) * count;

        if ((uint32_t)product < count) {
                uint32_t least = -count % count;
                while ((uint32_t)product < least)
                        product = (dice_bits(d) >> 32) * count;
        }
        return (uint32_t)(product >> 32);
}

bool dice_chance(struct dice *d, double p)
{
        return dice_unit(d) < p;
}

/* Box and Muller; the second value is not kept, so that a stream is its state alone. */
double dice_normal(struct dice *d)
{
        double radius = sqrt(-2 * log(unit_above_zero(d)));

        return radius * cos(2 * M_PI * dice_unit(d));
}

double dice_exponential(struct dice *d, double mean)
{
        return -mean * log(unit_above_zero(d));
}

double dice_lognormal(struct dice *d, double median, double sigma)
{
        return median * exp(sigma * dice_normal(d));
}

/* Michael, Schucany, Haas 1976: one of the two roots of a chi-square. */
double dice_inverse_gaussian(struct dice *d, double mean, double lambda)
{
        double normal = dice_normal(d), y = mean * normal * normal;
        double root = mean + mean / (2 * lambda) * (y - sqrt(4 * lambda * y + y * y));

        return dice_unit(d) * (mean + root) <= mean ? root : mean * mean / root;
}

double dice_weibull(struct dice *d, double scale, double shape)
{
        return scale * pow(-log(unit_above_zero(d)), 1 / shape);
}

double dice_pareto(struct dice *d, double least, double alpha)
{
        return least * pow(unit_above_zero(d), -1 / alpha);
}

/* Knuth: how many factors until the product is below e^-mean. */
static uint32_t poisson_small(struct dice *d, double mean)
{
        double end = exp(-mean), product = unit_above_zero(d);
        uint32_t n = 0;

        for (; product > end; n++)
                product *= unit_above_zero(d);
        return n;
}

/* Hörmann 1993, PTRS: transformed rejection with a squeeze. */
static uint32_t poisson_large(struct dice *d, double mean)
{
        double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
        double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        double v_least = 0.9277 - 3.6224 / (b - 2);

        for (;;) {
                double u = dice_unit(d) - 0.5, v = unit_above_zero(d);
                double us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + mean + 0.43);
                if (us >= 0.07 && v <= v_least)
                        return (uint32_t)k;
                if (k < 0 || (us < 0.013 && v > us))
                        continue;
                if (log(v * inverse_alpha / (a / (us * us) + b)) <=
                    k * log(mean) - mean - lgamma(k + 1))
                        return (uint32_t)k;
        }
}

uint32_t dice_poisson(struct dice *d, double mean)
{
        if (mean <= 0)
                return 0;
        return mean < 12 ? poisson_small(d, mean) : poisson_large(d, mean);
}

unsigned dice_weighted(struct dice *d, const double *weights, unsigned count)
{
        double total = 0;

        CHECK(count > 0);
        for (unsigned i = 0; i < count; i++)
                total += weights[i];
        double u = dice_unit(d) * total;
        unsigned last = 0;
        for (unsigned i = 0; i < count; i++) {
                if (weights[i] <= 0)
                        continue;
                if (u < weights[i])
                        return i;
                u -= weights[i];
                last = i; /* what is lost to rounding is the last one's */
        }
        return last;
}

/*
 * Four rounds of what can be undone on as many bits as count needs (a multiplication by
 * an odd number, a shift), and again while the result is past the end.
 */
uint32_t dice_permute(uint64_t key, uint32_t count, uint32_t i)
{
        unsigned bits = count > 1 ? 32 - (unsigned)__builtin_clz(count - 1) : 1;
        uint32_t mask = bits == 32 ? UINT32_MAX : (1U << bits) - 1;
        unsigned half = (bits + 1) / 2;

        CHECK(i < count);
        do {
                uint64_t round = key;
                for (unsigned r = 0; r < 4; r++) {
                        round = dice_mix(round, r);
                        i = (i + (uint32_t)round) & mask;
                        i = (i * ((uint32_t)(round >> 32) | 1)) & mask;
                        i ^= i >> half;
                }
        } while (i >= count);
        return i;
}

/* ---- Zipf: ranks from 1 in here ---- */

/* log(1 + x) / x and (e^x - 1) / x, also at 0: then all of it holds for s = 1 too. */
static double log1p_over(double x)
{
        return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

static double expm1_over(double x)
{
        return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

/* The integral of x^-s from 1, and its inverse. */
static double integral(double s, double x)
{
        double l = log(x);

        return expm1_over((1 - s) * l) * l;
}

static double integral_inverse(double s, double y)
{
        double t = y * (1 - s);

        return exp(log1p_over(t < -1 ? -1 : t) * y);
}

struct zipf zipf_of(double s, uint32_t count)
{
        CHECK(s >= 0 && count > 0);
        return (struct zipf){
                .s = s,
                .count = count,
                .h_first = integral(s, 1.5) - 1,
                .h_last = integral(s, count + 0.5),
                .least = 2 - integral_inverse(s, integral(s, 2.5) - pow(2, -s)),
        };
}

uint32_t zipf_draw(const struct zipf *z, struct dice *d)
{
        for (;;) {
                double u = z->h_last + dice_unit(d) * (z->h_first - z->h_last);
                double x = integral_inverse(z->s, u), k = floor(x + 0.5);
                if (k < 1)
                        k = 1;
                else if (k > z->count)
                        k = z->count;
                if (k - x <= z->least || u >= integral(z->s, k + 0.5) - pow(k, -z->s))
                        return (uint32_t)k - 1;
        }
}
