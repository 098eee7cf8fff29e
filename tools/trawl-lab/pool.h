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

struct lab;

enum spread { SPREAD_ADDRESS, SPREAD_NETWORK, SPREAD_ANYWHERE };

struct pool_plan {
        enum place_kind place;
        enum spread spread;
        uint32_t count;
        /* anywhere: subscribers are numbered below this; 0: any number. Proxies sit in
         * homes of which people of the laboratory use the site at the same time. */
        uint32_t subscribers;
};

struct pool;

/* Lives as long as the laboratory. */
struct pool *pool_new(struct lab *, const struct pool_plan *, struct dice *);

uint32_t pool_count(const struct pool *);
struct address pool_address(const struct pool *, uint32_t i); /* modulo their number */

#endif
