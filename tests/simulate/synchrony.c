/* SPDX-License-Identifier: MIT */
/*
 * synchrony on a site of people who differ: groups of people that must not alarm, and how
 * soon a farm of a hundred accounts does.
 *
 *      simulate-synchrony [DAYS [SEEDS]]
 *
 * A person's think times are lognormal (sigma 1.2) around a median of their own, itself
 * lognormal around 12 s (recruiters: 20 s), sigma 0.5. 20,000 people a day, one or two
 * visits (inverse Gaussian, mean 3, lambda 6.2), 3 % recruiters (lognormal, median 60,
 * sigma 0.8). Window 24 h. Groups are judged at each view, on DAYS days:
 *
 *      carrier     2,000 people as they come
 *      office      100 people whose median is common to them for a part: sigma 0.3
 * between offices, 0.4 within team        40 recruiters of one firm and one tool: 0.3 and
 * 0.3 class       30 people who sign up in one hour and look at 20 profiles each for one
 *                  task: 0.3 and 0.3; think times sigma 0.8
 *      led class   the same, but the teacher says when (median 40 s), and they follow
 *                  within some 5 s, after the first ten minutes
 *
 * Farms: 100 accounts of 30 profiles, each from an address of its own, an account begins
 * every two minutes: a fixed wait of 5 s within 20 %; waits drawn from 2 to 10 s;
 * lognormal waits of sigma 0.5; people's, sigma 1.2, of one median, and of medians that
 * differ. And the first two among as many people (a browser's version, say).
 */
#include "detect/synchrony.h"
#include "base/check.h"
#include "base/hash.h"
#include "bench/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEC    NS_PER_SEC
#define HOUR   (3600 * SEC)
#define DAY    (24 * HOUR)
#define PEOPLE 20000
#define LEARN  1
#define EVENTS 400000
#define LEVELS 3

static const double levels[LEVELS] = { 4, 6, 8 };

enum kind {
        CARRIER,
        OFFICE,
        TEAM,
        CLASS,
        LED,
        PEOPLE_KINDS,
        FIXED = PEOPLE_KINDS,
        UNIFORM,
        LOGNORMAL,
        REPLAY,
        REPLAY_OWN,
        FIXED_AMONG,
        UNIFORM_AMONG,
        KINDS
};

static const char *const names[KINDS] = { "carrier",
                                          "office",
                                          "team",
                                          "class",
                                          "led class",
                                          "farm, fixed",
                                          "farm, 2 to 10 s",
                                          "farm, lognormal 0.5",
                                          "farm, one person's 1.2",
                                          "farm, people's medians",
                                          "fixed among people",
                                          "2 to 10 s among people" };

struct event {
        int64_t at_ns;
        uint32_t member;
        bool is_farm;
};

static uint64_t seed;
static struct event *events;
static unsigned count;
static uint32_t members;

static double uniform(void)
{
        return (double)(random_next(&seed) >> 11) * 0x1p-53;
}

static double normal(void)
{
        double u = 1 - uniform(), v = uniform();

        return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static double inverse_gaussian(double mean, double lambda)
{
        double n = normal(), y = n * n;
        double x =
            mean + mean * mean * y / (2 * lambda) -
            mean / (2 * lambda) * sqrt(4 * mean * lambda * y + mean * mean * y * y);

        return uniform() <= mean / (mean + x) ? x : mean * mean / x;
}

static void put(double at, bool is_farm)
{
        CHECK(count < EVENTS);
        events[count++] = (struct event){ (int64_t)(at * SEC), members, is_farm };
}

static void visit(double at, double pages, double median, double sigma)
{
        for (double i = 0; i < fmin(pages, 400); i++) {
                put(at, false);
                at += median * exp(sigma * normal());
        }
}

static double hour_of_day(void)
{
        return (8 + 14 * uniform()) * 3600;
}

/* A person of a group whose medians share exp(shift). */
static void person(double shift, double own, bool recruits)
{
        double median = (recruits ? 20 : 12) * exp(shift + own * normal());
        unsigned visits = 1 + (uniform() < 0.5);

        members++;
        for (unsigned i = 0; i < visits; i++)
                visit(hour_of_day(),
                      recruits ? 30 * exp(0.8 * normal()) : inverse_gaussian(3, 6.2),
                      median, 1.2);
}

static void people(unsigned n, double between, double own, double recruiters)
{
        double shift = between * normal();

        for (unsigned i = 0; i < n; i++)
                person(shift, own, uniform() < recruiters);
}

static void class(bool is_led)
{
        double shift = 0.3 * normal(), teacher[20], at = 10 * 3600 + 600;

        for (unsigned i = 0; i < 20; i++)
                teacher[i] = at += 40 * exp(0.5 * normal());
        for (unsigned n = 0; n < 30; n++) {
                members++;
                if (!is_led)
                        visit(10 * 3600 + 3600 * uniform(), 20,
                              20 * exp(shift + 0.3 * normal()), 0.8);
                for (unsigned i = 0; is_led && i < 20; i++)
                        put(teacher[i] - 5 * log(1 - uniform()), false);
        }
}

static double wait_of(enum kind kind, double median)
{
        switch (kind) {
        case FIXED:
        case FIXED_AMONG:
                return 5 * (0.8 + 0.4 * uniform());
        case UNIFORM:
        case UNIFORM_AMONG:
                return 2 + 8 * uniform();
        case LOGNORMAL:
                return 5 * exp(0.5 * normal());
        default:
                return median * exp(1.2 * normal());
        }
}

static void farm(enum kind kind)
{
        for (unsigned n = 0; n < 100; n++) {
                double at = 9 * 3600 + 120 * n;
                double median = kind == REPLAY_OWN ? 12 * exp(0.5 * normal()) : 12;
                members++;
                for (unsigned i = 0; i < 30; i++) {
                        put(at, true);
                        at += wait_of(kind, median);
                }
        }
}

static void group(enum kind kind)
{
        count = 0;
        switch (kind) {
        case CARRIER:
                people(2000, 0, 0.5, 0.03);
                break;
        case OFFICE:
                people(100, 0.3, 0.4, 0.03);
                break;
        case TEAM:
                people(40, 0.3, 0.3, 1);
                break;
        case CLASS:
        case LED:
                class(kind == LED);
                break;
        case FIXED_AMONG:
        case UNIFORM_AMONG:
                people(100, 0, 0.5, 1); /* who view much, and so are seen as much */
                farm(kind);
                break;
        default:
                farm(kind);
                break;
        }
}

static int compare(const void *a, const void *b)
{
        int64_t x = ((const struct event *)a)->at_ns,
                y = ((const struct event *)b)->at_ns;

        return (x > y) - (x < y);
}

static uint64_t name_of(uint32_t member)
{
        return hash_u64(&(struct hash_key){ 3, 4 }, member);
}

struct outcome {
        double most;
        unsigned after[LEVELS]; /* profiles of the farm; 0: not found */
};

static struct outcome judge(const struct paces *site, struct budget *budget, int64_t day)
{
        struct outcome o = { 0 };
        struct synchrony s = { 0 };
        struct counters counters = { 0 };
        unsigned taken = 0;

        qsort(events, count, sizeof(*events), compare);
        for (unsigned i = 0; i < count; i++) {
                int64_t now_ns = day * DAY + events[i].at_ns;
                synchrony_count(&s, budget, &counters, name_of(events[i].member), now_ns,
                                now_ns, DAY);
                taken += events[i].is_farm;
                double value = synchrony_value(&s, budget, site, now_ns, DAY);
                if (!(value > o.most))
                        continue;
                o.most = value;
                for (unsigned l = 0; l < LEVELS; l++)
                        if (value >= levels[l] && o.after[l] == 0)
                                o.after[l] = taken ? taken : 1;
        }
        synchrony_clear(&s, budget);
        return o;
}

static void learn(struct paces *site, int64_t day)
{
        count = 0;
        people(PEOPLE, 0, 0.5, 0.03);
        qsort(events, count, sizeof(*events), compare);
        for (unsigned i = 0; i < count; i++)
                paces_note(site, name_of(events[i].member), day * DAY + events[i].at_ns);
}

struct tally {
        unsigned groups, at[LEVELS];
        double most, after[LEVELS];
};

static void run(uint64_t first, unsigned days, struct tally tallies[KINDS])
{
        struct paces site;
        struct budget budget;

        seed = first;
        CHECK(paces_init(&site) && budget_init(&budget, 8 << 20));
        for (int64_t day = 20000; day < 20000 + LEARN + days; day++) {
                learn(&site, day);
                for (enum kind k = 0; day >= 20000 + LEARN && k < KINDS; k++) {
                        group(k);
                        struct outcome o = judge(&site, &budget, day);
                        tallies[k].groups++;
                        tallies[k].most = fmax(tallies[k].most, o.most);
                        for (unsigned l = 0; l < LEVELS; l++) {
                                tallies[k].at[l] += o.after[l] != 0;
                                tallies[k].after[l] += o.after[l];
                        }
                }
        }
        paces_free(&site);
        budget_free(&budget);
}

static bool good = true;

static void expect(bool holds, const char *what)
{
        if (!holds)
                printf("NOT SO: %s\n", what);
        good &= holds;
}

int main(int argc, char **argv)
{
        unsigned days = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
        unsigned seeds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        struct tally tallies[KINDS] = { 0 };

        CHECK(days > 0 && seeds > 0);
        events = calloc(EVENTS, sizeof(*events));
        CHECK(events);
        for (unsigned i = 0; i < seeds; i++)
                run(900 + i, days, tallies);
        for (enum kind k = 0; k < KINDS; k++) {
                const struct tally *t = &tallies[k];
                printf("%-24s %u days, at most %4.1f; at 4, 6, 8:", names[k], t->groups,
                       t->most);
                for (unsigned l = 0; l < LEVELS; l++) {
                        printf(" %u", t->at[l]);
                        if (k >= PEOPLE_KINDS && t->at[l])
                                printf(" (%.0f profiles)", t->after[l] / t->at[l]);
                }
                printf("\n");
        }
        for (enum kind k = 0; k < LED; k++)
                expect(tallies[k].at[2] <= tallies[k].groups / 200,
                       "groups of people stay below 8, but for one in 200 days");
        expect(tallies[FIXED].at[2] == tallies[FIXED].groups &&
                   tallies[UNIFORM].at[2] == tallies[UNIFORM].groups,
               "farms that wait alike are found");
        free(events);
        return good ? 0 : 1;
}
