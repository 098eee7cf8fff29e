/* SPDX-License-Identifier: MIT */
#include "detect/cold.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define HOUR_NS     (3600 * NS_PER_SEC)
#define DRIFT       0.5
#define DAY         24      /* hours */
#define CUT         4.0     /* times the square of sigma */
#define USUAL_AFTER 48      /* closings that a usual z of 0 is as good as */
#define USUAL_OVER  336     /* closings that the usual z is a mean over, about */
#define USUAL_CUT   2.0     /* times sigma */
#define CUT_MEAN    0.92056 /* E min(z^2, 4) of a standard normal z */

void cold_site_init(struct cold_site *site)
{
        memset(site, 0, sizeof(*site));
}

void cold_spread_init(struct cold_spread *spread)
{
        *spread = (struct cold_spread){ COLD_SIGMA * COLD_SIGMA, COLD_CLOSINGS };
}

void cold_site_advance(struct cold_site *site, int64_t now_ns)
{
        int64_t hour = now_ns / HOUR_NS;

        if (hour <= site->hour)
                return;
        for (int64_t h = site->hour + 1; h <= hour && h <= site->hour + COLD_HOURS; h++)
                site->hours[(hour - (h - site->hour - 1)) % COLD_HOURS] =
                    (struct cold_hour){ 0 };
        site->hour = hour;
}

void cold_site_note(struct cold_site *site, bool cold)
{
        struct cold_hour *h = &site->hours[site->hour % COLD_HOURS];

        h->views++;
        h->cold += cold;
}

static double sigma_of(const struct cold_spread *spread)
{
        return spread->square > 1 ? sqrt(spread->square) : 1;
}

static void note_spread(struct cold_spread *spread, double z)
{
        double square = fmin(z * z, CUT * fmax(spread->square, 1)) / CUT_MEAN;

        spread->closings += spread->closings < COLD_REMEMBERS;
        spread->square += (square - spread->square) / (double)spread->closings;
}

static void note_usual(struct cold_surge *s, double z, double most)
{
        double cut = fmin(fmax(z, -most), most);

        s->closings += s->closings < USUAL_OVER;
        s->usual += (float)((cut - s->usual) / (s->closings + USUAL_AFTER));
}

struct expectation {
        double mean, variance;
};

/* Of the key's cold views in its hour; false when the rest of the site is too small. */
static bool expect(const struct cold_surge *s, const struct cold_site *site,
                   struct expectation *e)
{
        const struct cold_hour *all = &site->hours[s->hour % COLD_HOURS];
        double rest = (double)all->views - s->views;
        double rest_cold = (double)all->cold - s->cold;

        if (site->hour - (int64_t)s->hour >= COLD_HOURS || rest < COLD_REST)
                return false;
        /* Never 0 or 1: half a view of each kind is added. */
        double p = (rest_cold + 0.5) / (rest + 1);
        e->mean = s->views * p;
        e->variance = s->views * p * (1 - p) * (1 + s->views / rest);
        return true;
}

static void forget_past(struct cold_surge *s)
{
        s->past_views = s->past_cold = 0;
        s->expected = s->variance = 0;
}

static double bounded(double sum)
{
        return fmin(fmax(sum, 0), COLD_SUM_MAX);
}

static void judge(struct cold_surge *s, struct cold_spread *spread)
{
        double z = (s->past_cold - s->expected) / sqrt(fmax(s->variance, 1));

        s->sum = (float)bounded(s->sum + (z - s->usual) / sigma_of(spread) - DRIFT);
        s->last_variance = s->variance;
        note_spread(spread, z - s->usual);
        note_usual(s, z, USUAL_CUT * sigma_of(spread));
        forget_past(s);
}

static void close_hour(struct cold_surge *s, const struct cold_site *site,
                       struct cold_spread *spread)
{
        struct expectation e;

        if (s->views && expect(s, site, &e)) {
                if (s->past_views == 0)
                        s->since = s->hour;
                s->past_views += s->views;
                s->past_cold += s->cold;
                s->expected += (float)e.mean;
                s->variance += (float)e.variance;
        }
        s->views = s->cold = 0;
        if (s->past_views >= COLD_PUT_AT)
                judge(s, spread);
}

void cold_surge_advance(struct cold_surge *s, const struct cold_site *site,
                        struct cold_spread *spread)
{
        if ((int64_t)s->hour == site->hour)
                return;
        close_hour(s, site, spread);
        s->hour = (uint32_t)site->hour;
        if (s->past_views && site->hour - (int64_t)s->since >= DAY)
                forget_past(s);
}

void cold_surge_count(struct cold_surge *s, bool cold)
{
        s->views += s->views < UINT32_MAX;
        s->cold += cold;
}

double cold_surge_value(const struct cold_surge *s, const struct cold_site *site,
                        const struct cold_spread *spread)
{
        struct expectation e;

        if (s->views + s->past_views < COLD_PUT_AT || !expect(s, site, &e))
                return s->sum;
        double variance = fmax(e.variance + s->variance, fmax(s->last_variance, 1));
        double z =
            ((double)s->cold + s->past_cold - e.mean - s->expected) / sqrt(variance);
        return bounded(s->sum + (z - s->usual) / sigma_of(spread) - DRIFT);
}
