/* SPDX-License-Identifier: MIT */
#include "detect/slot.h"

#include "detect/table.h"

#include <math.h>

static const struct value *operand_of(const struct slot_place *p, struct facts *facts)
{
        return &facts_operand(facts, p->slot->operand)->value;
}

static const struct window_store *store_of(const struct slot_place *p)
{
        return &p->table->windows;
}

/* ---- counts ---- */

static void rotate_counts(const struct slot_place *p, int64_t from, int64_t to)
{
        window_counts_rotate(store_of(p), p->cells, from, to);
}

static void count_counts(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        (void)facts;
        window_counts_add(store_of(p), p->cells, pane);
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
};
