/* SPDX-License-Identifier: MIT */
/*
 * observe - from a transaction to a record, through the site map.
 *
 * Remembers nothing from one to the next: the same transaction always gives the same
 * record. Cost: 0.5 us for a browser's request with 12 headers behind a proxy; no
 * allocation.
 */
#ifndef OBSERVE_OBSERVE_H
#define OBSERVE_OBSERVE_H

#include "base/counters.h"
#include "base/hash.h"
#include "http/transaction.h"
#include "observe/agent.h"
#include "observe/domains.h"
#include "observe/record.h"
#include "observe/site.h"

struct observe;

/* `site` and `counters` are borrowed for the life of the observer. */
struct observe *observe_new(const struct site *site, const struct hash_key *key,
                            struct counters *counters);
void observe_free(struct observe **);

/*
 * From now on the bodies of pages with `form:` are looked at, up to `body_max` bytes of
 * each. `disposable` is borrowed; NULL: no domain is taken for a disposable one.
 */
void observe_forms(struct observe *, size_t body_max, const struct domains *disposable);

/* How much of a body observe_transaction will want; as http.h asks it. */
size_t observe_body_wanted(struct observe *, const struct transaction *, enum body_of);

/*
 * From now on only transactions of these pages are wanted: `pages` has a truth for
 * each number of site_page_names and is borrowed. NULL (the default): all.
 */
void observe_only(struct observe *, const bool *pages);

/* Of other pages, too, those are wanted of which the response changes the session. */
void observe_sessions(struct observe *);

/*
 * From now on no body of a sign-up is looked at and shapes are left out, but for sign-ups
 * and the page of their form, which are told apart by them. What a response's body says
 * of a sign-up is still asked: else it would pass for accepted.
 */
void observe_reduce(struct observe *, bool);

/*
 * From now on only transactions of one in 2^shift visitors are wanted (base/sample.h),
 * and records say so.
 */
void observe_sample(struct observe *, uint8_t shift);

/* Whether its visitor is wanted; needs the request's head only, and counts who is not. */
bool observe_visitor_wanted(struct observe *, const struct transaction *);

/* Of a visitor of that address; of a proxy, whose connections are many visitors', that
   which is always wanted. */
uint8_t observe_rank(const struct observe *, const struct ip *peer);

/*
 * From now on records say what the User-Agent claims to be. `agents` is borrowed; without
 * them (the default) those fields are missing and cost nothing.
 */
void observe_agents(struct observe *, struct agents *agents);

/* NULL when it is not wanted. The record is valid until the next call. Never fails.
 */
const struct record *observe_transaction(struct observe *, const struct transaction *);

#endif
