/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include <stdio.h>

#define SUGGESTIONS_MAX 512 /* names that are looked through for a near one */

const struct field *expr_find_field(const struct expr_language *language,
                                    struct slice name)
{
        for (const struct field *field = language->fields; field->name; field++)
                if (slice_is(name, field->name))
                        return field;
        return NULL;
}

bool expr_is_reserved(const struct expr_language *language, struct slice name)
{
        const char *const *reserved = language->reserved;

        for (; reserved && *reserved; reserved++)
                if (slice_is(name, *reserved))
                        return true;
        return false;
}

const char *expr_hint(struct reader *r, struct slice unknown,
                      const char *const *candidates)
{
        const char *near = diag_suggest(unknown, candidates);

        r->hint[0] = '\0';
        if (near)
                snprintf(r->hint, sizeof(r->hint), " (did you mean '%s'?)", near);
        return r->hint;
}

const char *expr_did_you_mean(struct reader *r, struct slice unknown)
{
        const struct expr_language *language = r->language;
        const struct field_with_argument *row = language->argument_fields;
        const struct function *function = language->functions;
        const char *names[SUGGESTIONS_MAX + 1] = { "present" };
        unsigned n = 1;

        for (const struct field *field = language->fields; field->name; field++)
                if (n < SUGGESTIONS_MAX)
                        names[n++] = field->name;
        for (; row && row->name && n < SUGGESTIONS_MAX; row++)
                names[n++] = row->name;
        for (; function && function->name && n < SUGGESTIONS_MAX; function++)
                names[n++] = function->name;
        return expr_hint(r, unknown, names);
}

const char *expr_type_name(struct reader *r, enum value_type type,
                           const struct value_names *names)
{
        switch (type) {
        case VALUE_BOOL:
                return "a condition";
        case VALUE_NUMBER:
                return "a number";
        case VALUE_DURATION:
                return "a duration";
        case VALUE_STRING:
                return "a text";
        case VALUE_NETWORK:
                return "an address";
        case VALUE_RATIO:
                return "a ratio";
        case VALUE_ENUM:
                snprintf(r->hint, sizeof(r->hint), "a %s", names ? names->what : "name");
                return r->hint;
        case VALUE_MISSING:
                break;
        }
        return "nothing";
}

static bool is_call(const struct expr_language *language, struct slice name)
{
        const struct field_with_argument *row = language->argument_fields;
        const struct function *function = language->functions;

        for (; function && function->name; function++)
                if (slice_is(name, function->name))
                        return true;
        for (; row && row->name; row++)
                if (slice_is(name, row->name))
                        return true;
        return slice_is(name, "present");
}

static void report_word(struct reader *r, const struct expr *word,
                        const struct expr *other)
{
        struct slice text = expr_source(r, word);
        size_t hyphen = slice_find(text, '-');

        if (is_call(r->language, text))
                expr_mistake(r, word->at,
                             "'%.*s' is a function: it needs parentheses, %.*s(..)",
                             QUOTE(text), QUOTE(text));
        else if (expr_is_reserved(r->language, text))
                expr_mistake(r, word->at, "'%.*s' is not available in this version",
                             QUOTE(text));
        else if (other && other->kind != NODE_BROKEN && other->type == VALUE_STRING)
                expr_mistake(r, word->at,
                             "'%.*s' is not a field; a text needs quotes: '%.*s'%s",
                             QUOTE(text), QUOTE(text), expr_did_you_mean(r, text));
        else if (slice_is(text, "true") || slice_is(text, "false"))
                expr_mistake(
                    r, word->at,
                    "'%.*s' is not written: use a condition alone or behind 'not'",
                    QUOTE(text));
        else if (hyphen < text.len &&
                 expr_find_field(r->language, slice_first(text, hyphen)))
                expr_mistake(r, word->at,
                             "unknown field '%.*s'; subtraction is written with spaces",
                             QUOTE(text));
        else if (*expr_did_you_mean(r, text))
                expr_mistake(r, word->at, "unknown field '%.*s'%s", QUOTE(text), r->hint);
        else
                expr_mistake(r, word->at, "unknown field '%.*s' (%s)", QUOTE(text),
                             r->language->remedy ? r->language->remedy
                                                 : "a text needs quotes");
}

struct expr *expr_settle(struct reader *r, struct expr *node, const struct expr *other)
{
        if (node->kind != NODE_WORD)
                return node;
        report_word(r, node, other);
        return expr_broken(r, node->at);
}

static void report_name(struct reader *r, const struct expr *node, struct slice text,
                        const struct value_names *names)
{
        const char *known[SUGGESTIONS_MAX + 1] = { NULL };

        for (int i = 0; i < SUGGESTIONS_MAX; i++)
                if (!(known[i] = names->name(names->context, i)))
                        break;
        expr_mistake(r, node->at, "unknown %s '%.*s'%s", names->what, QUOTE(text),
                     expr_hint(r, text, known));
}

struct expr *expr_as_name(struct reader *r, struct expr *node,
                          const struct value_names *names)
{
        bool is_text = node->kind == NODE_CONSTANT && node->type == VALUE_STRING;
        struct slice text = is_text ? node->constant.text : expr_source(r, node);
        int index;

        if (!is_text && node->kind != NODE_WORD &&
            (node->kind != NODE_FIELD || node->names == names))
                return node;
        index = names->find(names->context, text);
        if (index < 0) {
                if (node->kind == NODE_FIELD)
                        return node; /* a field of another type: a mismatch */
                report_name(r, node, text, names);
                return expr_broken(r, node->at);
        }
        struct expr *name = expr_node(r, NODE_CONSTANT, VALUE_ENUM, node->at);
        name->len = node->len;
        name->names = names;
        name->needs_quotes = expr_find_field(r->language, text) != NULL;
        name->constant = (struct value){ .type = VALUE_ENUM, .number = index };
        return name;
}

struct expr *expr_as_network(struct reader *r, struct expr *node)
{
        struct network network;
        bool host_bits = false;

        if (node->kind != NODE_CONSTANT || node->type != VALUE_STRING)
                return node;
        if (!network_parse(node->constant.text, &network, &host_bits) || host_bits) {
                expr_mistake(r, node->at, "'%.*s' is not an address%s",
                             QUOTE(node->constant.text),
                             host_bits ? ": bits are set after its prefix" : "");
                return expr_broken(r, node->at);
        }
        node->type = VALUE_NETWORK;
        node->constant = (struct value){ .type = VALUE_NETWORK, .network = network };
        return node;
}

struct expr *expr_condition(struct reader *r, struct expr *node)
{
        node = expr_settle(r, node, NULL);
        if (node->kind == NODE_BROKEN || node->type == VALUE_BOOL)
                return node;
        struct slice text = expr_source(r, node);
        expr_mistake(r, node->at, "a condition is needed here, and '%.*s' is %s",
                     QUOTE(text), expr_type_name(r, node->type, node->names));
        return expr_broken(r, node->at);
}

/* Gives bare words and quoted names the meaning that the other side asks for. */
static void pair(struct reader *r, struct expr **left, struct expr **right)
{
        if ((*left)->type == VALUE_ENUM)
                *right = expr_as_name(r, *right, (*left)->names);
        else if ((*right)->type == VALUE_ENUM)
                *left = expr_as_name(r, *left, (*right)->names);
        if ((*left)->type == VALUE_NETWORK)
                *right = expr_as_network(r, *right);
        else if ((*right)->type == VALUE_NETWORK)
                *left = expr_as_network(r, *left);
        *left = expr_settle(r, *left, *right);
        /* Beside what was not understood a word may well be a name. */
        if ((*left)->kind == NODE_BROKEN && (*right)->kind == NODE_WORD)
                *right = expr_broken(r, (*right)->at);
        *right = expr_settle(r, *right, *left);
}

static bool looks_like_number(struct slice text)
{
        uint64_t number;

        return slice_to_u64(text, &number);
}

/* What to write instead of `constant` beside `side`; false when nobody can say. */
static bool report_remedy(struct reader *r, const struct expr *side,
                          const struct expr *constant)
{
        struct slice name = expr_source(r, side), text = expr_source(r, constant);

        if (constant->kind != NODE_CONSTANT)
                return false;
        if (side->type == VALUE_STRING && constant->type != VALUE_STRING)
                expr_mistake(r, constant->at, "'%.*s' is a text: write '%.*s' in quotes",
                             QUOTE(name), QUOTE(text));
        else if (side->type == VALUE_NUMBER && constant->type == VALUE_STRING &&
                 looks_like_number(constant->constant.text))
                expr_mistake(r, constant->at,
                             "'%.*s' is a number: write %.*s without quotes", QUOTE(name),
                             QUOTE(constant->constant.text));
        else if (side->type == VALUE_DURATION && constant->type == VALUE_NUMBER)
                expr_mistake(r, constant->at,
                             "'%.*s' is a duration: write a unit, %.*ss, %.*sm or %.*sh",
                             QUOTE(name), QUOTE(text), QUOTE(text), QUOTE(text));
        else if (side->type == VALUE_NUMBER && constant->type == VALUE_DURATION)
                expr_mistake(r, constant->at,
                             "'%.*s' is a number, and '%.*s' is a duration%s",
                             QUOTE(name), QUOTE(text),
                             text.data[text.len - 1] == 'm' ? " (a million is M)" : "");
        else
                return false;
        return true;
}

bool expr_mismatch(struct reader *r, unsigned at, const struct expr *left,
                   const struct expr *right)
{
        struct slice a = expr_source(r, left), b = expr_source(r, right);
        char type[sizeof(r->hint)];

        if (left->type == right->type &&
            (left->type != VALUE_ENUM || left->names == right->names))
                return false;
        if (report_remedy(r, left, right) || report_remedy(r, right, left))
                return true;
        snprintf(type, sizeof(type), "%s", expr_type_name(r, left->type, left->names));
        expr_mistake(r, at, "%.*s is %s, and %.*s is %s: they cannot be compared",
                     QUOTE(a), type, QUOTE(b),
                     expr_type_name(r, right->type, right->names));
        return true;
}

static enum node_kind comparison_kind(enum token_kind sign)
{
        switch (sign) {
        case TOKEN_EQUAL:
                return NODE_EQUAL;
        case TOKEN_NOT_EQUAL:
                return NODE_NOT_EQUAL;
        case TOKEN_LESS:
                return NODE_LESS;
        case TOKEN_LESS_EQUAL:
                return NODE_LESS_EQUAL;
        case TOKEN_GREATER:
                return NODE_GREATER;
        case TOKEN_GREATER_EQUAL:
                return NODE_GREATER_EQUAL;
        case TOKEN_CONTAINS:
                return NODE_CONTAINS;
        case TOKEN_STARTS_WITH:
                return NODE_STARTS_WITH;
        default:
                return NODE_ENDS_WITH;
        }
}

static bool is_text_test(enum node_kind kind)
{
        return kind == NODE_CONTAINS || kind == NODE_STARTS_WITH ||
               kind == NODE_ENDS_WITH;
}

/* True, and reported, when values of this type cannot stand at the sign. */
static bool refuses_type(struct reader *r, const struct token *sign, enum node_kind kind,
                         const struct expr *left)
{
        struct slice spelling = slice_of(r->text.data + sign->at, sign->len);
        bool ordered = left->type == VALUE_NUMBER || left->type == VALUE_DURATION;
        bool equality = kind == NODE_EQUAL || kind == NODE_NOT_EQUAL;

        if (equality || (is_text_test(kind) ? left->type == VALUE_STRING : ordered))
                return false;
        expr_mistake(r, sign->at, "'%.*s' is for %s, and '%.*s' is %s", QUOTE(spelling),
                     is_text_test(kind) ? "texts" : "numbers and durations",
                     QUOTE(expr_source(r, left)),
                     expr_type_name(r, left->type, left->names));
        return true;
}

/* True, and reported, for what is true or false already. */
static bool refuses_condition(struct reader *r, const struct expr *side)
{
        if (side->type != VALUE_BOOL || side->kind == NODE_BROKEN)
                return false;
        expr_mistake(r, side->at,
                     "'%.*s' is a condition: it stands alone or behind 'not'",
                     QUOTE(expr_source(r, side)));
        return true;
}

struct expr *expr_compare(struct reader *r, const struct token *sign, struct expr *left,
                          struct expr *right)
{
        enum node_kind kind = comparison_kind(sign->kind);
        struct expr *node;

        if (refuses_condition(r, left) || refuses_condition(r, right))
                return expr_broken(r, left->at);
        bool known = left->kind != NODE_WORD && left->kind != NODE_BROKEN;
        if (known && is_text_test(kind) && refuses_type(r, sign, kind, left))
                return expr_broken(r, left->at);
        pair(r, &left, &right);
        if (left->kind == NODE_BROKEN || right->kind == NODE_BROKEN ||
            expr_mismatch(r, sign->at, left, right) || refuses_type(r, sign, kind, left))
                return expr_broken(r, left->at);
        node = expr_node(r, kind, VALUE_BOOL, left->at);
        expr_adopt(r, node, left);
        expr_adopt(r, node, right);
        return node;
}

/* The type of the result, or MISSING when the two do not go together. */
static enum value_type arithmetic_type(enum node_kind kind, enum value_type a,
                                       enum value_type b)
{
        bool numbers = a == VALUE_NUMBER && b == VALUE_NUMBER;
        bool durations = a == VALUE_DURATION && b == VALUE_DURATION;

        if (numbers)
                return VALUE_NUMBER;
        if (durations && kind != NODE_MULTIPLY)
                return kind == NODE_DIVIDE ? VALUE_NUMBER : VALUE_DURATION;
        if (a == VALUE_DURATION && b == VALUE_NUMBER &&
            (kind == NODE_MULTIPLY || kind == NODE_DIVIDE))
                return VALUE_DURATION;
        if (a == VALUE_NUMBER && b == VALUE_DURATION && kind == NODE_MULTIPLY)
                return VALUE_DURATION;
        return VALUE_MISSING;
}

static void report_arithmetic(struct reader *r, const struct token *sign,
                              const struct expr *left, const struct expr *right)
{
        struct slice spelling = slice_of(r->text.data + sign->at, sign->len);
        char type[sizeof(r->hint)];

        if (left->type == VALUE_NUMBER && right->type == VALUE_DURATION &&
            sign->kind == TOKEN_SLASH) {
                expr_mistake(
                    r, sign->at,
                    "a number cannot be divided by a duration; write (%.*s / 1s) for "
                    "its seconds",
                    QUOTE(expr_source(r, right)));
                return;
        }
        snprintf(type, sizeof(type), "%s", expr_type_name(r, left->type, left->names));
        expr_mistake(r, sign->at, "'%.*s' cannot join %.*s, %s, and %.*s, %s",
                     QUOTE(spelling), QUOTE(expr_source(r, left)), type,
                     QUOTE(expr_source(r, right)),
                     expr_type_name(r, right->type, right->names));
}

struct expr *expr_arithmetic(struct reader *r, const struct token *sign,
                             struct expr *left, struct expr *right)
{
        enum node_kind kind = sign->kind == TOKEN_PLUS    ? NODE_ADD
                              : sign->kind == TOKEN_MINUS ? NODE_SUBTRACT
                              : sign->kind == TOKEN_TIMES ? NODE_MULTIPLY
                                                          : NODE_DIVIDE;
        struct expr *node;

        left = expr_settle(r, left, NULL);
        right = expr_settle(r, right, NULL);
        if (left->kind == NODE_BROKEN || right->kind == NODE_BROKEN)
                return expr_broken(r, left->at);
        enum value_type type = arithmetic_type(kind, left->type, right->type);
        if (type == VALUE_MISSING) {
                report_arithmetic(r, sign, left, right);
                return expr_broken(r, left->at);
        }
        node = expr_node(r, kind, type, left->at);
        expr_adopt(r, node, left);
        expr_adopt(r, node, right);
        return node;
}

struct expr *expr_negate(struct reader *r, unsigned at, struct expr *operand)
{
        struct expr *node;

        operand = expr_settle(r, operand, NULL);
        if (operand->kind == NODE_BROKEN)
                return operand;
        if (operand->type != VALUE_NUMBER && operand->type != VALUE_DURATION) {
                expr_mistake(r, at, "'-' is for numbers and durations, and '%.*s' is %s",
                             QUOTE(expr_source(r, operand)),
                             expr_type_name(r, operand->type, operand->names));
                return expr_broken(r, at);
        }
        node = expr_node(r, NODE_NEGATE, operand->type, at);
        node->len = operand->at + operand->len - at;
        if (operand->kind == NODE_CONSTANT) {
                node->kind = NODE_CONSTANT;
                node->constant = operand->constant;
                node->constant.number = 0 - operand->constant.number; /* never -0 */
        } else {
                expr_adopt(r, node, operand);
        }
        return node;
}
