/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alert/journal_cursor.h"
#include "app/paths.h"
#include "app/reach.h"
#include "base/clock.h"

#define TIMEOUT_MS 5000
#define FOLLOW_MS  500
#define AGAIN_S    1

static enum exit_status open_redis(struct source *source)
{
        char error[REACH_ERROR_MAX];
        struct redis_url url;

        if (!reach_redis(&source->config, &url, true, error)) {
                ctl_complain(source->ctl, "%s", error);
                return EXIT_FAILED;
        }
        source->redis = redis_client_new(&url, source->config.redis.prefix, TIMEOUT_MS);
        return EXIT_DONE;
}

static enum exit_status open_journal(struct source *source)
{
        const char *named = source->ctl->journal;
        const char *folder = named ? named : source->config.journal.dir;

        source->journal = paths_journal(folder, false);
        if (!source->journal) {
                ctl_complain(source->ctl,
                             "no journal yet: name one with --journal DIR, or Redis with "
                             "-o redis.url=redis://HOST:PORT");
                return EXIT_FAILED;
        }
        if (access(source->journal, R_OK | X_OK) != 0) {
                ctl_complain(source->ctl, "%s: %s%s", source->journal, strerror(errno),
                             errno == EACCES ? ": try as root"
                                             : ": name the journal with --journal DIR");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

enum exit_status source_open(struct source *source, const struct ctl *ctl)
{
        enum exit_status status;

        *source = (struct source){ .ctl = ctl };
        if (!ctl_config(ctl, &source->config))
                return EXIT_MISTAKE;
        if (!ctl->journal && source->config.redis.url)
                status = open_redis(source);
        else
                status = open_journal(source);
        if (status != EXIT_DONE)
                source_close(source);
        return status;
}

void source_close(struct source *source)
{
        journal_cursor_free(&source->cursor);
        redis_client_free(&source->redis);
        free(source->journal);
        config_free(&source->config);
        *source = (struct source){ 0 };
}

static enum exit_status from_redis(struct source *source, enum redis_client_result result)
{
        source->has_worked = result == REDIS_CLIENT_OK;
        if (source->has_worked)
                return EXIT_DONE;
        ctl_complain(source->ctl, "%s", redis_client_error(source->redis));
        return EXIT_FAILED;
}

static enum exit_status from_journal(const struct source *source,
                                     enum journal_result result)
{
        if (result != JOURNAL_FAILED)
                return EXIT_DONE;
        ctl_complain(source->ctl, "%s: %s", source->journal, strerror(errno));
        return EXIT_FAILED;
}

/* The journal's cursor passes over whole segments only: the rest is done here. */
struct since {
        int64_t since_ns;
        alert_fn *visit;
        void *context;
};

static bool visit_since(void *context, const struct alert *alert)
{
        struct since *since = context;

        return alert->time_ns < since->since_ns || since->visit(since->context, alert);
}

static bool visit_nothing(void *context, const struct alert *alert)
{
        (void)context;
        (void)alert;
        return true;
}

static void tell_damage(const struct source *source)
{
        uint64_t damaged = journal_cursor_damaged(source->cursor);

        if (damaged)
                fprintf(stderr, "trawlctl: %s: %llu damaged places were passed over\n",
                        source->journal, (unsigned long long)damaged);
        if (journal_cursor_is_stuck(source->cursor))
                fprintf(stderr,
                        "trawlctl: %s: the newest file is damaged; what stands behind "
                        "the damage is not shown\n",
                        source->journal);
}

enum exit_status source_alerts(struct source *source, int64_t since_ns, alert_fn *visit,
                               void *context)
{
        struct since since = { since_ns, visit, context };
        enum exit_status status;

        if (source->redis)
                return from_redis(source, redis_client_alerts(source->redis, since_ns,
                                                              visit_since, &since));
        if (!source->cursor)
                source->cursor = journal_cursor_new(source->journal);
        if (since_ns)
                journal_cursor_seek_time(source->cursor, since_ns);
        status = from_journal(source,
                              journal_cursor_alerts(source->cursor, visit_since, &since));
        tell_damage(source);
        return status;
}

bool source_goes_back(const struct source *source)
{
        return source->redis;
}

enum exit_status source_alerts_back(struct source *source, int64_t since_ns,
                                    alert_fn *visit, void *context)
{
        if (!source->redis)
                return source_alerts(source, since_ns, visit, context);
        return from_redis(
            source, redis_client_alerts_back(source->redis, since_ns, visit, context));
}

/* Who follows goes on when Redis was away for a while; not when it never worked. */
static enum exit_status follow_redis(struct source *source, alert_fn *visit,
                                     void *context)
{
        const struct timespec pause = { AGAIN_S, 0 };
        bool ok = redis_client_follow(source->redis, FOLLOW_MS, visit, context) ==
                  REDIS_CLIENT_OK;

        if (ok && source->is_away)
                ctl_complain(source->ctl, "Redis answers again");
        if (!ok && !source->is_away)
                ctl_complain(source->ctl, "%s%s", redis_client_error(source->redis),
                             source->has_worked ? "; tried again every second" : "");
        source->has_worked |= ok;
        source->is_away = !ok;
        if (ok || !source->has_worked)
                return ok ? EXIT_DONE : EXIT_FAILED;
        redis_client_again(source->redis);
        nanosleep(&pause, NULL);
        return EXIT_DONE;
}

enum exit_status source_follow(struct source *source, alert_fn *visit, void *context)
{
        struct timespec pause = { 0, FOLLOW_MS * NS_PER_MS };

        if (source->redis)
                return follow_redis(source, visit, context);
        if (!source->cursor) {
                source->cursor = journal_cursor_new(source->journal);
                return from_journal(
                    source, journal_cursor_alerts(source->cursor, visit_nothing, NULL));
        }
        nanosleep(&pause, NULL);
        return from_journal(source,
                            journal_cursor_alerts(source->cursor, visit, context));
}

enum exit_status source_blocks(struct source *source, int64_t now_ns, block_fn *visit,
                               void *context)
{
        if (source->redis)
                return from_redis(source,
                                  redis_client_blocks(source->redis, visit, context));
        return from_journal(source,
                            blocks_of_journal(source->journal, now_ns, visit, context));
}

enum exit_status source_holds(struct source *source, block_fn *visit, void *context)
{
        if (!source->redis)
                return EXIT_DONE;
        return from_redis(source, redis_client_holds(source->redis, visit, context));
}
