/* SPDX-License-Identifier: MIT */
/*
 * The level of load against a capture that is made up: packets come, wait in a buffer of
 * so many, and cost time; what does not fit is lost.
 */
#include "app/load.h"

#include "base/clock.h"
#include "unit/unit.h"

#define TICK    (50 * NS_PER_MS)
#define SECONDS (NS_PER_SEC / TICK) /* ticks of one */

struct plant {
        struct load load;
        double rate;    /* packets a second */
        double skipped; /* what one costs that is left out, in parts of a whole one */
        double room;    /* of the buffer, in packets */
        double waiting, lost, read;
        int64_t now_ns;
        unsigned level, changes, rises;
};

enum { CAPACITY = 100000 }; /* whole packets in a second */

static struct plant plant(double rate, double skipped)
{
        return (struct plant){ .rate = rate,
                               .skipped = skipped,
                               .room = CAPACITY / 20.0,
                               .now_ns = NS_PER_SEC };
}

static double cost(const struct plant *p)
{
        double kept = 1.0 / (double)(1U << load_sample_shift(p->level));
        double whole = load_is_reduced(p->level) ? 0.9 : 1;

        return kept * whole + (1 - kept) * p->skipped;
}

static void one_tick(struct plant *p)
{
        double time = (double)TICK / NS_PER_SEC, most = CAPACITY * time / cost(p), lost;

        p->waiting += p->rate * time;
        double done = p->waiting < most ? p->waiting : most;
        p->waiting -= done;
        p->read += done;
        lost = p->waiting > p->room ? p->waiting - p->room : 0;
        p->waiting -= lost;
        p->lost += lost;
        p->now_ns += TICK;
        struct load_seen seen = { .lost = (uint64_t)lost,
                                  .busy = (unsigned)(1000 * done / most),
                                  .is_behind = p->waiting >= 1,
                                  .in_force = p->level };
        unsigned level = load_tick(&p->load, &seen, p->now_ns);
        p->changes += level != p->level;
        p->rises += level > p->level;
        p->level = level;
}

static void run(struct plant *p, int64_t seconds)
{
        p->changes = p->rises = 0;
        p->lost = p->read = 0;
        for (int64_t i = 0; i < seconds * SECONDS; i++)
                one_tick(p);
}

static void what_can_be_read_is_read_whole(void **state)
{
        struct plant p = plant(0.9 * CAPACITY, 0.1);

        (void)state;
        run(&p, 3600);
        assert_int_equal(p.changes, 0);
        assert_float_equal(p.lost, 0, 0);
}

static void it_rises_in_two_ticks_and_is_right_within_two_seconds(void **state)
{
        (void)state;
        for (double times = 1.5; times < 8; times *= 1.3) {
                struct plant p = plant(times * CAPACITY, 0.05);
                p.waiting = p.room;
                one_tick(&p);
                one_tick(&p);
                assert_in_range(p.level, 1, 2);
                run(&p, 2);
                run(&p, 2);
                /* The first try to fall is among them. */
                assert_true(p.lost < 0.02 * (p.lost + p.read));
        }
}

/* A load that stays: tries are few, and little is lost to them. */
static void it_does_not_swing(void **state)
{
        (void)state;
        for (double times = 1.05; times < 9; times *= 1.2) {
                for (double skipped = 0; skipped < 0.11; skipped += 0.05) {
                        struct plant p = plant(times * CAPACITY, skipped);
                        run(&p, 120);
                        run(&p, 3600);
                        assert_in_range(p.changes, 0, 2 * 3600 / 25);
                        assert_true(p.lost < 0.005 * (p.lost + p.read));
                        assert_true(p.level > 0);
                }
        }
}

static void after_the_load_it_is_down_in_a_minute(void **state)
{
        (void)state;
        for (double times = 1.1; times < 9; times *= 1.4)
                for (int64_t seconds = 5; seconds < 2000; seconds *= 3) {
                        struct plant p = plant(times * CAPACITY, 0.05);
                        run(&p, seconds);
                        p.rate = 0.1 * CAPACITY;
                        run(&p, 60);
                        assert_int_equal(p.level, 0);
                        assert_int_equal(p.rises, 0);
                }
}

/* Nothing but cheap packets, as of a flood: the highest level, and it says so. */
static void there_is_a_highest_level(void **state)
{
        struct plant p = plant(50.0 * CAPACITY, 0.1);

        (void)state;
        run(&p, 60);
        assert_int_equal(p.level, LOAD_LEVELS - 1);
        assert_true(p.lost > 0);
        assert_int_equal(load_sample_shift(p.level), SAMPLE_SHIFT_MAX);
}

/* Bursts of a second every ten: each is answered, and none is made a load that stays. */
static void bursts_are_forgotten(void **state)
{
        struct plant p = plant(0, 0.05);

        (void)state;
        for (int i = 0; i < 60; i++) {
                p.rate = 3.0 * CAPACITY;
                run(&p, 1);
                assert_in_range(p.level, 1, 6);
                p.rate = 0.1 * CAPACITY;
                run(&p, 9);
        }
        run(&p, 60);
        assert_int_equal(p.level, 0);
}

static void a_ring_that_fills_is_a_load(void **state)
{
        struct load load = { 0 };
        struct load_seen half = { .ring = 600 }, full = { .ring = 800 };

        (void)state;
        assert_int_equal(load_tick(&load, &half, NS_PER_SEC), 1);
        for (int64_t t = 1; t <= 60; t++) {
                half.in_force = 1;
                assert_int_equal(load_tick(&load, &half, (1 + t) * NS_PER_SEC), 1);
        }
        for (int64_t t = 0; t < 40; t++)
                load_tick(&load, &full, 70 * NS_PER_SEC + t * TICK);
        assert_int_equal(load.level, LOAD_LEVELS - 1);
}

/* No time for anything else, but nothing lost: a little is left out, no visitor. */
static void one_that_just_keeps_up_leaves_out_little(void **state)
{
        struct load load = { 0 };
        struct load_seen seen = { .busy = 990, .is_behind = true };

        (void)state;
        for (int64_t t = 1; t < 20 * SECONDS; t++) {
                seen.in_force = load.level;
                load_tick(&load, &seen, t * TICK);
                if (t * TICK < NS_PER_SEC)
                        assert_int_equal(load.level, 0);
        }
        assert_int_equal(load.level, 1);
}

/* What another capture needs is where this one goes on from. */
static void it_rises_from_the_level_in_force(void **state)
{
        struct load load = { 0 };
        struct load_seen seen = { .lost = 1, .in_force = 3 };

        (void)state;
        assert_int_equal(load_tick(&load, &seen, NS_PER_SEC), 4);
}

static void each_level_has_its_words(void **state)
{
        (void)state;
        assert_false(load_is_reduced(0));
        assert_true(load_is_reduced(1));
        assert_int_equal(load_sample_shift(1), 0);
        assert_int_equal(load_sample_shift(3), 2);
        assert_string_equal(load_level_text(3), "1 in 4 visitors");
        assert_string_equal(load_level_text(LOAD_LEVELS - 1), "1 in 64 visitors");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_can_be_read_is_read_whole),
                cmocka_unit_test(it_rises_in_two_ticks_and_is_right_within_two_seconds),
                cmocka_unit_test(it_does_not_swing),
                cmocka_unit_test(after_the_load_it_is_down_in_a_minute),
                cmocka_unit_test(there_is_a_highest_level),
                cmocka_unit_test(bursts_are_forgotten),
                cmocka_unit_test(a_ring_that_fills_is_a_load),
                cmocka_unit_test(one_that_just_keeps_up_leaves_out_little),
                cmocka_unit_test(it_rises_from_the_level_in_force),
                cmocka_unit_test(each_level_has_its_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
