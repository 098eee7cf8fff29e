/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include "choose.h"
#include "parameters.h"

#include <math.h>

#define HOUR_S 3600.0
#define PLENTY 1e12 /* more than the weights of any number of days */

struct crowd {
        struct actor actor; /* brings the people in, one by one */
        struct crowd_plan *plan;
        const struct software *software;
        struct pool *pool;
        uint32_t come;
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

static int64_t time_at(const struct crowd *c, const struct lab *lab, double weight)
{
        double begin_s = (double)(c->begin_ns - lab_begin(lab)) / 1e9;
        double end_s = begin_s + (double)c->plan->lasts_ns / 1e9;

        return lab_begin(lab) + (int64_t)(walk(lab, begin_s, end_s, &weight) * 1e9);
}

static double weight_of_all(const struct crowd *c, const struct lab *lab)
{
        double begin_s = (double)(c->begin_ns - lab_begin(lab)) / 1e9;
        double left = PLENTY;

        walk(lab, begin_s, begin_s + (double)c->plan->lasts_ns / 1e9, &left);
        return PLENTY - left;
}

/* The first of those who have yet to come: as timing_spread, on the scale of weights. */
static int64_t next_time(struct crowd *c, struct lab *lab, int64_t now_ns)
{
        uint32_t left = c->plan->people - c->come;
        double u = 1 - dice_unit(&c->actor.dice);
        int64_t next_ns;

        c->reached += (1 - pow(u, 1.0 / left)) * (c->all - c->reached);
        next_ns = time_at(c, lab, c->reached);
        return next_ns > now_ns ? next_ns : now_ns;
}

static int64_t step_crowd(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct crowd *c = (struct crowd *)a;
        const struct software *software = c->software;
        struct dice *dice = &a->dice;

        if (c->plan->mixed)
                software = choose_software(lab, c->plan->software, dice);
        visit_add(lab, &c->plan->visit, a->group, dice_bits(dice), now_ns, software,
                  pool_address(c->pool, c->come));
        if (++c->come == c->plan->people)
                return LAB_NEVER;
        return next_time(c, lab, now_ns);
}

static const struct actor_class crowd_class = { "crowd", step_crowd,
                                                sizeof(struct crowd) };

void crowd_start(struct lab *lab, const struct crowd_plan *plan, uint32_t group,
                 struct dice *dice, int64_t now_ns)
{
        struct crowd *c =
            (struct crowd *)lab_add(lab, &crowd_class, dice_bits(dice), now_ns);

        c->actor.group = group;
        c->plan = lab_keep(lab, sizeof *c->plan);
        *c->plan = *plan;
        c->software = choose_software(lab, plan->software, dice);
        c->pool = pool_new(lab, &plan->pool, dice);
        c->begin_ns = now_ns;
        c->all = weight_of_all(c, lab);
        c->plan->visit.first =
            plan->is_told ? (int32_t)dice_below(dice, site_profiles(lab_site(lab))) : -1;
}
