/* SPDX-License-Identifier: MIT */
#include "unit/window_oracle.h"

#include "detect/topk.h"

#define VALUES 2000

struct fixture {
        struct budget budget;
        struct counters counters;
        struct topk_store store;
        struct topk topk;
        int64_t pane;
};

static void begin(struct fixture *f)
{
        memset(f, 0, sizeof(*f));
        assert_true(budget_init(&f->budget, 1 << 20));
        f->store = (struct topk_store){ &f->budget, &f->counters };
        f->pane = 1000;
}

static void end(struct fixture *f)
{
        topk_clear(&f->store, &f->topk);
        assert_int_equal(f->budget.pages.used, 0);
        budget_free(&f->budget);
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
        return *random >> 33;
}

static double uniform(uint64_t *random)
{
        return (double)next(random) / 2147483648.0;
}

/* Zipf: value k with a weight of k^-exponent. */
static void fill_cumulative(double cumulative[VALUES], double exponent)
{
        double sum = 0;

        for (unsigned i = 0; i < VALUES; i++)
                cumulative[i] = sum += pow(i + 1, -exponent);
        for (unsigned i = 0; i < VALUES; i++)
                cumulative[i] /= sum;
}

static unsigned pick(const double cumulative[VALUES], uint64_t *random)
{
        double at = uniform(random);
        unsigned low = 0, high = VALUES - 1;

        while (low < high) {
                unsigned middle = (low + high) / 2;
                if (cumulative[middle] < at)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* What the header promises. */
static void assert_bound(double actual, double truth)
{
        double error = fmin(truth, (1 - truth) / 7);

        if (!(actual <= truth + 1e-12 && actual >= truth - error - 1e-12)) {
                print_error("share %.6f, truly %.6f: may be down to %.6f\n", actual,
                            truth, truth - error);
                fail();
        }
}

/* The commonest value's share in the eight panes that end with `pane`. */
static double truth_of(uint32_t (*kept)[VALUES], int64_t pane)
{
        uint64_t most = 0, all = 0;

        for (unsigned k = 0; k < VALUES; k++) {
                uint64_t sum = 0;
                for (int64_t p = pane - 7; p <= pane; p++)
                        sum += kept[p % 64][k];
                most = sum > most ? sum : most;
                all += sum;
        }
        return all ? (double)most / (double)all : NAN;
}

/*
 * The bound, for values from all alike to almost one: 20 panes, in which the commonest
 * value changes on the way, so that what is forgotten would show.
 */
static void the_error_is_within_its_bound(void **state)
{
        static const double exponents[] = { 0, 0.5, 0.8, 1, 1.2, 1.5, 2, 3 };
        static uint32_t kept[64][VALUES];
        static double cumulative[VALUES];
        uint64_t random = 5;
        (void)state;

        for (unsigned x = 0; x < 8; x++) {
                struct fixture f;
                double worst = 0, low = 0, truth = 0, actual = 0;
                unsigned asked = 0;
                begin(&f);
                memset(kept, 0, sizeof(kept));
                fill_cumulative(cumulative, exponents[x]);
                for (unsigned i = 0; i < 50000; i++) {
                        if (i % 2500 == 2499) {
                                topk_rotate(&f.store, &f.topk, f.pane, f.pane + 1);
                                f.pane++;
                                memset(kept[f.pane % 64], 0, sizeof(kept[0]));
                        }
                        unsigned value =
                            (pick(cumulative, &random) + i / 12500 * 100) % VALUES;
                        int64_t pane = f.pane - (next(&random) % 8 ? 0 : 1);
                        topk_add(&f.store, &f.topk, pane, value * 2654435761U);
                        kept[pane % 64][value]++;
                        if (i % 97)
                                continue;
                        truth = truth_of(kept, f.pane);
                        actual = topk_share(&f.store, &f.topk);
                        assert_bound(actual, truth);
                        worst = fmax(worst, truth - actual);
                        low += truth - actual;
                        asked++;
                }
                printf("Zipf %.1f: truly %.1f %%, told %.1f %%; mean error %.2f, largest "
                       "%.2f points\n",
                       exponents[x], 100 * truth, 100 * actual, 100 * low / asked,
                       100 * worst);
                end(&f);
        }
}

/* Of the worst order there is: all that is different comes first, then in between. */
static void an_adversary_gets_no_further(void **state)
{
        (void)state;

        for (unsigned order = 0; order < 3; order++) {
                struct fixture f;
                uint32_t different = 1000, common = 0;
                begin(&f);
                for (unsigned i = 0; i < 9000; i++) {
                        bool is_common = order == 0   ? i % 9 == 0
                                         : order == 1 ? i >= 8000
                                                      : i % 9 == 0 && i < 8000;
                        common += is_common;
                        topk_add(&f.store, &f.topk, f.pane, is_common ? 1 : different++);
                        assert_bound(topk_share(&f.store, &f.topk),
                                     fmax(common, 1) / (i + 1));
                }
                end(&f);
        }
}

/* Metwally: the counts of a pane sum to what it had. Half of all are one value. */
static void half_of_all_is_seen_among_noise(void **state)
{
        struct fixture f;
        uint64_t random = 9;
        (void)state;

        begin(&f);
        unsigned common = 0;
        for (unsigned i = 0; i < 20000; i++) {
                bool is_common = next(&random) % 2;
                common += is_common;
                topk_add(&f.store, &f.topk, f.pane + i / 4000, is_common ? 1 : 1000 + i);
        }
        double truth = common / 20000.0, actual = topk_share(&f.store, &f.topk);
        printf("half of all, among others that are all different: truly %.2f %%, told "
               "%.2f %%\n",
               100 * truth, 100 * actual);
        assert_true(truth - actual < 0.005);
        assert_int_equal(topk_total(&f.topk), 20000);
        end(&f);
}

static void one_value_takes_no_block_and_a_pane_gives_it_back(void **state)
{
        struct fixture f;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < 100; i++)
                topk_add(&f.store, &f.topk, f.pane - i % 8, 42);
        assert_float_equal(topk_share(&f.store, &f.topk), 1, 0);
        assert_int_equal(f.budget.pages.used, 0);
        topk_add(&f.store, &f.topk, f.pane, 43);
        assert_int_equal(f.budget.pages.used, 1);
        assert_float_equal(topk_share(&f.store, &f.topk), 100 / 101.0, 1e-12);
        topk_rotate(&f.store, &f.topk, f.pane, f.pane + 8);
        assert_int_equal(f.budget.pages.used, 0);
        assert_true(isnan(topk_share(&f.store, &f.topk)));
        end(&f);
}

/* Without memory the share is too low, never too high. */
static void without_memory_nothing_is_made_common(void **state)
{
        struct fixture f;
        uint32_t taken[100];
        unsigned count = 0;
        (void)state;

        begin(&f);
        unsigned size_class = budget_class_of(&f.budget, BUDGET_PAGE);
        while ((taken[count] = budget_take(&f.budget, size_class, BUDGET_GROWTH)))
                assert_true(++count < 100);
        topk_add(&f.store, &f.topk, f.pane, 1);
        for (unsigned i = 0; i < 50; i++) {
                topk_add(&f.store, &f.topk, f.pane, i % 5);
                assert_true(topk_share(&f.store, &f.topk) <= 1 / 5.0 + 2.0 / (i + 2));
        }
        assert_true(f.counters.windows_refused > 0);
        while (count)
                budget_give(&f.budget, taken[--count]);
        for (unsigned i = 0; i < 949; i++)
                topk_add(&f.store, &f.topk, f.pane, 7);
        assert_float_equal(topk_share(&f.store, &f.topk), 0.949, 1e-12);
        end(&f);
}

/* ---- the definition ---- */

static unsigned exact, estimated;

static void give_value(struct oracle *o, struct oracle_past *p)
{
        /* Times of few values, and times of many. */
        unsigned many = o->count / 1000 % 2 ? 40 : 8;
        p->value = oracle_draw(o, 3) ? oracle_draw(o, many) : 3;
}

static bool few_values_a_pane(const struct oracle_question *q)
{
        for (int64_t pane = oracle_now(q) / q->pane_ns - 7;
             pane <= oracle_now(q) / q->pane_ns; pane++) {
                bool seen[64] = { false };
                unsigned different = 0;
                for (unsigned i = 0; i < q->oracle->count; i++) {
                        const struct oracle_past *p = &q->oracle->past[i];
                        if (!oracle_meets(q, p) || p->end_ns / q->pane_ns != pane)
                                continue;
                        different += !seen[p->value];
                        seen[p->value] = true;
                }
                if (different > TOPK_VALUES)
                        return false;
        }
        return true;
}

static void compare(const struct oracle_question *q, const struct rule_aggregate *a,
                    double actual)
{
        unsigned counts[64] = { 0 }, most = 0, all = 0;

        for (unsigned i = 0; i < q->oracle->count; i++) {
                const struct oracle_past *p = &q->oracle->past[i];
                if (!oracle_meets(q, p) || !oracle_is_inside(q, p->end_ns, oracle_now(q)))
                        continue;
                all++;
                if (++counts[p->value] > most)
                        most = counts[p->value];
        }
        double truth = all ? (double)most / all : NAN;
        if (all == 0 || few_values_a_pane(q)) {
                oracle_same(a, actual, truth);
                exact++;
        } else {
                assert_bound(actual, truth);
                estimated++;
        }
}

static void top_share_is_as_defined(void **state)
{
        (void)state;

        oracle_run("rules:\n"
                   "  - name: a\n"
                   "    where: page == profile\n"
                   "    per_each: [client.ip, all]\n"
                   "    when: >\n"
                   "      top_share(target, 8s) > 2 or top_share(target, 1m) > 2 or\n"
                   "      top_share(target, status == 404, 8s) > 2\n",
                   4000, give_value, compare);
        printf("%u exact, %u estimated\n", exact, estimated);
        assert_true(exact > 1000 && estimated > 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_error_is_within_its_bound),
                cmocka_unit_test(an_adversary_gets_no_further),
                cmocka_unit_test(half_of_all_is_seen_among_noise),
                cmocka_unit_test(one_value_takes_no_block_and_a_pane_gives_it_back),
                cmocka_unit_test(without_memory_nothing_is_made_common),
                cmocka_unit_test(top_share_is_as_defined),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
