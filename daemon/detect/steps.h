/* SPDX-License-Identifier: MIT */
/*
 * steps - whether a key walks through numbers one after the other: sequential().
 *
 * A step leads from the value that was counted last to another one, in the order in
 * which the requests ended, late records included. The same value again is no step: one
 * page may take several requests. A step is in the pane of its later request; from a
 * value that has left the newest eight panes there is none.
 *
 * A step is small when it is at most 16. Who picks numbers by other reasons, out of M,
 * makes small steps with a chance of about 2 * 16 / M (0.3 % for ten thousand profiles),
 * half of them upwards; an enumerator that leaves out what is deleted still steps by
 * less than 16, as long as one number in four is there. Small steps of the commoner sign
 * count, so that a walk to and fro has half of its steps.
 *
 *      sequential = max(small upwards, small downwards) / steps; missing without steps
 *
 * Numbers beyond 2^53, which a double cannot tell from their neighbours, are passed over
 * as if they were missing: identifiers of that size are stamps of time, not a count.
 *
 * Memory: 24 bytes in the entry, from the tenth step on 96 more.
 */
#ifndef DETECT_STEPS_H
#define DETECT_STEPS_H

#include "detect/bins.h"
#include "detect/slot.h"

#define STEPS_SMALL 16.0

/* The newest value. */
struct steps_last {
        double number; /* NaN: there is none */
        uint32_t pane; /* its number, as much of it as fits */
} __attribute__((packed, aligned(4)));

struct steps {
        struct steps_last last;
        struct bins bins;
};

/* SLOT_STEPS: sequential(f, [cond,] w) */
void steps_slot_init(const struct slot_place *);
void steps_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void steps_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double steps_slot_value(const struct slot_place *);
void steps_slot_clear(const struct slot_place *);

#endif
