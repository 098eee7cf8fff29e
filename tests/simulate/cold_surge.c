/* SPDX-License-Identifier: MIT */
/*
 * cold_surge on a site of people who differ: false alarms, and how soon a stratum in
 * which some of the traffic is scraping is found.
 *
 *      simulate-cold_surge [DAYS [SEEDS]]
 *
 * 1e6 targets, 150 k views a day, strata of 0.3 to 10 % of the traffic. After 8 days of
 * history come DAYS without scraping, then 7 days in which three strata with 2 % of the
 * traffic each have 30, 10 and 5 % of scraping. shared/RESEARCH.md: no false alarm in
 * 215 days; at 30 % 380 scraped profiles, 11 h; at 10 % 790; at 5 % missed. People and
 * scrapers, whose addresses take eight each, count with their quota (quota.h).
 */
#include "simulate/people.h"

#include "base/check.h"
#include "base/hash.h"
#include "detect/cold.h"
#include "detect/quota.h"
#include "detect/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR    (3600 * NS_PER_SEC)
#define TARGETS 1000000
#define VIEWS   150000.0
#define HISTORY 8
#define ATTACK  7 /* days */
#define STRATA  50
#define SCRAPED 3 /* strata, the first ones */
#define ALARM   10.0

static const double shares[SCRAPED] = { 0.30, 0.10, 0.05 };

struct world {
        struct people people;
        struct views views;
        struct quota quota;
        struct cold_site site;
        struct cold_spread spread;
        struct cold_surge key[STRATA];
        bool on[STRATA];
        bool judging, attacking;
        unsigned false_alarms;
        uint64_t cold, all;
        unsigned scraped[SCRAPED], hours;
        unsigned found_after[SCRAPED], found_hours[SCRAPED]; /* 0: not found */
};

static uint64_t name(uint32_t target)
{
        return hash_u64(&(struct hash_key){ 1, 2 }, target);
}

static void look(struct world *w, unsigned stratum)
{
        double value = cold_surge_value(&w->key[stratum], &w->site, &w->spread);
        bool on = value >= ALARM, begins = on && !w->on[stratum];

        w->on[stratum] = on;
        if (!w->judging || !begins)
                return;
        if (!w->attacking || stratum >= SCRAPED) {
                w->false_alarms++;
        } else if (w->found_after[stratum] == 0) {
                w->found_after[stratum] = w->scraped[stratum];
                w->found_hours[stratum] = w->hours + 1;
        }
}

static uint64_t visitor(uint64_t key, uint64_t number)
{
        return hash_u64(&(struct hash_key){ key, 4 }, number);
}

static void view_of(struct world *w, unsigned stratum, uint32_t target, uint64_t visitor)
{
        struct recency r = views_recency(&w->views, name(target));

        if (r.cold != COLD_UNKNOWN && quota_take(&w->quota, visitor)) {
                w->all += w->judging;
                w->cold += w->judging && r.cold == COLD_YES;
                cold_site_note(&w->site, r.level);
                cold_surge_advance(&w->key[stratum], &w->site, &w->spread);
                cold_surge_count(&w->key[stratum], &w->site, r.level);
                look(w, stratum);
        }
        views_note(&w->views, name(target));
}

static void view(void *context, const struct person *p, uint32_t target)
{
        struct world *w = context;

        view_of(w, p->stratum, target, visitor(1, (uint64_t)(p - w->people.person)));
}

/* The share of the stratum's traffic, at the same rate by day and by night; each address
   takes eight. */
static void scrape(struct world *w)
{
        for (unsigned i = 0; i < SCRAPED; i++) {
                double rate = VIEWS / 24 * 0.02 * shares[i] / (1 - shares[i]);
                unsigned n = (unsigned)(rate + people_uniform(&w->people));
                for (; n; n--) {
                        w->scraped[i]++;
                        view_of(w, i, people_any_target(&w->people),
                                visitor(2 + i, w->scraped[i] / 8));
                }
        }
}

static void run_day(struct world *w, int64_t day)
{
        for (unsigned hour = 0; hour < 24; hour++) {
                int64_t now_ns = ((20000 + day) * 24 + hour) * HOUR;
                views_advance(&w->views, now_ns);
                quota_advance(&w->quota, now_ns);
                cold_site_advance(&w->site, now_ns);
                people_hour(&w->people, hour, view, w);
                if (w->attacking) {
                        scrape(w);
                        w->hours++;
                }
        }
}

/* 2 % for the first ten, the rest from 0.3 to 10 %. */
static void sizes(double *size)
{
        double rest = 0;

        for (unsigned i = 10; i < STRATA; i++)
                rest += size[i] = pow(0.9, i);
        for (unsigned i = 0; i < STRATA; i++)
                size[i] = i < 10 ? 0.02 : size[i] / rest * 0.8;
}

/* In the small run: a day on which everybody looks at more that is cold. */
static bool stray_day;

static struct world *run(uint64_t seed, double zipf, unsigned days)
{
        struct world *w = calloc(1, sizeof(*w));
        static struct counters counters;
        double size[STRATA];

        CHECK(w);
        sizes(size);
        people_make(&w->people, seed, zipf, TARGETS, VIEWS, size, STRATA);
        CHECK(views_init(&w->views, 0, 16 << 20, &counters));
        CHECK(quota_init(&w->quota, 4 << 20));
        cold_site_init(&w->site);
        cold_spread_init(&w->spread);
        for (unsigned day = 0; day < HISTORY + days + ATTACK; day++) {
                w->judging = day >= HISTORY;
                w->attacking = day >= HISTORY + days;
                w->people.stray = stray_day && day == HISTORY + 2 ? 1 : 0;
                run_day(w, day);
        }
        return w;
}

static int compare(const void *a, const void *b)
{
        unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

        return (x > y) - (x < y);
}

/* Of those found; *found says how many were. */
static unsigned median(unsigned *values, unsigned count, unsigned *found)
{
        unsigned n = 0;

        for (unsigned i = 0; i < count; i++)
                if (values[i])
                        values[n++] = values[i];
        *found = n;
        if (n == 0)
                return 0;
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

static bool good = true;

static void expect(bool holds, const char *what)
{
        if (!holds)
                printf("NOT SO: %s\n", what);
        good &= holds;
}

static void run_zipf(double zipf, unsigned days, unsigned seeds)
{
        unsigned after[SCRAPED][64] = { 0 }, hours[SCRAPED][64] = { 0 }, alarms = 0;
        double cold = 0, sigma = 0;

        for (unsigned seed = 0; seed < seeds; seed++) {
                struct world *w = run(1000 + seed, zipf, days);
                alarms += w->false_alarms;
                cold += (double)w->cold / (double)w->all / seeds;
                sigma += sqrt(w->spread.square) / seeds;
                for (unsigned i = 0; i < SCRAPED; i++) {
                        after[i][seed] = w->found_after[i];
                        hours[i][seed] = w->found_hours[i];
                }
                views_free(&w->views);
                quota_free(&w->quota);
                people_free(&w->people);
                free(w);
        }
        printf(
            "Zipf %.1f: %.1f %% of views cold, sigma %.2f; %u false alarms in %u days of "
            "%u strata\n",
            zipf, cold * 100, sigma, alarms, (days + ATTACK) * seeds, STRATA);
        for (unsigned i = 0; i < SCRAPED; i++) {
                unsigned found, n = median(after[i], seeds, &found);
                unsigned h = median(hours[i], seeds, &found);
                printf("  %2.0f %% of a stratum: found %u of %u in %d days, after %u "
                       "scraped, %u h\n",
                       shares[i] * 100, found, seeds, ATTACK, n, h);
                if (i == 0) {
                        expect(found == seeds,
                               "all strata with 30 % of scraping are found");
                        expect(n <= 600, "after 600 scraped profiles");
                }
        }
        expect(alarms <= (days + ATTACK) * seeds / 50,
               "one false alarm in fifty days at most");
}

int main(int argc, char **argv)
{
        unsigned days = argc > 1 ? (unsigned)atoi(argv[1]) : 6;
        unsigned seeds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        static const double zipf[] = { 0.6, 0.8, 1.0 };

        stray_day = argc == 1;
        CHECK(seeds > 0 && seeds <= 64);
        for (unsigned i = argc > 1 ? 0 : 1; i < (argc > 1 ? 3 : 2); i++)
                run_zipf(zipf[i], days, seeds);
        return good ? 0 : 1;
}
