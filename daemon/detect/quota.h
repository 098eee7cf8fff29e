/* SPDX-License-Identifier: MIT */
/*
 * quota - whether a visitor has had fewer than QUOTA_MAX of something in these three
 * hours.
 *
 * For what is said of many: everybody counts with his first sixteen, so that the few who
 * take thousands do not make the mean. It begins anew every three hours (of UTC), so that
 * who takes his time counts all day. A count-min sketch (Cormode, Muthukrishnan 2005) of
 * two rows of one byte each, updated conservatively (Estan, Varghese 2002): of a
 * visitor's two counts only the smaller ones grow, and no further than the quota.
 *
 *      row 1  | 3 | 0 | 16 | 1 | ...      the smaller of the two is never below what he
 *      row 2  | 7 | 3 |  0 | 2 | ...      has had, and above it where both are shared
 *
 * So nobody has more than his quota, and some have less. With 2 M counts in a row, 1 M
 * visitors with five each and 1 % who use theirs up, one in 40,000 shares both with
 * such (0.005^2; 2 of 100,000 in unit.quota).
 *
 * Cost: two counts looked at; all of them are cleared every three hours (4 MiB: 0.03 ms).
 */
#ifndef DETECT_QUOTA_H
#define DETECT_QUOTA_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUOTA_MAX      16
#define QUOTA_SPELL_NS (3 * 3600 * NS_PER_SEC)

struct transfer; /* transfer.h */

struct quota {
        uint8_t *counts; /* of both rows */
        size_t width;    /* of a row */
        int64_t spell;   /* the running one; -1: none yet */
};

/* Takes at most `bytes`, and 4 KiB at least. False when the memory cannot be had. */
bool quota_init(struct quota *, uint64_t bytes);
void quota_free(struct quota *);

/* To a snapshot, or from one of equal size. */
void quota_transfer(struct quota *, struct transfer *);

/* It is `now_ns`; three hours that are over stay so. */
void quota_advance(struct quota *, int64_t now_ns);

/* Has the processor fetch what quota_take looks at. */
void quota_prefetch(const struct quota *, uint64_t visitor);

/* The visitor of this keyed hash takes one: false when there is none left. */
bool quota_take(struct quota *, uint64_t visitor);

#endif
