/* SPDX-License-Identifier: MIT */
/*
 * bins - how often each of a few kinds of thing was seen in the newest eight panes.
 *
 * The first nine are noted one by one in the cell; the tenth takes a block with a count
 * for each bin of each pane, which goes back when all panes are empty:
 *
 *      up to 9     | bin, pane | bin, pane | ...             12 bytes, three notes in a word
 *      from 10 on  | counts of pane 0 | of pane 1 | ...      32 bytes more for each bin
 *
 * Exact in both forms; 3 ns to count. Where the budget refuses the block, what comes is
 * not counted (and a counter says so) until one of the nine has left.
 */
#ifndef DETECT_BINS_H
#define DETECT_BINS_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/window.h"

#define BINS_MAX   64
#define BINS_EARLY 9

#define BINS_WORDS 3

/*
 * Nine bits are a note: the pane and the bin. The upper five bits of the first word say
 * how many notes there are; or that there is a block, which the second word is then.
 */
struct bins {
        uint32_t words[BINS_WORDS];
};

#define BINS_COUNT_SHIFT 27
#define BINS_HAS_BLOCK   31U /* instead of how many notes there are */

/* 0: there is none. */
static inline uint32_t bins_block(const struct bins *b)
{
        return b->words[0] >> BINS_COUNT_SHIFT == BINS_HAS_BLOCK ? b->words[1] : 0;
}

/* What all with the same number of bins share. */
struct bins_store {
        struct budget *budget;
        struct counters *counters;
        unsigned bins;
};

/* `pane` is one of the newest eight. */
void bins_add(const struct bins_store *, struct bins *, int64_t pane, unsigned bin);
void bins_rotate(const struct bins_store *, struct bins *, int64_t from, int64_t to);
void bins_clear(const struct bins_store *, struct bins *);

/* Writes the sum of each bin over the panes, and returns that of all. */
uint64_t bins_sum(const struct bins_store *, const struct bins *,
                  uint64_t sums[BINS_MAX]);

#endif
