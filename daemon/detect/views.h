/* SPDX-License-Identifier: MIT */
/*
 * views - how often each target of the site is viewed, and when.
 *
 * A view is a transaction with a target and a 2xx status, whoever made it. Targets are
 * named by a keyed hash of page and name. Two memories, each of a size fixed at start:
 *
 *   how often   count-min with conservative update (Estan, Varghese 2002), 4 rows, in
 *               slices of 3 h: the running one and the eight before it, so that it
 *               covers the last 24 to 27 h. Of each slice the smallest of its rows
 *               counts. Never below the views in the last 24 h; above those of the 27 h,
 *               in each slice, by more than e/width of the slice's views with the
 *               probability e^-4 at most. 144 bytes a column.
 *   when        sixteen Bloom filters side by side, one for each of eight days (UTC) and
 *               one for each of eight slices of 3 h, the running ones among them: two
 *               bytes for each place, a bit for each filter. A target is cold when no
 *               day has it: not viewed for 7 to 8 days. What was viewed is never cold;
 *               what is cold is taken for viewed once in a thousand times when all days
 *               hold what they are made for, one target for 20.4 places.
 *               In how many filters it is says how rare it is, on a quiet site by the
 *               days and on a busy one by the slices: its *level*, 0 for a cold one.
 *
 * Past that (`views_saturated`, `cold_saturated`) counts come out too high, cold targets
 * are missed, and levels are closer to each other: rules on rare targets see less, never
 * more.
 *
 * Which counts the top 0.1 % of targets has comes from a histogram of the last complete
 * slice. Time is the caller's and never goes back.
 *
 * Each memory is there when it is asked for. Cost: 8 places and 4 columns touched by a
 * view; a sweep over the memory every 3 h and every day.
 */
#ifndef DETECT_VIEWS_H
#define DETECT_VIEWS_H

#include "base/clock.h"
#include "base/counters.h"

#include <stdbool.h>
#include <stdint.h>

#define VIEWS_ROWS     4
#define VIEWS_SLICES   9
#define VIEWS_SLICE_NS (3 * 3600 * NS_PER_SEC)
#define VIEWS_HISTORY  (12 * 3600 * NS_PER_SEC) /* before it nothing is called cold */
#define VIEWS_BUCKETS  240
#define VIEWS_PER_DAY  20.4 /* places for each target of a day */
#define VIEWS_LEVELS   17

struct transfer; /* transfer.h */

struct views {
        struct counters *counters;
        uint32_t (*columns)[VIEWS_SLICES]; /* of each row, one row after the other */
        uint32_t width;                    /* 0: nobody asks how often */
        uint16_t *marks;          /* days in the low byte, slices in the high one */
        size_t places;            /* 0: nobody asks when */
        int64_t now_ns, began_ns; /* began_ns: of the history; -1: nothing came yet */
        int64_t slice, day;       /* the running ones */
        uint64_t slice_views, day_targets;
        uint64_t targets; /* different ones in the running slice */
        uint32_t top;     /* the top 0.1 % have more views in a slice */
        uint32_t histogram[VIEWS_BUCKETS];
};

enum coldness { COLD_UNKNOWN, COLD_NO, COLD_YES };

struct recency {
        enum coldness cold;
        uint8_t level; /* below VIEWS_LEVELS; means nothing while `cold` is unknown */
};

/*
 * Takes at most `counts` bytes to know how often, `marks` bytes to know when, but a few
 * KiB at least; none for 0. False when the memory cannot be had.
 */
bool views_init(struct views *, uint64_t counts, uint64_t marks, struct counters *);
void views_free(struct views *);

/*
 * Takes over what is remembered when both have marks of one size, or the new one none;
 * counts only of one size. What is taken is swapped.
 */
void views_carry(struct views *from, struct views *to);

/* To a snapshot, or from one of equal size. */
void views_transfer(struct views *, struct transfer *);

/* It is `now_ns`: slices and days that ran out are forgotten. */
void views_advance(struct views *, int64_t now_ns);

/* Remembers a view at the present time. */
void views_note(struct views *, uint64_t target);

/* Has the processor fetch what a view of it will look at. */
void views_prefetch(const struct views *, uint64_t target);

/* Views in the last 24 h, as far as noted. */
uint64_t views_count(const struct views *, uint64_t target);
struct recency views_recency(const struct views *, uint64_t target);

/* Among the top 0.1 %, in the running slice or the one before; none in the first. */
bool views_is_top(const struct views *, uint64_t target);

#endif
