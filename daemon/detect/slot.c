/* SPDX-License-Identifier: MIT */
#include "detect/slot.h"

#include "detect/cold.h"
#include "detect/collisions.h"
#include "detect/slot_site.h"
#include "detect/table.h"

#include <math.h>

static const struct value *operand_of(const struct slot_place *p, struct facts *facts)
{
        return &facts_operand(facts, p->slot->operand)->value;
}

/* ---- counts ---- */

static void rotate_counts(const struct slot_place *p, int64_t from, int64_t to)
{
        struct window_counts *cells = p->cells;

        for (int64_t pane = from + 1; pane <= to; pane++)
                cells->cell[window_cell(pane)] = 0;
}

static void count_counts(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        uint32_t *count = &((struct window_counts *)p->cells)->cell[window_cell(pane)];

        (void)facts;
        *count += *count < UINT32_MAX;
}

static double value_counts(const struct slot_place *p)
{
        return window_counts_value(p->cells, p->clock);
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
            operand_of(p, facts)->number;
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
        struct window_bytes *cells = p->cells;

        for (int64_t pane = from + 1; pane <= to; pane++)
                memset(cells->cell[window_cell(pane)], 0, sizeof(cells->cell[0]));
}

static void count_bytes(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        window_bytes_add(p->cells, pane, facts->subject.record->response_bytes);
}

static double value_bytes(const struct slot_place *p)
{
        return (double)window_bytes_value(p->cells);
}

const struct slot_type slot_types[SLOT_KINDS] = {
        [SLOT_COUNT] = { sizeof(struct window_counts), 4, false, NULL, rotate_counts,
                         count_counts, value_counts, NULL },
        [SLOT_SUM] = { sizeof(struct window_sums), 8, false, NULL, rotate_sums,
                       count_sums, value_sums, NULL },
        [SLOT_MAX] = { sizeof(struct window_sums), 8, false, init_max, rotate_max,
                       count_max, value_max, NULL },
        [SLOT_DISTINCT] = { 0, 4, false, NULL, NULL, NULL, NULL, NULL },
        [SLOT_BYTES] = { sizeof(struct window_bytes), 2, false, NULL, rotate_bytes,
                         count_bytes, value_bytes, NULL },
        [SLOT_VIEWS] = { sizeof(struct window_counts), 4, false, NULL, rotate_counts,
                         slot_count_views, value_counts, NULL },
        [SLOT_COLD_VIEWS] = { sizeof(struct window_counts), 4, false, NULL, rotate_counts,
                              slot_count_cold_views, value_counts, NULL },
        [SLOT_COLD_SURGE] = { sizeof(struct cold_surge), 4, true, NULL, NULL,
                              slot_count_cold_surge, slot_value_cold_surge, NULL },
        [SLOT_COLLISIONS] = { sizeof(struct collisions), 4, false, NULL,
                              slot_rotate_collisions, slot_count_collisions,
                              slot_value_collisions, slot_clear_collisions },
};
