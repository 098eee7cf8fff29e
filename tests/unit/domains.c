/* SPDX-License-Identifier: MIT */
#include "observe/domains.h"

#include "base/buf.h"
#include "unit/unit.h"

#include <stdio.h>

static bool has(const struct domains *d, const char *domain)
{
        return domains_cover(d, slice_str(domain));
}

static void test_names(void **state)
{
        struct diag *diag = diag_new();
        struct domains *d =
            domains_parse("list",
                          slice_str("# a comment\n\nMailinator.com\r\n  a.b.example  "
                                    "\na.b.example\nlast.org"),
                          diag);

        (void)state;
        assert_non_null(d);
        assert_int_equal(domains_count(d), 3);
        assert_true(has(d, "mailinator.com"));
        assert_true(has(d, "x.y.mailinator.com"));
        assert_true(has(d, "a.b.example"));
        assert_true(has(d, "last.org"));
        assert_false(has(d, "b.example"));
        assert_false(has(d, "example"));
        assert_false(has(d, "notmailinator.com"));
        assert_false(has(d, "mailinator.com.evil.org"));
        assert_false(has(d, "com"));
        assert_false(has(d, ""));
        domains_free(&d);
        domains_free(&d);
        diag_free(&diag);
}

static void test_empty(void **state)
{
        struct diag *diag = diag_new();
        struct domains *d = domains_parse("list", slice_none(), diag);

        (void)state;
        assert_non_null(d);
        assert_false(has(d, "a.b"));
        domains_free(&d);
        diag_free(&diag);
}

static void test_mistakes(void **state)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        (void)state;
        assert_null(domains_parse(
            "list", slice_str("good.org\nbad..org\nbad org\n.x\nx.\n"), diag));
        assert_null(domains_read("no/such/file", diag));
        diag_print(diag, &said);
        buf_put_byte(&said, '\0');
        assert_string_equal((char *)said.data,
                            "list:2:1: 'bad..org' is no domain\n"
                            "list:3:1: 'bad org' is no domain\n"
                            "list:4:1: '.x' is no domain\n"
                            "list:5:1: 'x.' is no domain\n"
                            "no/such/file: No such file or directory\n");
        buf_free(&said);
        diag_free(&diag);
}

/* The shipped list: all of it is found, and large providers are not in it. */
static void test_shipped(void **state)
{
        static const char *const people[] = { "gmail.com", "outlook.com", "gmx.de",
                                              "yahoo.com", "icloud.com",  "example.org" };
        struct diag *diag = diag_new();
        struct domains *d =
            domains_read("../rules/lists/disposable-email-domains.txt", diag);
        FILE *file = fopen("../rules/lists/disposable-email-domains.txt", "r");
        char line[512];
        unsigned count = 0;

        (void)state;
        assert_non_null(d);
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '#')
                        continue;
                count++;
                if (!has(d, line))
                        fail_msg("%s is not found", line);
        }
        assert_int_equal(domains_count(d), count);
        assert_true(count > 100000);
        for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++)
                assert_false(has(d, people[i]));
        fclose(file);
        domains_free(&d);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_shipped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
