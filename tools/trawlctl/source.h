/* SPDX-License-Identifier: MIT */
/*
 * source - where alerts and blocks are read: Redis, or the journal on disk.
 *
 * --journal names a journal. Without it, redis.url of the configuration does;
 * without that, the journal of the configuration or of the state directory.
 */
#ifndef TRAWLCTL_SOURCE_H
#define TRAWLCTL_SOURCE_H

#include "alert/alert.h"
#include "alert/redis_client.h"
#include "ctl.h"

struct source {
        const struct ctl *ctl;
        struct config config;
        struct redis_client *redis; /* NULL: the journal */
        bool has_worked, is_away;
        char *journal;
        struct journal_cursor *cursor; /* of source_follow */
};

/* EXIT_DONE, or another status after a message; *source then needs nothing. */
enum exit_status source_open(struct source *, const struct ctl *);
void source_close(struct source *);

/* Alerts since `since_ns` (0: all), oldest first. */
enum exit_status source_alerts(struct source *, int64_t since_ns, alert_fn *visit,
                               void *context);

/*
 * The same, from Redis newest first: a visitor that returns false spares the rest. A
 * journal is read oldest first all the same.
 */
enum exit_status source_alerts_back(struct source *, int64_t since_ns, alert_fn *visit,
                                    void *context);
bool source_goes_back(const struct source *);

/*
 * Alerts that came after those visited last, or from now on when none were. Waits
 * for them at most half a second. A Redis that worked and is away is said once and tried
 * again: that is no failure.
 */
enum exit_status source_follow(struct source *, alert_fn *visit, void *context);

/* Blocks that are live at `now_ns`, those that end first in front. */
enum exit_status source_blocks(struct source *, int64_t now_ns, block_fn *visit,
                               void *context);

/* Who is held: no rule may block them for now. A journal knows of none. */
enum exit_status source_holds(struct source *, block_fn *visit, void *context);

#endif
