/* SPDX-License-Identifier: MIT */
/*
 * involved - which actors took part in one key's transactions.
 *
 * A short list that grows with the key: the first actor stands in the entry itself, more
 * of them in a block, at most 1 000. A place is for an actor and for which of the table's
 * conditions its transactions met, so that a rule names only those that it looked at.
 * Each has how often and when it was last seen, so that an incident can name those of its
 * window, the busiest first, and whether a message has named it: of whatever incident of the
 * key, so rules of one key and condition share that. One that was not seen for `keep` gives
 * up its place when a place is needed; of a list of 1 000 that is full one that was not seen
 * for ten minutes, when an eighth are such ones: or those of the morning would let nobody
 * of the evening be named.
 *
 * Up to 40 stand in a row, more of them in lines of the cache, of which the actor says
 * one: a search reads one or two of however many there are.
 *
 * A key may be busy with other things than a rule looks at: a browser's thousands read
 * profiles while eight of them sign up. So who met a condition that some rule needs to be
 * met but a few times (table_plan.few) takes a place when the list is full: an eighth of
 * those that met none of these, or else of all, leaves, which was seen longest ago.
 *
 * A place has room for 30 conditions and says which 30: a transaction of a table with
 * more of them takes a place for each part in which it met any.
 *
 *      met | part |              conditions 30 * part ..              |
 *            2 bits                      30 bits
 */
#ifndef DETECT_INVOLVED_H
#define DETECT_INVOLVED_H

#include "detect/actors.h"

#define CONDITIONS_MAX 64 /* of a table */
#define INVOLVED_MAX   1000
#define INVOLVED_SIZES 23 /* 1, 2, 3, 4, 6, 8, 12, ... 1 000 places */

struct involved {
        uint32_t place[4]; /* of a list of one: actor, met, seen, hits and named; else [0]: block,
                              and [1]: who was seen after that second stays for now */
        uint16_t count : 10;
        uint16_t size : 5;     /* which size of block; 0: the place above */
        uint16_t overflow : 1; /* there were more than could be kept */
};

struct involved_store {
        struct actors *actors;
        unsigned classes[INVOLVED_SIZES];
};

void involved_store_init(struct involved_store *, struct actors *);

/* One transaction of an actor; times in seconds. */
struct involvement {
        uint32_t actor;
        uint64_t met; /* a bit for each condition of the table that it met */
        uint64_t few; /* those of the table that some rule needs but a few times */
        uint32_t now, keep;
        bool keep_all; /* nobody gives up a place but to one of the few, or in a full list */
};

void involved_add(const struct involved_store *, struct involved *,
                  const struct involvement *);
/* Has the processor fetch what involved_add will look at of a list with a block. `actor`
   may be a guess. */
void involved_prefetch(const struct involved_store *, const struct involved *,
                       uint32_t actor);
void involved_clear(const struct involved_store *, struct involved *);

/*
 * The masks of what was met become others: those of other rules. A place keeps the lowest
 * part that is left of its mask.
 */
void involved_translate(const struct involved_store *, struct involved *,
                        uint64_t (*met)(void *context, uint64_t), void *context);

/* Values of a kind that were seen at or after `since` in transactions that met the
   `condition` (its bit). */
struct involved_query {
        enum participant_kind kind;
        uint64_t condition;
        uint32_t since; /* seconds */
};

/*
 * The different values, busiest first, and of as busy ones the one that was seen last: of
 * a burst of sign-ups those that are new. Up to `max` are put in `actors` (one that shows
 * the value); `total` gets how many there are.
 */
unsigned involved_values(const struct involved_store *, const struct involved *,
                         const struct involved_query *, const struct actor *actors[],
                         unsigned max, uint64_t *total);

/*
 * The same for a message that names them, and from now on they are named. Where there are
 * more than `max`, those that no message named yet get a place before the others, so that
 * message after message everybody is named. With `anew`, for the first message of an
 * incident, nobody was.
 */
unsigned involved_name(const struct involved_store *, struct involved *,
                       const struct involved_query *, bool anew,
                       const struct actor *actors[], unsigned max, uint64_t *total);

/*
 * The different actors that were seen at or after `since` in transactions that met the
 * `condition`. Up to `max` are put in `actors`. Returns how many.
 */
unsigned involved_actors(const struct involved_store *, const struct involved *,
                         uint64_t condition, uint32_t since, const struct actor *actors[],
                         unsigned max);

#endif
