/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/expr_world.h"

struct row {
        const char *text;      /* as an operator writes it */
        const char *canonical; /* as it is printed; NULL: the same */
        const char *value;     /* of some_visit */
};

static const struct row rows[] = {
        /* literals */
        { "200", NULL, "200" },
        { "1.5k", "1500", "1500" },
        { "2M", "2000000", "2000000" },
        { "5%", "0.05", "0.05" },
        { "0.1%", "0.001", "0.001" },
        { "007", "7", "7" },
        { "9007199254740992", NULL, "9007199254740992" },
        { "0.1 + 0.2", NULL, "0.30000000000000004" },
        { "1e6", "1000000", "1000000" },
        { "1.25e-7", "1.25e-07", "1.25e-07" },
        { "-5", NULL, "-5" },
        { "- -5", "5", "5" },
        { "-0", "0", "0" },
        { "500ms", NULL, "500ms" },
        { "90s", NULL, "90s" },
        { "120s", "2m", "2m" },
        { "1.5h", "90m", "90m" },
        { "168h", "7d", "7d" },
        { "0s", NULL, "0s" },
        { "'it''s'", "\"it's\"", "it's" },
        { "\"say \"\"it's\"\"\"", "'say \"it''s\"'", "say \"it's\"" },
        { "''", NULL, "" },
        { "10.0.0.1", NULL, "10.0.0.1" },
        { "2001:DB8::/32", "2001:db8::/32", "2001:db8::/32" },
        { "::1", NULL, "::1" },
        { "::ffff:10.1.2.3", "10.1.2.3", "10.1.2.3" },
        /* arithmetic */
        { "1 + 2 * 3", NULL, "7" },
        { "(1 + 2) * 3", NULL, "9" },
        { "10 - (4 - 3)", NULL, "9" },
        { "(10 - 4) - 3", "10 - 4 - 3", "3" },
        { "5-3", "5 - 3", "2" },
        { "status -3", "status - 3", "197" },
        { "-(status)", "-status", "-200" },
        { "8 / (4 / 2)", NULL, "4" },
        { "7 / 0", NULL, "missing" },
        { "1e308 * 10", "1e+308 * 10", "missing" },
        { "latency * 4", NULL, "1s" },
        { "latency / 50ms", NULL, "5" },
        { "1h - 30m", NULL, "30m" },
        { "target.number + 1", NULL, "missing" },
        /* comparisons */
        { "status == 200", NULL, "true" },
        { "status==200", "status == 200", "true" },
        { "200 != status", NULL, "false" },
        { "status >= 200 and status < 300", NULL, "true" },
        { "latency > 1s", NULL, "false" },
        { "latency <= 250ms", NULL, "true" },
        { "path == '/in/anna'", NULL, "true" },
        { "path != \"/in/anna\"", "path != '/in/anna'", "false" },
        { "client.ip == 203.0.113.9", NULL, "true" },
        { "client.ip == '203.0.113.9'", "client.ip == 203.0.113.9", "true" },
        { "client.prefix == 203.0.113.0/24", NULL, "true" },
        { "client.prefix == client.ip", NULL, "false" },
        /* names */
        { "page == profile", NULL, "true" },
        { "profile == page", NULL, "true" },
        { "page == 'profile'", "page == profile", "true" },
        { "page != sign-up", NULL, "true" },
        { "page == account", "page == 'account'", "false" },
        { "account == page", "'account' == page", "false" },
        { "page == 'page'", NULL, "false" },
        { "page == '404 page'", NULL, "false" },
        { "page == 'or'", NULL, "false" },
        { "page == (profile)", "page == profile", "true" },
        { "form_seen == unknown", NULL, "true" },
        { "page in [sign-up, account, 'profile']", "page in [sign-up, account, profile]",
          "true" },
        /* lists */
        { "status in [200, 201, 302]", NULL, "true" },
        { "status in [-1, 404]", NULL, "false" },
        { "latency in [250ms, 1s]", NULL, "true" },
        { "session in ['s1', 's2']", NULL, "true" },
        { "client.ip in 203.0.113.0/24", NULL, "true" },
        { "client.ip in [203.0.113.0/24]", "client.ip in 203.0.113.0/24", "true" },
        { "client.ip in [10.0.0.0/8, 2001:db8::/32, '::1/128']",
          "client.ip in [10.0.0.0/8, 2001:db8::/32, ::1]", "false" },
        { "client.prefix in 203.0.0.0/16", NULL, "true" },
        { "client.prefix in 203.0.113.9", NULL, "false" },
        { "client.prefix in 203.0.113.0/25", NULL, "false" },
        { "client.ip in @offices", NULL, "false" },
        { "status in @codes", NULL, "true" },
        { "session in @known-words", NULL, "true" },
        { "account in ['s1']", NULL, "false" },
        { "not account in ['s1']", NULL, "true" },
        /* texts */
        { "ua contains 'requests'", NULL, "true" },
        { "ua contains ''", NULL, "true" },
        { "path starts_with '/in/'", NULL, "true" },
        { "path ends_with 'anna'", NULL, "true" },
        { "path ends_with host", NULL, "false" },
        { "path =~ '^/in/\\w+$'", NULL, "true" },
        { "path =~ 'ANNA'", NULL, "false" },
        { "path =~ '(?i)ANNA'", NULL, "true" },
        { "ua =~ \"it's\"", NULL, "false" },
        { "header('x-api') == 'xxxxx'", NULL, "true" },
        { "header(\"x\") contains 'xx'", "header('x') contains 'xx'", "false" },
        /* what is missing */
        { "account == 's1'", NULL, "false" },
        { "account != 's1'", NULL, "false" },
        { "not account == 's1'", NULL, "true" },
        { "account contains ''", NULL, "false" },
        { "account =~ '.*'", NULL, "false" },
        { "present(account)", NULL, "false" },
        { "present(session)", NULL, "true" },
        { "present(header('abc'))", NULL, "true" },
        { "present( share(bot.verified, 1h) )", "present(share(bot.verified, 1h))",
          "false" },
        { "target.number > 0 or target.number <= 0", NULL, "false" },
        { "session == account", NULL, "false" },
        { "session != account", NULL, "false" },
        { "1 != target.number", NULL, "false" },
        /* and, or, not */
        { "bot.verified", NULL, "false" },
        { "not bot.verified", NULL, "true" },
        { "not not bot.verified", NULL, "false" },
        { "not status == 200", NULL, "false" },
        { "not (status == 200 or bot.verified)", NULL, "false" },
        { "bot.verified or signup.accepted and status == 200", NULL, "true" },
        { "(bot.verified or signup.accepted) and status == 404", NULL, "false" },
        { "(bot.verified and signup.accepted) or status == 200",
          "bot.verified and signup.accepted or status == 200", "true" },
        { "bot.verified or (signup.accepted or status == 1)",
          "bot.verified or signup.accepted or status == 1", "true" },
        { "signup.accepted\n  and\tnot bot.verified",
          "signup.accepted and not bot.verified", "true" },
        /* functions over a window */
        { "count(10m)", NULL, "120" },
        { "count(600s) >= 100", "count(10m) >= 100", "true" },
        { "count(status == 404 or bot.verified, 1h)", NULL, "120" },
        { "distinct(host, 10m) / count(10m) > 0.8", NULL, "false" },
        { "distinct(host, page == profile, 10m) >= 90", NULL, "true" },
        { "distinct(target.number / 1024, 7d) > 3", NULL, "true" },
        { "share(status == 404, 1h) > 50%", "share(status == 404, 1h) > 0.5", "false" },
        { "mean(status, 30d) + 1", NULL, "missing" },
        { "score() > 1", NULL, "true" },
        { "surge(2x) >= 13", NULL, "true" },
        { "surge(1.5x)", NULL, "14" },
        { "tagged(host, burst)", NULL, "true" },
        { "tagged(host, 'burst')", "tagged(host, burst)", "true" },
        { "tagged(host, status)", NULL, "false" },
        { "not tagged(host, 'a b')", NULL, "true" },
        { "count(tagged(host, burst), 10m) > 100", NULL, "true" },
};

static void print_value(const struct expr *expr, struct value value, struct buf *out)
{
        const struct value_names *names = NULL;

        if (expr_field(expr))
                names = expr_field(expr)->names;
        value_print(&value, names, out);
}

static void check_row(const struct row *row)
{
        struct diag *diag = diag_new();
        struct counters counters = { 0 };
        struct expr_subject subject = { &some_visit, world_aggregate, NULL, &counters };
        struct buf printed = { 0 };
        struct expr *expr = expr_parse(slice_str(row->text), (struct place){ "t", 1, 1 },
                                       true, &world, VALUE_MISSING, diag);

        if (!expr) {
                diag_print(diag, &printed);
                fail_msg("%s: %.*s", row->text, (int)printed.len, printed.data);
        }
        assert_int_equal(diag_errors(diag), 0);
        expr_print(expr, &printed);
        if (!slice_is(buf_slice(&printed), row->canonical ? row->canonical : row->text))
                fail_msg("%s is printed %.*s", row->text, (int)printed.len, printed.data);
        buf_clear(&printed);
        print_value(expr, expr_value(expr, &subject), &printed);
        if (!slice_is(buf_slice(&printed), row->value))
                fail_msg("%s is %.*s", row->text, (int)printed.len, printed.data);
        buf_free(&printed);
        expr_free(&expr);
        assert_null(expr);
        diag_free(&diag);
}

static void test_table(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                check_row(&rows[i]);
}

static struct expr *parse(const char *text)
{
        struct diag *diag = diag_new();
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "t", 1, 1 }, true,
                                       &world, VALUE_BOOL, diag);

        assert_non_null(expr);
        diag_free(&diag);
        return expr;
}

/* Backtracking without end is stopped, is false, and is counted. */
static void test_regex_limit(void **state)
{
        struct expr *expr = parse("path =~ '^(a|a)*[bc]$' or ua =~ 'requests'");
        struct visit visit = some_visit;
        struct counters counters = { 0 };
        struct expr_subject subject = { &visit, NULL, NULL, &counters };

        (void)state;
        visit.path = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad";
        assert_true(expr_true(expr, &subject));
        assert_int_equal(counters.regex_limits, 1);
        visit.path = "aab";
        visit.ua = "x";
        assert_true(expr_true(expr, &subject));
        assert_int_equal(counters.regex_limits, 1);
        expr_free(&expr);
}

/* Work that PCRE2's own limit does not see: ten seconds without a bound of ours. */
static void test_regex_steps(void **state)
{
        struct expr *expr = parse("path =~ 'a*a*[bc]'");
        struct visit visit = some_visit;
        struct counters counters = { 0 };
        struct expr_subject subject = { &visit, NULL, NULL, &counters };
        char text[4097];

        (void)state;
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        visit.path = text;
        assert_false(expr_true(expr, &subject));
        assert_int_equal(counters.regex_limits, 1);
        text[sizeof(text) - 2] = 'c';
        assert_true(expr_true(expr, &subject));
        assert_int_equal(counters.regex_limits, 1);
        expr_free(&expr);
}

/* Bytes that are no UTF-8 are bytes; a NUL is one too. */
static void test_regex_bytes(void **state)
{
        struct expr *expr = parse("path =~ '^\\xff.\\xfe$'");
        struct visit visit = some_visit;
        struct expr_subject subject = { &visit, NULL, NULL, NULL };

        (void)state;
        visit.path = "\xff\x80\xfe";
        assert_true(expr_true(expr, &subject));
        visit.path = "\xff\xfe";
        assert_false(expr_true(expr, &subject));
        expr_free(&expr);
}

struct seen {
        const char *names[8];
        unsigned count;
};

static void see_aggregate(void *context, struct aggregate *aggregate)
{
        struct seen *seen = context;

        aggregate->slot = seen->count;
        seen->names[seen->count++] = aggregate->function->name;
}

static void see_field(void *context, const struct field *field)
{
        struct seen *seen = context;

        seen->names[seen->count++] = field->name;
}

static struct value slot_value(void *context, const struct aggregate *aggregate)
{
        const double *slots = context;

        return (struct value){ .type = VALUE_NUMBER, .number = slots[aggregate->slot] };
}

/* The caller gives slots from left to right and answers by them. */
static void test_slots(void **state)
{
        struct expr *expr = parse(
            "count(status == 404, 1h) > 5 and distinct(host, 10m) / count(10m) > 0.5");
        double slots[] = { 6, 30, 40 };
        struct expr_subject subject = { &some_visit, slot_value, slots, NULL };
        struct seen seen = { .count = 0 }, fields = { .count = 0 };

        (void)state;
        expr_each_aggregate(expr, see_aggregate, &seen);
        assert_int_equal(seen.count, 3);
        assert_string_equal(seen.names[0], "count");
        assert_string_equal(seen.names[1], "distinct");
        assert_true(expr_true(expr, &subject));
        slots[0] = 5;
        assert_false(expr_true(expr, &subject));
        expr_each_field(expr, see_field, &fields);
        assert_int_equal(fields.count, 2);
        assert_string_equal(fields.names[0], "status");
        assert_string_equal(fields.names[1], "host");
        expr_free(&expr);
}

static void see_window(void *context, struct aggregate *aggregate)
{
        int64_t *window_ns = context;

        *window_ns = aggregate->window_ns;
        assert_non_null(aggregate->field);
        assert_string_equal(expr_field(aggregate->field)->name, "page");
        assert_null(aggregate->condition);
}

static void test_aggregate_parts(void **state)
{
        struct expr *expr = parse("distinct(page, 1.5h) > 1");
        int64_t window_ns = 0;

        (void)state;
        assert_null(expr_field(expr));
        assert_int_equal(expr_type(expr), VALUE_BOOL);
        expr_each_aggregate(expr, see_window, &window_ns);
        assert_int_equal(window_ns, INT64_C(5400) * 1000000000);
        expr_free(&expr);
}

/* Values outlive the text that they were parsed from. */
static void test_owns_its_text(void **state)
{
        char text[] = "host == 'example.org' and path =~ '^/in'";
        struct diag *diag = diag_new();
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "t", 1, 1 }, true,
                                       &world, VALUE_BOOL, diag);
        struct expr_subject subject = { &some_visit, NULL, NULL, NULL };

        (void)state;
        memset(text, 'x', sizeof(text) - 1);
        assert_true(expr_true(expr, &subject));
        expr_free(&expr);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_regex_limit),
                cmocka_unit_test(test_regex_steps),
                cmocka_unit_test(test_regex_bytes),
                cmocka_unit_test(test_slots),
                cmocka_unit_test(test_aggregate_parts),
                cmocka_unit_test(test_owns_its_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
