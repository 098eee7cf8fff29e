/* SPDX-License-Identifier: MIT */
#include "detect/slot.h"

#include "detect/cold.h"
#include "detect/collisions.h"
#include "detect/gaps.h"
#include "detect/skew.h"
#include "detect/slot_site.h"
#include "detect/steps.h"
#include "detect/synchrony.h"
#include "detect/table.h"
#include "detect/topk.h"
#include "detect/unfetched.h"

#include <math.h>

static const struct value *operand_of(const struct slot_place *p, struct facts *facts)
{
        return &facts_operand(facts, p->slot->operand)->value;
}

static const struct window_store *store_of(const struct slot_place *p)
{
        return &p->table->windows;
}

unsigned slot_weight(const struct slot_place *p, const struct facts *facts)
{
        return table_weight(p->table, facts->subject.record);
}

/* ---- counts ---- */

static void rotate_counts(const struct slot_place *p, int64_t from, int64_t to)
{
        window_counts_rotate(store_of(p), p->cells, from, to);
}

static void count_counts(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        window_counts_add_some(store_of(p), p->cells, pane, slot_weight(p, facts));
}

static double value_counts(const struct slot_place *p)
{
        return window_counts_value(store_of(p), p->cells, p->clock);
}

static void clear_counts(const struct slot_place *p)
{
        window_counts_clear(store_of(p), p->cells);
}

/* ---- sums ---- */

static void fill_sums(const struct slot_place *p, int64_t from, int64_t to, double with)
{
        struct window_sums *cells = p->cells;

        for (int64_t pane = from + 1; pane <= to; pane++)
                cells->cell[window_cell(pane)] = with;
}

static void rotate_sums(const struct slot_place *p, int64_t from, int64_t to)
{
        fill_sums(p, from, to, 0);
}

static void count_sums(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        ((struct window_sums *)p->cells)->cell[window_cell(pane)] +=
            operand_of(p, facts)->number * slot_weight(p, facts);
}

static double value_sums(const struct slot_place *p)
{
        return window_sums_value(p->cells, p->clock);
}

/* ---- largest values ---- */

static void init_max(const struct slot_place *p)
{
        fill_sums(p, -1, WINDOW_PANES - 1, NAN);
}

static void rotate_max(const struct slot_place *p, int64_t from, int64_t to)
{
        fill_sums(p, from, to, NAN);
}

static void count_max(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        double *max = &((struct window_sums *)p->cells)->cell[window_cell(pane)];
        double number = operand_of(p, facts)->number;

        if (!(*max >= number))
                *max = number;
}

static double value_max(const struct slot_place *p)
{
        double max;

        return window_sums_max(p->cells, p->clock, &max) ? max : NAN;
}

/* ---- bytes ---- */

static void rotate_bytes(const struct slot_place *p, int64_t from, int64_t to)
{
        window_bytes_rotate(store_of(p), p->cells, from, to);
}

static void count_bytes(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        window_bytes_add(store_of(p), p->cells, pane,
                         facts->subject.record->response_bytes);
}

static double value_bytes(const struct slot_place *p)
{
        return (double)window_bytes_value(store_of(p), p->cells);
}

static void clear_bytes(const struct slot_place *p)
{
        window_bytes_clear(store_of(p), p->cells);
}

/* ---- surges ---- */

static struct surge_usual *usual_of(const struct slot_place *p)
{
        return &p->table->surges[p->slot->shared];
}

static void count_surge(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        (void)pane;
        surge_add(usual_of(p), p->cells, p->slot->ratio, facts->subject.record->end_ns);
}

static double value_surge(const struct slot_place *p)
{
        return surge_value(usual_of(p), p->cells);
}

const struct slot_type slot_types[SLOT_KINDS] = {
        [SLOT_COUNT] = { sizeof(struct window_counts), 1, false, NULL, rotate_counts,
                         count_counts, value_counts, clear_counts },
        [SLOT_SUM] = { sizeof(struct window_sums), 8, false, NULL, rotate_sums,
                       count_sums, value_sums, NULL },
        [SLOT_MAX] = { sizeof(struct window_sums), 8, false, init_max, rotate_max,
                       count_max, value_max, NULL },
        [SLOT_DISTINCT] = { 0, 4, false, NULL, NULL, NULL, NULL, NULL },
        [SLOT_BYTES] = { sizeof(struct window_bytes), 4, false, NULL, rotate_bytes,
                         count_bytes, value_bytes, clear_bytes },
        [SLOT_TOP] = { sizeof(struct topk), 4, false, NULL, topk_slot_rotate,
                       topk_slot_count, topk_slot_value, topk_slot_clear },
        [SLOT_GAPS] = { sizeof(struct gaps), 4, false, gaps_slot_init, gaps_slot_rotate,
                        gaps_slot_count, gaps_slot_value, gaps_slot_clear },
        [SLOT_GAP_SECONDS] = { sizeof(struct gap_seconds), 4, false, gaps_slot_init,
                               gap_seconds_slot_rotate, gap_seconds_slot_count,
                               gap_seconds_slot_value, gap_seconds_slot_clear },
        [SLOT_STEPS] = { sizeof(struct steps), 4, false, steps_slot_init,
                         steps_slot_rotate, steps_slot_count, steps_slot_value,
                         steps_slot_clear },
        [SLOT_SKEW] = { sizeof(struct bins), 4, false, NULL, skew_slot_rotate,
                        skew_slot_count, skew_slot_value, skew_slot_clear },
        [SLOT_SURGE] = { sizeof(struct surge), 8, true, NULL, NULL, count_surge,
                         value_surge, NULL },
        [SLOT_VIEWS] = { sizeof(struct window_counts), 1, false, NULL, rotate_counts,
                         slot_count_views, value_counts, clear_counts },
        [SLOT_COLD_VIEWS] = { sizeof(struct window_counts), 1, false, NULL, rotate_counts,
                              slot_count_cold_views, value_counts, clear_counts },
        [SLOT_COLD_SURGE] = { sizeof(struct cold_surge), 4, true, NULL, NULL,
                              slot_count_cold_surge, slot_value_cold_surge, NULL },
        [SLOT_COLLISIONS] = { sizeof(struct collisions), 4, false, NULL,
                              slot_rotate_collisions, slot_count_collisions,
                              slot_value_collisions, slot_clear_collisions },
        [SLOT_UNFETCHED] = { sizeof(struct unfetched), 8, false, NULL,
                             unfetched_slot_rotate, unfetched_slot_count,
                             unfetched_slot_value, NULL },
        [SLOT_SYNCHRONY] = { sizeof(struct synchrony), 4, false, NULL, NULL,
                             synchrony_slot_count, synchrony_slot_value,
                             synchrony_slot_clear },
};
