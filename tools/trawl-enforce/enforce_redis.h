/* SPDX-License-Identifier: MIT */
/*
 * enforce_redis - one connection to Redis, logged in and in its database.
 *
 * A narrow door to the alert layer: nothing else here knows how Redis is reached. Does
 * not come back by itself, and keeps no time.
 */
#ifndef ENFORCE_REDIS_H
#define ENFORCE_REDIS_H

#include "alert/redis_url.h"

struct enforce_redis;
struct event_base;
struct redis_args;
struct redisReply;

/* They may open, close and send, but not free. */
struct enforce_redis_handler {
        void (*up)(void *context);
        void (*reply)(void *context, const struct redisReply *); /* in order */
        /* Never before enforce_redis_open has returned; it is closed by then. */
        void (*down)(void *context, const char *why);
        void *context;
};

/* The URL is borrowed. */
struct enforce_redis *enforce_redis_new(const struct redis_url *, struct event_base *,
                                        const struct enforce_redis_handler *);
void enforce_redis_free(struct enforce_redis **);

void enforce_redis_open(struct enforce_redis *);
void enforce_redis_close(struct enforce_redis *); /* no callback */

/* While it is up. */
void enforce_redis_send(struct enforce_redis *, struct redis_args *);

#endif
