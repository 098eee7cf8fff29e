/* SPDX-License-Identifier: MIT */
/*
 * alerts - from an incident to everybody who waits for it.
 *
 *      incident -> JSON -> journal -> Redis (if there is one)
 *                    `--> line callback (--print alerts)
 *
 * Owns the journal and the publisher; lives on the caller's event loop. Syncing
 * and publishing happen at the end of the turn of the loop in which incidents came, so
 * one fsync serves them all. Needs a turn of the loop now and then, also while a
 * file is read: alerts_turn.
 */
#ifndef ALERT_ALERTS_H
#define ALERT_ALERTS_H

#include "alert/journal.h"
#include "alert/redis.h"
#include "detect/incident.h"

struct alerts;

/* One alert as JSON, without a newline. */
typedef void alerts_line_fn(void *context, struct slice json);

struct alerts_options {
        struct event_base *loop; /* borrowed */
        struct counters *counters;
        struct journal_options
            journal; /* its counters and is_published are filled in here */
        const struct redis_options *redis; /* NULL: no Redis. Only read during the call */
        alerts_line_fn *line;              /* or NULL */
        void *line_context;
};

/* NULL after one log_error: the journal cannot be opened. */
struct alerts *alerts_new(const struct alerts_options *);
void alerts_free(struct alerts **);

/* An incident_fn (detect/incident.h). Never fails, never waits. */
void alerts_incident(void *alerts, const struct incident *);

/* One turn of the loop that does not wait: between batches of a file. */
void alerts_turn(struct alerts *);

/*
 * Runs the loop until everything is on disk and Redis, if there is one, has it, or
 * `timeout_ns` are over. The number of alerts that Redis does not have yet: they
 * stay in the journal. Never from within a callback of the loop.
 */
uint64_t alerts_drain(struct alerts *, int64_t timeout_ns);

/* What it is like at this moment; borrowed until the next call that is no look. */
struct alerts_state {
        struct journal_state journal;
        uint64_t last, published; /* newest number of the journal, and that Redis has */
        bool has_redis;
        struct redis_state redis; /* with Redis alone */
};

void alerts_look(struct alerts *, struct alerts_state *);

/* After the last alerts_drain: what is neither on disk nor in Redis counts as lost. */
void alerts_give_up(struct alerts *);

#endif
