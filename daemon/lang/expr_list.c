/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include "base/check.h"

/* One element: a constant or a bare word. */
static struct expr *read_element(struct reader *r)
{
        unsigned at = r->token.at;
        bool negative = r->token.kind == TOKEN_MINUS;
        struct expr *node;

        if (negative)
                expr_next(r);
        switch (r->token.kind) {
        case TOKEN_WORD:
                node = expr_node(r, NODE_WORD, VALUE_MISSING, r->token.at);
                break;
        case TOKEN_NUMBER:
        case TOKEN_TEXT:
        case TOKEN_NETWORK:
                node = expr_node(r, NODE_CONSTANT, r->token.value.type, r->token.at);
                node->constant = r->token.value;
                break;
        default:
                if (r->token.kind == TOKEN_COMMA || r->token.kind == TOKEN_CLOSE_LIST)
                        expr_mistake(r, r->token.at, "a value is missing before '%c'",
                                     r->text.data[r->token.at]);
                else if (r->token.kind != TOKEN_BROKEN)
                        expr_mistake(r, r->token.at,
                                     "a list holds constants; a text needs quotes");
                expr_skip(r);
                return expr_broken(r, at);
        }
        node->len = r->token.len;
        expr_next(r);
        return negative ? expr_negate(r, at, node) : node;
}

/* The elements, linked; *count is how many. The reader stands at the bracket. */
static struct expr *read_elements(struct reader *r, unsigned *count)
{
        struct expr *first = NULL, *last = NULL, **tail = &first;
        unsigned at = r->token.at;

        *count = 0;
        do {
                expr_next(r);
                if (r->token.kind == TOKEN_CLOSE_LIST && *count == 0)
                        break;
                *tail = read_element(r);
                last = *tail;
                tail = &last->next;
                ++*count;
        } while (r->token.kind == TOKEN_COMMA);
        if (*count == 0)
                expr_mistake(r, at, "an empty list holds nothing");
        if (r->token.kind != TOKEN_CLOSE_LIST && last && last->kind == NODE_BROKEN)
                expr_skip(r);
        else if (!expr_expect(r, TOKEN_CLOSE_LIST, "',' or ']'"))
                expr_skip(r);
        return first;
}

/* The element as a value of the type of `left`; false after a mistake. */
static bool take_element(struct reader *r, const struct expr *left, struct expr *element,
                         struct value *value)
{
        if (left->type == VALUE_ENUM)
                element = expr_as_name(r, element, left->names);
        if (left->type == VALUE_NETWORK)
                element = expr_as_network(r, element);
        if (element->kind == NODE_WORD &&
            expr_find_field(r->language, expr_source(r, element))) {
                expr_mistake(r, element->at,
                             "a list holds constants, and '%.*s' is a field",
                             QUOTE(expr_source(r, element)));
                return false;
        }
        element = expr_settle(r, element, left);
        if (element->kind == NODE_BROKEN || expr_mismatch(r, element->at, left, element))
                return false;
        *value = element->constant;
        return true;
}

static struct expr *read_list(struct reader *r, struct expr *left)
{
        struct expr *node = expr_node(r, NODE_IN_LIST, VALUE_BOOL, left->at);
        unsigned count;
        struct expr *element = read_elements(r, &count);

        node->list.values = arena_take(&r->tree->arena, count * sizeof(struct value));
        expr_adopt(r, node, left);
        for (struct expr *next; element; element = next) {
                next = element->next;
                element->next = NULL;
                if (left->kind != NODE_BROKEN &&
                    take_element(r, left, element, &node->list.values[node->list.count]))
                        node->list.count++;
        }
        return node;
}

/* `in 10.0.0.0/8` is a list of one. */
static struct expr *read_network(struct reader *r, struct expr *left)
{
        struct expr *node = expr_node(r, NODE_IN_LIST, VALUE_BOOL, left->at);
        struct expr *network = read_element(r);

        node->list.values = arena_take(&r->tree->arena, sizeof(struct value));
        expr_adopt(r, node, left);
        if (left->kind != NODE_BROKEN &&
            take_element(r, left, network, node->list.values))
                node->list.count = 1;
        return node;
}

static const struct value_list *find_list(struct reader *r, struct slice name,
                                          unsigned at)
{
        const struct value_list *const *list = r->language->lists;
        const char *names[256] = { NULL };
        unsigned n = 0;

        for (; list && *list; list++) {
                if (slice_is(name, (*list)->name))
                        return *list;
                if (n < 255)
                        names[n++] = (*list)->name;
        }
        const char *near = diag_suggest(name, names);
        expr_mistake(r, at, "unknown list '@%.*s'%s%s%s", QUOTE(name),
                     near ? " (did you mean '@" : "", near ? near : "",
                     near ? "'?)" : "");
        return NULL;
}

/* What a list is said to be of, for a field of that type; NULL: there is none. */
static const char *items_of(enum value_type type)
{
        switch (type) {
        case VALUE_STRING:
                return "texts";
        case VALUE_NUMBER:
                return "numbers";
        case VALUE_NETWORK:
                return "addresses";
        default:
                return NULL;
        }
}

static void check_fits(struct reader *r, unsigned at, const struct expr *left,
                       const struct value_list *list)
{
        const char *items = items_of(left->type);
        const char *type = expr_type_name(r, left->type, left->names);
        struct buf why = { 0 };

        if (!items)
                expr_mistake(r, at,
                             "'@%s' is a list of texts, numbers or addresses, and '%.*s' "
                             "is %s",
                             list->name, QUOTE(expr_source(r, left)), type);
        else if (!list->fits(list, left->type, &why))
                expr_mistake(r, at, "'%.*s' is %s, and '@%s' is no list of %s: %.*s",
                             QUOTE(expr_source(r, left)), type, list->name, items,
                             (int)why.len, (const char *)why.data);
        buf_free(&why);
}

static struct expr *read_named(struct reader *r, struct expr *left)
{
        struct expr *node = expr_node(r, NODE_IN_NAMED, VALUE_BOOL, left->at);
        unsigned at = r->token.at;

        expr_next(r);
        if (r->token.kind != TOKEN_WORD) {
                expr_mistake(r, at, "the name of a list is missing behind '@'");
                expr_skip(r);
                return expr_broken(r, at);
        }
        node->named =
            find_list(r, slice_of(r->text.data + r->token.at, r->token.len), at);
        expr_next(r);
        expr_adopt(r, node, left);
        if (node->named && left->kind != NODE_BROKEN)
                check_fits(r, at, left, node->named);
        return node;
}

struct expr *expr_read_in(struct reader *r, struct expr *left)
{
        unsigned at;

        expr_next(r);
        at = r->token.at;
        left = expr_settle(r, left, NULL);
        if (left->type == VALUE_BOOL && left->kind != NODE_BROKEN) {
                expr_mistake(r, left->at, "'%.*s' is a condition: it stands in no list",
                             QUOTE(expr_source(r, left)));
                left = expr_broken(r, left->at);
        }
        if (r->token.kind == TOKEN_OPEN_LIST)
                return read_list(r, left);
        if (r->token.kind == TOKEN_AT)
                return read_named(r, left);
        if (r->token.kind == TOKEN_NETWORK)
                return read_network(r, left);
        if (r->token.kind != TOKEN_BROKEN)
                expr_mistake(r, at,
                             "behind 'in' stands a list in brackets [..], an @list or a "
                             "network");
        expr_skip(r);
        return expr_broken(r, at);
}

/* Where byte `offset` of the text stands in the quoted form of it. */
static unsigned offset_in_source(const struct reader *r, const struct token *token,
                                 size_t offset)
{
        unsigned at = token->at + 1;
        uint8_t quote = r->text.data[token->at];

        for (; offset && at + 1 < token->at + token->len; offset--)
                at += r->text.data[at] == quote ? 2 : 1;
        return at;
}

/* Takes it over into the tree. NULL after a mistake. */
static struct regex *compile(struct reader *r, const struct token *token)
{
        struct regex_mistake mistake;
        struct regex *regex = regex_new(token->value.text, &mistake);

        if (!regex) {
                expr_mistake(r, offset_in_source(r, token, mistake.offset),
                             "in the regular expression: %s", mistake.message);
                return NULL;
        }
        if (!r->tree->regex_room)
                r->tree->regex_room = regex_room_new();
        struct tree_regex *link = arena_take(&r->tree->arena, sizeof(*link));
        *link = (struct tree_regex){ regex, r->tree->regexes };
        r->tree->regexes = link;
        return regex;
}

struct expr *expr_read_matches(struct reader *r, struct expr *left)
{
        struct expr *node = expr_node(r, NODE_MATCHES, VALUE_BOOL, left->at);

        left = expr_settle(r, left, NULL);
        if (left->kind != NODE_BROKEN && left->type != VALUE_STRING)
                expr_mistake(r, r->token.at, "'=~' is for texts, and '%.*s' is %s",
                             QUOTE(expr_source(r, left)),
                             expr_type_name(r, left->type, left->names));
        expr_adopt(r, node, left);
        expr_next(r);
        if (r->token.kind != TOKEN_TEXT) {
                if (r->token.kind != TOKEN_BROKEN)
                        expr_mistake(r, r->token.at,
                                     "behind '=~' stands a regular expression in quotes");
                expr_skip(r);
                return expr_broken(r, left->at);
        }
        node->match.regex = compile(r, &r->token);
        node->match.room = r->tree->regex_room;
        expr_next(r);
        return node;
}
