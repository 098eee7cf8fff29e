/* SPDX-License-Identifier: MIT */
/*
 * What a condition needs before it can be true, told from its tree alone. Both
 * answers err on the side of "it may be".
 */
#include "lang/expr_priv.h"

static bool is_field(const struct expr *node, const struct field *field)
{
        return node->kind == NODE_FIELD && node->field == field;
}

/* The constant that the field is compared with, or NULL. */
static const struct expr *compared_with(const struct expr *node,
                                        const struct field *field)
{
        const struct expr *left = node->child, *right = left->next;

        if (is_field(left, field) && right->kind == NODE_CONSTANT)
                return right;
        return is_field(right, field) && left->kind == NODE_CONSTANT ? left : NULL;
}

static bool list_may_hold(const struct expr *node, const struct field *field, int value)
{
        if (!is_field(node->child, field))
                return true;
        for (unsigned i = 0; i < node->list.count; i++)
                if (node->list.values[i].number == value)
                        return true;
        return false;
}

bool expr_may_hold(const struct expr *node, const struct field *field, int value)
{
        const struct expr *constant;
        bool any = false;

        switch (node->kind) {
        case NODE_AND:
                for (const struct expr *child = node->child; child; child = child->next)
                        if (!expr_may_hold(child, field, value))
                                return false;
                return true;
        case NODE_OR:
                for (const struct expr *child = node->child; child; child = child->next)
                        any |= expr_may_hold(child, field, value);
                return any;
        case NODE_EQUAL:
                constant = compared_with(node, field);
                return !constant || constant->constant.number == value;
        case NODE_NOT_EQUAL:
                constant = compared_with(node, field);
                return !constant || constant->constant.number != value;
        case NODE_IN_LIST:
                return list_may_hold(node, field, value);
        default:
                return true;
        }
}

void expr_each_conjunct(const struct expr *expr, expr_conjunct_fn *each, void *context)
{
        if (expr->kind != NODE_AND) {
                each(context, expr);
                return;
        }
        for (const struct expr *child = expr->child; child; child = child->next)
                expr_each_conjunct(child, each, context);
}

bool expr_reads_only(const struct expr *expr, const struct field *field)
{
        if (expr->kind == NODE_AGGREGATE ||
            (expr->kind == NODE_FIELD && expr->field != field))
                return false;
        for (const struct expr *child = expr->child; child; child = child->next)
                if (!expr_reads_only(child, field))
                        return false;
        return true;
}

/* `aggregate >= number`, or the same written the other way round. */
static double bound_of(const struct expr *aggregate, const struct expr *number,
                       bool (*counts)(const struct aggregate *))
{
        if (aggregate->kind != NODE_AGGREGATE || number->kind != NODE_CONSTANT ||
            number->constant.type != VALUE_NUMBER || !counts(&aggregate->aggregate))
                return 0;
        return number->constant.number > 0 ? number->constant.number : 0;
}

double expr_least(const struct expr *node, bool (*counts)(const struct aggregate *))
{
        double least = 0, part;
        const struct expr *child = node->child;

        switch (node->kind) {
        case NODE_AND:
                for (; child; child = child->next) {
                        part = expr_least(child, counts);
                        least = part > least ? part : least;
                }
                return least;
        case NODE_OR:
                least = expr_least(child, counts);
                for (child = child->next; child; child = child->next) {
                        part = expr_least(child, counts);
                        least = part < least ? part : least;
                }
                return least;
        case NODE_GREATER:
        case NODE_GREATER_EQUAL:
                return bound_of(child, child->next, counts);
        case NODE_LESS:
        case NODE_LESS_EQUAL:
                return bound_of(child->next, child, counts);
        default:
                return 0;
        }
}

static enum expr_order turned(enum expr_order order)
{
        static const enum expr_order other[] = {
                [EXPR_LESS] = EXPR_GREATER,
                [EXPR_LESS_EQUAL] = EXPR_GREATER_EQUAL,
                [EXPR_GREATER] = EXPR_LESS,
                [EXPR_GREATER_EQUAL] = EXPR_LESS_EQUAL,
        };

        return other[order];
}

static bool find_order(enum node_kind kind, enum expr_order *order)
{
        switch (kind) {
        case NODE_LESS:
                *order = EXPR_LESS;
                return true;
        case NODE_LESS_EQUAL:
                *order = EXPR_LESS_EQUAL;
                return true;
        case NODE_GREATER:
                *order = EXPR_GREATER;
                return true;
        case NODE_GREATER_EQUAL:
                *order = EXPR_GREATER_EQUAL;
                return true;
        default:
                return false;
        }
}

bool expr_is_bound(const struct expr *node, struct expr_bound *bound)
{
        enum expr_order order;

        if (!find_order(node->kind, &order))
                return false;
        const struct expr *left = node->child, *right = left->next;
        if (left->kind == NODE_AGGREGATE && right->kind == NODE_CONSTANT) {
                *bound = (struct expr_bound){ &left->aggregate, order,
                                              right->constant.number };
                return true;
        }
        if (left->kind == NODE_CONSTANT && right->kind == NODE_AGGREGATE) {
                *bound = (struct expr_bound){ &right->aggregate, turned(order),
                                              left->constant.number };
                return true;
        }
        return false;
}
