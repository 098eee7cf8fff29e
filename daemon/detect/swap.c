/* SPDX-License-Identifier: MIT */
/* Other rules for a running engine. */
#include "detect/carry.h"
#include "detect/engine_priv.h"

#include "base/check.h"

#include <stdlib.h>

/* What a set of rules has in an engine. */
struct parts {
        struct table *tables;
        struct visit *visits;
        struct ahead ahead;
        struct facts facts;
        struct usual usual;
        struct statistics statistics;
        struct rule_counts *rule_counts;
};

static void parts_free(struct parts *p, unsigned tables)
{
        for (unsigned i = 0; p->tables && i < tables; i++)
                table_free(&p->tables[i]);
        free(p->tables);
        free(p->visits);
        ahead_free(&p->ahead);
        facts_free(&p->facts);
        usual_free(&p->usual);
        statistics_free(&p->statistics);
        free(p->rule_counts);
}

static bool parts_init(struct parts *p, struct engine *e, const struct rules *rules,
                       const struct site *site)
{
        *p = (struct parts){ .tables = calloc(rules->table_count + 1, sizeof(*p->tables)),
                             .visits = calloc(rules->table_count + 1, sizeof(*p->visits)),
                             .rule_counts =
                                 calloc(rules->rule_count + 1, sizeof(*p->rule_counts)) };
        uint64_t memory = e->statistics_memory;
        bool good = p->tables && p->visits && p->rule_counts &&
                    usual_init(&p->usual, rules) &&
                    statistics_init(&p->statistics, rules, &e->options.hash_key, &memory,
                                    e->options.counters) &&
                    facts_init(&p->facts, rules, site, &e->options.hash_key,
                               e->options.counters) &&
                    ahead_init(&p->ahead, &p->facts.conditions);
        for (unsigned i = 0; good && i < rules->table_count; i++) {
                good = table_init(&p->tables[i], rules, &rules->tables[i], &e->sets,
                                  &e->involved, &e->samples, &e->usual,
                                  engine_index_bytes(e));
                p->tables[i].statistics = &e->statistics;
                p->tables[i].missed = &e->missed;
                if (good && e->now_ns >= 0)
                        table_set_time(&p->tables[i], e->now_ns);
        }
        if (!good)
                parts_free(p, rules->table_count);
        return good;
}

static void end_lost_cases(struct engine *e, const struct carry *carry)
{
        for (unsigned i = 0; i < e->cases.count;) {
                uint32_t number = e->cases.heap[i].number;
                if (carry->rules[cases_at(&e->cases, number)->rule] != CARRY_NONE) {
                        i++;
                        continue;
                }
                engine_end_case(e, number);
                i = 0; /* the heap has another order now */
        }
}

static void on_moved(void *context, struct entry *from, uint32_t to)
{
        struct engine *e = context;

        while (to == 0 && from->incidents)
                engine_end_case(e, from->incidents);
        for (uint32_t number = from->incidents; number;
             number = cases_at(&e->cases, number)->next)
                cases_at(&e->cases, number)->entry = to;
}

static void forget_all(struct table *t)
{
        uint32_t hand = 0;

        while (t->index.count)
                table_forget(t, index_walk(&t->index, &hand));
}

static void move_tables(struct engine *e, const struct carry *carry, struct parts *to)
{
        for (unsigned i = 0; i < carry->from->table_count; i++) {
                if (e->now_ns >= 0)
                        table_set_time(&e->tables[i], e->now_ns);
                if (carry->tables[i] == CARRY_NONE)
                        forget_all(&e->tables[i]);
                else
                        carry_table(carry, &e->tables[i], &to->tables[carry->tables[i]],
                                    on_moved, e);
        }
}

static void move_counts(const struct engine *e, const struct carry *carry,
                        struct parts *to)
{
        for (unsigned i = 0; i < carry->from->rule_count; i++) {
                if (carry->rules[i] == CARRY_NONE)
                        continue;
                struct rule_counts *counts = &to->rule_counts[carry->rules[i]];
                *counts = e->rule_counts[i];
                counts->matched_before = engine_matched(e, i);
        }
}

static void rename_cases(struct engine *e, const struct carry *carry)
{
        for (unsigned i = 0; i < e->cases.count; i++) {
                struct incident_case *c = cases_at(&e->cases, e->cases.heap[i].number);
                c->rule = carry->rules[c->rule];
                c->key_is_private = false; /* the exemptions may be others */
        }
}

/* Rules that ask for forms for the first time get a memory beside the others. */
static void take_up_forms(struct engine *e)
{
        if (e->remembers_forms)
                e->forms.page = rules_form_page(e->rules);
        else if (rules_remember_forms(e->rules))
                e->remembers_forms = forms_init(
                    &e->forms, e->options.memory_max / FORMS_PART,
                    rules_form_page(e->rules), &e->options.hash_key, &e->missed);
}

/* What is remembered of targets and pages is by the pages' numbers. */
static bool are_same_pages(const struct site *a, const struct site *b)
{
        const struct value_names *x = site_page_names(a), *y = site_page_names(b);
        const char *name;
        int i = 0;

        for (; (name = x->name(x->context, i)); i++)
                if (!y->name(y->context, i) || strcmp(name, y->name(y->context, i)) != 0)
                        return false;
        return !y->name(y->context, i);
}

bool engine_swap_rules(struct engine *e, const struct rules *rules,
                       const struct site *site)
{
        struct parts parts, old = { e->tables, e->visits,     e->ahead,      e->facts,
                                    e->usual,  e->statistics, e->rule_counts };
        unsigned old_count = e->rules->table_count;
        struct carry carry;

        if (!parts_init(&parts, e, rules, site))
                return false;
        if (!carry_init(&carry, e->rules, rules)) {
                parts_free(&parts, rules->table_count);
                return false;
        }
        end_lost_cases(e, &carry);
        /* For a moment there are both; the old ones give theirs back at the end. */
        uint64_t lent = 0;
        for (unsigned i = 0; i < old_count; i++)
                lent += index_taken(&old.tables[i].index);
        e->budget.index_room += lent;
        move_tables(e, &carry, &parts);
        rename_cases(e, &carry);
        move_counts(e, &carry, &parts);
        usual_carry(&e->usual, &parts.usual);
        if (are_same_pages(e->options.site, site))
                statistics_carry(&old.statistics, &parts.statistics, carry.tables);
        carry_free(&carry);
        e->tables = parts.tables;
        e->visits = parts.visits;
        e->ahead = parts.ahead;
        e->facts = parts.facts;
        e->usual = parts.usual;
        e->statistics = parts.statistics;
        e->rule_counts = parts.rule_counts;
        e->rules = e->options.rules = rules;
        e->options.site = site;
        take_up_forms(e);
        engine_bind_facts(e);
        parts_free(&old, old_count);
        e->budget.index_room -= lent;
        return true;
}
