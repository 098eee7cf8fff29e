/* SPDX-License-Identifier: MIT */
#include "detect/table.h"

#include "base/check.h"

#include <math.h>

/* An entry has this many lives from so many transactions on. */
static const uint32_t lives_from[] = { 2, 8, 32, 128 };
#define LIVES_MAX (sizeof(lives_from) / sizeof(*lives_from))

_Static_assert(sizeof(lives_from) / sizeof(*lives_from) < 8, "lives have three bits");

bool table_init(struct table *t, const struct rules *rules, const struct table_plan *plan,
                const struct distinct_store *sets, const struct involved_store *involved,
                const struct sample_store *samples, uint64_t index_bytes)
{
        *t = (struct table){ .plan = plan,
                             .rules = rules,
                             .budget = sets->budget,
                             .counters = sets->counters,
                             .sets = sets,
                             .involved = involved,
                             .samples = samples };
        t->entry_class = budget_class_of(t->budget, plan->entry_size);
        for (unsigned i = 0; i < plan->window_count; i++)
                window_clock_init(&t->clocks[i], plan->window_ns[i]);
        return index_init(&t->index, index_bytes);
}

void table_free(struct table *t)
{
        index_free(&t->index);
}

void table_set_time(struct table *t, int64_t now_ns)
{
        for (unsigned i = 0; i < t->plan->window_count; i++)
                window_clock_set(&t->clocks[i], now_ns);
}

uint64_t table_where_bit(const struct table *t, unsigned where)
{
        unsigned i = 0;

        while (i < t->plan->where_count && t->plan->wheres[i] != where)
                i++;
        CHECK(i < t->plan->where_count);
        return UINT64_C(1) << i;
}

bool table_key(const struct table *t, struct facts *facts, uint64_t *hash)
{
        uint64_t all = 1;

        for (unsigned i = 0; i < t->plan->parts; i++) {
                unsigned operand = t->plan->key[i];
                if (facts_operand(facts, operand)->value.type == VALUE_MISSING)
                        return false;
                uint64_t part = facts_hash(facts, operand);
                all = i ? hash_mix(all, part) : part;
        }
        *hash = all;
        return true;
}

static uint32_t *panes_of(const struct table *t, struct entry *e)
{
        return (uint32_t *)((char *)e + t->plan->windows_offset);
}

static void *cells_of(const struct entry *e, const struct slot *s)
{
        return (char *)e + s->offset;
}

static void entry_free(struct table *t, uint32_t handle)
{
        struct entry *e = table_at(t, handle);

        for (unsigned i = 0; i < t->plan->slot_count; i++)
                if (t->plan->slots[i].kind == SLOT_DISTINCT)
                        distinct_clear(t->sets, cells_of(e, &t->plan->slots[i]));
        involved_clear(t->involved, &e->involved);
        samples_clear(t->samples, &e->samples);
        index_remove(&t->index, e->hash, handle);
        budget_give(t->budget, handle);
}

unsigned table_evict(struct table *t, unsigned count)
{
        /* Every entry may have all its lives; beyond that they all have incidents. */
        uint64_t steps = ((uint64_t)t->index.count + 1) * (LIVES_MAX + 1);
        unsigned gone = 0;

        while (gone < count && t->index.count && steps--) {
                uint32_t handle = index_walk(&t->index, &t->hand);
                struct entry *e = table_at(t, handle);
                if (e->incidents)
                        continue;
                if (e->lives) {
                        e->lives--;
                        continue;
                }
                entry_free(t, handle);
                t->counters->entries_evicted++;
                gone++;
        }
        return gone;
}

static void entry_init(const struct table *t, struct entry *e, uint64_t hash)
{
        e->hash = hash;
        for (unsigned i = 0; i < t->plan->window_count; i++)
                panes_of(t, e)[i] = (uint32_t)t->clocks[i].pane;
        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                if (s->kind == SLOT_MAX)
                        for (unsigned k = 0; k < WINDOW_PANES; k++)
                                ((struct window_sums *)cells_of(e, s))->cell[k] = NAN;
        }
}

void table_prefetch(const struct table *t, uint64_t hash)
{
        index_prefetch(&t->index, hash);
}

void table_prefetch_entry(const struct table *t, uint32_t handle)
{
        const char *entry = budget_at(t->budget, handle);

        for (uint32_t at = 0; at < t->plan->entry_size; at += 64)
                __builtin_prefetch(entry + at, 1);
}

void table_prefetch_sets(const struct table *t, uint32_t handle)
{
        const struct entry *e = table_at(t, handle);

        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                if (s->kind != SLOT_DISTINCT)
                        continue;
                const struct distinct *d = cells_of(e, s);
                __builtin_prefetch(budget_at(t->budget, d->block), 1);
        }
        __builtin_prefetch(budget_at(t->budget, e->involved.block), 1);
}

uint32_t table_find(const struct table *t, uint64_t hash)
{
        return index_find(&t->index, t->budget, hash);
}

uint32_t table_new(struct table *t, uint64_t hash)
{
        uint32_t handle = budget_take(t->budget, t->entry_class, BUDGET_NEWCOMER);

        if (handle == 0)
                return 0;
        entry_init(t, table_at(t, handle), hash);
        if (!index_put(&t->index, hash, handle)) {
                budget_give(t->budget, handle);
                return 0;
        }
        return handle;
}

/* Clears cells that panes from + 1 .. to take over. */
static void rotate_slot(const struct table *t, struct entry *e, const struct slot *s,
                        int64_t from, int64_t to)
{
        void *cells = cells_of(e, s);
        int64_t first = to - from > WINDOW_PANES ? to - WINDOW_PANES + 1 : from + 1;

        if (s->kind == SLOT_DISTINCT) {
                distinct_rotate(t->sets, cells, from, to);
                return;
        }
        for (int64_t pane = first; pane <= to; pane++) {
                unsigned i = window_cell(pane);
                switch (s->kind) {
                case SLOT_COUNT:
                        ((struct window_counts *)cells)->cell[i] = 0;
                        break;
                case SLOT_SUM:
                        ((struct window_sums *)cells)->cell[i] = 0;
                        break;
                case SLOT_MAX:
                        ((struct window_sums *)cells)->cell[i] = NAN;
                        break;
                default:
                        memset(((struct window_bytes *)cells)->cell[i], 0, 6);
                }
        }
}

void table_rotate(const struct table *t, struct entry *e)
{
        uint32_t *panes = panes_of(t, e);

        for (unsigned w = 0; w < t->plan->window_count; w++) {
                int64_t to = t->clocks[w].pane;
                uint32_t behind = (uint32_t)to - panes[w];
                if (behind == 0)
                        continue;
                for (unsigned i = 0; i < t->plan->slot_count; i++)
                        if (t->plan->slots[i].window == w)
                                rotate_slot(t, e, &t->plan->slots[i], to - behind, to);
                panes[w] = (uint32_t)to;
        }
}

static void count_slot(const struct table *t, struct entry *e, const struct slot *s,
                       struct facts *facts, int64_t pane, int64_t now)
{
        void *cells = cells_of(e, s);
        const struct value *value = NULL;
        uint32_t *count;
        double *sum;

        if (s->operand != OPERAND_NONE) {
                value = &facts_operand(facts, s->operand)->value;
                if (value->type == VALUE_MISSING)
                        return;
        }
        switch (s->kind) {
        case SLOT_COUNT:
                count = &((struct window_counts *)cells)->cell[window_cell(pane)];
                *count += *count < UINT32_MAX;
                break;
        case SLOT_SUM:
                ((struct window_sums *)cells)->cell[window_cell(pane)] += value->number;
                break;
        case SLOT_MAX:
                sum = &((struct window_sums *)cells)->cell[window_cell(pane)];
                if (!(*sum >= value->number))
                        *sum = value->number;
                break;
        case SLOT_DISTINCT:
                distinct_add(t->sets, cells, facts_hash(facts, s->operand), pane, now);
                break;
        default:
                window_bytes_add(cells, pane, facts->subject.record->response_bytes);
        }
}

void table_count(const struct table *t, struct entry *e, struct facts *facts)
{
        int64_t time_ns = facts->subject.record->end_ns;

        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                const struct window_clock *clock = &t->clocks[s->window];
                if (!facts_condition(facts, s->condition))
                        continue;
                int64_t pane = window_pane_of(clock, time_ns);
                if (clock->pane - pane < WINDOW_PANES)
                        count_slot(t, e, s, facts, pane, clock->pane);
        }
        e->transactions += e->transactions < TRANSACTIONS_MAX;
        while (e->lives < LIVES_MAX && e->transactions >= lives_from[e->lives])
                e->lives++;
}

static const struct slot *slot_at(const struct table *t, unsigned slot)
{
        return &t->plan->slots[slot];
}

static double slot_number(const struct table *t, const struct entry *e, unsigned number)
{
        const struct slot *s = slot_at(t, number);
        const struct window_clock *clock = &t->clocks[s->window];
        const void *cells = cells_of(e, s);
        double max = NAN;

        switch (s->kind) {
        case SLOT_COUNT:
                return window_counts_value(cells, clock);
        case SLOT_SUM:
                return window_sums_value(cells, clock);
        case SLOT_MAX:
                return window_sums_max(cells, clock, &max) ? max : NAN;
        case SLOT_DISTINCT:
                return distinct_value(t->sets, cells);
        default:
                return (double)window_bytes_value(cells);
        }
}

struct value table_value(const struct table *t, const struct entry *e,
                         const struct rule_aggregate *a)
{
        double number = slot_number(t, e, a->a);

        if (a->function == FUNCTION_MEAN || a->function == FUNCTION_SHARE) {
                double whole = slot_number(t, e, a->b);
                number = whole > 0 ? number / whole : NAN;
        }
        if (isnan(number))
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = a->type, .number = number };
}

const struct distinct *table_set(const struct table *t, const struct entry *e,
                                 unsigned slot)
{
        return cells_of(e, slot_at(t, slot));
}

uint64_t table_bytes(const struct table *t, const struct entry *e, unsigned slot)
{
        return window_bytes_value(cells_of(e, slot_at(t, slot)));
}
