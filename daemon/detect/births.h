/* SPDX-License-Identifier: MIT */
/*
 * births - when the account at hand was signed up, where that was seen; and when the
 * domain of an e-mail address was first seen at a sign-up.
 *
 * A sign-up that was accepted is remembered under the session that its response set and
 * under its account. A session that is changed into another hands its birth on, unless
 * that has one of its own. A session's newest sign-up counts, an account's first.
 *
 * A domain's birth is the first sign-up with it that was accepted. One that is older than
 * DOMAIN_OLD counts as that old, and is as young again by each sign-up: it is forgotten
 * when nobody used it for the rest of BIRTHS_TTL. Nothing is said of any domain within
 * DOMAIN_HISTORY of the first sign-up that was seen, and those of that time count as old,
 * since nobody knows who was there before.
 *
 * Births are forgotten after BIRTHS_TTL. When there is no room, of a few that the hand
 * looks at the oldest account's goes, and where more than half of all are domains the
 * newest domain's: who forgets the domain that everybody has takes it for a new one, and
 * no flood of either kind drives out the other. Times are even nanoseconds for accounts
 * and odd ones for domains.
 *
 * Cost: nothing for transactions that are no sign-up and change no session; one or two
 * look-ups where an age is read. 16 bytes a birth.
 */
#ifndef DETECT_BIRTHS_H
#define DETECT_BIRTHS_H

#include "base/clock.h"
#include "base/hash.h"
#include "detect/index.h"
#include "observe/record.h"

#define BIRTH_SIZE 16 /* bytes */
#define BIRTHS_TTL (30LL * 24 * 3600 * NS_PER_SEC)

#define DOMAIN_OLD     (7LL * 24 * 3600 * NS_PER_SEC)
#define DOMAIN_HISTORY (24LL * 3600 * NS_PER_SEC)

/* What is remembered. */
enum birth_kind { BIRTH_ACCOUNTS = 1, BIRTH_DOMAINS = 2 };

struct births {
        struct budget *budget;
        const struct hash_key *key;
        uint64_t *evicted; /* counts those that were forgotten before their time */
        struct index index;
        unsigned class;
        uint32_t max, hand, domains;
        int64_t began_ns; /* the first sign-up whose domain was noted; -1: none */
};

bool births_init(struct births *, struct budget *, const struct hash_key *,
                 uint64_t index_bytes, uint32_t max, uint64_t *evicted);
void births_free(struct births *);

/* Finds its class of the budget again, when the budget's were read back. */
void births_find_classes(struct births *);

/* Remembers what the record tells of births of these kinds (of enum birth_kind). */
void births_note(struct births *, const struct record *, unsigned kinds);

/* The age of the record's account, else of its session; -1: not known. */
int64_t births_age_ns(const struct births *, const struct record *);

/*
 * The age of the domain of the record's e-mail address, DOMAIN_OLD at most; -1: it has
 * none, or not enough is known yet. A domain that was never seen has 0.
 */
int64_t births_domain_age_ns(const struct births *, const struct record *);

#endif
