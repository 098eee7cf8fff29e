/* SPDX-License-Identifier: MIT */
#include "alert/redis_client.h"

#include "alert/redis_route.h"
#include "alert/redis_script_priv.h"
#include "base/check.h"
#include "base/clock.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE  500               /* entries or blocks a call */
#define PAUSE (100 * NS_PER_MS) /* before the same is tried again */

struct redis_client {
        struct event_base *base; /* runs only while a call waits */
        struct event *alarm;
        struct redis_route *route;
        char *prefix;
        int64_t timeout_ns;
        struct redis_args args;
        char last_id[64]; /* of the stream; empty: nothing visited yet */
        char name[REDIS_URL_TEXT_MAX];
        char error[REDIS_URL_TEXT_MAX + 1280];

        bool is_open, is_up; /* the route: it is tried, it can be used */
        bool is_late;        /* the alarm went off */
        redisReply *reply;
        char why[1024]; /* the route went down */
};

static void fail(struct redis_client *c, const char *what, const char *remedy)
{
        snprintf(c->error, sizeof(c->error), "Redis at %s: %s%s", c->name, what, remedy);
}

/* --- the route's callbacks --- */

static void on_up(void *context)
{
        struct redis_client *c = context;

        c->is_up = true;
}

static void on_reply(void *context, const redisReply *reply)
{
        struct redis_client *c = context;

        if (c->reply)
                freeReplyObject(c->reply);
        redis_route_take_reply(c->route);
        c->reply = (redisReply *)reply;
}

static void on_down(void *context, const char *why)
{
        struct redis_client *c = context;

        c->is_open = c->is_up = false;
        snprintf(c->why, sizeof(c->why), "%s", why);
}

static void on_alarm(evutil_socket_t fd, short what, void *context)
{
        struct redis_client *c = context;

        (void)fd, (void)what;
        c->is_late = true;
}

/* --- waiting --- */

static void set_alarm(struct redis_client *c, int64_t wait_ns)
{
        struct timeval tv = { wait_ns / NS_PER_SEC, wait_ns % NS_PER_SEC / NS_PER_US };

        c->is_late = false;
        evtimer_add(c->alarm, &tv);
}

static void close_route(struct redis_client *c)
{
        redis_route_close(c->route);
        c->is_open = c->is_up = false;
}

/* Until it is up, went down, or it is late. */
static void wait_for_up(struct redis_client *c)
{
        if (!c->is_open) {
                redis_route_open(c->route);
                c->is_open = true;
        }
        while (c->is_open && !c->is_up && !c->is_late)
                event_base_loop(c->base, EVLOOP_ONCE);
}

static void wait_for_reply(struct redis_client *c)
{
        while (c->is_up && !c->reply && !c->is_late)
                event_base_loop(c->base, EVLOOP_ONCE);
}

/* Something is changing over there: the same again in a moment. */
static void pause_for(struct redis_client *c)
{
        const struct timespec pause = { 0, PAUSE };

        nanosleep(&pause, NULL);
        event_base_loop(c->base, EVLOOP_NONBLOCK); /* the alarm */
}

/* Takes an error reply: true when the command shall be sent again. */
static bool is_passing(struct redis_client *c, const char *error)
{
        if (redis_route_redirect(c->route, error)) {
                c->is_open = c->is_up = false;
                return true;
        }
        bool is_waiting =
            redis_error_is(error, "TRYAGAIN") || redis_error_is(error, "CLUSTERDOWN") ||
            (redis_error_is(error, "READONLY") && redis_route_has_others(c->route));
        if (is_waiting) {
                close_route(c);
                pause_for(c);
        }
        return is_waiting && !c->is_late;
}

static void fail_by_error(struct redis_client *c, const char *error)
{
        const char *why = redis_route_redirect_why(c->route);

        fail(c, why ? why : error, why ? "" : redis_remedy(error));
}

/* One way there and back. True when it is over: c->reply, or fail() was called. */
static bool try_once(struct redis_client *c, bool is_repeatable)
{
        bool has_others = redis_route_has_others(c->route), was_up;

        wait_for_up(c);
        was_up = c->is_up;
        if (was_up) {
                redis_route_send(c->route, &c->args);
                wait_for_reply(c);
        }
        if (c->reply && c->reply->type == REDIS_REPLY_ERROR) {
                if (!is_passing(c, c->reply->str))
                        fail_by_error(c, c->reply->str);
                freeReplyObject(c->reply);
                c->reply = NULL;
                return c->error[0];
        }
        if (c->reply)
                return true;
        if (!c->is_late && has_others && (is_repeatable || !was_up) &&
            !redis_route_is_mistake(c->route)) {
                pause_for(c);
                return false;
        }
        fail(c, c->is_late && !c->why[0] ? "no answer in time" : c->why, "");
        return true;
}

/* Somebody closing the connection must not end the program. */
static redisReply *run_for(struct redis_client *c, int64_t wait_ns, bool is_repeatable)
{
        struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

        if (c->error[0])
                return NULL;
        sigaction(SIGPIPE, &ignore, &before);
        c->why[0] = '\0';
        set_alarm(c, wait_ns);
        while (!try_once(c, is_repeatable))
                ;
        evtimer_del(c->alarm);
        sigaction(SIGPIPE, &before, NULL);
        redisReply *reply = c->reply;
        c->reply = NULL;
        return reply;
}

/* The reply of the command in c->args; NULL after fail(). */
static redisReply *run(struct redis_client *c)
{
        return run_for(c, c->timeout_ns, true);
}

/* The same where only a list will do. */
static redisReply *run_for_list(struct redis_client *c)
{
        redisReply *reply = run(c);

        if (reply && reply->type != REDIS_REPLY_ARRAY) {
                fail(c, "it answers something else than a list; is it Redis?", "");
                freeReplyObject(reply);
                return NULL;
        }
        return reply;
}

struct redis_client *redis_client_new(const struct redis_url *url, const char *prefix,
                                      int timeout_ms)
{
        struct redis_client *c = calloc(1, sizeof(*c));
        const struct redis_route_handler handler = { on_up, on_reply, on_down, c };

        CHECK(c);
        c->prefix = strdup(prefix);
        c->base = event_base_new();
        CHECK(c->prefix && c->base);
        c->timeout_ns = timeout_ms * NS_PER_MS;
        c->alarm = evtimer_new(c->base, on_alarm, c);
        CHECK(c->alarm);
        redis_url_text(url, c->name);
        /* Half for one host, so that there is time for another, or to say why not. */
        c->route = redis_route_new(url, c->base, c->timeout_ns / 2, &handler);
        redis_route_set_reply_max(c->route, SIZE_MAX);
        return c;
}

void redis_client_free(struct redis_client **c)
{
        if (!*c)
                return;
        redis_route_free(&(*c)->route);
        event_free((*c)->alarm);
        event_base_free((*c)->base);
        args_free(&(*c)->args);
        free((*c)->prefix);
        free(*c);
        *c = NULL;
}

void redis_client_again(struct redis_client *c)
{
        close_route(c);
        c->error[0] = '\0';
}

const char *redis_client_error(const struct redis_client *c)
{
        return c->error;
}

static void add_key(struct redis_client *c, const char *name)
{
        struct buf key = { 0 };

        key_put(&key, c->prefix, name);
        args_add(&c->args, buf_slice(&key));
        buf_free(&key);
}

/* --- alerts --- */

static struct slice text_of(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS
                   ? slice_of(reply->str, (size_t)reply->len)
                   : slice_none();
}

static void set_field(struct alert *alert, struct slice name, struct slice value)
{
        const struct {
                const char *name;
                struct slice *text;
        } texts[] = {
                { "id", &alert->id },           { "action", &alert->action },
                { "sensor", &alert->sensor },   { "rule", &alert->rule },
                { "subject", &alert->subject }, { "subject_type", &alert->subject_type },
                { "json", &alert->json },
        };
        uint64_t number;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (slice_is(name, texts[i].name))
                        *texts[i].text = value;
        if (slice_is(name, "n") && slice_to_u64(value, &number))
                alert->n = (uint32_t)number;
        if (slice_is(name, "seq") && slice_to_u64(value, &number))
                alert->sequence = number;
        if (slice_is(name, "severity"))
                severity_parse(value, &alert->severity);
        if (slice_is(name, "time"))
                alert->time_ns = clock_parse(value);
}

/* False when the entry is not one of ours. */
static bool alert_of_entry(const redisReply *entry, struct alert *alert)
{
        memset(alert, 0, sizeof(*alert));
        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
            entry->element[1]->type != REDIS_REPLY_ARRAY)
                return false;
        const redisReply *fields = entry->element[1];
        alert->stream_id = text_of(entry->element[0]);
        for (size_t i = 0; i + 1 < fields->elements; i += 2)
                set_field(alert, text_of(fields->element[i]),
                          text_of(fields->element[i + 1]));
        return !slice_is_none(alert->json) && !slice_is_none(alert->id);
}

/* False when the visitor said stop. */
static bool visit_entries(struct redis_client *c, const redisReply *entries,
                          alert_fn *visit, void *context)
{
        struct alert alert;

        for (size_t i = 0; i < entries->elements; i++) {
                const redisReply *entry = entries->element[i];
                bool ours = alert_of_entry(entry, &alert);
                if (entry->type == REDIS_REPLY_ARRAY && entry->elements)
                        snprintf(c->last_id, sizeof(c->last_id), "%.*s",
                                 (int)text_of(entry->element[0]).len,
                                 (const char *)text_of(entry->element[0]).data);
                if (ours && !visit(context, &alert))
                        return false;
        }
        return true;
}

static void ask_page(struct redis_client *c, int64_t since_ns)
{
        char from[80];

        if (c->last_id[0])
                snprintf(from, sizeof(from), "(%s", c->last_id);
        else
                snprintf(from, sizeof(from), "%" PRId64,
                         since_ns > 0 ? since_ns / NS_PER_MS : 0);
        args_begin(&c->args, "XRANGE");
        add_key(c, "alerts");
        args_text(&c->args, from);
        args_text(&c->args, "+");
        args_text(&c->args, "COUNT");
        args_number(&c->args, PAGE);
}

enum redis_client_result redis_client_alerts(struct redis_client *c, int64_t since_ns,
                                             alert_fn *visit, void *context)
{
        size_t got = PAGE;
        bool more = true;

        c->last_id[0] = '\0';
        while (more && got == PAGE) {
                ask_page(c, since_ns);
                redisReply *reply = run_for_list(c);
                if (!reply)
                        return REDIS_CLIENT_FAILED;
                got = reply->elements;
                more = visit_entries(c, reply, visit, context);
                freeReplyObject(reply);
        }
        if (!c->last_id[0]) /* an empty stream: what comes next is after its beginning */
                snprintf(c->last_id, sizeof(c->last_id), "0-0");
        return REDIS_CLIENT_OK;
}

/* From before the last visited, or the newest, back to `since_ns`. */
static void ask_page_back(struct redis_client *c, int64_t since_ns, int64_t count)
{
        char from[80];

        snprintf(from, sizeof(from), "%s%s", c->last_id[0] ? "(" : "+", c->last_id);
        args_begin(&c->args, "XREVRANGE");
        add_key(c, "alerts");
        args_text(&c->args, from);
        args_number(&c->args, since_ns > 0 ? since_ns / NS_PER_MS : 0);
        args_text(&c->args, "COUNT");
        args_number(&c->args, count);
}

enum redis_client_result redis_client_alerts_back(struct redis_client *c,
                                                  int64_t since_ns, alert_fn *visit,
                                                  void *context)
{
        size_t got = PAGE;
        bool more = true;

        c->last_id[0] = '\0';
        while (more && got == PAGE) {
                ask_page_back(c, since_ns, PAGE);
                redisReply *reply = run_for_list(c);
                if (!reply)
                        return REDIS_CLIENT_FAILED;
                got = reply->elements;
                more = visit_entries(c, reply, visit, context);
                freeReplyObject(reply);
        }
        c->last_id[0] = '\0';
        return REDIS_CLIENT_OK;
}

/* The id of the newest entry, so that nothing slips through between two waits. */
static bool find_last_id(struct redis_client *c)
{
        ask_page_back(c, 0, 1);
        redisReply *reply = run_for_list(c);
        if (!reply)
                return false;
        snprintf(c->last_id, sizeof(c->last_id), "0-0");
        if (reply->elements && reply->element[0]->elements)
                snprintf(c->last_id, sizeof(c->last_id), "%s",
                         reply->element[0]->element[0]->str);
        freeReplyObject(reply);
        return true;
}

enum redis_client_result redis_client_follow(struct redis_client *c, int timeout_ms,
                                             alert_fn *visit, void *context)
{
        if (!c->last_id[0] && !find_last_id(c))
                return REDIS_CLIENT_FAILED;
        args_begin(&c->args, "XREAD");
        args_text(&c->args, "COUNT");
        args_number(&c->args, PAGE);
        args_text(&c->args, "BLOCK");
        args_number(&c->args, timeout_ms > 0 ? timeout_ms : 1);
        args_text(&c->args, "STREAMS");
        add_key(c, "alerts");
        args_text(&c->args, c->last_id);
        redisReply *reply = run_for(c, c->timeout_ns + timeout_ms * NS_PER_MS, true);
        if (!reply)
                return REDIS_CLIENT_FAILED;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
            reply->element[0]->elements == 2)
                visit_entries(c, reply->element[0]->element[1], visit, context);
        freeReplyObject(reply);
        return REDIS_CLIENT_OK;
}

/* --- blocks --- */

/* A sorted set of blocks or holds, and what the keys of its members begin with. */
struct block_set {
        const char *name, *key;
};

static redisReply *blocks_page(struct redis_client *c, const struct block_set *set,
                               int64_t from)
{
        args_begin(&c->args, "ZRANGE");
        add_key(c, set->name);
        args_number(&c->args, from);
        args_number(&c->args, from + PAGE - 1);
        args_text(&c->args, "WITHSCORES");
        return run_for_list(c);
}

/* Their values; nil for those that are over. */
static redisReply *values_of(struct redis_client *c, const struct block_set *set,
                             const redisReply *page)
{
        struct buf key = { 0 };

        args_begin(&c->args, "MGET");
        for (size_t i = 0; i + 1 < page->elements; i += 2) {
                buf_clear(&key);
                key_put(&key, c->prefix, set->key);
                buf_put_slice(&key, text_of(page->element[i]));
                args_add(&c->args, buf_slice(&key));
        }
        buf_free(&key);
        return run_for_list(c);
}

/* A score of the set, in milliseconds; 0 when it is none. */
static int64_t end_ns_of(const redisReply *score)
{
        double ms = score->type == REDIS_REPLY_STRING ? strtod(score->str, NULL) : 0;

        return ms > 0 && ms < (double)(INT64_MAX / NS_PER_MS) ? (int64_t)ms * NS_PER_MS
                                                              : 0;
}

static bool visit_block(struct slice member, const redisReply *score, struct slice json,
                        block_fn *visit, void *context)
{
        size_t colon = slice_find(member, ':');
        struct block_entry entry = {
                .type = slice_first(member, colon),
                .value = slice_from(member, colon + 1),
                .expires_ns = end_ns_of(score),
                .json = json,
        };

        return visit(context, &entry);
}

/* False when the visitor said stop. */
static bool visit_page(const redisReply *page, const redisReply *values, block_fn *visit,
                       void *context)
{
        for (size_t i = 0; i < values->elements && 2 * i + 1 < page->elements; i++) {
                struct slice json = text_of(values->element[i]);
                if (!slice_is_none(json) &&
                    !visit_block(text_of(page->element[2 * i]), page->element[2 * i + 1],
                                 json, visit, context))
                        return false;
        }
        return true;
}

static enum redis_client_result visit_set(struct redis_client *c,
                                          const struct block_set *set, block_fn *visit,
                                          void *context)
{
        size_t got = 2 * PAGE;
        bool more = true;

        for (int64_t from = 0; more && got == 2 * PAGE; from += PAGE) {
                redisReply *page = blocks_page(c, set, from), *values = NULL;
                if (!page)
                        return REDIS_CLIENT_FAILED;
                got = page->elements;
                if (got)
                        values = values_of(c, set, page);
                if (values)
                        more = visit_page(page, values, visit, context);
                freeReplyObject(page);
                if (got && !values)
                        return REDIS_CLIENT_FAILED;
                if (values)
                        freeReplyObject(values);
        }
        return REDIS_CLIENT_OK;
}

enum redis_client_result redis_client_blocks(struct redis_client *c, block_fn *visit,
                                             void *context)
{
        return visit_set(c, &(struct block_set){ "blocks", "block:" }, visit, context);
}

enum redis_client_result redis_client_holds(struct redis_client *c, block_fn *visit,
                                            void *context)
{
        return visit_set(c, &(struct block_set){ "holds", "hold:" }, visit, context);
}

enum redis_client_result redis_client_block_add(struct redis_client *c,
                                                const struct block *block, bool shortens,
                                                int64_t *left_ns)
{
        int64_t ttl_ms = (block->until_ns - clock_wall_ns()) / NS_PER_MS;

        if (ttl_ms <= 0) {
                fail(c, "the block is over already", "");
                return REDIS_CLIENT_FAILED;
        }
        block_add_args(&c->args, c->prefix, block, ttl_ms, shortens);
        redisReply *reply = run(c); /* twice the same is once */
        if (!reply)
                return REDIS_CLIENT_FAILED;
        *left_ns = reply->type == REDIS_REPLY_INTEGER ? reply->integer * NS_PER_MS : 0;
        freeReplyObject(reply);
        return REDIS_CLIENT_OK;
}

enum redis_client_result
redis_client_block_remove(struct redis_client *c, const struct block *hold, bool *removed)
{
        int64_t ms = (hold->until_ns - hold->since_ns) / NS_PER_MS;

        block_remove_args(&c->args, c->prefix, hold, ms);
        redisReply *reply = run_for(c, c->timeout_ns, false);
        if (!reply)
                return REDIS_CLIENT_FAILED;
        *removed = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
        freeReplyObject(reply);
        return REDIS_CLIENT_OK;
}
