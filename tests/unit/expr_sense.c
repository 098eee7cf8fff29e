/* SPDX-License-Identifier: MIT */
/*
 * Warnings have to be right: conditions made at random are tried on every combination
 * of values that they can tell apart.
 */
#include "unit/unit.h"

#include "unit/expr_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* status is whole, 1 to 4; count is never missing; share is 0 to 1; no time is below 0.
 */
static void range(const struct field *field, const struct aggregate *a,
                  struct expr_range *r)
{
        const char *name = field ? field->name : a->function->name;

        if (strcmp(name, "status") == 0)
                *r = (struct expr_range){ 1, 4, 0, true, false };
        else if (strcmp(name, "count") == 0)
                *r = (struct expr_range){ 0, INFINITY, 0, false, true };
        else if (strcmp(name, "share") == 0)
                *r = (struct expr_range){ 0, 1, 0, false, false };
        else if (strcmp(name, "latency") == 0)
                *r = (struct expr_range){ 0, INFINITY, 0, false, false };
        else if (strcmp(name, "distinct") == 0)
                *r = (struct expr_range){ 0, INFINITY, 30e6, false, false };
}

static struct expr *parse(const char *text)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "-", 1, 1 }, true,
                                       &world, VALUE_BOOL, diag);

        diag_print(diag, &said);
        if (!expr)
                fail_msg("%s: %.*s", text, (int)said.len, (const char *)said.data);
        buf_free(&said);
        diag_free(&diag);
        return expr;
}

static void test_what_is_found(void **state)
{
        static const struct {
                const char *text, *never; /* NULL: it may be */
                bool always;
        } cases[] = {
                { "count(10m) > 5 and count(10m) < 3",
                  "count(10m) > 5 and count(10m) < 3", false },
                { "count(10m) > 5 and count(1h) < 3", NULL, false },
                { "count(10m) >= 5 and count(10m) <= 5", NULL, false },
                { "count(10m) > 5 and 5 >= count(10m)",
                  "count(10m) > 5 and 5 >= count(10m)", false },
                { "page == profile and page == sign-up",
                  "page == profile and page == sign-up", false },
                { "page == profile and status == 2 and page in [sign-up, other]",
                  "page == profile and page in [sign-up, other]", false },
                { "share(status == 2, 10m) > 100%",
                  "share(status == 2, 10m) > 1, and share(status == 2, 10m) is 0 to 1",
                  false },
                { "share(status == 2, 10m) >= 100%", NULL, false },
                { "count(10m) < 0", "count(10m) < 0, and count(10m) is at least 0",
                  false },
                { "count(10m) >= 0", NULL, true },
                { "share(status == 2, 10m) >= 0", NULL, false }, /* may be missing */
                { "status > 2 and status < 3",
                  "status > 2 and status < 3, and status is 1 to 4", false },
                { "latency > 2s and latency < 3s", NULL, false },
                { "latency < 0s", "latency < 0s, and latency is at least 0s", false },
                { "latency > 3s and latency < 2s", "latency > 3s and latency < 2s",
                  false },
                { "bot.verified and not bot.verified",
                  "bot.verified and not bot.verified", false },
                { "bot.verified or not bot.verified", NULL, true },
                { "ua =~ 'x' and not (ua =~ 'x')", "ua =~ 'x' and not (ua =~ 'x')",
                  false },
                { "ua == 'curl' and ua starts_with 'py'",
                  "ua == 'curl' and ua starts_with 'py'", false },
                { "ua in ['curl', 'python'] and ua starts_with 'py'", NULL, false },
                { "not present(ua) and ua contains 'x'",
                  "not present(ua) and ua contains 'x'", false },
                { "not present(ua) and not (ua contains 'x')", NULL, false },
                { "ua != 'x' or ua == 'x'", NULL, false }, /* both false when missing */
                { "ua != 'x' or not (ua != 'x')", NULL, true },
                { "not (status == 2) and status == 2",
                  "not (status == 2) and status == 2", false },
                { "(status == 2 or status == 3) and status == 4",
                  "status == 2 and status == 4", false },
                { "1 > 2", "1 > 2 is false", false },
                { "1 < 2 or status == 2", NULL, true },
                { "status == 1 / 0", "status == 1 / 0", false },
                { "client.ip in 10.0.0.0/8 and not (client.ip in 10.0.0.0/8)",
                  "client.ip in 10.0.0.0/8 and not (client.ip in 10.0.0.0/8)", false },
                { "path == host and not (path == host)",
                  "path == host and not (path == host)", false },
                { "tagged(session, burst) and not tagged(session, burst)",
                  "tagged(session, burst) and not tagged(session, burst)", false },
                { "tagged(session, burst) and not tagged(session, other)", NULL, false },
                { "count(10m) / distinct(path, 10m) > 2 and "
                  "count(10m) / distinct(path, 10m) < 1",
                  "count(10m) / distinct(path, 10m) > 2 and "
                  "count(10m) / distinct(path, 10m) < 1",
                  false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = parse(cases[i].text);
                struct buf why = { 0 };
                bool never = expr_never(NULL, expr, range, &why);
                buf_put_byte(&why, 0);
                if (never != (cases[i].never != NULL))
                        fail_msg("%s: %s", cases[i].text, never ? "never" : "may be");
                if (never)
                        assert_string_equal((const char *)why.data, cases[i].never);
                if (expr_always(NULL, expr, range, NULL) != cases[i].always)
                        fail_msg("%s: always?", cases[i].text);
                buf_free(&why);
                expr_free(&expr);
        }
}

static void test_what_is_given(void **state)
{
        struct expr *where = parse("page == profile"), *when = parse("page == account");
        struct expr *other = parse("status == 2");
        struct buf why = { 0 };

        (void)state;
        assert_true(expr_never(where, when, range, &why));
        buf_put_byte(&why, 0);
        assert_string_equal((const char *)why.data,
                            "page == profile and page == 'account'");
        assert_false(expr_never(where, other, range, NULL));
        buf_free(&why);
        expr_free(&where);
        expr_free(&when);
        expr_free(&other);
}

static void note_part(void *context, unsigned at, enum expr_part part, struct slice why)
{
        buf_printf(context, "%u %s %.*s\n", at,
                   part == EXPR_NEVER    ? "never"
                   : part == EXPR_ALWAYS ? "always"
                                         : "past",
                   (int)why.len, (const char *)why.data);
}

static void test_parts(void **state)
{
        static const struct {
                const char *text, *told;
        } cases[] = {
                { "status == 2 or count(10m) < 0",
                  "15 never count(10m) < 0, and count(10m) is at least 0\n" },
                { "status == 2 and count(10m) >= 0", "16 always \n" },
                { "status == 2 and (count(10m) < 0 or share(status == 2, 1h) > 2)",
                  "17 never count(10m) < 0, and count(10m) is at least 0\n"
                  "35 never share(status == 2, 1h) > 2, and share(status == 2, 1h) is 0 "
                  "to "
                  "1\n" },
                { "distinct(path, 10m) > 40M", "0 past 30000000\n" },
                { "status == 2 and 31M <= distinct(path, 10m)", "16 past 30000000\n" },
                { "distinct(path, 10m) < 40M", "" },
                { "distinct(path, 10m) > 29M", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = parse(cases[i].text);
                struct buf told = { 0 };
                expr_each_part(expr, NULL, range, note_part, &told);
                buf_put_byte(&told, 0);
                assert_string_equal((const char *)told.data, cases[i].told);
                buf_free(&told);
                expr_free(&expr);
        }
}

/* More ways to be true than anybody looks at: nothing is said, and soon. */
static void test_too_many_ways(void **state)
{
        struct buf text = { 0 };

        (void)state;
        for (int i = 0; i < 60; i++)
                buf_printf(&text, "%s(status == %d or latency == %ds or ua == '%d')",
                           i ? " and " : "", i % 4 + 1, i % 5, i % 3);
        buf_put_str(&text, " and count(10m) < 0");
        buf_put_byte(&text, 0);
        struct expr *expr = parse((const char *)text.data);
        expr_never(NULL, expr, range, NULL);
        expr_always(NULL, expr, range, NULL);
        expr_free(&expr);
        buf_free(&text);
}

/* ---- at random ---- */

enum term { T_STATUS, T_COUNT, T_SHARE, T_LATENCY, T_PAGE, T_UA, T_BOT, T_IP, TERMS };

static const char *const term_texts[] = {
        "status", "count(10m)", "share(ua == 'a', 1h)", "latency",
        "page",   "ua",         "bot.verified",         "client.ip"
};

#define VALUES_MAX 12

static const double numbers[TERMS][VALUES_MAX] = {
        [T_STATUS] = { -1, 1, 2, 3, 4 },
        [T_COUNT] = { 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5 },
        [T_SHARE] = { -1, 0, 0.25, 0.5, 0.75, 1 },
        [T_LATENCY] = { -1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5 },
        [T_PAGE] = { -1, 0, 1, 2, 3, 4, 5, 6 },
        [T_BOT] = { 0, 1 },
};
static const char *const texts[] = { "", "a", "b", "ab", "ba", "zz" };
static const char *const addresses[] = { "", "10.0.0.1", "10.1.0.1", "192.0.2.1" };
static const unsigned value_counts[TERMS] = { 5, 10, 6, 11, 8, 6, 2, 4 };

struct trial {
        struct visit visit;
        double count, share;
};

static struct value trial_aggregate(void *context, const struct aggregate *a)
{
        const struct trial *t = context;

        return number_value(
            VALUE_NUMBER, strcmp(a->function->name, "count") == 0 ? t->count : t->share);
}

static void set(struct trial *t, enum term term, unsigned value)
{
        double number = numbers[term][value];

        switch (term) {
        case T_STATUS:
                t->visit.status = number;
                break;
        case T_COUNT:
                t->count = number;
                break;
        case T_SHARE:
                t->share = number;
                break;
        case T_LATENCY:
                t->visit.latency = number;
                break;
        case T_PAGE:
                t->visit.page = number;
                break;
        case T_UA:
                t->visit.ua = texts[value];
                break;
        case T_BOT:
                t->visit.verified = number > 0;
                break;
        default:
                t->visit.address = addresses[value];
        }
}

static uint32_t seed = 1;

static unsigned dice(unsigned sides)
{
        seed = seed * 1664525 + 1013904223;
        return (seed >> 8) % sides;
}

static void put_number_leaf(enum term term, struct buf *out)
{
        static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
        const char *unit = term == T_LATENCY ? "s" : "";
        double number = term == T_SHARE ? dice(5) * 0.25 : dice(5);

        if (dice(8) == 0)
                buf_printf(out, "present(%s)", term_texts[term]);
        else if (dice(6) == 0)
                buf_printf(out, "%s in [%g%s, %u%s]", term_texts[term], number, unit,
                           dice(5), unit);
        else if (dice(4) == 0)
                buf_printf(out, "%g%s %s %s", number, unit, signs[dice(6)],
                           term_texts[term]);
        else
                buf_printf(out, "%s %s %g%s", term_texts[term], signs[dice(6)], number,
                           unit);
}

static void put_leaf(enum term term, struct buf *out)
{
        static const char *const text_tests[] = {
                "ua == 'a'",         "ua != 'a'",          "ua == 'ab'",
                "ua in ['a', 'ab']", "ua starts_with 'a'", "ua ends_with 'b'",
                "ua contains 'b'",   "ua =~ '^a'",         "present(ua)",
        };
        static const char *const page_tests[] = {
                "page == profile",
                "page != profile",
                "page in [other, 'account']",
                "page == sign-up",
                "page != other",
                "present(page)",
                "page in [profile, 'sign-up', 'or', 'page', '404 page']",
        };
        static const char *const address_tests[] = {
                "client.ip in 10.0.0.0/8",
                "client.ip == 10.0.0.1",
                "client.ip in [10.1.0.0/16, 192.0.2.0/24]",
                "present(client.ip)",
                "client.ip != 192.0.2.1",
        };

        if (term == T_UA)
                buf_put_str(out, text_tests[dice(9)]);
        else if (term == T_PAGE)
                buf_put_str(out, page_tests[dice(7)]);
        else if (term == T_IP)
                buf_put_str(out, address_tests[dice(5)]);
        else if (term == T_BOT)
                buf_put_str(out, "bot.verified");
        else
                put_number_leaf(term, out);
}

static void put_condition(const enum term *terms, unsigned depth, struct buf *out)
{
        unsigned kind = depth ? dice(5) : 4;

        if (dice(4) == 0)
                buf_put_str(out, "not ");
        buf_put_byte(out, '(');
        if (kind == 4) {
                put_leaf(terms[dice(3)], out);
        } else {
                put_condition(terms, depth - 1, out);
                buf_put_str(out, kind < 3 ? " and " : " or ");
                put_condition(terms, depth - 1, out);
        }
        buf_put_byte(out, ')');
}

/* What all combinations of the values of three terms make of it: 1 false, 2 true. */
static unsigned try_all(const struct expr *expr, const enum term *terms)
{
        struct trial t = { .visit = some_visit };
        struct expr_subject subject = { &t.visit, trial_aggregate, &t, NULL };
        unsigned seen = 0, n[3];

        t.visit.status = t.visit.latency = t.share = -1;
        for (n[0] = 0; n[0] < value_counts[terms[0]]; n[0]++)
                for (n[1] = 0; n[1] < value_counts[terms[1]]; n[1]++)
                        for (n[2] = 0; n[2] < value_counts[terms[2]] && seen != 3;
                             n[2]++) {
                                for (unsigned i = 0; i < 3; i++)
                                        set(&t, terms[i], n[i]);
                                seen |= expr_true(expr, &subject) ? 2 : 1;
                        }
        return seen;
}

static void test_right_at_random(void **state)
{
        unsigned nevers = 0, always = 0, missed = 0;

        (void)state;
        for (int round = 0; round < 20000; round++) {
                enum term terms[3] = { dice(TERMS), dice(TERMS), dice(TERMS) };
                struct buf text = { 0 };
                put_condition(terms, 1 + dice(3), &text);
                buf_put_byte(&text, 0);
                struct expr *expr = parse((const char *)text.data);
                unsigned seen = try_all(expr, terms);
                bool never = expr_never(NULL, expr, range, NULL);
                bool is_always = expr_always(NULL, expr, range, NULL);
                if (never && (seen & 2))
                        fail_msg("not never: %s", (const char *)text.data);
                if (is_always && (seen & 1))
                        fail_msg("not always: %s", (const char *)text.data);
                nevers += never;
                always += is_always;
                missed += !never && !is_always && seen != 3;
                expr_free(&expr);
                buf_free(&text);
        }
        /* It is certain, and it is of use: hardly any is missed. */
        assert_true(nevers > 1000 && always > 200);
        assert_true(missed * 20 < nevers + always);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_found),
                cmocka_unit_test(test_what_is_given),
                cmocka_unit_test(test_parts),
                cmocka_unit_test(test_too_many_ways),
                cmocka_unit_test(test_right_at_random),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
