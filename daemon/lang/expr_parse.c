/* SPDX-License-Identifier: MIT */
/*
 * Recursive descent, one function for each level of the grammar. After a
 * mistake the reader goes on at the next `and`, `or`, comma or closing bracket,
 * so that one run finds what it can.
 */
#include "lang/expr_priv.h"

#include "base/check.h"

#include <stdlib.h>

struct slice expr_source(const struct reader *r, const struct expr *node)
{
        return slice_of(r->text.data + node->at, node->len);
}

static struct slice token_text(const struct reader *r)
{
        return slice_of(r->text.data + r->token.at, r->token.len);
}

/* Nothing more is read of this text. */
static void give_up(struct reader *r, unsigned at, const char *message)
{
        if (r->lost)
                return;
        expr_mistake(r, at, "%s", message);
        r->lost = true;
        r->at = (unsigned)r->text.len;
        r->token = (struct token){ .kind = TOKEN_END, .at = r->at };
}

struct expr *expr_node(struct reader *r, enum node_kind kind, enum value_type type,
                       unsigned at)
{
        struct expr *node = arena_take(&r->tree->arena, sizeof(*node));

        node->kind = kind;
        node->type = type;
        node->at = at;
        node->depth = 1;
        if (++r->nodes > EXPR_NODES_MAX)
                give_up(r, at, "this expression is too long");
        return node;
}

struct expr *expr_broken(struct reader *r, unsigned at)
{
        return expr_node(r, NODE_BROKEN, VALUE_MISSING, at);
}

void expr_adopt(struct reader *r, struct expr *parent, struct expr *child)
{
        struct expr **tail = &parent->child;

        while (*tail)
                tail = &(*tail)->next;
        *tail = child;
        if (child->depth >= parent->depth)
                parent->depth = child->depth + 1;
        if (parent->depth > EXPR_DEPTH_MAX)
                give_up(r, parent->at, "this expression is nested too deeply");
}

/* The node covers all that was read since its beginning. */
static struct expr *ends_here(const struct reader *r, struct expr *node)
{
        unsigned end = r->token.at;

        while (end > node->at && strchr(" \t\r\n", r->text.data[end - 1]))
                end--;
        node->len = end - node->at;
        return node;
}

static bool is_end_of_operand(enum token_kind kind)
{
        return kind == TOKEN_AND || kind == TOKEN_OR || kind == TOKEN_CLOSE ||
               kind == TOKEN_CLOSE_LIST || kind == TOKEN_COMMA || kind == TOKEN_END;
}

void expr_skip(struct reader *r)
{
        bool muted = r->muted;
        unsigned open = 0;

        r->muted = true;
        while (r->token.kind != TOKEN_END &&
               (open || !is_end_of_operand(r->token.kind))) {
                enum token_kind kind = r->token.kind;
                if (kind == TOKEN_OPEN || kind == TOKEN_OPEN_LIST)
                        open++;
                if (open && (kind == TOKEN_CLOSE || kind == TOKEN_CLOSE_LIST))
                        open--;
                expr_next(r);
        }
        r->muted = muted;
}

bool expr_expect(struct reader *r, enum token_kind kind, const char *what)
{
        if (r->token.kind == kind) {
                expr_next(r);
                return true;
        }
        if (r->token.kind == TOKEN_END)
                expr_mistake(r, r->token.at, "%s is missing at the end", what);
        else if (r->token.kind != TOKEN_BROKEN)
                expr_mistake(r, r->token.at, "%s is missing before '%.*s'", what,
                             QUOTE(token_text(r)));
        return false;
}

/* Where a value should stand something else does: often a text without its quotes. */
static struct expr *read_no_operand(struct reader *r)
{
        unsigned at = r->token.at;
        struct slice rest = slice_from(r->text, at);
        size_t len = 0;

        if (r->token.kind == TOKEN_BROKEN) {
                expr_next(r);
                return expr_broken(r, at);
        }
        if (r->token.kind == TOKEN_SLASH || r->token.kind == TOKEN_TIMES ||
            r->token.kind == TOKEN_STRANGE) {
                while (len < rest.len && !strchr(" \t\r\n,)]", rest.data[len]))
                        len++;
                expr_mistake(r, at, "a text needs quotes: '%.*s'",
                             QUOTE(slice_first(rest, len)));
                r->at = at + (unsigned)(len ? len : 1);
                expr_next(r);
                return expr_broken(r, at);
        }
        if (r->token.kind == TOKEN_AT || r->token.kind == TOKEN_OPEN_LIST)
                expr_mistake(r, at, "a list stands only behind 'in'");
        else if (r->token.kind == TOKEN_END)
                expr_mistake(r, at, "a value is missing at the end");
        else
                expr_mistake(r, at, "a value is missing before '%.*s'",
                             QUOTE(token_text(r)));
        if (!is_end_of_operand(r->token.kind))
                expr_skip(r);
        return expr_broken(r, at);
}

static struct expr *read_constant(struct reader *r)
{
        struct expr *node = expr_node(r, NODE_CONSTANT, r->token.value.type, r->token.at);

        node->constant = r->token.value;
        node->len = r->token.len;
        expr_next(r);
        return node;
}

static struct expr *read_word(struct reader *r)
{
        struct token word = r->token;
        const struct field *field = expr_find_field(r->language, token_text(r));

        expr_next(r);
        if (r->token.kind == TOKEN_OPEN)
                return ends_here(r, expr_read_call(r, &word));
        struct expr *node = expr_node(r, NODE_WORD, VALUE_MISSING, word.at);
        node->len = word.len;
        if (field) {
                node->kind = NODE_FIELD;
                node->type = field->type;
                node->field = field;
                node->names = field->names;
        }
        return node;
}

static struct expr *read_parenthesis(struct reader *r)
{
        unsigned at = r->token.at;

        expr_next(r);
        struct expr *node = expr_read(r);
        if (!expr_expect(r, TOKEN_CLOSE, "')'"))
                expr_skip(r);
        /* A word or constant stays what it was: its text may be looked up. */
        if (node->kind == NODE_WORD || node->kind == NODE_FIELD ||
            node->kind == NODE_CONSTANT)
                return node;
        node->at = at;
        return ends_here(r, node);
}

static struct expr *read_atom(struct reader *r)
{
        switch (r->token.kind) {
        case TOKEN_NUMBER:
        case TOKEN_TEXT:
        case TOKEN_NETWORK:
                return read_constant(r);
        case TOKEN_WORD:
                return read_word(r);
        case TOKEN_OPEN:
                return read_parenthesis(r);
        default:
                return read_no_operand(r);
        }
}

/* Takes one level of recursion; false when there are too many. */
static bool enter(struct reader *r)
{
        if (++r->depth <= EXPR_DEPTH_MAX)
                return true;
        give_up(r, r->token.at, "this expression is nested too deeply");
        return false;
}

static struct expr *read_unary(struct reader *r)
{
        unsigned at = r->token.at;
        struct expr *node;

        if (r->token.kind != TOKEN_MINUS)
                return read_atom(r);
        if (!enter(r))
                return expr_broken(r, at);
        expr_next(r);
        node = ends_here(r, expr_negate(r, at, read_unary(r)));
        r->depth--;
        return node;
}

static struct expr *read_product(struct reader *r)
{
        struct expr *left = read_unary(r);

        while (r->token.kind == TOKEN_TIMES || r->token.kind == TOKEN_SLASH) {
                struct token sign = r->token;
                expr_next(r);
                struct expr *right = read_unary(r);
                left = ends_here(r, expr_arithmetic(r, &sign, left, right));
        }
        return left;
}

static struct expr *read_sum(struct reader *r)
{
        struct expr *left = read_product(r);

        while (r->token.kind == TOKEN_PLUS || r->token.kind == TOKEN_MINUS) {
                struct token sign = r->token;
                expr_next(r);
                struct expr *right = read_product(r);
                left = ends_here(r, expr_arithmetic(r, &sign, left, right));
        }
        return left;
}

static bool is_comparison(enum token_kind kind)
{
        return kind >= TOKEN_EQUAL && kind <= TOKEN_MATCHES;
}

/* `page not in [..]`: understood, but written in one way only. */
static void refuse_not_behind(struct reader *r, const struct expr *left)
{
        unsigned at = r->token.at;

        expr_next(r);
        expr_mistake(r, at, "'not' stands before the comparison: not %.*s %.*s ...",
                     QUOTE(expr_source(r, left)), QUOTE(token_text(r)));
        if (!is_comparison(r->token.kind))
                expr_skip(r);
}

static struct expr *read_comparison(struct reader *r)
{
        struct expr *left = read_sum(r);
        struct token sign;

        if (r->token.kind == TOKEN_NOT)
                refuse_not_behind(r, left);
        sign = r->token;
        if (!is_comparison(sign.kind))
                return left;
        if (sign.kind == TOKEN_IN) {
                left = expr_read_in(r, left);
        } else if (sign.kind == TOKEN_MATCHES) {
                left = expr_read_matches(r, left);
        } else {
                expr_next(r);
                struct expr *right = read_sum(r);
                left = expr_compare(r, &sign, left, right);
        }
        left = ends_here(r, left);
        if (is_comparison(r->token.kind)) {
                expr_mistake(r, r->token.at,
                             "comparisons do not chain: write a < b and b < c");
                expr_skip(r);
                return expr_broken(r, left->at);
        }
        return left;
}

static struct expr *read_not(struct reader *r)
{
        unsigned at = r->token.at;
        struct expr *node;

        if (r->token.kind != TOKEN_NOT)
                return read_comparison(r);
        if (!enter(r))
                return expr_broken(r, at);
        expr_next(r);
        struct expr *operand = expr_condition(r, read_not(r));
        node = expr_node(r, NODE_NOT, VALUE_BOOL, at);
        expr_adopt(r, node, operand);
        r->depth--;
        return ends_here(r, node);
}

/* What a word that stands where an operator should was meant to be, or NULL. */
static const char *meant_operator(struct slice word)
{
        static const char *const known[] = {
                "and", "or", "not", "in", "contains", "starts_with", "ends_with", NULL
        };
        static const struct {
                const char *word, *meant;
        } others[] = {
                { "is", "==" },        { "equals", "==" }, { "eq", "==" },
                { "matches", "=~" },   { "like", "=~" },   { "regex", "=~" },
                { "has", "contains" },
        };

        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                if (slice_is(word, others[i].word))
                        return others[i].meant;
        return diag_suggest(word, known);
}

/* Behind an operand comes and, or, or the end of what it stands in. */
static struct expr *require_end(struct reader *r, struct expr *operand)
{
        struct slice text = token_text(r);
        const char *near;

        if (is_end_of_operand(r->token.kind))
                return operand;
        near = r->token.kind == TOKEN_WORD ? meant_operator(text) : NULL;
        if (r->token.kind != TOKEN_BROKEN && operand->kind != NODE_BROKEN)
                expr_mistake(r, r->token.at, "an operator is missing before '%.*s'%s%s%s",
                             QUOTE(text), near ? " (did you mean '" : "",
                             near ? near : "", near ? "'?)" : "");
        expr_skip(r);
        return expr_broken(r, operand->at);
}

/* Nested chains of one kind are one chain: equal meaning, one tree. */
static void extend_chain(struct reader *r, struct expr *chain, struct expr *operand,
                         struct expr ***tail)
{
        struct expr *first = operand->kind == chain->kind ? operand->child : operand;

        **tail = first;
        while (**tail) {
                if ((**tail)->depth >= chain->depth)
                        chain->depth = (**tail)->depth + 1;
                *tail = &(**tail)->next;
        }
        if (chain->depth > EXPR_DEPTH_MAX)
                give_up(r, chain->at, "this expression is nested too deeply");
}

typedef struct expr *read_fn(struct reader *);

static struct expr *read_chain(struct reader *r, enum token_kind sign,
                               enum node_kind kind, read_fn *read_operand)
{
        struct expr *operand = read_operand(r);
        struct expr *chain, **tail;

        if (r->token.kind != sign)
                return operand;
        chain = expr_node(r, kind, VALUE_BOOL, operand->at);
        tail = &chain->child;
        extend_chain(r, chain, expr_condition(r, operand), &tail);
        while (r->token.kind == sign) {
                expr_next(r);
                extend_chain(r, chain, expr_condition(r, read_operand(r)), &tail);
        }
        return ends_here(r, chain);
}

static struct expr *read_operand_of_and(struct reader *r)
{
        return require_end(r, read_not(r));
}

static struct expr *read_and(struct reader *r)
{
        return read_chain(r, TOKEN_AND, NODE_AND, read_operand_of_and);
}

struct expr *expr_read(struct reader *r)
{
        unsigned at = r->token.at;
        struct expr *node;

        if (!enter(r))
                return expr_broken(r, at);
        node = read_chain(r, TOKEN_OR, NODE_OR, read_and);
        r->depth--;
        return node;
}

static void check_wanted(struct reader *r, struct expr *root, enum value_type want)
{
        if (root->kind == NODE_BROKEN || want == VALUE_MISSING || root->type == want)
                return;
        expr_mistake(r, root->at, "%s is needed here, and '%.*s' is %s",
                     expr_type_name(r, want, NULL), QUOTE(expr_source(r, root)),
                     expr_type_name(r, root->type, root->names));
}

static struct expr *read_all(struct reader *r, enum value_type want)
{
        struct expr *root;

        expr_next(r);
        if (r->token.kind == TOKEN_END) {
                expr_mistake(r, 0, "an expression is missing");
                return expr_broken(r, 0);
        }
        root = expr_read(r);
        if (r->token.kind != TOKEN_END && r->mistakes == 0)
                expr_mistake(r, r->token.at, "'%.*s' has nothing before it to belong to",
                             QUOTE(token_text(r)));
        if (want == VALUE_BOOL)
                return expr_condition(r, root);
        root = expr_settle(r, root, NULL);
        check_wanted(r, root, want);
        return root;
}

static void tree_free(struct tree *tree)
{
        for (struct tree_regex *link = tree->regexes; link; link = link->next)
                regex_free(&link->regex);
        regex_room_free(&tree->regex_room);
        arena_free(&tree->arena);
        free(tree);
}

struct expr *expr_parse(struct slice text, struct place place, bool exact_columns,
                        const struct expr_language *language, enum value_type want,
                        struct diag *diag)
{
        struct tree *tree = calloc(1, sizeof(*tree));
        struct reader r = { .place = place,
                            .exact_columns = exact_columns,
                            .diag = diag,
                            .language = language,
                            .tree = tree };
        struct expr *root = NULL;

        CHECK(tree);
        if (text.len > EXPR_TEXT_MAX) {
                expr_mistake(&r, 0, "this expression is too long");
        } else if (slice_find(text, '\0') < text.len) {
                expr_mistake(&r, 0, "an expression must not hold a NUL");
        } else {
                /* Texts of the tree are cut from here, not from the caller's. */
                r.text = arena_copy(&tree->arena, text);
                root = read_all(&r, want);
        }
        if (r.mistakes) {
                tree_free(tree);
                return NULL;
        }
        CHECK(root && root->type != VALUE_MISSING);
        root->tree = tree;
        return root;
}

void expr_free(struct expr **expr)
{
        if (*expr)
                tree_free((*expr)->tree);
        *expr = NULL;
}
