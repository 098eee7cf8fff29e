/* SPDX-License-Identifier: MIT */
#include "alert/redis_client.h"

#include "alert/redis_script_priv.h"
#include "base/check.h"
#include "base/clock.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE 500 /* entries or blocks a call */

struct redis_client {
        redisContext *connection;
        char *prefix;
        struct timeval timeout;
        struct redis_args args;
        char last_id[64]; /* of the stream; empty: nothing visited yet */
        char name[REDIS_URL_TEXT_MAX];
        char error[512];
};

static void fail(struct redis_client *c, const char *what, const char *remedy)
{
        snprintf(c->error, sizeof(c->error), "Redis at %s: %s%s", c->name, what, remedy);
}

/* The reply of the command in c->args; NULL after fail(). */
static redisReply *run(struct redis_client *c)
{
        if (c->error[0])
                return NULL;
        const char **argv = args_argv(&c->args);
        redisReply *reply = redisCommandArgv(c->connection, (int)args_count(&c->args),
                                             argv, args_lens(&c->args));
        if (!reply) {
                fail(c, c->connection->errstr, "");
                return NULL;
        }
        if (reply->type == REDIS_REPLY_ERROR) {
                fail(c, reply->str, redis_remedy(reply->str));
                freeReplyObject(reply);
                return NULL;
        }
        return reply;
}

/* For commands whose answer says nothing. */
static bool run_simple(struct redis_client *c)
{
        redisReply *reply = run(c);

        if (reply)
                freeReplyObject(reply);
        return reply != NULL;
}

static void open_connection(struct redis_client *c, const struct redis_url *url)
{
        c->connection = url->is_unix
                            ? redisConnectUnixWithTimeout(url->host, c->timeout)
                            : redisConnectWithTimeout(url->host, url->port, c->timeout);
        CHECK(c->connection);
        if (c->connection->err)
                fail(c, c->connection->errstr, "; is it running, and is the URL right?");
        else
                redisSetTimeout(c->connection, c->timeout);
}

static void log_in(struct redis_client *c, const struct redis_url *url)
{
        if (url->password[0]) {
                args_begin(&c->args, "AUTH");
                if (url->user[0])
                        args_text(&c->args, url->user);
                args_text(&c->args, url->password);
                run_simple(c);
        }
        if (url->database) {
                args_begin(&c->args, "SELECT");
                args_number(&c->args, url->database);
                run_simple(c);
        }
}

struct redis_client *redis_client_new(const struct redis_url *url, const char *prefix,
                                      int timeout_ms)
{
        struct redis_client *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->prefix = strdup(prefix);
        CHECK(c->prefix);
        c->timeout = (struct timeval){ timeout_ms / 1000, timeout_ms % 1000 * 1000 };
        redis_url_text(url, c->name);
        open_connection(c, url);
        log_in(c, url);
        return c;
}

void redis_client_free(struct redis_client **c)
{
        if (!*c)
                return;
        redisFree((*c)->connection);
        args_free(&(*c)->args);
        free((*c)->prefix);
        free(*c);
        *c = NULL;
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

/* RFC 3339 in UTC with a fraction or without; 0 when it is something else. */
static int64_t parse_time(struct slice text)
{
        char copy[CLOCK_TEXT_MAX];
        struct tm tm = { 0 };

        if (text.len == 0 || text.len >= sizeof(copy))
                return 0;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
        if (!rest)
                return 0;
        int64_t ns = 0, unit = NS_PER_SEC / 10;
        if (*rest == '.')
                for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
                        ns += (*rest - '0') * unit;
        return (int64_t)timegm(&tm) * NS_PER_SEC + ns;
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
                alert->time_ns = parse_time(value);
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
                redisReply *reply = run(c);
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

/* The id of the newest entry, so that nothing slips through between two waits. */
static bool find_last_id(struct redis_client *c)
{
        args_begin(&c->args, "XREVRANGE");
        add_key(c, "alerts");
        args_text(&c->args, "+");
        args_text(&c->args, "-");
        args_text(&c->args, "COUNT");
        args_number(&c->args, 1);
        redisReply *reply = run(c);
        if (!reply)
                return false;
        snprintf(c->last_id, sizeof(c->last_id), "0-0");
        if (reply->elements && reply->element[0]->elements)
                snprintf(c->last_id, sizeof(c->last_id), "%s",
                         reply->element[0]->element[0]->str);
        freeReplyObject(reply);
        return true;
}

static void set_timeout(struct redis_client *c, int more_ms)
{
        struct timeval tv = c->timeout;

        tv.tv_sec += more_ms / 1000 + 1;
        if (!c->error[0])
                redisSetTimeout(c->connection, tv);
}

enum redis_client_result redis_client_follow(struct redis_client *c, int timeout_ms,
                                             alert_fn *visit, void *context)
{
        if (!c->last_id[0] && !find_last_id(c))
                return REDIS_CLIENT_FAILED;
        set_timeout(c, timeout_ms);
        args_begin(&c->args, "XREAD");
        args_text(&c->args, "COUNT");
        args_number(&c->args, PAGE);
        args_text(&c->args, "BLOCK");
        args_number(&c->args, timeout_ms > 0 ? timeout_ms : 1);
        args_text(&c->args, "STREAMS");
        add_key(c, "alerts");
        args_text(&c->args, c->last_id);
        redisReply *reply = run(c);
        if (!reply)
                return REDIS_CLIENT_FAILED;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
            reply->element[0]->elements == 2)
                visit_entries(c, reply->element[0]->element[1], visit, context);
        freeReplyObject(reply);
        return REDIS_CLIENT_OK;
}

/* --- blocks --- */

static redisReply *blocks_page(struct redis_client *c, int64_t from)
{
        args_begin(&c->args, "ZRANGE");
        add_key(c, "blocks");
        args_number(&c->args, from);
        args_number(&c->args, from + PAGE - 1);
        args_text(&c->args, "WITHSCORES");
        return run(c);
}

/* Their values; nil for those that are over. */
static redisReply *values_of(struct redis_client *c, const redisReply *page)
{
        struct buf key = { 0 };

        args_begin(&c->args, "MGET");
        for (size_t i = 0; i + 1 < page->elements; i += 2) {
                buf_clear(&key);
                key_put(&key, c->prefix, "block:");
                buf_put_slice(&key, text_of(page->element[i]));
                args_add(&c->args, buf_slice(&key));
        }
        buf_free(&key);
        return run(c);
}

static bool visit_block(struct slice member, const redisReply *score, struct slice json,
                        block_fn *visit, void *context)
{
        size_t colon = slice_find(member, ':');
        struct block_entry entry = {
                .type = slice_first(member, colon),
                .value = slice_from(member, colon + 1),
                .expires_ns = (int64_t)strtod(score->str, NULL) * NS_PER_MS,
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

enum redis_client_result redis_client_blocks(struct redis_client *c, block_fn *visit,
                                             void *context)
{
        size_t got = 2 * PAGE;
        bool more = true;

        for (int64_t from = 0; more && got == 2 * PAGE; from += PAGE) {
                redisReply *page = blocks_page(c, from), *values = NULL;
                if (!page)
                        return REDIS_CLIENT_FAILED;
                got = page->elements;
                if (got)
                        values = values_of(c, page);
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

enum redis_client_result redis_client_block_add(struct redis_client *c,
                                                const struct block *block)
{
        int64_t ttl_ms = (block->until_ns - clock_wall_ns()) / NS_PER_MS;

        if (ttl_ms <= 0) {
                fail(c, "the block is over already", "");
                return REDIS_CLIENT_FAILED;
        }
        block_add_args(&c->args, c->prefix, block, ttl_ms);
        return run_simple(c) ? REDIS_CLIENT_OK : REDIS_CLIENT_FAILED;
}

enum redis_client_result redis_client_block_remove(struct redis_client *c,
                                                   struct slice type, struct slice value,
                                                   bool *removed)
{
        block_remove_args(&c->args, c->prefix, type, value);
        redisReply *reply = run(c);
        if (!reply)
                return REDIS_CLIENT_FAILED;
        *removed = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
        freeReplyObject(reply);
        return REDIS_CLIENT_OK;
}
