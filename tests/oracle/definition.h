/* SPDX-License-Identifier: MIT */
/*
 * definition - what a function over a window is, computed from all requests there were.
 *
 * A window w has 9 panes of w/8, aligned to the wall clock. count, sum, mean and share
 * take all nine, the ninth weighted by the part of it that is still inside; all other
 * functions take the newest eight.
 */
#ifndef ORACLE_DEFINITION_H
#define ORACLE_DEFINITION_H

#include "oracle/ruleset.h"

#define REQUESTS_MAX 3000

/* All requests, and what one rule makes of each of them. */
struct history {
        unsigned count;
        struct request requests[REQUESTS_MAX];
        struct {
                uint32_t key; /* KEY_MISSING: it is not looked at */
                uint8_t met;  /* bits of the questions whose filter it meets */
        } of_rule[RULES_DRAWN][REQUESTS_MAX];
};

/* Fills in what all rules make of the newest request. */
void history_note(struct history *, const struct ruleset *);

/* The rule has looked at none of those so far. */
void history_begin_rule(struct history *, unsigned rule);

/* Between these, both NaN when it is missing. */
struct answer {
        double least, most;
};

/* For the key of the newest request. A sketch of distinct values may answer `sketched`.
 */
struct answer define(const struct history *, const struct ruleset *, unsigned rule,
                     unsigned question, bool sketched);

/* How many different values the key ever had, whatever the window. */
double define_ever(const struct history *, const struct ruleset *, unsigned rule,
                   unsigned question);

#endif
