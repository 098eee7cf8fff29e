/* SPDX-License-Identifier: MIT */
/*
 * pool - the addresses that somebody has at hand.
 *
 *      address    one
 *      network    neighbours of one network (of a few /24, when there are many)
 *      anywhere   of as many networks as there are addresses: a proxy service's, or
 *                 machines rented here and there
 */
#ifndef LAB_POOL_H
#define LAB_POOL_H

#include "place.h"

#include "parameters.h"

struct lab;

enum spread { SPREAD_ADDRESS, SPREAD_NETWORK, SPREAD_ANYWHERE };

struct pool_plan {
        enum place_kind place;
        enum spread spread;
        uint32_t count;
        /* anywhere: subscribers are numbered below this; 0: all there are. Proxies sit in
         * homes of which people of the laboratory use the site at the same time. */
        uint32_t subscribers;
        uint32_t range; /* an IPv4 address; not 0: that one and those after it */
};

struct pool;

/* The keys of an entry that say it; their names begin with the prefix. */
#define POOL_KEYS_OF(prefix, count, spread, place)                         \
        { prefix "addresses",     PARAMETER_COUNT, count, 1, 200000, NULL, \
          "addresses that it has" },                                       \
            { prefix "spread",                                             \
              PARAMETER_CHOICE,                                            \
              spread,                                                      \
              0,                                                           \
              0,                                                           \
              pool_spreads,                                                \
              "where they are: address (one), network, anywhere" },        \
            { prefix "place",                                              \
              PARAMETER_CHOICE,                                            \
              place,                                                       \
              0,                                                           \
              0,                                                           \
              pool_places,                                                 \
              "whose networks they are of" },                              \
        {                                                                  \
                prefix "range", PARAMETER_TEXT, "''", 0, 0, NULL,          \
                    "instead: the addresses from that one on (IPv4)"       \
        }
#define POOL_KEYS(count, spread, place) POOL_KEYS_OF("", count, spread, place)

extern const char *const pool_spreads[], *const pool_places[];

/* Ends the program with a message when a range is none. */
struct pool_plan pool_plan_of(const struct lab *, const struct entry *,
                              const char *prefix);

/* Lives as long as the laboratory. */
struct pool *pool_new(struct lab *, const struct pool_plan *, struct dice *);

uint32_t pool_count(const struct pool *);
struct address pool_address(const struct pool *, uint32_t i); /* modulo their number */

#endif
