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

double window_counts_value(const struct window_counts *w, const struct window_clock *c)
{
        unsigned oldest = window_cell(c->pane - WINDOW_NEWEST);
        uint64_t sum = 0;

        for (unsigned i = 0; i < WINDOW_PANES; i++)
                sum += w->cell[i];
        return (double)(sum - w->cell[oldest]) +
               window_oldest_weight(c) * w->cell[oldest];
}

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

static uint64_t bytes_load(const uint8_t cell[6])
{
        uint64_t value = 0;

        memcpy(&value, cell, 6);
        return value;
}

uint64_t window_bytes_value(const struct window_bytes *w)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < WINDOW_PANES; i++)
                sum += bytes_load(w->cell[i]);
        return sum;
}

void window_bytes_add(struct window_bytes *w, int64_t pane, uint64_t bytes)
{
        uint8_t *cell = w->cell[window_cell(pane)];
        uint64_t sum = bytes_load(cell);

        sum = bytes > BYTES_MAX - sum ? BYTES_MAX : sum + bytes;
        memcpy(cell, &sum, 6);
}
