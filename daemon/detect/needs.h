/* SPDX-License-Identifier: MIT */
/*
 * needs - what a rule's `when` asks of a key, as far as that is numbers.
 *
 * Most of a `when` is `aggregate >= number and ..`, and most of the time one of these is
 * false. They are told apart from the rest when the rules are loaded, the cheapest first,
 * and compared without the tree: only when all hold, the tree is asked for what is left,
 * and for many rules nothing is left.
 *
 *      when: count(1h) >= 20 and share(cookies == 0, 1h) > 80%       two needs, no rest
 *      when: distinct(target, 10m) >= 45 and (.. or ..)              one need, a rest
 *
 * A need that is missing does not hold, and nothing that `when` asks has an effect: so
 * the answer is that of the tree, in whatever order.
 *
 * Borrows the rules. Cost: 24 bytes for each need.
 */
#ifndef DETECT_NEEDS_H
#define DETECT_NEEDS_H

#include "detect/rules_priv.h"

struct need {
        const struct rule_aggregate *aggregate;
        enum expr_order order;
        double number;
};

struct needs {
        struct need *all;
        struct rule_needs {
                unsigned first, count;
                bool are_all; /* nothing is left for the tree */
        } *of;                /* of each rule of the table, in the order of the plan */
};

bool needs_init(struct needs *, const struct rules *, const struct table_plan *);
void needs_free(struct needs *);

static inline bool need_holds(const struct need *n, double value)
{
        switch (n->order) {
        case EXPR_LESS:
                return value < n->number;
        case EXPR_LESS_EQUAL:
                return value <= n->number;
        case EXPR_GREATER:
                return value > n->number;
        default:
                return value >= n->number;
        }
}

#endif
