/* SPDX-License-Identifier: MIT */
#include "detect/slot_site.h"

#include "detect/statistics.h"
#include "detect/table.h"

static const struct statistics *statistics_of(const struct slot_place *p)
{
        return p->table->statistics;
}

static const struct sight *sight_of(const struct slot_place *p)
{
        return &statistics_of(p)->sight;
}

static void count_one(const struct slot_place *p, const struct facts *facts, int64_t pane)
{
        window_counts_add_some(&p->table->windows, p->cells, pane, slot_weight(p, facts));
}

void slot_count_views(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        const struct sight *sight = sight_of(p);

        if (sight->is_view && sight->recency.cold != COLD_UNKNOWN)
                count_one(p, facts, pane);
}

void slot_count_cold_views(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        const struct sight *sight = sight_of(p);

        if (sight->is_view && sight->recency.cold == COLD_YES)
                count_one(p, facts, pane);
}

/* ---- cold_surge ---- */

static enum cold_of cold_of(const struct slot_place *p)
{
        return p->table->plan->is_of_one ? COLD_OF_ONE : COLD_OF_MANY;
}

static const struct cold_site *cold_site_of(const struct slot_place *p)
{
        return &statistics_population(statistics_of(p), p->slot)->cold[cold_of(p)];
}

void slot_count_cold_surge(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        const struct statistics *s = statistics_of(p);
        const struct cold_site *site = cold_site_of(p);

        (void)facts;
        (void)pane;
        cold_surge_advance(p->cells, site, statistics_spread(s, p->slot, p->table->plan));
        if (s->sight.counts_for[cold_of(p)])
                cold_surge_count(p->cells, site, s->sight.recency.level);
}

double slot_value_cold_surge(const struct slot_place *p)
{
        return cold_surge_value(
            p->cells, cold_site_of(p),
            statistics_spread(statistics_of(p), p->slot, p->table->plan));
}

/* ---- undercollision ---- */

void slot_rotate_collisions(const struct slot_place *p, int64_t from, int64_t to)
{
        collisions_rotate(p->cells, from, to);
}

void slot_count_collisions(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        const struct sight *sight = sight_of(p);

        (void)facts;
        if (sight->is_view && !sight->is_top)
                collisions_count(p->cells, p->table->budget, p->table->counters,
                                 sight->target, pane);
}

double slot_value_collisions(const struct slot_place *p)
{
        const struct population *population =
            statistics_population(statistics_of(p), p->slot);

        return collisions_value(p->cells, p->clock->pane,
                                collisions_site_rate(&population->collisions));
}

void slot_clear_collisions(const struct slot_place *p)
{
        collisions_clear(p->cells, p->table->budget);
}
