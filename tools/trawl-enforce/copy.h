/* SPDX-License-Identifier: MIT */
/*
 * copy - the blocks as Redis has them, beside what the target has of them.
 *
 * Of each subject it knows until when it is to be blocked, and until when the target
 * blocks it. Where the two differ there is a change to be made; whoever made it says so
 * (copy_settle). Knows neither Redis nor targets.
 *
 * A complete copy is a round: what no copy_put of the round named is gone at its end.
 *
 * Times are milliseconds of Redis' clock. At most `max` subjects, about 80 bytes each;
 * past it they are counted and not kept. copy_put is O(1), a change costs what it is;
 * copy_expire looks at all, but only when one has ended.
 */
#ifndef ENFORCE_COPY_H
#define ENFORCE_COPY_H

#include "subject.h"

struct copy;

struct copy_counts {
        uint32_t wanted; /* subjects to be blocked */
        uint32_t held;   /* that the target blocks */
        uint32_t changes;
        uint64_t beyond; /* puts that found no room */
};

/* `ends_itself`: the target drops a block at its end, nobody has to take it away. NULL
   when the address space cannot be had. */
struct copy *copy_new(uint32_t max, bool ends_itself);
void copy_free(struct copy **);

/* Blocked until `end_ms`, longer or shorter than before. */
void copy_put(struct copy *, const struct subject *, int64_t end_ms);
void copy_drop(struct copy *, const struct subject *);

void copy_begin_round(struct copy *);
void copy_end_round(struct copy *);

/* What ended is dropped. Gives when the next one ends, or earlier; INT64_MAX: none. */
int64_t copy_expire(struct copy *, int64_t now_ms);

/* `end_ms` 0: to be taken away. */
typedef void copy_fn(void *context, const struct subject *, int64_t end_ms);

/* What the target does not have as it is to be. */
void copy_changes(const struct copy *, copy_fn *visit, void *context);

/* All that is to be blocked. */
void copy_all(const struct copy *, copy_fn *visit, void *context);

/* The target has every change, or all of it and nothing else. */
void copy_settle(struct copy *);

/* The target has nothing any more: all is to be done again. */
void copy_forget_held(struct copy *);

struct copy_counts copy_count(const struct copy *);

#endif
