/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>

#define PARAMETERS_MAX 4 /* before the PARAMETER_END */
#define WINDOW_MIN     1.0
#define WINDOW_MAX     (30 * 86400.0)
#define RATIO_MAX      100.0
#define TAG_MAX        64 /* bytes */

/* What stands between the parentheses: expressions, not settled yet. */
struct arguments {
        struct expr *at[PARAMETERS_MAX];
        unsigned count; /* more than PARAMETERS_MAX are counted only */
};

static const char *const parameter_names[] = {
        [PARAMETER_FIELD] = "field",
        [PARAMETER_NUMBER_FIELD] = "number",
        [PARAMETER_CONDITION] = "condition",
        [PARAMETER_OPTIONAL_CONDITION] = "[condition,]",
        [PARAMETER_WINDOW] = "window",
        [PARAMETER_RATIO] = "2x",
        [PARAMETER_TAG] = "tag",
};

/* The reader stands at the opening parenthesis; afterwards behind the closing one. */
static struct arguments read_arguments(struct reader *r)
{
        struct arguments arguments = { .count = 0 };

        do {
                expr_next(r);
                if (r->token.kind == TOKEN_CLOSE && arguments.count == 0)
                        break;
                struct expr *argument = expr_read(r);
                if (arguments.count < PARAMETERS_MAX)
                        arguments.at[arguments.count] = argument;
                arguments.count++;
        } while (r->token.kind == TOKEN_COMMA);
        if (!expr_expect(r, TOKEN_CLOSE, "')'"))
                expr_skip(r);
        return arguments;
}

/* "distinct(field, [condition,] window)" */
static const char *signature(const struct function *function, char *text, size_t size)
{
        size_t len = 0;

        for (const enum parameter *p = function->parameters; *p && len < size; p++) {
                const char *gap = p == function->parameters               ? ""
                                  : p[-1] == PARAMETER_OPTIONAL_CONDITION ? " "
                                                                          : ", ";
                const char *name = *p == PARAMETER_FIELD && function->only
                                       ? function->only
                                       : parameter_names[*p];
                len += (size_t)snprintf(text + len, size - len, "%s%s", gap, name);
        }
        return len ? text : "";
}

void function_print(const struct function *function, struct buf *out)
{
        char text[160];

        buf_printf(out, "%s(%s)", function->name,
                   signature(function, text, sizeof(text)));
}

static void check_window(struct reader *r, const struct expr *argument,
                         struct aggregate *aggregate)
{
        struct slice text = expr_source(r, argument);

        if (argument->kind == NODE_BROKEN)
                return;
        if (argument->kind != NODE_CONSTANT || argument->type != VALUE_DURATION) {
                bool number =
                    argument->kind == NODE_CONSTANT && argument->type == VALUE_NUMBER;
                expr_mistake(r, argument->at,
                             number
                                 ? "a window needs a unit: %.*ss, %.*sm or %.*sh"
                                 : "the last argument is the window, a duration like 10m",
                             QUOTE(text), QUOTE(text), QUOTE(text));
                return;
        }
        double seconds = argument->constant.number;
        if (seconds < WINDOW_MIN || seconds > WINDOW_MAX) {
                expr_mistake(r, argument->at, "a window is 1s to 30d long, not %.*s",
                             QUOTE(text));
                return;
        }
        aggregate->window_ns = llround(seconds * NS_PER_SEC);
}

static bool is_field(const struct expr *argument, const char *name)
{
        const struct field *field = expr_field(argument);

        return field && strcmp(field->name, name) == 0;
}

static struct expr *check_field(struct reader *r, struct expr *argument, bool number,
                                const struct function *function)
{
        struct slice text = expr_source(r, argument);

        argument = expr_settle(r, argument, NULL);
        if (argument->kind == NODE_BROKEN)
                return argument;
        if (argument->kind == NODE_CONSTANT)
                expr_mistake(r, argument->at, "%s() takes a field here, not a constant",
                             function->name);
        else if (function->only && !is_field(argument, function->only))
                expr_mistake(r, argument->at, "%s() takes the field %s here, not '%.*s'",
                             function->name, function->only, QUOTE(text));
        else if (number && argument->type != VALUE_NUMBER &&
                 argument->type != VALUE_DURATION)
                expr_mistake(r, argument->at,
                             "%s() takes a number or a duration here, and '%.*s' is %s",
                             function->name, QUOTE(text),
                             expr_type_name(r, argument->type, argument->names));
        else if (argument->type == VALUE_BOOL)
                expr_mistake(r, argument->at,
                             "%s() takes a field here, and '%.*s' is a condition",
                             function->name, QUOTE(text));
        else
                return argument;
        return expr_broken(r, argument->at);
}

static void take_field(struct reader *r, struct expr *node, struct expr *argument,
                       bool number)
{
        argument = check_field(r, argument, number, node->aggregate.function);
        node->aggregate.field = argument;
        expr_adopt(r, node, argument);
        if (node->type == VALUE_MISSING) {
                node->type = argument->type;
                node->names = argument->names;
        }
}

static void take_condition(struct reader *r, struct expr *node, struct expr *argument)
{
        argument = expr_condition(r, argument);
        node->aggregate.condition = argument;
        expr_adopt(r, node, argument);
}

static void check_ratio(struct reader *r, const struct expr *argument,
                        struct aggregate *aggregate)
{
        struct slice text = expr_source(r, argument);

        if (argument->kind == NODE_BROKEN)
                return;
        if (argument->kind != NODE_CONSTANT || argument->type != VALUE_RATIO)
                expr_mistake(r, argument->at,
                             "%s() takes how many times the usual rate, like 2x",
                             aggregate->function->name);
        else if (argument->constant.number <= 1 || argument->constant.number > RATIO_MAX)
                expr_mistake(r, argument->at,
                             "a ratio is above 1x and up to 100x, not %.*s", QUOTE(text));
        else
                aggregate->ratio = argument->constant.number;
}

static void find_tag(struct reader *r, unsigned at, struct aggregate *aggregate)
{
        const struct tag_names *tags = r->language->tags;
        struct slice name = aggregate->tag;
        struct buf why = { 0 };
        unsigned i = 0;

        if (!tags || (aggregate->field && aggregate->field->kind == NODE_BROKEN))
                return;
        while (tags->names[i] && !slice_is(name, tags->names[i]))
                i++;
        aggregate->tag_number = i;
        if (!tags->names[i])
                expr_mistake(r, at, "no rule puts the tag '%.*s'%s", QUOTE(name),
                             expr_hint(r, name, tags->names));
        else if (!tags->fits(tags->context, aggregate->function->id,
                             expr_field(aggregate->field), i, &why))
                expr_mistake(r, at, "the tag '%.*s' is never found there: %.*s",
                             QUOTE(name), (int)why.len, (const char *)why.data);
        buf_free(&why);
}

/* A bare word, whatever else it might be the name of, or a text. */
static void check_tag(struct reader *r, const struct expr *argument,
                      struct aggregate *aggregate)
{
        struct slice text = expr_source(r, argument);

        if (argument->kind == NODE_CONSTANT && argument->type == VALUE_STRING)
                text = argument->constant.text;
        else if (argument->kind != NODE_WORD && argument->kind != NODE_FIELD)
                text = slice_none();
        if (text.len == 0 || text.len > TAG_MAX)
                expr_mistake(
                    r, argument->at,
                    "%s() takes the name of a tag here: 1 to %d bytes, in quotes "
                    "where it is no word",
                    aggregate->function->name, TAG_MAX);
        else {
                aggregate->tag = arena_copy(&r->tree->arena, text);
                find_tag(r, argument->at, aggregate);
        }
}

static void take_argument(struct reader *r, struct expr *node, enum parameter parameter,
                          struct expr *argument)
{
        switch (parameter) {
        case PARAMETER_FIELD:
        case PARAMETER_NUMBER_FIELD:
                take_field(r, node, argument, parameter == PARAMETER_NUMBER_FIELD);
                break;
        case PARAMETER_CONDITION:
        case PARAMETER_OPTIONAL_CONDITION:
                take_condition(r, node, argument);
                break;
        case PARAMETER_WINDOW:
                check_window(r, argument, &node->aggregate);
                break;
        case PARAMETER_RATIO:
                check_ratio(r, argument, &node->aggregate);
                break;
        case PARAMETER_TAG:
                check_tag(r, argument, &node->aggregate);
                break;
        case PARAMETER_END:
                break;
        }
}

static bool is_window(const struct expr *argument)
{
        return argument->kind == NODE_CONSTANT && argument->type == VALUE_DURATION;
}

/* How many arguments the function takes, with and without what is optional. */
static void count_parameters(const struct function *function, unsigned *least,
                             unsigned *most)
{
        *least = *most = 0;
        for (const enum parameter *p = function->parameters; *p; p++) {
                *least += *p != PARAMETER_OPTIONAL_CONDITION;
                *most += 1;
        }
}

static struct expr *read_aggregate(struct reader *r, const struct token *name,
                                   const struct function *function)
{
        struct expr *node = expr_node(r, NODE_AGGREGATE, function->type, name->at);
        bool nested = r->in_function;
        unsigned before = r->mistakes, least, most, i = 0;
        char text[160];

        if (nested && !function->of_transaction)
                expr_mistake(r, name->at,
                             "a function over a window cannot stand inside another");
        node->aggregate.function = function;
        r->in_function = nested || !function->of_transaction;
        struct arguments arguments = read_arguments(r);
        r->in_function = nested;
        count_parameters(function, &least, &most);
        if (arguments.count < least || arguments.count > most) {
                if (r->mistakes == before)
                        expr_mistake(r, name->at, "%s() is written %s(%s)",
                                     function->name, function->name,
                                     signature(function, text, sizeof(text)));
                return expr_broken(r, name->at);
        }
        if (arguments.count > 1 && is_window(arguments.at[0]) &&
            !is_window(arguments.at[arguments.count - 1])) {
                expr_mistake(r, arguments.at[0]->at, "the window comes last: %s(%s)",
                             function->name, signature(function, text, sizeof(text)));
                return expr_broken(r, name->at);
        }
        for (const enum parameter *p = function->parameters; *p; p++)
                if (*p != PARAMETER_OPTIONAL_CONDITION || arguments.count == most)
                        take_argument(r, node, *p, arguments.at[i++]);
        if (r->mistakes > before)
                node->kind = NODE_BROKEN;
        return node;
}

static struct expr *read_present(struct reader *r, const struct token *name)
{
        struct expr *node = expr_node(r, NODE_PRESENT, VALUE_BOOL, name->at);
        struct arguments arguments = read_arguments(r);

        if (arguments.count != 1) {
                expr_mistake(r, name->at, "present() is written present(field)");
                return expr_broken(r, name->at);
        }
        struct expr *operand = expr_settle(r, arguments.at[0], NULL);
        if (operand->kind == NODE_CONSTANT)
                expr_mistake(r, operand->at, "present() takes a field, not a constant");
        else if (operand->type == VALUE_BOOL)
                expr_mistake(
                    r, operand->at,
                    "a condition is never missing: present() would always be true");
        expr_adopt(r, node, operand);
        return node;
}

/* A field of this expression alone, so that header('x') is read like any other. */
static struct field *make_field(struct reader *r, const struct field_with_argument *row,
                                struct slice argument, unsigned number)
{
        struct field *field = arena_take(&r->tree->arena, sizeof(*field));
        struct buf name = { 0 };

        buf_printf(&name, "%s(", row->name);
        expr_print_text(argument, &name);
        buf_put_byte(&name, ')');
        field->name = (const char *)arena_copy(&r->tree->arena, buf_slice(&name)).data;
        field->type = row->type;
        field->read = row->read;
        field->argument = number;
        field->help = row->help;
        buf_free(&name);
        return field;
}

static struct expr *read_argument_field(struct reader *r, const struct token *name,
                                        const struct field_with_argument *row)
{
        struct arguments arguments = read_arguments(r);
        const struct expr *argument = arguments.count ? arguments.at[0] : NULL;
        const char *message = "cannot be read";
        unsigned number;

        if (arguments.count == 1 && argument->kind == NODE_BROKEN)
                return expr_broken(r, name->at);
        if (arguments.count != 1 || argument->kind != NODE_CONSTANT ||
            argument->type != VALUE_STRING) {
                expr_mistake(r, argument ? argument->at : name->at,
                             "%s() takes one text in quotes: %s('name')", row->name,
                             row->name);
                return expr_broken(r, name->at);
        }
        struct slice text = argument->constant.text;
        if (!row->resolve(r->language->resolve_context, text, &number, &message)) {
                expr_mistake(r, argument->at, "%s('%.*s'): %s", row->name, QUOTE(text),
                             message);
                return expr_broken(r, name->at);
        }
        struct expr *node = expr_node(r, NODE_FIELD, row->type, name->at);
        node->field = make_field(r, row, text, number);
        return node;
}

static bool is_elsewhere(const struct expr_language *language, struct slice name)
{
        const struct function *function = language->elsewhere;

        while (function && function->name && !slice_is(name, function->name))
                function++;
        return function && function->name;
}

static struct expr *refuse_call(struct reader *r, const struct token *name)
{
        struct slice text = slice_of(r->text.data + name->at, name->len);

        bool muted = r->muted;

        if (expr_find_field(r->language, text))
                expr_mistake(r, name->at, "'%.*s' is a field, not a function",
                             QUOTE(text));
        else if (expr_is_reserved(r->language, text))
                expr_mistake(r, name->at, "%.*s() is not available in this version",
                             QUOTE(text));
        else if (is_elsewhere(r->language, text) || !r->language->functions)
                expr_mistake(r, name->at, "there is no function '%.*s' here",
                             QUOTE(text));
        else
                expr_mistake(r, name->at, "unknown function '%.*s'%s", QUOTE(text),
                             expr_did_you_mean(r, text));
        /* Nobody knows what it takes, but what can be read there may have mistakes. */
        r->muted = muted || expr_is_reserved(r->language, text);
        read_arguments(r);
        r->muted = muted;
        return expr_broken(r, name->at);
}

struct expr *expr_read_call(struct reader *r, const struct token *name)
{
        struct slice text = slice_of(r->text.data + name->at, name->len);
        const struct function *function = r->language->functions;
        const struct field_with_argument *row = r->language->argument_fields;

        if (slice_is(text, "present"))
                return read_present(r, name);
        for (; function && function->name; function++)
                if (slice_is(text, function->name))
                        return read_aggregate(r, name, function);
        for (; row && row->name; row++)
                if (slice_is(text, row->name))
                        return read_argument_field(r, name, row);
        return refuse_call(r, name);
}
