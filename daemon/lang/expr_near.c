/* SPDX-License-Identifier: MIT */
/*
 * How near a condition is to being true, told from its tree and what its aggregates are
 * now. What is read from a transaction is not known here and counts as met.
 */
#include "lang/expr_priv.h"

#include <math.h>

static struct expr_near step(const struct expr *, const struct expr_subject *);

static bool reads_transaction(const struct expr *node)
{
        if (node->kind == NODE_AGGREGATE)
                return node->aggregate.function->of_transaction;
        if (node->kind == NODE_FIELD)
                return true;
        for (const struct expr *child = node->child; child; child = child->next)
                if (reads_transaction(child))
                        return true;
        return false;
}

static bool has_aggregate(const struct expr *node)
{
        if (node->kind == NODE_AGGREGATE)
                return true;
        for (const struct expr *child = node->child; child; child = child->next)
                if (has_aggregate(child))
                        return true;
        return false;
}

/* NaN: missing. */
static double number_of(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = expr_value(node, subject);

        return value.type == VALUE_NUMBER || value.type == VALUE_DURATION ? value.number
                                                                          : (double)NAN;
}

/* `high` has to come to `low`. */
static struct expr_near climb(const struct expr *high, const struct expr *low,
                              const struct expr_subject *subject)
{
        double value = number_of(high, subject), threshold = number_of(low, subject);
        struct expr_near near = { 0, high, isnan(value) ? 0 : value,
                                  isnan(threshold) ? 0 : threshold };

        if (isnan(value) || isnan(threshold))
                return near;
        if (value >= threshold)
                near.share = 1;
        else if (threshold > 0 && value > 0)
                near.share = value / threshold;
        return near;
}

static struct expr_near yes_or_no(const struct expr *node,
                                  const struct expr_subject *subject)
{
        return (struct expr_near){ expr_true(node, subject) ? 1 : 0, NULL, 0, 0 };
}

/* The least of an `and`, the greatest of an `or`; of equals, one that can be shown. */
static struct expr_near decide(const struct expr *node,
                               const struct expr_subject *subject)
{
        struct expr_near best = step(node->child, subject);

        for (const struct expr *child = node->child->next; child; child = child->next) {
                struct expr_near one = step(child, subject);
                bool is_better = node->kind == NODE_AND ? one.share < best.share
                                                        : one.share > best.share;
                if (is_better ||
                    (one.share == best.share && !best.measure && one.measure))
                        best = one;
        }
        return best;
}

/* As deep as the parser lets trees be. */
static struct expr_near step(const struct expr *node, const struct expr_subject *subject)
{
        if (node->kind == NODE_AND || node->kind == NODE_OR)
                return decide(node, subject);
        if (reads_transaction(node))
                return (struct expr_near){ 1, NULL, 0, 0 };
        switch (node->kind) {
        case NODE_GREATER:
        case NODE_GREATER_EQUAL:
                if (has_aggregate(node->child))
                        return climb(node->child, node->child->next, subject);
                break;
        case NODE_LESS:
        case NODE_LESS_EQUAL:
                if (has_aggregate(node->child->next))
                        return climb(node->child->next, node->child, subject);
                break;
        default:
                break;
        }
        return yes_or_no(node, subject);
}

struct expr_near expr_near(const struct expr *expr, const struct expr_subject *subject)
{
        return step(expr, subject);
}
