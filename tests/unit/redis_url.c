/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/redis.h"

#include <stdlib.h>

static void test_good(void **state)
{
        static const struct {
                const char *url, *host, *user, *password, *text;
        } cases[] = {
                { "redis://127.0.0.1", "127.0.0.1", "", "", "redis://127.0.0.1:6379/0" },
                { "redis://h:7/3", "h", "", "", "redis://h:7/3" },
                { "redis://h/", "h", "", "", "redis://h:6379/0" },
                { "redis://[::1]:7/3", "::1", "", "", "redis://[::1]:7/3" },
                { "redis://:p@h", "h", "", "p", "redis://h:6379/0" },
                { "redis://u:p%40%2f:@x@h/1", "h", "u", "p@/:@x", "redis://h:6379/1" },
                { "unix:/run/r.sock", "/run/r.sock", "", "", "unix:/run/r.sock" },
                { "unix:///run/r.sock?db=4", "/run/r.sock", "", "",
                  "unix:/run/r.sock?db=4" },
        };

        (void)state;
        unsetenv(REDIS_PASSWORD_VARIABLE);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct redis_url url;
                char text[REDIS_URL_TEXT_MAX];
                assert_null(redis_url_parse(cases[i].url, &url));
                assert_string_equal(url.hosts[0].name, cases[i].host);
                assert_string_equal(url.user, cases[i].user);
                assert_string_equal(url.password, cases[i].password);
                redis_url_text(&url, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_bad(void **state)
{
        static const char *const cases[] = {
                "",
                "h",
                "http://h",
                "redis://",
                "redis://:7",
                "redis://h:",
                "redis://h:0",
                "redis://h:65536",
                "redis://h:x",
                "redis://h/x",
                "redis://[::1",
                "redis://[::1]7",
                "redis://[[]",
                "redis://[h]",
                "redis://h]",
                "redis://@h",
                "redis://u:%4@h",
                "redis://u:%zz@h",
                "redis://u:%00@h",
                "unix:relative",
                "unix:",
                "unix:/a?x=1",
                "unix:/a?db=",
                "redis://h/9999999999999999999999",
        };
        struct redis_url url;
        char path[200] = "unix:/";

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_non_null(redis_url_parse(cases[i], &url));
        memset(path + 6, 'a', 106);
        assert_null(redis_url_parse(path, &url));
        path[112] = 'a'; /* one byte more than a socket's address holds */
        assert_non_null(redis_url_parse(path, &url));
}

static void test_environment(void **state)
{
        struct redis_url url;

        (void)state;
        setenv(REDIS_PASSWORD_VARIABLE, "from outside", 1);
        assert_null(redis_url_parse("redis://h", &url));
        assert_string_equal(url.password, "from outside");
        assert_null(redis_url_parse("redis://:inside@h", &url));
        assert_string_equal(url.password, "inside");
        unsetenv(REDIS_PASSWORD_VARIABLE);
}

static void test_prefix(void **state)
{
        (void)state;
        assert_true(redis_prefix_is_good(slice_str("{trawlwatch}")));
        assert_true(redis_prefix_is_good(slice_str("a:{b}:c")));
        assert_false(redis_prefix_is_good(slice_str("trawlwatch")));
        assert_false(redis_prefix_is_good(slice_str("{}")));
        assert_false(redis_prefix_is_good(slice_str("{a")));
        assert_false(redis_prefix_is_good(slice_str("{a b}")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_prefix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
