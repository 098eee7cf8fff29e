/* SPDX-License-Identifier: MIT */
/*
 * busiest - the keys of each table that make the most transactions, found beside the
 * engine's work.
 *
 *      busiest_look   some slots of the indexes        many times, with turns between
 *      busiest_each   what was found, as it is now     once, at the end
 *
 * Only keys that were seen in the last BUSIEST_RECENT seconds. Busy is who has most
 * transactions in the longest window that the rules of the table count them in; where
 * none counts them, since the key is known (up to 2^18).
 *
 * Between two calls anything may happen: nothing of the engine is pointed to. Keys that
 * are forgotten meanwhile are left out, one whose index grew meanwhile is not named
 * twice, and one that came or became busy behind the place that was reached is not found.
 * When the rules are swapped it begins anew.
 *
 * Cost: a miss in the cache for each used slot, 345 ms for all keys of a million visitors
 * (`bench-engine busiest`, the best of three); nothing for the transactions. 16 bytes a
 * key that is asked for, of each table.
 */
#ifndef DETECT_BUSIEST_H
#define DETECT_BUSIEST_H

#include "detect/engine.h"

#define BUSIEST_MAX    100 /* keys of a table */
#define BUSIEST_RECENT 300

struct busiest;

/* Up to `keys` of each table. */
struct busiest *busiest_new(unsigned keys);
void busiest_free(struct busiest **);

/* Looks at `slots` more of them. True when all have been looked at. */
bool busiest_look(struct busiest *, const struct engine *, unsigned slots);

/* All is borrowed for the call. */
struct busiest_key {
        const char *per;  /* subject.type */
        uint64_t hash;    /* keyed: tells keys of a table apart, and nothing else */
        struct slice key; /* as it is published; parts that are not known are #HASH */
        uint32_t transactions;   /* since it is known; stops at 2^18 - 1 */
        double count;            /* in the window */
        int64_t window_ns;       /* 0: no rule counts transactions, count is the above */
        int64_t seen_ns;         /* last transaction, to a second */
        const char *rule;        /* that is nearest to holding; NULL: there is none */
        double share;            /* how near, 0 to 1 */
        struct slice measure;    /* "distinct(target, 10m)"; none: it cannot be told */
        double value, threshold; /* of it */
        const char *incident,
            *incident_rule;       /* id and rule of one that is open; or NULL */
        int64_t blocked_until_ns; /* 0: not that we know */
};

typedef void busiest_fn(void *context, const struct busiest_key *);

/* Table by table, the busiest first. */
void busiest_each(struct busiest *, struct engine *, busiest_fn *each, void *context);

#endif
