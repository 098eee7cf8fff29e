/* SPDX-License-Identifier: MIT */
/*
 * outside - what is known of a visitor from elsewhere than the traffic: databases,
 * published ranges, names.
 *
 * Each thing is looked up when the first rule asks, once a transaction.
 *
 * A visitor that claims to be a bot is checked like this:
 *
 *   in a range of its family               passed
 *   it has a name of its family            passed    (asked for where the family has
 *   the question has not been answered     pending    domains and somebody can ask)
 *   no answer could be had                 unknown
 *   none of its names is of its family     failed
 *   not in a range, no names to look for   failed
 *   neither ranges nor names are known     unknown
 *
 * A private address is unknown: it is that of a machine in between.
 */
#ifndef DETECT_OUTSIDE_H
#define DETECT_OUTSIDE_H

#include "observe/crawlers.h"
#include "observe/geo.h"
#include "observe/record.h"

/* As the words of bot.check stand. */
enum bot_check { BOT_PASSED, BOT_FAILED, BOT_PENDING, BOT_UNKNOWN };

enum hosts_state {
        HOSTS_KNOWN,
        HOSTS_PENDING, /* asked; answered some transactions later */
        HOSTS_UNKNOWN, /* nobody answers, or too much is asked already */
};

/*
 * Families that an address has a name of which leads back to it (crawlers_match_host).
 * While some are in doubt, those that are not may be there already.
 */
struct hosts_answer {
        enum hosts_state state;
        uint64_t families;
};

/* Answers at once. `now_ns` is the time of the transaction. */
typedef struct hosts_answer hosts_fn(void *context, const struct ip *, int64_t now_ns);

struct outside_sources {
        const struct geo *asn, *country; /* borrowed; NULL: not known */
        const struct crawlers *crawlers; /* the same */
        hosts_fn *hosts;                 /* NULL: nobody can be asked */
        void *hosts_context;
};

struct outside {
        const struct outside_sources *sources;
        unsigned known; /* bits: of this transaction */
        bool has_asn;
        uint32_t asn;
        struct slice country;
        enum bot_check check;
};

/* Another transaction. */
static inline void outside_begin(struct outside *o)
{
        o->known = 0;
}

bool outside_asn(struct outside *, const struct record *, uint32_t *asn);
struct slice outside_country(struct outside *, const struct record *);

/* Of a record whose User-Agent claims to be a bot. */
enum bot_check outside_bot(struct outside *, const struct record *);

#endif
