/* SPDX-License-Identifier: MIT */
#include "detect/busiest.h"

#include "base/check.h"
#include "detect/carrier.h"
#include "detect/engine_priv.h"

#include <stdlib.h>

struct candidate {
        uint64_t hash;
        double busy;
};

/* Those of one table: a heap, the least busy on top. */
struct found {
        unsigned count;
        struct candidate *keys;
};

struct busiest {
        unsigned keys;
        const struct rules *rules; /* only compared */
        unsigned table;            /* that is looked at */
        uint32_t slot;             /* the next one of its index */
        struct found tables[TABLES_MAX];
};

struct busiest *busiest_new(unsigned keys)
{
        struct busiest *b = calloc(1, sizeof(*b));

        CHECK(b);
        b->keys = keys == 0 ? 1 : keys < BUSIEST_MAX ? keys : BUSIEST_MAX;
        return b;
}

static void clear(struct busiest *b)
{
        for (unsigned i = 0; i < TABLES_MAX; i++) {
                free(b->tables[i].keys);
                b->tables[i] = (struct found){ 0, NULL };
        }
        b->table = b->slot = 0;
}

void busiest_free(struct busiest **pointer)
{
        if (!*pointer)
                return;
        clear(*pointer);
        free(*pointer);
        *pointer = NULL;
}

/* ---- looking ---- */

/* The slot that counts transactions in the longest window; slot_count: none does. */
static unsigned count_slot(const struct table_plan *plan)
{
        unsigned best = plan->slot_count;

        for (unsigned i = 0; i < plan->slot_count; i++) {
                const struct slot *s = &plan->slots[i];
                if (s->kind == SLOT_COUNT && s->operand == OPERAND_NONE &&
                    (best == plan->slot_count ||
                     plan->window_ns[s->window] >
                         plan->window_ns[plan->slots[best].window]))
                        best = i;
        }
        return best;
}

static double busy_of(const struct table *t, const struct entry *entry, unsigned slot)
{
        return slot < t->plan->slot_count ? table_slot(t, entry, slot)
                                          : entry->transactions;
}

static void sift_down(struct found *f)
{
        unsigned at = 0;

        for (;;) {
                unsigned least = at;
                for (unsigned child = 2 * at + 1; child <= 2 * at + 2; child++)
                        if (child < f->count && f->keys[child].busy < f->keys[least].busy)
                                least = child;
                if (least == at)
                        return;
                struct candidate other = f->keys[at];
                f->keys[at] = f->keys[least];
                f->keys[least] = other;
                at = least;
        }
}

static void sift_up(struct found *f)
{
        unsigned at = f->count - 1;

        while (at && f->keys[at].busy < f->keys[(at - 1) / 2].busy) {
                struct candidate other = f->keys[at];
                f->keys[at] = f->keys[(at - 1) / 2];
                at = (at - 1) / 2;
                f->keys[at] = other;
        }
}

static bool has(const struct found *f, uint64_t hash)
{
        for (unsigned i = 0; i < f->count; i++)
                if (f->keys[i].hash == hash)
                        return true;
        return false;
}

static void consider(struct busiest *b, uint64_t hash, double busy)
{
        struct found *f = &b->tables[b->table];

        if (f->count == b->keys && busy <= f->keys[0].busy)
                return;
        if (has(f, hash))
                return;
        if (!f->keys)
                f->keys = calloc(b->keys, sizeof(*f->keys));
        CHECK(f->keys);
        if (f->count < b->keys) {
                f->keys[f->count++] = (struct candidate){ hash, busy };
                sift_up(f);
        } else {
                f->keys[0] = (struct candidate){ hash, busy };
                sift_down(f);
        }
}

static bool is_recent(const struct engine *e, const struct entry *entry)
{
        return (int64_t)entry->seen + BUSIEST_RECENT >= (int64_t)seconds_of(e->now_ns);
}

/* Up to `slots` of the table at hand. Returns how many are left of them. */
static unsigned look_at_table(struct busiest *b, const struct engine *e, unsigned slots)
{
        const struct table *t = &e->tables[b->table];
        unsigned counts = count_slot(t->plan);

        for (; slots && t->index.count && b->slot <= t->index.mask; slots--, b->slot++) {
                uint32_t handle = (uint32_t)t->index.slots[b->slot];
                const struct entry *entry = handle ? table_at(t, handle) : NULL;
                if (entry && is_recent(e, entry))
                        consider(b, entry->hash, busy_of(t, entry, counts));
        }
        if (slots) {
                b->table++;
                b->slot = 0;
        }
        return slots;
}

bool busiest_look(struct busiest *b, const struct engine *e, unsigned slots)
{
        if (b->rules != e->rules)
                clear(b);
        b->rules = e->rules;
        while (slots && b->table < e->rules->table_count)
                slots = look_at_table(b, e, slots);
        return b->table >= e->rules->table_count;
}

/* ---- telling ---- */

struct telling {
        struct engine *engine;
        struct table *table;
        struct entry *entry;
        const struct actor *actor; /* that took part in it; NULL: nobody is known */
        struct buf key, measure;   /* what a row points to; used again by the next */
};

static const struct actor *some_actor(const struct telling *k)
{
        const struct table_plan *plan = k->table->plan;
        const struct actor *actors[1];

        for (unsigned i = 0; i < plan->where_count; i++)
                if (involved_actors(&k->engine->involved, &k->entry->involved,
                                    UINT64_C(1) << i, 0, actors, 1))
                        return actors[0];
        return NULL;
}

static enum field_kind part_kind(const struct telling *k, unsigned part)
{
        const struct operand *o = &k->engine->rules->operands[k->table->plan->key[part]];

        return o->field ? o->field->kind : FIELD_PLAIN;
}

/* An actor of the key has the key's own value, where it has one of that kind. */
static bool put_part(struct telling *k, enum field_kind kind)
{
        char text[256];

        if (!k->actor)
                return false;
        if (kind == FIELD_IP || kind == FIELD_HOST || kind == FIELD_PREFIX) {
                struct value value = { .type = VALUE_NETWORK,
                                       .network = actor_network(k->actor, kind) };
                value_print(&value, NULL, &k->key);
                return true;
        }
        if (kind < FIELD_EMAIL_DOMAIN || kind == FIELD_FORM ||
            !actor_has(k->actor, field_participant(kind)))
                return false;
        buf_put(
            &k->key, text,
            actors_publish(&k->engine->actors, field_participant(kind), k->actor, text));
        return true;
}

static void put_key(struct telling *k)
{
        const struct table_plan *plan = k->table->plan;

        buf_clear(&k->key);
        if (k->entry->incidents) {
                const struct incident_case *c =
                    cases_at(&k->engine->cases, k->entry->incidents);
                buf_put(&k->key, c->subject, c->subject_len);
                return;
        }
        if (plan->parts == 0)
                buf_put_str(&k->key, "all");
        for (unsigned i = 0; i < plan->parts; i++) {
                if (i)
                        buf_put_byte(&k->key, '|');
                if (!put_part(k, part_kind(k, i)))
                        buf_printf(&k->key, "#%08llx",
                                   (unsigned long long)(k->entry->hash >> 32));
        }
}

struct reading {
        const struct telling *telling;
        const struct rule *rule;
};

static struct value read_aggregate(void *context, const struct aggregate *a)
{
        const struct reading *r = context;

        return table_value(r->telling->table, r->telling->entry,
                           &r->rule->aggregates[a->slot]);
}

static void find_nearest(struct telling *k, struct busiest_key *row)
{
        const struct table_plan *plan = k->table->plan;
        const struct expr *measure = NULL;

        for (unsigned i = 0; i < plan->rule_count; i++) {
                const struct rule *rule = &k->engine->rules->rules[plan->rules[i]];
                struct reading reading = { k, rule };
                const struct expr_subject subject = { .aggregate = read_aggregate,
                                                      .context = &reading };
                if (rule->is_signal)
                        continue;
                struct expr_near near = expr_near(rule->when, &subject);
                if (row->rule && near.share <= row->share)
                        continue;
                row->rule = rule->name;
                row->share = near.share;
                row->value = near.value;
                row->threshold = near.threshold;
                measure = near.measure;
        }
        buf_clear(&k->measure);
        if (measure)
                expr_print(measure, &k->measure);
        row->measure = buf_slice(&k->measure);
}

static void find_block(const struct telling *k, struct busiest_key *row)
{
        const struct engine *e = k->engine;
        enum field_kind kind = k->table->plan->parts == 1 ? part_kind(k, 0) : FIELD_PLAIN;

        for (uint32_t number = k->entry->incidents; number;) {
                const struct incident_case *c = cases_at(&e->cases, number);
                row->incident = c->id;
                row->incident_rule = e->rules->rules[c->rule].name;
                if (c->blocked_until_ns > e->now_ns &&
                    c->blocked_until_ns > row->blocked_until_ns)
                        row->blocked_until_ns = c->blocked_until_ns;
                number = c->next;
        }
        if (!k->actor || kind < FIELD_IP)
                return;
        const struct watched *w = watch_running(
            &e->watch, carrier_of_actor(&e->actors, kind, k->actor), e->now_ns);
        if (w && w->until_ns > row->blocked_until_ns)
                row->blocked_until_ns = w->until_ns;
}

static void tell(struct telling *k, busiest_fn *each, void *context)
{
        const struct table *t = k->table;
        unsigned counts = count_slot(t->plan);
        struct busiest_key row = {
                .per = t->plan->type,
                .hash = k->entry->hash,
                .transactions = k->entry->transactions,
                .seen_ns = k->entry->seen * NS_PER_SEC,
        };

        k->actor = some_actor(k);
        table_rotate(t, k->entry);
        row.count = busy_of(t, k->entry, counts);
        if (counts < t->plan->slot_count)
                row.window_ns = t->plan->window_ns[t->plan->slots[counts].window];
        put_key(k);
        row.key = buf_slice(&k->key);
        find_nearest(k, &row);
        find_block(k, &row);
        each(context, &row);
}

static int compare(const void *a, const void *b)
{
        const struct candidate *x = a, *y = b;

        if (x->busy != y->busy)
                return x->busy > y->busy ? -1 : 1;
        return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void busiest_each(struct busiest *b, struct engine *e, busiest_fn *each, void *context)
{
        struct telling k = { .engine = e };

        for (unsigned i = 0; b->rules == e->rules && i < e->rules->table_count; i++) {
                struct found *f = &b->tables[i];
                k.table = &e->tables[i];
                if (f->count == 0)
                        continue;
                qsort(f->keys, f->count, sizeof(*f->keys), compare);
                table_set_time(k.table, e->now_ns);
                for (unsigned n = 0; n < f->count; n++) {
                        uint32_t handle = table_find(k.table, f->keys[n].hash);
                        if (handle == 0)
                                continue;
                        k.entry = table_at(k.table, handle);
                        tell(&k, each, context);
                }
        }
        buf_free(&k.key);
        buf_free(&k.measure);
}
