/* SPDX-License-Identifier: MIT */
/*
 * skew - how unlike the whole site's a key's values are.
 *
 * The values of the newest eight panes stand in a histogram of 64 buckets, as the site's
 * do (usual.h), and
 *
 *      G = 2 * sum of n_j ln(p_j / pi_j)       p_j = (n_j + 10 pi_j) / (n + 10)
 *
 * pi_j is the site's share of bucket j, n_j the key's count, p_j its share shrunk towards
 * the site's with 10 pseudo-counts: so few values as a key has say little about its true
 * shares. G is 0 for a key like the site and grows with n for one that is not: five
 * values of one bucket that has 1 % of the site give 35, of one that has half 3.
 *
 * Chance makes G too, the more the larger n is, up to what 63 degrees of freedom give.
 * One group in a thousand that is like the site is above 25 with 5 values, 40 with 10, 58
 * with 20, 83 with 50, 115 with 200; of farms that make 80 % of theirs of one kind that
 * has 1.4 % of the site, 95 in 100 are above 17, 43, 97, 266 and 1,116. (Simulated,
 * values Zipf 1 over 300 kinds, the site known from 5,000: tests/unit/skew.c prints
 * these.)
 *
 * Missing below 5 values, and while the site is not known (usual.h). The site's shares
 * hold the key's own values too, which is to the key's advantage and of weight only where
 * the key is a large part of the site.
 *
 * Memory: 24 bytes in the entry, from the tenth value on 2 KiB more.
 * Cost: to ask 0.6 us with all 64 buckets, less with fewer.
 */
#ifndef DETECT_SKEW_H
#define DETECT_SKEW_H

#include "detect/bins.h"
#include "detect/slot.h"
#include "detect/usual.h"

#define SKEW_NEEDED 5
#define SKEW_PSEUDO 10.0

/* G of counts that sum to `all`. */
double skew_statistic(const struct usual_values *, const uint64_t counts[USUAL_BUCKETS],
                      uint64_t all);

/* SLOT_SKEW: skew(f, [cond,] w), in a struct bins */
void skew_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void skew_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double skew_slot_value(const struct slot_place *);
void skew_slot_clear(const struct slot_place *);

#endif
