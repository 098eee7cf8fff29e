/* SPDX-License-Identifier: MIT */
#include "detect/topk.h"

#include "detect/table.h"

#include <math.h>
#include <string.h>

#define TOTAL_MAX ((1U << 31) - 1)
#define SUMS      128 /* twice as many as there can be values */

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
        s->counters->window_blocks_refused += block == 0;
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

/* By value, hashed with open addressing: what it is known to have. */
struct sums {
        uint64_t sum[SUMS];
        uint32_t value[SUMS];
        uint64_t largest;
};

static void add_to_sum(struct sums *s, uint32_t value, uint32_t count)
{
        unsigned i = value * 0x9e3779b1U >> 25;

        while (s->sum[i] && s->value[i] != value)
                i = (i + 1) % SUMS;
        s->value[i] = value;
        s->sum[i] += count;
        if (s->sum[i] > s->largest)
                s->largest = s->sum[i];
}

_Static_assert(SUMS == 1 << (32 - 25), "the hash has as many bits as there are places");

double topk_share(const struct topk_store *s, const struct topk *t)
{
        uint64_t total = topk_total(t);
        struct sums sums;

        memset(sums.sum, 0, sizeof(sums.sum));
        sums.largest = 0;
        for (unsigned i = 0; i < WINDOW_NEWEST; i++) {
                const struct topk_pane *p = &t->pane[i];
                if (p->total && !p->several)
                        add_to_sum(&sums, p->what, p->total);
                if (!p->several || !p->what)
                        continue;
                const struct counters_of_pane *c = budget_at(s->budget, p->what);
                for (unsigned k = 0; k < TOPK_VALUES && c->count[k]; k++)
                        add_to_sum(&sums, c->value[k], c->count[k] - c->error[k]);
        }
        return total ? (double)sums.largest / (double)total : NAN;
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
