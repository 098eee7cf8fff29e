/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "lang/diag.h"

#include <stdio.h>

static void assert_said(const struct diag *diag, const char *text)
{
        struct buf said = { 0 };

        diag_print(diag, &said);
        assert_slice(buf_slice(&said), text);
        buf_free(&said);
}

/* By file, line and column; those of one place as they came. */
static void test_order(void **state)
{
        struct diag *diag = diag_new();

        (void)state;
        assert_said(diag, "");
        diag_error(diag, (struct place){ "b", 1, 1 }, "six");
        diag_error(diag, (struct place){ "a", 10, 2 }, "four");
        diag_warning(diag, (struct place){ "a", 10, 10 }, "five %d", 5);
        diag_error(diag, (struct place){ "a", 9, 20 }, "three");
        diag_error(diag, (struct place){ "a", 9, 3 }, "two");
        diag_error(diag, (struct place){ "a", 9, 3 }, "and then");
        diag_error(diag, (struct place){ "a", 0, 0 }, "one");
        assert_int_equal(diag_errors(diag), 6);
        assert_said(diag, "a: one\n"
                          "a:9:3: two\n"
                          "a:9:3: and then\n"
                          "a:9:20: three\n"
                          "a:10:2: four\n"
                          "a:10:10: warning: five 5\n"
                          "b:1:1: six\n");
        diag_free(&diag);
        assert_null(diag);
        diag_free(&diag);
}

static void test_same_twice(void **state)
{
        struct diag *diag = diag_new();
        char file[] = "rules.yaml";

        (void)state;
        diag_error(diag, (struct place){ file, 1, 2 }, "one");
        diag_error(diag, (struct place){ file, 1, 2 }, "one");
        diag_error(diag, (struct place){ file, 1, 3 }, "one");
        file[0] = 'x'; /* the file's name is the caller's again */
        assert_int_equal(diag_errors(diag), 2);
        assert_said(diag, "rules.yaml:1:2: one\nrules.yaml:1:3: one\n");
        diag_free(&diag);
}

/* 250 errors and 201 warnings: 200 of each are kept, the rest is counted. */
static void test_cap(void **state)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        static const char end[] = "f:200:1: mistake 200\nand 50 more mistakes\n"
                                  "and 1 more warnings\n";

        (void)state;
        for (unsigned i = 1; i <= 201; i++)
                diag_warning(diag, (struct place){ "e", i, 1 }, "careful");
        for (unsigned i = 1; i <= 250; i++)
                diag_error(diag, (struct place){ "f", i, 1 }, "mistake %u", i);
        assert_int_equal(diag_errors(diag), 250);
        diag_print(diag, &said);
        assert_true(slice_ends_with(buf_slice(&said), slice_str(end)));
        unsigned lines = 0;
        for (size_t i = 0; i < said.len; i++)
                lines += said.data[i] == '\n';
        assert_int_equal(lines, 402);
        buf_free(&said);
        diag_free(&diag);
}

/* What is quoted from a file cannot move the cursor of a terminal. */
static void test_printable(void **state)
{
        struct diag *diag = diag_new();
        char longest[2000];

        (void)state;
        diag_error(diag, (struct place){ "f", 1, 1 }, "'%s'", "a\x1b[2J\nb\x7f");
        assert_said(diag, "f:1:1: 'a?[2J?b?'\n");
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        diag_error(diag, (struct place){ "f", 1, 2 }, "%s", longest);
        assert_int_equal(diag_errors(diag), 2);
        diag_free(&diag);
}

static void test_suggest(void **state)
{
        static const char *const names[] = {
                "page",      "path",           "status",
                "client.ip", "client.country", "signup.accepted",
                "ua",        "severity",       NULL
        };
        static const struct {
                const char *unknown, *meant;
        } rows[] = {
                { "pgae", "page" },     /* swapped */
                { "pag", "page" },      /* one missing */
                { "paage", "page" },    /* one too many */
                { "pagi", "page" },     /* another */
                { "patj", "path" },     /* the nearer of two */
                { "Status", "status" }, /* case */
                { "PATH", "path" },
                { "stauts", "status" },
                { "sevrity", "severity" },
                { "client_ip", "client.ip" },
                { "clientip", "client.ip" },
                { "country", "client.country" }, /* its last part */
                { "accepted", "signup.accepted" },
                { "ip", "client.ip" },
                { "signup.acepted", "signup.accepted" },
                { "page", "page" },
                { "x", NULL },
                { "", NULL },
                { "zebra", NULL },
                { "st", NULL },
                { "something.else.entirely", NULL },
                { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                  "x",
                  NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *near = diag_suggest(slice_str(rows[i].unknown), names);
                if (!near != !rows[i].meant || (near && strcmp(near, rows[i].meant) != 0))
                        fail_msg("%s: %s", rows[i].unknown, near ? near : "none");
        }
        assert_null(diag_suggest(slice_str("page"), (const char *const[]){ NULL }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),   cmocka_unit_test(test_same_twice),
                cmocka_unit_test(test_cap),     cmocka_unit_test(test_printable),
                cmocka_unit_test(test_suggest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
