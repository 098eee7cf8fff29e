/* SPDX-License-Identifier: MIT */
#include "unit/window_oracle.h"

#include "detect/gaps.h"

#include <stdlib.h>

static const char rules_text[] =
    "rules:\n"
    "  - name: a\n"
    "    where: page == profile\n"
    "    per_each: [client.ip, all]\n"
    "    when: >\n"
    "      gap_entropy(8s) < 0 or gap_entropy(status == 404, 1m) < 0 or\n"
    "      modal_gap_share(8s) > 2 or modal_gap_share(status == 404, 1m) > 2\n";

static void bins_are_octaves_from_16_ms(void **state)
{
        static const struct {
                double ms;
                unsigned bin;
        } rows[] = { { 0, 0 },         { 15.999, 0 },     { 16, 1 },
                     { 31.999, 1 },    { 32, 2 },         { 1023, 6 },
                     { 1024, 7 },      { 33554432, 22 },  { 67108863, 22 },
                     { 67108864, 23 }, { 2592000000, 23 } };
        (void)state;

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                assert_int_equal(gaps_bin((int64_t)(rows[i].ms * 1e6)), rows[i].bin);
        assert_int_equal(gaps_second(499999999), 0);
        assert_int_equal(gaps_second(500000000), 1);
        assert_int_equal(gaps_second(INT64_C(10200000000)), 10);
}

static void entropy_is_in_bits(void **state)
{
        (void)state;

        assert_float_equal(gaps_entropy((uint64_t[]){ 7, 0 }, 2, 7), 0, 0);
        assert_float_equal(gaps_entropy((uint64_t[]){ 5, 5, 5, 5 }, 4, 20), 2, 1e-12);
        assert_float_equal(gaps_entropy((uint64_t[]){ 1, 3 }, 2, 4), 0.811278124459,
                           1e-9);
}

/* ---- the definition ---- */

static unsigned known, modal_exact;

static void no_value(struct oracle *o, struct oracle_past *p)
{
        (void)o;
        p->value = 1;
}

/* All gaps that are in the window now, from the beginning of time. */
static unsigned find_gaps(const struct oracle_question *q, int64_t gaps[],
                          int64_t panes[])
{
        const struct oracle_past *newest = NULL;
        unsigned count = 0;

        for (unsigned i = 0; i < q->oracle->count; i++) {
                const struct oracle_past *p = &q->oracle->past[i];
                if (!oracle_meets(q, p))
                        continue;
                if (newest && !oracle_is_inside(q, newest->end_ns, p->now_ns))
                        newest = NULL;
                if (!oracle_is_inside(q, p->end_ns, p->now_ns) ||
                    (newest && p->start_ns < newest->start_ns))
                        continue;
                if (newest && oracle_is_inside(q, p->end_ns, oracle_now(q))) {
                        panes[count] = p->end_ns / q->pane_ns;
                        gaps[count++] = p->start_ns - newest->start_ns;
                }
                newest = p;
        }
        return count;
}

static double entropy_of(const int64_t gaps[], unsigned count)
{
        double entropy = 0;

        for (unsigned bin = 0; bin < GAPS_BINS; bin++) {
                double from = bin ? 16e6 * pow(2, bin - 1) : 0, n = 0;
                double to = bin == GAPS_BINS - 1 ? 1e300 : 16e6 * pow(2, bin);
                for (unsigned i = 0; i < count; i++)
                        n += (double)gaps[i] >= from && (double)gaps[i] < to;
                entropy -= n > 0 ? n / count * log2(n / count) : 0;
        }
        return entropy;
}

static void compare_modal(const struct rule_aggregate *a, double actual,
                          const int64_t gaps[], const int64_t panes[], unsigned count)
{
        unsigned most = 0;
        bool is_exact = true;

        for (unsigned i = 0; i < count; i++) {
                unsigned same = 0, others = 0;
                for (unsigned k = 0; k < count; k++)
                        same += llround((double)gaps[k] / 1e9) ==
                                llround((double)gaps[i] / 1e9);
                most = same > most ? same : most;
                /* Upper bound of how many different seconds there are in its pane. */
                for (unsigned k = 0; k < count; k++)
                        others +=
                            panes[k] == panes[i] && llround((double)gaps[k] / 1e9) > 0;
                is_exact &= others < 8;
        }
        double truth = (double)most / count;
        modal_exact += is_exact;
        if (is_exact)
                oracle_same(a, actual, truth);
        else
                assert_true(actual <= truth + 1e-12 &&
                            actual >= truth - (1 - truth) / 7 - 1e-12);
}

static void compare(const struct oracle_question *q, const struct rule_aggregate *a,
                    double actual)
{
        static int64_t gaps[ORACLE_MAX], panes[ORACLE_MAX];
        unsigned count = find_gaps(q, gaps, panes);

        if (count < 20)
                oracle_same(a, actual, NAN);
        else if (a->function == FUNCTION_GAP_ENTROPY)
                oracle_same(a, actual, entropy_of(gaps, count));
        else
                compare_modal(a, actual, gaps, panes, count);
        known += count >= 20;
}

static void functions_are_as_defined(void **state)
{
        (void)state;

        oracle_run(rules_text, 5000, no_value, compare);
        printf("%u known, %u shares of the modal second exact\n", known, modal_exact);
        assert_true(known > 2000 && modal_exact > 1000);
}

/* ---- people and timers ---- */

#define PEOPLE 4000
#define GAPS   50

static uint64_t random_state;

static double uniform(void)
{
        random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
        return ((double)(random_state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
        return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

enum kind { PERSON, TIMER, JITTER, POISSON };

struct shown {
        double entropy, modal;
};

/* What an actor shows with so many gaps. */
static struct shown show(enum kind kind, unsigned count)
{
        uint64_t bins[GAPS_BINS] = { 0 };
        unsigned seconds[3600] = { 0 }, most = 0;
        /* A personal think time around 12 s; a timer of half a second to a minute. */
        double own =
            kind == PERSON ? 12 * exp(0.5 * normal()) : exp(log(120) * uniform()) / 2;

        for (unsigned i = 0; i < count; i++) {
                double gap = own;
                if (kind == PERSON)
                        gap *= exp(1.2 * normal());
                if (kind == JITTER)
                        gap *= 0.5 + uniform();
                if (kind == POISSON)
                        gap *= -log(uniform());
                /* The network adds to one end and to the other. */
                gap = fabs(gap + 0.02 * (uniform() - uniform()));
                gap = gap < 3598 ? gap : 3598;
                bins[gaps_bin((int64_t)(gap * 1e9))]++;
                unsigned in_second = ++seconds[gaps_second((int64_t)(gap * 1e9))];
                most = in_second > most ? in_second : most;
        }
        return (struct shown){ gaps_entropy(bins, GAPS_BINS, count),
                               (double)most / count };
}

static int ascending(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* The value below (or above) which one person in a hundred is. */
static struct shown one_percent(unsigned count)
{
        static double entropy[PEOPLE], modal[PEOPLE];

        for (unsigned i = 0; i < PEOPLE; i++) {
                struct shown s = show(PERSON, count);
                entropy[i] = s.entropy;
                modal[i] = s.modal;
        }
        qsort(entropy, PEOPLE, sizeof(*entropy), ascending);
        qsort(modal, PEOPLE, sizeof(*modal), ascending);
        return (struct shown){ entropy[PEOPLE / 100], modal[PEOPLE - 1 - PEOPLE / 100] };
}

/* Which part of such actors is beyond the bounds that one person in a hundred is beyond.
 */
static struct shown power(enum kind kind, struct shown bounds)
{
        unsigned entropy = 0, modal = 0;

        for (unsigned i = 0; i < PEOPLE; i++) {
                struct shown s = show(kind, GAPS);
                entropy += s.entropy < bounds.entropy;
                modal += s.modal > bounds.modal;
        }
        return (struct shown){ (double)entropy / PEOPLE, (double)modal / PEOPLE };
}

static void timers_are_told_from_people(void **state)
{
        static const char *const names[] = { "", "timer", "timer, jitter 50 %",
                                             "exponential" };
        struct shown caught[4];
        (void)state;

        random_state = 11;
        struct shown bounds = one_percent(GAPS);
        printf("at %d gaps one person in a hundred is below %.2f bits, or has more than "
               "%.0f %% in one second\n",
               GAPS, bounds.entropy, 100 * bounds.modal);
        for (enum kind kind = TIMER; kind <= POISSON; kind++) {
                caught[kind] = power(kind, bounds);
                printf("%-20s TPR at 1 %% FPR: entropy %.3f, modal second %.3f\n",
                       names[kind], caught[kind].entropy, caught[kind].modal);
        }
        assert_true(caught[TIMER].entropy > 0.99 && caught[TIMER].modal > 0.9);
        assert_true(caught[JITTER].entropy > 0.95);
        /* What looks like people is not told from them, and nobody should think so. */
        assert_true(caught[POISSON].entropy < 0.2);
}

/* Why the functions are missing below 20 gaps. */
static void few_gaps_say_little(void **state)
{
        static const unsigned counts[] = { 10, 20, 50, 200, 1000 };
        double before = 0;
        (void)state;

        random_state = 12;
        for (unsigned i = 0; i < 5; i++) {
                struct shown bounds = one_percent(counts[i]);
                printf("%4u gaps: 1 %% of people below %.2f bits, above %.0f %%\n",
                       counts[i], bounds.entropy, 100 * bounds.modal);
                assert_true(bounds.entropy > before);
                before = bounds.entropy;
        }
        double most = 0;
        for (unsigned i = 0; i < PEOPLE; i++)
                most = fmax(most, show(JITTER, 1000).entropy);
        printf("timers with 50 %% jitter: %.2f bits at most\n", most);
        assert_true(most < 1.6);
        assert_true(one_percent(GAPS_NEEDED - 10).entropy < 1.6);
        assert_true(one_percent(GAPS_NEEDED).entropy > 1.6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bins_are_octaves_from_16_ms),
                cmocka_unit_test(entropy_is_in_bits),
                cmocka_unit_test(functions_are_as_defined),
                cmocka_unit_test(timers_are_told_from_people),
                cmocka_unit_test(few_gaps_say_little),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
