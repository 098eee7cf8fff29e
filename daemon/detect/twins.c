/* SPDX-License-Identifier: MIT */
#include "detect/twins.h"

#include "base/check.h"
#include "detect/table_priv.h"

/* ---- who is whose elder ---- */

/* Which window of the plan has such panes; `windows` when none has. */
static unsigned window_of(const struct distinct_plan *p, int64_t pane_ns)
{
        unsigned w = 0;

        while (w < p->windows && p->pane[w] * p->unit_ns != pane_ns)
                w++;
        return w;
}

static bool has_windows_of(const struct family *f, const struct family *of)
{
        for (unsigned w = 0; w < of->plan.windows; w++)
                if (window_of(&f->plan, of->plan.pane[w] * of->plan.unit_ns) ==
                    f->plan.windows)
                        return false;
        return true;
}

/* Of those that count the same field the one with most windows is nobody's twin. */
static unsigned eldest(const struct table_plan *t, unsigned operand)
{
        unsigned found = FAMILY_NONE;

        for (unsigned i = 0; i < t->family_count; i++)
                if (t->families[i].operand == operand &&
                    (found == FAMILY_NONE ||
                     t->families[i].plan.windows > t->families[found].plan.windows))
                        found = i;
        return found;
}

/* Of conditions with bytes of that window the one that counts them over most windows. */
static unsigned eldest_bytes(const struct table_plan *t, unsigned window)
{
        unsigned found = SLOT_NONE, most = 0;

        for (unsigned i = 0; i < t->slot_count; i++) {
                const struct slot *s = &t->slots[i];
                unsigned windows = 0;
                if (s->kind != SLOT_BYTES || s->window != window)
                        continue;
                for (unsigned k = 0; k < t->slot_count; k++)
                        windows += t->slots[k].kind == SLOT_BYTES &&
                                   t->slots[k].group == s->group &&
                                   t->slots[k].condition == s->condition;
                if (windows > most) {
                        found = i;
                        most = windows;
                }
        }
        return found;
}

static void plan_bytes(struct table_plan *t)
{
        for (unsigned i = 0; i < t->slot_count; i++) {
                struct slot *s = &t->slots[i];
                s->elder = s->kind == SLOT_BYTES ? eldest_bytes(t, s->window) : SLOT_NONE;
                if (s->elder == i)
                        s->elder = SLOT_NONE;
        }
}

void twins_plan(struct table_plan *t)
{
        plan_bytes(t);
        for (unsigned i = 0; i < t->family_count; i++) {
                struct family *f = &t->families[i];
                unsigned elder = eldest(t, f->operand);
                f->elder = elder != i && has_windows_of(&t->families[elder], f)
                               ? elder
                               : FAMILY_NONE;
                if (f->elder == FAMILY_NONE)
                        continue;
                for (unsigned w = 0; w < f->plan.windows; w++)
                        f->shown_as[w] = window_of(&t->families[elder].plan,
                                                   f->plan.pane[w] * f->plan.unit_ns);
        }
}

/* ---- in an entry ---- */

static const struct distinct *elder_set(const struct table *t, const struct entry *e,
                                        const struct family *f)
{
        const struct family *elder = &t->plan->families[f->elder];

        return set_of(base_of(t, e, elder->group), elder);
}

/* All of the elder's group, if the entry has that part of it. */
static void rotate(const struct table *t, struct entry *e, unsigned group)
{
        if (has_group(t, e, group))
                table_rotate_group(t, e, group);
}

/*
 * Neither group is turned for it: what the two have in common was counted when the twin's
 * panes were last turned, or before, and leaves when they are turned next.
 */
static void part(const struct table *t, struct entry *e, unsigned number)
{
        const struct family *f = &t->plan->families[number];
        const struct family *elder = &t->plan->families[f->elder];
        struct distinct *set = set_of(base_of(t, e, f->group), f);

        *set = (struct distinct){ .kind = DISTINCT_EMPTY };
        for (unsigned w = 0; w < f->plan.windows; w++)
                distinct_copy(t->sets, &elder->plan, elder_set(t, e, f), f->shown_as[w],
                              t->units[f->elder].pane, &f->plan, set, w,
                              t->units[number].pane);
}

/* Whether the transaction will be counted in it, as far as its condition says. */
static bool will_count(const struct table *t, const struct entry *e,
                       const struct family *f, struct facts *facts, uint64_t met)
{
        return t->plan->groups[f->group].met & met && has_group(t, e, f->group) &&
               facts_condition(facts, f->condition);
}

static void settle(const struct table *t, struct entry *e, unsigned number,
                   struct distinct *set, struct facts *facts, uint64_t met)
{
        const struct family *f = &t->plan->families[number];
        const struct family *elder = &t->plan->families[f->elder];
        bool differ =
            will_count(t, e, f, facts, met) != will_count(t, e, elder, facts, met) &&
            facts_operand(facts, f->operand)->value.type != VALUE_MISSING;

        if (set->kind == DISTINCT_EMPTY) {
                if (!differ && elder_set(t, e, f)->kind == DISTINCT_EMPTY)
                        *set = (struct distinct){ .kind = DISTINCT_TWIN };
        } else if (differ) {
                part(t, e, number);
        } else if (!(t->plan->groups[elder->group].met & met)) {
                rotate(t, e, elder->group);
        }
}

/* ---- bytes ---- */

static struct window_bytes *bytes_of(const struct table *t, const struct entry *e,
                                     const struct slot *s)
{
        return cells_of(t, e, s);
}

/*
 * The elder is brought to the present first. What the two have in common stands in panes
 * that had begun when the twin's were last turned, or before: turning these from there on
 * takes away no more than what has left.
 */
static void part_bytes(const struct table *t, struct entry *e, const struct slot *s)
{
        const struct slot *elder = &t->plan->slots[s->elder];

        rotate(t, e, elder->group);
        *bytes_of(t, e, s) = (struct window_bytes){ { 0 } };
        window_bytes_copy(&t->windows, bytes_of(t, e, elder), bytes_of(t, e, s));
}

static bool slot_will_count(const struct table *t, const struct entry *e,
                            const struct slot *s, struct facts *facts, uint64_t met)
{
        return t->plan->groups[s->group].met & met && has_group(t, e, s->group) &&
               facts_condition(facts, s->condition);
}

static void settle_bytes(const struct table *t, struct entry *e, const struct slot *s,
                         struct facts *facts, uint64_t met)
{
        const struct slot *elder = &t->plan->slots[s->elder];
        struct window_bytes *bytes = bytes_of(t, e, s);
        bool differ = slot_will_count(t, e, s, facts, met) !=
                      slot_will_count(t, e, elder, facts, met);

        if (window_bytes_are_none(bytes)) {
                if (!differ && window_bytes_are_none(bytes_of(t, e, elder)))
                        bytes->words[0] = WINDOW_BYTES_TWIN;
        } else if (differ) {
                part_bytes(t, e, s);
        } else if (!(t->plan->groups[elder->group].met & met)) {
                rotate(t, e, elder->group);
        }
}

static void settle_all_bytes(const struct table *t, struct entry *e, struct facts *facts,
                             uint64_t met)
{
        for (unsigned i = t->twin_families; i < t->twin_count; i++) {
                const struct twin *twin = &t->twins[i];
                const struct slot *s = &t->plan->slots[twin->number];
                if (!(twin->met & met) || !has_group(t, e, s->group))
                        continue;
                const struct window_bytes *bytes = bytes_of(t, e, s);
                if (window_bytes_are_none(bytes) || window_bytes_are_twin(bytes))
                        settle_bytes(t, e, s, facts, met);
        }
}

const struct window_bytes *twins_bytes(const struct table *t, const struct entry *e,
                                       const struct slot *s)
{
        const struct window_bytes *bytes = bytes_of(t, e, s);

        return window_bytes_are_twin(bytes) ? bytes_of(t, e, &t->plan->slots[s->elder])
                                            : bytes;
}

/* ---- all of an entry ---- */

void twins_settle(const struct table *t, struct entry *e, struct facts *facts,
                  uint64_t met)
{
        settle_all_bytes(t, e, facts, met);
        for (unsigned i = 0; i < t->twin_families; i++) {
                const struct twin *twin = &t->twins[i];
                const struct family *f = &t->plan->families[twin->number];
                if (!(twin->met & met) || !has_group(t, e, f->group))
                        continue;
                struct distinct *set = set_of(base_of(t, e, f->group), f);
                if (set->kind == DISTINCT_EMPTY || set->kind == DISTINCT_TWIN)
                        settle(t, e, twin->number, set, facts, met);
        }
}

void twins_part(const struct table *t, struct entry *e)
{
        for (unsigned i = 0; i < t->twin_families; i++) {
                const struct family *f = &t->plan->families[t->twins[i].number];
                if (has_group(t, e, f->group) &&
                    set_of(base_of(t, e, f->group), f)->kind == DISTINCT_TWIN)
                        part(t, e, t->twins[i].number);
        }
        for (unsigned i = t->twin_families; i < t->twin_count; i++) {
                const struct slot *s = &t->plan->slots[t->twins[i].number];
                if (has_group(t, e, s->group) &&
                    window_bytes_are_twin(bytes_of(t, e, s)))
                        part_bytes(t, e, s);
        }
}

struct set_shown twins_shown(const struct table *t, const struct entry *e,
                             const struct slot *s)
{
        const struct family *f = &t->plan->families[s->family];
        const struct distinct *set = cells_of(t, e, s);

        if (set->kind != DISTINCT_TWIN)
                return (struct set_shown){ set, &f->plan, s->member,
                                           t->units[s->family].pane };
        return (struct set_shown){ elder_set(t, e, f), &t->plan->families[f->elder].plan,
                                   f->shown_as[s->member], t->units[f->elder].pane };
}
