/* SPDX-License-Identifier: MIT */
/*
 * Conditions that make no sense: never true, or always.
 *
 * A condition is taken apart into the ways in which it can be true, one at a time: each
 * way is a row of literals (`count(10m) > 5`, or that it is not so) that have to hold
 * together. Literals about one and the same value contradict each other when no value
 * is left. Whatever is not understood counts as possible, and so does everything when
 * there are too many ways: what is reported is certain.
 */
#include "lang/expr_priv.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

#define LITERALS_MAX 256
#define STEPS_MAX    500000 /* literals that are looked at, for one condition */
#define NAMES_MAX    4096   /* of an enum */
#define WHOLES_MAX   256    /* numbers that are tried one by one */

struct literal {
        const struct expr *node;
        bool holds;              /* false: it has to be untrue */
        const struct expr *term; /* the value that it is about; NULL: more than one */
        struct buf text, term_text;
};

struct search {
        expr_range_fn *range;
        unsigned *steps, count;
        struct literal literals[LITERALS_MAX];
        struct buf *why; /* gets the first contradiction; NULL when it is known */
};

/* What has to hold besides: a list on the stack of the calls. */
struct todo {
        const struct expr *node;
        bool holds, siblings; /* `siblings`: the nodes behind it have to, too */
        const struct todo *next;
};

/* ---- what a literal is about ---- */

static bool is_constant(const struct expr *node)
{
        if (node->kind == NODE_FIELD || node->kind == NODE_AGGREGATE)
                return false;
        for (const struct expr *child = node->child; child; child = child->next)
                if (!is_constant(child))
                        return false;
        return true;
}

static bool is_leaf(const struct expr *node)
{
        return node->kind != NODE_NOT && node->kind != NODE_AND && node->kind != NODE_OR;
}

/* The one value that decides it. */
static const struct expr *term_of(const struct expr *node)
{
        const struct expr *left = node->child;

        switch (node->kind) {
        case NODE_FIELD:
        case NODE_AGGREGATE:
                return node;
        case NODE_PRESENT:
        case NODE_IN_LIST:
        case NODE_IN_NAMED:
        case NODE_MATCHES:
                return left;
        case NODE_EQUAL:
        case NODE_NOT_EQUAL:
        case NODE_LESS:
        case NODE_LESS_EQUAL:
        case NODE_GREATER:
        case NODE_GREATER_EQUAL:
        case NODE_CONTAINS:
        case NODE_STARTS_WITH:
        case NODE_ENDS_WITH:
                if (is_constant(left->next))
                        return left;
                return is_constant(left) ? left->next : NULL;
        default:
                return NULL;
        }
}

static bool evaluate(const struct expr *node)
{
        return expr_true(node, &(struct expr_subject){ 0 });
}

/* Whether the literal is satisfied when its term has this value. */
static bool accepts(const struct literal *literal, const struct value *value)
{
        const struct expr *term = literal->term;
        struct expr node = *literal->node, left, right;
        struct expr *copy = &left;

        if (literal->node == term)
                return (value->type == VALUE_BOOL && value->truth) == literal->holds;
        left = *node.child;
        if (left.next) {
                right = *left.next;
                left.next = &right;
                if (node.child != term)
                        copy = &right;
        }
        copy->kind = NODE_CONSTANT;
        copy->child = NULL;
        copy->constant = *value;
        node.child = &left;
        if (node.kind == NODE_PRESENT)
                return (value->type != VALUE_MISSING) == literal->holds;
        return evaluate(&node) == literal->holds;
}

/* ---- whether a value is left ---- */

/* The literals about one term. */
struct group {
        const struct search *search;
        const struct literal *with;
        struct expr_range range;
};

static bool is_in_group(const struct group *g, const struct literal *literal)
{
        return literal->term && slice_equal(buf_slice(&literal->term_text),
                                            buf_slice(&g->with->term_text));
}

static bool all_accept(const struct group *g, const struct value *value)
{
        *g->search->steps += g->search->count;
        for (unsigned i = 0; i < g->search->count; i++) {
                const struct literal *literal = &g->search->literals[i];
                if (is_in_group(g, literal) && !accepts(literal, value))
                        return false;
        }
        return true;
}

static bool may_be_missing(const struct group *g)
{
        struct value missing = { .type = VALUE_MISSING };

        return !g->range.always && all_accept(g, &missing);
}

/* A literal that only a few values can satisfy, or NULL. */
static const struct literal *find_narrow(const struct group *g)
{
        for (unsigned i = 0; i < g->search->count; i++) {
                const struct literal *l = &g->search->literals[i];
                if (!is_in_group(g, l))
                        continue;
                if (l->holds &&
                    (l->node->kind == NODE_EQUAL ||
                     (l->node->kind == NODE_IN_LIST && l->term->type != VALUE_NETWORK)))
                        return l;
                if (!l->holds &&
                    (l->node->kind == NODE_PRESENT || l->node->kind == NODE_NOT_EQUAL))
                        return l;
        }
        return NULL;
}

static bool is_in_range(const struct group *g, const struct value *value)
{
        if (value->type != VALUE_NUMBER && value->type != VALUE_DURATION)
                return true;
        return value->number >= g->range.least && value->number <= g->range.most &&
               (!g->range.whole || value->number == floor(value->number));
}

static bool is_possible(const struct group *g, const struct value *value)
{
        return is_in_range(g, value) && all_accept(g, value);
}

static bool narrow_leaves(const struct group *g, const struct literal *narrow)
{
        const struct expr *node = narrow->node;

        if (node->kind == NODE_PRESENT)
                return false; /* it is missing, and that was tried */
        if (node->kind == NODE_EQUAL || node->kind == NODE_NOT_EQUAL) {
                const struct expr *constant =
                    node->child == narrow->term ? node->child->next : node->child;
                struct value value = expr_value(constant, &(struct expr_subject){ 0 });
                return is_possible(g, &value);
        }
        for (unsigned i = 0; i < node->list.count; i++)
                if (is_possible(g, &node->list.values[i]))
                        return true;
        return false;
}

static bool names_leave(const struct group *g)
{
        const struct value_names *names = g->with->term->names;

        for (int i = 0; i < NAMES_MAX; i++) {
                struct value value = { .type = VALUE_ENUM, .number = i };
                if (!names || !names->name(names->context, i))
                        return !names;
                if (all_accept(g, &value))
                        return true;
        }
        return true;
}

/* Numbers from `least` to `most`; `open_*`: without that one itself. */
struct interval {
        double least, most;
        bool open_least, open_most;
};

static void raise_least(struct interval *in, double to, bool open)
{
        if (to < in->least || (to == in->least && !open))
                return;
        in->least = to;
        in->open_least = open;
}

static void lower_most(struct interval *in, double to, bool open)
{
        if (to > in->most || (to == in->most && !open))
                return;
        in->most = to;
        in->open_most = open;
}

static enum node_kind turned(enum node_kind kind)
{
        switch (kind) {
        case NODE_LESS:
                return NODE_GREATER;
        case NODE_LESS_EQUAL:
                return NODE_GREATER_EQUAL;
        case NODE_GREATER:
                return NODE_LESS;
        case NODE_GREATER_EQUAL:
                return NODE_LESS_EQUAL;
        default:
                return kind;
        }
}

static enum node_kind opposite(enum node_kind kind)
{
        switch (kind) {
        case NODE_LESS:
                return NODE_GREATER_EQUAL;
        case NODE_LESS_EQUAL:
                return NODE_GREATER;
        case NODE_GREATER:
                return NODE_LESS_EQUAL;
        case NODE_GREATER_EQUAL:
                return NODE_LESS;
        default:
                return kind;
        }
}

static void cut(struct interval *in, const struct literal *literal)
{
        const struct expr *left = literal->node->child;
        enum node_kind kind = literal->node->kind;

        if (turned(kind) == kind) /* no comparison by size */
                return;
        const struct expr *constant = left == literal->term ? left->next : left;
        struct value value = expr_value(constant, &(struct expr_subject){ 0 });
        if (value.type == VALUE_MISSING)
                return;
        if (left != literal->term)
                kind = turned(kind);
        if (!literal->holds)
                kind = opposite(kind);
        if (kind == NODE_GREATER || kind == NODE_GREATER_EQUAL)
                raise_least(in, value.number, kind == NODE_GREATER);
        else
                lower_most(in, value.number, kind == NODE_LESS);
}

static bool wholes_leave(const struct group *g, const struct interval *in,
                         enum value_type type)
{
        double first = ceil(in->least), last = floor(in->most);

        if (first > last)
                return false;
        if (!isfinite(first) || !isfinite(last) || last - first >= WHOLES_MAX)
                return true;
        for (double number = first; number <= last; number++) {
                struct value value = { .type = type, .number = number };
                if (all_accept(g, &value))
                        return true;
        }
        return false;
}

static bool numbers_leave(const struct group *g)
{
        struct interval in = { g->range.least, g->range.most, false, false };
        struct value value = { .type = g->with->term->type };

        for (unsigned i = 0; i < g->search->count; i++)
                if (is_in_group(g, &g->search->literals[i]))
                        cut(&in, &g->search->literals[i]);
        if (in.least > in.most ||
            (in.least == in.most && (in.open_least || in.open_most)))
                return false;
        if (in.least == in.most) {
                value.number = in.least;
                return is_possible(g, &value);
        }
        return !g->range.whole || wholes_leave(g, &in, value.type);
}

static bool truths_leave(const struct group *g)
{
        struct value yes = { .type = VALUE_BOOL, .truth = true };
        struct value no = { .type = VALUE_BOOL, .truth = false };

        return all_accept(g, &yes) || all_accept(g, &no);
}

static bool leaves(const struct group *g)
{
        const struct literal *narrow = find_narrow(g);

        if (may_be_missing(g))
                return true;
        if (narrow)
                return narrow_leaves(g, narrow);
        switch (g->with->term->type) {
        case VALUE_ENUM:
                return names_leave(g);
        case VALUE_NUMBER:
        case VALUE_DURATION:
                return numbers_leave(g);
        case VALUE_BOOL:
                return truths_leave(g);
        default:
                return true;
        }
}

/* ---- why not ---- */

static void put_literal(const struct literal *literal, struct buf *out)
{
        bool bare = literal->node == literal->term || literal->node->kind == NODE_PRESENT;

        buf_printf(out, literal->holds ? "" : bare ? "not " : "not (");
        buf_put_slice(out, buf_slice(&literal->text));
        buf_put_str(out, literal->holds || bare ? "" : ")");
}

static void put_bound(const struct group *g, double bound, struct buf *out)
{
        if (g->with->term->type == VALUE_DURATION)
                expr_print_duration(bound, out);
        else
                expr_print_number(bound, out);
}

static void put_range(const struct group *g, struct buf *out)
{
        const struct expr_range *range = &g->range;
        bool least = isfinite(range->least), most = isfinite(range->most);

        if (!least && !most)
                return;
        buf_put_str(out, ", and ");
        buf_put_slice(out, buf_slice(&g->with->term_text));
        buf_put_str(out, least && most ? " is "
                         : least       ? " is at least "
                                       : " is at most ");
        put_bound(g, least ? range->least : range->most, out);
        if (!least || !most)
                return;
        buf_put_str(out, " to ");
        put_bound(g, range->most, out);
}

/* Whether those of the group contradict each other without what is known of the range. */
static bool needs_range(const struct group *g)
{
        struct group without = *g;

        without.range = (struct expr_range){ .least = -INFINITY, .most = INFINITY };
        return leaves(&without);
}

static void explain(struct search *s, const struct group *g)
{
        bool first = true;

        if (!s->why)
                return;
        for (unsigned i = 0; i < s->count; i++) {
                if (!is_in_group(g, &s->literals[i]))
                        continue;
                buf_put_str(s->why, first ? "" : " and ");
                put_literal(&s->literals[i], s->why);
                first = false;
        }
        if (needs_range(g))
                put_range(g, s->why);
        s->why = NULL;
}

/* Two literals that are one another's opposite, whatever they are about. */
static bool is_opposed(struct search *s, const struct literal *literal)
{
        for (unsigned i = 0; i + 1 < s->count; i++) {
                const struct literal *other = &s->literals[i];
                if (other->holds == literal->holds ||
                    !slice_equal(buf_slice(&other->text), buf_slice(&literal->text)))
                        continue;
                if (s->why) {
                        put_literal(other, s->why);
                        buf_put_str(s->why, " and ");
                        put_literal(literal, s->why);
                        s->why = NULL;
                }
                return true;
        }
        return false;
}

static bool is_consistent(struct search *s, const struct literal *with)
{
        struct group g = { s, with, { .least = -INFINITY, .most = INFINITY } };

        if (is_opposed(s, with))
                return false;
        if (!with->term)
                return true;
        if (s->range &&
            (with->term->kind == NODE_FIELD || with->term->kind == NODE_AGGREGATE))
                s->range(with->term->kind == NODE_FIELD ? with->term->field : NULL,
                         with->term->kind == NODE_FIELD ? NULL : &with->term->aggregate,
                         &g.range);
        if (leaves(&g))
                return true;
        explain(s, &g);
        return false;
}

/* ---- the ways in which it can be true ---- */

static bool may(struct search *s, const struct todo *todo);

static bool may_constant(struct search *s, const struct expr *node, bool holds,
                         const struct todo *rest)
{
        if (evaluate(node) == holds)
                return may(s, rest);
        if (s->why) {
                expr_print(node, s->why);
                buf_put_str(s->why, holds ? " is false" : " is true");
                s->why = NULL;
        }
        return false;
}

static bool may_leaf(struct search *s, const struct expr *node, bool holds,
                     const struct todo *rest)
{
        if (is_constant(node))
                return may_constant(s, node, holds, rest);
        if (s->count == LITERALS_MAX)
                return true;
        struct literal *literal = &s->literals[s->count++];
        *literal =
            (struct literal){ .node = node, .holds = holds, .term = term_of(node) };
        expr_print(node, &literal->text);
        if (literal->term)
                expr_print(literal->term, &literal->term_text);
        bool possible = is_consistent(s, literal) && may(s, rest);
        buf_free(&literal->text);
        buf_free(&literal->term_text);
        s->count--;
        return possible;
}

static bool may(struct search *s, const struct todo *todo)
{
        if (!todo || (*s->steps)++ > STEPS_MAX)
                return true;
        const struct expr *node = todo->node;
        struct todo siblings = { node->next, todo->holds, true, todo->next };
        const struct todo *rest = todo->siblings && node->next ? &siblings : todo->next;
        if (is_leaf(node))
                return may_leaf(s, node, todo->holds, rest);
        if (node->kind == NODE_NOT)
                return may(s, &(struct todo){ node->child, !todo->holds, false, rest });
        if ((node->kind == NODE_AND) == todo->holds)
                return may(s, &(struct todo){ node->child, todo->holds, true, rest });
        for (const struct expr *child = node->child; child; child = child->next)
                if (may(s, &(struct todo){ child, todo->holds, false, rest }))
                        return true;
        return false;
}

/* Whether `given` (or NULL) and `expr`, or its opposite, can hold together. */
static bool can_be(const struct expr *given, const struct expr *expr, bool holds,
                   expr_range_fn *range, unsigned *steps, struct buf *why)
{
        struct search *s = calloc(1, sizeof(*s));
        struct todo last = { expr, holds, false, NULL };
        struct todo first = { given, true, false, &last };

        CHECK(s);
        s->range = range;
        s->steps = steps;
        s->why = why;
        bool possible = may(s, given ? &first : &last);
        free(s);
        return possible;
}

bool expr_never(const struct expr *given, const struct expr *expr, expr_range_fn *range,
                struct buf *why)
{
        unsigned steps = 0;

        return !can_be(given, expr, true, range, &steps, why);
}

bool expr_always(const struct expr *given, const struct expr *expr, expr_range_fn *range,
                 struct buf *why)
{
        unsigned steps = 0;

        return !can_be(given, expr, false, range, &steps, why);
}

/* ---- parts ---- */

/* A comparison that can only be true past what the term is told up to. */
static bool is_past(const struct expr *node, expr_range_fn *range, double *reliable)
{
        const struct expr *term = term_of(node);
        struct expr_range r = { .least = -INFINITY, .most = INFINITY };
        struct interval in = { -INFINITY, INFINITY, false, false };

        if (!term || (node->kind != NODE_GREATER && node->kind != NODE_GREATER_EQUAL &&
                      node->kind != NODE_LESS && node->kind != NODE_LESS_EQUAL))
                return false;
        if (term->kind != NODE_AGGREGATE)
                return false;
        range(NULL, &term->aggregate, &r);
        cut(&in, &(struct literal){ .node = node, .holds = true, .term = term });
        *reliable = r.reliable;
        return r.reliable > 0 && in.least > r.reliable;
}

struct parts {
        const struct expr *given;
        expr_range_fn *range;
        expr_part_fn *each;
        void *context;
        unsigned steps; /* of all parts together */
};

static void look_at_part(struct parts *p, const struct expr *part);

static void look_at_leaf(struct parts *p, const struct expr *leaf)
{
        struct buf number = { 0 };
        double reliable;

        if (!is_past(leaf, p->range, &reliable))
                return;
        expr_print_number(reliable, &number);
        p->each(p->context, leaf->at, EXPR_PAST, buf_slice(&number));
        buf_free(&number);
}

static void look_at_child(struct parts *p, const struct expr *child, enum node_kind of)
{
        struct buf why = { 0 };

        if (of == NODE_OR && !can_be(p->given, child, true, p->range, &p->steps, &why))
                p->each(p->context, child->at, EXPR_NEVER, buf_slice(&why));
        else if (of == NODE_AND && !can_be(NULL, child, false, p->range, &p->steps, NULL))
                p->each(p->context, child->at, EXPR_ALWAYS, slice_none());
        else
                look_at_part(p, child);
        buf_free(&why);
}

static void look_at_part(struct parts *p, const struct expr *part)
{
        if (is_leaf(part)) {
                look_at_leaf(p, part);
                return;
        }
        for (const struct expr *child = part->child; child; child = child->next)
                look_at_child(p, child, part->kind);
}

void expr_each_part(const struct expr *expr, const struct expr *given,
                    expr_range_fn *range, expr_part_fn *each, void *context)
{
        struct parts parts = { given, range, each, context, 0 };

        look_at_part(&parts, expr);
}
