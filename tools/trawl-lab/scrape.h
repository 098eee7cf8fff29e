/* SPDX-License-Identifier: MIT */
/*
 * scrape - those who read profiles to keep them.
 *
 * One scrape is a plan that one or many visitors carry out together, each an actor with
 * a client (client.h), an address out of a pool (pool.h) and a session. They read one
 * order (order.h), so that they partition it. There are two ways to go about it:
 *
 *   a crew      `workers` visitors from the beginning to the end, that share the rate
 *   sittings    one visitor for each address (or account), that comes at some time of
 *               `lasts`, reads `each` profiles and is gone
 *
 * All classes of scrapers are such plans; they differ by what is usual in them
 * (scrape_classes.c).
 */
#ifndef LAB_SCRAPE_H
#define LAB_SCRAPE_H

#include "client.h"
#include "order.h"
#include "parameters.h"
#include "pool.h"
#include "timing.h"

enum scrape_session {
        SESSION_ADDRESS, /* a new one at each address */
        SESSION_KEPT,    /* the visitor's, wherever it goes */
        SESSION_DROPPED, /* never sent back: each answer sets a new one */
        SESSION_NONE     /* the site sets none */
};

struct scrape_plan {
        /* who */
        struct pool_plan pool;
        uint32_t rotate; /* requests for profiles until the next address; 0: stays */
        enum scrape_session session;
        uint32_t accounts; /* that many are logged in, one for each visitor; 0: none */
        const char *software;
        bool mixed; /* each visitor has its own software of that kind */
        /* how */
        bool assets, referers;
        bool searches; /* a session begins with a search, and comes back to one */
        /* what */
        struct order_plan order;
        uint64_t profiles; /* different ones, all together; 0: as long as it lasts */
        uint32_t each;     /* sittings: of each visitor; 0: a crew */
        double revisits, guesses; /* part of the views */
        /* when */
        uint32_t workers; /* of a crew; 0: one for each address */
        double rate;      /* of a crew: views a second, all together */
        int64_t pause_ns; /* in sittings: mean between two views */
        int64_t lasts_ns; /* 0: until all are read */
        enum timing_kind timing;
        /* What to stay below: different profiles of an address, of a session. */
        struct pace_limits address_below, session_below;
};

struct scrape;

/* scrape_classes.c */
struct scrape_plan scrape_plan_of(const struct lab *, const struct entry *);

/* Lives as long as the laboratory. `group` is its truth. Nobody comes yet. */
struct scrape *scrape_new(struct lab *, const struct scrape_plan *, uint32_t group,
                          struct dice *, int64_t now_ns);

/* All its visitors come, as the plan says. */
void scrape_start(struct scrape *, struct lab *, struct dice *, int64_t now_ns);

/* One more visitor, with cookies that it got elsewhere ("" is none). */
void scrape_join(struct scrape *, struct lab *, struct dice *, int64_t first_ns,
                 const char *session, const char *account);

#endif
