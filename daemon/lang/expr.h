/* SPDX-License-Identifier: MIT */
/*
 * expr - the expressions of site maps and rules: read, checked, evaluated, printed.
 *
 * Knows values, operators and types. Does not know what fields and functions
 * there are: the caller brings them as tables (a row gives the name, the type
 * and the reading), so `accepted: status in [200]` of a site map and `when:` of
 * a rule are one language. Aggregates (functions over a window) are not
 * evaluated here: their node carries a slot number that the caller gave it, and
 * the caller's `aggregate` callback says what the slot holds now.
 *
 * Grammar (loosest first): or · and · not · comparison, in, contains,
 * starts_with, ends_with, =~ · + - · * / · unary - · atom. `not` binds looser than a
 * comparison. Comparisons do not chain. A comparison with a missing value is false,
 * != too; what has no number (x / 0) is missing. A quote inside a text is written
 * twice ('it''s'); nothing else in a text is special. Whole numbers end at 2^53,
 * up to where they are exact.
 *
 * Capped: 64 KiB of text, 4096 nodes, 64 deep (a chain of `and` is one deep).
 */
#ifndef LANG_EXPR_H
#define LANG_EXPR_H

#include "base/counters.h"
#include "base/ip.h"
#include "lang/diag.h"

enum value_type {
        VALUE_MISSING, /* of a value; a field never has it as its type */
        VALUE_BOOL,
        VALUE_NUMBER,
        VALUE_DURATION, /* seconds; compares with durations only, / gives a number */
        VALUE_STRING,
        VALUE_ENUM,    /* one of a named set: pages, yes/no/unknown, block states */
        VALUE_NETWORK, /* an address is a network of 128 bits */
        VALUE_RATIO,   /* 2x: an argument of functions alone */
};

struct value {
        enum value_type type;
        union {
                bool truth;
                double number;     /* NUMBER, DURATION, ENUM (its index), RATIO */
                struct slice text; /* borrowed from the subject or the expression */
                struct network network;
        };
};

/* The names of an enum, so that bare words and canonical texts can be resolved. */
struct value_names {
        const char *what; /* "page", "block state": for messages */
        /* Index of a name, or -1. */
        int (*find)(const void *context, struct slice name);
        /* The i-th name, or NULL past the end; also what is suggested from. */
        const char *(*name)(const void *context, int i);
        const void *context;
};

/* How a field is read from a subject (a record, or whatever the caller has). */
typedef struct value field_read_fn(const void *subject, unsigned argument);

struct field {
        const char *name; /* "client.ip"; a bare name of the language, dots allowed */
        enum value_type type;
        field_read_fn *read;
        unsigned argument;               /* given to read: one function, many rows */
        const struct value_names *names; /* for VALUE_ENUM */
        const char *help;                /* one line for the reference */
        unsigned kind; /* the caller's: what can be a key or be blocked */
};

/*
 * A field with a string argument, header('name'). `resolve` maps the argument to
 * the number that `read` gets, or returns false with a message for the operator.
 */
struct field_with_argument {
        const char *name;
        enum value_type type;
        field_read_fn *read;
        bool (*resolve)(void *context, struct slice argument, unsigned *number,
                        const char **message);
        const char *help;
};

/* What a function takes, in order; a window comes last. */
enum parameter {
        PARAMETER_END,
        PARAMETER_FIELD,        /* any expression that is not truth-valued */
        PARAMETER_NUMBER_FIELD, /* an expression with a number or a duration */
        PARAMETER_CONDITION,    /* truth-valued */
        PARAMETER_OPTIONAL_CONDITION,
        PARAMETER_WINDOW, /* a duration literal, 1s to 30d */
        PARAMETER_RATIO,  /* a literal like 2x, above 1x and up to 100x */
        PARAMETER_TAG,    /* the name of a tag, bare or in quotes */
};

struct function {
        const char *name; /* "count" */
        enum parameter parameters[5];
        enum value_type
            type;    /* VALUE_MISSING: that of the first parameter (max, mean, sum) */
        unsigned id; /* the caller's */
        const char *help;
        bool of_transaction; /* needs no key: may stand inside of other functions */
        const char *only;    /* the one field that it takes; NULL: any */
};

/* How it is written: "distinct(field, [condition,] window)". */
void function_print(const struct function *, struct buf *out);

/*
 * A list that `in @name` looks into. Owned by whoever loaded it. What it is a list of
 * is up to whoever uses it: 7 is a number and a text, 10.0.0.1 an address and a text.
 */
struct value_list {
        const char *name;
        /*
         * Whether it can be asked for values of that type: STRING, NUMBER or NETWORK.
         * If not, `why` gets what does not fit, as the end of a message.
         */
        bool (*fits)(const struct value_list *, enum value_type, struct buf *why);
        bool (*has)(const struct value_list *, const struct value *);
        /* Whether one of its networks and that one have an address in common. NULL:
         * never. */
        bool (*overlaps)(const struct value_list *, const struct network *);
};

/* The tags that there are, for PARAMETER_TAG. */
struct tag_names {
        const char *const *names; /* ends with a NULL */
        /*
         * Whether a function of that id finds the tag of that number on what the field
         * shows (NULL: the expression is not just a field). If not, `why` gets the end of
         * a message.
         */
        bool (*fits)(const void *context, unsigned id, const struct field *, unsigned tag,
                     struct buf *why);
        const void *context;
};

struct expr_language {
        const struct field *fields;                        /* ends with a NULL name */
        const struct field_with_argument *argument_fields; /* the same; may be NULL */
        void *resolve_context;
        const struct function *functions;      /* the same; may be NULL: no aggregates */
        const struct function *elsewhere;      /* the same: names that are not for here */
        const struct value_list *const *lists; /* ends with a NULL; may be NULL */
        const struct tag_names *tags;          /* NULL: a tag may have any name */
        /*
         * Names of the contract that this version does not have: said so rather
         * than called unknown. Ends with a NULL; may be NULL.
         */
        const char *const *reserved;
        const char
            *remedy; /* told with an unknown field; NULL: that a text needs quotes */
};

struct expr;

/* What a node with an aggregate is, for whoever gives out slots. */
struct aggregate {
        const struct function *function;
        const struct expr *field;     /* NULL when the function has none */
        const struct expr *condition; /* NULL when none was written */
        int64_t window_ns;            /* 0 when the function has none */
        double ratio;                 /* the same */
        struct slice tag;             /* the same */
        unsigned tag_number;          /* its place in the language's tags */
        unsigned slot;                /* the caller's: set through expr_each_aggregate */
};

/*
 * Parses and checks `text`, whose first byte stands at `place`. NULL after at
 * least one diag_error (all it can find, with suggestions for unknown names).
 * `want`: VALUE_BOOL for conditions, VALUE_MISSING for "any type".
 */
struct expr *expr_parse(struct slice text, struct place place, bool exact_columns,
                        const struct expr_language *, enum value_type want,
                        struct diag *);
void expr_free(struct expr **);

enum value_type expr_type(const struct expr *);

/* The field when the whole expression is one field (a key), else NULL. */
const struct field *expr_field(const struct expr *);

/* Canonical text: parses to the same tree, equal trees print the same. */
void expr_print(const struct expr *, struct buf *out);

/* Calls `each` for every aggregate, left to right; it may set `slot`. */
typedef void aggregate_fn(void *context, struct aggregate *);
void expr_each_aggregate(struct expr *, aggregate_fn *each, void *context);

/* Calls `each` for every field that is read (those inside aggregates too). */
typedef void expr_field_fn(void *context, const struct field *);
void expr_each_field(const struct expr *, expr_field_fn *each, void *context);

struct expr_subject {
        const void *subject; /* given to the fields' read */
        /* The value of an aggregate now; NULL where there are none. */
        struct value (*aggregate)(void *context, const struct aggregate *);
        void *context;
        struct counters *counters; /* regex_limits */
};

/*
 * Cost: one call for each node, no allocation. A regular expression may try
 * 10 000 items of its pattern and one for each byte of the text; one that needs
 * more is false and counted.
 */
struct value expr_value(const struct expr *, const struct expr_subject *);

/* Truth of a condition: missing is false. */
bool expr_true(const struct expr *, const struct expr_subject *);

/* How near a condition is to being true, and which part of it is the farthest off. */
struct expr_near {
        double share;               /* 0 to 1: of the threshold that is there */
        const struct expr *measure; /* what has to grow; NULL: no comparison decides */
        double value, threshold;    /* of it; durations in seconds */
};

/*
 * From the aggregates alone: `subject` has no transaction, and whatever reads one
 * counts as met. An `and` is as near as its farthest part, an `or` as its nearest.
 */
struct expr_near expr_near(const struct expr *, const struct expr_subject *);

/*
 * False when the condition cannot be true where `field`, an enum, has this value,
 * whatever the other fields are; true when that cannot be told. For passing over
 * early what nobody looks at.
 */
bool expr_may_hold(const struct expr *, const struct field *field, int value);

/* Whether it is an address of the one that is asked about: its own, or a network of it.
 */
typedef bool expr_is_address_fn(const struct field *);

/*
 * True when the condition, by addresses alone, may be true for an address of the network:
 * `in` a network or a list, `==`, and `or` and `and` of these. What speaks of something
 * else as well is true for nobody by his address, so for `page == x and client.ip in ..`
 * it is false; it is for whatever stands behind a `not`. Of an `and` every part has to
 * touch the network, if not at the same address.
 */
bool expr_reaches(const struct expr *, expr_is_address_fn *, const struct network *);

/* True when some part, such as `not client.ip in ..`, makes it false for an address of
 * the network, whatever else is so. */
bool expr_spares(const struct expr *, expr_is_address_fn *, const struct network *);

/* Calls `each` for the parts that all have to be true: those of an `and`, or it itself.
 */
typedef void expr_conjunct_fn(void *context, const struct expr *);
void expr_each_conjunct(const struct expr *, expr_conjunct_fn *each, void *context);

/* Whether it depends on that field alone, or on nothing: aggregates are something else.
 */
bool expr_reads_only(const struct expr *, const struct field *);

/*
 * How much some aggregate must be at the least for the condition to be true: the
 * smallest bound that comparisons with the aggregates of which `counts` is true set.
 * 0 when there is none. For passing over keys that were seen too seldom.
 */
double expr_least(const struct expr *, bool (*counts)(const struct aggregate *));

/* `aggregate order number`, whichever of the two was written first. */
enum expr_order { EXPR_LESS, EXPR_LESS_EQUAL, EXPR_GREATER, EXPR_GREATER_EQUAL };

struct expr_bound {
        const struct aggregate *aggregate;
        enum expr_order order;
        double number;
};

/* Whether the condition is nothing but that. A missing aggregate makes it false. */
bool expr_is_bound(const struct expr *, struct expr_bound *);

/*
 * What is known of the numbers that a field or a function gives. Least and most are
 * minus and plus infinity unless somebody knows better.
 */
struct expr_range {
        double least, most;
        double reliable; /* above it values are told apart no longer; 0: no such limit */
        bool whole;      /* whole numbers only */
        bool always;     /* never missing */
};

/* Fills in what is known of a field or else an aggregate: the other one is NULL. */
typedef void expr_range_fn(const struct field *, const struct aggregate *,
                           struct expr_range *);

/*
 * True when the condition can never be true where `given` (or NULL) is: certain, but
 * not everything that is so is found. `why` (or NULL) gets what contradicts what. Both
 * have to be of one language, and `range` (or NULL) true of it. Cost: half a million
 * looks at a literal at the most; past that it may be.
 */
bool expr_never(const struct expr *given, const struct expr *, expr_range_fn *range,
                struct buf *why);

/* The same: can it never be false? */
bool expr_always(const struct expr *given, const struct expr *, expr_range_fn *range,
                 struct buf *why);

enum expr_part {
        EXPR_NEVER,  /* one side of an `or` that is never true; `why` says why */
        EXPR_ALWAYS, /* one side of an `and` that is always true */
        EXPR_PAST,   /* a threshold above what is told apart: `why` is the number */
};

/* Calls `each` for the parts of a condition that make no sense; at: byte of the text. */
typedef void expr_part_fn(void *context, unsigned at, enum expr_part, struct slice why);
void expr_each_part(const struct expr *, const struct expr *given, expr_range_fn *,
                    expr_part_fn *each, void *context);

/* Text of a value for people and JSON subjects: "203.0.113.9", "0.83", "profile". */
void value_print(const struct value *, const struct value_names *, struct buf *out);

#endif
