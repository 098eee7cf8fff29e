/* SPDX-License-Identifier: MIT */
/*
 * fit - how usual a way of writing headers is for the software that a client claims.
 *
 * ua.fit = log2 P(shape | family, page), learnt on this site: of the visitors
 * (client.host) who claim the family and asked for such a page, the part that showed this
 * http.shape. Not of those who made a request of the same *kind*: who leaves out what
 * tells the kind (Sec-Fetch-Mode, Accept) would only be compared with his like. Where the
 * ClientHello is known also P(JA4 | family); the smaller one counts, since both are
 * evidence of one kind.
 *
 *      P = (n + 1/2) / (N + 1)     n of N visitors; the visitor at hand not among them
 *
 * so that nothing seen gives log2 of 1/2 / (N + 1): rare for a common family, and no
 * verdict on one that is not known. A visitor counts once a day (UTC) for each shape;
 * what is older loses an eighth of its weight a day, so n is some eight days' worth and
 * a browser's new release is usual the day after.
 *
 * Counts stand in sets of eight in a table of fixed size; a new one takes the place of
 * the rarest of its set (`fit_evicted`). Who was counted today is in a Bloom filter;
 * past its size (`fit_saturated`) visitors begin to be taken for counted, of usual and
 * unusual shapes alike.
 *
 * Cost: two sets and two values of the filter for a transaction that has a family and a
 * shape, four where the ClientHello is known; twice that when a rule reads it. A visitor
 * whom the filter was asked for a moment ago is known without it: 32 KiB.
 */
#ifndef DETECT_FIT_H
#define DETECT_FIT_H

#include "base/clock.h"
#include "base/counters.h"
#include "base/hash.h"

#define FIT_HISTORY (12 * 3600 * NS_PER_SEC)
#define FIT_WAYS    8
#define FIT_SEEN    4096

struct fit_entry {
        uint64_t key; /* 0: empty */
        float visitors;
        uint32_t day; /* that `visitors` is of */
};

struct transfer; /* transfer.h */

struct fit {
        struct counters *counters;
        struct fit_entry *entries;
        uint32_t sets;
        uint8_t *counted; /* who was, today */
        size_t bits;
        uint64_t counted_today;
        int64_t began_ns, now_ns; /* began_ns: -1, nothing came yet */
        uint32_t day;
        uint64_t *seen; /* FIT_SEEN, some that are in the filter, by their last bits */
};

/* What a transaction says, as keyed hashes. */
struct fit_sight {
        uint64_t visitor;
        uint64_t family; /* 0: it claims none, and has no fit */
        uint64_t page, shape;
        uint64_t ja4; /* 0: not known */
};

/* Takes at most `bytes`. False when the memory cannot be had. */
bool fit_init(struct fit *, uint64_t bytes, struct counters *);
void fit_free(struct fit *);

/* To a snapshot, or from one of equal size. */
void fit_transfer(struct fit *, struct transfer *);
void fit_advance(struct fit *, int64_t now_ns);

/* NaN: missing. Of the time before the sight is noted, if it is. */
double fit_value(const struct fit *, const struct fit_sight *);
void fit_note(struct fit *, const struct fit_sight *);

#endif
