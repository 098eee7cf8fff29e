/* SPDX-License-Identifier: MIT */
#include "detect/bins.h"

#include <string.h>

#define NOTE_BITS   9
#define NOTE_MASK   ((1U << NOTE_BITS) - 1)
#define BIN_BITS    6 /* of a note; the others are the pane's cell */
#define BIN_MASK    ((1U << BIN_BITS) - 1)
#define NOTES       3 /* in a word */

_Static_assert(BINS_MAX == 1 << BIN_BITS && WINDOW_NEWEST == 1 << (NOTE_BITS - BIN_BITS) &&
                   BINS_EARLY == NOTES * BINS_WORDS && BINS_COUNT_SHIFT == NOTE_BITS * NOTES,
               "as struct bins says");

static unsigned count_of(const struct bins *b)
{
        return b->words[0] >> BINS_COUNT_SHIFT;
}

/* How many notes. */
static unsigned early_count(const struct bins *b)
{
        return count_of(b) == BINS_HAS_BLOCK ? 0 : count_of(b);
}

static unsigned note_at(const struct bins *b, unsigned i)
{
        return b->words[i / NOTES] >> i % NOTES * NOTE_BITS & NOTE_MASK;
}

/* One more, for which there is room. */
static void note_put(struct bins *b, unsigned note)
{
        unsigned i = count_of(b);

        b->words[i / NOTES] |= note << i % NOTES * NOTE_BITS;
        b->words[0] += 1U << BINS_COUNT_SHIFT;
}

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
        for (unsigned i = 0; i < early_count(b); i++)
                count(s, block, note_at(b, i) >> BIN_BITS, note_at(b, i) & BIN_MASK);
        *b = (struct bins){ { BINS_HAS_BLOCK << BINS_COUNT_SHIFT, block } };
        return true;
}

void bins_add(const struct bins_store *s, struct bins *b, int64_t pane, unsigned bin)
{
        unsigned cell = (unsigned)(pane % WINDOW_NEWEST);

        if (count_of(b) < BINS_EARLY)
                note_put(b, cell << BIN_BITS | bin);
        else if (bins_block(b) || grow(s, b))
                count(s, bins_block(b), cell, bin);
}

static void drop_notes(struct bins *b, unsigned cells)
{
        struct bins kept = { 0 };

        for (unsigned i = 0; i < early_count(b); i++)
                if (!(cells >> (note_at(b, i) >> BIN_BITS) & 1))
                        note_put(&kept, note_at(b, i));
        *b = kept;
}

static void drop_counts(const struct bins_store *s, struct bins *b, unsigned cells)
{
        uint32_t any = 0;

        for (unsigned cell = 0; cell < WINDOW_NEWEST; cell++) {
                uint32_t *row = row_of(s, bins_block(b), cell);
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
        if (bins_block(b))
                drop_counts(s, b, cells);
        else
                drop_notes(b, cells);
}

void bins_clear(const struct bins_store *s, struct bins *b)
{
        if (bins_block(b))
                budget_give(s->budget, bins_block(b));
        *b = (struct bins){ 0 };
}

uint64_t bins_sum(const struct bins_store *s, const struct bins *b,
                  uint64_t sums[BINS_MAX])
{
        uint64_t all = 0;

        memset(sums, 0, sizeof(*sums) * s->bins);
        for (unsigned i = 0; i < early_count(b); i++)
                sums[note_at(b, i) & BIN_MASK]++;
        for (unsigned cell = 0; bins_block(b) && cell < WINDOW_NEWEST; cell++) {
                const uint32_t *row = row_of(s, bins_block(b), cell);
                for (unsigned i = 0; i < s->bins; i++)
                        sums[i] += row[i];
        }
        for (unsigned i = 0; i < s->bins; i++)
                all += sums[i];
        return all;
}
