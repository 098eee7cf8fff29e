/* SPDX-License-Identifier: MIT */
#include "detect/collisions.h"

#include "base/clock.h"
#include "detect/bloom.h"

#include "detect/transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLACES      (2 * COLLISIONS_EPOCH)
#define EPOCH_NS    (6 * 3600 * NS_PER_SEC)
#define EPOCH_MAX   (7 * 24 * 3600 * NS_PER_SEC)
#define KEEP        0.75 /* weight of the epoch before in that of the present one */
#define SMALL_BYTES 512
#define LARGE_BYTES 8192

/* ---- the site ---- */

static void begin_epoch(struct collisions_site *site, int64_t now_ns)
{
        memset(site->table, 0, PLACES * sizeof(*site->table));
        site->held = 0;
        site->seen = 0;
        site->began_ns = now_ns;
}

bool collisions_site_init(struct collisions_site *site)
{
        *site = (struct collisions_site){ .began_ns = -1, .part = 1 };
        site->table = calloc(PLACES, sizeof(*site->table));
        return site->table != NULL;
}

void collisions_site_transfer(struct collisions_site *site, struct transfer *t)
{
        TRANSFER(t, site->held);
        TRANSFER(t, site->seen);
        TRANSFER(t, site->began_ns);
        TRANSFER(t, site->part);
        TRANSFER(t, site->pairs);
        TRANSFER(t, site->collisions);
        transfer_bytes(t, site->table, PLACES * sizeof(*site->table));
}

void collisions_site_free(struct collisions_site *site)
{
        free(site->table);
        *site = (struct collisions_site){ 0 };
}

/* The next epoch is to take as long as EPOCH_NS at the rate of this one. */
static void end_epoch(struct collisions_site *site, int64_t now_ns)
{
        double took = (double)(now_ns - site->began_ns) + 1;
        double expected = (double)site->seen / took * EPOCH_NS;

        site->part = expected > COLLISIONS_EPOCH ? COLLISIONS_EPOCH / expected : 1;
        site->pairs *= KEEP;
        site->collisions *= KEEP;
        begin_epoch(site, now_ns);
}

static bool is_drawn(struct collisions_site *site, uint64_t target)
{
        uint64_t lot = hash_mix(target, ++site->seen) >> 11;

        return (double)lot < site->part * 0x1p53;
}

static struct collisions_view *find(const struct collisions_site *site, uint32_t target)
{
        uint32_t at = target % PLACES;

        while (site->table[at].target && site->table[at].target != target)
                at = (at + 1) % PLACES;
        return &site->table[at];
}

void collisions_site_note(struct collisions_site *site, uint64_t target, uint64_t visitor,
                          int64_t now_ns)
{
        uint32_t name = (uint32_t)(target >> 32) | 1U << 31;

        if (site->began_ns < 0)
                begin_epoch(site, now_ns);
        if (site->held == COLLISIONS_EPOCH || now_ns - site->began_ns > EPOCH_MAX)
                end_epoch(site, now_ns);
        if (!is_drawn(site, target))
                return;
        struct collisions_view *view = find(site, name);
        if (view->target && view->visitor == (uint32_t)visitor)
                return;
        site->collisions += view->target != 0;
        site->pairs += site->held++;
        *view = (struct collisions_view){ name, (uint32_t)visitor };
}

double collisions_site_rate(const struct collisions_site *site)
{
        double least = site->collisions - 2 * sqrt(site->collisions);

        return site->collisions < COLLISIONS_LEAST ? NAN : least / site->pairs;
}

/* ---- a group ---- */

void collisions_rotate(struct collisions *c, int64_t from, int64_t to)
{
        for (int64_t pane = from + 1; pane <= to; pane++) {
                c->repeats[window_cell(pane)] = 0;
                c->pairs[window_cell(pane)] = 0;
        }
}

static void begin_anew(struct collisions *c, struct budget *budget, int64_t pane)
{
        c->live = 0;
        c->pane = (uint32_t)pane;
        memset(c->held, 0, sizeof(c->held));
        if (c->small)
                memset(budget_at(budget, c->small), 0, SMALL_BYTES);
        if (c->large)
                memset(budget_at(budget, c->large), 0, LARGE_BYTES);
}

static bool take(uint32_t *handle, struct budget *budget, unsigned bytes)
{
        if (*handle == 0)
                *handle =
                    budget_take(budget, budget_class_of(budget, bytes), BUDGET_GROWTH);
        return *handle != 0;
}

static bool has_room(struct collisions *c, struct budget *budget)
{
        if (c->live < COLLISIONS_INLINE)
                return true;
        if (c->live < COLLISIONS_SMALL)
                return take(&c->small, budget, SMALL_BYTES);
        return c->live < COLLISIONS_EPOCH && take(&c->large, budget, LARGE_BYTES);
}

static bool has(const struct collisions *c, const struct budget *budget, uint64_t target)
{
        for (unsigned i = 0; i < COLLISIONS_INLINE; i++)
                if (c->held[i] == ((uint32_t)target | 1))
                        return true;
        return (c->small &&
                bloom_has(budget_at(budget, c->small), SMALL_BYTES * 8, target)) ||
               (c->large &&
                bloom_has(budget_at(budget, c->large), LARGE_BYTES * 8, target));
}

static void put(struct collisions *c, const struct budget *budget, uint64_t target)
{
        if (c->live < COLLISIONS_INLINE)
                c->held[c->live] = (uint32_t)target | 1;
        else if (c->live < COLLISIONS_SMALL)
                bloom_put(budget_at(budget, c->small), SMALL_BYTES * 8, target);
        else
                bloom_put(budget_at(budget, c->large), LARGE_BYTES * 8, target);
}

void collisions_count(struct collisions *c, struct budget *budget,
                      struct counters *counters, uint64_t target, int64_t pane)
{
        unsigned cell = window_cell(pane);

        if (c->live && (int32_t)((uint32_t)pane - c->pane) >= WINDOW_NEWEST)
                begin_anew(c, budget, pane);
        if (!has_room(c, budget)) {
                counters->collisions_refused += c->live < COLLISIONS_EPOCH;
                begin_anew(c, budget, pane);
        }
        if (c->live == 0)
                c->pane = (uint32_t)pane;
        if (has(c, budget, target))
                c->repeats[cell]++;
        else
                put(c, budget, target);
        c->pairs[cell] += (float)c->live++;
}

double collisions_value(const struct collisions *c, int64_t pane, double rate)
{
        uint64_t repeats = 0;
        double pairs = 0;

        if (isnan(rate))
                return NAN;
        for (int64_t i = 0; i < WINDOW_NEWEST; i++) {
                repeats += c->repeats[window_cell(pane - i)];
                pairs += c->pairs[window_cell(pane - i)];
        }
        return collisions_surprise(repeats, COLLISIONS_Q * COLLISIONS_Q * rate * pairs);
}

void collisions_clear(struct collisions *c, struct budget *budget)
{
        if (c->small)
                budget_give(budget, c->small);
        if (c->large)
                budget_give(budget, c->large);
        c->small = c->large = 0;
}

/* log of the probability of exactly `count`. */
static double log_exactly(double count, double mean)
{
        return count * log(mean) - mean - lgamma(count + 1);
}

double collisions_surprise(uint64_t count, double mean)
{
        double c = (double)count, sum = 1, term = 1;

        if (mean <= 0)
                return 0;
        if (c < mean) { /* from `count` down, the terms get smaller */
                for (double k = c; k > 0 && term > 1e-17 * sum; k--)
                        sum += term *= k / mean;
                return -(log_exactly(c, mean) + log(sum)) / M_LN10;
        }
        /* What is above `count` is the smaller part. */
        for (double k = c + 2; term > 1e-17 * sum; k++)
                sum += term *= mean / k;
        return -log1p(-exp(log_exactly(c + 1, mean)) * sum) / M_LN10;
}
