/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include "lab.h"
#include "sources.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define NETWORK 250 /* addresses of one /24 that are used */

/* Different numbers below these have different addresses (place.h). */
static const uint32_t subscribers[PLACE_KINDS] = {
        [PLACE_HOME] = 4000000, [PLACE_MOBILE] = 4000000,  [PLACE_COMPANY] = 500000,
        [PLACE_VPN] = 16384,    [PLACE_HOSTING] = 1000000,
};

struct pool {
        struct pool_plan plan;
        const struct places *places;
        uint64_t key;
        struct address *neighbours; /* of networks */
};

const char *const pool_spreads[] = { "address", "network", "anywhere", NULL };
const char *const pool_places[] = { "home", "mobile", "company", "vpn", "hosting", NULL };

static _Noreturn void fail(const char *text)
{
        fprintf(stderr, "trawl-lab: range: '%s' is no IPv4 address\n", text);
        exit(2);
}

static uint32_t read_range(const char *text)
{
        struct in_addr address;

        if (text[0] == '\0')
                return 0;
        if (inet_pton(AF_INET, text, &address) != 1)
                fail(text);
        return ntohl(address.s_addr);
}

static const char *key(const char *prefix, const char *name, char text[32])
{
        snprintf(text, 32, "%s%s", prefix, name);
        return text;
}

/* Of people of the laboratory. */
static uint32_t homes(const struct parameters *p)
{
        double count = (double)people_population(p) / p->place.household;

        return count < 1                         ? 1
               : count < subscribers[PLACE_HOME] ? (uint32_t)count
                                                 : subscribers[PLACE_HOME];
}

struct pool_plan pool_plan_of(const struct lab *lab, const struct entry *entry,
                              const char *prefix)
{
        char text[32];
        struct pool_plan plan = {
                .place = entry_choice(entry, key(prefix, "place", text)),
                .spread = entry_choice(entry, key(prefix, "spread", text)),
                .count = (uint32_t)entry_count(entry, key(prefix, "addresses", text)),
                .range = read_range(entry_text(entry, key(prefix, "range", text))),
        };

        if (plan.place == PLACE_HOME)
                plan.subscribers = homes(lab_parameters(lab));
        if (plan.subscribers > 0 && plan.subscribers < 4 * plan.count)
                plan.subscribers = 4 * plan.count;
        return plan;
}

static struct address in_range(uint32_t first, uint32_t i)
{
        uint32_t a = first + i;

        return (struct address){ .bytes = { (uint8_t)(a >> 24), (uint8_t)(a >> 16),
                                            (uint8_t)(a >> 8), (uint8_t)a } };
}

static void draw_networks(struct pool *p, struct lab *lab, struct dice *dice)
{
        uint32_t done = 0;

        p->neighbours = lab_keep(lab, p->plan.count * sizeof *p->neighbours);
        while (done < p->plan.count) {
                uint32_t left = p->plan.count - done,
                         part = left < NETWORK ? left : NETWORK;

                place_neighbours(p->places, p->plan.place, dice_bits(dice) >> 32, false,
                                 part, p->neighbours + done);
                done += part;
        }
}

struct pool *pool_new(struct lab *lab, const struct pool_plan *plan, struct dice *dice)
{
        struct pool *p = lab_keep(lab, sizeof *p);

        p->plan = *plan;
        p->places = lab_places(lab);
        p->key = dice_bits(dice);
        if ((p->plan.spread == SPREAD_ADDRESS && !p->plan.range) || p->plan.count == 0)
                p->plan.count = 1;
        if (p->plan.subscribers == 0 || p->plan.subscribers > subscribers[plan->place])
                p->plan.subscribers = subscribers[plan->place];
        if (p->plan.spread == SPREAD_NETWORK)
                draw_networks(p, lab, dice);
        return p;
}

uint32_t pool_count(const struct pool *p)
{
        return p->plan.count;
}

struct address pool_address(const struct pool *p, uint32_t i)
{
        i %= p->plan.count;
        if (p->plan.range)
                return in_range(p->plan.range, i);
        if (p->neighbours)
                return p->neighbours[i];
        i %= p->plan.subscribers;
        return place_address(p->places, p->plan.place,
                             dice_permute(p->key, p->plan.subscribers, i), 0);
}
