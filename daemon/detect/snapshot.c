/* SPDX-License-Identifier: MIT */
#include "detect/snapshot.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "detect/engine_priv.h"
#include "detect/transfer.h"

#include <stdlib.h>
#include <unistd.h>

#define OPERANDS_MAX 65536
#define SLOTS_MAX    65536
#define FORMAT       14 /* one more for what no size below tells */

static const char magic[8] = "TWSNAP1\n";
static const char *const no_references[] = { NULL };

/* ---- the plan: of struct rules what the engine's memory needs to be understood ---- */

static void pass_conditions(struct transfer *t, struct rules *r)
{
        transfer_array(t, &r->conditions, &r->condition_count, sizeof(*r->conditions),
                       OPERANDS_MAX);
        for (unsigned i = 0; t->is_reading && i < r->condition_count; i++)
                r->conditions[i] = (struct condition){ .base = r->conditions[i].base };
        for (unsigned i = 0; i < r->condition_count; i++)
                transfer_text(t, &r->conditions[i].text);
        transfer_array(t, &r->operands, &r->operand_count, sizeof(*r->operands),
                       OPERANDS_MAX);
        for (unsigned i = 0; t->is_reading && i < r->operand_count; i++)
                r->operands[i] = (struct operand){ .text = NULL };
        for (unsigned i = 0; i < r->operand_count; i++)
                transfer_text(t, &r->operands[i].text);
}

static void forget_group(struct slot_group *g)
{
        g->slots = g->families = NULL;
        g->slot_count = g->family_count = 0;
}

static void pass_table(struct transfer *t, struct table_plan *p)
{
        transfer_text(t, &p->type);
        transfer_array(t, &p->slots, &p->slot_count, sizeof(*p->slots), SLOTS_MAX);
        transfer_array(t, &p->families, &p->family_count, sizeof(*p->families),
                       SLOTS_MAX);
        transfer_array(t, &p->rules, &p->rule_count, sizeof(*p->rules), RULES_MAX);
        transfer_array(t, &p->wheres, &p->where_count, sizeof(*p->wheres),
                       CONDITIONS_MAX);
        transfer_array(t, &p->groups, &p->group_count, sizeof(*p->groups), SLOTS_MAX);
        for (unsigned i = 0; i < p->group_count; i++) {
                struct slot_group *g = &p->groups[i];
                if (t->is_reading)
                        forget_group(g);
        }
        for (unsigned i = 0; i < p->group_count; i++) {
                struct slot_group *g = &p->groups[i];
                transfer_array(t, &g->slots, &g->slot_count, sizeof(*g->slots),
                               SLOTS_MAX);
                transfer_array(t, &g->families, &g->family_count, sizeof(*g->families),
                               SLOTS_MAX);
        }
}

static void pass_tables(struct transfer *t, struct rules *r)
{
        transfer_array(t, &r->tables, &r->table_count, sizeof(*r->tables), TABLES_MAX);
        for (unsigned i = 0; t->is_reading && i < r->table_count; i++) {
                struct table_plan *p = &r->tables[i];
                p->type = NULL;
                p->slots = NULL;
                p->families = NULL;
                p->groups = NULL;
                p->rules = p->wheres = NULL;
                memset(p->signal_families, 0, sizeof(p->signal_families));
                p->slot_count = p->family_count = p->group_count = 0;
                p->rule_count = p->where_count = 0;
        }
        for (unsigned i = 0; i < r->table_count; i++)
                pass_table(t, &r->tables[i]);
}

/* Such a rule only ends the incidents that it had. */
static void forget_rule(struct rule *rule)
{
        rule->name = rule->description = "";
        rule->family = NULL;
        rule->references = no_references;
        rule->place = (struct place){ "", 0, 0 };
        rule->when = NULL;
        rule->aggregates = NULL;
        rule->aggregate_count = 0;
        rule->rungs = 0;
}

static void pass_rules(struct transfer *t, struct rules *r)
{
        transfer_array(t, &r->rules, &r->rule_count, sizeof(*r->rules), RULES_MAX);
        for (unsigned i = 0; t->is_reading && i < r->rule_count; i++)
                forget_rule(&r->rules[i]);
        for (unsigned i = 0; i < r->rule_count; i++) {
                struct rule *rule = &r->rules[i];
                transfer_text(t, &rule->name);
                transfer_text(t, &rule->description);
                transfer_array(t, &rule->aggregates, &rule->aggregate_count,
                               sizeof(*rule->aggregates), SLOTS_MAX);
                for (unsigned k = 0; t->is_reading && k < rule->aggregate_count; k++)
                        rule->aggregates[k].text = "";
                for (unsigned k = 0; k < rule->aggregate_count; k++)
                        transfer_text(t, &rule->aggregates[k].text);
        }
}

static void pass_plan(struct transfer *t, struct rules *r)
{
        pass_conditions(t, r);
        pass_tables(t, r);
        pass_rules(t, r);
        TRANSFER(t, r->remember_forms);
        transfer_array(t, &r->usuals, &r->usual_count, sizeof(*r->usuals), SLOTS_MAX);
        TRANSFER(t, r->remember_births);
}

/* ---- the memory ---- */

static void pass_cases(struct transfer *t, struct cases *c)
{
        unsigned count = c->count;

        transfer_slab(t, &c->slab);
        TRANSFER(t, count);
        TRANSFER(t, c->opened);
        if (count > c->slab.capacity)
                transfer_fail(t, "it has more open incidents than limits.incidents");
        if (t->has_failed)
                return;
        c->count = count;
        transfer_bytes(t, c->heap, count * sizeof(*c->heap));
}

static void pass_forms(struct transfer *t, struct forms *f)
{
        transfer_same(t, f->capacity, "limits.detect was another");
        TRANSFER(t, f->next);
        TRANSFER(t, f->began_ns);
        TRANSFER(t, f->forgotten_ns);
        transfer_bytes(t, f->ring, f->capacity * sizeof(*f->ring));
        transfer_bytes(t, f->slots, (size_t)f->capacity * 2 * sizeof(*f->slots));
}

static void pass_memory(struct transfer *t, struct engine *e)
{
        TRANSFER(t, e->now_ns);
        TRANSFER(t, e->sampled_ns);
        transfer_budget(t, &e->budget);
        for (unsigned i = 0; i < e->rules->table_count; i++) {
                transfer_index(t, &e->tables[i].index);
                layouts_transfer(&e->tables[i].layouts, t);
                TRANSFER(t, e->tables[i].hand);
                transfer_bytes(t, e->tables[i].surges,
                               e->tables[i].plan->surge_count *
                                   sizeof(*e->tables[i].surges));
                transfer_bytes(t, e->tables[i].unfetched,
                               e->tables[i].plan->unfetched_count *
                                   sizeof(*e->tables[i].unfetched));
                transfer_bytes(t, e->tables[i].began_ns,
                               e->tables[i].plan->slot_count *
                                   sizeof(*e->tables[i].began_ns));
        }
        transfer_index(t, &e->actors.actors);
        transfer_index(t, &e->actors.texts);
        transfer_index(t, &e->ladder.index);
        TRANSFER(t, e->ladder.hand);
        transfer_index(t, &e->tags.index);
        TRANSFER(t, e->tags.hand);
        transfer_index(t, &e->groups.index);
        TRANSFER(t, e->groups.hand);
        transfer_index(t, &e->births.index);
        TRANSFER(t, e->births.hand);
        TRANSFER(t, e->births.domains);
        TRANSFER(t, e->births.began_ns);
        transfer_index(t, &e->watch.index);
        TRANSFER(t, e->watch.hand);
        TRANSFER(t, e->watch.live_until_ns);
        TRANSFER(t, e->watch.lengths);
        TRANSFER(t, e->watch.kinds);
        TRANSFER(t, e->block_limit);
        pass_cases(t, &e->cases);
        own_transfer(&e->own, t);
        orphans_transfer(&e->orphans, t);
        transfer_bytes(t, e->missed.minutes, MISSED_MINUTES * sizeof(*e->missed.minutes));
        TRANSFER(t, e->missed.began_ns);
        TRANSFER(t, e->missed.lost_ns);
        transfer_bytes(t, e->usual.values,
                       e->rules->usual_count * sizeof(*e->usual.values));
        if (e->remembers_forms)
                pass_forms(t, &e->forms);
        statistics_transfer(&e->statistics, t, e->statistics_memory);
}

/* What must be the same where it is written and where it is read. */
static void pass_layout(struct transfer *t)
{
        static const char *const why = "it is of another version";

        transfer_same(t, FORMAT, why);
        transfer_same(t, sizeof(struct entry), why);
        transfer_same(t, sizeof(struct incident_case), why);
        transfer_same(t, sizeof(struct rule), why);
        transfer_same(t, sizeof(struct table_plan), why);
        transfer_same(t, sizeof(struct slot_group), why);
        transfer_same(t, sizeof(struct slot), why);
        transfer_same(t, sizeof(struct usual_values), why);
        transfer_same(t, sizeof(struct surge_usual), why);
        transfer_same(t, sizeof(struct unfetched_usual), why);
        transfer_same(t, sizeof(struct forms_entry), why);
        transfer_same(t, sizeof(struct watched), why);
        transfer_same(t, sizeof(struct ladder_block), why);
        transfer_same(t, sizeof(struct block_limit), why);
        transfer_same(t, FUNCTIONS, why);
        for (unsigned i = 0; i < SLOT_KINDS; i++)
                transfer_same(t, slot_types[i].size, why);
}

static void pass_head(struct transfer *t, const struct engine_options *o)
{
        char there[sizeof(magic)];

        memcpy(there, magic, sizeof(there));
        transfer_bytes(t, there, sizeof(there));
        if (memcmp(there, magic, sizeof(there)) != 0)
                transfer_fail(t, "it is no snapshot");
        pass_layout(t);
        transfer_same(t, hash_u64(&o->hash_key, 1), "it was made with another key");
}

bool engine_save(const struct engine *e, FILE *file)
{
        struct transfer t = { .file = file };

        pass_head(&t, &e->options);
        pass_plan(&t, (struct rules *)e->rules);
        pass_memory(&t, (struct engine *)e);
        uint32_t crc = t.crc;
        TRANSFER(&t, crc);
        return !t.has_failed && fflush(file) == 0;
}

/* ---- back ---- */

static bool is_whole(FILE *file, const char **why)
{
        static uint8_t bytes[1 << 16];
        uint32_t crc = 0, last[1];
        size_t len, held = 0;

        *why = "it is damaged or cut short";
        /* The last four bytes are the CRC of all before them. */
        while ((len = fread(bytes + held, 1, sizeof(bytes) - held, file)) > 0) {
                len += held;
                held = len < sizeof(last) ? len : sizeof(last);
                crc = crc32c(crc, slice_of(bytes, len - held));
                memmove(bytes, bytes + len - held, held);
        }
        if (held != sizeof(last) || ferror(file))
                return false;
        memcpy(last, bytes, sizeof(last));
        rewind(file);
        return last[0] == crc;
}

static struct engine *read_engine(const struct engine_options *options,
                                  struct rules *plan, struct transfer *t)
{
        struct engine_options old = *options;

        pass_head(t, options);
        pass_plan(t, plan);
        if (t->has_failed)
                return NULL;
        old.rules = plan;
        struct engine *e = engine_new(&old);
        if (!e) {
                transfer_fail(t, "there is no memory for it");
                return NULL;
        }
        pass_memory(t, e);
        engine_find_classes(e);
        return e;
}

struct engine *engine_restore(const struct engine_options *options, FILE *file,
                              char why[SNAPSHOT_WHY])
{
        struct rules *plan = calloc(1, sizeof(*plan));
        struct transfer t = { .file = file, .is_reading = true };
        struct engine *e = NULL;

        CHECK(plan);
        t.texts = &plan->arena;
        plan->is_plan = true;
        plan->vocabulary.site = (struct site *)options->site;
        if (!is_whole(file, &t.why))
                t.has_failed = true;
        else
                e = read_engine(options, plan, &t);
        if (e && !t.has_failed && !engine_swap_rules(e, options->rules, options->site))
                transfer_fail(&t, "there is no memory for it");
        if (t.has_failed) {
                snprintf(why, SNAPSHOT_WHY, "%s", t.why);
                engine_free(&e);
        }
        rules_free(&plan);
        return e;
}
