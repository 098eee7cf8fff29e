/* SPDX-License-Identifier: MIT */
/*
 * redis_route - the way to the one Redis that is to be spoken to, and a connection there.
 *
 *      one host        it
 *      several hosts   whichever answers; then where MOVED and ASK point (Redis Cluster)
 *      sentinels       the master that they name, if it says itself that it is one (ROLE)
 *
 * A round tries each host of the URL once, with all its addresses, beginning with
 * what worked last. The connection is logged in, the database selected, before `up`.
 * Lives on the caller's loop. Does not come back by itself: when and how often there
 * is a new round is the caller's matter, and so are time limits of its commands.
 */
#ifndef ALERT_REDIS_ROUTE_H
#define ALERT_REDIS_ROUTE_H

#include "alert/redis_url.h"

struct event_base;
struct redis_args;
struct redis_route;
struct redisReply;

/* They may open, close, redirect and send, but not free the route. */
struct redis_route_handler {
        void (*up)(void *context);
        void (*reply)(void *context, const struct redisReply *); /* in order */
        /* The round found nothing, or the connection is lost. `why` is for people: what
           failed, and behind a semicolon the remedy where there is one. */
        void (*down)(void *context, const char *why);
        void *context;
};

/* The URL is copied. `timeout_ns` is for each host: until it is connected and has
 * greeted. */
struct redis_route *redis_route_new(const struct redis_url *, struct event_base *,
                                    int64_t timeout_ns,
                                    const struct redis_route_handler *);
void redis_route_free(struct redis_route **);

/* Begins a round; the route is closed before. Then `up`, or `down`, never at once. */
void redis_route_open(struct redis_route *);

/* Drops the connection, or the round. No callback. */
void redis_route_close(struct redis_route *);

/* While it is up. */
void redis_route_send(struct redis_route *, struct redis_args *);
size_t redis_route_backlog(const struct redis_route *);

/* As for redis_link (redis_link_priv.h); the first counts for later connections too. */
void redis_route_set_reply_max(struct redis_route *, size_t bytes);
void redis_route_take_reply(struct redis_route *);

/*
 * An error that Redis answered. True when it tells to go elsewhere (MOVED, ASK): then the
 * route is closed, and the next round begins there. False for other errors, when the
 * nodes send us around in a circle, and when this round has tried that node in vain.
 */
bool redis_route_redirect(struct redis_route *, const char *error);

/* Of the latter: what failed there, as `down` tells it; NULL in the other cases. */
const char *redis_route_redirect_why(const struct redis_route *);

/* This connection speaks to a node that does not own the slot yet (ASK): for the moment
   only, the next round begins at the owner again. */
bool redis_route_is_asking(const struct redis_route *);

/* The last `down` was for a mistake of the operator, such as a wrong password: to try
   again at once does not help. */
bool redis_route_is_mistake(const struct redis_route *);

/* There are other places than this one, so that a replica is left for them. */
bool redis_route_has_others(const struct redis_route *);

/* The word of an error: `MOVED 1 h:2` is a MOVED. */
bool redis_error_is(const char *error, const char *word);

/*
 * `MOVED 3999 127.0.0.1:6381`, `ASK ...`; a host that is missing is `peer`. False for
 * another error.
 */
bool redis_redirect_parse(const char *error, const char *peer, struct redis_host *,
                          bool *is_ask);

#endif
