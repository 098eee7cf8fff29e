/* SPDX-License-Identifier: MIT */
/*
 * missed - which part of the traffic the sensor did not see, minute by minute.
 *
 * Thirty days of minutes in a ring, so that an alert can say what was missed in
 * its window. Minutes of which nothing was said do not count.
 */
#ifndef DETECT_MISSED_H
#define DETECT_MISSED_H

#include <stdbool.h>
#include <stdint.h>

#define MISSED_MINUTES 43200

struct missed_minute {
        uint32_t minute; /* which one this place holds */
        uint32_t count;
        double sum;
};

struct missed {
        struct missed_minute *minutes;
        int64_t began_ns; /* of the capture; -1: nothing came yet */
        int64_t lost_ns;  /* when something was missed last; -1: never */
};

bool missed_init(struct missed *);
void missed_free(struct missed *);

/* `share` of the traffic (0..1) was missed around `now_ns`. */
void missed_add(struct missed *, int64_t now_ns, double share);

/* The capture is at work since `now_ns`, if that was not known before. */
static inline void missed_begin(struct missed *m, int64_t now_ns)
{
        if (m->began_ns < 0)
                m->began_ns = now_ns;
}

/* Nothing was missed since, as far as is known, and the capture was at work. */
static inline bool missed_is_whole(const struct missed *m, int64_t since_ns)
{
        return m->began_ns >= 0 && m->began_ns <= since_ns && m->lost_ns < since_ns;
}

/* Mean over the window that ends at `now_ns`: 0 when nothing is known. O(minutes). */
double missed_mean(const struct missed *, int64_t now_ns, int64_t window_ns);

#endif
