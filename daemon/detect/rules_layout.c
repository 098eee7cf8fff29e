/* SPDX-License-Identifier: MIT */
#include "detect/rules_priv.h"

#include "base/check.h"
#include "detect/table.h"
#include "detect/twins.h"

#include <stdlib.h>
#include <string.h>

static unsigned where_number(const struct table_plan *t, unsigned where)
{
        unsigned i = 0;

        while (t->wheres[i] != where)
                CHECK(++i < t->where_count);
        return i;
}

static void note_readers(struct table_plan *t, const struct rule *rule)
{
        uint64_t bit = UINT64_C(1) << where_number(t, rule->where);

        for (unsigned i = 0; i < rule->aggregate_count; i++) {
                const struct rule_aggregate *a = &rule->aggregates[i];
                if (!function_has_slots(a->function))
                        continue;
                t->slots[a->a].met |= bit;
                if (function_is_quotient(a->function))
                        t->slots[a->b].met |= bit;
        }
        if (rule->is_signal)
                return;
        t->slots[rule->served_targets].met |= bit;
        t->slots[rule->served_bytes].met |= bit;
}

static void *grow(void *memory, unsigned count, size_t size)
{
        memory = realloc(memory, (count + 1) * size);
        CHECK(memory);
        memset((char *)memory + count * size, 0, size);
        return memory;
}

/* The unit of a group that has this window as well. */
static int64_t unit_with(const struct slot_group *g, int64_t window_ns)
{
        return window_common_unit(window_ns / WINDOW_NEWEST, g->unit_ns);
}

static bool has_room_for(const struct table_plan *t, const struct slot_group *g,
                         const struct slot *s)
{
        return s->window == WINDOW_NONE ||
               unit_with(g, t->window_ns[s->window]) >= GROUP_UNIT;
}

static unsigned add_group(struct table_plan *t, uint64_t met)
{
        t->groups = grow(t->groups, t->group_count, sizeof(*t->groups));
        t->groups[t->group_count].met = met;
        t->groups[t->group_count].whole = t->group_count;
        return t->group_count++;
}

static unsigned find_whole(struct table_plan *t, const struct slot *s)
{
        for (unsigned i = 0; i < t->group_count; i++)
                if (t->groups[i].whole == i && t->groups[i].met == s->met &&
                    has_room_for(t, &t->groups[i], s))
                        return i;
        return add_group(t, s->met);
}

static unsigned find_part(struct table_plan *t, unsigned whole, unsigned condition)
{
        for (uint64_t left = t->groups[whole].parts; left; left &= left - 1) {
                unsigned part = (unsigned)__builtin_ctzll(left);
                if (t->groups[part].condition == condition)
                        return part;
        }
        unsigned part = add_group(t, t->groups[whole].met);
        t->groups[part].whole = whole;
        t->groups[part].condition = condition;
        if (part < GROUPS_WITH_PARTS)
                t->groups[whole].parts |= UINT64_C(1) << part;
        return part;
}

/* Whether it counts less than what its rules look at. */
static bool is_narrower(const struct table_plan *t, const struct slot *s)
{
        for (unsigned i = 0; i < t->where_count; i++)
                if (t->wheres[i] == s->condition)
                        return false;
        return true;
}

static void add_number(unsigned **numbers, unsigned *count, unsigned number)
{
        *numbers = grow(*numbers, *count, sizeof(**numbers));
        (*numbers)[(*count)++] = number;
}

static void add_window(const struct table_plan *t, struct slot_group *g, unsigned window)
{
        for (unsigned i = 0; i < g->window_count; i++)
                if (g->windows[i] == window)
                        return;
        CHECK(g->window_count < WINDOWS_MAX);
        g->windows[g->window_count++] = window;
        g->unit_ns = unit_with(g, t->window_ns[window]);
        for (unsigned i = 0; i < g->window_count; i++)
                g->panes[i] = (uint32_t)(t->window_ns[g->windows[i]] / WINDOW_NEWEST /
                                         g->unit_ns);
}

/* A set joins others of the same values where one unit of time serves them all. */
static void join_family(struct table_plan *t, struct slot *s, unsigned group)
{
        struct family *f = t->families;

        for (s->family = 0; s->family < t->family_count; s->family++, f++)
                if (f->condition == s->condition && f->operand == s->operand &&
                    f->group == group &&
                    distinct_plan_add(&f->plan, t->window_ns[s->window]))
                        return;
        t->families = grow(t->families, t->family_count, sizeof(*t->families));
        f = &t->families[t->family_count++];
        f->condition = s->condition;
        f->operand = s->operand;
        f->group = group;
        CHECK(distinct_plan_add(&f->plan, t->window_ns[s->window]));
        add_number(&t->groups[group].families, &t->groups[group].family_count, s->family);
}

/* One for each field and condition, whatever the key and the window. */
static unsigned usual_of(struct rules *rules, const struct slot *s)
{
        unsigned i = 0;

        while (i < rules->usual_count && (rules->usuals[i].condition != s->condition ||
                                          rules->usuals[i].operand != s->operand))
                i++;
        if (i == rules->usual_count) {
                rules->usuals = grow(rules->usuals, i, sizeof(*rules->usuals));
                rules->usuals[rules->usual_count++] =
                    (struct usual_plan){ s->condition, s->operand };
        }
        return i;
}

static void find_usuals(struct rules *rules, struct table_plan *t)
{
        for (unsigned i = 0; i < t->slot_count; i++)
                if (t->slots[i].kind == SLOT_SKEW)
                        t->slots[i].usual = usual_of(rules, &t->slots[i]);
}

static unsigned member_of(const struct family *f, int64_t window_ns)
{
        unsigned k = 0;

        while (f->plan.pane[k] * f->plan.unit_ns != window_ns / SKETCH_PANES)
                CHECK(++k < f->plan.windows);
        return k;
}

static void group_slots(struct table_plan *t, bool with_parts)
{
        for (unsigned i = 0; i < t->slot_count; i++) {
                struct slot *s = &t->slots[i];
                s->group = find_whole(t, s);
                if (s->window != WINDOW_NONE)
                        add_window(t, &t->groups[s->group], s->window);
                if (with_parts && is_narrower(t, s))
                        s->group = find_part(t, s->group, s->condition);
        }
}

static void make_groups(struct table_plan *t)
{
        group_slots(t, true);
        if (t->group_count > GROUPS_WITH_PARTS) {
                t->group_count = 0;
                group_slots(t, false);
        }
        for (unsigned i = 0; i < t->slot_count; i++) {
                struct slot *s = &t->slots[i];
                struct slot_group *g = &t->groups[s->group];
                add_number(&g->slots, &g->slot_count, i);
                if (s->kind == SLOT_DISTINCT)
                        join_family(t, s, s->group);
                if (s->kind == SLOT_SURGE)
                        s->shared = t->surge_count++;
                if (s->kind == SLOT_UNFETCHED)
                        s->shared = t->unfetched_count++;
        }
        for (unsigned i = 0; i < t->slot_count; i++)
                if (t->slots[i].kind == SLOT_DISTINCT)
                        t->slots[i].member = member_of(&t->families[t->slots[i].family],
                                                       t->window_ns[t->slots[i].window]);
}

static uint32_t lay_out_cells(struct table_plan *t, const struct slot_group *g,
                              uint32_t align, uint32_t at)
{
        for (unsigned i = 0; i < g->slot_count; i++) {
                struct slot *s = &t->slots[g->slots[i]];
                const struct slot_type *type = &slot_types[s->kind];
                if (type->align != align || s->kind == SLOT_DISTINCT)
                        continue;
                s->offset = at;
                at += type->size;
        }
        return at;
}

static uint32_t lay_out_families(struct table_plan *t, const struct slot_group *g,
                                 uint32_t at)
{
        for (unsigned i = 0; i < g->family_count; i++) {
                struct family *f = &t->families[g->families[i]];
                f->offset = at;
                at += (uint32_t)sizeof(struct distinct);
        }
        for (unsigned i = 0; i < g->slot_count; i++) {
                struct slot *s = &t->slots[g->slots[i]];
                if (s->kind == SLOT_DISTINCT)
                        s->offset = t->families[s->family].offset;
        }
        return at;
}

static uint32_t align_of(const struct table_plan *t, const struct slot_group *g)
{
        uint32_t align = g->family_count ? 4 : 1;

        for (unsigned i = 0; i < g->slot_count; i++) {
                const struct slot_type *type = &slot_types[t->slots[g->slots[i]].kind];
                align = type->align > align ? type->align : align;
        }
        return align;
}

/* What wants the strictest alignment comes first; sizes are multiples of it. */
static uint32_t lay_out_group(struct table_plan *t, struct slot_group *g, uint32_t at)
{
        g->begin = at = (at + g->align - 1) / g->align * g->align;
        at = lay_out_cells(t, g, 8, at);
        at = lay_out_families(t, g, at);
        for (uint32_t align = 4; align; align /= 2)
                at = lay_out_cells(t, g, align, at);
        g->time_offset = at;
        if (g->window_count)
                at += (uint32_t)sizeof(uint32_t);
        return g->end = at;
}

/* As layouts.c does it, so that the plan is a layout with all groups. */
static uint32_t lay_out_groups(struct table_plan *t, uint32_t at)
{
        for (unsigned i = 0; i < t->group_count; i++)
                t->groups[i].align = align_of(t, &t->groups[i]);
        for (uint32_t align = 8; align; align /= 2)
                for (unsigned i = 0; i < t->group_count; i++)
                        if (t->groups[i].align == align)
                                at = lay_out_group(t, &t->groups[i], at);
        return at;
}

/* Signals come first, so that those who read them see what this transaction changed. */
static void put_signals_first(const struct rules *rules, const struct table_plan *t)
{
        unsigned signals = 0;

        for (unsigned i = 0; i < t->rule_count; i++) {
                unsigned rule = t->rules[i];
                if (!rules->rules[rule].is_signal)
                        continue;
                memmove(t->rules + signals + 1, t->rules + signals,
                        (i - signals) * sizeof(*t->rules));
                t->rules[signals++] = rule;
        }
}

static bool reads_signals(const struct rule *rule)
{
        for (unsigned i = 0; i < rule->aggregate_count; i++)
                if (!function_has_slots(rule->aggregates[i].function))
                        return true;
        return false;
}

static void check_signals(const struct rules *rules, struct diag *diag)
{
        for (unsigned i = 0; i < rules->rule_count; i++) {
                const struct rule *rule = &rules->rules[i];
                const struct table_plan *t = &rules->tables[rule->table];
                if (t->signal_count == 0 && reads_signals(rule))
                        diag_warning(diag, rule->place,
                                     "no signal has the key '%s': score() and families() "
                                     "are always 0",
                                     t->type);
        }
}

void rules_lay_out(struct rules *rules, struct diag *diag)
{
        for (unsigned i = 0; i < rules->rule_count; i++)
                note_readers(&rules->tables[rules->rules[i].table], &rules->rules[i]);
        check_signals(rules, diag);
        for (unsigned i = 0; i < rules->table_count; i++) {
                struct table_plan *t = &rules->tables[i];
                uint32_t at = ENTRY_HEAD;
                put_signals_first(rules, t);
                t->head_size = at;
                make_groups(t);
                twins_plan(t);
                find_usuals(rules, t);
                at = lay_out_groups(t, at);
                t->entry_size = (at + 7) / 8 * 8;
                if (t->entry_size > BUDGET_PAGE)
                        diag_error(
                            diag, rules->rules[t->rules[t->rule_count - 1]].place,
                            "too much is counted for the key '%s': %u bytes, of %d",
                            t->type, t->entry_size, BUDGET_PAGE);
        }
}

void rules_layout_free(struct table_plan *t)
{
        for (unsigned i = 0; i < t->group_count; i++) {
                free(t->groups[i].slots);
                free(t->groups[i].families);
        }
        free(t->groups);
        free(t->families);
}
