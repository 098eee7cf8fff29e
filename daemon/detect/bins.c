/* SPDX-License-Identifier: MIT */
#include "detect/bins.h"

#include <string.h>

#define PANE_SHIFT 8

static uint32_t *row_of(const struct bins_store *s, uint32_t block, unsigned cell)
{
        return (uint32_t *)budget_at(s->budget, block) + (size_t)cell * s->bins;
}

static void count(const struct bins_store *s, uint32_t block, unsigned cell, unsigned bin)
{
        uint32_t *counter = &row_of(s, block, cell)[bin];

        *counter += *counter < UINT32_MAX;
}

/* From notes to counts; false when the budget refuses. */
static bool grow(const struct bins_store *s, struct bins *b)
{
        size_t size = sizeof(uint32_t) * WINDOW_NEWEST * s->bins;
        uint32_t block =
            budget_take(s->budget, budget_class_of(s->budget, size), BUDGET_GROWTH);

        if (block == 0) {
                s->counters->windows_refused++;
                return false;
        }
        for (unsigned i = 0; i < b->early_count; i++)
                count(s, block, b->early[i] >> PANE_SHIFT,
                      b->early[i] & ((1U << PANE_SHIFT) - 1));
        *b = (struct bins){ .block = block };
        return true;
}

void bins_add(const struct bins_store *s, struct bins *b, int64_t pane, unsigned bin)
{
        unsigned cell = (unsigned)(pane % WINDOW_NEWEST);

        if (b->block == 0 && b->early_count < BINS_EARLY)
                b->early[b->early_count++] = (uint16_t)(cell << PANE_SHIFT | bin);
        else if (b->block || grow(s, b))
                count(s, b->block, cell, bin);
}

static void drop_notes(struct bins *b, unsigned cells)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < b->early_count; i++)
                if (!(cells >> (b->early[i] >> PANE_SHIFT) & 1))
                        b->early[kept++] = b->early[i];
        b->early_count = (uint16_t)kept;
}

static void drop_counts(const struct bins_store *s, struct bins *b, unsigned cells)
{
        uint32_t any = 0;

        for (unsigned cell = 0; cell < WINDOW_NEWEST; cell++) {
                uint32_t *row = row_of(s, b->block, cell);
                if (cells >> cell & 1)
                        memset(row, 0, sizeof(*row) * s->bins);
                for (unsigned i = 0; i < s->bins; i++)
                        any |= row[i];
        }
        if (any == 0)
                bins_clear(s, b);
}

void bins_rotate(const struct bins_store *s, struct bins *b, int64_t from, int64_t to)
{
        unsigned cells = 0;

        for (int64_t pane = to; pane > from && pane > to - WINDOW_NEWEST; pane--)
                cells |= 1U << pane % WINDOW_NEWEST;
        if (b->block)
                drop_counts(s, b, cells);
        else
                drop_notes(b, cells);
}

void bins_clear(const struct bins_store *s, struct bins *b)
{
        if (b->block)
                budget_give(s->budget, b->block);
        *b = (struct bins){ 0 };
}

uint64_t bins_sum(const struct bins_store *s, const struct bins *b,
                  uint64_t sums[BINS_MAX])
{
        uint64_t all = 0;

        memset(sums, 0, sizeof(*sums) * s->bins);
        for (unsigned i = 0; i < b->early_count; i++)
                sums[b->early[i] & ((1U << PANE_SHIFT) - 1)]++;
        for (unsigned cell = 0; b->block && cell < WINDOW_NEWEST; cell++) {
                const uint32_t *row = row_of(s, b->block, cell);
                for (unsigned i = 0; i < s->bins; i++)
                        sums[i] += row[i];
        }
        for (unsigned i = 0; i < s->bins; i++)
                all += sums[i];
        return all;
}
