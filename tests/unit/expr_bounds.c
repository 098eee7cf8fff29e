/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/expr_world.h"

static struct expr *condition(const char *text)
{
        struct diag *diag = diag_new();
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "-", 1, 1 }, true,
                                       &world, VALUE_BOOL, diag);

        if (!expr)
                fail_msg("not understood: %s", text);
        diag_free(&diag);
        return expr;
}

static const struct field *find_field(const char *name)
{
        const struct field *field = world.fields;

        while (strcmp(field->name, name) != 0)
                field++;
        return field;
}

/* Of the pages other, profile and sign-up: those for which it may hold. */
static void test_may_hold(void **state)
{
        static const struct {
                const char *text, *pages;
        } cases[] = {
                { "page == profile", "p" },
                { "profile == page", "p" },
                { "page != profile", "os" },
                { "page in [profile, sign-up]", "ps" },
                { "page == profile and status == 200", "p" },
                { "status == 200 and (page == profile or page == sign-up)", "ps" },
                { "page == profile and page == sign-up", "" },
                { "page == profile or status == 200", "ops" },
                { "not (page == profile)", "ops" },
                { "status == 200", "ops" },
                { "present(page)", "ops" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = condition(cases[i].text);
                char seen[4] = "";
                for (int page = 0; page < 3; page++)
                        if (expr_may_hold(expr, find_field("page"), page))
                                strncat(seen, &"ops"[page], 1);
                if (strcmp(seen, cases[i].pages) != 0)
                        fail_msg("%s: '%s'", cases[i].text, seen);
                expr_free(&expr);
        }
}

static void add_text(void *context, const struct expr *part)
{
        expr_print(part, context);
        buf_put_byte(context, ';');
}

static void test_conjuncts(void **state)
{
        static const struct {
                const char *text, *parts;
        } cases[] = {
                { "status == 200", "status == 200;" },
                { "page == profile and status == 200 and not bot.verified",
                  "page == profile;status == 200;not bot.verified;" },
                { "page == profile or status == 200 and bot.verified",
                  "page == profile or status == 200 and bot.verified;" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = condition(cases[i].text);
                struct buf parts = { 0 };
                expr_each_conjunct(expr, add_text, &parts);
                buf_put_byte(&parts, 0);
                assert_string_equal((const char *)parts.data, cases[i].parts);
                buf_free(&parts);
                expr_free(&expr);
        }
}

static void test_reads_only(void **state)
{
        static const struct {
                const char *text;
                bool only;
        } cases[] = {
                { "page == profile", true },
                { "not (page == profile) or present(page)", true },
                { "1 == 2", true },
                { "page == profile or status == 200", false },
                { "status == 200", false },
                { "count(10m) > 3", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = condition(cases[i].text);
                if (expr_reads_only(expr, find_field("page")) != cases[i].only)
                        fail_msg("%s", cases[i].text);
                expr_free(&expr);
        }
}

static bool is_count(const struct aggregate *a)
{
        return strcmp(a->function->name, "count") == 0 ||
               strcmp(a->function->name, "distinct") == 0;
}

static void test_least(void **state)
{
        static const struct {
                const char *text;
                double least;
        } cases[] = {
                { "count(10m) >= 40", 40 },
                { "count(10m) > 40", 40 },
                { "40 <= count(10m)", 40 },
                { "count(10m) < 40", 0 },
                { "count(10m) == 40", 0 },
                { "count(10m) >= 40 and distinct(path, 1h) >= 100", 100 },
                { "count(10m) >= 40 or distinct(path, 1h) >= 100", 40 },
                { "count(10m) >= 40 or status == 500", 0 },
                { "(count(10m) >= 40 or count(1h) >= 60) and status == 200", 40 },
                { "not (count(10m) >= 40)", 0 },
                { "count(10m) / count(1h) > 40", 0 },
                { "count(10m) >= -5", 0 },
                { "mean(latency, 10m) > 40s", 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = condition(cases[i].text);
                double least = expr_least(expr, is_count);
                if (least != cases[i].least)
                        fail_msg("%s: %g", cases[i].text, least);
                expr_free(&expr);
        }
}

static void test_is_bound(void **state)
{
        static const struct {
                const char *text;
                bool is_one;
                enum expr_order order;
                double number;
        } cases[] = {
                { "count(10m) >= 40", true, EXPR_GREATER_EQUAL, 40 },
                { "count(10m) > 40", true, EXPR_GREATER, 40 },
                { "count(10m) <= 40", true, EXPR_LESS_EQUAL, 40 },
                { "count(10m) < 40", true, EXPR_LESS, 40 },
                { "40 >= count(10m)", true, EXPR_LESS_EQUAL, 40 },
                { "40 > count(10m)", true, EXPR_LESS, 40 },
                { "40 <= count(10m)", true, EXPR_GREATER_EQUAL, 40 },
                { "40 < count(10m)", true, EXPR_GREATER, 40 },
                { "share(status == 200, 10m) > 80%", true, EXPR_GREATER, 0.8 },
                { "mean(latency, 10m) > 40s", true, EXPR_GREATER, 40 },
                { "count(10m) == 40", false, 0, 0 },
                { "count(10m) > count(1h)", false, 0, 0 },
                { "status > 200", false, 0, 0 },
                { "not (count(10m) >= 40)", false, 0, 0 },
                { "count(10m) >= 40 and count(1h) >= 40", false, 0, 0 },
                { "count(10m) / count(1h) > 40", false, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct expr *expr = condition(cases[i].text);
                struct expr_bound bound;
                bool is_one = expr_is_bound(expr, &bound);
                if (is_one != cases[i].is_one ||
                    (is_one && (bound.order != cases[i].order ||
                                bound.number != cases[i].number)))
                        fail_msg("%s", cases[i].text);
                expr_free(&expr);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_may_hold),
                cmocka_unit_test(test_conjuncts),
                cmocka_unit_test(test_reads_only),
                cmocka_unit_test(test_least),
                cmocka_unit_test(test_is_bound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
