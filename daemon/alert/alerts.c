/* SPDX-License-Identifier: MIT */
#include "alert/alerts.h"

#include "alert/alert_json.h"
#include "alert/journal_cursor.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <stdlib.h>

#define TIMER_MIN NS_PER_MS

struct alerts {
        struct event_base *loop;
        struct counters *counters;
        struct journal *journal;
        char *directory;
        struct redis *redis; /* or NULL */
        struct event *turn;  /* made active by an incident, runs once for all of a turn */
        struct event *timer; /* for what the journal has to do later */
        alerts_line_fn *line;
        void *line_context;
        struct buf json, payload; /* reused */
        struct log_limit refused_limit;
};

static void set_timer(struct alerts *a, int64_t now_ns)
{
        int64_t due = journal_due_ns(a->journal);

        if (due == INT64_MAX)
                return;
        int64_t wait = due > now_ns + TIMER_MIN ? due - now_ns : TIMER_MIN;
        struct timeval tv = { wait / NS_PER_SEC, wait % NS_PER_SEC / NS_PER_US };
        evtimer_add(a->timer, &tv);
}

/* One sync for all alerts of the turn, and only then is anybody told. */
static void on_turn(evutil_socket_t fd, short what, void *context)
{
        struct alerts *a = context;
        int64_t now = clock_wall_ns();

        (void)fd, (void)what;
        journal_tick(a->journal, now);
        if (a->redis)
                redis_pump(a->redis);
        set_timer(a, now);
}

static char *copy_of(const char *text)
{
        char *copy = strdup(text);

        CHECK(copy);
        return copy;
}

struct alerts *alerts_new(const struct alerts_options *options)
{
        struct journal_options journal_options = options->journal;
        struct alerts *a = calloc(1, sizeof(*a));

        CHECK(a);
        journal_options.counters = options->counters;
        journal_options.is_published = options->redis != NULL;
        a->journal = journal_open(&journal_options, clock_wall_ns());
        if (!a->journal) {
                free(a);
                return NULL;
        }
        a->directory = copy_of(options->journal.directory);
        a->loop = options->loop;
        a->counters = options->counters;
        a->line = options->line;
        a->line_context = options->line_context;
        a->turn = event_new(a->loop, -1, 0, on_turn, a);
        a->timer = evtimer_new(a->loop, on_turn, a);
        CHECK(a->turn && a->timer);
        if (options->redis)
                a->redis = redis_new(options->redis, a->loop, a->journal, a->directory,
                                     a->counters);
        set_timer(a, clock_wall_ns());
        return a;
}

void alerts_free(struct alerts **alerts)
{
        struct alerts *a = *alerts;

        if (!a)
                return;
        redis_free(&a->redis);
        journal_free(&a->journal);
        event_free(a->turn);
        event_free(a->timer);
        buf_free(&a->json);
        buf_free(&a->payload);
        free(a->directory);
        free(a);
        *alerts = NULL;
}

void alerts_incident(void *alerts, const struct incident *incident)
{
        struct alerts *a = alerts;
        int64_t now = clock_wall_ns();

        buf_clear(&a->json);
        buf_clear(&a->payload);
        alert_json(incident, &a->json);
        alert_encode(&a->payload, incident, buf_slice(&a->json));
        if (journal_append(a->journal, buf_slice(&a->payload), now) == 0) {
                a->counters->alerts_lost++;
                if (log_limit_pass(&a->refused_limit, now))
                        log_error(
                            "alert %s of rule %s is too long for the journal and is "
                            "lost",
                            incident->id, incident->rule);
        }
        event_active(a->turn, EV_TIMEOUT, 0);
        if (a->line)
                a->line(a->line_context, buf_slice(&a->json));
}

void alerts_turn(struct alerts *a)
{
        event_base_loop(a->loop, EVLOOP_NONBLOCK);
}

static uint64_t count_unpublished(const struct alerts *a)
{
        struct journal_cursor *cursor = journal_cursor_new(a->directory);
        struct journal_record record;
        uint64_t count = 0;

        journal_cursor_seek(cursor, redis_published(a->redis) + 1);
        while (journal_cursor_next(cursor, &record) == JOURNAL_RECORD)
                count++;
        journal_cursor_free(&cursor);
        return count;
}

/* Only there to end the wait of the loop. */
static void on_wake(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what, (void)context;
}

uint64_t alerts_drain(struct alerts *a, int64_t timeout_ns)
{
        const struct timeval often = { 0, 10000 };
        int64_t end = clock_monotonic_ns() + timeout_ns;

        journal_flush(a->journal, clock_wall_ns());
        if (!a->redis)
                return 0;
        redis_pump(a->redis);
        struct event *wake = event_new(a->loop, -1, EV_PERSIST, on_wake, NULL);
        CHECK(wake);
        event_add(wake, &often);
        while (!redis_is_idle(a->redis) && clock_monotonic_ns() < end)
                CHECK(event_base_loop(a->loop, EVLOOP_ONCE) >= 0);
        event_free(wake);
        return redis_is_idle(a->redis) ? 0 : count_unpublished(a);
}

void alerts_look(struct alerts *a, struct alerts_state *state)
{
        *state = (struct alerts_state){ .last = journal_last(a->journal),
                                        .has_redis = a->redis != NULL };
        journal_look(a->journal, &state->journal);
        if (!a->redis)
                return;
        state->published = redis_published(a->redis);
        redis_look(a->redis, &state->redis);
}

void alerts_give_up(struct alerts *a)
{
        journal_give_up(a->journal);
}
