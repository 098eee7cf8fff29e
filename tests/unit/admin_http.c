/* SPDX-License-Identifier: MIT */
/* By which names we may be asked. How the server holds out is tests/e2e/test_admin.py. */
#include "app/admin_priv.h"

#include "unit/unit.h"

static void only_our_names_are_answered(void **state)
{
        static const struct {
                const char *host;
                bool is_ours;
        } cases[] = {
                { "127.0.0.1", true },
                { "127.0.0.1:9477", true },
                { "192.0.2.1:80", true },
                { "[::1]", true },
                { "[::1]:9477", true },
                { "localhost", true },
                { "LocalHost:9477", true },
                { "localhost.", true },
                { "sensor.example.org", true },
                { "Sensor.Example.Org:9477", true },
                { "evil.example", false },
                { "localhost.evil.example", false },
                { "localhostx", false },
                { "127.0.0.1.evil.example", false },
                { "sensor.example.or", false },
                { "xsensor.example.org", false },
                { "[::1", false },
                { "[evil.example]", false },
                { "[", false },
                { "::1", false },
                { "", false },
                { ":9477", false },
                { ".", false },
        };
        struct text_list names = { 0 };

        (void)state;
        text_list_add(&names, "sensor.example.org");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (admin_http_host_is_ours(&names, cases[i].host) != cases[i].is_ours)
                        fail_msg("%s", cases[i].host);
        text_list_clear(&names);
        assert_false(admin_http_host_is_ours(&names, "sensor.example.org"));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(
            only_our_names_are_answered) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
