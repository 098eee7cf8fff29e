/* SPDX-License-Identifier: MIT */
/*
 * merge - several rings as one stream of messages, in the order of their times.
 *
 * Each ring has a time (MESSAGE_TIME) before which nothing comes from it any more. What
 * comes goes on to the pipeline once no other ring can have anything earlier, or when
 * that one has been silent for `wait_ns`, by the clock of whoever asks. One ring alone
 * never waits.
 *
 *      ring 1   time 10.0  record  record  time 10.2 |
 *      ring 2   time 10.1 |                            -> the two records wait: ring 2
 *                                                         stands at 10.1 and may still
 *                                                         come with something of 10.15
 *
 * A ring that speaks, but of times that are long past (oldest_ns), is not waited for
 * either: a writer that was taken over could make all others wait for it for ever.
 *
 * What is not sound ends a ring: all that it still holds is dropped, and it is counted
 * (rings_refused). A ring that is over (its writer ended) is read to its end.
 *
 * Rings have a generation: that of the site map their writers have. Those of a later one
 * are not read until all of the earlier are over and merge_go_on says so; those of an
 * earlier one, which an engine that died left, are never.
 *
 * It drops rings only in merge_read and merge_free. Owns the rings, and room for one
 * message of each. Cost: a look at each ring for each message; the copy out of the ring.
 */
#ifndef APP_MERGE_H
#define APP_MERGE_H

#include "app/message.h"

#define MERGE_RINGS 256

/* What stands in the common memory of a ring. */
struct worker_page {
        struct counters counters; /* the worker's */
        struct front_use use;

        /* Set by the supervisor before it ends the worker: packets with a later stamp are
           for the next one. */
        _Atomic int64_t until_ns;

        uint64_t level_wanted; /* load.h: the worker's own */
        uint64_t level;        /* of all workers; set by the supervisor */
        uint64_t sample_shift; /* that is in force */
};

struct merge;

struct merge_options {
        int64_t wait_ns;
        int64_t oldest_ns;         /* before newest_ns (merge_read): see below */
        struct counters *counters; /* borrowed */
        struct counters *ended;    /* of writers whose rings are gone; borrowed */
        const struct site *site;   /* of the first generation; borrowed */
        unsigned generation;
        void (*gone)(void *context, const struct ring *); /* about to be freed; or NULL */
        void *gone_context;
};

struct merge *merge_new(const struct merge_options *);
void merge_free(struct merge **);

/* Takes the ring, which is waited for from `now_ns` (of the monotonic clock) on, even
   before it says anything. `number` names it. False, and the ring is freed, when there is
   no room.
 */
bool merge_add(struct merge *, struct ring *, unsigned number, unsigned generation,
               int64_t now_ns);

/* Nothing more comes into it: its writer has ended. */
void merge_is_over(struct merge *, unsigned number);
void merge_all_are_over(struct merge *);

/*
 * Hands on what is due, `most` messages at most; packets may be as new as `newest_ns`.
 * `now_ns` is of the monotonic clock. True when there may be more at once.
 */
bool merge_read(struct merge *, struct pipeline *, int64_t newest_ns, int64_t now_ns,
                unsigned most);

/*
 * At the end, while rings go on: what was taken out of them already and waited for others
 * is handed on now, as whoever reads them next will not find it.
 */
void merge_hand_on_taken(struct merge *, struct pipeline *);

/* The time up to which all is handed on, or `otherwise_ns` when there is no ring. */
int64_t merge_time(const struct merge *, int64_t otherwise_ns);

/* All rings of this generation are over. */
bool merge_is_done(const struct merge *);

/* From now on those of this generation, which have that site map. */
void merge_go_on(struct merge *, unsigned generation, const struct site *);

/*
 * Before waiting on the rings' descriptors: false when something came meanwhile. More
 * from a ring whose message waits for another ring is nothing: only that other one wakes.
 */
bool merge_sleep(struct merge *);

/* The number-th ring from 0 on; NULL: there are no more. For descriptors and figures. */
struct ring *merge_ring(const struct merge *, unsigned index);

/* That of the number, or NULL. */
struct ring *merge_find(const struct merge *, unsigned number);

/* The number of a ring that was refused and whose writer still runs, if there is one. */
bool merge_refused(const struct merge *, unsigned *number);

/* The largest sample_shift of the writers: one in 2^this visitors is looked at. */
uint8_t merge_sample_shift(struct merge *);

/* The sum of what all writers counted, those that ended included. */
void merge_counters(struct merge *, struct counters *sum);

#endif
