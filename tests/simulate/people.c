/* SPDX-License-Identifier: MIT */
#include "simulate/people.h"

#include "base/check.h"
#include "bench/random.h"

#include <math.h>
#include <stdlib.h>

#define RECRUITERS   0.03
#define AGAIN        0.3
#define ACTIVE_HOURS 3.0
#define ROUNDS       6 /* in an hour: each person's views come in as many parts */

double people_uniform(struct people *p)
{
        return (double)(random_next(&p->random) >> 11) * 0x1p-53;
}

uint32_t people_any_target(struct people *p)
{
        return (uint32_t)random_below(&p->random, p->targets);
}

static double normal(struct people *p)
{
        double u = 1 - people_uniform(p), v = people_uniform(p);

        return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static unsigned poisson(struct people *p, double mean)
{
        double product = people_uniform(p), end = exp(-mean);
        unsigned n = 0;

        while (product > end) {
                product *= people_uniform(p);
                n++;
        }
        return n;
}

/* Rank by the inverse of the continuous law. */
static uint32_t popular(struct people *p)
{
        double u = people_uniform(p), n = p->targets + 1.0, rank;

        if (fabs(p->zipf - 1) < 1e-9)
                rank = pow(n, u);
        else
                rank = pow((pow(n, 1 - p->zipf) - 1) * u + 1, 1 / (1 - p->zipf));
        return rank >= n ? p->targets - 1 : (uint32_t)rank - 1;
}

uint32_t people_popular_target(struct people *p)
{
        return popular(p);
}

static unsigned draw_stratum(struct people *p, const double *size, unsigned strata)
{
        double u = people_uniform(p);
        unsigned i = 0;

        while (i + 1 < strata && u >= size[i])
                u -= size[i++];
        return i;
}

void people_make(struct people *p, uint64_t seed, double zipf, uint32_t targets,
                 double views_a_day, const double *size, unsigned strata)
{
        people_make_mixed(p, seed, zipf, targets, views_a_day, size, strata, NULL);
}

void people_make_mixed(struct people *p, uint64_t seed, double zipf, uint32_t targets,
                       double views_a_day, const double *size, unsigned strata,
                       const double *recruiters)
{
        double views = 0;
        unsigned room = (unsigned)(views_a_day / 2) + 100;

        *p = (struct people){
                .random = seed, .zipf = zipf, .targets = targets, .again = AGAIN
        };
        p->person = calloc(room, sizeof(*p->person));
        CHECK(p->person);
        while (views < views_a_day && p->count < room) {
                struct person *one = &p->person[p->count++];
                if (recruiters)
                        one->stratum = draw_stratum(p, size, strata);
                one->is_recruiter = people_uniform(p) <
                                    (recruiters ? recruiters[one->stratum] : RECRUITERS);
                one->views_a_day = (one->is_recruiter ? 60 : 3) * exp(0.8 * normal(p));
                one->q = one->is_recruiter ? 0.3 + 0.6 * people_uniform(p)
                                           : 0.8 + 0.2 * people_uniform(p);
                if (!recruiters)
                        one->stratum = draw_stratum(p, size, strata);
                views += one->views_a_day;
        }
}

void people_free(struct people *p)
{
        free(p->person);
        *p = (struct people){ 0 };
}

static uint32_t choose(struct people *p, struct person *one)
{
        if (one->viewed && people_uniform(p) < p->again) {
                unsigned last = one->viewed < LAST_TARGETS ? one->viewed : LAST_TARGETS;
                return one->last[random_below(&p->random, last)];
        }
        uint32_t target = people_uniform(p) < one->q * (1 - p->stray)
                              ? popular(p)
                              : people_any_target(p);
        one->last[one->viewed++ % LAST_TARGETS] = target;
        return target;
}

void people_hour(struct people *p, unsigned hour, view_fn *view, void *context)
{
        double day = 1 + 0.7 * cos((hour - 15.0) / 24 * 2 * M_PI);
        double active = day * ACTIVE_HOURS / 24;
        uint8_t *is_active = calloc(p->count, 1);

        CHECK(is_active);
        for (unsigned i = 0; i < p->count; i++)
                is_active[i] = people_uniform(p) < active;
        for (unsigned round = 0; round < ROUNDS; round++)
                for (unsigned i = 0; i < p->count; i++) {
                        struct person *one = &p->person[i];
                        if (!is_active[i])
                                continue;
                        unsigned n = poisson(p, one->views_a_day / ACTIVE_HOURS / ROUNDS);
                        while (n--)
                                view(context, one, choose(p, one));
                }
        free(is_active);
}
