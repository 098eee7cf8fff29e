/* SPDX-License-Identifier: MIT */
/*
 * hash - SipHash-1-3 under a 128-bit key (Aumasson, Bernstein 2012).
 *
 * Everything that traffic can choose is hashed with a key it cannot know, so
 * that nobody fills one bucket on purpose. Little-endian input order: the same
 * key gives the same hash on every machine, which snapshots and deterministic
 * runs rely on. About 17 ns for 40 bytes.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

struct hash_key {
        uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

static inline uint64_t hash_slice(const struct hash_key *key, struct slice s)
{
        return hash_bytes(key, s.data, s.len);
}

/* For one integer; the same as hash_bytes over its eight little-endian bytes. */
uint64_t hash_u64(const struct hash_key *key, uint64_t value);

/*
 * Mixes two hashes that are secret already. Order matters. Not keyed: never for
 * values that traffic chooses.
 */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
        uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2)));
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
}

/* From the kernel's random source. */
struct hash_key hash_key_random(void);

/* The documented key of offline runs (-r), so that they repeat. */
struct hash_key hash_key_fixed(void);

#endif
