/* SPDX-License-Identifier: MIT */
/*
 * poll - programs that ask for the same few things again and again: health checks, feed
 * readers, a partner that watches its own people's profiles.
 */
#ifndef LAB_POLL_H
#define LAB_POLL_H

#include "parameters.h"
#include "pool.h"
#include "site.h"

struct poll_plan {
        struct pool_plan pool; /* one program at each address */
        const char *software;
        bool mixed;
        enum page page;
        uint32_t things;     /* of that page, for each program: feeds, profiles */
        int64_t interval_ns; /* between two rounds over all of them */
        int64_t pause_ns;    /* within a round */
        bool jitter;         /* of the interval */
        double unchanged;    /* part that is answered with 304 */
        int64_t lasts_ns;
};

void poll_start(struct lab *, const struct poll_plan *, uint32_t group, struct dice *,
                int64_t now_ns);

#endif
