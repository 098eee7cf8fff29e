/* SPDX-License-Identifier: MIT */
/*
 * distinct - the different values that one key showed in its windows.
 *
 * Up to 512 values are held one by one (42 bits of their keyed hash, and when each was
 * last seen), then a sketch takes their place:
 *
 *      1 | 3 | 5 | 8 | 12 | 16 | 24 | 32 | ... 384 | 512 | sketch: 8 KiB and its
 * histogram |   |            '- 64 bytes for 8, which a search finds by the hash |   '- 7
 * bytes for each, searched from one end to the other
 *      '- in the set itself; all others in a block of the budget
 *
 * Sets of the same values over several windows are one set as long as they are held
 * one by one: that of the longest window, and a shorter one is a view of it. At the
 * 513th value they part, since a shorter window may still be exact, and stay apart
 * until all of them are empty.
 *
 *      set | the values of the longest window | parted: a block with a set for each
 *
 * Times are counted in units that divide the panes of all windows, so that a view shows
 * exactly what a set of its own would. `unit` is the value's time, `now` the present.
 *
 * Where the budget refuses to grow a set, the values held stay and new ones are not
 * counted (and a counter says so): the count is then too low, never too high. A key with
 * values gives all back with distinct_clear.
 *
 * Two different values look the same once in 540 million sets of 128, in 34 million of
 * 512. Cost: a search reads one line of the cache, or a few, however many
 * values there are; the number of those in a shorter window, all of them.
 */
#ifndef DETECT_DISTINCT_H
#define DETECT_DISTINCT_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/sketch.h"

#define DISTINCT_EXACT   512
#define DISTINCT_WINDOWS 6 /* that may share a set */

/* The longest window in units at most: two of it fit the 14 bits of a time. So a day and
   two minutes may share a set. */
#define DISTINCT_SPAN_MAX 8192

enum distinct_kind {
        DISTINCT_EMPTY,
        DISTINCT_ONE,
        DISTINCT_VALUES, /* from here on `head` is a block */
        DISTINCT_SKETCH,
        DISTINCT_PARTED, /* every window has a set of its own */
        DISTINCT_TWIN    /* no set: another one stands for it (twins.h) */
};

struct distinct {
        uint32_t head;        /* one value: its tag; else the block, or the sketch */
        uint32_t detail : 24; /* one value: its rest; else how many there are */
        uint32_t kind : 3;    /* enum distinct_kind */
        uint32_t size : 4;    /* which size of block */
        uint32_t held : 1;    /* the budget refused to hold more */
};

/* What sets of the same values have in common, the longest window first. */
struct distinct_plan {
        int64_t unit_ns;
        unsigned windows;
        uint32_t pane[DISTINCT_WINDOWS]; /* units in one of its panes */
};

/* For a set without a window: everything is seen in unit 0. */
extern const struct distinct_plan distinct_flat;

#define DISTINCT_SIZES 16 /* 3, 5, 8, ... 512 values; as many as struct distinct tells */

/* What all of them share. */
struct distinct_store {
        struct budget *budget;
        struct counters *counters;
        unsigned classes[DISTINCT_SIZES];
        unsigned parted_classes[DISTINCT_WINDOWS - 1]; /* of 2, 3, ... windows */
        unsigned sketch_class, registers_class;
};

void distinct_store_init(struct distinct_store *, struct budget *, struct counters *);

/*
 * Room for one more window in the plan, without losing exactness? Adds it if so. A window
 * of less than 8/7 of another, as 61s beside 1m, has no room there.
 */
bool distinct_plan_add(struct distinct_plan *, int64_t window_ns);

/* `set` is that of all windows of the plan. All were rotated to the present. */
void distinct_add(const struct distinct_store *, const struct distinct_plan *,
                  struct distinct *set, uint64_t hash, int64_t unit, int64_t now);

/* A window moved from one running pane to another; `now` lies in the latter. */
void distinct_rotate(const struct distinct_store *, const struct distinct_plan *,
                     struct distinct *set, unsigned window, int64_t from, int64_t to,
                     int64_t now);
void distinct_clear(const struct distinct_store *, const struct distinct_plan *,
                    struct distinct *set);

double distinct_value(const struct distinct_store *, const struct distinct_plan *,
                      const struct distinct *set, unsigned window, int64_t now);

/*
 * Moves what one window of `from` has to a window of `to`, which another plan may have
 * other windows beside. Those of `to` come the longest first, and were empty before.
 */
void distinct_carry(const struct distinct_store *, const struct distinct_plan *from_plan,
                    struct distinct *from, unsigned from_window, int64_t from_now,
                    const struct distinct_plan *to_plan, struct distinct *to,
                    unsigned to_window, int64_t to_now);

/* The same, and `from` keeps what it has. */
void distinct_copy(const struct distinct_store *, const struct distinct_plan *from_plan,
                   const struct distinct *from, unsigned from_window, int64_t from_now,
                   const struct distinct_plan *to_plan, struct distinct *to,
                   unsigned to_window, int64_t to_now);

/* `to` is empty: it gets the values of one window, for a set of distinct_flat. */
void distinct_copy_flat(const struct distinct_store *, const struct distinct_plan *,
                        const struct distinct *set, unsigned window, int64_t now,
                        struct distinct *to);

/*
 * Has the processor fetch what distinct_add will look at for that value; hash 0: it is
 * not known.
 */
void distinct_prefetch(const struct distinct_store *, const struct distinct *set,
                       uint64_t hash);

#endif
