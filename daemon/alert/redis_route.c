/* SPDX-License-Identifier: MIT */
#include "alert/redis_route.h"

#include "alert/redis_link_priv.h"
#include "alert/redis_lookup_priv.h"
#include "alert/redis_tls_priv.h"
#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SENTINEL_TIMEOUT NS_PER_SEC       /* another one may know as well */
#define REDIRECTS_MAX    8                /* a second */
#define LOST_TIME        (5 * NS_PER_SEC) /* an owner is not tried twice in this */
#define NO_TLS           "; is it running, and is this the port of its TLS (tls-port)?"
#define NOT_THERE        "; is it running, and is redis.url right? (redis-cli ping)"
/* A unit's IPAddressDeny= looks like a network that loses everything. */
#define IS_FENCED \
        "; as a service of systemd: does IPAddressAllow= of the unit let it through?"

enum stage {
        STAGE_CLOSED,
        STAGE_NEXT, /* the timer will try the next place */
        STAGE_CONNECTING,
        STAGE_GREETING,
        STAGE_UP,
};

/* What was said before `up`; replies come in this order. */
enum greeting {
        GREETING_AUTH,
        GREETING_MASTER,
        GREETING_ROLE,
        GREETING_SELECT,
        GREETING_NAME
};

struct redis_route {
        struct redis_url url;
        struct redis_tls *tls; /* or NULL */
        struct event_base *base;
        int64_t timeout_ns;
        struct redis_route_handler handler;
        struct event *timer;
        struct redis_lookup *lookup;
        struct redis_args args;
        size_t reply_max;

        enum stage stage;
        struct redis_link *link;
        enum greeting greetings[4];
        unsigned greeting_count, greeting_next;

        unsigned left;    /* hosts of the URL that this round has not tried */
        unsigned seed;    /* the one that is tried next */
        bool is_of_seed;  /* the URL's host before it led to the host below */
        bool is_sentinel; /* the host below is asked for the master */
        struct redis_host host;
        struct redis_address addresses[REDIS_ADDRESSES];
        unsigned address_count, address_next;

        bool has_owner, has_ask; /* places that MOVED and ASK told */
        bool owner_is_tried;
        struct redis_host owner, ask;
        struct redis_host lost; /* an owner that this round could not use, */
        int64_t lost_ns;        /* since then; 0: there is none */
        bool is_lost;           /* the last redirection led there */
        bool is_asking;         /* each command here needs an ASKING before it */
        bool is_asked;          /* the next reply is ASKING's */
        int64_t redirect_ns;
        unsigned redirects;
        char why[REDIS_WHY_MAX + 400];      /* the last place failed */
        char lost_why[REDIS_WHY_MAX + 400]; /* the lost owner did */
        bool is_mistake;                    /* because of what the operator wrote */
};

/* --- the end of a place --- */

static void set_timer(struct redis_route *r, int64_t wait)
{
        struct timeval tv = { wait / NS_PER_SEC, wait % NS_PER_SEC / NS_PER_US };

        evtimer_add(r->timer, &tv);
}

static void leave(struct redis_route *r)
{
        redis_link_free(&r->link);
        evtimer_del(r->timer);
        r->greeting_count = r->greeting_next = 0;
        r->is_asked = false;
        r->stage = STAGE_CLOSED;
}

static void go_next(struct redis_route *r)
{
        leave(r);
        r->stage = STAGE_NEXT;
        set_timer(r, 0);
}

/* Where there are several places, which one. */
static void note(struct redis_route *r, const char *why)
{
        struct buf at = { 0 };

        if (redis_route_has_others(r) || r->has_owner) {
                buf_put_str(&at, r->is_sentinel ? "sentinel " : "");
                redis_host_put(&r->host, &at);
                buf_put_str(&at, ": ");
        }
        snprintf(r->why, sizeof(r->why), "%.*s%s", (int)at.len,
                 at.len ? (const char *)at.data : "", why);
        buf_free(&at);
}

static void fail(struct redis_route *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct redis_route *r, const char *format, ...)
{
        char why[REDIS_WHY_MAX];
        va_list args;

        va_start(args, format);
        vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        note(r, why);
        r->is_mistake = false;
        go_next(r);
}

/* By an answer that will be the same the next time. */
static void fail_by(struct redis_route *r, const char *what, const char *error,
                    const char *remedy)
{
        fail(r, "%s: %s%s", what, error, remedy);
        r->is_mistake = true;
}

/* --- greeting --- */

static void greet(struct redis_route *r, enum greeting greeting)
{
        CHECK(r->greeting_count < sizeof(r->greetings) / sizeof(r->greetings[0]));
        r->greetings[r->greeting_count++] = greeting;
        redis_link_send(r->link, &r->args);
}

static void greet_auth(struct redis_route *r, const char *user, const char *password)
{
        if (!user[0] && !password[0])
                return;
        args_begin(&r->args, "AUTH");
        if (user[0])
                args_text(&r->args, user);
        args_text(&r->args, password);
        greet(r, GREETING_AUTH);
}

static void greet_sentinel(struct redis_route *r)
{
        greet_auth(r, r->url.sentinel_user, r->url.sentinel_password);
        args_begin(&r->args, "SENTINEL");
        args_text(&r->args, "get-master-addr-by-name");
        args_text(&r->args, r->url.master);
        greet(r, GREETING_MASTER);
}

static void greet_node(struct redis_route *r)
{
        greet_auth(r, r->url.user, r->url.password);
        if (r->url.is_sentinel) {
                args_begin(&r->args, "ROLE");
                greet(r, GREETING_ROLE);
        }
        if (r->url.database) {
                args_begin(&r->args, "SELECT");
                args_number(&r->args, r->url.database);
                greet(r, GREETING_SELECT);
        }
        args_begin(&r->args, "CLIENT");
        args_text(&r->args, "SETNAME");
        args_text(&r->args, "trawlwatch");
        greet(r, GREETING_NAME);
}

static void use_host(struct redis_route *r, const struct redis_host *host,
                     bool is_sentinel)
{
        const char *why = "";

        r->host = *host;
        r->is_sentinel = is_sentinel;
        r->is_asking = false;
        r->address_next = 0;
        r->address_count =
            redis_lookup_find(r->lookup, host, clock_monotonic_ns(), r->addresses, &why);
        if (r->address_count == 0) {
                char text[REDIS_WHY_MAX];
                snprintf(text, sizeof(text), "%s; use an address, or mend the name", why);
                note(r, text);
        }
}

static bool is_text(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_STRING;
}

/* An array of host and port, or nil: it watches no master of that name. */
static void take_master(struct redis_route *r, const redisReply *reply)
{
        struct redis_host master = { 0 };
        uint64_t port;

        if (reply->type == REDIS_REPLY_ERROR) {
                fail_by(r, "it does not tell the master", reply->str,
                        redis_error_is(reply->str, "NOAUTH")
                            ? "; set redis.sentinel_user and "
                              "redis.sentinel_password_file"
                            : "; is it a sentinel?");
                return;
        }
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
            !is_text(reply->element[0]) || !is_text(reply->element[1]) ||
            !slice_to_u64(slice_str(reply->element[1]->str), &port) || port == 0 ||
            port > 65535) {
                fail_by(r, "it watches no master of this name", r->url.master,
                        "; see SENTINEL MASTERS");
                return;
        }
        snprintf(master.name, sizeof(master.name), "%s", reply->element[0]->str);
        master.port = (uint16_t)port;
        use_host(r, &master, false);
        go_next(r);
}

static bool is_master(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_ARRAY && reply->elements &&
               is_text(reply->element[0]) &&
               strcmp(reply->element[0]->str, "master") == 0;
}

/* False when it is of no use; then the next place is tried. */
static bool take_greeting(struct redis_route *r, enum greeting greeting,
                          const redisReply *reply)
{
        const char *error = reply->type == REDIS_REPLY_ERROR ? reply->str : NULL;

        switch (greeting) {
        case GREETING_AUTH:
                if (error)
                        fail_by(r, "it refuses the login", error, redis_remedy(error));
                return !error;
        case GREETING_MASTER:
                take_master(r, reply);
                return false;
        case GREETING_ROLE:
                if (error)
                        fail_by(r, "it does not tell its role", error,
                                redis_remedy(error));
                else if (!is_master(reply))
                        fail(r, "it is no master; the sentinels will know the new one");
                return !error && is_master(reply);
        case GREETING_SELECT:
                if (error)
                        fail_by(r, "it refuses the database", error, redis_remedy(error));
                return !error;
        case GREETING_NAME: /* a courtesy to whoever reads CLIENT LIST */
                break;
        }
        return true;
}

/* --- the connection --- */

static void on_up(void *context)
{
        struct redis_route *r = context;

        r->stage = STAGE_GREETING;
        redis_link_set_reply_max(r->link, r->reply_max);
        if (r->is_sentinel)
                greet_sentinel(r);
        else
                greet_node(r);
}

static void be_up(struct redis_route *r)
{
        evtimer_del(r->timer);
        r->stage = STAGE_UP;
        r->address_count = 0;
        /* The next round begins with the host that led here. */
        if (r->is_of_seed)
                r->seed = (r->seed + r->url.host_count - 1) % r->url.host_count;
        r->handler.up(r->handler.context);
}

static void on_reply(void *context, const redisReply *reply)
{
        struct redis_route *r = context;

        if (r->stage == STAGE_UP) {
                if (r->is_asking && (r->is_asked = !r->is_asked))
                        return;
                r->handler.reply(r->handler.context, reply);
                return;
        }
        if (r->greeting_next == r->greeting_count) {
                fail(r, "it answers what was not asked");
                return;
        }
        if (take_greeting(r, r->greetings[r->greeting_next++], reply) &&
            r->greeting_next == r->greeting_count)
                be_up(r);
}

static void on_down(void *context, const char *why)
{
        struct redis_route *r = context;
        enum stage stage = r->stage;
        bool has_remedy = strchr(why, ';') != NULL;

        if (stage == STAGE_UP) {
                note(r, why);
                leave(r);
                r->handler.down(r->handler.context, r->why);
                return;
        }
        fail(r, "%s%s", why, stage == STAGE_CONNECTING && !has_remedy ? NOT_THERE : "");
}

static void connect_to(struct redis_route *r, const struct redis_address *to)
{
        const struct redis_link_handler handler = { on_up, on_reply, on_down, r };
        const struct sockaddr *address = (const struct sockaddr *)&to->socket;
        int64_t timeout = r->timeout_ns;
        struct ssl_st *ssl = NULL;
        char why[REDIS_WHY_MAX];

        if (r->url.is_tls && !(ssl = redis_tls_connect(r->tls, r->host.name, why))) {
                fail(r, "%s", why);
                r->is_mistake = true;
                return;
        }
        r->stage = STAGE_CONNECTING;
        if (r->is_sentinel && timeout > SENTINEL_TIMEOUT)
                timeout = SENTINEL_TIMEOUT;
        set_timer(r, timeout);
        r->link = ssl ? redis_link_open_tls_take(r->base, address, to->len, ssl, &handler)
                      : redis_link_open(r->base, address, to->len, &handler);
        if (!r->link)
                fail(r, "%s%s", strerror(errno), NOT_THERE);
}

/* --- a round --- */

/* The next host into r->host; false when the round is over. */
static bool next_host(struct redis_route *r)
{
        r->is_of_seed = false;
        if (r->has_ask) {
                r->has_ask = false;
                use_host(r, &r->ask, false);
                r->is_asking = true;
        } else if (r->has_owner && !r->owner_is_tried) {
                r->owner_is_tried = true;
                use_host(r, &r->owner, false);
        } else if (r->left) {
                if (r->has_owner) { /* it is of no use */
                        r->lost = r->owner;
                        r->lost_ns = clock_monotonic_ns();
                        memcpy(r->lost_why, r->why, sizeof(r->lost_why));
                }
                r->has_owner = false;
                r->left--;
                use_host(r, &r->url.hosts[r->seed], r->url.is_sentinel);
                r->seed = (r->seed + 1) % r->url.host_count;
                r->is_of_seed = true;
        } else {
                return false;
        }
        return true;
}

static void try_next(struct redis_route *r)
{
        while (r->address_next == r->address_count) {
                if (!next_host(r)) {
                        leave(r);
                        r->handler.down(r->handler.context, r->why);
                        return;
                }
        }
        connect_to(r, &r->addresses[r->address_next++]);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct redis_route *r = context;

        (void)fd, (void)what;
        if (r->stage == STAGE_NEXT)
                try_next(r);
        else if (r->stage == STAGE_CONNECTING)
                fail(r, "no connection in time%s%s", r->url.is_tls ? NO_TLS : NOT_THERE,
                     getenv("INVOCATION_ID") ? IS_FENCED : "");
        else if (r->stage == STAGE_GREETING)
                fail(r, "no answer in time");
}

void redis_route_open(struct redis_route *r)
{
        CHECK(r->stage == STAGE_CLOSED);
        r->left = r->url.host_count;
        r->owner_is_tried = false;
        r->lost_ns = 0;
        r->address_next = r->address_count = 0;
        go_next(r);
}

void redis_route_close(struct redis_route *r)
{
        leave(r);
}

/* --- redirection --- */

bool redis_error_is(const char *error, const char *word)
{
        size_t len = strlen(word);

        return strncmp(error, word, len) == 0 &&
               (error[len] == ' ' || error[len] == '\0' || error[len] == '\r');
}

bool redis_redirect_parse(const char *error, const char *peer, struct redis_host *to,
                          bool *is_ask)
{
        struct slice rest = slice_str(error), word, slot, at;
        uint64_t port;

        *is_ask = redis_error_is(error, "ASK");
        if ((!*is_ask && !redis_error_is(error, "MOVED")) ||
            !slice_next(&rest, ' ', &word) || !slice_next(&rest, ' ', &slot) ||
            !slice_next(&rest, ' ', &at))
                return false;
        size_t colon = at.len;
        while (colon && at.data[colon - 1] != ':') /* the last: it may be IPv6 */
                colon--;
        if (colon == 0 || !slice_to_u64(slice_from(at, colon), &port) || port == 0 ||
            port > 65535 || colon > sizeof(to->name))
                return false;
        struct slice name = slice_first(at, colon - 1);
        if (name.len == 0 || slice_is(name, "?"))
                name = slice_str(peer);
        snprintf(to->name, sizeof(to->name), "%.*s", (int)name.len,
                 (const char *)name.data);
        to->port = (uint16_t)port;
        return true;
}

static bool is_circle(struct redis_route *r)
{
        int64_t now = clock_monotonic_ns();

        if (now - r->redirect_ns > NS_PER_SEC) {
                r->redirect_ns = now;
                r->redirects = 0;
        }
        return ++r->redirects > REDIRECTS_MAX;
}

/* The seeds name the node again that was just tried in vain. */
static bool is_lost(const struct redis_route *r, const struct redis_host *to)
{
        return r->lost_ns && clock_monotonic_ns() - r->lost_ns < LOST_TIME &&
               to->port == r->lost.port && strcmp(to->name, r->lost.name) == 0;
}

bool redis_route_redirect(struct redis_route *r, const char *error)
{
        struct redis_host to;
        bool is_ask;

        r->is_lost = false;
        if (!redis_redirect_parse(error, r->host.name, &to, &is_ask))
                return false;
        r->is_lost = is_lost(r, &to);
        if (r->is_lost || is_circle(r))
                return false;
        if (is_ask) {
                r->has_ask = true;
                r->ask = to;
        } else {
                r->has_owner = true;
                r->owner = to;
        }
        leave(r);
        return true;
}

const char *redis_route_redirect_why(const struct redis_route *r)
{
        return r->is_lost ? r->lost_why : NULL;
}

bool redis_route_is_asking(const struct redis_route *r)
{
        return r->is_asking;
}

bool redis_route_is_mistake(const struct redis_route *r)
{
        return r->is_mistake;
}

bool redis_route_has_others(const struct redis_route *r)
{
        return r->url.is_sentinel || r->url.host_count > 1;
}

/* --- use --- */

struct redis_route *redis_route_new(const struct redis_url *url, struct event_base *base,
                                    int64_t timeout_ns,
                                    const struct redis_route_handler *handler)
{
        struct redis_route *r = calloc(1, sizeof(*r));

        CHECK(r);
        r->url = *url;
        if (url->is_tls)
                r->tls = redis_tls_new(&url->tls);
        r->url.tls = (struct redis_tls_options){ 0 }; /* borrowed for this call */
        r->base = base;
        r->timeout_ns = timeout_ns;
        r->handler = *handler;
        r->reply_max = REDIS_REPLY_MAX;
        r->lookup = redis_lookup_new();
        r->timer = evtimer_new(base, on_timer, r);
        CHECK(r->timer);
        return r;
}

void redis_route_free(struct redis_route **route)
{
        struct redis_route *r = *route;

        if (!r)
                return;
        redis_link_free(&r->link);
        event_free(r->timer);
        redis_lookup_free(&r->lookup);
        args_free(&r->args);
        redis_tls_free(&r->tls);
        free(r);
        *route = NULL;
}

void redis_route_send(struct redis_route *r, struct redis_args *args)
{
        CHECK(r->stage == STAGE_UP);
        if (r->is_asking) {
                args_begin(&r->args, "ASKING");
                redis_link_send(r->link, &r->args);
        }
        redis_link_send(r->link, args);
}

size_t redis_route_backlog(const struct redis_route *r)
{
        return r->link ? redis_link_backlog(r->link) : 0;
}

void redis_route_set_reply_max(struct redis_route *r, size_t bytes)
{
        r->reply_max = bytes;
}

void redis_route_take_reply(struct redis_route *r)
{
        redis_link_take_reply(r->link);
}
