/* SPDX-License-Identifier: MIT */
/*
 * unfetched on sites of several makes: how many people a day reach a value by chance, how
 * soon who fetches nothing is told from them, and how many attackers it takes to hide.
 *
 *      simulate-unfetched [DAYS [SEEDS]]
 *
 * 5,000 people, each here on one day in two. People view 1 to 60 pages in a visit
 * (inverse Gaussian, mean 3; recruiters, 3 %, lognormal, median 60), one to three visits
 * a day. Of a page's ten files the browser has those that are the same for all pages
 * after the first one of a visit (of a former day: 60 % of people keep them); two are of
 * that page alone (a portrait, a count). What differs:
 *
 *      classic   as said, 0.5 % of people with software that fetches nothing
 *      cached    no file is of one page alone
 *      cdn       all files come from elsewhere; one page in a hundred brings one from
 * here app       one in five people has the site's application, which views ten pages for
 *                each file
 *
 * One window of an hour, the keys are client.host. After three days: a program that
 * fetches nothing, one that fetches a file on one page in ten, and one that fetches like
 * a person. Then attackers who each view eight pages and fetch nothing are a part of all
 * keys that view four or more, every day.
 */
#include "detect/unfetched.h"
#include "base/check.h"
#include "base/clock.h"
#include "bench/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE 5000
#define LEARN  3 /* days */
#define HOUR   (3600 * NS_PER_SEC)
#define DAY    (24 * HOUR)
#define LEVELS 4

enum make { CLASSIC, CACHED, CDN, APP, MAKES };

static const char *const names[MAKES] = { "classic", "cached", "cdn", "app" };
static const double levels[LEVELS] = { 1, 2, 2.5, 3 };

struct person {
        double pages; /* of a visit; recruiters */
        bool fetches, keeps, has_app;
};

struct world {
        uint64_t random;
        enum make make;
        struct unfetched_usual usual;
        struct window_clock clock;
        struct person people[PEOPLE];
        unsigned attackers; /* a day */
        int64_t day;
};

static double uniform(struct world *w)
{
        return (double)(random_next(&w->random) >> 11) * 0x1p-53;
}

static double normal(struct world *w)
{
        double u = 1 - uniform(w), v = uniform(w);

        return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Michael, Schucany, Haas 1976. */
static double inverse_gaussian(struct world *w, double mean, double lambda)
{
        double n = normal(w), y = n * n;
        double x =
            mean + mean * mean * y / (2 * lambda) -
            mean / (2 * lambda) * sqrt(4 * mean * lambda * y + mean * mean * y * y);

        return uniform(w) <= mean / (mean + x) ? x : mean * mean / x;
}

/* One key on one day. */
struct key {
        struct unfetched cells;
        int64_t pane;
        double most;
        unsigned views, views_at[LEVELS];
};

static void at(struct world *w, struct key *k, int64_t now_ns)
{
        window_clock_init(&w->clock, HOUR);
        window_clock_set(&w->clock, now_ns);
        if (k->pane == 0)
                k->pane = w->clock.pane;
        int64_t from = w->clock.pane - k->pane > WINDOW_PANES
                           ? w->clock.pane - WINDOW_PANES
                           : k->pane;
        unfetched_rotate(&k->cells, from, w->clock.pane);
        k->pane = w->clock.pane;
}

static void view(struct world *w, struct key *k, int64_t now_ns, unsigned files)
{
        at(w, k, now_ns);
        unfetched_view(&w->usual, &k->cells, k->pane, k->pane, now_ns, true);
        k->views++;
        for (unsigned i = 0; i < files; i++)
                unfetched_fetch(&k->cells, k->pane);
        double value = unfetched_value(&w->usual, &k->cells);
        if (!(value > k->most))
                return;
        k->most = value;
        for (unsigned i = 0; i < LEVELS; i++)
                if (value >= levels[i] && k->views_at[i] == 0)
                        k->views_at[i] = k->views;
}

static unsigned files_of(struct world *w, const struct person *p, bool first)
{
        if (!p->fetches)
                return 0;
        if (p->has_app)
                return uniform(w) < 0.1;
        if (w->make == CDN)
                return uniform(w) < 0.01;
        unsigned own = w->make == CACHED ? 0 : 2;
        return own + (first ? 8 : 0);
}

static void visit(struct world *w, const struct person *p, struct key *k, int64_t at_ns,
                  bool has_files)
{
        double pages =
            p->pages > 0 ? p->pages * exp(0.8 * normal(w)) : inverse_gaussian(w, 3, 6.2);
        unsigned n = pages < 1 ? 1 : pages > 500 ? 500 : (unsigned)lround(pages);

        for (unsigned i = 0; i < n; i++) {
                view(w, k, at_ns, files_of(w, p, i == 0 && !has_files));
                at_ns += (int64_t)(12 * exp(1.2 * normal(w)) * NS_PER_SEC);
        }
}

static int64_t morning(const struct world *w)
{
        return (20000 + w->day) * DAY + 7 * HOUR;
}

/* Part of the day's attackers, between people as they come. */
static void attack(struct world *w, unsigned number)
{
        struct key k = { 0 };

        (void)number;
        for (unsigned i = 0; i < 8; i++)
                view(w, &k, morning(w) + 5 * HOUR + i * 10 * NS_PER_SEC, 0);
}

struct tally {
        uint64_t days; /* of people */
        uint64_t at[LEVELS];
};

static void person_day(struct world *w, const struct person *p, struct tally *t)
{
        struct key k = { 0 };
        unsigned visits = 1 + random_below(&w->random, 3);
        bool has_files = p->keeps && uniform(w) < 0.9;

        for (unsigned i = 0; i < visits; i++) {
                visit(w, p, &k, morning(w) + i * 4 * HOUR, has_files);
                has_files |= p->keeps;
        }
        if (w->day < LEARN)
                return;
        t->days++;
        for (unsigned i = 0; i < LEVELS; i++)
                t->at[i] += k.most >= levels[i];
}

static void run_day(struct world *w, struct tally *t)
{
        unsigned attacked = 0;

        for (unsigned i = 0; i < PEOPLE; i++) {
                if (uniform(w) < 0.5)
                        person_day(w, &w->people[i], t);
                while (attacked < (uint64_t)w->attackers * i / PEOPLE)
                        attack(w, attacked++);
        }
        w->day++;
}

static struct world *make_world(enum make make, uint64_t seed)
{
        struct world *w = calloc(1, sizeof(*w));

        CHECK(w);
        *w = (struct world){ .random = seed, .make = make };
        for (unsigned i = 0; i < PEOPLE; i++) {
                struct person *p = &w->people[i];
                p->pages = uniform(w) < 0.03 ? 60 * exp(0.5 * normal(w)) : 0;
                p->fetches = uniform(w) >= 0.005;
                p->keeps = uniform(w) < 0.6;
                p->has_app = make == APP && uniform(w) < 0.2;
        }
        return w;
}

/* A program's day; of `every` pages it fetches what one brings. */
static struct key program(struct world *w, unsigned every)
{
        struct key k = { 0 };

        for (unsigned i = 0; i < 1000; i++)
                view(w, &k, morning(w) + 3 * HOUR + i * 2 * NS_PER_SEC,
                     every && i % every == 0);
        return k;
}

static bool good = true;

static void expect(bool holds, const char *what)
{
        if (!holds)
                printf("NOT SO: %s\n", what);
        good &= holds;
}

static void print_program(const char *what, const struct key *k)
{
        printf("  %-34s value %.2f; 1, 2, 2.5, 3 after", what, k->most);
        for (unsigned i = 0; i < LEVELS; i++)
                k->views_at[i] ? printf(" %u", k->views_at[i]) : printf(" never");
        printf(" views\n");
}

static void run_make(enum make make, unsigned days, unsigned seeds)
{
        struct tally t = { 0 };
        struct key none = { 0 }, some = { 0 };

        for (unsigned seed = 0; seed < seeds; seed++) {
                struct world *w = make_world(make, 77 + seed);
                while (w->day < LEARN + days)
                        run_day(w, &t);
                none = program(w, 0);
                some = program(w, 10);
                free(w);
        }
        printf("%s: people's days %llu, at 1, 2, 2.5, 3:", names[make],
               (unsigned long long)t.days);
        for (unsigned i = 0; i < LEVELS; i++)
                printf(" %.5f", (double)t.at[i] / (double)t.days);
        printf("\n");
        print_program("fetches nothing:", &none);
        print_program("a file on one page in ten:", &some);
        for (unsigned i = 0; i < LEVELS; i++)
                expect((double)t.at[i] <= 2 * pow(10, -levels[i]) * (double)t.days + 3,
                       "not more than twice the share that it states");
        if (make == CLASSIC)
                expect(none.views_at[1] && none.views_at[1] <= 64,
                       "who fetches nothing is seen within 64 views");
        if (make == CDN)
                expect(none.most < 1, "where nothing is seen to be fetched nothing is "
                                      "said");
}

/* `part` of all keys that view four pages are attackers, from the seventh day on. */
static void hide(double part, unsigned days)
{
        struct world *w = make_world(CLASSIC, 99);
        struct tally t = { 0 };

        while (w->day < LEARN + 3)
                run_day(w, &t);
        /* Keys that came to four views, on a day. */
        double keys = 0;
        for (unsigned i = 0; i < UNFETCHED_RATIOS; i++)
                keys += w->usual.today[0][i];
        w->attackers = (unsigned)(keys * part / (1 - part));
        printf("attackers are %4.1f %% of keys: value of one on day", part * 100);
        for (unsigned day = 1; day <= days; day++) {
                bool told = day == 1 || day % 7 == 0;
                struct key k = { 0 };
                run_day(w, &t);
                w->day--;
                for (unsigned i = 0; i < 8; i++)
                        view(w, &k, morning(w) + 12 * HOUR, 0);
                w->day++;
                if (told)
                        printf(" %u: %.1f", day, k.most);
        }
        printf("\n");
        free(w);
}

int main(int argc, char **argv)
{
        unsigned days = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
        unsigned seeds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        static const double parts[] = { 0.01, 0.03, 0.1, 0.2, 0.3, 0.5 };

        CHECK(days > 0 && seeds > 0);
        for (enum make make = 0; make < MAKES; make++)
                run_make(make, days, seeds);
        for (unsigned i = 0; argc > 1 && i < 6; i++)
                hide(parts[i], 28);
        return good ? 0 : 1;
}
