/* SPDX-License-Identifier: MIT */
#include "detect/unfetched.h"

#include "base/clock.h"
#include "detect/missed.h"
#include "detect/table.h"

#include <math.h>

#define DAY_NS   (24 * 3600 * NS_PER_SEC)
#define KEEP     0.875 /* of a day's weight, the day after */
#define GROWTH   2.0   /* of a rare share, from one day to the next */
#define LOOK_ALL UINT64_C(15)

/* ---- four bits a look ---- */

static unsigned get(uint64_t looks, unsigned look)
{
        return looks >> (4 * look) & LOOK_ALL;
}

static uint64_t with(uint64_t looks, unsigned look, unsigned value)
{
        return (looks & ~(LOOK_ALL << (4 * look))) | (uint64_t)value << (4 * look);
}

/* ---- the key ---- */

static uint32_t sum(const uint16_t *cells, int64_t running)
{
        uint32_t sum = 0;

        for (int64_t i = 0; i < WINDOW_NEWEST; i++)
                sum += cells[window_cell(running - i)];
        return sum;
}

static void add(uint16_t *cell)
{
        *cell += *cell < UINT16_MAX;
}

void unfetched_rotate(struct unfetched *u, int64_t from, int64_t to)
{
        unsigned look = 0;

        for (int64_t pane = from + 1; pane <= to; pane++)
                u->views[window_cell(pane)] = u->fetches[window_cell(pane)] = 0;
        if (u->looks == 0)
                return;
        uint32_t views = sum(u->views, to);
        while (look < UNFETCHED_LOOKS && UNFETCHED_FIRST << look <= 2 * views)
                look++;
        u->looks &= (UINT64_C(1) << (4 * look)) - 1;
}

void unfetched_fetch(struct unfetched *u, int64_t pane)
{
        add(&u->fetches[window_cell(pane)]);
}

/* None; up to 1/64, 1/32, .. 4; more. */
static unsigned class_of(uint32_t fetches, uint32_t views)
{
        unsigned class = 1;

        if (fetches == 0)
                return 0;
        while (class < UNFETCHED_RATIOS - 1 &&
               (uint64_t)fetches << 6 > (uint64_t)views << (class - 1))
                class ++;
        return class;
}

/* ---- all keys ---- */

static double upto(const float *counts, unsigned class)
{
        double sum = 0;

        for (unsigned i = 0; i <= class; i++)
                sum += counts[i];
        return sum;
}

static double all(const float *counts)
{
        return upto(counts, UNFETCHED_RATIOS - 1);
}

static double share(const float *counts, unsigned class)
{
        return (upto(counts, class) + 0.5) / (all(counts) + 1);
}

/* What the day adds: of what is rare at most twice the share that it had. */
static void fold_look(float *before, float *today)
{
        double keys = all(today), had = all(before), taken = 0, seen = 0;
        float add[UNFETCHED_RATIOS];

        for (unsigned i = 0; i < UNFETCHED_RATIOS; i++) {
                double cap = INFINITY;
                seen += today[i];
                if (had >= UNFETCHED_KNOWN && seen < UNFETCHED_SUDDEN * keys)
                        cap = GROWTH * share(before, i) * keys;
                add[i] = (float)fmax(fmin(seen, cap) - taken, 0);
                taken += add[i];
        }
        for (unsigned i = 0; i < UNFETCHED_RATIOS; i++) {
                before[i] += add[i];
                today[i] = 0;
        }
}

static void fade(float *counts, double by)
{
        for (unsigned i = 0; i < UNFETCHED_RATIOS; i++)
                counts[i] *= (float)by;
}

static void advance(struct unfetched_usual *usual, int64_t now_ns)
{
        int64_t day = now_ns / DAY_NS;

        if (usual->began_ns == 0) {
                usual->began_ns = now_ns;
                usual->day = day;
        }
        if (day <= usual->day)
                return;
        double by = pow(KEEP, (double)(day - usual->day));
        usual->day = day;
        if (now_ns - usual->began_ns < UNFETCHED_HISTORY)
                return; /* the first day goes on */
        for (unsigned i = 0; i < UNFETCHED_LOOKS; i++) {
                fold_look(usual->before[i], usual->today[i]);
                fade(usual->before[i], by);
        }
}

static void count_today(struct unfetched_usual *usual, unsigned look, unsigned class)
{
        const double part = 1.0 / UNFETCHED_RECENT;

        usual->today[look][class]++;
        fade(usual->recent[look], 1 - part);
        usual->recent[look][class] += (float)part;
}

static void take_back(struct unfetched_usual *usual, unsigned look, unsigned class)
{
        usual->today[look][class] = fmaxf(usual->today[look][class] - 1, 0);
}

/* The least of the day counts. */
static void count(struct unfetched_usual *usual, struct unfetched *u, unsigned look,
                  unsigned class)
{
        if (u->day != (uint32_t)usual->day) {
                u->day = (uint32_t)usual->day;
                u->counted = 0;
        }
        unsigned before = get(u->counted, look);
        if (before && before <= class + 1)
                return;
        if (before)
                take_back(usual, look, before - 1);
        count_today(usual, look, class);
        u->counted = with(u->counted, look, class + 1);
}

void unfetched_view(struct unfetched_usual *usual, struct unfetched *u, int64_t pane,
                    int64_t running, int64_t time_ns, bool is_whole)
{
        unsigned look = 0;

        add(&u->views[window_cell(pane)]);
        uint32_t views = sum(u->views, running);
        while (look < UNFETCHED_LOOKS && UNFETCHED_FIRST << look < views)
                look++;
        if (look == UNFETCHED_LOOKS || UNFETCHED_FIRST << look != views)
                return;
        u->looks = with(u->looks, look, 0);
        if (!is_whole)
                return;
        unsigned class = class_of(sum(u->fetches, running), views);
        advance(usual, time_ns);
        count(usual, u, look, class);
        u->looks = with(u->looks, look, class + 1);
}

double unfetched_value(const struct unfetched_usual *usual, const struct unfetched *u)
{
        double least = NAN;

        for (unsigned look = 0; u->looks >> (4 * look) && look < UNFETCHED_LOOKS;
             look++) {
                unsigned class = get(u->looks, look);
                if (class == 0 || all(usual->before[look]) < UNFETCHED_KNOWN)
                        continue;
                double chance = share(usual->before[look], class - 1);
                double recent = upto(usual->recent[look], class - 1);
                if (recent >= UNFETCHED_SUDDEN)
                        chance = fmax(chance, recent);
                least = isnan(least) ? chance : fmin(least, chance);
        }
        return isnan(least) ? NAN : -log10(fmin(least, 1));
}

/* ---- the slot ---- */

static struct unfetched_usual *usual_of(const struct slot_place *p)
{
        return &p->table->unfetched[p->slot->shared];
}

void unfetched_slot_rotate(const struct slot_place *p, int64_t from, int64_t to)
{
        unfetched_rotate(p->cells, from, to);
}

static bool is_view(const struct rules *rules, const struct record *r)
{
        return r->page != 0 && r->page != rules->health_page && r->status >= 200 &&
               r->status <= 299 && slice_is(record_text(r, RECORD_METHOD), "GET");
}

void unfetched_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        const struct record *r = facts->subject.record;
        const struct rules *rules = p->table->rules;

        if (p->clock->pane - pane >= WINDOW_NEWEST)
                return;
        if (r->page == rules->asset_page || r->page == rules->api_page)
                unfetched_fetch(p->cells, pane);
        else if (is_view(rules, r))
                unfetched_view(
                    usual_of(p), p->cells, pane, p->clock->pane, r->end_ns,
                    missed_is_whole(p->table->missed, r->end_ns - p->clock->window_ns));
}

double unfetched_slot_value(const struct slot_place *p)
{
        return unfetched_value(usual_of(p), p->cells);
}
