/* SPDX-License-Identifier: MIT */
#include "detect/layouts.h"

#include "detect/transfer.h"

#include <stdlib.h>

static bool has_group(uint64_t groups, unsigned group)
{
        return groups == LAYOUTS_ALL || groups >> group & 1;
}

/* Groups of one alignment, in the order of the plan. */
static uint32_t lay_out_aligned(struct layouts *l, unsigned layout, uint64_t groups,
                                uint32_t align, uint32_t at)
{
        const struct table_plan *plan = l->plan;
        int32_t *shifts = l->shifts + (size_t)layout * plan->group_count;

        for (unsigned i = 0; i < plan->group_count; i++) {
                const struct slot_group *g = &plan->groups[i];
                if (g->align != align)
                        continue;
                shifts[i] = LAYOUT_ABSENT;
                if (!has_group(groups, i))
                        continue;
                at = (at + align - 1) / align * align;
                shifts[i] = (int32_t)at - (int32_t)g->begin;
                at += g->end - g->begin;
        }
        return at;
}

/* The strictest first, so that little is lost between them. */
static void lay_out(struct layouts *l, unsigned layout, uint64_t groups)
{
        uint32_t at = l->plan->head_size;

        for (uint32_t align = 8; align; align /= 2)
                at = lay_out_aligned(l, layout, groups, align, at);
        l->groups[layout] = groups;
        l->sizes[layout] = (at + 7) / 8 * 8;
}

bool layouts_init(struct layouts *l, const struct table_plan *plan)
{
        *l = (struct layouts){ .plan = plan, .count = 1 };
        l->shifts =
            calloc((size_t)LAYOUTS_MAX * plan->group_count + 1, sizeof(*l->shifts));
        if (!l->shifts)
                return false;
        for (unsigned i = 0; i < plan->group_count; i++)
                l->parts |= plan->groups[i].parts;
        lay_out(l, 0, LAYOUTS_ALL);
        return true;
}

void layouts_free(struct layouts *l)
{
        free(l->shifts);
        l->shifts = NULL;
}

/* With all of their parts. */
static uint64_t groups_of(const struct layouts *l, uint64_t met)
{
        uint64_t groups = 0;

        for (unsigned i = 0; i < l->plan->group_count; i++)
                groups |= (uint64_t)((l->plan->groups[i].met & met) != 0) << i;
        return groups;
}

uint64_t layouts_met(struct layouts *l, struct facts *facts, uint64_t met)
{
        if (l->plan->group_count > LAYOUTS_GROUPS)
                return LAYOUTS_ALL;
        if (met != l->met) {
                l->met = met;
                l->may = groups_of(l, met);
        }
        uint64_t groups = l->may;
        for (uint64_t left = groups & l->parts; left; left &= left - 1)
                if (!facts_condition(
                        facts, l->plan->groups[__builtin_ctzll(left)].condition))
                        groups &= ~(left & -left);
        return groups;
}

static unsigned smallest_with(const struct layouts *l, uint64_t groups)
{
        unsigned found = 0;

        for (unsigned i = 1; i < l->count; i++)
                if (!(groups & ~l->groups[i]) && l->sizes[i] < l->sizes[found])
                        found = i;
        return found;
}

unsigned layouts_find(struct layouts *l, uint64_t groups)
{
        if (groups == LAYOUTS_ALL)
                return 0;
        for (unsigned i = 1; i < l->count; i++)
                if (l->groups[i] == groups)
                        return i;
        if (l->count == LAYOUTS_MAX)
                return smallest_with(l, groups);
        lay_out(l, l->count, groups);
        return l->count++;
}

void layouts_transfer(struct layouts *l, struct transfer *t)
{
        unsigned count = l->count;

        TRANSFER(t, count);
        if (count == 0 || count > LAYOUTS_MAX)
                transfer_fail(t, "a list is too long");
        if (t->has_failed)
                return;
        for (unsigned i = 1; i < count; i++) {
                uint64_t groups = l->groups[i];
                TRANSFER(t, groups);
                lay_out(l, i, groups);
        }
        l->count = count;
}
