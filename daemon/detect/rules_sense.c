/* SPDX-License-Identifier: MIT */
/* Warns of rules that can never hold, or always do. */
#include "detect/rules_priv.h"

#include <math.h>

#include "detect/births.h"
#include "detect/cold.h"
#include "detect/gaps.h"
#include "detect/signals.h"
#include "detect/surge.h"

#define DISTINCT_MAX 30e6 /* sketch.h */

static const struct known_range {
        const char *name; /* of a field or a function */
        struct expr_range range;
} ranges[] = {
        { "status", { 100, 999, 0, true, false } },
        { "hour", { 0, 23, 0, true, true } },
        { "weekday", { 1, 7, 0, true, true } },
        { "cookies", { 0, INFINITY, 0, true, true } },
        { "client.port", { 1, 65535, 0, true, false } },
        { "request.bytes", { 0, INFINITY, 0, true, true } },
        { "response.bytes", { 0, INFINITY, 0, true, false } },
        { "latency", { 0, INFINITY, 0, false, false } },
        { "target.number", { 0, INFINITY, 0, true, false } },
        { "target.block", { 0, INFINITY, 0, true, false } },
        { "account.age", { 0, (double)BIRTHS_TTL / NS_PER_SEC, 0, false, false } },
        { "email.domain_age", { 0, (double)DOMAIN_OLD / NS_PER_SEC, 0, false, false } },
        { "target.views", { 0, INFINITY, 0, false, false } },
        { "page", { -INFINITY, INFINITY, 0, false, true } },
        { "count", { 0, INFINITY, 0, false, true } },
        { "distinct", { 0, INFINITY, DISTINCT_MAX, false, false } },
        { "share", { 0, 1, 0, false, false } },
        { "top_share", { 0, 1, 0, false, false } },
        { "modal_gap_share", { 0, 1, 0, false, false } },
        { "sequential", { 0, 1, 0, false, false } },
        { "cold_share", { 0, 1, 0, false, false } },
        { "surge", { 0, SURGE_MAX, 0, false, false } },
        { "cold_surge", { 0, COLD_SUM_MAX, 0, false, false } },
        { "gap_entropy", { 0, GAPS_ENTROPY_MAX, 0, false, false } },
        { "undercollision", { 0, INFINITY, 0, false, false } },
        { "unfetched", { 0, INFINITY, 0, false, false } },
        { "synchrony", { 0, INFINITY, 0, false, false } },
        { "skew", { 0, INFINITY, 0, false, false } },
        { "score", { 0, INFINITY, 0, false, true } },
        { "families", { 0, SIGNALS_MAX, 0, true, true } },
};

void rules_range(const struct field *field, const struct aggregate *aggregate,
                 struct expr_range *range)
{
        const char *name = field ? field->name : aggregate->function->name;

        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
                if (strcmp(ranges[i].name, name) == 0)
                        *range = ranges[i].range;
}

/* An expression as it was written. */
struct written {
        struct slice text;
        struct place place;
        bool exact;
        struct diag *diag;
        const struct expr *where;
        const struct rules *rules;
};

static struct place place_of(const struct written *w, unsigned at)
{
        struct place place = w->place;

        for (unsigned i = 0; w->exact && i < at && i < w->text.len; i++)
                place.column += (w->text.data[i] & 0xc0) != 0x80;
        return place;
}

static void tell_part(void *context, unsigned at, enum expr_part part, struct slice why)
{
        const struct written *w = context;
        struct place place = place_of(w, at);
        int len = (int)why.len;
        const char *text = (const char *)why.data;

        if (part == EXPR_NEVER)
                diag_warning(w->diag, place, "this part can never be true: %.*s", len,
                             text);
        else if (part == EXPR_ALWAYS)
                diag_warning(w->diag, place, "this part is always true");
        else
                diag_warning(w->diag, place,
                             "distinct() tells no more than some %.*s values apart: "
                             "this may never be true",
                             len, text);
}

static bool may_be_of(const struct written *w, const struct aggregate *a, int page)
{
        const struct field *field = rules_page_field(w->rules);

        return site_page_is_defined(w->rules->vocabulary.site, (unsigned)page) &&
               (!w->where || expr_may_hold(w->where, field, page)) &&
               (!a->condition || expr_may_hold(a->condition, field, page));
}

/* What pages bring has to be among what the rule looks at. */
static void check_fetches(const struct written *w, const struct aggregate *a)
{
        if (a->function->id == FUNCTION_UNFETCHED &&
            !may_be_of(w, a, rules_find_page(w->rules, "asset")) &&
            !may_be_of(w, a, rules_find_page(w->rules, "api")))
                diag_warning(w->diag, w->place,
                             "unfetched() sees no fetches: neither the page 'asset' nor "
                             "'api' is looked at; name it in the site map, and leave "
                             "'where' wide");
}

/* What is counted has to be able to happen. */
static void check_counted(void *context, struct aggregate *a)
{
        const struct written *w = context;
        struct buf why = { 0 }, text = { 0 };

        check_fetches(w, a);
        if (a->condition && expr_never(w->where, a->condition, rules_range, &why)) {
                expr_print(a->condition, &text);
                diag_warning(w->diag, w->place,
                             "%s() looks at nothing, as '%.*s' can never be true: %.*s",
                             a->function->name, (int)text.len, (const char *)text.data,
                             (int)why.len, (const char *)why.data);
        }
        buf_free(&why);
        buf_free(&text);
}

static void check_one(const struct written *w, const struct expr *expr)
{
        struct buf why = { 0 };

        if (expr_never(NULL, expr, rules_range, &why)) {
                diag_warning(w->diag, w->place, "this can never be true: %.*s",
                             (int)why.len, (const char *)why.data);
        } else if (expr_always(NULL, expr, rules_range, NULL)) {
                diag_warning(w->diag, w->place, "this is always true");
        } else {
                buf_clear(&why);
                if (w->where && expr_never(w->where, expr, rules_range, &why))
                        diag_warning(w->diag, w->place,
                                     "this can never be true where 'where' is: %.*s",
                                     (int)why.len, (const char *)why.data);
                else
                        expr_each_part(expr, w->where, rules_range, tell_part, (void *)w);
        }
        buf_free(&why);
}

void rules_check_sense(const struct rules *rules, const struct rule_draft *draft,
                       const struct expr *where, struct expr *when, struct diag *diag)
{
        struct written of_where = {
                draft->where, draft->where_place, draft->where_exact, diag, NULL, rules
        };
        struct written of_when = {
                draft->when, draft->when_place, draft->when_exact, diag, where, rules
        };

        if (where)
                check_one(&of_where, where);
        /* What is said of it need not be said again of all that it is together with. */
        if (where && expr_never(NULL, where, rules_range, NULL))
                of_when.where = NULL;
        check_one(&of_when, when);
        expr_each_aggregate(when, check_counted, &of_when);
}
