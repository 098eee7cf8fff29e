/* SPDX-License-Identifier: MIT */
/*
 * dice - random numbers, and the distributions that people and machines follow.
 *
 * xoshiro256++ (Blackman, Vigna 2019), seeded by splitmix64 from the lab's seed and a
 * name, so that each actor has a stream of its own. Not for secrets.
 */
#ifndef LAB_DICE_H
#define LAB_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
        uint64_t state[4];
};

struct dice dice_of(uint64_t seed, uint64_t name);
uint64_t dice_name(uint64_t seed, const char *text, uint64_t number); /* a keyed hash */

uint64_t dice_bits(struct dice *);
double dice_unit(struct dice *);                    /* 0 <= u < 1 */
uint32_t dice_below(struct dice *, uint32_t count); /* without bias; count > 0 */
bool dice_chance(struct dice *, double p);
double dice_normal(struct dice *);
double dice_exponential(struct dice *, double mean);
double dice_lognormal(struct dice *, double median, double sigma);
double dice_inverse_gaussian(struct dice *, double mean, double lambda);
double dice_weibull(struct dice *, double scale, double shape);
double dice_pareto(struct dice *, double least, double alpha);
uint32_t dice_poisson(struct dice *, double mean);

/* Which of `count` weights; they need not add to 1. */
unsigned dice_weighted(struct dice *, const double *weights, unsigned count);

/*
 * Zipf over ranks 0..count-1 with exponent s >= 0, by rejection-inversion (Hörmann,
 * Derflinger 1996): constant time, no table.
 */
struct zipf {
        double s, h_first, h_last, least;
        uint32_t count;
};
struct zipf zipf_of(double s, uint32_t count);
uint32_t zipf_draw(const struct zipf *, struct dice *);

#endif
