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

/* Another name, made of one and a number: for many of one kind, a few ns each. */
static inline uint64_t dice_mix(uint64_t name, uint64_t number)
{
        uint64_t x = (name ^ (number * 0xd1342543de82ef95ULL)) + 0x9e3779b97f4a7c15ULL;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
}

/* A name as 0 <= u < 1: one draw without a stream. */
static inline double dice_unit_of(uint64_t name)
{
        return (double)(name >> 11) * 0x1p-53;
}

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

/* Where `i` < count stands in an order of 0..count-1 that the key makes: each once. */
uint32_t dice_permute(uint64_t key, uint32_t count, uint32_t i);

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
