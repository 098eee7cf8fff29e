/* SPDX-License-Identifier: MIT */
/*
 * follow - learn from Redis which blocks there are, and when that changes.
 *
 * Two connections. One listens to the channel; the other asks. When the channel is
 * subscribed to, the sorted set is read as a whole; from then on each message says which
 * block to ask for (ZSCORE). All that is learnt comes over the asking connection, in
 * the order in which Redis did it, so an old message undoes nothing; the end is the
 * score, by Redis' clock; and a block that a hold has kept away is not there.
 *
 *      channel   ... alert names ip:203.0.113.9 ...... again ......
 *      asking    TIME ZRANGEBYSCORE.. ZSCORE ip:203.0.113.9 -> end, or none
 *
 * The whole is read again every 30 s, and after each loss of a connection, which is made
 * again after 50 ms, 100 ms, ... 2 s, less up to a half by chance. The set comes in pages
 * of 1000. A message costs one round trip to Redis; when more than 8192 are in flight,
 * the whole is read instead.
 */
#ifndef ENFORCE_FOLLOW_H
#define ENFORCE_FOLLOW_H

#include "alert/redis_url.h"

struct event_base;
struct follow;

struct follow_handler {
        void (*begin)(void *context); /* the whole comes: */
        void (*block)(void *context, struct slice member, int64_t end_ms); /* 0: none */
        void (*complete)(void *context);
        /* Field and value in turn, ends with a NULL: for the heartbeat. */
        const char *const *(*heartbeat)(void *context);
        void *context;
};

struct follow_options {
        struct redis_url url;
        const char *prefix;
        const char *name; /* of this blocker: PREFIX:enforcer:NAME */
};

/* All borrowed. Connects from the loop. */
struct follow *follow_new(const struct follow_options *, struct event_base *,
                          const struct follow_handler *);
void follow_free(struct follow **);

/* The whole is read again as soon as it can be. */
void follow_again(struct follow *);

/* Redis' clock in milliseconds, as far as known; our own before it was ever asked. */
int64_t follow_time_ms(const struct follow *);

bool follow_is_up(const struct follow *);
uint64_t follow_bad_messages(const struct follow *);

#endif
