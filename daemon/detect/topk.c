/* SPDX-License-Identifier: MIT */
#include "detect/topk.h"

#include "detect/table.h"

#include <math.h>
#include <string.h>

#define TOTAL_MAX   ((1U << 31) - 1)
#define KNOWN_MAX   (WINDOW_NEWEST * TOPK_VALUES)
#define BUCKET_BITS 7
#define BUCKETS     (1U << BUCKET_BITS)

/* A counter is free when its count is 0. */
struct counters_of_pane {
        uint32_t value[TOPK_VALUES], count[TOPK_VALUES], error[TOPK_VALUES];
};

static void count_value(struct counters_of_pane *c, uint32_t value)
{
        unsigned least = 0;

        for (unsigned i = 0; i < TOPK_VALUES; i++) {
                if (c->count[i] && c->value[i] == value) {
                        c->count[i]++;
                        return;
                }
                if (c->count[i] < c->count[least])
                        least = i;
        }
        c->value[least] = value;
        c->error[least] = c->count[least]++;
}

/* The counters of a pane with several values; NULL when the budget has none for it. */
static struct counters_of_pane *open_counters(const struct topk_store *s,
                                              struct topk_pane *p)
{
        struct counters_of_pane *c;
        unsigned size_class = budget_class_of(s->budget, sizeof(*c));
        uint32_t block = budget_take(s->budget, size_class, BUDGET_GROWTH);

        if (block) {
                c = budget_at(s->budget, block);
                if (!p->several) {
                        c->value[0] = p->what;
                        c->count[0] = p->total;
                }
        }
        s->counters->windows_refused += block == 0;
        p->several = true;
        p->what = block;
        return block ? c : NULL;
}

void topk_add(const struct topk_store *s, struct topk *t, int64_t pane, uint32_t value)
{
        struct topk_pane *p = &t->pane[pane % WINDOW_NEWEST];

        if (p->total == TOTAL_MAX)
                return;
        if (p->total == 0)
                p->what = value;
        if (p->several || p->what != value) {
                struct counters_of_pane *c = p->several && p->what
                                                 ? budget_at(s->budget, p->what)
                                                 : open_counters(s, p);
                if (c)
                        count_value(c, value);
        }
        p->total++;
}

static void clear_pane(const struct topk_store *s, struct topk_pane *p)
{
        if (p->several && p->what)
                budget_give(s->budget, p->what);
        *p = (struct topk_pane){ 0 };
}

void topk_rotate(const struct topk_store *s, struct topk *t, int64_t from, int64_t to)
{
        if (to - from > WINDOW_NEWEST)
                from = to - WINDOW_NEWEST;
        for (int64_t pane = from + 1; pane <= to; pane++)
                clear_pane(s, &t->pane[pane % WINDOW_NEWEST]);
}

void topk_clear(const struct topk_store *s, struct topk *t)
{
        topk_rotate(s, t, 0, WINDOW_NEWEST);
}

uint64_t topk_total(const struct topk *t)
{
        uint64_t total = 0;

        for (unsigned i = 0; i < WINDOW_NEWEST; i++)
                total += t->pane[i].total;
        return total;
}

/* What is known of the values of all panes: a value may be there once for each pane. */
struct known {
        unsigned count;
        uint32_t value[KNOWN_MAX], times[KNOWN_MAX];
        uint64_t bucket[BUCKETS]; /* times of all values with the same hash */
};

static unsigned bucket_of(uint32_t value)
{
        return value * 0x9e3779b1U >> (32 - BUCKET_BITS);
}

static void know(struct known *k, uint32_t value, uint32_t times)
{
        k->value[k->count] = value;
        k->times[k->count++] = times;
        k->bucket[bucket_of(value)] += times;
}

static uint64_t times_of(const struct known *k, uint32_t value)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < k->count; i++)
                sum += k->value[i] == value ? k->times[i] : 0;
        return sum;
}

/* Only values whose bucket is larger than the largest so far are added up. */
static uint64_t most_times(const struct known *k)
{
        uint64_t most = 0;

        for (unsigned i = 0; i < k->count; i++) {
                if (k->bucket[bucket_of(k->value[i])] <= most)
                        continue;
                uint64_t times = times_of(k, k->value[i]);
                most = times > most ? times : most;
        }
        return most;
}

double topk_share(const struct topk_store *s, const struct topk *t)
{
        uint64_t total = topk_total(t);
        struct known known;

        known.count = 0;
        memset(known.bucket, 0, sizeof(known.bucket));
        for (unsigned i = 0; i < WINDOW_NEWEST; i++) {
                const struct topk_pane *p = &t->pane[i];
                if (p->total && !p->several)
                        know(&known, p->what, p->total);
                if (!p->several || !p->what)
                        continue;
                const struct counters_of_pane *c = budget_at(s->budget, p->what);
                for (unsigned k = 0; k < TOPK_VALUES && c->count[k]; k++)
                        know(&known, c->value[k], c->count[k] - c->error[k]);
        }
        return total ? (double)most_times(&known) / (double)total : NAN;
}

static struct topk_store store_of(const struct slot_place *p)
{
        return (struct topk_store){ p->table->budget, p->table->counters };
}

void topk_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        struct topk_store store = store_of(p);

        topk_rotate(&store, p->cells, from, to);
}

void topk_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        struct topk_store store = store_of(p);

        if (p->clock->pane - pane < WINDOW_NEWEST)
                topk_add(&store, p->cells, pane,
                         (uint32_t)facts_hash(facts, p->slot->operand));
}

double topk_slot_value(const struct slot_place *p)
{
        struct topk_store store = store_of(p);

        return topk_share(&store, p->cells);
}

void topk_slot_clear(const struct slot_place *p)
{
        struct topk_store store = store_of(p);

        topk_clear(&store, p->cells);
}
