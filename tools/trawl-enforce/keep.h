/* SPDX-License-Identifier: MIT */
/*
 * keep - bring a target to what the copy wants, and keep it there.
 *
 * A whole batch at the start, when the target has lost what it had, after a failure, and
 * every ten minutes where that does no harm; else changes only. Fails softly: what could
 * not be done is tried again, after 0.5 s, 1 s, ... 5 s, and said at most once a minute.
 * Touches nothing before the copy is complete for the first time.
 *
 * Reads no clock. `now_ns` is the monotonic one, `redis_ms` that of Redis.
 */
#ifndef ENFORCE_KEEP_H
#define ENFORCE_KEEP_H

#include "copy.h"
#include "target.h"

struct keep;

struct keep_options {
        const struct target_kind *kind;
        void *target;
        const char *name;    /* for messages */
        int64_t interval_ns; /* between batches, at least */
};

/* All borrowed. */
struct keep *keep_new(const struct keep_options *, struct copy *);
void keep_free(struct keep **);

/* The copy is complete: from now on it is what the target must have. */
void keep_ready(struct keep *);

/* A whole batch next. */
void keep_refresh(struct keep *);

/* Does what is due. Gives when it wants to be called again (monotonic). */
int64_t keep_run(struct keep *, int64_t now_ns, int64_t redis_ms);

/* The target had all of the copy when it was last looked at. */
bool keep_is_synced(const struct keep *);
uint64_t keep_failures(const struct keep *);
uint64_t keep_wholes(const struct keep *); /* whole batches that were done */

#endif
