/* SPDX-License-Identifier: MIT */
/*
 * How often surge(Nx) is wrong, and how soon it is right: `simulate-surge [OCCASIONS]`.
 *
 * Keys of one table have visitors who come on occasions, each a Poisson process. An
 * occasion is an arrival, a pair or a classroom. Counted are occasions between alarms (S
 * begins anew at each), after 14 days in which the table learns; then, from moments of
 * the run, how long it takes when all comes x times as often, in usual times between
 * occasions: the mean of those found within 300, and their share if it is not all. In
 * brackets what is known of a CUSUM that is told the rate.
 */
#include "detect/surge.h"
#include "base/clock.h"
#include "bench/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGIN       1795392000.0 /* 2026-11-23 00:00:00 UTC, a Monday */
#define DAY         86400.0
#define KEYS        40
#define SMALL       60000
#define LONGEST     300 /* usual times between occasions that an attack is given */
#define FACTORS     3
#define THRESHOLDS  4
#define FULL_SWING  0.6 /* of the day: between 0.4 and 1.6 of the mean */
#define KNOWN_EXACT 1e7

struct threshold {
        double ratio, nats;
        double spacing, delay[FACTORS]; /* where the rate is known: simulated before */
};

static const double factors[FACTORS] = { 2, 4, 10 };
static const struct threshold thresholds[THRESHOLDS] = {
        { 2, 6, 1.7e3, { 14, 3.4, 1.1 } },
        { 2, 9, 3.5e4, { 22, 5.1, 1.6 } },
        { 2, 12, 6.9e5, { 29, 6.9, 2.1 } },
        { 4, 12, 1.7e5, { 60, 4.6, 1.2 } },
};

struct world {
        const char *name;
        double unit; /* seconds between the occasions of a mean key */
        bool known;
        double sigma;           /* rates of keys are lognormal */
        double share;           /* of the occasions that are a cluster */
        int cluster;            /* arrivals */
        double span;            /* of a cluster, seconds */
        double swing, weekend;  /* amplitude of the day; rate on Saturday and Sunday */
        double life;            /* occasions of a key before another takes its place */
        double least, patience; /* asserted: of the known spacing and delay */
};

static const struct world worlds[] = {
        { "rate known", 3600, true, 0, 0, 1, 0, 0, 1, INFINITY, 0.5, 1.3 },
        { "rate learnt", 3600, false, 0, 0, 1, 0, 0, 1, INFINITY, 0.5, 1.4 },
        { "one in 5 minutes", 300, false, 0, 0, 1, 0, 0, 1, INFINITY, 0.5, 2 },
        { "people differ", 3600, false, 0.8, 0, 1, 0, 0, 1, INFINITY, 0.5, 1.4 },
        { "pairs, 4 s apart", 3600, false, 0, 1, 2, 4, 0, 1, INFINITY, 0.5, 1.4 },
        { "1 % classrooms", 3600, false, 0, 0.01, 30, 60, 0, 1, INFINITY, 0.12, 1.4 },
        { "days", 3600, false, 0.8, 0, 1, 0, FULL_SWING, 1, INFINITY, 0.4, 2 },
        { "days, one in 5 minutes", 300, false, 0.8, 0, 1, 0, FULL_SWING, 1, INFINITY,
          0.25, 2.5 },
        { "weekends, one in 5 minutes", 300, false, 0.8, 0, 1, 0, 0, 0.5, INFINITY, 0.25,
          2.5 },
        { "new keys, 60 occasions each", 3600, false, 0.8, 0, 1, 0, 0, 1, 60, 0, 0 },
};

static uint64_t seed;

static double uniform(void)
{
        return ((double)(random_next(&seed) >> 11) + 0.5) / 9007199254740992.0;
}

static double exponential(void)
{
        return -log(uniform());
}

static double normal(void)
{
        return sqrt(-2 * log(uniform())) * cos(2 * acos(-1) * uniform());
}

static int64_t nanoseconds(double seconds)
{
        return (int64_t)(seconds * (double)NS_PER_SEC);
}

struct person {
        double rate, next; /* occasions a second; time of the next one, in seconds */
        struct surge surge;
};

struct run {
        const struct world *world;
        const struct threshold *threshold;
        struct surge_usual usual;
        struct person people[KEYS];
        double spacing, delay[FACTORS], found[FACTORS];
        unsigned alarms;
};

static double rate_of_time(const struct world *w, double t)
{
        double day = floor((t - BEGIN) / DAY);

        return (1 + w->swing * sin(2 * acos(-1) * t / DAY)) *
               (fmod(day, 7) >= 5 ? w->weekend : 1);
}

/* The next occasion after `t`, x times as often as usual: by thinning. */
static double next_occasion(const struct world *w, double rate, double t)
{
        double most = 1 + w->swing;

        do {
                t += exponential() / (rate * most);
        } while (uniform() * most > rate_of_time(w, t));
        return t;
}

static void person_new(const struct world *w, struct person *p, double t)
{
        double of_mean = exp(w->sigma * normal() - w->sigma * w->sigma / 2);

        *p = (struct person){ .rate = of_mean / w->unit };
        p->next = next_occasion(w, p->rate, t);
}

/* Whether S reached the threshold during the occasion. */
static bool occasion(const struct run *r, struct surge_usual *usual, struct person *p,
                     double t)
{
        const struct world *w = r->world;
        int arrivals = w->share > 0 && uniform() < w->share ? w->cluster : 1;
        bool reached = false;

        for (int i = 0; i < arrivals; i++) {
                if (w->known) {
                        p->surge.arrivals = (float)KNOWN_EXACT;
                        p->surge.seconds = KNOWN_EXACT / p->rate;
                        usual->is_known = true;
                }
                surge_add(usual, &p->surge, r->threshold->ratio,
                          nanoseconds(t + (i ? i * w->span / (arrivals - 1) : 0)));
                reached |= surge_value(usual, &p->surge) >= r->threshold->nats;
        }
        return reached;
}

static void attack(struct run *r, const struct person *p, double t)
{
        for (int f = 0; f < FACTORS; f++) {
                struct surge_usual usual = r->usual;
                struct person copy = *p;
                double now = t;
                copy.surge.cusum = 0;
                while ((now - t) * p->rate < LONGEST) {
                        now = next_occasion(r->world, p->rate * factors[f], now);
                        if (!occasion(r, &usual, &copy, now))
                                continue;
                        r->delay[f] += (now - t) * p->rate;
                        r->found[f]++;
                        break;
                }
        }
}

static struct person *first_of(struct person *people)
{
        struct person *first = people;

        for (int i = 1; i < KEYS; i++)
                if (people[i].next < first->next)
                        first = &people[i];
        return first;
}

static void simulate(struct run *r, double occasions)
{
        const struct world *w = r->world;
        double begin = BEGIN + 14 * DAY, count = 0, attacks = 0;
        double every = fmax(occasions / 2000, 20);

        for (int i = 0; i < KEYS; i++)
                person_new(w, &r->people[i], BEGIN);
        while (count < occasions) {
                struct person *p = first_of(r->people);
                double t = p->next;
                bool reached = occasion(r, &r->usual, p, t);
                p->next = next_occasion(w, p->rate, t);
                if (reached)
                        p->surge.cusum = 0;
                if (t >= begin) {
                        count++;
                        r->alarms += reached;
                        if (count >= attacks * every && w->life > 1e9) {
                                attack(r, p, t);
                                attacks++;
                        }
                }
                if (uniform() < 1 / w->life)
                        person_new(w, p, t);
        }
        r->spacing = occasions / r->alarms;
        for (int f = 0; f < FACTORS; f++) {
                r->delay[f] /= r->found[f];
                r->found[f] /= attacks;
        }
}

static bool check(const struct run *r, double occasions)
{
        const struct world *w = r->world;
        const struct threshold *h = r->threshold;
        double least = w->least > 0 ? w->least * h->spacing : 80 * h->nats;
        bool good = r->alarms <= occasions / least + 4;

        if (w->known)
                good &= r->alarms >= occasions / h->spacing / 2 - 4;
        for (int f = 0; w->patience > 0 && f < FACTORS; f++)
                if (factors[f] >= h->ratio)
                        good &= r->found[f] > (factors[f] > 2 ? 0.99 : 0.9) &&
                                r->delay[f] < h->delay[f] * w->patience + 0.5 &&
                                r->delay[f] > h->delay[f] / 2;
        if (!good)
                printf("^^^ out of bounds\n");
        return good;
}

static void print_row(const struct run *r)
{
        const struct threshold *h = r->threshold;

        printf("| %s | %g, %g | ", r->world->name, h->ratio, h->nats);
        if (r->alarms < 10)
                printf("%u alarms", r->alarms);
        else
                printf("%.2g", r->spacing);
        printf(" (%.2g)", h->spacing);
        for (int f = 0; f < FACTORS; f++) {
                printf(" | ");
                if (r->found[f] > 0)
                        printf("%.3g (%g)", r->delay[f], h->delay[f]);
                if (r->found[f] > 0 && r->found[f] < 0.995)
                        printf(", %.0f %%", 100 * r->found[f]);
        }
        printf(" |\n");
        fflush(stdout);
}

static bool run_worlds(double occasions)
{
        bool good = true;

        printf("| | N, nats | occasions between false alarms | delay at x2 | x4 | x10 |\n"
               "| --- | --- | --- | --- | --- | --- |\n");
        for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++)
                for (int h = 0; h < THRESHOLDS; h++) {
                        struct run r = { .world = &worlds[i],
                                         .threshold = &thresholds[h] };
                        seed = i + 1;
                        simulate(&r, occasions);
                        print_row(&r);
                        good &= check(&r, occasions);
                }
        return good;
}

/* ---- keys that nobody saw before ---- */

struct newcomers {
        double factor, reached, arrivals, minutes;
};

static void newcomer(const struct run *r, struct newcomers *n, double gap, double t)
{
        struct surge_usual usual = r->usual;
        struct surge s = { 0 };
        double begin = t;

        for (int i = 1; i <= 2000; i++) {
                surge_add(&usual, &s, r->threshold->ratio, nanoseconds(t));
                if (surge_value(&usual, &s) >= r->threshold->nats) {
                        n->reached++;
                        n->arrivals += i;
                        n->minutes += (t - begin) / 60;
                        return;
                }
                t += exponential() * gap;
        }
}

static bool run_newcomers(void)
{
        struct run r = { .world = &worlds[3], .threshold = &thresholds[2] };
        static const double times[] = { 10, 20, 50, 100, 1000, 10000 };
        bool good = true;

        seed = 100;
        simulate(&r, 20000);
        printf("\n| a new key, at times the table's mean rate | reaches 12 nats of "
               "surge(2x) | after arrivals | minutes |\n| --- | --- | --- | --- |\n");
        for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
                struct newcomers n = { .factor = times[i] };
                for (int k = 0; k < 1000; k++)
                        newcomer(&r, &n, r.world->unit / n.factor,
                                 first_of(r.people)->next);
                printf("| x%g | %.3g %% |", n.factor, n.reached / 10);
                if (n.reached > 0)
                        printf(" %.3g | %.3g |\n", n.arrivals / n.reached,
                               n.minutes / n.reached);
                else
                        printf(" | |\n");
                good &= n.factor < 100 || n.reached == 1000;
                good &= n.factor > 10 || n.reached < 100;
        }
        return good;
}

int main(int argc, char **argv)
{
        double occasions = argc > 1 ? atof(argv[1]) : SMALL;

        if (!(occasions >= SMALL)) {
                fprintf(stderr, "usage: %s [OCCASIONS, %d or more]\n", argv[0], SMALL);
                return 2;
        }
        bool good = run_worlds(occasions);
        return run_newcomers() && good ? 0 : 1;
}
