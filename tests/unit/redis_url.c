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
                { "redis://u@h", "h", "u", "", "redis://h:6379/0" },
                { "rediss://u:@h", "h", "u", "", "rediss://h:6379/0" },
                { "redis://u:a,b@h,[::1]:7,i/2", "h", "u", "a,b",
                  "redis://h:6379,[::1]:7,i:6379/2" },
                { "redis+sentinel://:p@s,t:1/main", "s", "", "p",
                  "redis+sentinel://s:26379,t:1/main/0" },
                { "rediss+sentinel://s/main/4", "s", "", "",
                  "rediss+sentinel://s:26379/main/4" },
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
                "redis://h,",
                "redis://,h",
                "redis://h,i:0",
                "redis://1,2,3,4,5,6,7,8,9",
                "redis+sentinel://s",
                "redis+sentinel://s/",
                "redis+sentinel://s//1",
                "redis+sentinel://s/m/x",
                "rediss:/h",
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

static void test_password_is_hidden(void **state)
{
        static const struct {
                const char *url, *hidden;
        } cases[] = {
                { "redis://u:p@h/1", "redis://u@h/1" },
                { "rediss://:p@h,i", "rediss://h,i" },
                { "redis+sentinel://u:a@b:c@h/m", "redis+sentinel://u@h/m" },
                { "redis://u@h", NULL },
                { "redis://u:@h", NULL },
                { "redis://h", NULL },
                { "unix:/a:b@c", NULL },
                { "", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = { 0 };
                const char *hidden = cases[i].hidden;
                assert_int_equal(redis_url_hide_password(cases[i].url, &out),
                                 hidden != NULL);
                buf_put_byte(&out, 0);
                assert_string_equal((const char *)out.data,
                                    hidden ? hidden : cases[i].url);
                buf_free(&out);
        }
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
                cmocka_unit_test(test_password_is_hidden),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_prefix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
