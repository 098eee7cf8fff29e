/* SPDX-License-Identifier: MIT */
#include "unit/window_oracle.h"

#include "detect/skew.h"

#include <stdlib.h>

/* A site of which bucket 0 has 1 %, bucket 1 half, the rest an equal part of what is
 * left. */
static void fill_site(struct usual_values *v)
{
        memset(v, 0, sizeof(*v));
        for (unsigned i = 0; i < 100000; i++)
                usual_add(v, i % 100 == 0 ? 0 : i % 2 ? 1 : 2 + i / 2 % 62, WORLD_BEGIN);
}

static void g_of_five_alike(void **state)
{
        uint64_t rare[USUAL_BUCKETS] = { 5 }, usual[USUAL_BUCKETS] = { 0, 5 };
        struct usual_values v;
        (void)state;

        fill_site(&v);
        assert_float_equal(skew_statistic(&v, rare, 5), 10 * log((500 + 10) / 15.0),
                           0.02);
        assert_float_equal(skew_statistic(&v, usual, 5), 10 * log((10 + 10) / 15.0),
                           0.01);
}

/* ---- the definition ---- */

static unsigned known, unknown;

static void give_value(struct oracle *o, struct oracle_past *p)
{
        p->value = p->client == 2 ? oracle_draw(o, 3) : oracle_draw(o, 300);
}

static unsigned bucket_of(const struct oracle_past *p)
{
        struct hash_key key = hash_key_fixed();
        char target[32];

        snprintf(target, sizeof(target), "t%u", p->value);
        return (unsigned)(hash_slice(&key, slice_str(target)) >> 58);
}

static void compare(const struct oracle_question *q, const struct rule_aggregate *a,
                    double actual)
{
        double site[64] = { 0 }, key[64] = { 0 }, all = 0, n = 0, g = 0;

        for (unsigned i = 0; i < q->oracle->count; i++) {
                const struct oracle_past *p = &q->oracle->past[i];
                if (!p->profile || (q->not_found && !p->not_found))
                        continue;
                double w = pow(0.5, (double)(oracle_now(q) - p->end_ns) / 1e9 / 604800);
                site[bucket_of(p)] += w;
                all += w;
                if (!oracle_meets(q, p) || !oracle_is_inside(q, p->end_ns, oracle_now(q)))
                        continue;
                key[bucket_of(p)]++;
                n++;
        }
        if (n < 5 || all < 200) {
                oracle_same(a, actual, NAN);
                unknown++;
                return;
        }
        for (unsigned i = 0; i < 64; i++) {
                double pi = (site[i] + 10 / 64.0) / (all + 10);
                double p = (key[i] + 10 * pi) / (n + 10);
                g += key[i] > 0 ? 2 * key[i] * log(p / pi) : 0;
        }
        /* "Now" is that of the newest one that taught: the weights differ by as much. */
        assert_true(fabs(actual - g) <= 1e-3 * (1 + g));
        known++;
}

static void skew_is_as_defined(void **state)
{
        (void)state;

        oracle_run("rules:\n"
                   "  - name: a\n"
                   "    where: page == profile\n"
                   "    per_each: [client.ip, all]\n"
                   "    when: skew(target, 8s) > 9999 or\n"
                   "          skew(target, status == 404, 1m) > 9999\n",
                   4000, give_value, compare);
        assert_true(known > 2000 && unknown > 200);
}

/* ---- what chance does, and what a farm does ---- */

#define KEYS 4000

static uint64_t random_state = 3;

static double uniform(void)
{
        random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
        return ((double)(random_state >> 11) + 0.5) / 9007199254740992.0;
}

/* As skeletons are: few common ones and many rare ones (Zipf 1 over 300, hashed). */
static unsigned a_bucket_of_people(void)
{
        static double cumulative[300];

        if (cumulative[0] == 0)
                for (unsigned i = 0; i < 300; i++)
                        cumulative[i] = (i ? cumulative[i - 1] : 0) + 1.0 / (i + 1);
        double at = uniform() * cumulative[299];
        unsigned i = 0;
        while (cumulative[i] < at)
                i++;
        return (i * 2654435761U) >> 26;
}

static int ascending(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* A part `farmed` of a key's values are of one bucket that people have seldom. */
static double quantile(const struct usual_values *v, unsigned n, double farmed, double q)
{
        static double g[KEYS];

        for (unsigned i = 0; i < KEYS; i++) {
                uint64_t counts[USUAL_BUCKETS] = { 0 };
                for (unsigned k = 0; k < n; k++)
                        counts[uniform() < farmed ? 17 : a_bucket_of_people()]++;
                g[i] = skew_statistic(v, counts, n);
        }
        qsort(g, KEYS, sizeof(*g), ascending);
        return g[(unsigned)(q * KEYS)];
}

static void farms_stand_out_and_people_do_not(void **state)
{
        static const unsigned sizes[] = { 5, 10, 20, 50, 200 };
        struct usual_values v = { 0 };
        (void)state;

        for (unsigned i = 0; i < 5000; i++)
                usual_add(&v, a_bucket_of_people(), WORLD_BEGIN);
        double shares[USUAL_BUCKETS];
        usual_shares(&v, shares);
        printf("the farm's bucket has %.1f %% of the site\n", 100 * shares[17]);
        for (unsigned i = 0; i < 5; i++) {
                double people = quantile(&v, sizes[i], 0, 0.999);
                double farm = quantile(&v, sizes[i], 0.8, 0.05);
                printf(
                    "n = %3u: one group of people in 1000 is above %.1f; of farms with "
                    "80 %% of one kind, 95 in 100 are above %.1f\n",
                    sizes[i], people, farm);
                assert_true(people < 120);
                assert_true(sizes[i] < 20 || farm > 1.5 * people);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(g_of_five_alike),
                cmocka_unit_test(skew_is_as_defined),
                cmocka_unit_test(farms_stand_out_and_people_do_not),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
