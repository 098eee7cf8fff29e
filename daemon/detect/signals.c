/* SPDX-License-Identifier: MIT */
#include "detect/signals.h"

#include <math.h>

#define SIZE_STEP 16 /* bytes */

/* Times are kept one nanosecond late, so that 0 is "never". */
static const int64_t *times_of(const struct signals *s, const struct budget *budget)
{
        return budget_at(budget, s->block);
}

size_t signals_size(unsigned count)
{
        size_t size = sizeof(int64_t);

        while (size < count * sizeof(int64_t))
                size += size < SIZE_STEP ? size : SIZE_STEP;
        return size;
}

bool signals_hold(struct signals *s, struct budget *budget, unsigned size_class,
                  unsigned number, int64_t now_ns)
{
        if (s->block == 0)
                s->block = budget_take(budget, size_class, BUDGET_GROWTH);
        if (s->block == 0)
                return false;
        int64_t *times = budget_at(budget, s->block);
        if (now_ns + 1 > times[number])
                times[number] = now_ns + 1;
        return true;
}

int64_t signals_held(const struct signals *s, const struct budget *budget,
                     unsigned number)
{
        return s->block ? times_of(s, budget)[number] - 1 : -1;
}

void signals_clear(struct signals *s, struct budget *budget)
{
        if (s->block)
                budget_give(budget, s->block);
        s->block = 0;
}

static int64_t age_of(int64_t held, int64_t now_ns)
{
        return now_ns > held - 1 ? now_ns - (held - 1) : 0;
}

double signals_score(const struct signals *s, const struct budget *budget,
                     const struct signal_row *rows, unsigned count, int64_t now_ns)
{
        double largest[SIGNALS_MAX] = { 0 }, score = 0;

        if (s->block == 0)
                return 0;
        const int64_t *times = times_of(s, budget);
        for (unsigned i = 0; i < count; i++) {
                if (times[i] == 0)
                        continue;
                double halvings =
                    (double)age_of(times[i], now_ns) / (double)SIGNAL_HALF_LIFE;
                double left = rows[i].weight * exp2(-halvings);
                if (left > largest[rows[i].family])
                        largest[rows[i].family] = left;
        }
        for (unsigned i = 0; i < count; i++)
                score += largest[i];
        return score;
}

unsigned signals_families(const struct signals *s, const struct budget *budget,
                          const struct signal_row *rows, unsigned count, int64_t now_ns)
{
        uint64_t families = 0;

        if (s->block == 0)
                return 0;
        const int64_t *times = times_of(s, budget);
        for (unsigned i = 0; i < count; i++)
                if (times[i] && age_of(times[i], now_ns) <= SIGNAL_STANDS)
                        families |= UINT64_C(1) << rows[i].family;
        return (unsigned)__builtin_popcountll(families);
}
