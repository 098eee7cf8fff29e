/* SPDX-License-Identifier: MIT */
#include "alert/redis.h"

#include "alert/redis_route.h"
#include "alert/redis_script_priv.h"
#include "alert/redis_source_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP           100000
#define SEEN           (30 * 86400 * NS_PER_SEC)
#define TIMEOUT        (5 * NS_PER_SEC)
#define PIPELINE       256
#define OUTPUT_MAX     (4u << 20) /* bytes that the socket has not taken */
#define BACKOFF_FIRST  (50 * NS_PER_MS)
#define BACKOFF_MAX    (5 * NS_PER_SEC)
#define BACKOFF_OTHERS NS_PER_SEC        /* the most where another node takes over */
#define REFUSED_DELAY  NS_PER_SEC        /* after an error of the publishing script */
#define SLOT_DELAY     (400 * NS_PER_MS) /* while the slot moves to another node */
#define HEARTBEAT      (5 * NS_PER_SEC)
#define HEARTBEAT_TTL  (3 * HEARTBEAT / NS_PER_MS)
#define CALLS_EXTRA    16 /* in flight beside publishing calls */
#define MOVED_OFTEN    3

enum phase {
        PHASE_DOWN, /* until retry_ns */
        PHASE_CONNECTING,
        PHASE_GREETING, /* logged in: asking for the cursor */
        PHASE_PUBLISHING,
        PHASE_RESYNC, /* a call was refused: its followers are awaited, then the
                         cursor is asked for again, not before retry_ns */
};

enum call_kind { CALL_LOAD, CALL_CURSOR, CALL_PUBLISH, CALL_HEARTBEAT };

struct call {
        enum call_kind kind;
        int64_t sent_ns;
        uint64_t sequence; /* of a publishing call */
};

struct redis {
        struct redis_options options;
        struct publish_settings set;
        char *prefix, *sensor, *journal_directory;
        char name[REDIS_URL_TEXT_MAX];
        struct journal *journal;
        struct counters *counters;
        struct redis_source source;

        enum phase phase;
        struct redis_route *route;
        struct redis_args args;
        struct call *calls; /* a ring: in the order in which they were sent */
        unsigned call_head, call_count, call_cap;
        unsigned publishing; /* how many of them publish */
        bool script_is_known;
        char expected[24];  /* cursor after the calls in flight */
        uint64_t published; /* what Redis is known to have */
        uint64_t newest;    /* the greatest number that this run sent */
        unsigned moved;     /* times in a row that the cursor was not ours */

        struct event *timer;
        int64_t timer_ns; /* when it fires; 0: not set */
        int64_t reply_ns, retry_ns, heartbeat_ns, backoff;
        struct log_limit down_limit, refused_limit, moved_limit;
        bool said_down;
        int64_t down_ns; /* monotonic: since when nothing can be published; 0: it can */
        bool is_refused; /* the last alert was */
        struct histogram publish;
};

static void settle(struct redis *r);

/* --- going down --- */

/* From half of it to the whole, so that sensors do not come back in step. */
static int64_t jittered(int64_t delay)
{
        uint32_t random;

        evutil_secure_rng_get_bytes(&random, sizeof(random));
        return delay / 2 + (int64_t)((double)(delay / 2) * random / UINT32_MAX);
}

static int64_t backoff_max(const struct redis *r)
{
        return redis_route_has_others(r->route) ? BACKOFF_OTHERS : BACKOFF_MAX;
}

static void note_down(struct redis *r)
{
        if (r->down_ns == 0)
                r->down_ns = clock_monotonic_ns();
}

/* The connection is gone, and what was sent on it: the cursor will tell what was done. */
static void forget_calls(struct redis *r)
{
        note_down(r);
        r->is_refused = false;
        redis_route_close(r->route);
        r->call_head = r->call_count = r->publishing = 0;
        r->script_is_known = false;
}

static void go_down(struct redis *r, const char *why, const char *remedy)
{
        int64_t now = clock_monotonic_ns();

        if (log_limit_pass(&r->down_limit, now)) {
                log_warning(
                    "Redis at %s: %s%s; alerts wait in the journal and are published "
                    "when it answers",
                    r->name, why, remedy);
                r->said_down = true;
        }
        forget_calls(r);
        r->phase = PHASE_DOWN;
        r->retry_ns = now + jittered(r->backoff);
        r->backoff = 2 * r->backoff < backoff_max(r) ? 2 * r->backoff : backoff_max(r);
}

static void reopen(struct redis *r)
{
        forget_calls(r);
        r->phase = PHASE_CONNECTING;
        redis_route_open(r->route);
}

/* True when Redis told to go elsewhere, and we do, or did in vain. */
static bool follow(struct redis *r, const char *error)
{
        if (redis_route_redirect(r->route, error)) {
                reopen(r);
                return true;
        }
        const char *why = redis_route_redirect_why(r->route);
        if (why)
                go_down(r, why, "");
        return why != NULL;
}

/* Some keys are at the new node already. Nothing is wrong: it takes a moment. */
static void wait_for_slot(struct redis *r, const char *error)
{
        int64_t now = clock_monotonic_ns();

        if (log_limit_pass(&r->refused_limit, now))
                log_warning("Redis at %s: %s; alerts wait in the journal until the slot "
                            "of %s has moved to its new node",
                            r->name, error, r->prefix);
        forget_calls(r);
        r->phase = PHASE_DOWN;
        r->retry_ns = now + jittered(SLOT_DELAY);
}

static void go_down_by_error(struct redis *r, const char *what, const char *error)
{
        char why[512];

        r->counters->redis_errors++;
        snprintf(why, sizeof(why), "%s: %s", what, error);
        go_down(r, why, redis_remedy(error));
}

/* --- calls --- */

static void send_call(struct redis *r, enum call_kind kind, uint64_t sequence)
{
        unsigned at = (r->call_head + r->call_count) % r->call_cap;

        CHECK(r->call_count < r->call_cap);
        r->calls[at] = (struct call){ kind, clock_monotonic_ns(), sequence };
        r->call_count++;
        redis_route_send(r->route, &r->args);
}

static struct call take_call(struct redis *r)
{
        struct call call = r->calls[r->call_head];

        r->call_head = (r->call_head + 1) % r->call_cap;
        r->call_count--;
        return call;
}

static void send_cursor(struct redis *r)
{
        if (!r->script_is_known) {
                args_begin(&r->args, "SCRIPT");
                args_text(&r->args, "LOAD");
                args_text(&r->args, publish_script());
                send_call(r, CALL_LOAD, 0);
        }
        cursor_args(&r->args, &r->set);
        send_call(r, CALL_CURSOR, 0);
        r->phase = PHASE_GREETING;
}

static void send_heartbeat(struct redis *r)
{
        struct counters all = *r->counters;

        if (r->options.others)
                counters_add(&all, r->options.others);
        heartbeat_args(&r->args, &r->set, HEARTBEAT_TTL, clock_wall_ns(), &all);
        send_call(r, CALL_HEARTBEAT, 0);
        r->heartbeat_ns = clock_monotonic_ns() + HEARTBEAT;
}

/* The whole script goes out once when Redis does not have it: that makes it known. */
static void send_alert(struct redis *r, const struct alert *alert)
{
        publish_args(&r->args, &r->set, !r->script_is_known, slice_str(r->expected),
                     alert, clock_wall_ns());
        send_call(r, CALL_PUBLISH, alert->sequence);
        r->script_is_known = true;
        r->publishing++;
        if (alert->sequence > r->newest)
                r->newest = alert->sequence;
        snprintf(r->expected, sizeof(r->expected), "%" PRIu64, alert->sequence);
}

static void send_alerts(struct redis *r)
{
        struct alert alert;

        while (r->publishing < r->options.pipeline &&
               redis_route_backlog(r->route) < OUTPUT_MAX &&
               source_next(&r->source, &alert))
                send_alert(r, &alert);
}

/* --- replies --- */

/*
 * Where to go on. The cursor is the truth, but for one that this run did not write
 * and that lies in or after its numbers (the clock was set back, or another daemon has
 * our name): then all of this run is offered again, and Redis knows what it has.
 */
static uint64_t resume_after(const struct redis *r, uint64_t cursor)
{
        uint64_t first = journal_run_first(r->journal);

        return cursor >= first && cursor > r->newest ? first - 1 : cursor;
}

/* Calls whose answer was lost with a connection may have been done. */
static void count_unanswered(struct redis *r, uint64_t cursor)
{
        uint64_t before = journal_run_first(r->journal) - 1;

        if (r->published > before)
                before = r->published;
        if (cursor > before && cursor <= r->newest)
                r->counters->alerts_published += cursor - before;
}

static void begin_publishing(struct redis *r, struct slice cursor)
{
        uint64_t number;

        if (!slice_to_u64(cursor, &number))
                number = 0;
        count_unanswered(r, number);
        snprintf(r->expected, sizeof(r->expected), "%.*s", (int)cursor.len,
                 cursor.len ? (const char *)cursor.data : "");
        r->published = resume_after(r, number);
        journal_published(r->journal, r->published);
        source_seek(&r->source, r->published);
        r->phase = PHASE_PUBLISHING;
        r->backoff = BACKOFF_FIRST;
        if (!r->is_refused)
                r->down_ns = 0;
        if (r->said_down)
                log_info("Redis at %s answers again: publishing goes on", r->name);
        r->said_down = false;
        r->down_limit = (struct log_limit){ 0 };
}

static void on_cursor(struct redis *r, const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_ERROR) {
                if (!follow(r, reply->str))
                        go_down_by_error(r, "it does not tell the cursor", reply->str);
        } else if (reply->type == REDIS_REPLY_NIL)
                begin_publishing(r, slice_str(""));
        else if (reply->type == REDIS_REPLY_STRING &&
                 (size_t)reply->len < sizeof(r->expected))
                begin_publishing(r, slice_of(reply->str, (size_t)reply->len));
        else
                go_down(r, "the cursor of this sensor is not a number",
                        "; another program uses this prefix: set redis.prefix");
}

/* Everything behind this call is refused too; when that has come, ask for the cursor. */
static void resync(struct redis *r, int64_t delay)
{
        r->phase = PHASE_RESYNC;
        r->retry_ns = clock_monotonic_ns() + delay;
}

static void on_refused(struct redis *r, const char *error)
{
        if (redis_error_is(error, "NOSCRIPT")) {
                r->script_is_known = false;
                resync(r, 0);
                return;
        }
        if (follow(r, error))
                return;
        if (redis_error_is(error, "TRYAGAIN")) {
                wait_for_slot(r, error);
                return;
        }
        if (redis_error_is(error, "CLUSTERDOWN") ||
            (redis_error_is(error, "READONLY") && redis_route_has_others(r->route))) {
                go_down_by_error(r, "it refuses alerts", error);
                return;
        }
        r->counters->redis_errors++;
        note_down(r);
        r->is_refused = true;
        if (log_limit_pass(&r->refused_limit, clock_monotonic_ns()))
                log_error(
                    "Redis at %s refuses alerts: %s; they wait in the journal and are "
                    "tried again every second%s",
                    r->name, error, redis_remedy(error));
        resync(r, REFUSED_DELAY);
}

static void on_moved(struct redis *r)
{
        if (++r->moved >= MOVED_OFTEN &&
            log_limit_pass(&r->moved_limit, clock_monotonic_ns()))
                log_warning(
                    "Redis at %s: another daemon publishes as sensor %s; give each a "
                    "name of its own (redis.sensor)",
                    r->name, r->sensor);
        resync(r, r->moved >= MOVED_OFTEN ? REFUSED_DELAY : 0);
}

static struct slice text_of(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_STRING ? slice_of(reply->str, reply->len)
                                                 : slice_str("");
}

/* Behind the number: the incident, its rule, and each block that a hold kept away. */
static void tell_held(struct redis *r, const redisReply *reply)
{
        for (size_t i = 3; i < reply->elements; i++) {
                struct slice member = text_of(reply->element[i]);
                size_t colon = slice_find(member, ':');
                struct block_held held = { .id = text_of(reply->element[1]),
                                           .rule = text_of(reply->element[2]),
                                           .type = slice_first(member, colon),
                                           .value = slice_from(member, colon + 1) };
                r->counters->blocks_held++;
                if (r->options.held && colon < member.len)
                        r->options.held(r->options.held_context, &held);
        }
}

/* The number that the script answered, alone or before a list. */
static long long answer_of(const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 3)
                reply = reply->element[0];
        return reply->type == REDIS_REPLY_INTEGER ? reply->integer : PUBLISH_MOVED;
}

static void on_published(struct redis *r, const redisReply *reply,
                         const struct call *call)
{
        long long answer = answer_of(reply);

        r->publishing--;
        if (r->phase == PHASE_RESYNC)
                return;
        if (reply->type == REDIS_REPLY_ERROR) {
                on_refused(r, reply->str);
        } else if (answer == PUBLISH_MOVED) {
                on_moved(r);
        } else {
                if (answer >= PUBLISH_DONE) {
                        r->counters->alerts_published++;
                        r->counters->blocks += (uint64_t)(answer - PUBLISH_DONE);
                }
                if (reply->type == REDIS_REPLY_ARRAY)
                        tell_held(r, reply);
                histogram_add(&r->publish, r->reply_ns - call->sent_ns);
                r->is_refused = false;
                r->down_ns = 0;
                r->published = call->sequence;
                r->moved = 0;
                journal_published(r->journal, call->sequence);
        }
}

/* An ASK or TRYAGAIN is not followed: the next heartbeat will find its node. */
static void on_heartbeat(struct redis *r, const char *error)
{
        if (!error || redis_error_is(error, "ASK") || redis_error_is(error, "TRYAGAIN"))
                return;
        if (!follow(r, error))
                r->counters->redis_errors++;
}

static void on_reply(void *context, const redisReply *reply)
{
        struct redis *r = context;
        bool failed = reply->type == REDIS_REPLY_ERROR;

        r->reply_ns = clock_monotonic_ns();
        if (r->call_count == 0) {
                go_down(r, "it answers what was not asked", "");
                settle(r);
                return;
        }
        struct call call = take_call(r);
        switch (call.kind) {
        case CALL_LOAD: /* when it may not be loaded, EVAL says so, or does */
                r->script_is_known = !failed;
                break;
        case CALL_CURSOR:
                on_cursor(r, reply);
                break;
        case CALL_PUBLISH:
                on_published(r, reply, &call);
                break;
        case CALL_HEARTBEAT:
                on_heartbeat(r, failed ? reply->str : NULL);
                break;
        }
        settle(r);
}

static void on_up(void *context)
{
        struct redis *r = context;

        r->counters->redis_reconnects++;
        r->reply_ns = clock_monotonic_ns();
        send_cursor(r);
        settle(r);
}

static void on_down(void *context, const char *why)
{
        struct redis *r = context;

        go_down(r, why, "");
        settle(r);
}

/* --- time --- */

static int64_t answer_due_ns(const struct redis *r)
{
        int64_t sent = r->calls[r->call_head].sent_ns;

        return (sent > r->reply_ns ? sent : r->reply_ns) + r->options.timeout_ns;
}

static void heartbeat(struct redis *r, int64_t now)
{
        if (!redis_route_is_asking(r->route)) {
                send_heartbeat(r);
                return;
        }
        /* Its key is still the owner's, who would not get rid of it if there were two. */
        r->heartbeat_ns = now + HEARTBEAT;
        reopen(r);
}

/* Does what is due. */
static void step(struct redis *r, int64_t now)
{
        if (r->call_count && now >= answer_due_ns(r))
                go_down(r, "no answer in time", "");
        if (r->phase == PHASE_DOWN && now >= r->retry_ns)
                reopen(r);
        if (r->phase == PHASE_RESYNC && r->publishing == 0 && now >= r->retry_ns)
                send_cursor(r);
        if (r->phase == PHASE_PUBLISHING) {
                send_alerts(r);
                if (now >= r->heartbeat_ns)
                        heartbeat(r, now);
        }
}

static int64_t due_ns(const struct redis *r)
{
        int64_t due = INT64_MAX;

        if (r->phase == PHASE_DOWN || (r->phase == PHASE_RESYNC && r->publishing == 0))
                due = r->retry_ns;
        if (r->phase == PHASE_PUBLISHING)
                due = r->heartbeat_ns;
        if (r->call_count && answer_due_ns(r) < due)
                due = answer_due_ns(r);
        return due;
}

/* The timer may fire early, which costs a look: it is only ever set again when late. */
static void settle(struct redis *r)
{
        int64_t now = clock_monotonic_ns();

        step(r, now);
        int64_t due = due_ns(r);
        if (due == INT64_MAX || (r->timer_ns && r->timer_ns <= due))
                return;
        int64_t wait = due > now ? due - now + NS_PER_US : 0;
        struct timeval tv = { wait / NS_PER_SEC, wait % NS_PER_SEC / NS_PER_US };
        r->timer_ns = due;
        evtimer_add(r->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct redis *r = context;

        (void)fd, (void)what;
        r->timer_ns = 0;
        settle(r);
}

/* --- use --- */

static void set_defaults(struct redis_options *o)
{
        if (!o->prefix)
                o->prefix = REDIS_PREFIX;
        if (o->keep == 0)
                o->keep = KEEP;
        if (o->seen_ns == 0)
                o->seen_ns = SEEN;
        if (o->timeout_ns == 0)
                o->timeout_ns = TIMEOUT;
        if (o->pipeline == 0)
                o->pipeline = PIPELINE;
}

struct redis *redis_new(const struct redis_options *options, struct event_base *base,
                        struct journal *journal, const char *journal_directory,
                        struct counters *counters)
{
        struct redis *r = calloc(1, sizeof(*r));
        const struct redis_route_handler handler = { on_up, on_reply, on_down, r };

        CHECK(r);
        r->options = *options;
        set_defaults(&r->options);
        r->prefix = strdup(r->options.prefix);
        r->sensor = strdup(r->options.sensor);
        r->journal_directory = strdup(journal_directory);
        r->call_cap = r->options.pipeline + CALLS_EXTRA;
        r->calls = calloc(r->call_cap, sizeof(*r->calls));
        r->timer = evtimer_new(base, on_timer, r);
        CHECK(r->prefix && r->sensor && r->journal_directory && r->calls && r->timer);
        r->set = (struct publish_settings){ r->prefix, r->sensor, r->options.keep,
                                            r->options.seen_ns / NS_PER_MS };
        redis_url_text(&r->options.url, r->name);
        r->route =
            redis_route_new(&r->options.url, base, r->options.timeout_ns, &handler);
        r->journal = journal;
        r->counters = counters;
        r->backoff = BACKOFF_FIRST;
        source_init(&r->source, journal, r->journal_directory, counters);
        note_down(r);
        settle(r);
        return r;
}

void redis_free(struct redis **redis)
{
        struct redis *r = *redis;

        if (!r)
                return;
        redis_route_free(&r->route);
        source_free(&r->source);
        args_free(&r->args);
        event_free(r->timer);
        free(r->calls);
        free(r->prefix);
        free(r->sensor);
        free(r->journal_directory);
        free(r);
        *redis = NULL;
}

void redis_pump(struct redis *r)
{
        if (r->phase == PHASE_PUBLISHING)
                settle(r);
}

bool redis_is_idle(const struct redis *r)
{
        return r->phase == PHASE_PUBLISHING && r->publishing == 0 &&
               source_is_exhausted(&r->source);
}

void redis_look(const struct redis *r, struct redis_state *state)
{
        *state = (struct redis_state){ r->down_ns == 0, r->down_ns, &r->publish };
}

uint64_t redis_published(const struct redis *r)
{
        return r->published;
}
