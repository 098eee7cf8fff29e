/* SPDX-License-Identifier: MIT */
/*
 * site - the web site of the laboratory: its pages, its profiles, what a page brings.
 *
 * All names come from the parameters, so that figures can be had for a site that calls
 * and lays out its pages otherwise: path templates, cookies, how profiles are named
 * (`name`: anna-keller-4f2, `number`: ids in the order of joining, with gaps, `uuid`), a
 * server-rendered site or a single-page application (a shell once, then JSON). Writes the
 * site map that fits, for the daemon.
 */
#ifndef LAB_SITE_H
#define LAB_SITE_H

#include "dice.h"

#include <stddef.h>
#include <stdio.h>

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST };

enum page {
        PAGE_HOME,
        PAGE_SEARCH,
        PAGE_PROFILE,
        PAGE_PROFILE_API, /* the same profiles, as JSON */
        PAGE_SIGNUP_FORM,
        PAGE_SIGNUP,
        PAGE_LOGIN,
        PAGE_FEED,
        PAGE_HEALTH,
        PAGE_OTHER,
        PAGES
};

#define SITE_PATH_MAX 256

struct parameters;
struct site;

/* The parameters are kept, not copied. */
struct site *site_new(const struct parameters *, uint64_t seed);
void site_free(struct site **);

uint32_t site_profiles(const struct site *);
bool site_is_app(const struct site *); /* a single-page application */

/* Popularity: rank 0 is viewed most. A permutation, so ids tell nothing of it. */
uint32_t site_at_rank(const struct site *, uint32_t rank);

/* One by the law of popularity. */
uint32_t site_popular(const struct site *, struct dice *);

/* By joining: position 0 is the oldest. What a sequential crawl counts through. */
uint32_t site_at_position(const struct site *, uint32_t position);

/* Whether there is still something at its path: 200, or 404. */
bool site_is_there(const struct site *, uint32_t profile);

/* What a page of results or a feed shows in the i-th place. */
uint32_t site_shown(const struct site *, uint32_t number, uint32_t i);

/* Profiles that its page links to: `i` is taken modulo how many there are. */
uint32_t site_linked(const struct site *, uint32_t profile, uint32_t i);

/* A path of that page; for profiles `number` is the profile, else it tells variants apart
 * (a search's words). */
void site_path(const struct site *, enum page, uint32_t number, char path[SITE_PATH_MAX]);

/* A path under which there is no profile: one that was guessed. */
void site_no_profile(const struct site *, uint32_t number, char path[SITE_PATH_MAX]);

/* Assets that a page brings: style sheets, scripts, fonts (shared by all pages), and the
 * picture of a profile. Returns how many of `most` were put. */
struct asset {
        char path[SITE_PATH_MAX];
        enum asset_kind { ASSET_STYLE, ASSET_SCRIPT, ASSET_FONT, ASSET_IMAGE } kind;
        uint32_t bytes;
        bool is_shared; /* fetched once, then in the browser's cache */
};
bool site_asset(const struct site *, enum page, uint32_t number, unsigned i,
                struct asset *); /* the i-th alone; false past the last */
unsigned site_assets(const struct site *, enum page, uint32_t number, struct asset *,
                     unsigned most);

/* Bytes of a page's body, and how long the site takes for it. */
uint32_t site_bytes(const struct site *, enum page, struct dice *);
int64_t site_latency(const struct site *, enum page, struct dice *);

/* Values of cookies, and their names for heads. */
void site_session(const struct site *, uint64_t name, char text[40]);
void site_account(const struct site *, uint64_t name, char text[24]);
const char *site_session_cookie(const struct site *);
const char *site_account_cookie(const struct site *);

/* The daemon's site map for this site. */
void site_write_map(const struct site *, FILE *);

#endif
