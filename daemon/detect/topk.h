/* SPDX-License-Identifier: MIT */
/*
 * topk - the share of the commonest value among those of the newest eight panes.
 *
 * SpaceSaving (Metwally, Agrawal, El Abbadi 2005) with 8 counters, for each pane by
 * itself, so that a pane is forgotten exactly. A value that finds all counters taken
 * gets the smallest one, whose count becomes the newcomer's possible error; count less
 * error is how often it was there at least. The sum of that over the panes is what a
 * value is known to have, and the largest of these sums over all there were is the share:
 *
 *      s - min(s, (1 - s) / 7)  <=  topk_share  <=  s     for the true share s
 *
 * (In a pane of n with f of the value, the smallest of 8 counters is at most
 * (n - f) / 7, and no error is larger.) It is exact while no pane has more than 8
 * different values, and never too high. Measured with 20,000 values of 2,000 kinds, in
 * random order: within 0.01 points where the commonest has a quarter or more (Zipf 1.5
 * and up, or half of all among others that are all different), 0.05 points low in the
 * mean at 14 %, 6 points at 8 %; what is rarer than one in eight may not be seen at all.
 *
 * A pane with one value holds it in the cell; the second one takes a block of 96 bytes,
 * which goes back with the pane. Where the budget refuses, the value is known to be
 * there but not which it is: the share is then too low, never too high.
 *
 * Values are 32 bits of a keyed hash. Two of 64 look the same in one of two million keys.
 * Cost: 13 ns to count; to ask 0.2 us with four values, 0.6 us with 64.
 */
#ifndef DETECT_TOPK_H
#define DETECT_TOPK_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/slot.h"

#define TOPK_VALUES 8

struct topk_pane {
        uint32_t total : 31; /* stops at its largest value, and the pane with it */
        uint32_t several : 1;
        uint32_t what; /* its only value; of several their block, or 0: none is known */
};

struct topk {
        struct topk_pane pane[WINDOW_NEWEST];
};

struct topk_store {
        struct budget *budget;
        struct counters *counters;
};

/* `pane` is one of the newest eight. */
void topk_add(const struct topk_store *, struct topk *, int64_t pane, uint32_t value);
void topk_rotate(const struct topk_store *, struct topk *, int64_t from, int64_t to);
void topk_clear(const struct topk_store *, struct topk *);

/* How many values the panes had, all in all. */
uint64_t topk_total(const struct topk *);

/* NaN when there were none. */
double topk_share(const struct topk_store *, const struct topk *);

/* SLOT_TOP: top_share(f, [cond,] w) */
void topk_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void topk_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double topk_slot_value(const struct slot_place *);
void topk_slot_clear(const struct slot_place *);

#endif
