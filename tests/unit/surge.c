/* SPDX-License-Identifier: MIT */
/* How often it is wrong and how soon it is right is measured by tests/simulate/surge.c.
 */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

#include <math.h>

#define HOUR  3600.0
#define DAY   86400.0
#define MUCH  1e7          /* arrivals: the rate is as good as known */
#define BEGIN 1795392000.0 /* 2026-11-23 00:00:00 UTC, a Monday */
#define LN2   0.693147

struct one {
        struct surge_usual usual;
        struct surge surge;
        double now;
};

static struct one known(double rate)
{
        return (struct one){ .usual.is_known = true,
                             .surge.arrivals = (float)MUCH,
                             .surge.seconds = MUCH / rate,
                             .now = BEGIN };
}

/* `gap` seconds later; returns S. */
static double after(struct one *o, double gap, double ratio)
{
        o->now += gap;
        surge_add(&o->usual, &o->surge, ratio, (int64_t)(o->now * 1e9));
        return surge_value(&o->usual, &o->surge);
}

static double rate_of(const struct one *o)
{
        return (double)o->surge.arrivals / o->surge.seconds;
}

/* Once an hour; 20 s of each gap are dead time. */
static void worked_example_with_a_known_rate(void **state)
{
        struct one o = known(1 / HOUR);
        (void)state;

        assert_float_equal(after(&o, 0, 2), 0, 0);
        assert_float_equal(after(&o, 20 + 1800, 2), LN2,
                           1e-5); /* max(0, 0 - 0.5) + ln 2 */
        assert_float_equal(after(&o, 20 + 900, 2), LN2 - 0.25 + LN2, 1e-5);
        assert_float_equal(after(&o, 20, 2), LN2 - 0.25 + 2 * LN2, 1e-5);
        assert_float_equal(after(&o, 20 + 720, 2), LN2 - 0.45 + 3 * LN2, 1e-5);
        assert_float_equal(after(&o, 20 + 2 * HOUR, 2), 4 * LN2 - 2.45 + LN2, 1e-5);
        assert_float_equal(after(&o, 20 + 2 * HOUR, 2), LN2, 1e-5);
}

/* a = 1/2 arrival, b = 1800 s: the table's mean is one an hour. */
static void worked_example_with_a_new_key(void **state)
{
        struct one o = {
                .usual = { .is_known = true, .arrivals = 100, .seconds = 100 * HOUR },
                .now = BEGIN
        };
        (void)state;

        assert_float_equal(after(&o, 0, 2), 0, 0);
        /* l = ln(1 + 1800 / 3600) = 0.405465; max(0, 0 - l / 2) + ln 2 - l */
        assert_float_equal(after(&o, 20 + 1800, 2), LN2 - 0.405465, 1e-5);
        assert_float_equal(o.surge.arrivals, 1, 0);
        assert_float_equal(o.surge.seconds, 1800, 1e-6);
        /* l = 0 */
        assert_float_equal(after(&o, 20, 2), LN2 - 0.405465 + LN2, 1e-5);
        /*
         * The table: 102 arrivals in 361800 s, so a = 2.5, b = 1800 + 1773.53 = 3573.53;
         * l = ln(1 + 1000 / 4573.53) = 0.197743.
         */
        assert_float_equal(after(&o, 20 + 1000, 2),
                           2 * LN2 - 0.405465 - 2.5 * 0.197743 + LN2 - 0.197743, 1e-5);
}

static void missing_until_there_is_a_basis(void **state)
{
        struct one quick = { .now = BEGIN }, slow = { .now = BEGIN };
        struct surge newcomer = { 0 };
        (void)state;

        /* A hundred arrivals, but within an hour. */
        for (int i = 0; i < 100; i++)
                assert_true(isnan(after(&quick, 30, 2)));
        /* 31 times between arrivals in 31 hours; the 32nd is the basis. */
        for (int i = 0; i < 32; i++)
                assert_true(isnan(after(&slow, HOUR, 2)));
        assert_float_equal(after(&slow, HOUR, 2), 0, 0);
        /* Nobody saw it before; a minute later it has come three times. */
        for (int i = 0; i < 3; i++) {
                surge_add(&slow.usual, &newcomer, 2,
                          (int64_t)((slow.now + 30 * i) * 1e9));
                double s = surge_value(&slow.usual, &newcomer);
                assert_true(s >= 0 && s <= i * LN2);
        }
        assert_true(surge_value(&slow.usual, &newcomer) > 1);
}

static double highest_of_newcomer(double times)
{
        struct one o = {
                .usual = { .is_known = true, .arrivals = 10000, .seconds = 10000 * HOUR },
                .now = BEGIN
        };
        double highest = 0;

        for (int i = 0; i < 500; i++)
                highest = fmax(highest, after(&o, HOUR / times, 2));
        return highest;
}

/* Some are busier than most; that much busier nobody is. */
static void a_busy_newcomer_is_learnt(void **state)
{
        (void)state;

        assert_true(highest_of_newcomer(40) < 12);
        assert_true(highest_of_newcomer(100) > 12);
}

static void the_more_times_the_faster_it_rises_in_a_burst(void **state)
{
        static const double ratios[] = { 1.5, 2, 4, 10, 50 };
        struct one o[5];
        (void)state;

        for (int k = 0; k < 5; k++)
                o[k] = known(1 / DAY);
        for (int i = 0; i < 10; i++) {
                double before = -1;
                for (int k = 0; k < 5; k++) {
                        double s = after(&o[k], 60, ratios[k]);
                        assert_true(i == 0 || s > before || s == SURGE_MAX);
                        before = s;
                }
        }
        /* What comes at 3 times is a surge of 2 and not one of 10. */
        struct one two = known(1 / DAY), ten = known(1 / DAY);
        for (int i = 0; i < 100; i++) {
                after(&two, DAY / 3, 2);
                after(&ten, DAY / 3, 10);
        }
        assert_float_equal(surge_value(&two.usual, &two.surge), SURGE_MAX, 0);
        assert_true(surge_value(&ten.usual, &ten.surge) < 2.4);
}

static void a_cluster_counts_little(void **state)
{
        struct one o = known(1 / HOUR);
        (void)state;

        after(&o, 0, 2);
        after(&o, HOUR, 2);
        struct surge before = o.surge;
        after(&o, 5, 2);
        assert_memory_equal(&before, &o.surge, sizeof(before));
        /* A classroom: thirty in 58 seconds are three. */
        after(&o, 2 * HOUR, 2);
        for (int i = 1; i < 30; i++)
                after(&o, 2, 2);
        assert_float_equal(surge_value(&o.usual, &o.surge), 3 * LN2, 1e-3);
        /* The dead time is 5 % of the usual time: here 5 s, and 1 s at least. */
        o = known(0.01);
        after(&o, 0, 2);
        after(&o, 4.9, 2);
        assert_float_equal(o.surge.cusum, 0, 0);
        after(&o, 0.2, 2);
        assert_float_equal(o.surge.cusum, LN2, 0.01);
        o = known(10);
        after(&o, 0, 2);
        after(&o, 0.9, 2);
        assert_float_equal(o.surge.cusum, 0, 0);
        after(&o, 0.2, 2);
        assert_true(o.surge.cusum > 0);
}

static void a_silent_day_ends_it(void **state)
{
        struct one o = known(1 / (30 * DAY));
        (void)state;

        for (int i = 0; i < 40; i++)
                after(&o, 60, 2);
        assert_float_equal(o.surge.cusum, SURGE_MAX, 0);
        assert_true(after(&o, 23 * HOUR, 2) > 19);
        assert_float_equal(after(&o, 25 * HOUR, 2), LN2, 1e-3);
}

static struct one hourly(void)
{
        struct one o = { .now = BEGIN };

        for (int i = 0; i < 700; i++)
                after(&o, HOUR, 2);
        return o;
}

static void an_attack_is_not_learnt_and_passes(void **state)
{
        struct one o = hourly();
        double rate = rate_of(&o), s = 0;
        (void)state;

        assert_float_equal(rate, 1 / (HOUR - 20), 0.02 / HOUR);
        for (int i = 0; i < 120; i++)
                s = after(&o, HOUR / 10, 2);
        assert_float_equal(s, SURGE_MAX, 0);
        assert_true(rate_of(&o) < 1.08 * rate);
        for (int i = 0; i < 60; i++)
                s = after(&o, HOUR, 2);
        assert_true(s < 5);
}

static void a_new_level_becomes_usual_after_weeks(void **state)
{
        struct one o = hourly();
        double s = 0;
        (void)state;

        for (int i = 0; i < 3 * 24 * 7; i++)
                s = after(&o, HOUR / 3, 2);
        assert_float_equal(s, SURGE_MAX, 0);
        for (int i = 0; i < 3 * 24 * 83; i++)
                s = after(&o, HOUR / 3, 2);
        assert_true(s < 2);
}

static void slow_change_is_followed(void **state)
{
        struct one o = { .now = BEGIN };
        double gap = 300;
        (void)state;

        /* From 12 to 40 an hour within 60 days. */
        for (int day = 0; day < 60; day++) {
                for (double t = 0; t < DAY; t += gap)
                        assert_false(after(&o, gap, 2) > 2);
                gap /= 1.02;
        }
        assert_true(gap < 100);
}

static void a_late_record_does_not_count(void **state)
{
        struct one o = hourly();
        struct surge before = o.surge;
        (void)state;

        after(&o, -599, 2);
        assert_memory_equal(&before, &o.surge, sizeof(before));
        /* Later than that: the clock was set back, and nothing is said by it. */
        after(&o, 599 - 601, 2);
        assert_int_equal(o.surge.last_ns, before.last_ns - 601 * NS_PER_SEC);
        o.surge.last_ns = before.last_ns;
        assert_memory_equal(&before, &o.surge, sizeof(before));
}

static void clocks_that_jump_do_no_harm(void **state)
{
        struct one o = hourly();
        double rate = rate_of(&o);
        (void)state;

        for (int years = 1; years < 100; years *= 9) {
                assert_true(after(&o, years * 365 * DAY, 2) < 0.7);
                for (int i = 0; i < 10; i++)
                        assert_true(after(&o, HOUR, 2) < 0.7);
                after(&o, -years * 365 * DAY, 2);
                for (int i = 0; i < 10; i++)
                        assert_true(after(&o, HOUR, 2) < 0.7);
        }
        assert_float_equal(rate_of(&o), rate, 0.15 * rate);
        /* Nor do the ends of what time can be. */
        surge_add(&o.usual, &o.surge, 2, INT64_MAX / 4);
        surge_add(&o.usual, &o.surge, 2, 0);
        surge_add(&o.usual, &o.surge, 2, INT64_MAX / 4);
        double s = surge_value(&o.usual, &o.surge);
        assert_true(s >= 0 && s < 0.7);
}

/* All at the same moment, and each as far apart as the dead time: no time passes. */
static void no_time_is_no_basis(void **state)
{
        struct one o = { .now = BEGIN };
        (void)state;

        for (int i = 0; i < 400; i++)
                assert_true(isnan(after(&o, 20, 2)));
}

static double speed(const struct one *o, int hour)
{
        return (o->usual.week.begin[hour + 1] - o->usual.week.begin[hour]) / HOUR;
}

static void come(struct one *o, double t)
{
        struct surge other = { 0 };

        surge_add(&o->usual, &other, 2, (int64_t)(t * 1e9));
}

/* 60 arrivals an hour from 8 to 20, on Saturday and Sunday 15; from Thursday on. */
static struct one three_weeks(void)
{
        struct one o = { 0 };
        double begin = floor(BEGIN / (7 * DAY)) * 7 * DAY;

        for (int hour = 0; hour < 3 * 168; hour++) {
                int weekday = hour / 24 % 7;
                bool weekend = weekday == 2 || weekday == 3;
                bool open = hour % 24 >= 8 && hour % 24 < 20;
                for (int i = 0; open && i < (weekend ? 15 : 60); i++)
                        come(&o, begin + hour * HOUR + i);
        }
        o.now = begin + 3 * 7 * DAY;
        return o;
}

static void hours_and_weekdays_are_learnt(void **state)
{
        struct one o = three_weeks();
        (void)state;

        assert_true(speed(&o, 3) < 0.2);
        assert_true(speed(&o, 12) > 2);
        assert_float_equal(speed(&o, 48 + 12) / speed(&o, 12), 0.25, 0.08);
        assert_float_equal(o.usual.week.begin[168], 7 * DAY, 1e-6);
}

static void a_flood_at_night_does_not_make_days_look_quiet(void **state)
{
        struct one o = three_weeks();
        double noon = speed(&o, 24 + 12);
        (void)state;

        for (int i = 0; i < 100000; i++)
                come(&o, o.now + 3 * HOUR + i / 50.0);
        for (int hour = 4; hour < 25; hour++)
                for (int i = 0; i < (hour >= 8 && hour < 20 ? 60 : 1); i++)
                        come(&o, o.now + hour * HOUR + i);
        assert_true(speed(&o, 24 + 3) > 1);
        assert_float_equal(speed(&o, 24 + 12) / noon, 1, 0.25);
}

/* ---- in rules ---- */

static const char rules_text[] = "rules:\n"
                                 "  - name: surge\n"
                                 "    where: page == profile\n"
                                 "    per: client.ip\n"
                                 "    when: surge(2x) >= 6 and surge(4x) > 0\n"
                                 "  - name: never\n"
                                 "    where: page == profile\n"
                                 "    per: client.ip\n"
                                 "    when: surge(2x) > 20\n";

static void a_rule_is_told(void **state)
{
        struct world *w = world_new(rules_text);
        const struct table_plan *t = &w->rules->tables[0];
        int64_t now_ms = 0;
        (void)state;

        assert_int_equal(t->surge_count, 2);
        for (unsigned i = 0; i < 60; i++, now_ms += 600000) {
                world_view(w, now_ms, "198.51.100.1", i);
                world_view(w, now_ms + 1000, "198.51.100.2", i);
        }
        /* What `where` does not let through is not counted. */
        for (unsigned i = 0; i < 100; i++)
                world_hit(w, (struct hit){ .at_ms = now_ms + i * 30000,
                                           .client = "198.51.100.1",
                                           .page = PAGE_SEARCH });
        assert_int_equal(w->events, 0);
        now_ms += 100 * 30000;
        for (unsigned i = 0; i < 8; i++)
                world_view(w, now_ms + i * 30000, "198.51.100.1", i);
        assert_int_equal(w->events, 0);
        world_view(w, now_ms + 8 * 30000, "198.51.100.1", 8);
        world_view(w, now_ms + 9 * 30000, "198.51.100.1", 9);
        world_view(w, now_ms + 10 * 30000, "198.51.100.2", 10);
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "raised surge client.ip=198.51.100.1");
        world_expect_last(w, "evidence surge(2x) = 6.");
        world_expect_last(w, "evidence surge(4x) = 11.8");
        world_free(w);
}

/* The other rule comes first now, and with it surge(4x). */
static const char rules_after[] = "rules:\n"
                                  "  - name: more\n"
                                  "    where: page == profile\n"
                                  "    per: client.ip\n"
                                  "    when: surge(4x) > 20\n"
                                  "  - name: surge\n"
                                  "    where: page == profile\n"
                                  "    per: client.ip\n"
                                  "    when: surge(2x) >= 6\n";

static void swap(struct world *w)
{
        struct diag *diag = diag_new();
        struct rules *rules =
            rules_parse("rules.yaml", slice_str(rules_after), w->site, diag);

        assert_non_null(rules);
        diag_free(&diag);
        assert_true(engine_swap_rules(w->engine, rules, w->site));
        rules_free(&w->rules);
        w->rules = rules;
}

static void restart(struct world *w)
{
        struct engine_options options = w->engine->options;
        FILE *file = tmpfile();
        char why[SNAPSHOT_WHY];

        assert_non_null(file);
        options.rules = w->rules;
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rewind(file);
        w->engine = engine_restore(&options, file, why);
        if (!w->engine)
                fail_msg("%s", why);
        fclose(file);
}

static void what_is_usual_survives(void (*what)(struct world *))
{
        struct world *w = world_new(rules_text);
        int64_t now_ms = 0;

        for (unsigned i = 0; i < 60; i++, now_ms += 600000) {
                world_view(w, now_ms, "198.51.100.1", i);
                world_view(w, now_ms + 1000, "198.51.100.2", i);
        }
        what(w);
        now_ms += 3000000;
        for (unsigned i = 0; i < 8; i++)
                world_view(w, now_ms + i * 30000, "198.51.100.1", i);
        assert_int_equal(w->events, 0);
        world_view(w, now_ms + 8 * 30000, "198.51.100.1", 8);
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "evidence surge(2x) = 6.01");
        world_free(w);
}

static void other_rules_keep_what_is_usual(void **state)
{
        (void)state;
        what_is_usual_survives(swap);
}

static void a_restart_keeps_what_is_usual(void **state)
{
        (void)state;
        what_is_usual_survives(restart);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(worked_example_with_a_known_rate),
                cmocka_unit_test(worked_example_with_a_new_key),
                cmocka_unit_test(missing_until_there_is_a_basis),
                cmocka_unit_test(a_busy_newcomer_is_learnt),
                cmocka_unit_test(the_more_times_the_faster_it_rises_in_a_burst),
                cmocka_unit_test(a_cluster_counts_little),
                cmocka_unit_test(a_silent_day_ends_it),
                cmocka_unit_test(an_attack_is_not_learnt_and_passes),
                cmocka_unit_test(a_new_level_becomes_usual_after_weeks),
                cmocka_unit_test(slow_change_is_followed),
                cmocka_unit_test(a_late_record_does_not_count),
                cmocka_unit_test(clocks_that_jump_do_no_harm),
                cmocka_unit_test(no_time_is_no_basis),
                cmocka_unit_test(hours_and_weekdays_are_learnt),
                cmocka_unit_test(a_flood_at_night_does_not_make_days_look_quiet),
                cmocka_unit_test(a_rule_is_told),
                cmocka_unit_test(other_rules_keep_what_is_usual),
                cmocka_unit_test(a_restart_keeps_what_is_usual),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
