/* SPDX-License-Identifier: MIT */
/*
 * order - in which order somebody reads a site's profiles.
 *
 *      sequential   by joining, one after the other
 *      shuffled     the same ones, each once, in an order of its own
 *      graph        from profile to profile by the links on their pages
 *      popular      drawn by popularity, as people come to them
 *
 * One order may be read by many visitors at once: each profile is given out once, so that
 * they partition it. Only `popular` with repeats gives a profile again.
 * Memory: a bit for each profile (graph, popular), and 256 KiB for a graph's frontier.
 */
#ifndef LAB_ORDER_H
#define LAB_ORDER_H

#include "dice.h"

#include <stdbool.h>
#include <stdint.h>

struct lab;

enum order_kind { ORDER_SEQUENTIAL, ORDER_SHUFFLED, ORDER_GRAPH, ORDER_POPULAR };

struct order_plan {
        enum order_kind kind;
        uint32_t span;   /* sequential, shuffled: neighbours by joining; 0: all */
        double exponent; /* popular: of Zipf's law */
        bool repeats;    /* popular: a profile may come again */
};

struct order;

/* Lives as long as the laboratory. Where it begins is drawn. */
struct order *order_new(struct lab *, const struct order_plan *, struct dice *);

/* The next profile, or -1 when there is none left. */
int32_t order_next(struct order *, struct dice *);

#endif
