/* SPDX-License-Identifier: MIT */
#include "timing.h"

#include "lab.h"

#include <math.h>

#define SECOND 1000000000.0

struct pace {
        struct pace_limits limits;
        uint32_t kept, used, next; /* the newest `used` of `kept` times, as a ring */
        int64_t times[];
};

static const int64_t windows_ns[PACE_WINDOWS] = { 600000000000, 3600000000000,
                                                  86400000000000 };

int64_t timing_gap(enum timing_kind kind, double mean_s, struct dice *dice)
{
        double s = mean_s;

        if (kind == TIMING_JITTER)
                s *= 0.5 + dice_unit(dice);
        else if (kind == TIMING_HUMAN)
                s = dice_lognormal(dice, mean_s / exp(TIMING_SIGMA * TIMING_SIGMA / 2),
                                   TIMING_SIGMA);
        return (int64_t)(s * SECOND);
}

int64_t timing_spread(int64_t now_ns, int64_t end_ns, uint32_t left, struct dice *dice)
{
        double part = 1 - pow(1 - dice_unit(dice), 1.0 / left);

        if (end_ns <= now_ns)
                return now_ns;
        return now_ns + (int64_t)(part * (double)(end_ns - now_ns));
}

struct pace *pace_new(struct lab *lab, const struct pace_limits *limits)
{
        uint32_t kept = 1;
        struct pace *p;

        for (unsigned i = 0; i < PACE_WINDOWS; i++)
                if (limits->most[i] > kept)
                        kept = limits->most[i];
        p = lab_keep(lab, sizeof *p + kept * sizeof p->times[0]);
        p->limits = *limits;
        p->kept = kept;
        return p;
}

/* The `back`th newest time, from 1 on. */
static int64_t time_back(const struct pace *p, uint32_t back)
{
        return p->times[(p->next + p->kept - back) % p->kept];
}

int64_t pace_free_at(const struct pace *p, int64_t now_ns)
{
        int64_t free_at = now_ns;

        for (unsigned i = 0; i < PACE_WINDOWS; i++) {
                uint32_t most = p->limits.most[i];

                if (most > 0 && p->used >= most) {
                        int64_t end = time_back(p, most) + windows_ns[i] + 1;

                        free_at = end > free_at ? end : free_at;
                }
        }
        return free_at;
}

void pace_note(struct pace *p, int64_t now_ns)
{
        p->times[p->next] = now_ns;
        p->next = (p->next + 1) % p->kept;
        if (p->used < p->kept)
                p->used++;
}

void pace_clear(struct pace *p)
{
        p->used = 0;
}
