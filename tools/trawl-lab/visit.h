/* SPDX-License-Identifier: MIT */
/*
 * visit - one person's visit to the site, where a trap says who and where it is.
 *
 * Follows the same models as people do (RESEARCH.md): how many profiles one opens, think
 * times, popularity, searches and the way back to their results, links from profile to
 * profile, coming back to what one has seen. A trap says what is special.
 */
#ifndef LAB_VISIT_H
#define LAB_VISIT_H

#include "client.h"

/* What all visits of one trap have in common. */
struct visit_plan {
        uint32_t views;      /* profiles; 0: as people (inverse Gaussian) */
        double views_spread; /* lognormal sigma around `views`; 0: exactly */
        double think_s;      /* median; 0: as people */
        double breaks;       /* chance of a break of minutes after a view */
        double stray;        /* part of the views that follows no popularity */
        double revisits;     /* part of the views: what it saw before */
        uint32_t prefetch;   /* results of a search that the browser fetches beforehand */
        bool is_api;         /* only JSON, no page: the site's own application */
        bool no_assets;
        enum cookies cookies;
        int32_t first; /* a profile that somebody told it of; -1: none */
};

/* `plan` is borrowed for as long as the laboratory lives. */
void visit_add(struct lab *, const struct visit_plan *, uint32_t group, uint64_t name,
               int64_t first_ns, const struct software *, struct address);

#endif
