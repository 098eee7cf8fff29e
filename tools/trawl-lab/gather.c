/* SPDX-License-Identifier: MIT */
#include "gather.h"

#include "app.h"
#include "choose.h"
#include "sources.h"

#include <math.h>

#define HOUR_S 3600.0
#define PLENTY 1e12 /* more than the weights of any number of days */

#define FIRST_NUMBER 0x80000000u /* of people who are nobody else */

struct gather {
        struct actor actor; /* brings the people in, one by one */
        struct gather_plan *plan;
        const struct crowd *crowd;
        const struct software *software;
        struct pool *pool;
        uint32_t come, first_number;
        int64_t begin_ns;
        double reached, all; /* of the weights of the hours, times seconds */
};

/* How many people use the site at that second after the first midnight. */
static double weight_at(const struct lab *lab, double s)
{
        const struct numbers *day = &lab_parameters(lab)->people.day;
        double hour = fmod(s / HOUR_S, 24);

        if (day->count == 0)
                return 1;
        return fmax(1e-6, day->of[(unsigned)hour % day->count]);
}

/* Walks from `from_s` on, hour by hour, until `weight` is used up or `to_s` is reached;
 * returns where that is, and takes off what it passed. */
static double walk(const struct lab *lab, double from_s, double to_s, double *weight)
{
        while (from_s < to_s) {
                double end_s = fmin(to_s, (floor(from_s / HOUR_S) + 1) * HOUR_S);
                double of_hour = weight_at(lab, from_s), all = of_hour * (end_s - from_s);

                if (all >= *weight)
                        return from_s + *weight / of_hour;
                *weight -= all;
                from_s = end_s;
        }
        return to_s;
}

static int64_t time_at(const struct gather *c, const struct lab *lab, double weight)
{
        double begin_s = (double)(c->begin_ns - lab_begin(lab)) / 1e9;
        double end_s = begin_s + (double)c->plan->lasts_ns / 1e9;

        return lab_begin(lab) + (int64_t)(walk(lab, begin_s, end_s, &weight) * 1e9);
}

static double weight_of_all(const struct gather *c, const struct lab *lab)
{
        double begin_s = (double)(c->begin_ns - lab_begin(lab)) / 1e9;
        double left = PLENTY;

        walk(lab, begin_s, begin_s + (double)c->plan->lasts_ns / 1e9, &left);
        return PLENTY - left;
}

/* The first of those who have yet to come: as timing_spread, on the scale of weights. */
static int64_t next_time(struct gather *c, struct lab *lab, int64_t now_ns)
{
        uint32_t left = c->plan->people * c->plan->visits - c->come;
        double u = 1 - dice_unit(&c->actor.dice);
        int64_t next_ns;

        c->reached += (1 - pow(u, 1.0 / left)) * (c->all - c->reached);
        next_ns = time_at(c, lab, c->reached);
        return next_ns > now_ns ? next_ns : now_ns;
}

static const struct software *software_now(struct gather *c, struct lab *lab)
{
        return c->plan->mixed ? choose_software(lab, c->plan->software, &c->actor.dice)
                              : c->software;
}

static int64_t step_gather(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct gather *c = (struct gather *)a;
        struct people_visit visit = c->plan->visit;
        uint32_t person = c->come / c->plan->visits;

        visit.number = c->first_number + person;
        visit.session = c->come % c->plan->visits;
        visit.from = pool_address(c->pool, person);
        visit.software = software_now(c, lab);
        if (c->plan->is_api)
                app_visit(lab, &visit, dice_bits(&a->dice), now_ns);
        else
                people_visit(lab, c->crowd, &visit, now_ns);
        if (++c->come == c->plan->people * c->plan->visits)
                return LAB_NEVER;
        return next_time(c, lab, now_ns);
}

static const struct actor_class gather_class = { "gather", step_gather, NULL,
                                                 sizeof(struct gather) };

static const struct crowd *make_crowd(struct lab *lab)
{
        struct crowd *crowd = lab_keep(lab, sizeof *crowd);

        crowd_make(crowd, lab);
        return crowd;
}

void gather_start(struct lab *lab, const struct gather_plan *plan, uint32_t group,
                  struct dice *dice, int64_t now_ns)
{
        struct gather *c =
            (struct gather *)lab_add(lab, &gather_class, dice_bits(dice), now_ns);

        c->actor.group = group;
        c->plan = lab_keep(lab, sizeof *c->plan);
        *c->plan = *plan;
        c->plan->visit.group = group;
        c->plan->visit.first =
            plan->is_told ? (int32_t)dice_below(dice, site_profiles(lab_site(lab))) : -1;
        c->crowd = make_crowd(lab);
        c->first_number = FIRST_NUMBER + dice_below(dice, FIRST_NUMBER / 2);
        c->software = choose_software(lab, plan->software, dice);
        c->pool = pool_new(lab, &plan->pool, dice);
        c->begin_ns = now_ns;
        c->all = weight_of_all(c, lab);
}
