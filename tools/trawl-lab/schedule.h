/* SPDX-License-Identifier: MIT */
/*
 * schedule - when the entries of the lists `traps` and `attackers` begin, day by day.
 *
 * An entry begins `count` times a day (or on one day), each time at a moment that is
 * drawn between `begin` and `within` later. Then, and not before, its source is called:
 * so its line stands at the right place of the truth file.
 */
#ifndef LAB_SCHEDULE_H
#define LAB_SCHEDULE_H

#include "lab.h"
#include "parameters.h"

/* One of them begins now. The dice are its own. */
typedef void schedule_fn(struct lab *, const struct entry *, struct dice *,
                         int64_t now_ns);

/* Of one source: which of its functions begins what. Ends with a row without a class. */
struct schedule_row {
        const char *class;
        schedule_fn *begin;
};

/* `rows` and the entries are borrowed for as long as the laboratory lives. */
void schedule_begin(struct lab *, const struct entries *, const struct schedule_row *);

/* The keys that every class has. */
#define SCHEDULE_KEYS(count, within)                                                     \
        { "count", PARAMETER_COUNT, count, 0, 1e6, NULL, "how many of them, each day" }, \
            { "day",                                                                     \
              PARAMETER_COUNT,                                                           \
              "0",                                                                       \
              0,                                                                         \
              10000,                                                                     \
              NULL,                                                                      \
              "on that day only, from 1; 0: every day" },                                \
            { "begin", PARAMETER_DURATION, "0s", 0, 86400, NULL, "after midnight" },     \
        {                                                                                \
                "within", PARAMETER_DURATION, within, 0, 86400, NULL,                    \
                    "begins at a moment drawn between then and so much later; with "     \
                    "`begin` and without this: then"                                     \
        }

#endif
