/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "lab.h"

#define LINKS    8     /* of a page that are followed */
#define FRONTIER 65536 /* profiles that were seen as links and not yet read */
#define TRIES    64    /* draws by popularity before the nearest rank is taken */

struct order {
        struct order_plan plan;
        const struct site *site;
        uint32_t profiles, first, given;
        uint64_t key;
        struct zipf zipf;
        uint8_t *taken;     /* graph: was put into the frontier; popular: was given */
        uint32_t *frontier; /* of a graph */
        uint32_t waiting;
};

static bool take(struct order *o, uint32_t profile)
{
        uint8_t bit = (uint8_t)(1 << (profile & 7));
        bool is_new = !(o->taken[profile >> 3] & bit);

        o->taken[profile >> 3] |= bit;
        return is_new;
}

static void frontier_put(struct order *o, uint32_t profile)
{
        if (o->waiting < FRONTIER && take(o, profile))
                o->frontier[o->waiting++] = profile;
}

static void begin_graph(struct order *o, struct lab *lab)
{
        o->frontier = lab_keep(lab, FRONTIER * sizeof *o->frontier);
        frontier_put(o, o->first);
}

struct order *order_new(struct lab *lab, const struct order_plan *plan, struct dice *dice)
{
        struct order *o = lab_keep(lab, sizeof *o);

        o->plan = *plan;
        o->site = lab_site(lab);
        o->profiles = site_profiles(o->site);
        o->first = dice_below(dice, o->profiles);
        o->key = dice_bits(dice);
        if (o->plan.span == 0 || o->plan.span > o->profiles)
                o->plan.span = o->profiles;
        if (plan->kind == ORDER_GRAPH || plan->kind == ORDER_POPULAR)
                o->taken = lab_keep(lab, (o->profiles + 7) / 8);
        if (plan->kind == ORDER_GRAPH)
                begin_graph(o, lab);
        if (plan->kind == ORDER_POPULAR)
                o->zipf = zipf_of(plan->exponent, o->profiles);
        return o;
}

static int32_t by_position(struct order *o, uint32_t i)
{
        uint64_t position = (uint64_t)o->first + i;

        return (int32_t)site_at_position(o->site, (uint32_t)(position % o->profiles));
}

static int32_t next_sequential(struct order *o, struct dice *dice)
{
        (void)dice;
        return o->given < o->plan.span ? by_position(o, o->given++) : -1;
}

static int32_t next_shuffled(struct order *o, struct dice *dice)
{
        (void)dice;
        if (o->given >= o->plan.span)
                return -1;
        return by_position(o, dice_permute(o->key, o->plan.span, o->given++));
}

/* Any of those that wait: neither breadth nor depth first, as crawlers with many workers
 * come to read. */
static int32_t next_graph(struct order *o, struct dice *dice)
{
        uint32_t i, profile;

        if (o->waiting == 0)
                return -1;
        i = dice_below(dice, o->waiting);
        profile = o->frontier[i];
        o->frontier[i] = o->frontier[--o->waiting];
        for (i = 0; i < LINKS; i++)
                frontier_put(o, site_linked(o->site, profile, i));
        o->given++;
        return (int32_t)profile;
}

/* Popular ones are gone soon: then the next one by popularity that is left. */
static int32_t nearest_left(struct order *o, uint32_t rank)
{
        for (uint32_t i = 0; i < o->profiles; i++) {
                uint32_t profile =
                    site_at_rank(o->site, (uint32_t)(((uint64_t)rank + i) % o->profiles));

                if (take(o, profile))
                        return (int32_t)profile;
        }
        return -1;
}

static int32_t next_popular(struct order *o, struct dice *dice)
{
        uint32_t rank = 0;

        for (unsigned i = 0; i < TRIES; i++) {
                uint32_t profile;

                rank = zipf_draw(&o->zipf, dice);
                profile = site_at_rank(o->site, rank);
                if (o->plan.repeats || take(o, profile))
                        return (int32_t)profile;
        }
        return nearest_left(o, rank);
}

int32_t order_next(struct order *o, struct dice *dice)
{
        static int32_t (*const next[])(struct order *, struct dice *) = {
                [ORDER_SEQUENTIAL] = next_sequential,
                [ORDER_SHUFFLED] = next_shuffled,
                [ORDER_GRAPH] = next_graph,
                [ORDER_POPULAR] = next_popular,
        };

        return next[o->plan.kind](o, dice);
}
