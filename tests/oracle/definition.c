/* SPDX-License-Identifier: MIT */
#include "oracle/definition.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANES        9
#define NEWEST       8
#define KEPT_VALUES  8 /* of top_share */
#define SKETCH_ERROR 0.023
#define SMALL_STEP   16
#define LEAST_GAPS   20

/* One question, of one key, at the present. */
struct inquiry {
        const struct history *history;
        const struct question *question;
        unsigned rule, number;
        uint32_t key;
        int64_t now_ns, pane_ns;
};

void history_begin_rule(struct history *h, unsigned rule)
{
        for (unsigned i = 0; i < h->count; i++)
                h->of_rule[rule][i].key = KEY_MISSING;
}

void history_note(struct history *h, const struct ruleset *set)
{
        unsigned at = h->count - 1;
        const struct request *r = &h->requests[at];

        for (unsigned i = 0; i < set->count; i++) {
                const struct drawn_rule *rule = &set->rules[i];
                h->of_rule[i][at].key =
                    filter_meets(&rule->where, r) ? rule_key(rule, r) : KEY_MISSING;
                h->of_rule[i][at].met = 0;
                for (unsigned k = 0; k < rule->question_count; k++)
                        if (filter_meets(&rule->questions[k].filter, r))
                                h->of_rule[i][at].met |= (uint8_t)(1U << k);
        }
}

static bool is_looked_at(const struct inquiry *q, unsigned at)
{
        return q->history->of_rule[q->rule][at].key == q->key;
}

static bool is_counted(const struct inquiry *q, unsigned at)
{
        return is_looked_at(q, at) &&
               q->history->of_rule[q->rule][at].met >> q->number & 1;
}

/* In panes; 0: the running one. */
static int64_t age(const struct inquiry *q, int64_t time_ns, int64_t now_ns)
{
        return now_ns / q->pane_ns - time_ns / q->pane_ns;
}

static double weight(const struct inquiry *q, const struct request *r)
{
        int64_t old = age(q, r->end_ns, q->now_ns);

        if (old >= PANES)
                return 0;
        return old < NEWEST ? 1
                            : 1 - (double)(q->now_ns % q->pane_ns) / (double)q->pane_ns;
}

static double field(const struct inquiry *q, unsigned at)
{
        return question_field(q->question, &q->history->requests[at]);
}

/* ---- weighted ---- */

static double count_all(const struct inquiry *q, bool with_filter)
{
        double sum = 0;

        for (unsigned i = 0; i < q->history->count; i++)
                if (with_filter ? is_counted(q, i) : is_looked_at(q, i))
                        sum += weight(q, &q->history->requests[i]);
        return sum;
}

static double define_count(const struct inquiry *q)
{
        return count_all(q, true);
}

static double define_share(const struct inquiry *q)
{
        double all = count_all(q, false);

        return all > 0 ? count_all(q, true) / all : NAN;
}

static double add_up(const struct inquiry *q, double *count)
{
        double sum = 0;

        *count = 0;
        for (unsigned i = 0; i < q->history->count; i++) {
                double value;
                if (!is_counted(q, i) || isnan(value = field(q, i)))
                        continue;
                double part = weight(q, &q->history->requests[i]);
                sum += part * value;
                *count += part;
        }
        return sum;
}

static double define_sum(const struct inquiry *q)
{
        double count;

        return add_up(q, &count);
}

static double define_mean(const struct inquiry *q)
{
        double count, sum = add_up(q, &count);

        return count > 0 ? sum / count : NAN;
}

/* ---- of the newest eight ---- */

static bool is_in_newest(const struct inquiry *q, unsigned at)
{
        return age(q, q->history->requests[at].end_ns, q->now_ns) < NEWEST;
}

static double define_max(const struct inquiry *q)
{
        double most = NAN;

        for (unsigned i = 0; i < q->history->count; i++)
                if (is_counted(q, i) && is_in_newest(q, i))
                        most = fmax(most, field(q, i));
        return most;
}

/* Values with the panes they were in. */
struct sightings {
        unsigned count;
        struct sighting {
                double value;
                int64_t age;
        } at[REQUESTS_MAX];
};

static void see(struct sightings *s, double value, int64_t age)
{
        if (!isnan(value))
                s->at[s->count++] = (struct sighting){ value, age };
}

static int compare_sightings(const void *a, const void *b)
{
        const struct sighting *x = a, *y = b;

        if (x->value != y->value)
                return x->value < y->value ? -1 : 1;
        return (x->age > y->age) - (x->age < y->age);
}

static void see_fields(const struct inquiry *q, struct sightings *s, bool ever)
{
        s->count = 0;
        for (unsigned i = 0; i < q->history->count; i++)
                if (is_counted(q, i) && (ever || is_in_newest(q, i)))
                        see(s, field(q, i),
                            age(q, q->history->requests[i].end_ns, q->now_ns));
        qsort(s->at, s->count, sizeof(s->at[0]), compare_sightings);
}

static double count_different(const struct sightings *s)
{
        unsigned different = 0;

        for (unsigned i = 0; i < s->count; i++)
                different += i == 0 || s->at[i].value != s->at[i - 1].value;
        return different;
}

static unsigned longest_run(const struct sightings *s)
{
        unsigned run = 0, most = 0;

        for (unsigned i = 0; i < s->count; i++) {
                run = i && s->at[i].value == s->at[i - 1].value ? run + 1 : 1;
                most = run > most ? run : most;
        }
        return most;
}

/* Whether some pane has more different values than there are counters for. */
static bool overflows(const struct sightings *s)
{
        unsigned in_pane[NEWEST] = { 0 };

        for (unsigned i = 0; i < s->count; i++)
                if (i == 0 || compare_sightings(&s->at[i], &s->at[i - 1]) != 0)
                        if (++in_pane[s->at[i].age] > KEPT_VALUES)
                                return true;
        return false;
}

/* The bound that topk.h states. */
static struct answer commonest(const struct sightings *s)
{
        if (s->count == 0)
                return (struct answer){ NAN, NAN };
        double share = (double)longest_run(s) / s->count;
        double error = overflows(s) ? fmin(share, (1 - share) / (KEPT_VALUES - 1)) : 0;
        return (struct answer){ share - error, share };
}

static struct answer define_distinct(const struct inquiry *q, bool sketched)
{
        static struct sightings s;

        see_fields(q, &s, false);
        double different = count_different(&s);
        /* A few values may share registers, which is more than their part. */
        double error = sketched ? 5 * SKETCH_ERROR * different + 1.5 : 0;
        return (struct answer){ different - error, different + error };
}

static struct answer define_top_share(const struct inquiry *q)
{
        static struct sightings s;

        see_fields(q, &s, false);
        return commonest(&s);
}

/* ---- from one request to the next, in the order in which they came ---- */

/* The value before, and the pane that it was in. */
struct before {
        bool is_there;
        double value;
        int64_t start_ns, end_ns;
};

/* When the request came: was it, and what was before it, in the newest eight panes? */
static bool is_new_then(const struct inquiry *q, const struct request *r)
{
        return age(q, r->end_ns, r->now_ns) < NEWEST;
}

static void lapse(const struct inquiry *q, struct before *b, const struct request *r)
{
        if (b->is_there && age(q, b->end_ns, r->now_ns) >= NEWEST)
                b->is_there = false;
}

static double define_sequential(const struct inquiry *q)
{
        struct before b = { .is_there = false };
        unsigned up = 0, down = 0, all = 0;

        for (unsigned i = 0; i < q->history->count; i++) {
                const struct request *r = &q->history->requests[i];
                double value = field(q, i);
                if (!is_counted(q, i) || isnan(value) || !is_new_then(q, r))
                        continue;
                lapse(q, &b, r);
                double step = b.is_there ? value - b.value : 0;
                b = (struct before){ true, value, r->start_ns, r->end_ns };
                if (step == 0 || !is_in_newest(q, i))
                        continue;
                all++;
                up += step > 0 && step <= SMALL_STEP;
                down += step < 0 && step >= -SMALL_STEP;
        }
        return all ? (double)(up > down ? up : down) / all : NAN;
}

static void see_gaps(const struct inquiry *q, struct sightings *s)
{
        struct before b = { .is_there = false };

        s->count = 0;
        for (unsigned i = 0; i < q->history->count; i++) {
                const struct request *r = &q->history->requests[i];
                if (!is_counted(q, i) || !is_new_then(q, r))
                        continue;
                lapse(q, &b, r);
                if (b.is_there && r->start_ns < b.start_ns)
                        continue;
                if (b.is_there && is_in_newest(q, i))
                        see(s, (double)(r->start_ns - b.start_ns),
                            age(q, r->end_ns, q->now_ns));
                b = (struct before){ true, 0, r->start_ns, r->end_ns };
        }
}

/* Octaves of milliseconds; what is below 16 ms or beyond the 23rd bin is one bin each. */
static unsigned octave(double gap_ns)
{
        unsigned bin = 0;

        for (double end_ms = 16; bin < 23 && floor(gap_ns / 1e6) >= end_ms; end_ms *= 2)
                bin++;
        return bin;
}

static double define_gap_entropy(const struct inquiry *q)
{
        static struct sightings gaps;
        unsigned bins[24] = { 0 };
        double entropy = 0;

        see_gaps(q, &gaps);
        if (gaps.count < LEAST_GAPS)
                return NAN;
        for (unsigned i = 0; i < gaps.count; i++)
                bins[octave(gaps.at[i].value)]++;
        for (unsigned i = 0; i < 24; i++) {
                double part = (double)bins[i] / gaps.count;
                entropy -= part > 0 ? part * log2(part) : 0;
        }
        return entropy;
}

static struct answer define_modal_gap_share(const struct inquiry *q)
{
        static struct sightings gaps;

        see_gaps(q, &gaps);
        if (gaps.count < LEAST_GAPS)
                return (struct answer){ NAN, NAN };
        for (unsigned i = 0; i < gaps.count; i++)
                gaps.at[i].value = floor(gaps.at[i].value / 1e9 + 0.5);
        qsort(gaps.at, gaps.count, sizeof(gaps.at[0]), compare_sightings);
        return commonest(&gaps);
}

/* ---- all of them ---- */

static struct inquiry inquire(const struct history *h, const struct ruleset *set,
                              unsigned rule, unsigned question)
{
        const struct question *q = &set->rules[rule].questions[question];

        return (struct inquiry){ .history = h,
                                 .question = q,
                                 .rule = rule,
                                 .number = question,
                                 .key = h->of_rule[rule][h->count - 1].key,
                                 .now_ns = h->requests[h->count - 1].now_ns,
                                 .pane_ns = q->window_ns / NEWEST };
}

static double (*const exact[ASKED_KINDS])(const struct inquiry *) = {
        [ASKED_COUNT] = define_count,
        [ASKED_SUM] = define_sum,
        [ASKED_MEAN] = define_mean,
        [ASKED_MAX] = define_max,
        [ASKED_SHARE] = define_share,
        [ASKED_SEQUENTIAL] = define_sequential,
        [ASKED_GAP_ENTROPY] = define_gap_entropy,
};

struct answer define(const struct history *h, const struct ruleset *set, unsigned rule,
                     unsigned question, bool sketched)
{
        struct inquiry q = inquire(h, set, rule, question);
        enum asked asked = q.question->asked;

        if (asked == ASKED_DISTINCT)
                return define_distinct(&q, sketched);
        if (asked == ASKED_TOP_SHARE)
                return define_top_share(&q);
        if (asked == ASKED_MODAL_GAP_SHARE)
                return define_modal_gap_share(&q);
        double value = exact[asked](&q);
        return (struct answer){ value, value };
}

double define_ever(const struct history *h, const struct ruleset *set, unsigned rule,
                   unsigned question)
{
        static struct sightings s;
        struct inquiry q = inquire(h, set, rule, question);

        see_fields(&q, &s, true);
        return count_different(&s);
}
