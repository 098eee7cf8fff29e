/* SPDX-License-Identifier: MIT */
/* For those who test rules: which of them a record reached. */
#include "detect/engine_priv.h"

bool engine_looked(struct engine *e, const char *rule)
{
        uint64_t hash;

        for (unsigned i = 0; i < e->rules->rule_count; i++) {
                const struct rule *r = &e->rules->rules[i];
                if (strcmp(r->name, rule) == 0 && facts_condition(&e->facts, r->where) &&
                    table_key(&e->tables[r->table], &e->facts, &hash))
                        return true;
        }
        return false;
}
