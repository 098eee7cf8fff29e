/* SPDX-License-Identifier: MIT */
/*
 * bloom - was this seen before? In some 20 bits a value, with a few false "yes".
 *
 * Bits and where they stand belong to the caller; here is only which of `count` bits
 * stand for a value. Double hashing (Kirsch, Mitzenmacher 2006) of a 64-bit hash that
 * is keyed already. With n values in it a "yes" is false with the probability
 * (1 - exp(-8 n / count))^8: 1.25e-4 at 20.4 bits a value, 1e-3 at 14.6. There is no
 * false "no".
 */
#ifndef DETECT_BLOOM_H
#define DETECT_BLOOM_H

#include "base/hash.h"

#define BLOOM_HASHES 8

struct bloom_walk {
        uint64_t at, step;
};

static inline struct bloom_walk bloom_begin(uint64_t hash)
{
        return (struct bloom_walk){ hash, hash_mix(hash, 0xb100) | 1 };
}

/* The next of the BLOOM_HASHES places, below `count`. */
static inline size_t bloom_next(struct bloom_walk *w, size_t count)
{
        size_t place = (size_t)(((unsigned __int128)w->at * count) >> 64);

        w->at += w->step;
        return place;
}

static inline bool bloom_has(const uint8_t *bits, size_t count, uint64_t hash)
{
        struct bloom_walk w = bloom_begin(hash);

        for (unsigned i = 0; i < BLOOM_HASHES; i++) {
                size_t at = bloom_next(&w, count);
                if (!(bits[at / 8] >> (at % 8) & 1))
                        return false;
        }
        return true;
}

static inline void bloom_put(uint8_t *bits, size_t count, uint64_t hash)
{
        struct bloom_walk w = bloom_begin(hash);

        for (unsigned i = 0; i < BLOOM_HASHES; i++) {
                size_t at = bloom_next(&w, count);
                bits[at / 8] |= (uint8_t)(1 << at % 8);
        }
}

#endif
