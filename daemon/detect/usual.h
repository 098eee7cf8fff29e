/* SPDX-License-Identifier: MIT */
/*
 * usual - how a field's values are spread over the whole site: what skew() compares with.
 *
 * One histogram of 64 buckets (by the value's keyed hash) for each field and condition
 * that a rule asks skew() about, for whatever keys and windows. It learns from every
 * transaction that meets the condition and has the field, once, whether or not a rule has
 * a key for it; what is exempt teaches nothing.
 *
 * A transaction's weight halves every 7 days, so that each weekday counts alike and a new
 * fashion is usual after a week or two. Forward decay (Cormode, Shkapenyuk, Srivastava,
 * Xu 2009): newer ones are added with a larger weight, and nothing is touched to age.
 * Late records have the weight of their time.
 *
 * It is known once 200 transactions' worth of weight is there. From then on the chance
 * excess of a bucket's share is small against the 10 pseudo-counts (skew.h).
 *
 * Memory: 536 bytes each, taken at start; plain, without pointers. Cost: 6 ns.
 */
#ifndef DETECT_USUAL_H
#define DETECT_USUAL_H

#include "detect/facts.h"

#define USUAL_BUCKETS 64
#define USUAL_NEEDED  200
#define USUAL_PSEUDO  10

struct usual_values {
        double weight[USUAL_BUCKETS];
        double all;
        int64_t base_ns;   /* the time whose weight is 1 */
        int64_t newest_ns; /* of what was learnt; the present */
};

struct usual {
        const struct rules *rules;
        struct usual_values *values; /* by number, as rules->usuals */
};

bool usual_init(struct usual *, const struct rules *);
void usual_free(struct usual *);

/* What was learnt of fields and conditions that are written the same in both rules. */
void usual_carry(const struct usual *from, struct usual *to);

/* Whether the transaction meets a condition that something is learnt for. */
bool usual_wants(const struct usual *, struct facts *);
void usual_learn(struct usual *, struct facts *);

/* The same for one: a value of the bucket at a time. */
void usual_add(struct usual_values *, unsigned bucket, int64_t time_ns);

static inline unsigned usual_bucket(uint64_t hash)
{
        return (unsigned)(hash >> 58);
}

bool usual_is_known(const struct usual_values *);

/* Each bucket's share of the site, shrunk towards 1/64 by 10 pseudo-counts: never 0. */
void usual_shares(const struct usual_values *, double shares[USUAL_BUCKETS]);

#endif
