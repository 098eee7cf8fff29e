/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"

static void test_format(void **state)
{
        static const struct {
                int64_t time_ns;
                const char *text;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000000Z" },
                { INT64_C(951782399999999999), "2000-02-28T23:59:59.999999Z" },
                { INT64_C(951782400) * NS_PER_SEC, "2000-02-29T00:00:00.000000Z" },
                { INT64_C(4107542400) * NS_PER_SEC, "2100-03-01T00:00:00.000000Z" },
                { INT64_C(1795431600) * NS_PER_SEC, "2026-11-23T11:00:00.000000Z" },
                { -1, "1969-12-31T23:59:59.999999Z" },
        };
        char text[CLOCK_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(clock_format(cases[i].time_ns, text), 27);
                assert_string_equal(text, cases[i].text);
        }
        /* A damaged capture may hold any time at all: it only must fit. */
        assert_true(clock_format(INT64_MAX, text) < CLOCK_TEXT_MAX);
        assert_true(clock_format(INT64_MIN + 1, text) < CLOCK_TEXT_MAX);
}

static void test_parse(void **state)
{
        static const struct {
                const char *text;
                int64_t time_ns;
        } cases[] = {
                { "2000-02-28T23:59:59.999999Z", INT64_C(951782399999999) * NS_PER_US },
                { "2026-11-23T11:00:00Z", INT64_C(1795431600) * NS_PER_SEC },
                { "2026-11-23T11:00:00.5Z",
                  INT64_C(1795431600) * NS_PER_SEC + NS_PER_SEC / 2 },
                { "2026-11-23T11:00:00.1234567890Z",
                  INT64_C(1795431600) * NS_PER_SEC + 123456789 },
                { "9999-11-23T11:00:00Z", 0 }, /* more than fits */
                { "1812-11-23T11:00:00Z", 0 },
                { "2026-11-23 11:00:00Z", 0 },
                { "2026-11-23T11:00:00.000000000000000000Z", 0 },
                { "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(clock_parse(slice_str(cases[i].text)), cases[i].time_ns);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_format),
                                            cmocka_unit_test(test_parse) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
