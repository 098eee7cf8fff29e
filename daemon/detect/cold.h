/* SPDX-License-Identifier: MIT */
/*
 * cold - does a key view rarer targets than the rest of the site?
 *
 * A view scores by the rank of its target's level (views.h) among the site's views of the
 * hours before: 15 where nothing is rarer, 0 at the busiest level. So a site that has
 * cold targets is told by these, and one whose every target is viewed each day by
 * those that are viewed less. For each hour: v views of the key, c the sum of their
 * scores, m and s^2 mean and variance of the scores of the views that the rest of the
 * site made in that very hour:
 *
 *      z = (c - m v) / (s sqrt(v (1 + v / rest + v / 400)))
 *      S = max(0, S + z/sigma - 1/2)
 *
 * Of each address the first sixteen views in three hours are given to it where the key is
 * of many (statistics.h).
 *
 * Where there are two levels only, this is the test of shared/RESEARCH.md on the share of
 * cold ones ("alarm at 10"). What is added here, as simulations of people who differ ask
 * for it (docs/detection-functions.md):
 *
 * - (1 + v / rest) is what m itself is uncertain by; 1 unless the key is a large part of
 *   the site. Hours in which the rest made fewer than 50 views are passed over.
 * - Groups differ in their mean by some 0.05 s, however many views they have: that is
 *   v / 400. By the model of RESEARCH.md a group with 8 % of recruiters, where the site
 *   has 3 %, is 0.02 to 0.11 s rarer (Zipf 0.6 to 1.0); a crawl of a fifth of its views
 *   0.09 to 0.25 s (decision 020).
 * - An hour with few views would make z anything but normal. Hours are put together
 *   until there are 25 views; after a day without them they are forgotten. The variance
 *   counts as that of one view at least.
 * - Large groups of people differ for good, and the larger they are the more their z. So
 *   z less the key's usual z counts: a mean over some 336 hours, each cut at 2 sigma,
 *   that begins at 0 as good as 48 hours seen. What was there from the beginning at less
 *   than about 1 sigma an hour is not found; what is far out never becomes usual.
 * - sigma is what that spreads by: the root of the mean square over all keys of the
 *   table (each cut at 2 sigma, so that few scrapers do not make it wide; it begins at
 *   2, as good as 12 hours seen), or where it is larger that of the key's own hours (cut
 *   at 3 sigma), as in a small network with a recruiter; n of its own count as n of
 *   n + 48. Never below 1.2, at which a
 *   key of pure chance has an alarm in 1e7 hours (Siegmund's approximation; at 1 in
 *   1.4e5).
 * - z/sigma counts 1.75 at most, so that an alarm at 10 needs 8 hours: one recruiter's
 *   busy afternoon in a small network is none.
 * - S ends at 20, so that it comes down within 20 hours after a long incident.
 *
 * The value is S of the complete hours, brought forward by the views of the present one
 * once there are 25: the same step with z over those, divided by the root of the
 * larger of their variance and that of the last hours judged. So a part of an hour
 * counts no more than its part, and the value may fall again before the hour ends.
 *
 * A key whose people always look at other targets than the rest do (a search engine, a
 * recruiting firm) is told apart from scraping by nothing here.
 *
 * Cost: 56 bytes a key; a few additions, and a square root once an hour.
 */
#ifndef DETECT_COLD_H
#define DETECT_COLD_H

#include "detect/views.h"

#include <stdint.h>

#define COLD_HOURS     32   /* of the site that are kept */
#define COLD_PUT_AT    25   /* views that make a z */
#define COLD_REST      50   /* views of the rest that make a p */
#define COLD_SCORE     15   /* of what is rarest */
#define COLD_DIFFER    0.05 /* of s, by which means of groups differ */
#define COLD_SUM_MAX   20.0
#define COLD_STEP_MAX  1.75 /* of z/sigma */
#define COLD_SIGMA     2.0
#define COLD_LEAST     1.2  /* sigma */
#define COLD_CLOSINGS  12   /* that the first sigma is as good as */
#define COLD_REMEMBERS 5000 /* closings that sigma is a mean over, about */

/* Views of one hour, their scores and the squares of these. */
struct cold_hour {
        uint64_t views, scores, squares;
};

struct cold_site {
        int64_t hour; /* the running one */
        struct cold_hour hours[COLD_HOURS];
        uint32_t levels[VIEWS_LEVELS]; /* views of each, of an hour or two */
        uint8_t score[VIEWS_LEVELS];   /* of a view in the running hour */
};

/* What z spreads by. */
struct cold_spread {
        double square; /* of sigma */
        uint64_t closings;
};

/* Of a key; begins as zeroes. */
struct cold_surge {
        float sum;
        float expected, variance; /* of complete hours that are not judged yet */
        float last_variance;      /* of those that were judged last */
        uint32_t past_views, past_scores;
        uint32_t views, scores, squares; /* in `hour` */
        uint32_t hour;
        uint32_t since; /* hour of the first of past_views */
        float usual;    /* mean of z */
        float square;   /* of what z spreads by around it */
        uint32_t closings;
};

void cold_site_init(struct cold_site *);
void cold_spread_init(struct cold_spread *);

/* It is `now_ns`, which does not go back. */
void cold_site_advance(struct cold_site *, int64_t now_ns);

/* A view of anybody; before it is counted for the key that made it. */
void cold_site_note(struct cold_site *, unsigned level);

/* Judges the key's hours that are over. Before a count, and before the value is read. */
void cold_surge_advance(struct cold_surge *, const struct cold_site *,
                        struct cold_spread *);
void cold_surge_count(struct cold_surge *, const struct cold_site *, unsigned level);
double cold_surge_value(const struct cold_surge *, const struct cold_site *,
                        const struct cold_spread *);

#endif
