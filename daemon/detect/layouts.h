/* SPDX-License-Identifier: MIT */
/*
 * layouts - which groups of slots an entry has room for.
 *
 * Most keys never meet most conditions: a visitor who looks at profiles signs up nowhere.
 * An entry has room for the groups that its key has met, one after the other, and moves
 * to a larger block when it meets another:
 *
 *      plan     | head | a | b | c | d |     where offsets of the plan point to
 *      layout 0 | head | a | b | c | d |     all of them
 *      layout 1 | head | b |                 shift: of b, -size of a
 *      layout 2 | head | b | d |
 *
 * Which layouts there are is learnt from the traffic. There are LAYOUTS_MAX at most; who
 * needs another one gets the smallest that has all of it.
 *
 * Cost: to find one, a look at each; a cell's place is one addition more.
 */
#ifndef DETECT_LAYOUTS_H
#define DETECT_LAYOUTS_H

#include "detect/facts.h"

#define LAYOUTS_MAX    64
#define LAYOUTS_ALL    UINT64_MAX /* groups */
#define LAYOUTS_GROUPS GROUPS_WITH_PARTS /* a plan with more has layout 0 alone */
#define LAYOUT_ABSENT  INT32_MIN

struct transfer; /* transfer.h */

struct layouts {
        const struct table_plan *plan;
        uint64_t parts; /* bits of the groups that are one */
        uint64_t met, may; /* which groups go with these conditions: the last answer */
        unsigned count;
        uint64_t groups[LAYOUTS_MAX]; /* a bit for each */
        uint32_t sizes[LAYOUTS_MAX];
        int32_t *shifts; /* of each layout, for each group; or LAYOUT_ABSENT */
};

bool layouts_init(struct layouts *, const struct table_plan *);
void layouts_free(struct layouts *);

/* Bits of the groups that the transaction at hand counts in, which met these conditions
   of the table. */
uint64_t layouts_met(struct layouts *, struct facts *, uint64_t met);

/* The smallest that has the groups at least; it is made when there is none. */
unsigned layouts_find(struct layouts *, uint64_t groups);

/* What to add to the plan's offsets; or LAYOUT_ABSENT. */
static inline int32_t layouts_shift(const struct layouts *l, unsigned layout,
                                    unsigned group)
{
        return l->shifts[layout * l->plan->group_count + group];
}

/* To a snapshot, or from one of the same plan. */
void layouts_transfer(struct layouts *, struct transfer *);

#endif
