/* SPDX-License-Identifier: MIT */
/*
 * people - a site's visitors as shared/RESEARCH.md describes them, hour by hour.
 *
 * 3 % are recruiters. Views a day: people a median of 3, recruiters of 60, lognormal
 * (sigma 0.8), in some three hours of a day, with a night. A view is of a target drawn
 * from a Zipf law, or with the probability 1 - q of any target; q differs: 0.8 to 1 for
 * people, 0.3 to 0.9 for recruiters. Three in ten views are of one of the last targets
 * again, unless `again` says otherwise.
 */
#ifndef SIMULATE_PEOPLE_H
#define SIMULATE_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

#define LAST_TARGETS 4

struct person {
        double views_a_day, q;
        bool is_recruiter;
        unsigned stratum;
        uint32_t last[LAST_TARGETS];
        unsigned viewed;
};

struct people {
        uint64_t random;
        double zipf;
        double again; /* part of the views that are of one of the last targets */
        double stray; /* part of the views that are of any target, besides; 0 */
        uint32_t targets;
        unsigned count;
        struct person *person;
};

typedef void view_fn(void *context, const struct person *, uint32_t target);

/* As many as make `views_a_day`. Strata are given out by `size`, shares that add to 1. */
void people_make(struct people *, uint64_t seed, double zipf, uint32_t targets,
                 double views_a_day, const double *size, unsigned strata);

/* The same, where of each stratum another part are recruiters. */
void people_make_mixed(struct people *, uint64_t seed, double zipf, uint32_t targets,
                       double views_a_day, const double *size, unsigned strata,
                       const double *recruiters);
void people_free(struct people *);

/* All views of one hour of the day, in an order that mixes people. */
void people_hour(struct people *, unsigned hour, view_fn *, void *context);

double people_uniform(struct people *); /* 0 <= u < 1 */
uint32_t people_any_target(struct people *);

/* One drawn from the Zipf law. */
uint32_t people_popular_target(struct people *);

#endif
