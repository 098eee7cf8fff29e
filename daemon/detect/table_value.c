/* SPDX-License-Identifier: MIT */
/* What the slots of an entry say. */
#include "detect/table_priv.h"
#include "detect/twins.h"

#include <math.h>

static const struct slot *slot_at(const struct table *t, unsigned slot)
{
        return &t->plan->slots[slot];
}

double table_slot(const struct table *t, const struct entry *e, unsigned number)
{
        const struct slot *s = slot_at(t, number);

        if (s->kind == SLOT_DISTINCT) {
                struct set_shown by = twins_shown(t, e, s);
                return distinct_value(t->sets, by.plan, by.set, by.window, by.now);
        }
        if (s->kind == SLOT_COUNT)
                return window_counts_value(&t->windows, cells_of(t, e, s),
                                           &t->clocks[s->window]);
        if (s->kind == SLOT_BYTES)
                return (double)table_bytes(t, e, number);
        struct slot_place place =
            place_in(t, (struct entry *)e, base_of(t, e, s->group), s);
        return slot_types[s->kind].value(&place);
}

/* What is left of the key's signals. */
static double signals_number(const struct table *t, const struct entry *e,
                             enum function_id function)
{
        const struct table_plan *plan = t->plan;
        struct signals s = signals_of(t, e);

        if (plan->signal_count == 0)
                return 0;
        if (function == FUNCTION_FAMILIES)
                return signals_families(&s, t->budget, plan->signals, plan->signal_count,
                                        t->now_ns);
        return signals_score(&s, t->budget, plan->signals, plan->signal_count, t->now_ns);
}

/* Whether its two sides have not seen the same of the key. */
static bool is_lopsided(const struct table *t, const struct entry *e,
                        const struct rule_aggregate *a)
{
        int64_t x = t->began_ns[a->a], y = t->began_ns[a->b], later = x > y ? x : y;
        int64_t window_ns = t->plan->window_ns[slot_at(t, a->a)->window];

        return x != y && e->since_ns < later &&
               t->now_ns < later + window_ns / WINDOW_NEWEST * WINDOW_PANES;
}

/* `memos` NULL: none are kept. */
static double read_slot(const struct table *t, const struct entry *e, unsigned slot,
                        struct slot_memo *memos)
{
        struct slot_memo *memo = memos ? &memos[slot] : NULL;

        if (!memo)
                return table_slot(t, e, slot);
        if (memo->visit != t->visit)
                *memo = (struct slot_memo){ t->visit, table_slot(t, e, slot) };
        return memo->value;
}

/* NaN: missing. */
static double quotient(const struct table *t, const struct entry *e,
                       const struct rule_aggregate *a, struct slot_memo *memos)
{
        double whole = read_slot(t, e, a->b, memos);

        return whole > 0 && !is_lopsided(t, e, a) ? read_slot(t, e, a->a, memos) / whole
                                                  : NAN;
}

/* NaN: missing. */
static double read_number(const struct table *t, const struct entry *e,
                          const struct rule_aggregate *a, struct slot_memo *memos)
{
        if (!function_has_slots(a->function))
                return signals_number(t, e, a->function);
        return function_is_quotient(a->function) ? quotient(t, e, a, memos)
                                                 : read_slot(t, e, a->a, memos);
}

static struct value read_value(const struct table *t, const struct entry *e,
                               const struct rule_aggregate *a, struct slot_memo *memos)
{
        double number = read_number(t, e, a, memos);

        if (isnan(number))
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = a->type, .number = number };
}

struct value table_value(const struct table *t, const struct entry *e,
                         const struct rule_aggregate *a)
{
        return read_value(t, e, a, NULL);
}

void table_visit(struct table *t)
{
        t->visit++;
}

struct value table_value_here(struct table *t, const struct entry *e,
                              const struct rule_aggregate *a)
{
        return read_value(t, e, a, t->memos);
}

bool table_may_hold(struct table *t, const struct entry *e, unsigned rule, bool *holds)
{
        const struct rule_needs *of = &t->needs.of[rule];

        for (unsigned i = 0; i < of->count; i++) {
                const struct need *need = &t->needs.all[of->first + i];
                if (!need_holds(need, read_number(t, e, need->aggregate, t->memos)))
                        return *holds = false;
        }
        *holds = of->are_all;
        return true;
}

void table_copy_set(const struct table *t, const struct entry *e, unsigned slot,
                    struct distinct *to)
{
        struct set_shown by = twins_shown(t, e, slot_at(t, slot));

        distinct_copy_flat(t->sets, by.plan, by.set, by.window, by.now, to);
}

uint64_t table_bytes(const struct table *t, const struct entry *e, unsigned slot)
{
        return window_bytes_value(&t->windows, twins_bytes(t, e, slot_at(t, slot)));
}
