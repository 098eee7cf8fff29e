/* SPDX-License-Identifier: MIT */
#include "detect/block_limit.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "base/hash.h"

#include <stdlib.h>

#define BEGIN (INT64_C(1795431600) * NS_PER_SEC)

static const struct block_limits by_minute = { 10, 0 }, by_share = { 0, 0.05 };

static int64_t at(double seconds)
{
        return BEGIN + (int64_t)(seconds * 1e9);
}

static struct block_limit *limit_new(void)
{
        struct block_limit *l = calloc(1, sizeof(*l));

        assert_non_null(l);
        block_limit_init(l);
        return l;
}

/* As the engine does; how many of `wanted` were put. */
static unsigned put(struct block_limit *l, const struct block_limits *limits,
                    double seconds, double for_seconds, unsigned wanted)
{
        unsigned done = 0;

        for (unsigned i = 0; i < wanted; i++) {
                if (!block_limit_allows(l, limits, at(seconds)))
                        continue;
                block_limit_put(l, at(seconds), at(seconds + for_seconds));
                done++;
        }
        return done;
}

static void visitors(struct block_limit *l, double seconds, unsigned from, unsigned count)
{
        const struct hash_key key = hash_key_fixed();

        for (unsigned i = 0; i < count; i++)
                block_limit_visitor(l, hash_u64(&key, from + i), at(seconds));
}

static void no_more_within_a_minute_than_allowed(void **state)
{
        struct block_limit *l = limit_new();
        (void)state;

        assert_int_equal(put(l, &by_minute, 0, 600, 4), 4);
        assert_int_equal(put(l, &by_minute, 30, 600, 5), 5);
        assert_false(block_limit_is_open(l));
        assert_int_equal(put(l, &by_minute, 59.9, 600, 5), 1);
        assert_true(block_limit_is_open(l));
        assert_int_equal(l->refused, 4);
        /* The first four go, the five of the half minute after them, then the tenth. */
        assert_int_equal(put(l, &by_minute, 60, 600, 9), 4);
        assert_int_equal(put(l, &by_minute, 89.9, 600, 1), 0);
        assert_int_equal(put(l, &by_minute, 90, 600, 9), 5);
        assert_int_equal(put(l, &by_minute, 119, 600, 9), 1);
        assert_int_equal(put(l, &by_minute, 7200, 600, 11), 10);
        free(l);
}

static void without_limits_all_are_put(void **state)
{
        static const struct block_limits none = { 0, 0 };
        struct block_limit *l = limit_new();
        (void)state;

        visitors(l, 0, 0, 1000);
        assert_int_equal(put(l, &none, 0, 600, 5000), 5000);
        assert_false(block_limit_is_open(l));
        free(l);
}

static void a_share_of_the_visitors_of_the_hour(void **state)
{
        struct block_limit *l = limit_new();
        (void)state;

        visitors(l, 0, 0, 1000);
        visitors(l, 1, 0, 1000); /* the same ones again */
        unsigned first = put(l, &by_share, 1, 7200, 200);
        assert_in_range(first, 46, 54); /* the sketch is within some percent */
        assert_int_equal(put(l, &by_share, 1800, 600, 1), 0);
        visitors(l, 1800, 1000, 1000);
        assert_in_range(put(l, &by_share, 1800, 600, 200), 43, 57);
        /* These are over after ten minutes, and make room again. */
        assert_int_equal(put(l, &by_share, 2399, 600, 1), 0);
        assert_in_range(put(l, &by_share, 2400, 600, 200), 43, 57);
        free(l);
}

/* Blocks and visitors are of the same hour, however long the blocks are. */
static void long_blocks_do_not_add_up(void **state)
{
        struct block_limit *l = limit_new();
        (void)state;

        for (unsigned hour = 0; hour < 48; hour++) {
                visitors(l, hour * 3700.0, hour * 1000, 1000);
                assert_int_equal(put(l, &by_share, hour * 3700.0, 86400, 40), 40);
        }
        assert_false(block_limit_is_open(l));
        assert_true(block_limit_count(l, at(47 * 3700.0)).running == 40);
        assert_true(block_limit_count(l, at(47 * 3700.0 + 3601)).running == 0);
        free(l);
}

static void of_a_few_visitors_the_share_says_nothing(void **state)
{
        struct block_limit *l = limit_new();
        (void)state;

        visitors(l, 0, 0, 150);
        assert_int_equal(put(l, &by_share, 0, 600, 100), 100);
        visitors(l, 1, 150, 150);
        assert_int_equal(put(l, &by_share, 1, 600, 1), 0);
        /* They have left: there is no share again. */
        assert_int_equal(put(l, &by_share, 3700, 600, 100), 100);
        free(l);
}

static void it_closes_a_minute_after_the_last_refusal(void **state)
{
        struct block_limit *l = limit_new();
        (void)state;

        put(l, &by_minute, 0, 600, 12);
        assert_true(l->closes_ns == at(60));
        put(l, &by_minute, 40, 600, 3);
        assert_true(l->closes_ns == at(100));
        assert_int_equal(put(l, &by_minute, 70, 600, 1), 1);
        assert_true(l->closes_ns == at(100));
        assert_int_equal(l->refused, 5);
        block_limit_close(l);
        assert_false(block_limit_is_open(l));
        put(l, &by_minute, 101, 600, 11);
        assert_int_equal(l->refused, 2); /* of this time */
        free(l);
}

/* Against a plain list of blocks, over random times. */
static void counts_as_a_list_does(void **state)
{
        enum { BLOCKS = 3000 };
        static struct {
                int64_t put, over;
        } list[BLOCKS];
        struct block_limit *l = limit_new();
        int64_t now_ns = BEGIN;
        (void)state;

        srandom(7);
        for (unsigned i = 0; i < BLOCKS; i++) {
                now_ns += random() % 100 ? random() % (20 * NS_PER_SEC)
                                         : random() % 8000 * NS_PER_SEC;
                int64_t until_ns = now_ns + (1 + random() % 5000) * NS_PER_SEC;
                int64_t hour_ns = now_ns + LIMIT_HOUR * NS_PER_SEC;
                list[i].put = now_ns / NS_PER_SEC;
                list[i].over = (until_ns < hour_ns ? until_ns : hour_ns) / NS_PER_SEC + 1;
                block_limit_put(l, now_ns, until_ns);
                unsigned minute = 0, running = 0;
                for (unsigned k = 0; k <= i; k++) {
                        minute += list[i].put - list[k].put < LIMIT_MINUTE;
                        running += list[i].put < list[k].over;
                }
                struct block_count count = block_limit_count(l, now_ns);
                assert_int_equal(count.minute, minute);
                assert_int_equal(count.running, running);
        }
        free(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_more_within_a_minute_than_allowed),
                cmocka_unit_test(without_limits_all_are_put),
                cmocka_unit_test(a_share_of_the_visitors_of_the_hour),
                cmocka_unit_test(long_blocks_do_not_add_up),
                cmocka_unit_test(of_a_few_visitors_the_share_says_nothing),
                cmocka_unit_test(it_closes_a_minute_after_the_last_refusal),
                cmocka_unit_test(counts_as_a_list_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
