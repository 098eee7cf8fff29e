/* SPDX-License-Identifier: MIT */
/*
 * gates - which rules of a table a transaction has to be shown to.
 *
 * Most rules need so many transactions of a key before they can hold (rule.least), and
 * most keys have few. So rules stand in the order of the plan, each behind a gate that
 * says how many transactions it takes and which condition, and groups of them behind
 * gates of their own, which no transaction passes that none of the group would let pass:
 *
 *      least 80           |  least 15         |  least 200 ..
 *      [120 200 80 ..]    |  [15 16 400 ..]   |
 *
 * Cost: a few instructions for each group of 16 rules, and for each rule of a group that
 * is entered.
 */
#ifndef DETECT_GATES_H
#define DETECT_GATES_H

#include "detect/rules_priv.h"

#define GATES_GROUP 16

struct gate {
        uint64_t met;   /* bits of conditions of the table: one of them is true */
        uint32_t least; /* transactions of the key */
};

struct gates {
        unsigned count;      /* rules */
        struct gate *rules;  /* in the order of the plan's */
        struct gate *groups; /* of GATES_GROUP rules each */
        uint32_t least_of_all;
};

/* `most`: where a key's count of transactions ends; there every rule is let in. */
bool gates_init(struct gates *, const struct rules *, const struct table_plan *,
                uint32_t most);
void gates_free(struct gates *);

static inline bool gate_is_open(const struct gate *g, uint64_t met, uint32_t transactions)
{
        return transactions >= g->least && g->met & met;
}

/*
 * The number in the plan's list of the next rule at or after `from` that is let in, or
 * the count of them.
 */
unsigned gates_next(const struct gates *, unsigned from, uint64_t met,
                    uint32_t transactions);

#endif
