/* SPDX-License-Identifier: MIT */
#include "detect/gates.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

static uint64_t bit_of(const struct table_plan *t, unsigned where)
{
        unsigned i = 0;

        while (t->wheres[i] != where)
                CHECK(++i < t->where_count);
        return UINT64_C(1) << i;
}

static struct gate gate_of(const struct rule *rule, const struct table_plan *t,
                           uint32_t most)
{
        double least = ceil(rule->least);

        return (struct gate){ bit_of(t, rule->where),
                              least < most ? (uint32_t)least : most };
}

bool gates_init(struct gates *g, const struct rules *rules, const struct table_plan *t,
                uint32_t most)
{
        unsigned groups = (t->rule_count + GATES_GROUP - 1) / GATES_GROUP;

        *g = (struct gates){ .count = t->rule_count, .least_of_all = UINT32_MAX };
        g->rules = calloc(t->rule_count + 1, sizeof(*g->rules));
        g->groups = calloc(groups + 1, sizeof(*g->groups));
        if (!g->rules || !g->groups)
                return false;
        for (unsigned i = 0; i < groups; i++)
                g->groups[i].least = UINT32_MAX;
        for (unsigned i = 0; i < t->rule_count; i++) {
                struct gate gate = gate_of(&rules->rules[t->rules[i]], t, most);
                struct gate *group = &g->groups[i / GATES_GROUP];
                g->rules[i] = gate;
                group->met |= gate.met;
                group->least = gate.least < group->least ? gate.least : group->least;
                if (gate.least < g->least_of_all)
                        g->least_of_all = gate.least;
        }
        return true;
}

void gates_free(struct gates *g)
{
        free(g->rules);
        free(g->groups);
        *g = (struct gates){ 0 };
}

unsigned gates_next(const struct gates *g, unsigned from, uint64_t met,
                    uint32_t transactions)
{
        unsigned i = from;

        if (transactions < g->least_of_all)
                return g->count;
        while (i < g->count) {
                if (i % GATES_GROUP == 0 &&
                    !gate_is_open(&g->groups[i / GATES_GROUP], met, transactions)) {
                        i += GATES_GROUP;
                        continue;
                }
                if (gate_is_open(&g->rules[i], met, transactions))
                        return i;
                i++;
        }
        return g->count;
}
