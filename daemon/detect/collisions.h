/* SPDX-License-Identifier: MIT */
/*
 * collisions - does a group view the same target twice as rarely as people never would?
 *
 * People view what others view. Of two views by different people both are of the same
 * target with the probability s = sum of p_i^2, so in n views of a group some C(n,2) s
 * repeat a target. Those who share a crawl among them repeat none. C, what was repeated,
 * is as Poisson with the mean lambda0 (shared/RESEARCH.md, "Group under-collision"):
 *
 *      undercollision = -log10 P(Poisson(lambda0) <= C)     lambda0 = q^2 s (pairs)
 *
 * s is learnt from the site's own views: a table of about 4096 views in 6 h, drawn from
 * all of them, in which a view collides when another visitor viewed its target; what a
 * visitor views again is left out. So s holds what people do on this site, and how far
 * they follow popularity. The value uses s less two standard errors, and is missing
 * until 10 collisions are known.
 * q = 0.7 is for groups that follow it less than all people do: recruiters.
 * The top 0.1 % of targets (views.h) is left out on both sides: a viral target that
 * scrapers, too, are sent to would hide the rest.
 *
 * A group's targets are in Bloom filters that come as the group grows: 8 in the entry,
 * 512 bytes from the budget to 256 views, 8 KiB more to 4096. At 4096 views, after a
 * window, or where the budget gives no more (`collisions_refused`), it begins anew.
 * `pairs` counts only views whose filter held the other one, so that beginning anew
 * costs power and makes no false alarm. s is learnt over epochs as long as a group's
 * longest: popular targets repeat more often than pairs say in either.
 * Filters take fewer than one new target in a thousand for old, which again costs power.
 *
 * Cost: 120 bytes a key, the filters, and 16 places looked at by a view at most. The
 * site: 64 KiB for each different set of pages.
 */
#ifndef DETECT_COLLISIONS_H
#define DETECT_COLLISIONS_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/window.h"

#define COLLISIONS_EPOCH  4096 /* views that a group is compared over at most */
#define COLLISIONS_INLINE 8
#define COLLISIONS_SMALL  256
#define COLLISIONS_Q      0.7
#define COLLISIONS_LEAST  10 /* collisions on the site before s is known */

struct collisions_view {
        uint32_t target, visitor; /* target 0: empty */
};

struct transfer; /* transfer.h */

/* The site: s. */
struct collisions_site {
        struct collisions_view *table; /* twice COLLISIONS_EPOCH */
        uint32_t held;                 /* views in it */
        uint64_t seen;                 /* in this epoch, drawn or not */
        int64_t began_ns;              /* of this epoch; -1: none */
        double part;                   /* of the views that is drawn */
        double pairs, collisions;      /* of this and, at less weight, former epochs */
};

/* Of a key in a window; begins as zeroes. */
struct collisions {
        uint32_t repeats[WINDOW_PANES];
        float pairs[WINDOW_PANES];
        uint32_t live;         /* views since it began anew */
        uint32_t pane;         /* when it did */
        uint32_t small, large; /* handles of the filters, or 0 */
        uint32_t held[COLLISIONS_INLINE];
};

bool collisions_site_init(struct collisions_site *);
void collisions_site_free(struct collisions_site *);

/* To a snapshot, or from one. */
void collisions_site_transfer(struct collisions_site *, struct transfer *);

/* A view by anybody, by hashes of target and visitor. */
void collisions_site_note(struct collisions_site *, uint64_t target, uint64_t visitor,
                          int64_t now_ns);

/* s less two standard errors; NaN while it is not known. */
double collisions_site_rate(const struct collisions_site *);

void collisions_rotate(struct collisions *, int64_t from, int64_t to);

/* A view of the group in a pane that is not over for long. */
void collisions_count(struct collisions *, struct budget *, struct counters *,
                      uint64_t target, int64_t pane);

/* The newest eight panes; NaN while `rate` is. */
double collisions_value(const struct collisions *, int64_t pane, double rate);
void collisions_clear(struct collisions *, struct budget *);

/* -log10 P(Poisson(mean) <= count). */
double collisions_surprise(uint64_t count, double mean);

#endif
