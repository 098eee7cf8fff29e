/* SPDX-License-Identifier: MIT */
#include "detect/window.h"

#include "base/check.h"

#include <math.h>
#include <string.h>

/* Widths of cells in blocks, in bytes. */
enum { COUNT_NARROW = 1, COUNT_WIDE = 4 };
static const unsigned byte_widths[] = { 2, 3, 6 };

/* A block for the bytes of five panes: 20 bits each, and which it is. Its "width". */
#define BYTES_FEW   5U
#define FEW_PANES   5U
#define FEW_CELL    3U /* bytes */
#define FEW_BITS    20
#define FEW_MAX     ((1U << FEW_BITS) - 1)

#define BYTES_MAX   ((UINT64_C(1) << 48) - 1)
#define NIBBLE_MAX  15U
#define NIBBLES_ALL ((UINT64_C(1) << 4 * WINDOW_PANES) - 1)
#define CELLS_ALL   ((1U << WINDOW_PANES) - 1)
#define WORD_BYTES  0xffffffU /* of a word: what a pane has */
#define BYTES_BLOCK 16U       /* from here on a word's upper part says a width */

static int64_t floor_div(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
}

int64_t window_common_unit(int64_t a_ns, int64_t b_ns)
{
        while (b_ns) {
                int64_t rest = a_ns % b_ns;
                a_ns = b_ns;
                b_ns = rest;
        }
        return a_ns;
}

void window_clock_init(struct window_clock *c, int64_t window_ns)
{
        CHECK(window_ns > 0 && window_ns % WINDOW_NEWEST == 0);
        *c = (struct window_clock){ .window_ns = window_ns,
                                    .pane_ns = window_ns / WINDOW_NEWEST,
                                    .begin_ns = INT64_MAX,
                                    .end_ns = INT64_MIN };
}

void window_clock_set(struct window_clock *c, int64_t now_ns)
{
        if (now_ns >= c->end_ns || now_ns < c->begin_ns) {
                c->pane = floor_div(now_ns, c->pane_ns);
                c->begin_ns = c->pane * c->pane_ns;
                c->end_ns = c->begin_ns + c->pane_ns;
        }
        c->now_ns = now_ns;
}

int64_t window_pane_before(const struct window_clock *c, int64_t time_ns)
{
        return floor_div(time_ns, c->pane_ns);
}

/* A bit for each cell whose pane begins: those of panes from + 1 to `to`. */
static uint32_t cells_begun(int64_t from, int64_t to)
{
        if (to - from >= WINDOW_PANES)
                return CELLS_ALL;
        uint32_t cells = ((1U << (to - from)) - 1) << window_cell(from + 1);
        return (cells | cells >> WINDOW_PANES) & CELLS_ALL;
}

/* The same, four bits for each. */
static uint64_t nibbles_begun(int64_t from, int64_t to)
{
        if (to - from >= WINDOW_PANES)
                return NIBBLES_ALL;
        uint64_t cells = ((UINT64_C(1) << 4 * (to - from)) - 1)
                         << 4 * window_cell(from + 1);
        return (cells | cells >> 4 * WINDOW_PANES) & NIBBLES_ALL;
}

void window_store_init(struct window_store *s, struct budget *budget,
                       struct counters *counters)
{
        *s = (struct window_store){ .budget = budget, .counters = counters };
        s->classes[COUNT_NARROW] = budget_class_of(budget, WINDOW_PANES * COUNT_NARROW);
        s->classes[COUNT_WIDE] = budget_class_of(budget, WINDOW_PANES * COUNT_WIDE);
        for (unsigned i = 0; i < sizeof(byte_widths) / sizeof(*byte_widths); i++)
                s->classes[byte_widths[i]] =
                    budget_class_of(budget, (size_t)WINDOW_PANES * byte_widths[i]);
        s->classes[BYTES_FEW] = budget_class_of(budget, (size_t)FEW_PANES * FEW_CELL);
}

/* ---- a block of cells ---- */

/* `width` 0: there is none. */
struct block {
        uint8_t *cells;
        uint32_t handle;
        unsigned width;
};

static struct block block_at(const struct window_store *s, uint32_t handle,
                             unsigned width)
{
        return (struct block){ budget_at(s->budget, handle), handle, width };
}

static uint64_t block_max(const struct block *b)
{
        return (UINT64_C(1) << 8 * b->width) - 1;
}

/*
 * Cells are read and written as words of eight bytes: blocks are a multiple of that, and
 * with each width the last cell's word ends within. Bytes behind the cells stay zero.
 */
#define WORD_FITS(width)                                                  \
        _Static_assert((WINDOW_PANES - 1) * (width) + sizeof(uint64_t) <= \
                           ((size_t)WINDOW_PANES * (width) + 7) / 8 * 8,  \
                       "a word from the last cell on is in the block")
WORD_FITS(1);
WORD_FITS(2);
WORD_FITS(3);
WORD_FITS(4);
WORD_FITS(6);

static uint64_t word_load(const uint8_t *at)
{
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        return word;
}

static uint64_t block_load(const struct block *b, unsigned i)
{
        return word_load(b->cells + (size_t)i * b->width) & block_max(b);
}

static void block_put(const struct block *b, unsigned i, uint64_t value)
{
        uint8_t *at = b->cells + (size_t)i * b->width;
        uint64_t word = (word_load(at) & ~block_max(b)) | value;

        memcpy(at, &word, sizeof(word));
}

/* What does not fit is lost. */
static void block_add(const struct block *b, unsigned i, uint64_t more)
{
        uint64_t sum = block_load(b, i);

        block_put(b, i, more > block_max(b) - sum ? block_max(b) : sum + more);
}

static uint64_t block_sum(const struct block *b)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < WINDOW_PANES; i++)
                sum += block_load(b, i);
        return sum;
}

static bool block_has_any(const struct block *b)
{
        uint64_t any = 0;

        for (unsigned at = 0; at < WINDOW_PANES * b->width; at += sizeof(any))
                any |= word_load(b->cells + at);
        return any;
}

/* Panes from + 1 to `to` begin. False when nothing is left. */
static bool block_rotate(const struct block *b, int64_t from, int64_t to)
{
        for (uint32_t cells = cells_begun(from, to); cells; cells &= cells - 1)
                block_put(b, (unsigned)__builtin_ctz(cells), 0);
        return block_has_any(b);
}

/* An empty one; a counter says so when the budget refuses. */
static bool block_take(const struct window_store *s, unsigned width, struct block *b)
{
        uint32_t handle = budget_take(s->budget, s->classes[width], BUDGET_GROWTH);

        if (handle)
                *b = block_at(s, handle, width);
        else
                s->counters->windows_refused++;
        return handle;
}

static bool block_widen(const struct window_store *s, unsigned width, struct block *b)
{
        struct block wide;

        if (!block_take(s, width, &wide))
                return false;
        for (unsigned i = 0; i < WINDOW_PANES; i++)
                block_add(&wide, i, block_load(b, i));
        budget_give(s->budget, b->handle);
        *b = wide;
        return true;
}

/* ---- counts ---- */

/* 36 bits: the cells; four more: the width of those in the block. */
static uint64_t counts_load(const struct window_counts *w)
{
        uint64_t cells = 0;

        memcpy(&cells, w->cells, sizeof(w->cells));
        return cells;
}

static void counts_put(struct window_counts *w, uint64_t cells)
{
        memcpy(w->cells, &cells, sizeof(w->cells));
}

static unsigned nibble_of(uint64_t cells, unsigned i)
{
        return (unsigned)(cells >> 4 * i) & NIBBLE_MAX;
}

static struct block counts_block(const struct window_store *s,
                                 const struct window_counts *w)
{
        uint64_t cells = counts_load(w);

        return block_at(s, (uint32_t)cells, nibble_of(cells, WINDOW_PANES));
}

static bool has_block(const struct window_counts *w)
{
        return nibble_of(counts_load(w), WINDOW_PANES);
}

static void counts_use(struct window_counts *w, const struct block *b)
{
        counts_put(w, (uint64_t)b->width << 4 * WINDOW_PANES | b->handle);
}

/* From the entry to a block. */
static bool counts_leave(const struct window_store *s, struct window_counts *w)
{
        uint64_t cells = counts_load(w);
        struct block b;

        if (!block_take(s, COUNT_NARROW, &b))
                return false;
        for (unsigned i = 0; i < WINDOW_PANES; i++)
                block_add(&b, i, nibble_of(cells, i));
        counts_use(w, &b);
        return true;
}

void window_counts_add_some(const struct window_store *s, struct window_counts *w,
                            int64_t pane, unsigned some)
{
        unsigned i = window_cell(pane);

        if (!has_block(w)) {
                uint64_t cells = counts_load(w);
                unsigned room = NIBBLE_MAX - nibble_of(cells, i);
                bool fits = some <= room;
                if (fits || !counts_leave(s, w)) {
                        counts_put(w, cells + ((uint64_t)(fits ? some : room) << 4 * i));
                        return;
                }
        }
        struct block b = counts_block(s, w);
        if (b.width == COUNT_NARROW && some > block_max(&b) - block_load(&b, i) &&
            block_widen(s, COUNT_WIDE, &b))
                counts_use(w, &b);
        block_add(&b, i, some);
}

void window_counts_clear(const struct window_store *s, struct window_counts *w)
{
        if (has_block(w))
                budget_give(s->budget, counts_block(s, w).handle);
        *w = (struct window_counts){ 0 };
}

void window_counts_rotate(const struct window_store *s, struct window_counts *w,
                          int64_t from, int64_t to)
{
        if (has_block(w)) {
                struct block b = counts_block(s, w);
                if (!block_rotate(&b, from, to))
                        window_counts_clear(s, w);
                return;
        }
        counts_put(w, counts_load(w) & ~nibbles_begun(from, to));
}

static unsigned nibbles_sum(uint64_t cells)
{
        uint64_t pairs =
            (cells & UINT64_C(0x0f0f0f0f0f)) + (cells >> 4 & UINT64_C(0x0f0f0f0f));

        return (pairs * UINT64_C(0x0101010101) >> 32) & 0xff;
}

double window_counts_value(const struct window_store *s, const struct window_counts *w,
                           const struct window_clock *c)
{
        unsigned oldest = window_cell(c->pane - WINDOW_NEWEST);
        uint64_t last, sum;

        if (has_block(w)) {
                struct block b = counts_block(s, w);
                last = block_load(&b, oldest);
                sum = block_sum(&b);
        } else {
                last = nibble_of(counts_load(w), oldest);
                sum = nibbles_sum(counts_load(w));
        }
        return (double)(sum - last) + window_oldest_weight(c) * (double)last;
}

/* ---- sums ---- */

double window_sums_value(const struct window_sums *w, const struct window_clock *c)
{
        double sum =
            window_oldest_weight(c) * w->cell[window_cell(c->pane - WINDOW_NEWEST)];

        /* From old to new, so that the same cells always give the same rounding. */
        for (int64_t i = WINDOW_NEWEST - 1; i >= 0; i--)
                sum += w->cell[window_cell(c->pane - i)];
        return sum;
}

bool window_sums_max(const struct window_sums *w, const struct window_clock *c,
                     double *max)
{
        bool any = false;

        for (int64_t i = 0; i < WINDOW_NEWEST; i++) {
                double value = w->cell[window_cell(c->pane - i)];
                if (isnan(value) || (any && value <= *max))
                        continue;
                *max = value;
                any = true;
        }
        return any;
}

/* ---- bytes ---- */

static unsigned bytes_width(const struct window_bytes *w)
{
        uint32_t mark = w->words[0] >> 24;

        return mark < BYTES_BLOCK ? 0 : mark - BYTES_BLOCK;
}

static struct block bytes_block(const struct window_store *s,
                                const struct window_bytes *w)
{
        return block_at(s, w->words[1], bytes_width(w));
}

static void bytes_use(struct window_bytes *w, const struct block *b)
{
        w->words[0] = (BYTES_BLOCK + b->width) << 24;
        w->words[1] = b->handle;
}

/* ---- bytes of a few panes: which one of them in the upper bits, from 1 on, or 0 ---- */

static uint32_t few_load(const struct block *b, unsigned i)
{
        uint32_t cell = 0;

        memcpy(&cell, b->cells + (size_t)i * FEW_CELL, FEW_CELL);
        return cell;
}

static void few_put(const struct block *b, unsigned i, uint32_t cell)
{
        memcpy(b->cells + (size_t)i * FEW_CELL, &cell, FEW_CELL);
}

/* Where the pane stands, or one that is free; FEW_PANES: there is none. */
static unsigned few_find(const struct block *b, unsigned pane)
{
        unsigned found = FEW_PANES;

        for (unsigned i = 0; i < FEW_PANES; i++) {
                uint32_t cell = few_load(b, i);
                if (cell >> FEW_BITS == pane + 1)
                        return i;
                if (cell == 0 && found == FEW_PANES)
                        found = i;
        }
        return found;
}

static bool few_add(const struct block *b, unsigned pane, uint64_t bytes)
{
        unsigned i = few_find(b, pane);

        if (i == FEW_PANES || bytes > FEW_MAX - (few_load(b, i) & FEW_MAX))
                return false;
        few_put(b, i,
                (pane + 1) << FEW_BITS | ((few_load(b, i) & FEW_MAX) + (uint32_t)bytes));
        return true;
}

static void few_crowd(const struct block *b, unsigned pane, uint64_t bytes)
{
        unsigned i = few_find(b, pane) % FEW_PANES;
        uint32_t cell = few_load(b, i), room = FEW_MAX - (cell & FEW_MAX);

        if (cell == 0)
                cell = (pane + 1) << FEW_BITS;
        few_put(b, i, cell + (bytes < room ? (uint32_t)bytes : room));
}

static uint64_t few_sum(const struct block *b)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < FEW_PANES; i++)
                sum += few_load(b, i) & FEW_MAX;
        return sum;
}

/* Panes from + 1 to `to` begin. False when nothing is left. */
static bool few_rotate(const struct block *b, int64_t from, int64_t to)
{
        uint32_t begun = cells_begun(from, to), any = 0;

        for (unsigned i = 0; i < FEW_PANES; i++) {
                uint32_t cell = few_load(b, i);
                if (cell && begun >> ((cell >> FEW_BITS) - 1) & 1)
                        few_put(b, i, cell = 0);
                any |= cell;
        }
        return any;
}

void window_bytes_prefetch(const struct window_store *s, const struct window_bytes *w)
{
        if (bytes_width(w) && !window_bytes_are_twin(w))
                __builtin_prefetch(budget_at(s->budget, w->words[1]), 1);
}

uint64_t window_bytes_value(const struct window_store *s, const struct window_bytes *w)
{
        if (bytes_width(w) == 0)
                return (uint64_t)(w->words[0] & WORD_BYTES) + (w->words[1] & WORD_BYTES);
        struct block b = bytes_block(s, w);
        return b.width == BYTES_FEW ? few_sum(&b) : block_sum(&b);
}

/* The width of cells that hold as much. */
static unsigned width_for(uint64_t bytes)
{
        unsigned i = 0;

        while (i < sizeof(byte_widths) / sizeof(*byte_widths) - 1 &&
               bytes >> 8 * byte_widths[i])
                i++;
        return byte_widths[i];
}

/* The word of a pane, or one that is free; NULL: both are others'. */
static uint32_t *word_of(struct window_bytes *w, unsigned cell)
{
        for (unsigned i = 0; i < 2; i++)
                if (w->words[i] >> 24 == cell + 1)
                        return &w->words[i];
        for (unsigned i = 0; i < 2; i++)
                if (w->words[i] == 0)
                        return &w->words[i];
        return NULL;
}

static bool add_in_word(struct window_bytes *w, unsigned cell, uint64_t bytes)
{
        uint32_t *word = word_of(w, cell);

        if (!word || bytes > WORD_BYTES - (*word & WORD_BYTES))
                return false;
        *word = (cell + 1) << 24 | ((*word & WORD_BYTES) + (uint32_t)bytes);
        return true;
}

/* From the entry to a block that has room for `bytes` more in that pane. */
static bool bytes_leave(const struct window_store *s, struct window_bytes *w,
                        unsigned cell, uint64_t bytes)
{
        uint64_t most = bytes;
        struct block b;

        for (unsigned i = 0; i < 2; i++) {
                uint64_t held = w->words[i] & WORD_BYTES;
                held += w->words[i] >> 24 == cell + 1 ? bytes : 0;
                most = held > most ? held : most;
        }
        if (!block_take(s, most <= FEW_MAX ? BYTES_FEW : width_for(most), &b))
                return false;
        for (unsigned i = 0; i < 2; i++) {
                unsigned pane = (w->words[i] >> 24) - 1;
                if (w->words[i] == 0)
                        continue;
                if (b.width == BYTES_FEW)
                        few_add(&b, pane, w->words[i] & WORD_BYTES);
                else
                        block_add(&b, pane, w->words[i] & WORD_BYTES);
        }
        bytes_use(w, &b);
        return true;
}

/* From a block of a few panes to one of all, with room for `bytes` more in that one. */
static bool few_leave(const struct window_store *s, struct window_bytes *w, unsigned pane,
                      uint64_t bytes)
{
        struct block few = bytes_block(s, w), b;
        uint64_t most = bytes;

        for (unsigned i = 0; i < FEW_PANES; i++) {
                uint64_t held = few_load(&few, i) & FEW_MAX;
                held += few_load(&few, i) >> FEW_BITS == pane + 1 ? bytes : 0;
                most = held > most ? held : most;
        }
        if (!block_take(s, width_for(most), &b))
                return false;
        for (unsigned i = 0; i < FEW_PANES; i++)
                if (few_load(&few, i))
                        block_add(&b, (few_load(&few, i) >> FEW_BITS) - 1,
                                  few_load(&few, i) & FEW_MAX);
        budget_give(s->budget, few.handle);
        bytes_use(w, &b);
        return true;
}

static void crowd_in_word(struct window_bytes *w, unsigned cell, uint64_t bytes)
{
        uint32_t *word = word_of(w, cell);

        if (!word)
                word = &w->words[0];
        uint32_t held = *word & WORD_BYTES, mark = *word >> 24;
        uint32_t room = WORD_BYTES - held;
        *word = (mark ? mark : cell + 1) << 24 |
                (held + (bytes < room ? (uint32_t)bytes : room));
}

void window_bytes_add(const struct window_store *s, struct window_bytes *w, int64_t pane,
                      uint64_t bytes)
{
        unsigned i = window_cell(pane);

        if (bytes == 0)
                return;
        if (bytes > BYTES_MAX)
                bytes = BYTES_MAX;
        if (bytes_width(w) == 0) {
                if (add_in_word(w, i, bytes))
                        return;
                if (!bytes_leave(s, w, i, bytes)) {
                        crowd_in_word(w, i, bytes);
                        return;
                }
        }
        struct block b = bytes_block(s, w);
        if (b.width == BYTES_FEW) {
                if (few_add(&b, i, bytes))
                        return;
                if (!few_leave(s, w, i, bytes)) {
                        few_crowd(&b, i, bytes);
                        return;
                }
                b = bytes_block(s, w);
        }
        uint64_t room = block_max(&b) - block_load(&b, i);
        if (bytes > room && width_for(bytes + block_load(&b, i)) > b.width &&
            block_widen(s, width_for(bytes + block_load(&b, i)), &b))
                bytes_use(w, &b);
        block_add(&b, i, bytes);
}

void window_bytes_copy(const struct window_store *s, const struct window_bytes *from,
                       struct window_bytes *to)
{
        struct block b, copy;

        if (bytes_width(from) == 0) {
                *to = *from;
                return;
        }
        b = bytes_block(s, from);
        if (!block_take(s, b.width, &copy))
                return;
        memcpy(copy.cells, b.cells,
               b.width == BYTES_FEW ? FEW_PANES * FEW_CELL : WINDOW_PANES * b.width);
        bytes_use(to, &copy);
}

void window_bytes_clear(const struct window_store *s, struct window_bytes *w)
{
        if (bytes_width(w) && !window_bytes_are_twin(w))
                budget_give(s->budget, w->words[1]);
        *w = (struct window_bytes){ { 0 } };
}

void window_bytes_rotate(const struct window_store *s, struct window_bytes *w,
                         int64_t from, int64_t to)
{
        if (bytes_width(w)) {
                struct block b = bytes_block(s, w);
                if (b.width == BYTES_FEW ? !few_rotate(&b, from, to)
                                         : !block_rotate(&b, from, to))
                        window_bytes_clear(s, w);
                return;
        }
        uint32_t marks = cells_begun(from, to) << 1;
        for (unsigned i = 0; i < 2; i++)
                if (marks >> (w->words[i] >> 24) & 1)
                        w->words[i] = 0;
}
