/* SPDX-License-Identifier: MIT */
#include "base/steady.h"

#include "base/clock.h"
#include "unit/unit.h"

#define START (INT64_C(1795431600) * NS_PER_SEC)
#define HOUR  (3600 * NS_PER_SEC)
#define DAY   (24 * HOUR)

struct world {
        struct steady steady;
        int64_t wall_ns, boot_ns;
};

static struct world begin(void)
{
        struct world w = { .wall_ns = START, .boot_ns = 50 * NS_PER_SEC };

        assert_false(steady_tick(&w.steady, w.wall_ns, w.boot_ns));
        return w;
}

/* Time passes, with a look a tenth of a second. */
static void pass(struct world *w, int64_t ns)
{
        for (int64_t end_ns = w->boot_ns + ns; w->boot_ns < end_ns;) {
                w->boot_ns += 100 * NS_PER_MS;
                w->wall_ns += 100 * NS_PER_MS;
                assert_false(steady_tick(&w->steady, w->wall_ns, w->boot_ns));
        }
}

static void set_clock(struct world *w, int64_t by_ns)
{
        w->wall_ns += by_ns;
        assert_true(steady_tick(&w->steady, w->wall_ns, w->boot_ns));
}

static int64_t believed(const struct world *w)
{
        return steady_time(&w->steady, w->wall_ns);
}

static void test_nothing_happens_while_nobody_sets_the_clock(void **state)
{
        struct world w = begin();

        (void)state;
        pass(&w, HOUR);
        assert_int_equal(believed(&w), START + HOUR);
        assert_int_equal(steady_stamp(&w.steady, w.wall_ns - 5), w.wall_ns - 5);
        /* What NTP does. */
        w.wall_ns += 300 * NS_PER_MS;
        assert_false(steady_tick(&w.steady, w.wall_ns, w.boot_ns));
        assert_int_equal(believed(&w), w.wall_ns);
}

static void jump_and_come_level(int64_t by_ns)
{
        struct world w = begin();

        pass(&w, 10 * NS_PER_SEC);
        int64_t before_ns = believed(&w);
        set_clock(&w, by_ns);
        assert_int_equal(believed(&w), before_ns);
        pass(&w, 100 * NS_PER_SEC);
        int64_t passed_ns = believed(&w) - before_ns;
        assert_int_equal(passed_ns, by_ns > 0 ? 110 * NS_PER_SEC : 90 * NS_PER_SEC);
        pass(&w, 10 * (by_ns > 0 ? by_ns : -by_ns));
        assert_int_equal(believed(&w), w.wall_ns);
}

static void test_a_jump_is_let_in_slowly(void **state)
{
        (void)state;
        jump_and_come_level(HOUR);
        jump_and_come_level(-HOUR);
}

static void test_stamps_from_before_the_jump_still_come(void **state)
{
        struct world w = begin();

        (void)state;
        pass(&w, NS_PER_SEC);
        int64_t old_ns = w.wall_ns - 3 * NS_PER_MS;
        int64_t before_ns = believed(&w);
        set_clock(&w, -HOUR);
        int64_t new_ns = w.wall_ns + 2 * NS_PER_MS;
        assert_int_equal(steady_stamp(&w.steady, old_ns), before_ns - 3 * NS_PER_MS);
        assert_int_equal(steady_stamp(&w.steady, new_ns), before_ns + 2 * NS_PER_MS);
        /* Later none of them can come any more. */
        pass(&w, 60 * NS_PER_SEC);
        int64_t skew_ns = w.wall_ns - believed(&w);
        assert_int_equal(steady_stamp(&w.steady, old_ns), old_ns - skew_ns);
}

static void test_two_jumps_add_up(void **state)
{
        struct world w = begin();

        (void)state;
        pass(&w, NS_PER_SEC);
        int64_t before_ns = believed(&w);
        set_clock(&w, HOUR);
        set_clock(&w, -HOUR);
        assert_int_equal(believed(&w), before_ns);
        assert_int_equal(believed(&w), w.wall_ns);
}

/* A machine that began in 1970, and then was told what time it is. */
static void test_more_than_a_day_is_believed(void **state)
{
        struct world w = begin();

        (void)state;
        pass(&w, NS_PER_SEC);
        set_clock(&w, 20000 * DAY);
        assert_int_equal(believed(&w), w.wall_ns);
        assert_int_equal(steady_stamp(&w.steady, w.wall_ns), w.wall_ns);
}

/* The machine slept: time has passed on both clocks. */
static void test_sleep_is_no_jump(void **state)
{
        struct world w = begin();

        (void)state;
        w.wall_ns += 8 * HOUR;
        w.boot_ns += 8 * HOUR;
        assert_false(steady_tick(&w.steady, w.wall_ns, w.boot_ns));
        assert_int_equal(believed(&w), w.wall_ns);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_happens_while_nobody_sets_the_clock),
                cmocka_unit_test(test_a_jump_is_let_in_slowly),
                cmocka_unit_test(test_stamps_from_before_the_jump_still_come),
                cmocka_unit_test(test_two_jumps_add_up),
                cmocka_unit_test(test_more_than_a_day_is_believed),
                cmocka_unit_test(test_sleep_is_no_jump),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
