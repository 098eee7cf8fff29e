/* SPDX-License-Identifier: MIT */
#include "detect/paces.h"

#include "detect/transfer.h"

#include <math.h>
#include <stdlib.h>

#define AWAY       (3600 * 1000) /* ms */
#define WEIGHT_MAX 1e100
#define OCTAVE     16 /* parts of `sum` */

bool paces_init(struct paces *p)
{
        *p = (struct paces){ .weight = 1 };
        p->places = calloc(PACES_PLACES, sizeof(*p->places));
        return p->places != NULL;
}

void paces_free(struct paces *p)
{
        free(p->places);
        *p = (struct paces){ .places = NULL };
}

void paces_transfer(struct paces *p, struct transfer *t)
{
        TRANSFER(t, p->weight);
        TRANSFER(t, p->bins);
        TRANSFER(t, p->all);
        transfer_bytes(t, p->places, PACES_PLACES * sizeof(*p->places));
}

int pace_add(struct pace *p, uint32_t now_ms)
{
        int32_t gap = (int32_t)(now_ms - p->last_ms);

        if (gap < 0 && gap > -PACES_VISIT)
                return -1; /* a late one */
        p->last_ms = now_ms;
        if (gap < 0 || gap > PACES_VISIT) {
                p->sum = p->gaps = 0;
                return -1;
        }
        p->sum += (uint16_t)lround(OCTAVE * log2(gap ? gap : 1));
        if (++p->gaps < PACES_GAPS)
                return -1;
        int bin = p->sum / (PACES_GAPS * OCTAVE / 4);
        p->sum = p->gaps = 0;
        return bin < PACES_BINS ? bin : PACES_BINS - 1;
}

static void count(struct paces *p, int bin)
{
        p->bins[bin] += p->weight;
        p->all += p->weight;
        p->weight *= 1 + 1.0 / PACES_FADE;
        if (p->weight < WEIGHT_MAX)
                return;
        for (unsigned i = 0; i < PACES_BINS; i++)
                p->bins[i] /= p->weight;
        p->all /= p->weight;
        p->weight = 1;
}

void paces_note(struct paces *p, uint64_t visitor, int64_t time_ns)
{
        struct paces_place *place = &p->places[visitor % PACES_PLACES];
        uint32_t name = (uint32_t)(visitor >> 32) | 1, now_ms = paces_ms(time_ns);
        int32_t away = (int32_t)(now_ms - place->pace.last_ms);

        if (place->visitor != name || away > AWAY) {
                if (place->visitor && away <= (place->is_measured ? AWAY : PACES_VISIT) &&
                    away >= 0)
                        return;
                *place = (struct paces_place){ name, { now_ms, 0, 0 }, false };
                return;
        }
        int bin = pace_add(&place->pace, now_ms);
        if (bin < 0 || place->is_measured)
                return;
        place->is_measured = true;
        count(p, bin);
}

double paces_share(const struct paces *p, unsigned bin)
{
        double n = p->bins[bin] + (bin + 1 < PACES_BINS ? p->bins[bin + 1] : 0);

        if (p->all < PACES_NEEDED * p->weight)
                return NAN;
        return (n + p->weight) / (p->all + p->weight);
}
