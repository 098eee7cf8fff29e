/* SPDX-License-Identifier: MIT */
/*
 * twins - sets and byte counts of a key that have seen the same, kept once.
 *
 * Rules that narrow one condition in different ways count the same values of most keys:
 * what was served (200), what was asked for and served (2xx), what has a number. Such a
 * set has an elder, which counts the same field over the same windows or more of them. As
 * long as each transaction of the key was counted in both or in neither, the set is a
 * twin: it is empty, and the elder shows what it would (distinct.h: a shorter window is a
 * view of the longer). The first transaction that only one of them counts parts them: the
 * twin gets a copy first.
 *
 *      elder   | a b c d e |            | a b c d e f |
 *      twin    | see there |    f: ->   | a b c d e   |
 *
 * A set that is empty while its elder is empty is a twin again. Bytes that were served are
 * kept in the same way; the elder of a count has the same window.
 *
 * Nothing is told differently by it. Cost: a few instructions for each set with an elder;
 * a copy, when they part.
 */
#ifndef DETECT_TWINS_H
#define DETECT_TWINS_H

#include "detect/table.h"

/* When the plan is made: which families of a table have an elder. */
void twins_plan(struct table_plan *);

/*
 * Before a transaction is counted, of which `met` is known (table_count): parts those
 * that will differ, joins those that may be, and brings elders to the table's time whose
 * twins will be read.
 */
void twins_settle(const struct table *, struct entry *, struct facts *, uint64_t met);

/* Gives every twin of the entry a set, or a count, of its own. */
void twins_part(const struct table *, struct entry *);

/* The set that shows a slot, and as which window of which plan. */
struct set_shown {
        const struct distinct *set;
        const struct distinct_plan *plan;
        unsigned window;
        int64_t now;
};

struct set_shown twins_shown(const struct table *, const struct entry *,
                             const struct slot *);

/* The bytes that a slot shows. */
const struct window_bytes *twins_bytes(const struct table *, const struct entry *,
                                       const struct slot *);

#endif
