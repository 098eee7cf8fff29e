/* SPDX-License-Identifier: MIT */
#include "observe/target.h"

#include "unit/unit.h"

static void check(struct slice actual, const char *expected, const char *row)
{
        if (!slice_equal(actual, slice_str(expected)) ||
            slice_is_none(actual) != (expected == NULL))
                fail_msg("%s: %.*s", row, (int)actual.len, (const char *)actual.data);
}

static void test_forms(void **state)
{
        static const struct {
                const char *method, *target, *host_line, *path, *query, *host;
        } rows[] = {
                { "GET", "/in/anna?x=1", "example.org", "/in/anna", "x=1",
                  "example.org" },
                { "GET", "/", "Example.ORG:8080", "/", NULL, "Example.ORG" },
                { "GET", "/a?", NULL, "/a", "", NULL },
                { "GET", "/a?b?c", "", "/a", "b?c", "" },
                { "GET", "/a", "[2001:db8::1]:80", "/a", NULL, "[2001:db8::1]" },
                { "GET", "/a", "[2001:db8::1", "/a", NULL, "[2001:db8::1" },
                { "GET", "//evil/x", "h", "//evil/x", NULL, "h" },
                /* RFC 9112 3.2.2: the Host line is ignored then. */
                { "GET", "http://h1:80/in/anna?x=1", "h2", "/in/anna", "x=1", "h1" },
                { "GET", "HTTPS://h1/a", "h2", "/a", NULL, "h1" },
                { "GET", "http://h1", "h2", "/", NULL, "h1" },
                { "GET", "http://h1?x", "h2", "/", "x", "h1" },
                { "GET", "http://u:p@h1:1/a", "h2", "/a", NULL, "h1" },
                { "GET", "http://[::1]:1/a", "h2", "/a", NULL, "[::1]" },
                { "GET", "ftp://h1/a", "h2", "ftp://h1/a", NULL, "h2" },
                { "CONNECT", "h1:443", "h2", NULL, NULL, "h1" },
                { "OPTIONS", "*", "h2", "*", NULL, "h2" },
                { "GET", "", "h2", "/", NULL, "h2" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct target t =
                    target_parse(slice_str(rows[i].method), slice_str(rows[i].target),
                                 slice_str(rows[i].host_line));
                check(t.path, rows[i].path, rows[i].target);
                check(t.query, rows[i].query, rows[i].target);
                check(t.host, rows[i].host, rows[i].target);
        }
}

static void test_url_hosts(void **state)
{
        static const char *const rows[][2] = {
                { "https://example.org/a", "example.org" },
                { "http://example.org", "example.org" },
                { "http://example.org:8080#x", "example.org" },
                { "http:/example.org", NULL },
                { "android-app://com.example/", NULL },
                { "/a", NULL },
                { "", NULL },
                { "http://", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                check(target_url_host(slice_str(rows[i][0])), rows[i][1], rows[i][0]);
        check(target_url_host(slice_none()), NULL, "none");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_url_hosts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
