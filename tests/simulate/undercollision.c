/* SPDX-License-Identifier: MIT */
/*
 * undercollision on a site of people who differ: groups of people that must not alarm,
 * and how many views of a partitioned crawl are seen before it does.
 *
 *      simulate-undercollision [DAYS [SEEDS]]
 *
 * 1e6 targets, 150 k views a day. Groups: 40 of people as they come, of 0.3 to 10 % of
 * the traffic; 20 of 40 recruiters; every recruiter alone. Scrapers: one group that
 * takes 400 targets an hour, none twice, alone, and one that shares its addresses with
 * people, one view in three. Alarm at 7, window 24 h. shared/RESEARCH.md: 1,547 views at
 * Zipf 0.6, 281 at 0.8, 64 at 1.0 with q = 1 and all targets; with the top 0.1 % of
 * targets left out the same formula gives 3,650, 2,610 and 2,580.
 */
#include "simulate/people.h"

#include "base/check.h"
#include "base/hash.h"
#include "detect/collisions.h"
#include "detect/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR       (3600 * NS_PER_SEC)
#define TARGETS    1000000
#define VIEWS      150000.0
#define LEARN      2 /* days before anything is judged */
#define STRATA     40
#define RECRUITERS 20
#define SCRAPED    2
#define ALARM      7.0
#define A_HOUR     400

struct group {
        struct collisions cells;
        int64_t pane;
        bool on;
        unsigned alarms, views, found_after;
        double most;
};

struct world {
        struct people people;
        struct views views;
        struct collisions_site site;
        struct budget budget;
        struct counters counters;
        struct window_clock clock;
        struct group strata[STRATA], teams[RECRUITERS], scrapers[SCRAPED];
        struct group *alone; /* by person */
        unsigned shared; /* views of people that pass by the second group of scrapers */
        uint64_t taken;  /* by scrapers */
        bool judging;
};

static uint64_t name(uint32_t target)
{
        return hash_u64(&(struct hash_key){ 1, 2 }, target);
}

static void count(struct world *w, struct group *g, uint64_t target)
{
        if (g->pane == 0)
                g->pane = w->clock.pane;
        for (; g->pane < w->clock.pane; g->pane++)
                collisions_rotate(&g->cells, g->pane, g->pane + 1);
        collisions_count(&g->cells, &w->budget, &w->counters, target, w->clock.pane);
        double value =
            collisions_value(&g->cells, w->clock.pane, collisions_site_rate(&w->site));
        bool on = value >= ALARM;
        if (w->judging) {
                g->views++;
                g->alarms += on && !g->on;
                g->most = fmax(g->most, isnan(value) ? 0 : value);
                if (on && g->found_after == 0)
                        g->found_after = g->views;
        }
        g->on = on;
}

static bool note(struct world *w, uint64_t target, uint64_t visitor)
{
        bool top = views_is_top(&w->views, target);

        if (!top)
                collisions_site_note(&w->site, target, visitor, w->views.now_ns);
        views_note(&w->views, target);
        return !top;
}

static void view(void *context, const struct person *p, uint32_t number)
{
        struct world *w = context;
        uint64_t target = name(number);
        unsigned person = (unsigned)(p - w->people.person);

        if (!note(w, target, name(person)))
                return;
        count(w, &w->strata[p->stratum], target);
        if (p->is_recruiter) {
                count(w, &w->alone[person], target);
                if (person < 40 * RECRUITERS * 33)
                        count(w, &w->teams[person % RECRUITERS], target);
        }
        if (w->judging && w->shared && !p->is_recruiter) {
                w->shared--;
                count(w, &w->scrapers[1], target);
        }
}

/* All of them once, in an order that has nothing to do with how popular they are. */
static uint32_t next_target(struct world *w)
{
        return (uint32_t)(w->taken++ * UINT64_C(618033) % TARGETS);
}

static void scrape(struct world *w)
{
        for (unsigned i = 0; i < A_HOUR; i++)
                for (unsigned k = 0; k < SCRAPED; k++) {
                        uint64_t target = name(next_target(w));
                        if (note(w, target, name(UINT32_MAX - i % 20 - 100 * k)))
                                count(w, &w->scrapers[k], target);
                }
}

static void run_hour(struct world *w, int64_t day, unsigned hour)
{
        int64_t now_ns = ((20000 + day) * 24 + hour) * HOUR;

        views_advance(&w->views, now_ns);
        window_clock_set(&w->clock, now_ns);
        w->shared = A_HOUR / 2;
        if (w->judging)
                scrape(w);
        people_hour(&w->people, hour, view, w);
}

static struct world *run(uint64_t seed, double zipf, double again, unsigned days)
{
        struct world *w = calloc(1, sizeof(*w));
        double size[STRATA];

        CHECK(w);
        for (unsigned i = 0; i < STRATA; i++)
                size[i] = pow(0.9, i) / 9.852; /* their sum */
        people_make(&w->people, seed, zipf, TARGETS, VIEWS, size, STRATA);
        w->people.again = again;
        w->alone = calloc(w->people.count, sizeof(*w->alone));
        CHECK(w->alone);
        CHECK(views_init(&w->views, 16 << 20, 0, &w->counters));
        CHECK(collisions_site_init(&w->site) && budget_init(&w->budget, 64 << 20));
        window_clock_init(&w->clock, 24 * HOUR);
        for (unsigned day = 0; day < LEARN + days; day++) {
                w->judging = day >= LEARN;
                for (unsigned hour = 0; hour < 24; hour++)
                        run_hour(w, day, hour);
        }
        CHECK(w->counters.collisions_refused == 0);
        return w;
}

static void drop(struct world *w)
{
        views_free(&w->views);
        collisions_site_free(&w->site);
        budget_free(&w->budget);
        people_free(&w->people);
        free(w->alone);
        free(w);
}

static bool good = true;

static void expect(bool holds, const char *what)
{
        if (!holds)
                printf("NOT SO: %s\n", what);
        good &= holds;
}

struct tally {
        unsigned alarms;
        double most;
};

static void add(struct tally *t, const struct group *groups, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                t->alarms += groups[i].alarms;
                t->most = fmax(t->most, groups[i].most);
        }
}

static void run_zipf(double zipf, double again, unsigned days, unsigned seeds,
                     unsigned most_views)
{
        struct tally strata = { 0 }, teams = { 0 }, alone = { 0 };
        double after[SCRAPED] = { 0 }, rate = 0;
        unsigned found[SCRAPED] = { 0 };

        for (unsigned seed = 0; seed < seeds; seed++) {
                struct world *w = run(500 + seed, zipf, again, days);
                add(&strata, w->strata, STRATA);
                add(&teams, w->teams, RECRUITERS);
                add(&alone, w->alone, w->people.count);
                rate += collisions_site_rate(&w->site) / seeds;
                for (unsigned k = 0; k < SCRAPED; k++) {
                        found[k] += w->scrapers[k].found_after != 0;
                        after[k] += w->scrapers[k].found_after;
                }
                drop(w);
        }
        printf("Zipf %.1f, %.0f %% again: s %.2e; alarms in %u days: strata %u (at most "
               "%.1f), teams of "
               "recruiters %u (%.1f), recruiters alone %u (%.1f)\n",
               zipf, again * 100, rate, days * seeds, strata.alarms, strata.most,
               teams.alarms, teams.most, alone.alarms, alone.most);
        printf("  scrapers alone: %u of %u, after %.0f views; with people, one in three: "
               "%u of %u, after %.0f\n",
               found[0], seeds, found[0] ? after[0] / found[0] : 0, found[1], seeds,
               found[1] ? after[1] / found[1] : 0);
        expect(fmax(fmax(strata.most, teams.most), alone.most) < 4,
               "groups of people stay far below 7");
        expect(strata.alarms + teams.alarms + alone.alarms == 0,
               "no group of people alarms");
        expect(found[0] == seeds && after[0] / seeds <= most_views,
               "scrapers are found as soon as measured");
}

int main(int argc, char **argv)
{
        unsigned days = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
        unsigned seeds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;

        CHECK(seeds > 0 && days > 0);
        for (unsigned i = 0; i < 2; i++) {
                double again = i * 0.3;
                run_zipf(0.6, again, days, seeds, 14000);
                run_zipf(0.8, again, days, seeds, 2800);
                run_zipf(1.0, again, days, seeds, 1400);
        }
        return good ? 0 : 1;
}
