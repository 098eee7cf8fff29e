/* SPDX-License-Identifier: MIT */
/*
 * gather - people who have something in common: an address, a browser, a profile that
 * they were told of. They come over some hours, as many at each as people do at that
 * hour, and do what people do (people.h).
 */
#ifndef LAB_GATHER_H
#define LAB_GATHER_H

#include "people.h"
#include "pool.h"

struct gather_plan {
        struct pool_plan pool;
        uint32_t people;
        uint32_t visits;      /* of each */
        const char *software; /* of all, or of each when mixed */
        bool mixed;
        int64_t lasts_ns;
        bool is_told;              /* all of one profile, which is drawn */
        bool is_api;               /* JSON only, no page (app.h) */
        struct people_visit visit; /* what is special about each */
};

void gather_start(struct lab *, const struct gather_plan *, uint32_t group, struct dice *,
                  int64_t now_ns);

#endif
