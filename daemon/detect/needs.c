/* SPDX-License-Identifier: MIT */
#include "detect/needs.h"

#include <stdlib.h>

/* Only while they are made. */
struct maker {
        struct needs *needs;
        const struct table_plan *table;
        const struct rule *rule;
        struct rule_needs *of;
        unsigned parts, count; /* of all rules: what there is at most, and what there is */
};

static void count_part(void *context, const struct expr *part)
{
        struct maker *m = context;

        (void)part;
        m->parts++;
}

/* About how long it takes to look: counts are a few additions, a set may be long. */
static unsigned cost_of(const struct table_plan *t, const struct rule_aggregate *a)
{
        if (!function_has_slots(a->function))
                return a->function == FUNCTION_FAMILIES ? 0 : 4;
        const struct slot *s = &t->slots[a->a];
        switch (s->kind) {
        case SLOT_COUNT:
                return function_is_quotient(a->function) ? 2 : 1;
        case SLOT_DISTINCT:
                return s->member == 0 ? 1 : 3;
        default:
                return 5;
        }
}

/* Before those that cost more. */
static void put_need(struct maker *m, const struct need *need)
{
        struct need *first = &m->needs->all[m->of->first];
        unsigned cost = cost_of(m->table, need->aggregate), at = m->of->count;

        for (; at && cost_of(m->table, first[at - 1].aggregate) > cost; at--)
                first[at] = first[at - 1];
        first[at] = *need;
        m->of->count++;
        m->count++;
}

static void add_part(void *context, const struct expr *part)
{
        struct maker *m = context;
        struct expr_bound bound;

        if (expr_is_bound(part, &bound) && !bound.aggregate->function->of_transaction)
                put_need(m, &(struct need){ &m->rule->aggregates[bound.aggregate->slot],
                                            bound.order, bound.number });
        else
                m->of->are_all = false;
}

bool needs_init(struct needs *n, const struct rules *rules, const struct table_plan *t)
{
        struct maker m = { .needs = n, .table = t };

        for (unsigned i = 0; i < t->rule_count; i++)
                expr_each_conjunct(rules->rules[t->rules[i]].when, count_part, &m);
        n->all = calloc(m.parts + 1, sizeof(*n->all));
        n->of = calloc(t->rule_count + 1, sizeof(*n->of));
        if (!n->all || !n->of)
                return false;
        for (unsigned i = 0; i < t->rule_count; i++) {
                m.rule = &rules->rules[t->rules[i]];
                m.of = &n->of[i];
                *m.of = (struct rule_needs){ .first = m.count, .are_all = true };
                expr_each_conjunct(m.rule->when, add_part, &m);
        }
        return true;
}

void needs_free(struct needs *n)
{
        free(n->all);
        free(n->of);
        *n = (struct needs){ .all = NULL };
}
