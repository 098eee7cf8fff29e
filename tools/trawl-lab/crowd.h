/* SPDX-License-Identifier: MIT */
/*
 * crowd - people who have something in common: an address, a browser, a profile that they
 * were told of. They come over some hours, as many at each as people do at that hour.
 */
#ifndef LAB_CROWD_H
#define LAB_CROWD_H

#include "pool.h"
#include "visit.h"

struct crowd_plan {
        struct pool_plan pool;
        uint32_t people;
        const char *software;
        bool mixed; /* each person has its own; otherwise all have the same */
        int64_t lasts_ns;
        bool is_told; /* all of one profile, which is drawn */
        struct visit_plan visit;
};

void crowd_start(struct lab *, const struct crowd_plan *, uint32_t group, struct dice *,
                 int64_t now_ns);

#endif
