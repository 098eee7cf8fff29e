/* SPDX-License-Identifier: MIT */
#include "detect/skew.h"

#include "detect/table.h"

#include <math.h>

_Static_assert(USUAL_BUCKETS <= BINS_MAX, "a key has the buckets of the site");

static struct bins_store store_of(const struct slot_place *p)
{
        return (struct bins_store){ p->table->budget, p->table->counters, USUAL_BUCKETS };
}

double skew_statistic(const struct usual_values *v, const uint64_t counts[USUAL_BUCKETS],
                      uint64_t all)
{
        double shares[USUAL_BUCKETS], sum = 0, n = (double)all;

        usual_shares(v, shares);
        for (unsigned i = 0; i < USUAL_BUCKETS; i++) {
                double n_i = (double)counts[i];
                if (counts[i])
                        sum += n_i *
                               log((n_i / shares[i] + SKEW_PSEUDO) / (n + SKEW_PSEUDO));
        }
        return fmax(2 * sum, 0);
}

void skew_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        struct bins_store store = store_of(p);

        bins_rotate(&store, p->cells, from, to);
}

void skew_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        struct bins_store store = store_of(p);

        if (p->clock->pane - pane < WINDOW_NEWEST)
                bins_add(&store, p->cells, pane,
                         usual_bucket(facts_hash(facts, p->slot->operand)));
}

double skew_slot_value(const struct slot_place *p)
{
        const struct usual_values *site = &p->table->usual->values[p->slot->usual];
        struct bins_store store = store_of(p);
        uint64_t counts[BINS_MAX];
        uint64_t all = bins_sum(&store, p->cells, counts);

        if (all < SKEW_NEEDED || !usual_is_known(site))
                return NAN;
        return skew_statistic(site, counts, all);
}

void skew_slot_clear(const struct slot_place *p)
{
        struct bins_store store = store_of(p);

        bins_clear(&store, p->cells);
}
