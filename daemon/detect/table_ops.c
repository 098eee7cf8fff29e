/* SPDX-License-Identifier: MIT */
#include "detect/table_ops.h"

#include <stdlib.h>

/* A transaction that met it need not be asked again. */
static uint64_t where_of(const struct table_plan *plan, unsigned condition)
{
        for (unsigned i = 0; i < plan->where_count; i++)
                if (plan->wheres[i] == condition)
                        return UINT64_C(1) << i;
        return 0;
}

/* Neither need one that met all of a part's conditions, which is asked for them all. */
static uint64_t where_in(const struct table_plan *plan, unsigned group, unsigned condition)
{
        return plan->groups[group].whole == group ? where_of(plan, condition) : UINT64_MAX;
}

static struct table_op op_of(const struct table_plan *plan, const struct slot *s)
{
        return (struct table_op){ .slot = s,
                                  .where = where_in(plan, s->group, s->condition),
                                  .offset = s->offset,
                                  .condition = s->condition,
                                  .operand = s->operand,
                                  .kind = (uint16_t)s->kind,
                                  .window = s->window == WINDOW_NONE
                                                ? OP_WINDOWLESS
                                                : (uint16_t)s->window };
}

static bool is_rotated(const struct slot *s, unsigned window)
{
        return s->window == window &&
               (s->kind == SLOT_DISTINCT || slot_types[s->kind].rotate);
}

static bool find_ops(const struct table_plan *plan, const struct slot_group *g,
                     struct table_ops *ops)
{
        const struct slot_group *whole = &plan->groups[g->whole];
        unsigned rotated = 0;

        ops->count = calloc(g->slot_count + 1, sizeof(*ops->count));
        ops->rotate = calloc(g->slot_count + 1, sizeof(*ops->rotate));
        ops->family_wheres = calloc(g->family_count + 1, sizeof(*ops->family_wheres));
        if (!ops->count || !ops->rotate || !ops->family_wheres)
                return false;
        for (unsigned i = 0; i < g->family_count; i++)
                ops->family_wheres[i] =
                    where_in(plan, plan->families[g->families[i]].group,
                             plan->families[g->families[i]].condition);
        for (unsigned i = 0; i < g->slot_count; i++) {
                const struct slot *s = &plan->slots[g->slots[i]];
                if (slot_types[s->kind].count)
                        ops->count[ops->count_count++] = op_of(plan, s);
        }
        for (unsigned w = 0; w < whole->window_count; w++) {
                for (unsigned i = 0; i < g->slot_count; i++) {
                        const struct slot *s = &plan->slots[g->slots[i]];
                        if (is_rotated(s, whole->windows[w]))
                                ops->rotate[rotated++] = op_of(plan, s);
                }
                ops->rotate_end[w] = rotated;
        }
        return true;
}

static void add_twin(struct table *t, unsigned number, unsigned group, unsigned elder_group)
{
        const struct slot_group *groups = t->plan->groups;

        t->twins[t->twin_count++] =
            (struct twin){ number, groups[group].met | groups[elder_group].met };
}

static bool find_twins(struct table *t)
{
        const struct table_plan *plan = t->plan;

        t->twins = calloc(plan->family_count + plan->slot_count + 1, sizeof(*t->twins));
        if (!t->twins)
                return false;
        for (unsigned i = 0; i < plan->family_count; i++) {
                const struct family *f = &plan->families[i];
                if (f->elder != FAMILY_NONE)
                        add_twin(t, i, f->group, plan->families[f->elder].group);
        }
        t->twin_families = t->twin_count;
        for (unsigned i = 0; i < plan->slot_count; i++) {
                const struct slot *s = &plan->slots[i];
                if (s->elder != SLOT_NONE)
                        add_twin(t, i, s->group, plan->slots[s->elder].group);
        }
        return true;
}

bool table_ops_init(struct table *t)
{
        if (!find_twins(t))
                return false;
        t->ops = calloc(t->plan->group_count + 1, sizeof(*t->ops));
        for (unsigned i = 0; t->ops && i < t->plan->group_count; i++)
                if (!find_ops(t->plan, &t->plan->groups[i], &t->ops[i]))
                        return false;
        return t->ops;
}

void table_ops_free(struct table *t)
{
        for (unsigned i = 0; t->ops && i < t->plan->group_count; i++) {
                free(t->ops[i].count);
                free(t->ops[i].rotate);
                free(t->ops[i].family_wheres);
        }
        free(t->ops);
        free(t->twins);
        t->ops = NULL;
        t->twins = NULL;
}
