/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include "lab.h"
#include "order.h"

#define NETWORK     250 /* addresses of one /24 that are used */
#define SUBSCRIBERS 4000000000u

struct pool {
        struct pool_plan plan;
        const struct places *places;
        uint64_t key;
        struct address *neighbours; /* of networks */
};

static void draw_networks(struct pool *p, struct lab *lab, struct dice *dice)
{
        uint32_t done = 0;

        p->neighbours = lab_keep(lab, p->plan.count * sizeof *p->neighbours);
        while (done < p->plan.count) {
                uint32_t left = p->plan.count - done, part = left < NETWORK ? left : NETWORK;

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
        if (p->plan.spread == SPREAD_ADDRESS || p->plan.count == 0)
                p->plan.count = 1;
        if (p->plan.subscribers == 0)
                p->plan.subscribers = SUBSCRIBERS;
        if (p->plan.spread == SPREAD_NETWORK)
                draw_networks(p, lab, dice);
        return p;
}

uint32_t pool_count(const struct pool *p) { return p->plan.count; }

struct address pool_address(const struct pool *p, uint32_t i)
{
        i %= p->plan.count;
        if (p->neighbours)
                return p->neighbours[i];
        i %= p->plan.subscribers;
        return place_address(p->places, p->plan.place,
                             order_scatter(i, p->plan.subscribers, p->key), 0);
}
