/* SPDX-License-Identifier: MIT */
/*
 * random - repeatable numbers for the generator (SplitMix64; Steele, Lea and
 * Flood 2014). Not for anything that has to be unpredictable.
 */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
        uint64_t z = (*state += 0x9e3779b97f4a7c15U);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27) * 0x94d049bb133111ebU;
        return z ^ z >> 31;
}

/* 0 to limit - 1; the bias is far below what a benchmark could notice. */
static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
        return (uint64_t)(((unsigned __int128)random_next(state) * limit) >> 64);
}

#endif
