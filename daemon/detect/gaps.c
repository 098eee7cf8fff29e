/* SPDX-License-Identifier: MIT */
#include "detect/gaps.h"

#include "base/clock.h"
#include "detect/table.h"
#include "detect/topk.h"

#include <math.h>

#define NO_START    INT64_MIN
#define FIRST_SHIFT 4 /* the first bin ends at 1 << 4 ms */

unsigned gaps_bin(int64_t gap_ns)
{
        uint64_t units = (uint64_t)(gap_ns / NS_PER_MS) >> FIRST_SHIFT;
        unsigned bin = units ? 64 - (unsigned)__builtin_clzll(units) : 0;

        return bin < GAPS_BINS ? bin : GAPS_BINS - 1;
}

uint32_t gaps_second(int64_t gap_ns)
{
        return (uint32_t)((gap_ns + NS_PER_SEC / 2) / NS_PER_SEC);
}

double gaps_entropy(const uint64_t bins[], unsigned count, uint64_t all)
{
        double sum = 0;

        for (unsigned i = 0; i < count; i++)
                if (bins[i])
                        sum += (double)bins[i] * log2((double)bins[i]);
        return fmax(log2((double)all) - sum / (double)all, 0);
}

/* The gap that a request makes, or -1. */
static int64_t next_gap(const struct slot_place *p, const struct facts *facts,
                        int64_t pane)
{
        struct gaps_newest *newest = p->cells;
        struct gaps_newest last = *newest;
        int64_t start_ns = facts->subject.record->start_ns;

        if (p->clock->pane - pane >= WINDOW_NEWEST ||
            (last.start_ns != NO_START && start_ns < last.start_ns))
                return -1;
        *newest = (struct gaps_newest){ start_ns, (uint32_t)pane };
        return last.start_ns == NO_START ? -1 : start_ns - last.start_ns;
}

static void rotate_newest(const struct slot_place *p, int64_t to)
{
        struct gaps_newest *newest = p->cells;

        if ((uint32_t)to - newest->pane >= WINDOW_NEWEST)
                newest->start_ns = NO_START;
}

/* ---- entropy ---- */

static struct bins_store bins_store_of(const struct slot_place *p)
{
        return (struct bins_store){ p->table->budget, p->table->counters, GAPS_BINS };
}

void gaps_slot_init(const struct slot_place *p)
{
        *(struct gaps_newest *)p->cells = (struct gaps_newest){ NO_START, 0 };
}

void gaps_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        struct bins_store store = bins_store_of(p);

        rotate_newest(p, to);
        bins_rotate(&store, &((struct gaps *)p->cells)->bins, from, to);
}

void gaps_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        struct bins_store store = bins_store_of(p);
        int64_t gap_ns = next_gap(p, facts, pane);

        if (gap_ns >= 0)
                bins_add(&store, &((struct gaps *)p->cells)->bins, pane,
                         gaps_bin(gap_ns));
}

double gaps_slot_value(const struct slot_place *p)
{
        struct bins_store store = bins_store_of(p);
        uint64_t bins[BINS_MAX];
        uint64_t all = bins_sum(&store, &((const struct gaps *)p->cells)->bins, bins);

        return all < GAPS_NEEDED ? NAN : gaps_entropy(bins, GAPS_BINS, all);
}

void gaps_slot_clear(const struct slot_place *p)
{
        struct bins_store store = bins_store_of(p);

        bins_clear(&store, &((struct gaps *)p->cells)->bins);
}

/* ---- whole seconds ---- */

static struct topk_store topk_store_of(const struct slot_place *p)
{
        return (struct topk_store){ p->table->budget, p->table->counters };
}

static struct topk *seconds_of_gaps(const struct slot_place *p)
{
        const struct gap_seconds *g = p->cells;

        return g->block ? budget_at(p->table->budget, g->block) : NULL;
}

void gap_seconds_slot_clear(const struct slot_place *p)
{
        struct gap_seconds *g = p->cells;
        struct topk_store store = topk_store_of(p);

        if (g->block == 0)
                return;
        topk_clear(&store, seconds_of_gaps(p));
        budget_give(store.budget, g->block);
        g->block = 0;
}

void gap_seconds_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        struct topk_store store = topk_store_of(p);
        struct topk *seconds = seconds_of_gaps(p);

        rotate_newest(p, to);
        if (!seconds)
                return;
        topk_rotate(&store, seconds, from, to);
        if (topk_total(seconds) == 0)
                gap_seconds_slot_clear(p);
}

void gap_seconds_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        struct gap_seconds *g = p->cells;
        struct topk_store store = topk_store_of(p);
        int64_t gap_ns = next_gap(p, facts, pane);

        if (gap_ns < 0)
                return;
        if (g->block == 0)
                g->block = budget_take(store.budget,
                                       budget_class_of(store.budget, sizeof(struct topk)),
                                       BUDGET_GROWTH);
        if (g->block == 0)
                store.counters->windows_refused++;
        else
                topk_add(&store, seconds_of_gaps(p), pane, gaps_second(gap_ns));
}

double gap_seconds_slot_value(const struct slot_place *p)
{
        struct topk_store store = topk_store_of(p);
        const struct topk *seconds = seconds_of_gaps(p);

        if (!seconds || topk_total(seconds) < GAPS_NEEDED)
                return NAN;
        return topk_share(&store, seconds);
}
