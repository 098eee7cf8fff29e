/* SPDX-License-Identifier: MIT */
/*
 * statistics - what the whole site does, for rules that compare a key with it.
 *
 * Holds what rules ask for and nothing else: views of targets (views.h), how rare they
 * are by hour (cold.h), how often views collide (collisions.h), how fast
 * people go (paces.h), how usual shapes
 * are (fit.h), which sessions were here before (known.h). Takes a part of the engine's
 * memory for it at start.
 *
 * A key is compared with its *population*: all views of the pages that the slot's
 * condition can be true for, whatever else the condition says. A rule on accounts that
 * carry a tag is compared with all who view those pages, not with the tagged.
 * Exempt transactions are views of the site like any others.
 *
 * A key that is of many (a network, a browser) is judged by what many view: of each
 * address its first QUOTA_MAX views in three hours count, for the key and for the site.
 * Otherwise the few who read thousands would be a good part of the site's mean, and a
 * crawl that many share would not stand out from it (decision 024). Of a key that is one
 * visitor all count.
 *
 * A view in sight is counted for the population at once, since it is for the key, too;
 * targets and shapes are remembered when the rules have been looked at, so that a
 * transaction never is its own precedent.
 */
#ifndef DETECT_STATISTICS_H
#define DETECT_STATISTICS_H

#include "detect/cold.h"
#include "detect/collisions.h"
#include "detect/fit.h"
#include "detect/known.h"
#include "detect/paces.h"
#include "detect/quota.h"
#include "detect/rules_priv.h"
#include "detect/views.h"

/* What a key's views are compared with: all, or of everybody his first sixteen in three
 * hours. */
enum cold_of { COLD_OF_ONE, COLD_OF_MANY, COLD_KINDS };

struct population {
        bool *pages; /* of the site map */
        bool collides, surges;
        struct cold_site cold[COLD_KINDS];
        struct collisions_site collisions;
        bool has_paces;
        struct paces paces;
};

/* The transaction at hand. */
struct sight {
        bool has_target, is_view, is_top, counts_for[COLD_KINDS];
        unsigned page;
        struct recency recency;
        uint64_t target;
        struct fit_sight fit;
        uint64_t sent;         /* session of the request; 0: none */
        uint8_t found_of_sent; /* what is known of it */
        bool is_known;         /* session.known */
};

struct statistics {
        const struct rules *rules;
        const struct hash_key *key;
        struct counters *counters;
        bool wants_counts, wants_marks, wants_fit, wants_known, wants_quota;
        struct views views;
        struct fit fit;
        bool *fit_pages; /* where ua.fit is read */
        struct known known;
        struct quota quota; /* for COLD_OF_MANY */
        unsigned population_count, page_count;
        struct population *populations;
        unsigned *population_of; /* by condition; population_count: none is asked for */
        struct cold_spread *spreads; /* by table and population */
        struct sight sight;
};

/* Takes its part off *memory when a rule asks for it. False when it cannot be had. */
bool statistics_init(struct statistics *, const struct rules *, const struct hash_key *,
                     uint64_t *memory, struct counters *);
void statistics_free(struct statistics *);

/*
 * Takes over from those of other rules what is compared with the same pages, and all that
 * is remembered of targets and shapes. `tables`: by old number, the new one, or
 * UINT32_MAX. `from` is emptied of what was taken. Page numbers must mean the same pages.
 */
void statistics_carry(struct statistics *from, struct statistics *to,
                      const unsigned *tables);

/* To a snapshot, or from one; `memory` is what statistics_init was given. */
void statistics_transfer(struct statistics *, struct transfer *, uint64_t memory);

/* Keyed hashes of fields of a record, as the rules have them; 0: not known. */
struct seen_early {
        uint64_t target, host, family, session;
};

/*
 * Fills in what is missing of what a record will be remembered by, and has the processor
 * fetch where.
 */
void statistics_ahead(const struct statistics *, const struct record *,
                      struct seen_early *);

/* A transaction comes into sight; `ja4` is its client's, or none. */
void statistics_begin(struct statistics *, const struct record *,
                      const struct seen_early *, struct slice ja4);

/* All rules have looked at it. */
void statistics_end(struct statistics *);

/* Of the transaction in sight; NaN: missing. */
double statistics_views(const struct statistics *);
double statistics_fit(const struct statistics *);

struct population *statistics_population(const struct statistics *, const struct slot *);
struct cold_spread *statistics_spread(const struct statistics *, const struct slot *,
                                      const struct table_plan *);

#endif
