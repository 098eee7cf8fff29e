/* SPDX-License-Identifier: MIT */
/*
 * redis_link - one connection to Redis on the event loop: commands out, replies in.
 *
 * Knows RESP (by hiredis) and sockets (by libevent), and nothing of what is said.
 * Replies come in the order of the commands. A link is used once: after `down`
 * it is closed, and another is made. Any of the callbacks may free the link.
 */
#ifndef ALERT_REDIS_LINK_PRIV_H
#define ALERT_REDIS_LINK_PRIV_H

#include "alert/redis_script_priv.h"

#include <sys/socket.h>

struct event_base;
struct redisReply;
struct redis_link;

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
void redis_link_free(struct redis_link **);

/* Puts a command into the output buffer. */
void redis_link_send(struct redis_link *, struct redis_args *);

/* Bytes that the socket has not taken yet. */
size_t redis_link_backlog(const struct redis_link *);

#endif
