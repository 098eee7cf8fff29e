/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include "message.h"

#include "alert/redis_route.h"
#include "alert/redis_script_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE          1000
#define CALLS         8192 /* in flight */
#define CALLS_EXTRA   16
#define WHOLE_EVERY   (30 * NS_PER_SEC)
#define BEAT_EVERY    (5 * NS_PER_SEC)
#define FIRST_BEAT    (300 * NS_PER_MS) /* so that it tells of the target too */
#define BEAT_TTL_MS   15000
#define TIMEOUT       (5 * NS_PER_SEC)
#define OPEN_TIMEOUT  (45 * NS_PER_SEC) /* all hosts of the URL, one after the other */
#define BACKOFF_FIRST (50 * NS_PER_MS)
#define BACKOFF_MAX   (2 * NS_PER_SEC)
#define TICK          (100 * NS_PER_MS)
#define SCORE_MAX     9e12 /* 2255: in nanoseconds it still fits into 64 bits */

enum call_kind { CALL_TIME, CALL_PAGE, CALL_SCORE, CALL_BEAT };

struct call {
        enum call_kind kind;
        int64_t sent_ns;
        char *member; /* of CALL_SCORE; ours */
};

struct follow {
        struct follow_options o;
        struct follow_handler handler;
        char name[REDIS_URL_TEXT_MAX];
        struct redis_args args;
        struct event *timer;

        struct redis_route *listener, *asker;
        bool is_open; /* else down until retry_ns */
        bool is_subscribed, is_asker_up;
        int64_t opened_ns, retry_ns, backoff;
        int64_t heard_ns, ping_ns, beat_ns, ran_ns;

        struct call calls[CALLS + CALLS_EXTRA]; /* a ring */
        unsigned call_head, call_count;

        bool is_reading, again; /* the whole */
        int64_t whole_ns;       /* the next one */
        char page_score[32];    /* where the next page begins */
        unsigned page_same;     /* members of that score that were seen */

        int64_t clock_ns; /* what Redis' clock is ahead of our monotonic one */
        struct log_limit down_limit, beat_limit;
        bool said_down;
        uint64_t bad;
};

/* --- going down --- */

static int64_t jittered(int64_t delay)
{
        uint32_t random;

        evutil_secure_rng_get_bytes(&random, sizeof(random));
        return delay / 2 + (int64_t)((double)(delay / 2) * random / UINT32_MAX);
}

static void forget_calls(struct follow *f)
{
        for (; f->call_count; f->call_count--) {
                free(f->calls[f->call_head].member);
                f->call_head = (f->call_head + 1) % (CALLS + CALLS_EXTRA);
        }
}

static void go_down(struct follow *f, const char *why, const char *remedy)
{
        int64_t now = clock_monotonic_ns();

        if (log_limit_pass(&f->down_limit, now)) {
                log_warning("Redis at %s: %s%s; blocks stay until they end", f->name, why,
                            remedy);
                f->said_down = true;
        }
        redis_route_close(f->listener);
        redis_route_close(f->asker);
        forget_calls(f);
        f->is_open = f->is_subscribed = f->is_asker_up = f->is_reading = false;
        f->retry_ns = now + jittered(f->backoff);
        f->backoff = 2 * f->backoff < BACKOFF_MAX ? 2 * f->backoff : BACKOFF_MAX;
}

static void on_down(void *context, const char *why)
{
        go_down(context, why, "");
}

/* True when Redis told to go elsewhere, and we do: the whole is read from there. */
static bool is_sent_elsewhere(struct follow *f, const char *error)
{
        if (!redis_route_redirect(f->asker, error))
                return false;
        forget_calls(f);
        f->is_asker_up = f->is_reading = false;
        f->opened_ns = clock_monotonic_ns();
        redis_route_open(f->asker);
        return true;
}

static void fail(struct follow *f, const char *what, const redisReply *reply)
{
        bool is_error = reply->type == REDIS_REPLY_ERROR;
        char why[256];

        if (is_error && is_sent_elsewhere(f, reply->str))
                return;
        snprintf(why, sizeof(why), "%s: %.160s", what,
                 is_error ? reply->str : "an answer of another kind");
        go_down(f, why, is_error ? redis_remedy(reply->str) : "");
}

/* --- asking --- */

static void send_call(struct follow *f, enum call_kind kind, char *member)
{
        unsigned at = (f->call_head + f->call_count) % (CALLS + CALLS_EXTRA);

        CHECK(f->call_count < CALLS + CALLS_EXTRA);
        f->calls[at] = (struct call){ kind, clock_monotonic_ns(), member };
        f->call_count++;
        redis_route_send(f->asker, &f->args);
}

static void add_key(struct follow *f, const char *name)
{
        struct buf key = { 0 };

        key_put(&key, f->o.prefix, name);
        args_add(&f->args, buf_slice(&key));
        buf_free(&key);
}

static void begin_whole(struct follow *f)
{
        f->is_reading = true;
        f->again = false;
        args_begin(&f->args, "TIME");
        send_call(f, CALL_TIME, NULL);
}

/* Pages follow one another by score: what is added or removed meanwhile shifts none. */
static void send_page(struct follow *f)
{
        args_begin(&f->args, "ZRANGEBYSCORE");
        add_key(f, "blocks");
        args_text(&f->args, f->page_score);
        args_text(&f->args, "+inf");
        args_text(&f->args, "WITHSCORES");
        args_text(&f->args, "LIMIT");
        args_number(&f->args, f->page_same);
        args_number(&f->args, PAGE);
        send_call(f, CALL_PAGE, NULL);
}

static void ask_for(void *context, struct slice member)
{
        struct follow *f = context;

        if (f->call_count >= CALLS) {
                f->again = true;
                return;
        }
        args_begin(&f->args, "ZSCORE");
        add_key(f, "blocks");
        args_add(&f->args, member);
        char *copy = strndup((const char *)member.data, member.len);
        CHECK(copy);
        send_call(f, CALL_SCORE, copy);
}

/* In one write, so that the hash does not stay for ever. */
static void send_beat(struct follow *f)
{
        char name[300];

        snprintf(name, sizeof(name), "enforcer:%s", f->o.name);
        args_begin(&f->args, "HSET");
        add_key(f, name);
        for (const char *const *at = f->handler.heartbeat(f->handler.context); *at; at++)
                args_text(&f->args, *at);
        send_call(f, CALL_BEAT, NULL);
        args_begin(&f->args, "PEXPIRE");
        add_key(f, name);
        args_number(&f->args, BEAT_TTL_MS);
        send_call(f, CALL_BEAT, NULL);
        f->beat_ns = clock_monotonic_ns() + BEAT_EVERY;
}

/* --- answers --- */

static bool parse_score(const redisReply *reply, int64_t *end_ms)
{
        char *end;

        if (reply->type != REDIS_REPLY_STRING)
                return false;
        double score = strtod(reply->str, &end);
        if (*end || !isfinite(score) || score < 1 || score > SCORE_MAX)
                return false;
        *end_ms = (int64_t)score;
        return true;
}

static void on_time(struct follow *f, const redisReply *reply)
{
        uint64_t seconds, micros;

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
            reply->element[0]->type != REDIS_REPLY_STRING ||
            reply->element[1]->type != REDIS_REPLY_STRING ||
            !slice_to_u64(slice_str(reply->element[0]->str), &seconds) ||
            !slice_to_u64(slice_str(reply->element[1]->str), &micros) ||
            seconds > INT32_MAX * UINT64_C(4) || micros >= NS_PER_SEC / NS_PER_US) {
                fail(f, "it does not tell the time", reply);
                return;
        }
        f->clock_ns = (int64_t)seconds * NS_PER_SEC + (int64_t)micros * NS_PER_US -
                      clock_monotonic_ns();
        f->handler.begin(f->handler.context);
        snprintf(f->page_score, sizeof(f->page_score), "%lld",
                 (long long)follow_time_ms(f));
        f->page_same = 0;
        send_page(f);
}

static void end_whole(struct follow *f)
{
        f->is_reading = false;
        f->whole_ns = clock_monotonic_ns() + WHOLE_EVERY;
        f->backoff = BACKOFF_FIRST;
        f->down_limit = (struct log_limit){ 0 };
        if (f->said_down)
                log_info("Redis at %s answers again", f->name);
        f->said_down = false;
        f->handler.complete(f->handler.context);
}

static void take_member(struct follow *f, const redisReply *member,
                        const redisReply *score)
{
        int64_t end_ms;

        if (score->type != REDIS_REPLY_STRING || member->type != REDIS_REPLY_STRING)
                return;
        if (strcmp(score->str, f->page_score) != 0) {
                snprintf(f->page_score, sizeof(f->page_score), "%.31s", score->str);
                f->page_same = 0;
        }
        f->page_same++;
        if (parse_score(score, &end_ms))
                f->handler.block(f->handler.context,
                                 slice_of(member->str, (size_t)member->len), end_ms);
        else
                f->bad++;
}

static void on_page(struct follow *f, const redisReply *reply)
{
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) {
                fail(f, "it does not tell the blocks", reply);
                return;
        }
        for (size_t i = 0; i < reply->elements; i += 2)
                take_member(f, reply->element[i], reply->element[i + 1]);
        if (reply->elements < 2 * PAGE)
                end_whole(f);
        else
                send_page(f);
}

static void on_score(struct follow *f, const redisReply *reply, const char *member)
{
        int64_t end_ms = 0;

        if (reply->type != REDIS_REPLY_NIL && reply->type != REDIS_REPLY_STRING)
                fail(f, "it does not tell a block's end", reply);
        else if (reply->type == REDIS_REPLY_STRING && !parse_score(reply, &end_ms))
                f->bad++;
        else
                f->handler.block(f->handler.context, slice_str(member), end_ms);
}

/* A heartbeat that may not be written is no reason to stop. */
static void on_beat(struct follow *f, const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_ERROR && !is_sent_elsewhere(f, reply->str) &&
            log_limit_pass(&f->beat_limit, clock_monotonic_ns()))
                log_warning("Redis at %s takes no heartbeat of this blocker: %.160s%s",
                            f->name, reply->str, redis_remedy(reply->str));
}

static void on_answer(void *context, const redisReply *reply)
{
        struct follow *f = context;

        if (f->call_count == 0) {
                go_down(f, "it answers what was not asked", "");
                return;
        }
        struct call call = f->calls[f->call_head];
        f->call_head = (f->call_head + 1) % (CALLS + CALLS_EXTRA);
        f->call_count--;
        switch (call.kind) {
        case CALL_TIME:
                on_time(f, reply);
                break;
        case CALL_PAGE:
                on_page(f, reply);
                break;
        case CALL_SCORE:
                on_score(f, reply, call.member);
                break;
        case CALL_BEAT:
                on_beat(f, reply);
                break;
        }
        free(call.member);
}

/* --- listening --- */

static void both_up(struct follow *f)
{
        if (!f->is_subscribed || !f->is_asker_up)
                return;
        begin_whole(f);
        f->beat_ns = clock_monotonic_ns() + FIRST_BEAT;
}

static void on_listener_up(void *context)
{
        struct follow *f = context;

        args_begin(&f->args, "SUBSCRIBE");
        add_key(f, "events");
        redis_route_send(f->listener, &f->args);
}

static void on_asker_up(void *context)
{
        struct follow *f = context;

        f->is_asker_up = true;
        both_up(f);
}

static bool is_kind(const redisReply *reply, const char *kind)
{
        return reply->type == REDIS_REPLY_ARRAY && reply->elements >= 1 &&
               reply->element[0]->type == REDIS_REPLY_STRING &&
               strcmp(reply->element[0]->str, kind) == 0;
}

static void on_message(struct follow *f, const redisReply *text)
{
        if (text->type == REDIS_REPLY_STRING && f->is_asker_up &&
            !message_blocks(slice_of(text->str, (size_t)text->len), ask_for, f))
                f->bad++;
}

static void on_heard(void *context, const redisReply *reply)
{
        struct follow *f = context;

        f->heard_ns = clock_monotonic_ns();
        if (is_kind(reply, "message") && reply->elements == 3) {
                on_message(f, reply->element[2]);
        } else if (is_kind(reply, "subscribe") && !f->is_subscribed) {
                f->is_subscribed = true;
                both_up(f);
        } else if (reply->type == REDIS_REPLY_ERROR) {
                fail(f, "it does not let us listen", reply);
        }
}

/* --- time --- */

static void open_both(struct follow *f, int64_t now)
{
        f->is_open = true;
        f->opened_ns = f->heard_ns = now;
        f->ping_ns = now + BEAT_EVERY;
        redis_route_open(f->listener);
        redis_route_open(f->asker);
}

static const char *overdue(const struct follow *f, int64_t now)
{
        if (!f->is_subscribed || !f->is_asker_up)
                return now > f->opened_ns + OPEN_TIMEOUT ? "it does not answer" : NULL;
        if (now > f->heard_ns + BEAT_EVERY + TIMEOUT)
                return "the channel is silent";
        if (f->call_count && now > f->calls[f->call_head].sent_ns + TIMEOUT)
                return "it does not answer";
        return NULL;
}

static void run(struct follow *f, int64_t now)
{
        /* A target kept us waiting: what Redis said meanwhile has not been read yet. */
        bool was_away = now > f->ran_ns + 10 * TICK;
        const char *why;

        f->ran_ns = now;

        if (!f->is_open) {
                if (now >= f->retry_ns)
                        open_both(f, now);
                return;
        }
        why = was_away ? NULL : overdue(f, now);
        if (why) {
                go_down(f, why, "");
                return;
        }
        if (!f->is_subscribed || !f->is_asker_up)
                return;
        if (now >= f->ping_ns) {
                args_begin(&f->args, "PING");
                redis_route_send(f->listener, &f->args);
                f->ping_ns = now + BEAT_EVERY;
        }
        if (now >= f->beat_ns)
                send_beat(f);
        if (!f->is_reading && (f->again || now >= f->whole_ns))
                begin_whole(f);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        run(context, clock_monotonic_ns());
}

struct follow *follow_new(const struct follow_options *options, struct event_base *base,
                          const struct follow_handler *handler)
{
        struct follow *f = calloc(1, sizeof(*f));
        struct redis_route_handler listener = { on_listener_up, on_heard, on_down, f };
        struct redis_route_handler asker = { on_asker_up, on_answer, on_down, f };
        struct timeval tick = { 0, TICK / NS_PER_US };

        CHECK(f);
        f->o = *options;
        f->handler = *handler;
        redis_url_text(&f->o.url, f->name);
        f->backoff = BACKOFF_FIRST;
        f->clock_ns = clock_wall_ns() - clock_monotonic_ns();
        f->listener = redis_route_new(&f->o.url, base, TIMEOUT, &listener);
        f->asker = redis_route_new(&f->o.url, base, TIMEOUT, &asker);
        f->timer = event_new(base, -1, EV_PERSIST, on_timer, f);
        CHECK(f->timer && event_add(f->timer, &tick) == 0);
        event_active(f->timer, EV_TIMEOUT, 0);
        return f;
}

void follow_free(struct follow **follow)
{
        struct follow *f = *follow;

        if (!f)
                return;
        forget_calls(f);
        redis_route_free(&f->listener);
        redis_route_free(&f->asker);
        args_free(&f->args);
        event_free(f->timer);
        free(f);
        *follow = NULL;
}

void follow_again(struct follow *f)
{
        f->again = true;
}

int64_t follow_time_ms(const struct follow *f)
{
        return (clock_monotonic_ns() + f->clock_ns) / NS_PER_MS;
}

bool follow_is_up(const struct follow *f)
{
        return f->is_subscribed && f->is_asker_up;
}

uint64_t follow_bad_messages(const struct follow *f)
{
        return f->bad;
}
