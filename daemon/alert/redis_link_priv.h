/* SPDX-License-Identifier: MIT */
/*
 * redis_link - one connection to Redis on the event loop: commands out, replies in.
 *
 * Knows RESP (by hiredis) and sockets (by libevent), and nothing of what is said.
 * Replies come in the order of the commands. A link is used once: after `down`
 * it is closed, and another is made. Any of the callbacks may free the link.
 *
 * `why` is for people: what failed, and behind a semicolon the remedy where there is one.
 */
#ifndef ALERT_REDIS_LINK_PRIV_H
#define ALERT_REDIS_LINK_PRIV_H

#include "alert/redis_script_priv.h"

#include <sys/socket.h>

struct event_base;
struct redisReply;
struct ssl_st;
struct redis_link;

#define REDIS_REPLY_MAX (1u << 20)

struct redis_link_handler {
        void (*up)(void *context);
        void (*reply)(void *context, const struct redisReply *);
        void (*down)(void *context,
                     const char *why); /* never before redis_link_open returned */
        void *context;
};

/* Begins to connect. NULL with errno when that fails at once. */
struct redis_link *redis_link_open(struct event_base *, const struct sockaddr *,
                                   socklen_t, const struct redis_link_handler *);
/* The same over TLS (redis_tls_priv.h), whose side is handed over; also on failure. */
struct redis_link *redis_link_open_tls_take(struct event_base *, const struct sockaddr *,
                                            socklen_t, struct ssl_st *,
                                            const struct redis_link_handler *);
void redis_link_free(struct redis_link **);

/* The longest reply that is waited for; REDIS_REPLY_MAX where this is not said. */
void redis_link_set_reply_max(struct redis_link *, size_t bytes);

/* Within `reply`: its reply is the caller's (freeReplyObject), and outlives the call. */
void redis_link_take_reply(struct redis_link *);

/* Puts a command into the output buffer. */
void redis_link_send(struct redis_link *, struct redis_args *);

/* Bytes that the socket has not taken yet. */
size_t redis_link_backlog(const struct redis_link *);

#endif
