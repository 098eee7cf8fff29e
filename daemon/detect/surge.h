/* SPDX-License-Identifier: MIT */
/*
 * surge - whether a key's transactions come at N times their usual rate.
 *
 * A CUSUM (Page 1954) over the log-likelihood of the times between arrivals. At each:
 *
 *      l = ln(1 + (r - 1) t / (b + t))
 *      S <- max(0, S - a l) + ln r - l
 *
 * r is N, t the seconds since the arrival before, and a / b the usual rate: a arrivals in
 * b seconds. The first term is what the silence of t says, the second what the arrival
 * says. Were the rate m known exactly (a, b -> infinity), they would be (r - 1) m t and
 * ln r, those of two Poisson processes. The rate is a belief, a gamma distribution, so
 * the times between arrivals have a Lomax density, and a key of which little is known
 * must be further from the usual to be told apart. S is in nats: while the belief is true
 * the mean number of arrivals until S reaches h by chance is at least e^h. How far that
 * holds, and how long a surge takes, was measured: docs/detection-functions.md.
 *
 * The belief is a key's own arrivals and seconds, and SURGE_PRIOR arrivals at the mean
 * rate of all keys of its table. Its own fade with a memory of 7 days or of 512 usual
 * arrivals, whichever is longer, so that slow change is followed.
 *
 * - Clusters. An arrival less than a dead time after the last that counted does not
 *   count, and the dead time is not in t, so a Poisson process stays one. It is 5 % of
 *   the usual time between arrivals, but 1 s to 20 s: a pair counts once, a classroom
 *   that signs up within a minute three times. What comes faster counts as once in that.
 * - An attack is not learnt: while S is SURGE_SUSPECT nats or more, arrivals enter the
 *   usual rate at 3/2 of it at most, so it takes 1.4 memories to double. Of a key's first
 *   64 all are learnt by itself, for it may be one that is busier than most.
 * - Days and weeks. t runs as fast as the table is usually busy at that hour of the day
 *   and on that day of the week (UTC), drawn towards even while few arrivals are known.
 * - Silence. Of a gap no more than 16 usual ones are learnt: what is longer is a night,
 * an outage, or a clock that was set. After a day of silence S begins anew.
 * - A late record (up to 10 minutes) does not count; one that is older means that the
 *   clock was set back: its time is taken over.
 * - S ends at SURGE_MAX, so that it comes back in some 25 usual arrivals.
 *
 * It moves with transactions alone: what it says between two is what it said at the
 * first. Missing until the table has seen SURGE_BASIS times between arrivals, and an
 * hour; from then on a key that was never seen has 0 and the table's rate.
 *
 * Cost: two logarithms and an exponential; 55 ns of CPU time when it was measured.
 * Memory: these structures, which begin as zeroes: 24 bytes a key, 1920 once for each
 * surge(Nx) of a table.
 */
#ifndef DETECT_SURGE_H
#define DETECT_SURGE_H

#include <stdbool.h>
#include <stdint.h>

#define SURGE_PRIOR   0.5  /* arrivals that the table's mean rate is worth */
#define SURGE_SUSPECT 5.0  /* nats */
#define SURGE_MAX     20.0 /* nats */
#define SURGE_BASIS   32   /* arrivals */

struct surge_cell {
        double arrivals, times; /* faded */
};

/* How busy a table is in each hour of the day and on each day of the week. */
struct surge_week {
        int64_t hour;    /* the running one, since 1970 */
        bool is_whole;   /* it was seen from its beginning */
        double arrivals; /* in it so far */
        struct surge_cell today, hours[24], days[7];
        double begin[169]; /* of each hour of the week, in seconds of usual time */
};

/* What all keys of a table have in common. */
struct surge_usual {
        int64_t first_ns;
        double arrivals, seconds; /* of all keys, faded */
        bool is_known;            /* SURGE_BASIS was reached, and the hour */
        struct surge_week week;
};

/* Of one key. */
struct surge {
        int64_t last_ns; /* the last arrival that counted; 0: none yet */
        double seconds;  /* over which its arrivals came, faded */
        float arrivals, cusum;
};

/* One arrival at time_ns; ratio > 1. */
void surge_add(struct surge_usual *, struct surge *, double ratio, int64_t time_ns);

/* S in nats, 0 to SURGE_MAX; NaN: missing. */
double surge_value(const struct surge_usual *, const struct surge *);

#endif
