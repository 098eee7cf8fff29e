/* SPDX-License-Identifier: MIT */
/*
 * synchrony - do the members of a group go at one pace, as people do not?
 *
 * A hundred accounts that one program reads with share no targets and no address. They
 * share the program: each waits as long as the others. People differ, from each other
 * more than from themselves. So each member's pace is taken (paces.h: the mean logarithm
 * of eight times between requests, which one long pause does not change much), and of m
 * members k have one within half an octave. On the site the share p of visitors does.
 *
 *      synchrony = -log10 (20 P(Binomial(m, q) >= k)),  q = min(1, max(2 p, 1/20))
 *
 * of the half octave for which that is largest; 20 is how many of them there are to
 * choose from. Twice the share, since people of one group are more alike than all are:
 * they have one task, or one tool. What the hour of the day is, when they begin, and how
 * many requests they make is no matter.
 *
 * Members are a sample: of those who had a pace in the window the 31 with the smallest
 * keyed hashes, each with its newest; and seven who are being measured, which is over
 * after ten minutes without a request. Missing while fewer than eight have a pace, and
 * until the site's visitors are known.
 *
 * The site is who views the pages that the slot's condition may be true for, whatever
 * else it says (statistics.h): accounts that carry a tag are compared with all visitors.
 *
 * Cost: a look at 38 hashes and a logarithm; the value anew, some microseconds, when a
 * member's pace changed or a minute is over. Memory: 20 bytes a key, and 508 from the
 * fourth different member on.
 */
#ifndef DETECT_SYNCHRONY_H
#define DETECT_SYNCHRONY_H

#include "base/counters.h"
#include "detect/budget.h"
#include "detect/paces.h"
#include "detect/slot.h"

#define SYNCHRONY_PACED   31 /* members who have a pace */
#define SYNCHRONY_MEMBERS 38 /* and those who are being measured */
#define SYNCHRONY_LEAST   8
#define SYNCHRONY_FEW     3

/* From the budget. */
struct synchrony_members {
        float value;                      /* as it was at `minute`; NaN: missing */
        uint32_t minute;                  /* 0: it is to be found anew */
        uint32_t hash[SYNCHRONY_MEMBERS]; /* 0: nobody */
        struct pace pace[SYNCHRONY_MEMBERS];
        uint8_t bin[SYNCHRONY_PACED]; /* of the newest pace */
};

/* Of a key; begins as zeroes. */
struct synchrony {
        uint32_t members; /* handle, or 0 */
        uint32_t few[SYNCHRONY_FEW];
        uint32_t since_ms; /* of the first of the few */
};

/* A request of a member, by a keyed hash, at `time_ns`, which may be before `now_ns`. */
void synchrony_count(struct synchrony *, struct budget *, struct counters *,
                     uint64_t member, int64_t time_ns, int64_t now_ns, int64_t window_ns);

/* NaN: missing. */
double synchrony_value(const struct synchrony *, const struct budget *,
                       const struct paces *, int64_t now_ns, int64_t window_ns);
void synchrony_clear(struct synchrony *, struct budget *);

/* -log10 P(Binomial(m, q) >= k). */
double synchrony_surprise(unsigned k, unsigned m, double q);

/* SLOT_SYNCHRONY: synchrony(f, [cond,] w) */
void synchrony_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double synchrony_slot_value(const struct slot_place *);
void synchrony_slot_clear(const struct slot_place *);

#endif
