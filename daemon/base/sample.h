/* SPDX-License-Identifier: MIT */
/*
 * sample - which visitors are looked at when there is not time for all.
 *
 * Each visitor has a rank, by a keyed hash of its address: half of them have 0, a
 * quarter 1, an eighth 2 and so on. A sample of 1 in 2^shift are those whose rank is
 * `shift` or more. So samples nest: who is in one is in all larger ones. Whoever has the
 * same key has the same sample, and nobody without it can choose an address that is in
 * none.
 *
 * A visitor is what client.host is: an IPv4 address, the /64 of an IPv6 one.
 * Cost: 10 ns for a rank.
 */
#ifndef BASE_SAMPLE_H
#define BASE_SAMPLE_H

#include "base/hash.h"
#include "base/ip.h"

#define SAMPLE_SHIFT_MAX 6   /* 1 in 64 */
#define SAMPLE_ALWAYS    254 /* a rank that is in each sample */

/* A key for ranks of its own, from one that is used for other hashes. */
struct hash_key sample_key(const struct hash_key *);

/* 0 to SAMPLE_SHIFT_MAX. */
uint8_t sample_rank(const struct hash_key *, const struct ip *visitor);

#endif
