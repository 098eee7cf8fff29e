/* SPDX-License-Identifier: MIT */
/*
 * window - the panes of a moving window, aligned to the wall clock.
 *
 *      | -8 | -7 | -6 | -5 | -4 | -3 | -2 | -1 |  0  |
 *      '-. '                                     '- running
 *        '- its part still inside is its weight
 *
 * A window w has panes of w/8. count, sum, mean and share take all nine and
 * weight the oldest by the part of it that the window still covers; the other
 * functions take the newest eight.
 *
 * Pane numbers are kept modulo 2^32: with the shortest window (1 s) they repeat
 * after 17 years. Cells stand in a ring, indexed by pane number modulo 9 or 16.
 */
#ifndef DETECT_WINDOW_H
#define DETECT_WINDOW_H

#include "base/counters.h"
#include "detect/budget.h"

#define WINDOW_PANES  9
#define WINDOW_NEWEST 8

/* The panes of one window length at the engine's present time. */
struct window_clock {
        int64_t window_ns, pane_ns;
        int64_t begin_ns, end_ns; /* of the running pane */
        int64_t now_ns;
        int64_t pane; /* the running pane's full number */
};

/* `window_ns` is a multiple of 8, as all whole milliseconds are. */
void window_clock_init(struct window_clock *, int64_t window_ns);

/* The longest time that divides both; that of a and 0 is a. */
int64_t window_common_unit(int64_t a_ns, int64_t b_ns);

/* Moves to `now_ns`, which never goes back: a comparison, while the pane is the same. */
void window_clock_set(struct window_clock *, int64_t now_ns);

/* Of the ninth pane: the part of it that the window still covers, 0 < w <= 1. */
static inline double window_oldest_weight(const struct window_clock *c)
{
        return (double)(c->end_ns - c->now_ns) / (double)c->pane_ns;
}

/* The same, when it lies before the running pane. */
int64_t window_pane_before(const struct window_clock *, int64_t time_ns);

/* The pane of a time before the running pane's end, as full number. */
static inline int64_t window_pane_of(const struct window_clock *c, int64_t time_ns)
{
        return time_ns >= c->begin_ns ? c->pane : window_pane_before(c, time_ns);
}

/*
 * Cells of one aggregate of one key. All panes that ran out are cleared before use. What
 * most keys need is small and stands in the entry; what others need, in a block of the
 * budget, whose nine cells are as wide as they must be:
 *
 *      counts   4 bits a pane in the entry | 1 byte a pane: 16 bytes | 4: 40
 *      bytes    two panes in the entry     | five: 16 | 2 bytes a pane: 24 | 3: 32 | 6: 56
 */
#define WINDOW_WIDTHS 7 /* widths are below this */

struct window_counts {
        uint8_t cells[5]; /* nine, and the width of those in the block; or the block */
};

struct window_sums {
        double cell[WINDOW_PANES];
};

/*
 * A word is one pane: which in the upper 8 bits, from 1 on, and its bytes, below 16 MiB;
 * or all zeroes. With a block, the first has BYTES_BLOCK and the width of its cells
 * there, the second the block. Six bytes a pane are enough: ten million gigabytes. Or it
 * is a twin, of which another one says what it has (twins.h).
 */
struct window_bytes {
        uint32_t words[2];
};

/* Where the blocks come from, and what is counted when there are none. */
struct window_store {
        struct budget *budget;
        struct counters *counters;
        unsigned classes[WINDOW_WIDTHS];
};

void window_store_init(struct window_store *, struct budget *, struct counters *);

static inline unsigned window_cell(int64_t pane)
{
        return (unsigned)((uint64_t)pane % WINDOW_PANES);
}

/* Where a block is refused, a pane's count stops at 15 or 255, and a counter says so.
   `some`: 1 to 255. */
void window_counts_add_some(const struct window_store *, struct window_counts *,
                            int64_t pane, unsigned some);
static inline void window_counts_add(const struct window_store *s,
                                     struct window_counts *w, int64_t pane)
{
        window_counts_add_some(s, w, pane, 1);
}
void window_counts_rotate(const struct window_store *, struct window_counts *,
                          int64_t from, int64_t to);
void window_counts_clear(const struct window_store *, struct window_counts *);
double window_counts_value(const struct window_store *, const struct window_counts *,
                           const struct window_clock *);
double window_sums_value(const struct window_sums *, const struct window_clock *);

/* Largest of the newest eight; false when none of them has a value (NaN means none). */
bool window_sums_max(const struct window_sums *, const struct window_clock *,
                     double *max);

/* Whole bytes of all nine panes, unweighted. */
uint64_t window_bytes_value(const struct window_store *, const struct window_bytes *);

/*
 * Where a block is refused, bytes go into a pane that has some, no cell holds more than
 * it can, and a counter says so.
 */
void window_bytes_add(const struct window_store *, struct window_bytes *, int64_t pane,
                      uint64_t bytes);
void window_bytes_rotate(const struct window_store *, struct window_bytes *, int64_t from,
                         int64_t to);
void window_bytes_clear(const struct window_store *, struct window_bytes *);

#define WINDOW_BYTES_TWIN 0xff000000U /* the first word of a twin */

static inline bool window_bytes_are_twin(const struct window_bytes *w)
{
        return w->words[0] == WINDOW_BYTES_TWIN;
}

static inline bool window_bytes_are_none(const struct window_bytes *w)
{
        return w->words[0] == 0 && w->words[1] == 0;
}

/* `to` is empty, and gets what `from` has of the same window. */
void window_bytes_copy(const struct window_store *, const struct window_bytes *from,
                       struct window_bytes *to);

/* Has the processor fetch what window_bytes_add will look at. */
void window_bytes_prefetch(const struct window_store *, const struct window_bytes *);

#endif
