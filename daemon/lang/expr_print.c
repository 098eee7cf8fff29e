/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* How tightly a node binds: one that binds looser than its place gets parentheses. */
enum binding {
        BINDS_OR,
        BINDS_AND,
        BINDS_NOT,
        BINDS_COMPARISON,
        BINDS_SUM,
        BINDS_PRODUCT,
        BINDS_UNARY,
        BINDS_ATOM
};

static const char *const operators[] = {
        [NODE_AND] = " and ",
        [NODE_OR] = " or ",
        [NODE_EQUAL] = " == ",
        [NODE_NOT_EQUAL] = " != ",
        [NODE_LESS] = " < ",
        [NODE_LESS_EQUAL] = " <= ",
        [NODE_GREATER] = " > ",
        [NODE_GREATER_EQUAL] = " >= ",
        [NODE_CONTAINS] = " contains ",
        [NODE_STARTS_WITH] = " starts_with ",
        [NODE_ENDS_WITH] = " ends_with ",
        [NODE_ADD] = " + ",
        [NODE_SUBTRACT] = " - ",
        [NODE_MULTIPLY] = " * ",
        [NODE_DIVIDE] = " / ",
};

static enum binding binding_of(const struct expr *node)
{
        switch (node->kind) {
        case NODE_OR:
                return BINDS_OR;
        case NODE_AND:
                return BINDS_AND;
        case NODE_NOT:
                return BINDS_NOT;
        case NODE_ADD:
        case NODE_SUBTRACT:
                return BINDS_SUM;
        case NODE_MULTIPLY:
        case NODE_DIVIDE:
                return BINDS_PRODUCT;
        case NODE_NEGATE:
                return BINDS_UNARY;
        case NODE_CONSTANT:
        case NODE_FIELD:
        case NODE_AGGREGATE:
        case NODE_PRESENT:
        case NODE_WORD:
        case NODE_BROKEN:
                return BINDS_ATOM;
        default:
                return BINDS_COMPARISON;
        }
}

/* The shortest text that reads back as the same number. */
void expr_print_number(double number, struct buf *out)
{
        char text[32];

        if (number == floor(number) && fabs(number) < 1e15) {
                buf_printf(out, "%.0f", number);
                return;
        }
        for (int digits = 1; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, number);
                if (strtod(text, NULL) == number)
                        break;
        }
        buf_put_str(out, text);
}

void expr_print_duration(double seconds, struct buf *out)
{
        static const struct {
                const char *unit;
                double seconds;
        } units[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
        char text[40];

        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                double count = seconds / units[i].seconds;
                if (seconds != 0 && count == floor(count) && fabs(count) < 1e15 &&
                    count * units[i].seconds == seconds) {
                        buf_printf(out, "%.0f%s", count, units[i].unit);
                        return;
                }
        }
        snprintf(text, sizeof(text), "%.0fe-3", seconds * 1000);
        if (seconds != 0 && strtod(text, NULL) == seconds) {
                buf_printf(out, "%.0fms", seconds * 1000);
                return;
        }
        expr_print_number(seconds, out);
        buf_put_byte(out, 's');
}

/* In single quotes; in double ones when it holds single ones and no double. */
void expr_print_text(struct slice text, struct buf *out)
{
        bool single = slice_find(text, '\'') < text.len;
        bool both = single && slice_find(text, '"') < text.len;
        uint8_t quote = single && !both ? '"' : '\'';

        buf_put_byte(out, quote);
        for (size_t i = 0; i < text.len; i++) {
                if (text.data[i] == quote)
                        buf_put_byte(out, quote);
                buf_put_byte(out, text.data[i]);
        }
        buf_put_byte(out, quote);
}

void value_print(const struct value *value, const struct value_names *names,
                 struct buf *out)
{
        char text[NETWORK_TEXT_MAX];
        const char *name;

        switch (value->type) {
        case VALUE_MISSING:
                buf_put_str(out, "missing");
                break;
        case VALUE_BOOL:
                buf_put_str(out, value->truth ? "true" : "false");
                break;
        case VALUE_NUMBER:
                expr_print_number(value->number, out);
                break;
        case VALUE_DURATION:
                expr_print_duration(value->number, out);
                break;
        case VALUE_RATIO:
                expr_print_number(value->number, out);
                buf_put_byte(out, 'x');
                break;
        case VALUE_STRING:
                buf_put_slice(out, value->text);
                break;
        case VALUE_ENUM:
                name = names ? names->name(names->context, (int)value->number) : NULL;
                buf_put_str(out, name ? name : "missing");
                break;
        case VALUE_NETWORK:
                buf_put(out, text, network_format(&value->network, text));
                break;
        }
}

static void print_constant(const struct value *value, const struct value_names *names,
                           bool needs_quotes, struct buf *out)
{
        const char *name;

        if (value->type == VALUE_STRING) {
                expr_print_text(value->text, out);
                return;
        }
        if (value->type != VALUE_ENUM) {
                value_print(value, NULL, out);
                return;
        }
        name = names->name(names->context, (int)value->number);
        if (needs_quotes || !expr_is_word(slice_str(name)))
                expr_print_text(slice_str(name), out);
        else
                buf_put_str(out, name);
}

static void print_node(const struct expr *node, enum binding place, struct buf *out);

static void print_aggregate(const struct expr *node, struct buf *out)
{
        const struct aggregate *aggregate = &node->aggregate;
        const char *comma = "";

        buf_printf(out, "%s(", aggregate->function->name);
        for (const struct expr *child = node->child; child; child = child->next) {
                buf_put_str(out, comma);
                print_node(child, BINDS_OR, out);
                comma = ", ";
        }
        if (!slice_is_none(aggregate->tag)) {
                buf_put_str(out, comma);
                if (expr_is_word(aggregate->tag))
                        buf_put_slice(out, aggregate->tag);
                else
                        expr_print_text(aggregate->tag, out);
        }
        if (aggregate->ratio != 0) {
                expr_print_number(aggregate->ratio, out);
                buf_put_byte(out, 'x');
        }
        if (aggregate->window_ns) {
                buf_put_str(out, comma);
                expr_print_duration((double)aggregate->window_ns / 1e9, out);
        }
        buf_put_byte(out, ')');
}

static void print_list(const struct expr *node, struct buf *out)
{
        const struct value_array *list = &node->list;
        bool bare = list->count == 1 && list->values[0].type == VALUE_NETWORK;

        print_node(node->child, BINDS_SUM, out);
        buf_put_str(out, bare ? " in " : " in [");
        for (unsigned i = 0; i < list->count; i++) {
                buf_put_str(out, i ? ", " : "");
                print_constant(&list->values[i], node->child->names, false, out);
        }
        buf_put_str(out, bare ? "" : "]");
}

/* Operands of one operator; the right one of - and / must bind tighter. */
static void print_operands(const struct expr *node, struct buf *out)
{
        enum binding binding = binding_of(node);
        bool chain = node->kind == NODE_AND || node->kind == NODE_OR;

        for (const struct expr *child = node->child; child; child = child->next) {
                bool first = child == node->child;
                if (!first)
                        buf_put_str(out, operators[node->kind]);
                print_node(child, first || chain ? binding : binding + 1, out);
        }
}

static void print_bare(const struct expr *node, struct buf *out)
{
        switch (node->kind) {
        case NODE_CONSTANT:
                print_constant(&node->constant, node->names, node->needs_quotes, out);
                break;
        case NODE_FIELD:
                buf_put_str(out, node->field->name);
                break;
        case NODE_AGGREGATE:
                print_aggregate(node, out);
                break;
        case NODE_PRESENT:
                buf_put_str(out, "present(");
                print_node(node->child, BINDS_OR, out);
                buf_put_byte(out, ')');
                break;
        case NODE_NOT:
                buf_put_str(out, "not ");
                print_node(node->child, BINDS_NOT, out);
                break;
        case NODE_NEGATE:
                buf_put_byte(out, '-');
                print_node(node->child, BINDS_UNARY, out);
                break;
        case NODE_IN_LIST:
                print_list(node, out);
                break;
        case NODE_IN_NAMED:
                print_node(node->child, BINDS_SUM, out);
                buf_printf(out, " in @%s", node->named->name);
                break;
        case NODE_MATCHES:
                print_node(node->child, BINDS_SUM, out);
                buf_put_str(out, " =~ ");
                expr_print_text(regex_pattern(node->match.regex), out);
                break;
        default:
                print_operands(node, out);
        }
}

static void print_node(const struct expr *node, enum binding place, struct buf *out)
{
        bool parentheses = binding_of(node) < place;

        if (parentheses)
                buf_put_byte(out, '(');
        print_bare(node, out);
        if (parentheses)
                buf_put_byte(out, ')');
}

void expr_print(const struct expr *expr, struct buf *out)
{
        print_node(expr, BINDS_OR, out);
}
