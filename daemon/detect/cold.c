/* SPDX-License-Identifier: MIT */
#include "detect/cold.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define HOUR_NS     (3600 * NS_PER_SEC)
#define DRIFT       0.5
#define LEAST       (COLD_SCORE * COLD_SCORE) /* variance: that of one view */
#define DAY         24                        /* hours */
#define USUAL_AFTER 48  /* closings that a usual z of 0 is as good as */
#define USUAL_OVER  336 /* closings that the usual z is a mean over, about */
#define USUAL_CUT   2.0 /* times sigma */
/* Cuts of squares, in squares of sigma, and what remains of a standard normal's square.
 */
#define CUT_ALL      4.0
#define CUT_ALL_MEAN 0.92056
#define CUT_OWN      9.0
#define CUT_OWN_MEAN 0.99501

void cold_site_init(struct cold_site *site)
{
        memset(site, 0, sizeof(*site));
        site->score[0] = COLD_SCORE;
}

void cold_spread_init(struct cold_spread *spread)
{
        *spread = (struct cold_spread){ COLD_SIGMA * COLD_SIGMA, COLD_CLOSINGS };
}

/* The views that are rarer than those of `level`, and half of these. */
static double rank_of(const struct cold_site *site, unsigned level)
{
        double rarer = 0;

        for (unsigned i = 0; i < level; i++)
                rarer += site->levels[i];
        return rarer + site->levels[level] / 2.0;
}

/* By rank, from what is rarest to what is not rare of the levels that came up. */
static void set_scores(struct cold_site *site)
{
        unsigned busiest = VIEWS_LEVELS - 1;

        while (busiest && !site->levels[busiest])
                busiest--;
        double least = rank_of(site, 0), most = rank_of(site, busiest);
        if (most - least < COLD_REST / 2.0)
                return;
        for (unsigned i = 0; i < VIEWS_LEVELS; i++) {
                double rank = i < busiest ? rank_of(site, i) : most;
                site->score[i] =
                    (uint8_t)(COLD_SCORE * (most - rank) / (most - least) + 0.5);
                site->levels[i] /= 2;
        }
}

void cold_site_advance(struct cold_site *site, int64_t now_ns)
{
        int64_t hour = now_ns / HOUR_NS;

        if (hour <= site->hour)
                return;
        set_scores(site);
        for (int64_t h = site->hour + 1; h <= hour && h <= site->hour + COLD_HOURS; h++)
                site->hours[(hour - (h - site->hour - 1)) % COLD_HOURS] =
                    (struct cold_hour){ 0 };
        site->hour = hour;
}

void cold_site_note(struct cold_site *site, unsigned level)
{
        struct cold_hour *h = &site->hours[site->hour % COLD_HOURS];
        unsigned score = site->score[level];

        h->views++;
        h->scores += score;
        h->squares += score * score;
        site->levels[level]++;
}

static double root(double square)
{
        return fmax(sqrt(square), COLD_LEAST);
}

/* The key's own as far as it is known, but not less than that of all. */
static double square_of(const struct cold_surge *s, const struct cold_spread *spread)
{
        double known = s->closings / (double)(s->closings + USUAL_AFTER);

        return spread->square + known * fmax(s->square - spread->square, 0);
}

static double sigma_of(const struct cold_surge *s, const struct cold_spread *spread)
{
        return root(square_of(s, spread));
}

/* A square that is cut at so many times what is usual. */
static double cut_at(double square, double cut, double cut_mean, double usual)
{
        return fmin(square, cut * fmax(usual, 1)) / cut_mean;
}

static void note_spread(struct cold_spread *spread, double square)
{
        spread->closings += spread->closings < COLD_REMEMBERS;
        square = cut_at(square, CUT_ALL, CUT_ALL_MEAN, spread->square);
        spread->square += (square - spread->square) / (double)spread->closings;
}

static void note_usual(struct cold_surge *s, double z, const struct cold_spread *spread)
{
        double usual = square_of(s, spread), sigma = root(usual);
        double cut = fmin(fmax(z, -USUAL_CUT * sigma), USUAL_CUT * sigma);
        double square = (z - s->usual) * (z - s->usual);

        s->closings += s->closings < USUAL_OVER;
        square = cut_at(square, CUT_OWN, CUT_OWN_MEAN, usual);
        s->square += (float)((square - s->square) / s->closings);
        s->usual += (float)((cut - s->usual) / (s->closings + USUAL_AFTER));
}

struct expectation {
        double mean, variance;
};

/* Of the key's scores in its hour; false when the rest of the site is too small. */
static bool expect(const struct cold_surge *s, const struct cold_site *site,
                   struct expectation *e)
{
        const struct cold_hour *all = &site->hours[s->hour % COLD_HOURS];
        double rest = (double)all->views - s->views;
        double scores = (double)all->scores - s->scores;
        double squares = (double)all->squares - s->squares;

        if (site->hour - (int64_t)s->hour >= COLD_HOURS || rest < COLD_REST)
                return false;
        /* Never all alike: half a view of the least score and of the most is added. */
        double mean = (scores + COLD_SCORE / 2.0) / (rest + 1);
        double square = (squares + COLD_SCORE * COLD_SCORE / 2.0) / (rest + 1);
        double differ = COLD_DIFFER * COLD_DIFFER * s->views;
        e->mean = s->views * mean;
        e->variance = s->views * (square - mean * mean) * (1 + s->views / rest + differ);
        return true;
}

static void forget_past(struct cold_surge *s)
{
        s->past_views = s->past_scores = 0;
        s->expected = s->variance = 0;
}

static double bounded(double sum)
{
        return fmin(fmax(sum, 0), COLD_SUM_MAX);
}

/* S after a z. */
static double add(const struct cold_surge *s, double z, double sigma)
{
        return bounded(s->sum + fmin((z - s->usual) / sigma, COLD_STEP_MAX) - DRIFT);
}

static void judge(struct cold_surge *s, struct cold_spread *spread)
{
        double z = (s->past_scores - s->expected) / sqrt(fmax(s->variance, LEAST));
        double rest = z - s->usual;

        s->sum = (float)add(s, z, sigma_of(s, spread));
        s->last_variance = s->variance;
        note_usual(s, z, spread);
        note_spread(spread, rest * rest);
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
                s->past_scores += s->scores;
                s->expected += (float)e.mean;
                s->variance += (float)e.variance;
        }
        s->views = s->scores = s->squares = 0;
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

void cold_surge_count(struct cold_surge *s, const struct cold_site *site, unsigned level)
{
        unsigned score = site->score[level];

        /* Past that the hour is a sample of it. */
        if (s->squares > UINT32_MAX - COLD_SCORE * COLD_SCORE || s->views == UINT32_MAX)
                return;
        s->views++;
        s->scores += score;
        s->squares += score * score;
}

double cold_surge_value(const struct cold_surge *s, const struct cold_site *site,
                        const struct cold_spread *spread)
{
        struct expectation e;

        if (s->views + s->past_views < COLD_PUT_AT || !expect(s, site, &e))
                return s->sum;
        double variance = fmax(e.variance + s->variance, fmax(s->last_variance, LEAST));
        double z =
            ((double)s->scores + s->past_scores - e.mean - s->expected) / sqrt(variance);
        return add(s, z, sigma_of(s, spread));
}
