/* SPDX-License-Identifier: MIT */
#include "detect/sketch.h"

#include <math.h>
#include <string.h>

#define INDEX_BITS 11
#define RANK_BITS  14 /* q */
#define RANK_MAX   (RANK_BITS + 1)

void sketch_init(struct sketch *s)
{
        memset(s->histogram, 0, sizeof(s->histogram));
        s->histogram[0] = SKETCH_REGISTERS;
        s->estimate = 0;
}

static inline unsigned word_max(uint32_t word)
{
        unsigned max = 0;

        for (unsigned shift = 0; shift < 32; shift += 4) {
                unsigned value = word >> shift & 15;
                max = value > max ? value : max;
        }
        return max;
}

void sketch_add(struct sketch *s, uint32_t *words, uint32_t hash, int64_t pane)
{
        uint32_t *word = &words[hash >> (32 - INDEX_BITS)];
        /* A bit below the last one that counts: the rank ends at q + 1. */
        uint32_t rest = hash << INDEX_BITS | 1U << (31 - RANK_BITS);
        unsigned rank = (unsigned)__builtin_clz(rest) + 1;
        unsigned shift = (unsigned)(pane & 7) * 4;

        if (rank <= (*word >> shift & 15))
                return;
        unsigned before = word_max(*word);
        *word = (*word & ~(15U << shift)) | rank << shift;
        if (rank <= before)
                return;
        s->histogram[before]--;
        s->histogram[rank]++;
        s->estimate = -1;
}

static void rebuild(struct sketch *s, uint32_t *words, uint32_t keep)
{
        uint8_t max[SKETCH_REGISTERS];

        /* In two loops: this one the compiler makes a vector loop. */
        for (unsigned i = 0; i < SKETCH_REGISTERS; i++) {
                words[i] &= keep;
                max[i] = (uint8_t)word_max(words[i]);
        }
        memset(s->histogram, 0, sizeof(s->histogram));
        for (unsigned i = 0; i < SKETCH_REGISTERS; i++)
                s->histogram[max[i]]++;
        s->estimate = -1;
}

void sketch_rotate(struct sketch *s, uint32_t *words, int64_t from, int64_t to)
{
        uint32_t keep = to - from >= SKETCH_PANES ? 0 : ~0U;

        for (int64_t pane = from + 1; keep && pane <= to; pane++)
                keep &= ~(15U << (pane & 7) * 4);
        rebuild(s, words, keep);
}

void sketch_flatten(struct sketch *s, uint32_t *words)
{
        for (unsigned i = 0; i < SKETCH_REGISTERS; i++)
                words[i] = word_max(words[i]);
        rebuild(s, words, ~0U);
}

/* sigma(x) = x + sum of x^(2^k) 2^(k-1): registers that are still 0. */
static double sigma(double x)
{
        double y = 1, z = x, before;

        if (x == 1)
                return INFINITY;
        do {
                x *= x;
                before = z;
                z += x * y;
                y += y;
        } while (z != before);
        return z;
}

/* tau(x) = (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3: registers that are full. */
static double tau(double x)
{
        double y = 1, z = 1 - x, before;

        if (x == 0 || x == 1)
                return 0;
        do {
                x = sqrt(x);
                before = z;
                y *= 0.5;
                z -= (1 - x) * (1 - x) * y;
        } while (z != before);
        return z / 3;
}

double sketch_estimate(struct sketch *s)
{
        const double m = SKETCH_REGISTERS;

        if (s->estimate >= 0)
                return s->estimate;
        double z = m * tau(1 - s->histogram[RANK_MAX] / m);
        for (unsigned k = RANK_BITS; k >= 1; k--)
                z = 0.5 * (z + s->histogram[k]);
        z += m * sigma(s->histogram[0] / m);
        s->estimate = m * m / (2 * M_LN2 * z);
        return s->estimate;
}
