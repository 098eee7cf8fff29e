/* SPDX-License-Identifier: MIT */
#include "enforce_redis.h"

#include "alert/redis_link_priv.h"
#include "base/check.h"

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#define WHY_MAX 256

struct enforce_redis {
        const struct redis_url *url;
        struct event_base *base;
        struct enforce_redis_handler handler;
        struct redis_link *link;
        struct redis_args args;
        struct event *failure; /* what could not even begin is reported from the loop */
        unsigned greeting;     /* answers that are still ours */
        unsigned attempt;      /* takes turns between the addresses of a name */
        char why[WHY_MAX];
};

static void go_down(struct enforce_redis *r, const char *what, const char *detail)
{
        char why[WHY_MAX];

        snprintf(why, sizeof(why), "%s%s", what, detail);
        enforce_redis_close(r);
        r->handler.down(r->handler.context, why);
}

static void on_failure(evutil_socket_t fd, short what, void *context)
{
        struct enforce_redis *r = context;

        (void)fd;
        (void)what;
        go_down(r, r->why, "");
}

static void fail_soon(struct enforce_redis *r, const char *why)
{
        snprintf(r->why, sizeof(r->why), "%s", why);
        event_active(r->failure, EV_TIMEOUT, 0);
}

static void greet(struct enforce_redis *r)
{
        redis_link_send(r->link, &r->args);
        r->greeting++;
}

static void on_up(void *context)
{
        struct enforce_redis *r = context;

        if (r->url->password[0]) {
                args_begin(&r->args, "AUTH");
                if (r->url->user[0])
                        args_text(&r->args, r->url->user);
                args_text(&r->args, r->url->password);
                greet(r);
        }
        if (r->url->database) {
                args_begin(&r->args, "SELECT");
                args_number(&r->args, r->url->database);
                greet(r);
        }
        args_begin(&r->args, "CLIENT");
        args_text(&r->args, "SETNAME");
        args_text(&r->args, "trawl-enforce");
        greet(r);
}

static void on_reply(void *context, const redisReply *reply)
{
        struct enforce_redis *r = context;

        if (r->greeting == 0) {
                r->handler.reply(r->handler.context, reply);
                return;
        }
        /* The last one, a name, may be refused: the login may not. */
        if (--r->greeting && reply->type == REDIS_REPLY_ERROR)
                go_down(r, reply->str, redis_remedy(reply->str));
        else if (r->greeting == 0)
                r->handler.up(r->handler.context);
}

static void on_down(void *context, const char *why)
{
        go_down(context, why, "");
}

struct enforce_redis *enforce_redis_new(const struct redis_url *url,
                                        struct event_base *base,
                                        const struct enforce_redis_handler *handler)
{
        struct enforce_redis *r = calloc(1, sizeof(*r));

        CHECK(r);
        r->url = url;
        r->base = base;
        r->handler = *handler;
        r->failure = event_new(base, -1, 0, on_failure, r);
        CHECK(r->failure);
        return r;
}

void enforce_redis_free(struct enforce_redis **redis)
{
        struct enforce_redis *r = *redis;

        if (!r)
                return;
        enforce_redis_close(r);
        event_free(r->failure);
        args_free(&r->args);
        free(r);
        *redis = NULL;
}

static void connect_to(struct enforce_redis *r, const struct sockaddr *address,
                       socklen_t len)
{
        struct redis_link_handler handler = { on_up, on_reply, on_down, r };

        r->link = redis_link_open(r->base, address, len, &handler);
        if (!r->link)
                fail_soon(r, strerror(errno));
}

static void connect_unix(struct enforce_redis *r)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memcpy(address.sun_path, r->url->host, strlen(r->url->host));
        connect_to(r, (struct sockaddr *)&address, sizeof(address));
}

/* A name with several addresses: another one at each attempt. */
static void connect_tcp(struct enforce_redis *r)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *at;
        unsigned count = 0;
        char port[8];

        snprintf(port, sizeof(port), "%u", r->url->port);
        int failed = getaddrinfo(r->url->host, port, &hints, &found);
        if (failed) {
                fail_soon(r,
                          failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
                return;
        }
        for (at = found; at; at = at->ai_next)
                count++;
        at = found;
        for (unsigned i = r->attempt++ % count; i; i--)
                at = at->ai_next;
        connect_to(r, at->ai_addr, at->ai_addrlen);
        freeaddrinfo(found);
}

void enforce_redis_open(struct enforce_redis *r)
{
        enforce_redis_close(r);
        if (r->url->is_unix)
                connect_unix(r);
        else
                connect_tcp(r);
}

void enforce_redis_close(struct enforce_redis *r)
{
        event_del(r->failure);
        redis_link_free(&r->link);
        r->greeting = 0;
}

void enforce_redis_send(struct enforce_redis *r, struct redis_args *args)
{
        CHECK(r->link && r->greeting == 0);
        redis_link_send(r->link, args);
}
