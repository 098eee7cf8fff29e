/* SPDX-License-Identifier: MIT */
/*
 * known - which sessions were here before, and not just now: session.known.
 *
 * How many people share an address is not known, and a program behind it can make as many
 * sessions as it likes by dropping its cookies. What it cannot make quickly are sessions
 * that were *sent*, by a request, ten minutes ago or more. So
 *
 *      known   it was sent by a request 10 to 20 minutes ago or before that, on this day
 *              (UTC) or one of the five before
 *
 * A session that a response has just set was not sent by anybody. One that a site takes
 * from whoever invents it still has to be kept for ten minutes; who keeps a hundred is a
 * hundred people.
 *
 * Eight Bloom filters side by side, a byte for each place: a bit for each of six days and
 * for each of the last two spells of ten minutes. When a spell is the last but one, what
 * is in it goes into the day. A session that the day has is not put into it again.
 *
 * A day is made for one session in 27.4 bytes. Then a session that was never sent is
 * called known once in 10,000 times when all six days are full (1.7e-5 for each). Past
 * that (`known_saturated`) the day takes no new ones: there are fewer people, never more.
 *
 * Cost: 8 places looked at by a transaction with a session; a sweep over the memory every
 * ten minutes.
 */
#ifndef DETECT_KNOWN_H
#define DETECT_KNOWN_H

#include "base/clock.h"
#include "base/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_DAYS     6
#define KNOWN_SPELL_NS (600 * NS_PER_SEC)
#define KNOWN_BYTES    27.4 /* for each session of a day */

struct transfer; /* transfer.h */

struct known {
        struct counters *counters;
        uint8_t *places;
        size_t count;
        int64_t now_ns, spell, day;
        uint64_t added; /* sessions of this day */
};

/* Takes at most `bytes`. False when the memory cannot be had. */
bool known_init(struct known *, uint64_t bytes, struct counters *);
void known_free(struct known *);

/* To a snapshot, or from one of equal size. */
void known_transfer(struct known *, struct transfer *);

/* It is `now_ns`, unless it is later already. */
void known_advance(struct known *, int64_t now_ns);

/* What is known of a session, by its keyed hash: for the two below. */
uint8_t known_find(const struct known *, uint64_t session);

bool known_is(uint8_t found);

/* A request sent it at the present time. */
void known_note(struct known *, uint64_t session, uint8_t found);

#endif
