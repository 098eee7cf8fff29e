/* SPDX-License-Identifier: MIT */
/*
 * timing - how long somebody waits between two pages.
 *
 *      fixed    always the same
 *      jitter   evenly between half of it and one and a half
 *      human    lognormal, as people think; scaled so that the mean is the same
 */
#ifndef LAB_TIMING_H
#define LAB_TIMING_H

#include "dice.h"

#include <stdint.h>

enum timing_kind { TIMING_FIXED, TIMING_JITTER, TIMING_HUMAN };

#define TIMING_SIGMA 1.2 /* of people's think times (RESEARCH.md) */

/* In nanoseconds; `mean_s` in seconds. */
int64_t timing_gap(enum timing_kind, double mean_s, struct dice *);

/*
 * When the next of `left` (> 0) moments comes, that are spread evenly at random from
 * `now_ns` to `end_ns`: the first of them, so no list needs to be kept.
 */
int64_t timing_spread(int64_t now_ns, int64_t end_ns, uint32_t left, struct dice *);

/* Adaptive pace: how many events a window may have. */
#define PACE_WINDOWS 3 /* of 10 minutes, an hour, a day */

struct pace_limits {
        uint32_t most[PACE_WINDOWS]; /* 0: no limit */
};

struct pace;
struct lab;

/* Lives as long as the laboratory. */
struct pace *pace_new(struct lab *, const struct pace_limits *);

/* The first moment from `now_ns` on at which one more stays within all limits. */
int64_t pace_free_at(const struct pace *, int64_t now_ns);
void pace_note(struct pace *, int64_t now_ns);

/* It is somebody else from now on. */
void pace_clear(struct pace *);

#endif
