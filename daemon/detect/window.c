/* SPDX-License-Identifier: MIT */
#include "detect/window.h"

#include "base/check.h"

#include <math.h>
#include <string.h>

#define BYTES_MAX ((UINT64_C(1) << 48) - 1)

static int64_t floor_div(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
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

int64_t window_pane_of(const struct window_clock *c, int64_t time_ns)
{
        return time_ns >= c->begin_ns ? c->pane : floor_div(time_ns, c->pane_ns);
}

void window_store_init(struct window_store *s, struct budget *budget,
                       struct counters *counters)
{
        *s = (struct window_store){ .budget = budget, .counters = counters };
        s->wide_class = budget_class_of(budget, sizeof(struct window_wide));
        s->bytes_class = budget_class_of(budget, sizeof(struct window_bytes_wide));
}

/* ---- counts ---- */

static struct window_wide *wide_of(const struct window_store *s,
                                   const struct window_counts *w)
{
        uint32_t block;

        memcpy(&block, w->block, sizeof(block));
        return budget_at(s->budget, block);
}

static bool widen(const struct window_store *s, struct window_counts *w)
{
        uint32_t block = budget_take(s->budget, s->wide_class, BUDGET_GROWTH);

        if (block == 0) {
                s->counters->windows_refused++;
                return false;
        }
        struct window_wide *wide = budget_at(s->budget, block);
        for (unsigned i = 0; i < WINDOW_PANES; i++)
                wide->cell[i] = w->cell[i];
        memcpy(w->block, &block, sizeof(block));
        w->is_wide = true;
        return true;
}

void window_counts_add(const struct window_store *s, struct window_counts *w,
                       int64_t pane)
{
        unsigned i = window_cell(pane);

        if (!w->is_wide) {
                if (w->cell[i] < UINT8_MAX) {
                        w->cell[i]++;
                        return;
                }
                if (!widen(s, w))
                        return;
        }
        uint32_t *cell = &wide_of(s, w)->cell[i];
        *cell += *cell < UINT32_MAX;
}

void window_counts_clear(const struct window_store *s, struct window_counts *w)
{
        if (w->is_wide)
                budget_give(s->budget, budget_handle(s->budget, wide_of(s, w)));
        *w = (struct window_counts){ 0 };
}

void window_counts_rotate(const struct window_store *s, struct window_counts *w,
                          int64_t from, int64_t to)
{
        uint32_t any = 0;

        if (!w->is_wide) {
                for (int64_t pane = from + 1; pane <= to; pane++)
                        w->cell[window_cell(pane)] = 0;
                return;
        }
        struct window_wide *wide = wide_of(s, w);
        for (int64_t pane = from + 1; pane <= to; pane++)
                wide->cell[window_cell(pane)] = 0;
        for (unsigned i = 0; i < WINDOW_PANES; i++)
                any |= wide->cell[i];
        if (any == 0)
                window_counts_clear(s, w);
}

double window_counts_value(const struct window_store *s, const struct window_counts *w,
                           const struct window_clock *c)
{
        unsigned oldest = window_cell(c->pane - WINDOW_NEWEST);
        const struct window_wide *wide = w->is_wide ? wide_of(s, w) : NULL;
        uint32_t last = wide ? wide->cell[oldest] : w->cell[oldest];
        uint64_t sum = 0;

        for (unsigned i = 0; i < WINDOW_PANES; i++)
                sum += wide ? wide->cell[i] : w->cell[i];
        return (double)(sum - last) + window_oldest_weight(c) * last;
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

static struct window_bytes_wide *bytes_of(const struct window_store *s,
                                          const struct window_bytes *w)
{
        return budget_at(s->budget, w->value);
}

static uint64_t bytes_load(const uint8_t cell[6])
{
        uint64_t value = 0;

        memcpy(&value, cell, 6);
        return value;
}

static void bytes_put(uint8_t cell[6], uint64_t bytes)
{
        uint64_t sum = bytes_load(cell);

        sum = bytes > BYTES_MAX - sum ? BYTES_MAX : sum + bytes;
        memcpy(cell, &sum, 6);
}

uint64_t window_bytes_value(const struct window_store *s, const struct window_bytes *w)
{
        uint64_t sum = 0;

        if (!w->is_wide)
                return w->value;
        for (unsigned i = 0; i < WINDOW_PANES; i++)
                sum += bytes_load(bytes_of(s, w)->cell[i]);
        return sum;
}

static bool bytes_widen(const struct window_store *s, struct window_bytes *w)
{
        uint32_t block = budget_take(s->budget, s->bytes_class, BUDGET_GROWTH);

        if (block == 0) {
                s->counters->windows_refused++;
                return false;
        }
        struct window_bytes_wide *wide = budget_at(s->budget, block);
        bytes_put(wide->cell[w->cell], w->value);
        w->value = block;
        w->is_wide = true;
        return true;
}

void window_bytes_add(const struct window_store *s, struct window_bytes *w, int64_t pane,
                      uint64_t bytes)
{
        unsigned i = window_cell(pane);

        if (bytes == 0)
                return;
        if (!w->is_wide) {
                bool fits = bytes <= UINT32_MAX - w->value;
                if (w->value == 0)
                        w->cell = (uint8_t)i;
                if (fits && w->cell == i) {
                        w->value += (uint32_t)bytes;
                        return;
                }
                if (!bytes_widen(s, w)) {
                        w->value = fits ? w->value + (uint32_t)bytes : UINT32_MAX;
                        return;
                }
        }
        bytes_put(bytes_of(s, w)->cell[i], bytes);
}

void window_bytes_clear(const struct window_store *s, struct window_bytes *w)
{
        if (w->is_wide)
                budget_give(s->budget, w->value);
        *w = (struct window_bytes){ 0 };
}

void window_bytes_rotate(const struct window_store *s, struct window_bytes *w,
                         int64_t from, int64_t to)
{
        for (int64_t pane = from + 1; pane <= to; pane++) {
                unsigned i = window_cell(pane);
                if (w->is_wide)
                        memset(bytes_of(s, w)->cell[i], 0, 6);
                else if (w->cell == i)
                        w->value = 0;
        }
        if (w->is_wide && window_bytes_value(s, w) == 0)
                window_bytes_clear(s, w);
}
