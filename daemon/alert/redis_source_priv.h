/* SPDX-License-Identifier: MIT */
/*
 * redis_source - what is to be published next: the journal's records from a number
 * on, then those that it holds in memory because the disk refuses them.
 */
#ifndef ALERT_REDIS_SOURCE_PRIV_H
#define ALERT_REDIS_SOURCE_PRIV_H

#include "alert/journal.h"
#include "alert/journal_cursor.h"
#include "base/log.h"

struct redis_source {
        struct journal *journal;
        struct journal_cursor *cursor;
        const char *directory;
        struct counters *counters;
        struct log_limit damage_limit;
        uint64_t damaged;      /* places that were told */
        uint64_t passed;       /* the last number that was handed out or passed over */
        uint64_t exhausted_at; /* journal_last when there was nothing left */
};

/* All borrowed. What is damaged is passed over, counted and said. */
void source_init(struct redis_source *, struct journal *, const char *directory,
                 struct counters *);
void source_free(struct redis_source *);

/* The next alert will be the first after `sequence`. */
void source_seek(struct redis_source *, uint64_t sequence);

/* False: nothing that may go out. The alert is borrowed until the journal is used. */
bool source_next(struct redis_source *, struct alert *);

/* Nothing is left, and nothing came since. */
bool source_is_exhausted(const struct redis_source *);

#endif
