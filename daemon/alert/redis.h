/* SPDX-License-Identifier: MIT */
/*
 * redis - publishes the journal in Redis: each alert once, in order.
 *
 * One script call an alert does all of it or nothing: stream, channel, block keys,
 * sorted set, `seen` key and cursor (redis_script_priv.h). Each call names the cursor
 * that it expects to find; after any refusal everything behind it in the pipeline is
 * refused as well. The publisher then reads cursor:SENSOR and goes on from there,
 * backwards too: a Redis that lost its last second is simply fed again.
 *
 * The way to Redis, through Sentinel or a Cluster, is redis_route. A host name that needs
 * a lookup is looked up when it is first needed, by getaddrinfo; that may block for as
 * long as the resolver takes, and is tried again (at most every 30 s) only until it works
 * once.
 *
 * Redis being away costs nothing but a line in the log, at most one a minute; the
 * journal keeps what is to be said. Calls in flight and bytes in the output buffer are
 * capped.
 */
#ifndef ALERT_REDIS_H
#define ALERT_REDIS_H

#include "alert/journal.h"
#include "alert/redis_url.h"
#include "base/histogram.h"
#include "detect/incident.h"

struct event_base;
struct redis;

#define REDIS_PREFIX "{trawlwatch}"

struct redis_options {
        struct redis_url url;
        const char *prefix;  /* NULL: REDIS_PREFIX; the braces are part of it */
        const char *sensor;  /* name of this sensor: cursor and heartbeat */
        uint32_t keep;       /* alerts in the stream; 0: 100 000 */
        int64_t seen_ns;     /* how long an alert is remembered; 0: 30 days */
        int64_t timeout_ns;  /* a host or a command; 0: 5 s */
        uint32_t pipeline;   /* calls in flight; 0: 256 */
        block_held_fn *held; /* told of each block that a hold kept away; or NULL */
        void *held_context;

        /* What the heartbeat says of what other processes counted; NULL: there are none.
         */
        const struct counters *others;
};

/* True when `prefix` holds one non-empty {tag} and neither blanks nor control characters.
 */
bool redis_prefix_is_good(struct slice prefix);

/* All borrowed: the journal and its folder, the loop, the counters. Never fails. */
struct redis *redis_new(const struct redis_options *, struct event_base *,
                        struct journal *, const char *journal_directory,
                        struct counters *);
void redis_free(struct redis **);

/* There may be more to publish. Cheap; called at the end of a turn of the loop. */
void redis_pump(struct redis *);

/* Everything that may be published has been, and Redis said so. */
bool redis_is_idle(const struct redis *);

/* What it is like at this moment. */
struct redis_state {
        bool is_up;      /* connected, and alerts are taken */
        int64_t down_ns; /* monotonic: since when it is not up; 0: it is */
        const struct histogram
            *publish; /* from the call to Redis' answer, for each alert */
};

void redis_look(const struct redis *, struct redis_state *);

/* The last number that Redis is known to have; 0: not known. */
uint64_t redis_published(const struct redis *);

#endif
