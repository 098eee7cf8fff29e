/* SPDX-License-Identifier: MIT */
#include "detect/table.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

/* An entry has this many lives from so many transactions on. */
static const uint32_t lives_from[] = { 2, 8, 32, 128 };
#define LIVES_MAX  (sizeof(lives_from) / sizeof(*lives_from))
#define HAND_LOOKS 24 /* entries, for one eviction */

_Static_assert(sizeof(lives_from) / sizeof(*lives_from) < 8, "lives have three bits");

/*
 * Rules that are changed again and again give entries ever new sizes, and there is an end
 * to the classes: later ones are steps of an eighth, which are few.
 */
static size_t class_size(const struct budget *budget, size_t size)
{
        size_t step = 16;

        if (budget->classes < BUDGET_CLASSES / 2)
                return size;
        while (step * 16 <= size)
                step *= 2;
        size = (size + step - 1) / step * step;
        return size < BUDGET_PAGE ? size : BUDGET_PAGE;
}

void table_find_classes(struct table *t)
{
        window_store_init(&t->windows, t->budget, t->counters);
        t->entry_class =
            budget_class_of(t->budget, class_size(t->budget, t->plan->entry_size));
        if (t->plan->signal_count)
                t->signals_class = budget_class_of(
                    t->budget,
                    class_size(t->budget, signals_size(t->plan->signal_count)));
}

bool table_init(struct table *t, const struct rules *rules, const struct table_plan *plan,
                const struct distinct_store *sets, const struct involved_store *involved,
                const struct sample_store *samples, const struct usual *usual,
                uint64_t index_bytes)
{
        *t = (struct table){ .plan = plan,
                             .rules = rules,
                             .budget = sets->budget,
                             .counters = sets->counters,
                             .sets = sets,
                             .involved = involved,
                             .samples = samples,
                             .usual = usual };
        table_find_classes(t);
        for (unsigned i = 0; i < plan->window_count; i++)
                window_clock_init(&t->clocks[i], plan->window_ns[i]);
        t->units = calloc(plan->family_count + 1, sizeof(*t->units));
        for (unsigned i = 0; t->units && i < plan->family_count; i++)
                window_clock_init(&t->units[i],
                                  plan->families[i].plan.unit_ns * WINDOW_NEWEST);
        t->surges = calloc(plan->surge_count + 1, sizeof(*t->surges));
        return t->units && t->surges &&
               index_init(&t->index, index_bytes, &t->budget->index_room);
}

void table_free(struct table *t)
{
        index_free(&t->index);
        free(t->units);
        free(t->surges);
        t->units = NULL;
        t->surges = NULL;
}

void table_set_time(struct table *t, int64_t now_ns)
{
        t->now_ns = now_ns;
        for (unsigned i = 0; i < t->plan->window_count; i++)
                window_clock_set(&t->clocks[i], now_ns);
        for (unsigned i = 0; i < t->plan->family_count; i++)
                window_clock_set(&t->units[i], now_ns);
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

static uint32_t *panes_of(const struct slot_group *g, struct entry *e)
{
        return (uint32_t *)((char *)e + g->panes_offset);
}

static void *cells_of(const struct entry *e, const struct slot *s)
{
        return (char *)e + s->offset;
}

static struct distinct *sets_of(const struct entry *e, const struct family *f)
{
        return (struct distinct *)((char *)e + f->offset);
}

static struct slot_place place_of(const struct table *t, struct entry *e,
                                  const struct slot *s)
{
        return (struct slot_place){ t, s,
                                    s->window == WINDOW_NONE ? NULL
                                                             : &t->clocks[s->window],
                                    e, cells_of(e, s) };
}

static struct signals *signals_of(const struct table *t, const struct entry *e)
{
        return (struct signals *)((char *)e + t->plan->signals_offset);
}

bool table_signal(const struct table *t, struct entry *e, unsigned signal,
                  int64_t time_ns)
{
        return signals_hold(signals_of(t, e), t->budget, t->signals_class, signal,
                            time_ns);
}

int64_t table_signal_held(const struct table *t, const struct entry *e, unsigned signal)
{
        return signals_held(signals_of(t, e), t->budget, signal);
}

static void entry_free(struct table *t, uint32_t handle)
{
        struct entry *e = table_at(t, handle);

        for (unsigned i = 0; i < t->plan->family_count; i++) {
                const struct family *f = &t->plan->families[i];
                distinct_clear(t->sets, &f->plan, sets_of(e, f));
        }
        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                struct slot_place place = place_of(t, e, s);
                if (slot_types[s->kind].clear)
                        slot_types[s->kind].clear(&place);
        }
        if (t->plan->signal_count)
                signals_clear(signals_of(t, e), t->budget);
        involved_clear(t->involved, &e->involved);
        samples_clear(t->samples, &e->samples);
        index_remove(&t->index, e->hash, handle);
        budget_give(t->budget, handle);
}

/*
 * The next entry that may go: the first that the hand finds without lives, or after
 * HAND_LOOKS of them the one that had fewest. So one eviction is bounded work, whatever
 * all the others have. 0 when all that it saw have incidents.
 */
static uint32_t next_to_go(struct table *t)
{
        uint32_t least = 0;
        unsigned fewest = LIVES_MAX + 1;

        for (unsigned i = 0; i < HAND_LOOKS; i++) {
                uint32_t handle = index_next(&t->index, &t->hand);
                struct entry *e = table_at(t, handle);
                if (e->incidents)
                        continue;
                if (e->lives == 0)
                        return handle;
                if (e->lives < fewest) {
                        fewest = e->lives;
                        least = handle;
                }
                e->lives--;
        }
        return least;
}

unsigned table_evict(struct table *t, unsigned count)
{
        unsigned gone = 0;
        uint32_t handle;

        while (gone < count && t->index.count && (handle = next_to_go(t))) {
                entry_free(t, handle);
                t->counters->entries_evicted++;
                gone++;
        }
        return gone;
}

static void entry_init(const struct table *t, struct entry *e, uint64_t hash)
{
        e->hash = hash;
        for (unsigned i = 0; i < t->plan->group_count; i++) {
                const struct slot_group *g = &t->plan->groups[i];
                for (unsigned w = 0; w < g->window_count; w++)
                        panes_of(g, e)[w] = (uint32_t)t->clocks[g->windows[w]].pane;
        }
        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                struct slot_place place = place_of(t, e, s);
                if (slot_types[s->kind].init)
                        slot_types[s->kind].init(&place);
        }
}

void table_prefetch(const struct table *t, uint64_t hash)
{
        index_prefetch(&t->index, hash);
}

static void prefetch_bytes(const char *from, const char *to)
{
        for (uintptr_t at = (uintptr_t)from & ~(uintptr_t)63; at < (uintptr_t)to;
             at += 64)
                __builtin_prefetch((const char *)at, 1);
}

void table_prefetch_entry(const struct table *t, uint32_t handle, uint64_t met)
{
        const char *entry = budget_at(t->budget, handle);

        prefetch_bytes(entry, entry + sizeof(struct entry));
        for (unsigned i = 0; i < t->plan->group_count; i++) {
                const struct slot_group *g = &t->plan->groups[i];
                if (g->met & met)
                        prefetch_bytes(entry + g->begin, entry + g->end);
        }
}

void table_prefetch_sets(const struct table *t, uint32_t handle, uint64_t met)
{
        const struct entry *e = table_at(t, handle);

        for (unsigned i = 0; i < t->plan->family_count; i++) {
                const struct family *f = &t->plan->families[i];
                if (t->plan->groups[f->group].met & met)
                        distinct_prefetch(t->sets, sets_of(e, f));
        }
        for (unsigned i = 0; i < t->plan->slot_count; i++) {
                const struct slot *s = &t->plan->slots[i];
                if (s->kind == SLOT_BYTES && s->met & met)
                        window_bytes_prefetch(&t->windows, cells_of(e, s));
        }
        if (e->involved.size)
                __builtin_prefetch(budget_at(t->budget, e->involved.place[0]), 1);
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

static void rotate_slot(const struct table *t, struct entry *e, const struct slot *s,
                        int64_t from, int64_t to)
{
        const struct slot_type *type = &slot_types[s->kind];

        if (s->kind == SLOT_DISTINCT) {
                distinct_rotate(t->sets, &t->plan->families[s->family].plan,
                                cells_of(e, s), s->member, from, to,
                                t->units[s->family].pane);
        } else if (type->rotate) {
                struct slot_place place = place_of(t, e, s);
                type->rotate(&place, to - from > WINDOW_PANES ? to - WINDOW_PANES : from,
                             to);
        }
}

static void rotate_group(const struct table *t, struct entry *e,
                         const struct slot_group *g)
{
        uint32_t *panes = panes_of(g, e);

        for (unsigned w = 0; w < g->window_count; w++) {
                int64_t to = t->clocks[g->windows[w]].pane;
                uint32_t behind = (uint32_t)to - panes[w];
                if (behind == 0)
                        continue;
                for (unsigned i = 0; i < g->slot_count; i++) {
                        const struct slot *s = &t->plan->slots[g->slots[i]];
                        if (s->window == g->windows[w])
                                rotate_slot(t, e, s, to - behind, to);
                }
                panes[w] = (uint32_t)to;
        }
}

static void count_slot(const struct table *t, struct entry *e, const struct slot *s,
                       struct facts *facts)
{
        struct slot_place place = place_of(t, e, s);
        int64_t pane = 0;

        if (!facts_condition(facts, s->condition) ||
            (s->operand != OPERAND_NONE &&
             facts_operand(facts, s->operand)->value.type == VALUE_MISSING))
                return;
        if (place.clock) {
                pane = window_pane_of(place.clock, facts->subject.record->end_ns);
                if (place.clock->pane - pane >= WINDOW_PANES)
                        return;
        }
        slot_types[s->kind].count(&place, facts, pane);
}

static void count_family(const struct table *t, struct entry *e, unsigned number,
                         struct facts *facts)
{
        const struct family *f = &t->plan->families[number];
        const struct window_clock *clock = &t->units[number];

        if (!facts_condition(facts, f->condition) ||
            facts_operand(facts, f->operand)->value.type == VALUE_MISSING)
                return;
        distinct_add(t->sets, &f->plan, sets_of(e, f), facts_hash(facts, f->operand),
                     window_pane_of(clock, facts->subject.record->end_ns), clock->pane);
}

static void count_group(const struct table *t, struct entry *e,
                        const struct slot_group *g, struct facts *facts)
{
        for (unsigned i = 0; i < g->slot_count; i++) {
                const struct slot *s = &t->plan->slots[g->slots[i]];
                if (slot_types[s->kind].count)
                        count_slot(t, e, s, facts);
        }
        for (unsigned i = 0; i < g->family_count; i++)
                count_family(t, e, g->families[i], facts);
}

void table_rotate(const struct table *t, struct entry *e)
{
        for (unsigned i = 0; i < t->plan->group_count; i++)
                rotate_group(t, e, &t->plan->groups[i]);
}

void table_forget(struct table *t, uint32_t handle)
{
        entry_free(t, handle);
}

void table_count(const struct table *t, struct entry *e, struct facts *facts,
                 uint64_t met)
{
        for (unsigned i = 0; i < t->plan->group_count; i++) {
                const struct slot_group *g = &t->plan->groups[i];
                if (!(g->met & met))
                        continue;
                rotate_group(t, e, g);
                count_group(t, e, g, facts);
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

        if (s->kind == SLOT_DISTINCT)
                return distinct_value(t->sets, &t->plan->families[s->family].plan,
                                      cells_of(e, s), s->member,
                                      t->units[s->family].pane);
        struct slot_place place = place_of(t, (struct entry *)e, s);
        return slot_types[s->kind].value(&place);
}

/* What is left of the key's signals. */
static double signals_number(const struct table *t, const struct entry *e,
                             enum function_id function)
{
        const struct table_plan *plan = t->plan;
        const struct signals *s = signals_of(t, e);

        if (plan->signal_count == 0)
                return 0;
        if (function == FUNCTION_FAMILIES)
                return signals_families(s, t->budget, plan->signals, plan->signal_count,
                                        t->now_ns);
        return signals_score(s, t->budget, plan->signals, plan->signal_count, t->now_ns);
}

struct value table_value(const struct table *t, const struct entry *e,
                         const struct rule_aggregate *a)
{
        if (!function_has_slots(a->function))
                return (struct value){ .type = a->type,
                                       .number = signals_number(t, e, a->function) };
        double number = slot_number(t, e, a->a);

        if (function_is_quotient(a->function)) {
                double whole = slot_number(t, e, a->b);
                number = whole > 0 ? number / whole : NAN;
        }
        if (isnan(number))
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = a->type, .number = number };
}

void table_copy_set(const struct table *t, const struct entry *e, unsigned slot,
                    struct distinct *to)
{
        const struct slot *s = slot_at(t, slot);
        const struct family *f = &t->plan->families[s->family];

        distinct_copy_flat(t->sets, &f->plan, cells_of(e, s), s->member,
                           t->units[s->family].pane, to);
}

uint64_t table_bytes(const struct table *t, const struct entry *e, unsigned slot)
{
        return window_bytes_value(&t->windows, cells_of(e, slot_at(t, slot)));
}
