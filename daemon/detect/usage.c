/* SPDX-License-Identifier: MIT */
/* What the engine says of itself. */
#include "detect/engine_priv.h"

bool engine_rule_usage(const struct engine *e, unsigned number, struct rule_usage *usage)
{
        if (number >= e->rules->rule_count)
                return false;
        const struct rule *rule = &e->rules->rules[number];
        const struct rule_counts *counts = &e->rule_counts[number];
        *usage = (struct rule_usage){ .name = rule->name,
                                      .per = e->rules->tables[rule->table].type,
                                      .matched = engine_matched(e, number),
                                      .held = counts->held,
                                      .raised = counts->raised,
                                      .dry_run = counts->dry_run };
        return true;
}

bool engine_table_usage(const struct engine *e, unsigned number,
                        struct table_usage *usage)
{
        if (number >= e->rules->table_count)
                return false;
        const struct table *t = &e->tables[number];
        *usage = (struct table_usage){ .per = t->plan->type,
                                       .keys = t->index.count,
                                       .bytes = t->entry_bytes + index_taken(&t->index),
                                       .evicted = t->evicted };
        return true;
}

/* What has a fixed part of the memory (forms, statistics) counts as used. */
void engine_usage(const struct engine *e, struct engine_usage *usage)
{
        uint64_t fixed = e->options.memory_max - e->memory;
        uint64_t pages = (uint64_t)e->budget.pages.used * BUDGET_PAGE;
        uint64_t indexes =
            engine_index_room(e) - e->budget.index_room - e->budget.kept_index_room;

        *usage = (struct engine_usage){ .memory = fixed + pages + indexes,
                                        .memory_max = e->options.memory_max,
                                        .incidents = e->cases.count,
                                        .incidents_max = e->options.incidents_max };
}
