/* SPDX-License-Identifier: MIT */
/*
 * expr_priv - what the files of the expression language share: the tree, the
 * tokens, and the reader that makes one from the other.
 *
 *   expr_lex.c    bytes -> tokens; numbers, addresses, quoted texts
 *   expr_parse.c  tokens -> tree, by recursive descent; goes on after a mistake
 *   expr_check.c  what bare words mean, and which types go with which
 *   expr_list.c   `in` and what may stand after it
 *   expr_call.c   names with parentheses: functions over a window, header('x')
 *   expr_eval.c   tree -> value
 *   expr_bounds.c tree -> what it needs before it can be true
 *   expr_reach.c  tree -> which addresses it is true for
 *   expr_sense.c  tree -> whether it can be true, or false, at all
 *   expr_near.c   tree -> how far it is from being true
 *   expr_print.c  tree -> canonical text
 *
 * A node that could not be understood is NODE_BROKEN: the mistake has been
 * reported, and nothing more is said about whatever it stands in.
 */
#ifndef LANG_EXPR_PRIV_H
#define LANG_EXPR_PRIV_H

#include "base/arena.h"
#include "lang/expr.h"
#include "lang/regex.h"

#define EXPR_TEXT_MAX  65536 /* bytes */
#define EXPR_DEPTH_MAX 64    /* parentheses in parentheses, and operators in operators */
#define EXPR_NODES_MAX 4096

enum token_kind {
        TOKEN_END,
        TOKEN_STRANGE, /* a byte that begins no token */
        TOKEN_BROKEN,  /* was one, with a mistake that has been reported */
        TOKEN_WORD,
        TOKEN_NUMBER, /* a duration too */
        TOKEN_TEXT,
        TOKEN_NETWORK,
        TOKEN_OPEN,
        TOKEN_CLOSE,
        TOKEN_OPEN_LIST,
        TOKEN_CLOSE_LIST,
        TOKEN_COMMA,
        TOKEN_AT,
        TOKEN_AND,
        TOKEN_OR,
        TOKEN_NOT,
        TOKEN_EQUAL, /* from here to TOKEN_MATCHES: what makes a comparison */
        TOKEN_NOT_EQUAL,
        TOKEN_LESS,
        TOKEN_LESS_EQUAL,
        TOKEN_GREATER,
        TOKEN_GREATER_EQUAL,
        TOKEN_IN,
        TOKEN_CONTAINS,
        TOKEN_STARTS_WITH,
        TOKEN_ENDS_WITH,
        TOKEN_MATCHES,
        TOKEN_PLUS,
        TOKEN_MINUS,
        TOKEN_TIMES,
        TOKEN_SLASH,
};

struct token {
        enum token_kind kind;
        unsigned at, len;   /* in the text of the expression */
        struct value value; /* NUMBER, TEXT and NETWORK */
};

enum node_kind {
        NODE_BROKEN,
        NODE_WORD, /* a bare word whose meaning the other side will tell; while parsing */
        NODE_CONSTANT,
        NODE_FIELD,
        NODE_AGGREGATE, /* children: the field, the condition, where there are */
        NODE_PRESENT,
        NODE_NOT,
        NODE_AND, /* two or more children, none of them an `and` itself */
        NODE_OR,
        NODE_EQUAL,
        NODE_NOT_EQUAL,
        NODE_LESS,
        NODE_LESS_EQUAL,
        NODE_GREATER,
        NODE_GREATER_EQUAL,
        NODE_IN_LIST,
        NODE_IN_NAMED,
        NODE_CONTAINS,
        NODE_STARTS_WITH,
        NODE_ENDS_WITH,
        NODE_MATCHES,
        NODE_ADD,
        NODE_SUBTRACT,
        NODE_MULTIPLY,
        NODE_DIVIDE,
        NODE_NEGATE,
};

/* `=~`. */
struct regex_node {
        const struct regex *regex; /* the tree's */
        struct regex_room *room;
};

struct value_array {
        struct value *values;
        unsigned count;
};

struct expr {
        enum node_kind kind;
        enum value_type type; /* MISSING while broken or unknown */
        unsigned depth;       /* of the tree below, 1 for a leaf */
        unsigned at, len;     /* in the text of the expression */
        struct expr *child, *next;
        const struct value_names *names; /* of an enum */
        bool needs_quotes;               /* a constant that bare would be a field */
        struct tree *tree;               /* in the root only: what expr_free frees */
        union {
                struct value constant;
                const struct field *field;
                struct aggregate aggregate;
                struct value_array list;
                const struct value_list *named;
                struct regex_node match;
        };
};

/* What all nodes of one expression share. */
struct tree {
        struct arena arena;
        struct tree_regex {
                struct regex *regex;
                struct tree_regex *next;
        } * regexes;
        struct regex_room *regex_room; /* one for all; NULL while there are none */
};

struct reader {
        struct slice text;
        struct place place; /* of the first byte of text */
        bool exact_columns;
        struct diag *diag;
        const struct expr_language *language;
        struct tree *tree;
        struct token token; /* the next one, not taken yet */
        unsigned at;        /* behind it */
        unsigned mistakes;
        unsigned depth, nodes;
        bool muted;       /* skipping: mistakes in here follow from one that was told */
        bool lost;        /* given up: nothing more is read or told */
        bool in_function; /* inside the parentheses of an aggregate */
        char hint[96];    /* of expr_did_you_mean */
};

/* For "%.*s": what is quoted back in messages is cut. */
#define QUOTE_MAX 48
#define QUOTE(s)  (int)((s).len < QUOTE_MAX ? (s).len : QUOTE_MAX), (const char *)(s).data

/* expr_lex.c */

/* Takes the next token: moves reader->token on. */
void expr_next(struct reader *);
void expr_mistake(struct reader *, unsigned at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void expr_warning(struct reader *, unsigned at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when the lexer would read the text as one bare word that is no sign. */
bool expr_is_word(struct slice);

/* expr_parse.c */
struct expr *expr_node(struct reader *, enum node_kind, enum value_type, unsigned at);
struct expr *expr_broken(struct reader *, unsigned at);

/* Puts `child` behind the children of `parent`. */
void expr_adopt(struct reader *, struct expr *parent, struct expr *child);

/* Any expression. Bare words that it consists of are not settled yet. */
struct expr *expr_read(struct reader *);

/* Goes to where reading can go on: and, or, a comma, or what closes. */
void expr_skip(struct reader *);
struct slice expr_source(const struct reader *, const struct expr *);

/* Past the token when it is of this kind; else says what is missing. */
bool expr_expect(struct reader *, enum token_kind, const char *what);

/* expr_check.c */

/* A bare word that nothing gives a meaning is a mistake; `other` (or NULL) is what it
 * stands beside, for the remedy. */
struct expr *expr_settle(struct reader *, struct expr *, const struct expr *other);

/* The node as one of the names, when it can be one. Reports words that are none. */
struct expr *expr_as_name(struct reader *, struct expr *, const struct value_names *);

/* A quoted text as an address. */
struct expr *expr_as_network(struct reader *, struct expr *);
struct expr *expr_condition(struct reader *, struct expr *);
struct expr *expr_compare(struct reader *, const struct token *sign, struct expr *left,
                          struct expr *right);
struct expr *expr_arithmetic(struct reader *, const struct token *sign, struct expr *left,
                             struct expr *right);
struct expr *expr_negate(struct reader *, unsigned at, struct expr *);
const struct field *expr_find_field(const struct expr_language *, struct slice name);

/* A name of the contract that this version does not have. */
bool expr_is_reserved(const struct expr_language *, struct slice name);

/* " (did you mean 'x'?)" from all names of the language, or "". Valid until the next. */
const char *expr_did_you_mean(struct reader *, struct slice unknown);

/* The same from these names. */
const char *expr_hint(struct reader *, struct slice unknown,
                      const char *const *candidates);

/* "a number", "a text", "a page" ... */
const char *expr_type_name(struct reader *, enum value_type, const struct value_names *);

/* True, and reported, when the two cannot be equal because of their types. */
bool expr_mismatch(struct reader *, unsigned at, const struct expr *left,
                   const struct expr *right);

/* expr_list.c; the reader stands at `in`, `=~` */
struct expr *expr_read_in(struct reader *, struct expr *left);
struct expr *expr_read_matches(struct reader *, struct expr *left);

/* expr_call.c; the reader stands at the parenthesis behind `name` */
struct expr *expr_read_call(struct reader *, const struct token *name);

/* expr_print.c */
void expr_print_number(double, struct buf *out);
void expr_print_duration(double seconds, struct buf *out);
void expr_print_text(struct slice, struct buf *out);

#endif
