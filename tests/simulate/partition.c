/* SPDX-License-Identifier: MIT */
/*
 * A crawl that is partitioned over thousands of addresses: 2,000 addresses that take 8
 * profiles a day each are a fifth of the views of one stratum (a browser's version, a
 * network). How soon do cold_surge and undercollision say so, and how often do they of
 * people?
 *
 *      simulate-partition [DAYS [SEEDS [ZIPF [VIEWS [PART]]]]]
 *
 * 1e6 targets, 150 k VIEWS of people a day, 3 % recruiters. Stratum 0 has as many views
 * of people that the crawl's 16,000 are PART of all, 0.2; 39 others share the rest, of
 * 0.3 to 10 %. With VIEWS said, strata differ in who their people are: 1 to 8 % are
 * recruiters. 8 days of history, then DAYS of people alone (each judged for all 40
 * strata, a month is 30), then 5 days of the crawl. It takes targets that nobody has
 * taken, in a random order, as many by night as by day; an hour's address is used again
 * the day after. And the crawl again, in a fresh run, that takes them by popularity as
 * people do.
 */
#include "simulate/people.h"

#include "base/check.h"
#include "base/hash.h"
#include "detect/cold.h"
#include "detect/collisions.h"
#include "detect/quota.h"
#include "detect/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR    (3600 * NS_PER_SEC)
#define CRAWL   16000 /* a day */
#define HISTORY 8
#define ATTACK  5
#define STRATA  40

static double views = 150000, part = 0.2;
static uint32_t targets = 1000000;
static bool is_mixed;

struct stratum {
        struct cold_surge cold;
        struct collisions collisions;
        bool on[2];
};

struct world {
        struct people people;
        struct views views;
        struct quota quota;
        struct cold_site site;
        struct cold_spread spread;
        struct collisions_site collisions;
        struct budget budget;
        struct counters counters;
        struct window_clock clock;
        int64_t pane;
        struct stratum strata[STRATA];
        bool judging, attacking, mimics;
        unsigned alarms[2], hours, taken, found_hours[2], found_after[2];
        double most[2];
        uint32_t next;
};

static uint64_t name(uint32_t target)
{
        return hash_u64(&(struct hash_key){ 1, 2 }, target);
}

static void look(struct world *w, unsigned stratum)
{
        static const double alarm[2] = { 10, 7 };
        struct stratum *s = &w->strata[stratum];
        double value[2] = { cold_surge_value(&s->cold, &w->site, &w->spread),
                            collisions_value(&s->collisions, w->clock.pane,
                                             collisions_site_rate(&w->collisions)) };

        for (unsigned i = 0; i < 2; i++) {
                bool on = value[i] >= alarm[i], begins = on && !s->on[i];
                s->on[i] = on;
                if (!w->judging)
                        continue;
                if (w->attacking && stratum == 0) {
                        w->most[i] = fmax(w->most[i], isnan(value[i]) ? 0 : value[i]);
                        if (on && w->found_hours[i] == 0) {
                                w->found_hours[i] = w->hours + 1;
                                w->found_after[i] = w->taken;
                        }
                } else if (begins) {
                        w->alarms[i]++;
                }
        }
}

static void view_of(struct world *w, unsigned stratum, uint32_t target, uint64_t visitor)
{
        struct stratum *s = &w->strata[stratum];
        uint64_t t = name(target);
        struct recency r = views_recency(&w->views, t);

        bool is_judged = r.cold != COLD_UNKNOWN && quota_take(&w->quota, visitor);

        if (is_judged)
                cold_site_note(&w->site, r.level);
        cold_surge_advance(&s->cold, &w->site, &w->spread);
        if (is_judged)
                cold_surge_count(&s->cold, &w->site, r.level);
        if (!views_is_top(&w->views, t)) {
                collisions_site_note(&w->collisions, t, visitor, w->views.now_ns);
                collisions_count(&s->collisions, &w->budget, &w->counters, t,
                                 w->clock.pane);
        }
        look(w, stratum);
        views_note(&w->views, t);
}

static void crawl_one(struct world *w);

static void view(void *context, const struct person *p, uint32_t target)
{
        struct world *w = context;

        view_of(w, p->stratum, target,
                hash_u64(&(struct hash_key){ 3, 4 }, (uint64_t)(p - w->people.person)));
        /* In the course of the hour. */
        if (w->attacking && people_uniform(&w->people) < CRAWL / views)
                crawl_one(w);
}

/* All in an order that has nothing to do with how popular they are, none twice. */
static void crawl_one(struct world *w)
{
        uint32_t target = (uint32_t)(w->next++ * UINT64_C(618033) % targets);

        if (w->mimics)
                target = people_popular_target(&w->people);
        w->taken++;
        view_of(w, 0, target, hash_u64(&(struct hash_key){ 5, 6 }, w->taken % 2000));
}

static void run_hour(struct world *w, int64_t day, unsigned hour)
{
        int64_t now_ns = ((20000 + day) * 24 + hour) * HOUR;

        views_advance(&w->views, now_ns);
        quota_advance(&w->quota, now_ns);
        cold_site_advance(&w->site, now_ns);
        window_clock_set(&w->clock, now_ns);
        for (; w->pane < w->clock.pane; w->pane++)
                for (unsigned i = 0; i < STRATA; i++)
                        collisions_rotate(&w->strata[i].collisions, w->pane, w->pane + 1);
        people_hour(&w->people, hour, view, w);
        w->hours += w->attacking;
}

static struct world *run(uint64_t seed, double zipf, unsigned days, bool mimics)
{
        struct world *w = calloc(1, sizeof(*w));
        double size[STRATA], recruiters[STRATA], rest = 0;

        CHECK(w);
        size[0] = (1 / part - 1) * CRAWL / views;
        for (unsigned i = 0; i < STRATA; i++)
                recruiters[i] = i ? 0.01 + 0.07 * (i * 7 % 13) / 12.0 : 0.03;
        for (unsigned i = 1; i < STRATA; i++)
                rest += size[i] = pow(0.9, i);
        for (unsigned i = 1; i < STRATA; i++)
                size[i] *= (1 - size[0]) / rest;
        people_make_mixed(&w->people, seed, zipf, targets, views, size, STRATA,
                          is_mixed ? recruiters : NULL);
        CHECK(views_init(&w->views, 16 << 20, 16 << 20, &w->counters));
        CHECK(quota_init(&w->quota, 4 << 20));
        CHECK(collisions_site_init(&w->collisions) && budget_init(&w->budget, 16 << 20));
        cold_site_init(&w->site);
        cold_spread_init(&w->spread);
        window_clock_init(&w->clock, 24 * HOUR);
        window_clock_set(&w->clock, 20000 * 24 * HOUR);
        w->pane = w->clock.pane;
        w->mimics = mimics;
        for (unsigned day = 0; day < HISTORY + days + ATTACK; day++) {
                w->judging = day >= HISTORY;
                w->attacking = day >= HISTORY + days;
                for (unsigned hour = 0; hour < 24; hour++)
                        run_hour(w, day, hour);
        }
        return w;
}

static void drop(struct world *w)
{
        views_free(&w->views);
        quota_free(&w->quota);
        collisions_site_free(&w->collisions);
        budget_free(&w->budget);
        people_free(&w->people);
        free(w);
}

static bool good = true;

static void run_zipf(double zipf, unsigned days, unsigned seeds, bool mimics)
{
        static const char *const names[2] = { "cold_surge", "undercollision" };
        unsigned alarms[2] = { 0 }, found[2] = { 0 };
        double hours[2] = { 0 }, after[2] = { 0 }, most[2] = { 0 };

        for (unsigned seed = 0; seed < seeds; seed++) {
                struct world *w = run(300 + seed, zipf, days, mimics);
                for (unsigned i = 0; i < 2; i++) {
                        alarms[i] += w->alarms[i];
                        found[i] += w->found_hours[i] != 0;
                        hours[i] += w->found_hours[i];
                        after[i] += w->found_after[i];
                        most[i] = fmax(most[i], w->most[i]);
                }
                drop(w);
        }
        printf("Zipf %.1f, %s; people %.1f keys and months\n", zipf,
               mimics ? "crawl by popularity" : "crawl of all",
               STRATA * (days + ATTACK) / 30.0 * seeds);
        for (unsigned i = 0; i < 2; i++)
                printf("  %-14s false alarms %u; crawl found %u of %u, after %.0f h and "
                       "%.0f profiles; at most %.1f\n",
                       names[i], alarms[i], found[i], seeds,
                       found[i] ? hours[i] / found[i] : 0,
                       found[i] ? after[i] / found[i] : 0, most[i]);
        good &= mimics || (found[0] == seeds && hours[0] / seeds <= 24 && alarms[0] == 0);
}

int main(int argc, char **argv)
{
        unsigned days = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
        unsigned seeds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        static const double zipf[] = { 0.6, 0.8, 1.0 };

        if (argc > 4) {
                views = atof(argv[4]);
                is_mixed = true;
        }
        if (argc > 5)
                part = atof(argv[5]);
        CHECK(seeds > 0 && views > 0 && part > 0 && part < 1);
        for (unsigned i = argc > 1 ? 0 : 1; i < (argc > 1 ? 3 : 2); i++) {
                if (argc > 3 && fabs(atof(argv[3]) - zipf[i]) > 0.01)
                        continue;
                run_zipf(zipf[i], days, seeds, false);
                if (argc > 1 && argc < 5)
                        run_zipf(zipf[i], 0, seeds, true);
        }
        if (argc == 1) {
                /* Five views a day of each target: nothing is cold. */
                views = 500000;
                targets = 100000;
                is_mixed = true;
                run_zipf(0.8, 1, seeds, false);
        }
        return good ? 0 : 1;
}
