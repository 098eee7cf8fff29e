/* SPDX-License-Identifier: MIT */
#include "detect/steps.h"

#include "detect/table.h"

#include <math.h>

#define NUMBER_MAX 9007199254740992.0 /* 2^53 */

enum { STEP_UP, STEP_DOWN, STEP_LARGE, STEP_KINDS };

static struct bins_store store_of(const struct slot_place *p)
{
        return (struct bins_store){ p->table->budget, p->table->counters, STEP_KINDS };
}

void steps_slot_init(const struct slot_place *p)
{
        ((struct steps *)p->cells)->last.number = NAN;
}

void steps_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        struct bins_store store = store_of(p);
        struct steps *s = p->cells;

        if ((uint32_t)to - s->last.pane >= WINDOW_NEWEST)
                s->last.number = NAN;
        bins_rotate(&store, &s->bins, from, to);
}

void steps_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        struct bins_store store = store_of(p);
        struct steps *s = p->cells;
        double number = facts_operand(facts, p->slot->operand)->value.number;
        double step = number - s->last.number;

        if (p->clock->pane - pane >= WINDOW_NEWEST || !(fabs(number) <= NUMBER_MAX))
                return;
        s->last = (struct steps_last){ number, (uint32_t)pane };
        if (isnan(step) || step == 0)
                return;
        bins_add(&store, &s->bins, pane,
                 fabs(step) > STEPS_SMALL ? STEP_LARGE
                 : step > 0               ? STEP_UP
                                          : STEP_DOWN);
}

double steps_slot_value(const struct slot_place *p)
{
        struct bins_store store = store_of(p);
        uint64_t kinds[BINS_MAX];
        uint64_t all = bins_sum(&store, &((const struct steps *)p->cells)->bins, kinds);

        if (all == 0)
                return NAN;
        return (double)(kinds[STEP_UP] > kinds[STEP_DOWN] ? kinds[STEP_UP]
                                                          : kinds[STEP_DOWN]) /
               (double)all;
}

void steps_slot_clear(const struct slot_place *p)
{
        struct bins_store store = store_of(p);

        bins_clear(&store, &((struct steps *)p->cells)->bins);
}
