/* SPDX-License-Identifier: MIT */
/*
 * rates - how fast some counters grow, over the last seconds.
 *
 * A sample a second, RATES_SECONDS of them: the rate is that between the oldest and now.
 * Before there are so many it is that since the first one.
 */
#ifndef APP_RATES_H
#define APP_RATES_H

#include "base/counters.h"
#include "base/json.h"

#define RATES_SECONDS 10
#define RATES_MAX     8 /* counters that are followed */

struct rates_sample {
        int64_t time_ns;
        uint64_t values[RATES_MAX];
};

struct rates {
        struct rates_sample samples[RATES_SECONDS];
        unsigned count, next;
};

/* A second has passed; `now_ns` is monotonic. */
void rates_tick(struct rates *, const struct counters *, int64_t now_ns);

/* As a JSON object of numbers, each a second. */
void rates_print(const struct rates *, const struct counters *, int64_t now_ns,
                 struct json *, const char *key);

#endif
