/* SPDX-License-Identifier: MIT */
#include "detect/carry.h"

#include "base/check.h"
#include "detect/twins.h"

#include <stdlib.h>

static bool is_same_text(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

static bool is_same_operand(const struct carry *c, unsigned from, unsigned to)
{
        if (from == OPERAND_NONE || to == OPERAND_NONE)
                return from == to;
        return is_same_text(c->from->operands[from].text, c->to->operands[to].text);
}

static bool is_same_condition(const struct carry *c, unsigned from, unsigned to)
{
        return is_same_text(c->from->conditions[from].text, c->to->conditions[to].text);
}

static bool is_same_table(const struct carry *c, const struct table_plan *from,
                          const struct table_plan *to)
{
        if (from->parts != to->parts)
                return false;
        for (unsigned i = 0; i < from->parts; i++)
                if (!is_same_operand(c, from->key[i], to->key[i]))
                        return false;
        return true;
}

static int64_t window_of(const struct table_plan *t, const struct slot *s)
{
        return s->window == WINDOW_NONE ? 0 : t->window_ns[s->window];
}

static bool is_same_slot(const struct carry *c, const struct table_plan *from,
                         const struct slot *a, const struct table_plan *to,
                         const struct slot *b)
{
        return a->kind == b->kind && a->ratio == b->ratio &&
               window_of(from, a) == window_of(to, b) &&
               is_same_operand(c, a->operand, b->operand) &&
               is_same_condition(c, a->condition, b->condition);
}

static unsigned find_table(const struct carry *c, const struct table_plan *from)
{
        for (unsigned i = 0; i < c->to->table_count; i++)
                if (is_same_table(c, from, &c->to->tables[i]))
                        return i;
        return CARRY_NONE;
}

/* A rule of one name may stand for several keys. */
static unsigned find_rule(const struct carry *c, const struct rule *from)
{
        for (unsigned i = 0; i < c->to->rule_count; i++)
                if (is_same_text(from->name, c->to->rules[i].name) &&
                    c->tables[from->table] == c->to->rules[i].table)
                        return i;
        return CARRY_NONE;
}

bool carry_init(struct carry *c, const struct rules *from, const struct rules *to)
{
        *c = (struct carry){ .from = from, .to = to };
        c->tables = calloc(from->table_count + 1, sizeof(*c->tables));
        c->rules = calloc(from->rule_count + 1, sizeof(*c->rules));
        if (!c->tables || !c->rules) {
                carry_free(c);
                return false;
        }
        for (unsigned i = 0; i < from->table_count; i++)
                c->tables[i] = find_table(c, &from->tables[i]);
        for (unsigned i = 0; i < from->rule_count; i++)
                c->rules[i] = find_rule(c, &from->rules[i]);
        return true;
}

void carry_free(struct carry *c)
{
        free(c->tables);
        free(c->rules);
        *c = (struct carry){ .from = NULL };
}

/* ---- one table ---- */

struct move {
        unsigned signals[SIGNALS_MAX]; /* of the new plan: which old one it is */
        const struct carry *carry;
        struct table *from, *to;
        unsigned *slots; /* of the new plan: which old one it is */
        uint64_t
            where[CONDITIONS_MAX]; /* of the old plan: its bit in the new one, or 0 */
};

static unsigned find_slot(const struct move *m, const struct slot *wanted)
{
        const struct table_plan *from = m->from->plan;

        for (unsigned i = 0; i < from->slot_count; i++)
                if (is_same_slot(m->carry, from, &from->slots[i], m->to->plan, wanted))
                        return i;
        return CARRY_NONE;
}

/* A signal is the same as its rule is. */
static void find_signals(struct move *m)
{
        const struct carry *c = m->carry;

        for (unsigned i = 0; i < SIGNALS_MAX; i++)
                m->signals[i] = CARRY_NONE;
        for (unsigned i = 0; i < m->from->plan->rule_count; i++) {
                unsigned old = m->from->plan->rules[i], new = c->rules[old];
                if (new != CARRY_NONE && rule_has_weight(&c->from->rules[old]) &&
                    rule_has_weight(&c->to->rules[new]))
                        m->signals[c->to->rules[new].signal] = c->from->rules[old].signal;
        }
}

/* Of the new plan's signals: when they held last. */
static void read_signals(const struct move *m, const struct entry *from,
                         int64_t held_ns[SIGNALS_MAX])
{
        for (unsigned i = 0; i < m->to->plan->signal_count; i++)
                held_ns[i] = m->signals[i] == CARRY_NONE
                                 ? -1
                                 : table_signal_held(m->from, from, m->signals[i]);
}

static void put_signals(const struct move *m, struct entry *to,
                        const int64_t held_ns[SIGNALS_MAX])
{
        for (unsigned i = 0; i < m->to->plan->signal_count; i++)
                if (held_ns[i] >= 0 && !table_signal(m->to, to, i, held_ns[i]))
                        m->to->counters->signals_dropped++;
}

static uint64_t find_where(const struct move *m, unsigned where)
{
        const struct table_plan *to = m->to->plan;

        for (unsigned i = 0; i < to->where_count; i++)
                if (is_same_condition(m->carry, where, to->wheres[i]))
                        return UINT64_C(1) << i;
        return 0;
}

static uint64_t move_met(void *context, uint64_t met)
{
        const struct move *m = context;
        uint64_t moved = 0;

        for (unsigned i = 0; i < m->from->plan->where_count; i++)
                if (met & UINT64_C(1) << i)
                        moved |= m->where[i];
        return moved;
}

/* Of a slot of the new plan: what the entry has of it; NULL: nothing. */
static void *old_cells(const struct move *m, const struct entry *from, unsigned slot)
{
        return m->slots[slot] == CARRY_NONE
                   ? NULL
                   : table_cells(m->from, from, &m->from->plan->slots[m->slots[slot]]);
}

/* The new plan's groups in which the entry has something. */
static uint64_t groups_of(const struct move *m, const struct entry *from)
{
        const struct table_plan *plan = m->to->plan;
        uint64_t groups = 0;

        if (plan->group_count > LAYOUTS_GROUPS)
                return LAYOUTS_ALL;
        for (unsigned i = 0; i < plan->slot_count; i++)
                if (old_cells(m, from, i))
                        groups |= UINT64_C(1) << plan->slots[i].group |
                                  UINT64_C(1) << plan->groups[plan->slots[i].group].whole;
        return groups;
}

static void move_cells(const struct move *m, struct entry *from, struct entry *to)
{
        const struct table_plan *plan = m->to->plan;

        for (unsigned i = 0; i < plan->slot_count; i++) {
                const struct slot *slot = &plan->slots[i];
                uint32_t size = slot_types[slot->kind].size;
                if (slot->kind == SLOT_DISTINCT)
                        continue;
                void *old = old_cells(m, from, i);
                if (!old)
                        continue;
                memcpy(table_cells(m->to, to, slot), old, size);
                memset(old, 0, size);
        }
}

/* Each window's set goes to its new family, the longest window first. */
static void move_family(const struct move *m, struct entry *from, struct entry *to,
                        unsigned family)
{
        const struct table_plan *plan = m->to->plan;
        const struct family *f = &plan->families[family];

        for (unsigned member = 0; member < f->plan.windows; member++)
                for (unsigned i = 0; i < plan->slot_count; i++) {
                        const struct slot *slot = &plan->slots[i];
                        if (slot->kind != SLOT_DISTINCT || slot->family != family ||
                            slot->member != member || !old_cells(m, from, i))
                                continue;
                        const struct slot *old = &m->from->plan->slots[m->slots[i]];
                        const struct family *g = &m->from->plan->families[old->family];
                        distinct_carry(m->to->sets, &g->plan, old_cells(m, from, i),
                                       old->member, m->from->units[old->family].pane,
                                       &f->plan, table_cells(m->to, to, slot), member,
                                       m->to->units[family].pane);
                }
}

static void move_head(struct move *m, struct entry *from, struct entry *to)
{
        to->since_ns = from->since_ns;
        to->seen = from->seen;
        to->transactions = from->transactions;
        to->recent = from->recent;
        to->lives = from->lives;
        to->samples = from->samples;
        to->involved = from->involved;
        memset(&from->samples, 0, sizeof(from->samples));
        memset(&from->involved, 0, sizeof(from->involved));
        samples_translate(m->to->samples, &to->samples, move_met, m);
        involved_translate(m->to->involved, &to->involved, move_met, m);
}

static void move_entry(struct move *m, uint32_t handle, carry_moved_fn *moved,
                       void *context)
{
        struct entry *from = table_at(m->from, handle);
        uint32_t fresh = table_new(m->to, from->hash, groups_of(m, from));
        int64_t held_ns[SIGNALS_MAX];

        if (fresh == 0) {
                m->to->counters->entries_evicted++;
                m->to->evicted++;
        }
        moved(context, from, fresh);
        if (fresh) {
                struct entry *to = table_at(m->to, fresh);
                table_rotate(m->from, from);
                twins_part(m->from, from);
                read_signals(m, from, held_ns);
                table_clear_signals(m->from, from);
                move_head(m, from, to);
                to->incidents = from->incidents;
                from->incidents = 0;
                move_cells(m, from, to);
                put_signals(m, to, held_ns);
                for (unsigned i = 0; i < m->to->plan->family_count; i++)
                        move_family(m, from, to, i);
        }
        table_forget(m->from, handle);
}

/* What all keys have in common. */
static void move_usual(const struct move *m)
{
        for (unsigned i = 0; i < m->to->plan->slot_count; i++) {
                const struct slot *slot = &m->to->plan->slots[i];
                if (m->slots[i] == CARRY_NONE)
                        continue;
                unsigned old = m->from->plan->slots[m->slots[i]].shared;
                if (slot->kind == SLOT_SURGE)
                        m->to->surges[slot->shared] = m->from->surges[old];
                if (slot->kind == SLOT_UNFETCHED)
                        m->to->unfetched[slot->shared] = m->from->unfetched[old];
        }
}

void carry_table(const struct carry *c, struct table *from, struct table *to,
                 carry_moved_fn *moved, void *context)
{
        struct move m = { .carry = c, .from = from, .to = to };
        uint32_t hand = 0;

        m.slots = calloc(to->plan->slot_count + 1, sizeof(*m.slots));
        CHECK(m.slots);
        for (unsigned i = 0; i < to->plan->slot_count; i++) {
                m.slots[i] = find_slot(&m, &to->plan->slots[i]);
                to->began_ns[i] =
                    m.slots[i] == CARRY_NONE ? to->now_ns : from->began_ns[m.slots[i]];
        }
        for (unsigned i = 0; i < from->plan->where_count; i++)
                m.where[i] = find_where(&m, from->plan->wheres[i]);
        to->evicted = from->evicted;
        move_usual(&m);
        find_signals(&m);
        while (from->index.count)
                move_entry(&m, index_walk(&from->index, &hand), moved, context);
        free(m.slots);
}
