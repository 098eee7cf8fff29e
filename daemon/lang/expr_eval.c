/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include <math.h>

enum value_type expr_type(const struct expr *expr)
{
        return expr->type;
}

const struct field *expr_field(const struct expr *expr)
{
        return expr->kind == NODE_FIELD ? expr->field : NULL;
}

void expr_each_aggregate(struct expr *expr, aggregate_fn *each, void *context)
{
        if (expr->kind == NODE_AGGREGATE)
                each(context, &expr->aggregate);
        for (struct expr *child = expr->child; child; child = child->next)
                expr_each_aggregate(child, each, context);
}

void expr_each_field(const struct expr *expr, expr_field_fn *each, void *context)
{
        if (expr->kind == NODE_FIELD)
                each(context, expr->field);
        for (const struct expr *child = expr->child; child; child = child->next)
                expr_each_field(child, each, context);
}

static struct value missing(void)
{
        return (struct value){ .type = VALUE_MISSING };
}

static bool is_equal(const struct value *a, const struct value *b)
{
        switch (a->type) {
        case VALUE_STRING:
                return slice_equal(a->text, b->text);
        case VALUE_NETWORK:
                return network_equal(&a->network, &b->network);
        case VALUE_BOOL:
                return a->truth == b->truth;
        case VALUE_MISSING:
                return false;
        default:
                return a->number == b->number;
        }
}

static bool compare(enum node_kind kind, const struct value *a, const struct value *b)
{
        switch (kind) {
        case NODE_EQUAL:
                return is_equal(a, b);
        case NODE_NOT_EQUAL:
                return !is_equal(a, b);
        case NODE_LESS:
                return a->number < b->number;
        case NODE_LESS_EQUAL:
                return a->number <= b->number;
        case NODE_GREATER:
                return a->number > b->number;
        case NODE_GREATER_EQUAL:
                return a->number >= b->number;
        case NODE_CONTAINS:
                return b->text.len == 0 || memmem(a->text.data, a->text.len, b->text.data,
                                                  b->text.len) != NULL;
        case NODE_STARTS_WITH:
                return slice_starts_with(a->text, b->text);
        default:
                return slice_ends_with(a->text, b->text);
        }
}

/* The value of an operand: constants are looked at where they are. */
static const struct value *operand(const struct expr *node,
                                   const struct expr_subject *subject, struct value *room)
{
        if (node->kind == NODE_CONSTANT)
                return &node->constant;
        *room = expr_value(node, subject);
        return room;
}

static bool is_comparison_true(const struct expr *node,
                               const struct expr_subject *subject)
{
        struct value left, right;
        const struct value *a = operand(node->child, subject, &left);

        if (a->type == VALUE_MISSING)
                return false;
        const struct value *b = operand(node->child->next, subject, &right);
        return b->type != VALUE_MISSING && compare(node->kind, a, b);
}

/* A network is in another when all of its addresses are. */
static bool is_inside(const struct network *inner, const struct network *outer)
{
        return inner->bits >= outer->bits && network_contains(outer, &inner->ip);
}

static bool is_in_list(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = expr_value(node->child, subject);
        const struct value *element = node->list.values;
        const struct value *end = element + node->list.count;

        if (value.type == VALUE_MISSING)
                return false;
        for (; element < end; element++)
                if (value.type == VALUE_NETWORK
                        ? is_inside(&value.network, &element->network)
                        : is_equal(&value, element))
                        return true;
        return false;
}

static bool is_in_named(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = expr_value(node->child, subject);

        return value.type != VALUE_MISSING && node->named->has(node->named, &value);
}

static bool is_matched(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = expr_value(node->child, subject);

        if (value.type == VALUE_MISSING)
                return false;
        enum regex_result result =
            regex_match(node->match.regex, node->match.room, value.text, NULL);
        if (result == REGEX_LIMIT && subject->counters)
                subject->counters->regex_limits++;
        return result == REGEX_YES;
}

static bool is_chain_true(const struct expr *node, const struct expr_subject *subject)
{
        bool stops_at = node->kind == NODE_OR;

        for (const struct expr *child = node->child; child; child = child->next)
                if (expr_true(child, subject) == stops_at)
                        return stops_at;
        return !stops_at;
}

static struct value aggregate_value(const struct expr *node,
                                    const struct expr_subject *subject)
{
        if (!subject->aggregate)
                return missing();
        return subject->aggregate(subject->context, &node->aggregate);
}

static double calculate(enum node_kind kind, double a, double b)
{
        switch (kind) {
        case NODE_ADD:
                return a + b;
        case NODE_SUBTRACT:
                return a - b;
        case NODE_MULTIPLY:
                return a * b;
        default:
                return a / b;
        }
}

/* What has no number, a division by zero, is missing. */
static struct value arithmetic_value(const struct expr *node,
                                     const struct expr_subject *subject)
{
        struct value a = expr_value(node->child, subject);

        if (a.type == VALUE_MISSING)
                return a;
        struct value b = expr_value(node->child->next, subject);
        if (b.type == VALUE_MISSING)
                return b;
        double result = calculate(node->kind, a.number, b.number);
        if (!isfinite(result))
                return missing();
        return (struct value){ .type = node->type, .number = result };
}

static struct value negated_value(const struct expr *node,
                                  const struct expr_subject *subject)
{
        struct value value = expr_value(node->child, subject);

        if (value.type != VALUE_MISSING)
                value.number = -value.number;
        return value;
}

static bool is_field_true(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = node->field->read(subject->subject, node->field->argument);

        return value.type == VALUE_BOOL && value.truth;
}

static bool is_aggregate_true(const struct expr *node, const struct expr_subject *subject)
{
        struct value value = aggregate_value(node, subject);

        return value.type == VALUE_BOOL && value.truth;
}

bool expr_true(const struct expr *node, const struct expr_subject *subject)
{
        switch (node->kind) {
        case NODE_FIELD:
                return is_field_true(node, subject);
        case NODE_AGGREGATE:
                return is_aggregate_true(node, subject);
        case NODE_PRESENT:
                return expr_value(node->child, subject).type != VALUE_MISSING;
        case NODE_NOT:
                return !expr_true(node->child, subject);
        case NODE_AND:
        case NODE_OR:
                return is_chain_true(node, subject);
        case NODE_IN_LIST:
                return is_in_list(node, subject);
        case NODE_IN_NAMED:
                return is_in_named(node, subject);
        case NODE_MATCHES:
                return is_matched(node, subject);
        case NODE_EQUAL:
        case NODE_NOT_EQUAL:
        case NODE_LESS:
        case NODE_LESS_EQUAL:
        case NODE_GREATER:
        case NODE_GREATER_EQUAL:
        case NODE_CONTAINS:
        case NODE_STARTS_WITH:
        case NODE_ENDS_WITH:
                return is_comparison_true(node, subject);
        default:
                return false; /* a number is not true */
        }
}

/* A condition is true or false, never missing, whatever a field says. */
struct value expr_value(const struct expr *node, const struct expr_subject *subject)
{
        if (node->type == VALUE_BOOL)
                return (struct value){ .type = VALUE_BOOL,
                                       .truth = expr_true(node, subject) };
        switch (node->kind) {
        case NODE_CONSTANT:
                return node->constant;
        case NODE_FIELD:
                return node->field->read(subject->subject, node->field->argument);
        case NODE_AGGREGATE:
                return aggregate_value(node, subject);
        case NODE_NEGATE:
                return negated_value(node, subject);
        default:
                return arithmetic_value(node, subject);
        }
}
