/* SPDX-License-Identifier: MIT */
#include "observe/cookies.h"

#include "base/clock.h"
#include "unit/unit.h"

static const struct cookie_names names = { { SLICE("sid"), SLICE("uid") }, 2 };

static void test_cookie_lines(void **state)
{
        static const struct {
                const char *line;
                unsigned count;
                const char *sid, *uid;
        } rows[] = {
                { "sid=abc", 1, "abc", NULL },
                { "a=1; sid=abc; uid=7", 3, "abc", "7" },
                { "sid=abc; sid=def", 2, "abc", NULL },
                { "sid=; sid=def", 2, "def", NULL },
                { "sid=\"\"", 1, NULL, NULL },
                { "sid=\"abc\"", 1, "\"abc\"", NULL },
                { "sid=a=b==", 1, "a=b==", NULL },
                { "SID=abc; xsid=abc; sidx=abc", 3, NULL, NULL },
                { " sid = abc ;uid=7;", 2, "abc", "7" },
                { "", 0, NULL, NULL },
                { ";;  ;", 0, NULL, NULL },
                { "sid; =abc; uid=7", 1, NULL, "7" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice values[COOKIE_NAMES_MAX] = { { 0 } };
                if (cookies_read(slice_str(rows[i].line), &names, values) !=
                    rows[i].count)
                        fail_msg("%s", rows[i].line);
                assert_true(slice_equal(values[0], slice_str(rows[i].sid)));
                assert_true(slice_equal(values[1], slice_str(rows[i].uid)));
        }
}

static void test_the_first_line_counts(void **state)
{
        struct slice values[COOKIE_NAMES_MAX] = { { 0 } };

        (void)state;
        cookies_read(slice_str("sid=abc"), &names, values);
        cookies_read(slice_str("sid=def; uid=7"), &names, values);
        assert_slice(values[0], "abc");
        assert_slice(values[1], "7");
}

/* 2026-11-23T11:00:00Z */
#define NOW (INT64_C(1795431600) * NS_PER_SEC)

static void test_set_cookie(void **state)
{
        static const struct {
                const char *line, *sid;
        } rows[] = {
                { "sid=abc", "abc" },
                { "sid=abc; Path=/; HttpOnly; Secure; SameSite=Lax", "abc" },
                { "uid=7", NULL },
                { "x=1; sid=abc", NULL },
                { "sid", NULL },
                /* Deletions. */
                { "sid=", NULL },
                { "sid=\"\"; Path=/", NULL },
                { "sid=abc; Max-Age=0", NULL },
                { "sid=abc; max-age=-1", NULL },
                { "sid=abc; Max-Age=3600", "abc" },
                { "sid=abc; Max-Age=", "abc" },
                { "sid=abc; Max-Age=-", "abc" },
                { "sid=abc; Max-Age=1h", "abc" },
                { "sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/", NULL },
                { "sid=abc; Expires=Mon, 23 Nov 2026 11:00:00 GMT", NULL },
                { "sid=abc; Expires=Mon, 23 Nov 2026 11:00:01 GMT", "abc" },
                { "sid=abc; Expires=never", "abc" },
                /* Max-Age is stronger. */
                { "sid=abc; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "abc" },
                { "sid=abc; Expires=Fri, 23 Nov 2029 11:00:00 GMT; Max-Age=0", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice values[COOKIE_NAMES_MAX] = { { 0 } };
                cookies_read_set(slice_str(rows[i].line), &names, NOW, values);
                if (!slice_equal(values[0], slice_str(rows[i].sid)) ||
                    slice_is_none(values[0]) != (rows[i].sid == NULL))
                        fail_msg("%s", rows[i].line);
        }
}

/* PHP deletes the old session before it sets the new one. */
static void test_the_last_set_cookie_counts(void **state)
{
        struct slice values[COOKIE_NAMES_MAX] = { { 0 } };

        (void)state;
        cookies_read_set(slice_str("sid=; Max-Age=0"), &names, NOW, values);
        cookies_read_set(slice_str("sid=new"), &names, NOW, values);
        assert_slice(values[0], "new");
        cookies_read_set(slice_str("sid=x; Max-Age=0"), &names, NOW, values);
        assert_true(slice_is_none(values[0]));
}

static void test_dates(void **state)
{
        static const struct {
                const char *text;
                int64_t seconds; /* -1: none */
        } rows[] = {
                { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
                { "Mon, 23 Nov 2026 11:00:00 GMT", 1795431600 },
                { "Monday, 23-Nov-26 11:00:00 GMT", 1795431600 },
                { "Mon Nov 23 11:00:00 2026", 1795431600 },
                { "Thu, 29 Feb 2024 23:59:59 GMT", 1709251199 },
                { "Sun, 06-Nov-94 08:49:37 GMT", 784111777 },
                { "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799) },
                { "Mon, 1 Jan 1601 00:00:00 GMT", INT64_C(-11644473600) },
                { "Mon, 23 Nov 1600 11:00:00 GMT", -1 },
                { "Mon, 32 Nov 2026 11:00:00 GMT", -1 },
                { "Mon, 00 Nov 2026 11:00:00 GMT", -1 },
                { "Mon, 23 Nov 2026 24:00:00 GMT", -1 },
                { "Mon, 23 Nov 2026 11:60:00 GMT", -1 },
                { "Mon, 23 Nov 2026", -1 },
                { "11:00:00 Nov 2026", -1 },
                { "Mon, 23 Nvo 2026 11:00:00 GMT", -1 },
                { "", -1 },
        };
        int64_t seconds;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                bool good = cookies_date(slice_str(rows[i].text), &seconds);
                if (good != (rows[i].seconds != -1) ||
                    (good && seconds != rows[i].seconds))
                        fail_msg("%s: %lld", rows[i].text, (long long)seconds);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cookie_lines),
                cmocka_unit_test(test_the_first_line_counts),
                cmocka_unit_test(test_set_cookie),
                cmocka_unit_test(test_the_last_set_cookie_counts),
                cmocka_unit_test(test_dates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
