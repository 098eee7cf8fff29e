/* SPDX-License-Identifier: MIT */
/*
 * redis_lookup - the addresses of a host of Redis, remembered.
 *
 * By getaddrinfo, which may block for as long as the resolver takes. A name that was
 * found is never asked for again; one that was not, at most every 30 s. Addresses ask
 * nobody. Keeps 16 hosts.
 */
#ifndef ALERT_REDIS_LOOKUP_PRIV_H
#define ALERT_REDIS_LOOKUP_PRIV_H

#include "alert/redis_url.h"

#include <sys/socket.h>

#define REDIS_ADDRESSES 8

struct redis_address {
        struct sockaddr_storage socket;
        socklen_t len;
};

struct redis_lookup;

struct redis_lookup *redis_lookup_new(void);
void redis_lookup_free(struct redis_lookup **);

/*
 * Puts at most REDIS_ADDRESSES there and gives their number. Port 0: the name is the path
 * of a socket. 0: none, and *why (a static text) says so.
 */
unsigned redis_lookup_find(struct redis_lookup *, const struct redis_host *,
                           int64_t now_ns, struct redis_address *, const char **why);

#endif
