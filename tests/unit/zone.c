/* SPDX-License-Identifier: MIT */
#include "observe/zone.h"

#include "base/clock.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <time.h>

static void assert_offset(const char *name, int64_t seconds, int64_t minutes)
{
        struct zone zone;

        assert_true(zone_load(&zone, name));
        assert_int_equal(zone_offset_ns(&zone, seconds * NS_PER_SEC),
                         minutes * 60 * NS_PER_SEC);
        zone_free(&zone);
}

static void test_offsets(void **state)
{
        (void)state;
        assert_offset("UTC", 1795431600, 0);
        assert_offset("Europe/Berlin", 1795431600, 60);
        assert_offset("Europe/Berlin", 1774745999, 60);
        assert_offset("Europe/Berlin", 1774746000, 120);
        assert_offset("America/New_York", 1795431600, -300);
        assert_offset("Asia/Kolkata", 1795431600, 330);
        assert_offset("Asia/Kathmandu", 1795431600, 345);
        /* Before the table and behind it the nearest offset holds. */
        assert_offset("Europe/Berlin", -1000000000, 60);
        assert_offset("Europe/Berlin", INT64_C(5000000000), 60);
}

static void test_unknown_names(void **state)
{
        static const char *const names[] = {
                "Europe/Brelin",       "",        "Europe", "/etc/localtime",
                "../../../etc/passwd", "zone.tab"
        };
        struct zone zone;

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_false(zone_load(&zone, names[i]));
}

/* The process's own zone is as it was. */
static void test_leaves_no_trace(void **state)
{
        struct zone zone;
        time_t when = 1795431600;
        struct tm local;

        (void)state;
        setenv("TZ", "Asia/Kolkata", 1);
        tzset();
        assert_true(zone_load(&zone, "Europe/Berlin"));
        assert_string_equal(getenv("TZ"), "Asia/Kolkata");
        localtime_r(&when, &local);
        assert_int_equal(local.tm_gmtoff, 19800);
        zone_free(&zone);
        unsetenv("TZ");
        assert_true(zone_load(&zone, "Europe/Berlin"));
        assert_null(getenv("TZ"));
        zone_free(&zone);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offsets),
                cmocka_unit_test(test_unknown_names),
                cmocka_unit_test(test_leaves_no_trace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
