/* SPDX-License-Identifier: MIT */
/*
 * distinct - the different values that one key showed in a window.
 *
 * Up to 128 values are held one by one (60 bits of their keyed hash, and the
 * pane each was last seen in), then a sketch takes their place:
 *
 *      1 2 .. 8 .. 16 .. 32 .. 64 .. 128 | sketch: 8 KiB and its histogram
 *
 * Blocks come from the budget. Where it refuses to grow one, the values held stay
 * and new ones are not counted (`held`, and a counter): the count is then too
 * low, never too high. A key with values gives all back with distinct_clear.
 *
 * `pane` numbers are full ones; `now` is the running pane, and whoever calls
 * rotates before anything else when it has moved on.
 */
#ifndef DETECT_DISTINCT_H
#define DETECT_DISTINCT_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/sketch.h"

#define DISTINCT_EXACT 128

struct distinct {
        uint32_t block; /* the values, or a struct sketch */
        uint16_t count; /* values held one by one */
        uint8_t size;   /* which size of block */
        uint8_t flags;
};

#define DISTINCT_SIZES 7 /* 2, 4, ... 128 values */

/* What all of them share. */
struct distinct_store {
        struct budget *budget;
        struct counters *counters;
        unsigned classes[DISTINCT_SIZES];
        unsigned sketch_class, registers_class;
};

void distinct_store_init(struct distinct_store *, struct budget *, struct counters *);

void distinct_add(const struct distinct_store *, struct distinct *, uint64_t hash,
                  int64_t pane, int64_t now);
void distinct_rotate(const struct distinct_store *, struct distinct *, int64_t from,
                     int64_t to);
void distinct_clear(const struct distinct_store *, struct distinct *);

/* `to` is empty: it gets all values of `from`, in pane 0, for a set that never rotates.
 */
void distinct_copy_flat(const struct distinct_store *, const struct distinct *from,
                        struct distinct *to);
double distinct_value(const struct distinct_store *, const struct distinct *);

#endif
