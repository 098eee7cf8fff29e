/* SPDX-License-Identifier: MIT */
/*
 * A limit that is scaled by the people behind an address, `distinct(session,
 * session.known, 1h)`, against one that is not: addresses shared by 1 to 2,000 people.
 *
 *      simulate-known [ADDRESSES]      of each size, a working day each; 20 without
 *
 * People come for a visit three times between 8 and 18 h and view pages (inverse
 * Gaussian, mean 3, lambda 6.2; recruiters, 3 %, lognormal, median 60, sigma 0.8, in
 * place of it), with a think time that is lognormal (median 12 s, sigma 1.2). One in ten
 * never keeps a session; one in five is here for the first time that day. At 13 h a
 * program begins to read behind each address, a profile each 1.5 s, with a session for
 * each request that it drops; and one that keeps as many sessions as the limit asks for
 * from 12:30 on.
 */
#include "detect/known.h"
#include "base/check.h"
#include "base/hash.h"
#include "bench/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEC    NS_PER_SEC
#define HOUR   (3600 * SEC)
#define DAY    (24 * HOUR)
#define FIXED  120
#define BASE   60
#define LIMITS 3
#define EVENTS 2000000
#define KEEPS  100 /* sessions of the second program */

/* Views in ten minutes for each person of the last hour, above 60. */
static const unsigned a_person[LIMITS] = { 30, 6, 3 };

struct event {
        int64_t at_ns;
        uint32_t session; /* 0: none that is kept */
};

static uint64_t seed = 4711;
static struct counters counters;
static struct event *events;
static unsigned count;
static uint32_t sessions;

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

static void put(int64_t at_ns, uint32_t session)
{
        CHECK(count < EVENTS);
        events[count++] = (struct event){ at_ns, session };
}

static int64_t today(void)
{
        return 20001 * DAY;
}

static void person(struct known *k)
{
        bool recruits = uniform() < 0.03, keeps = uniform() >= 0.1;
        uint32_t session = ++sessions;
        uint64_t name = hash_u64(&(struct hash_key){ 1, 2 }, session);

        if (keeps && uniform() >= 0.2)
                known_note(k, name, known_find(k, name)); /* yesterday */
        for (unsigned visit = 0; visit < 3; visit++) {
                int64_t at = today() + 8 * HOUR + (int64_t)(uniform() * 10 * HOUR);
                double pages =
                    recruits ? 60 * exp(0.8 * normal()) / 3 : inverse_gaussian(3, 6.2);
                for (double i = 0; i < pages; i++) {
                        put(at, keeps ? session : 0);
                        at += (int64_t)(12 * exp(1.2 * normal()) * SEC);
                }
        }
}

static int compare(const void *a, const void *b)
{
        int64_t x = ((const struct event *)a)->at_ns,
                y = ((const struct event *)b)->at_ns;

        return (x > y) - (x < y);
}

struct result {
        bool fixed, scaled[LIMITS];
        double known;         /* most in an hour */
        double found[LIMITS]; /* seconds after 13 h; -1: never */
};

/* Every view is of another profile, which is the worst for people. */
static struct result watch(struct known *k)
{
        struct result r = { .found = { -1, -1, -1 } };
        unsigned tail = 0;
        int64_t *last_known = calloc(sessions + 1, sizeof(*last_known));
        CHECK(last_known);

        qsort(events, count, sizeof(*events), compare);
        for (unsigned i = 0; i < count; i++) {
                const struct event *e = &events[i];
                known_advance(k, e->at_ns);
                while (events[tail].at_ns <= e->at_ns - 600 * SEC)
                        tail++;
                if (e->session) {
                        uint64_t name = hash_u64(&(struct hash_key){ 1, 2 }, e->session);
                        uint8_t found = known_find(k, name);
                        if (known_is(found))
                                last_known[e->session] = e->at_ns;
                        known_note(k, name, found);
                }
                unsigned views = i + 1 - tail, people = 0;
                if (views <= BASE)
                        continue;
                for (uint32_t s = 1; s <= sessions; s++)
                        people += last_known[s] > e->at_ns - HOUR;
                r.known = fmax(r.known, people);
                r.fixed |= views > FIXED;
                for (unsigned l = 0; l < LIMITS; l++) {
                        bool scaled = views > BASE + a_person[l] * people;
                        if (scaled && !r.scaled[l])
                                r.found[l] =
                                    (double)(e->at_ns - today() - 13 * HOUR) / 1e9;
                        r.scaled[l] |= scaled;
                }
        }
        free(last_known);
        return r;
}

static struct result run(unsigned people, unsigned program)
{
        struct known k;

        CHECK(known_init(&k, 1 << 20, &counters));
        known_advance(&k, today() - 10 * HOUR);
        count = 0;
        sessions = 0;
        for (unsigned i = 0; i < people; i++)
                person(&k);
        uint32_t first = sessions + 1;
        if (program == 2)
                sessions += KEEPS;
        for (unsigned i = 0; program && i < 2400; i++)
                put(today() + 13 * HOUR + (int64_t)(i * 1.5 * SEC),
                    program == 2 ? first + i % KEEPS : 0);
        for (unsigned i = 0; program == 2 && i < KEEPS; i++)
                put(today() + 12 * HOUR + 30 * 60 * SEC + i * SEC, first + i);
        struct result r = watch(&k);
        known_free(&k);
        return r;
}

static void print_limit(unsigned l, const unsigned *scaled, const unsigned *found,
                        const double *after, const unsigned *kept)
{
        printf(
            "  60 and %u a person: false alarms %u; program that drops sessions: found "
            "%u, after %.0f s; that keeps %d: found %u\n",
            a_person[l], scaled[l], found[l], found[l] ? after[l] / found[l] : 0, KEEPS,
            kept[l]);
}

static bool run_size(unsigned people, unsigned addresses)
{
        unsigned fixed = 0, scaled[LIMITS] = { 0 };
        unsigned found[LIMITS] = { 0 }, kept[LIMITS] = { 0 };
        double known = 0, after[LIMITS] = { 0 };

        for (unsigned a = 0; a < addresses; a++) {
                struct result none = run(people, 0), drops = run(people, 1);
                struct result keeps = run(people, 2);
                fixed += none.fixed;
                known += none.known / addresses;
                for (unsigned l = 0; l < LIMITS; l++) {
                        scaled[l] += none.scaled[l];
                        found[l] += drops.found[l] >= 0;
                        after[l] += fmax(drops.found[l], 0);
                        kept[l] += keeps.found[l] >= 0;
                }
        }
        printf(
            "%u people, %u days; most known in an hour %.0f; fixed limit: false alarms "
            "%u\n",
            people, addresses, known, fixed);
        for (unsigned l = 0; l < LIMITS; l++)
                print_limit(l, scaled, found, after, kept);
        return scaled[1] <= fixed / 20 && (people < 500 || fixed > addresses / 2) &&
               (people > 50 || found[1] == addresses);
}

int main(int argc, char **argv)
{
        unsigned addresses = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
        static const unsigned sizes[] = { 1, 10, 50, 200, 500, 2000 };
        bool good = true;

        CHECK(addresses > 0);
        events = calloc(EVENTS, sizeof(*events));
        CHECK(events);
        for (unsigned i = 0; i < 6; i++)
                good &= run_size(sizes[i], addresses);
        free(events);
        return good ? 0 : 1;
}
