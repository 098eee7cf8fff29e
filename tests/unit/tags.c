/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"
#include "detect/tags.h"

#include <stdio.h>

#define NAME UINT64_C(0x1234567)

static const char first_id[] = "01AAAAAAAAAAAAAAAAAAAAAAAA";
static const char other_id[] = "01BBBBBBBBBBBBBBBBBBBBBBBB";

static struct budget budget;
static struct tags tags;
static uint64_t evicted;

static void begin(uint32_t max, uint64_t index_bytes)
{
        evicted = 0;
        assert_true(budget_init(&budget, 8 << 20));
        assert_true(tags_init(&tags, &budget, index_bytes, max, &evicted));
}

static void end(void)
{
        tags_free(&tags);
        assert_int_equal(tags.index.count, 0);
        budget_free(&budget);
}

static uint64_t carrier(unsigned n)
{
        struct hash_key key = hash_key_fixed();

        return hash_u64(&key, n);
}

static bool put(unsigned n, const char *origin, int64_t until, int64_t now)
{
        return tags_put(&tags, carrier(n), NAME, origin, until, now);
}

static const struct tag *find(unsigned n, int64_t now)
{
        return tags_find(&tags, carrier(n), NAME, now);
}

static void a_tag_is_found_by_its_carrier_and_name(void **state)
{
        (void)state;

        begin(100, 65536);
        assert_null(find(1, 0));
        assert_true(put(1, first_id, 100, 0));
        assert_string_equal(find(1, 0)->origin, first_id);
        assert_null(find(2, 0));
        assert_null(tags_find(&tags, carrier(1), NAME + 1, 0));
        end();
}

static void a_tag_ends(void **state)
{
        (void)state;

        begin(100, 65536);
        put(1, first_id, 100, 0);
        assert_non_null(find(1, 99));
        assert_null(find(1, 100));
        /* What ran out has no say in who is the origin. */
        put(1, other_id, 300, 200);
        assert_string_equal(find(1, 299)->origin, other_id);
        end();
}

static void the_earliest_origin_and_the_latest_end_stay(void **state)
{
        (void)state;

        begin(100, 65536);
        put(1, first_id, 100, 0);
        put(1, other_id, 150, 50);
        assert_string_equal(find(1, 149)->origin, first_id);
        put(1, other_id, 120, 60);
        assert_non_null(find(1, 149));
        assert_null(find(1, 150));
        end();
}

static void a_tag_is_carried_over_with_origin_and_end(void **state)
{
        (void)state;

        begin(100, 65536);
        put(1, first_id, 100, 0);
        tags_carry(&tags, carrier(1), carrier(2), NAME, 50);
        tags_carry(&tags, carrier(3), carrier(4), NAME, 50);
        assert_string_equal(find(2, 99)->origin, first_id);
        assert_null(find(2, 100));
        assert_non_null(find(1, 99));
        assert_null(find(4, 50));
        end();
}

static void what_tells_least_is_forgotten_first(void **state)
{
        (void)state;

        begin(10, 65536);
        for (unsigned i = 0; i < 10; i++)
                put(i, first_id, 1000 - i, 0);
        assert_int_equal(evicted, 0);
        /* 9 ends first, but somebody came back with it; then 8 is next. */
        find(9, 0);
        assert_true(put(10, first_id, 2000, 1));
        assert_int_equal(evicted, 1);
        assert_int_equal(tags.index.count, 10);
        assert_null(find(8, 1));
        assert_non_null(find(9, 1));
        end();
}

static void what_ran_out_makes_room_and_is_not_counted(void **state)
{
        (void)state;

        begin(10, 65536);
        for (unsigned i = 0; i < 10; i++)
                put(i, first_id, i == 4 ? 10 : 1000, 0);
        assert_true(put(10, first_id, 1000, 20));
        assert_int_equal(evicted, 0);
        for (unsigned i = 0; i <= 10; i++)
                assert_int_equal(find(i, 20) != NULL, i != 4);
        end();
}

static void many_tags_stay_within_their_room(void **state)
{
        (void)state;

        begin(UINT32_MAX, 16384);
        for (unsigned i = 0; i < 200000; i++)
                assert_true(put(i, first_id, 1000000 + i, i));
        assert_true(tags.index.count >= 768 && tags.index.count <= 1536);
        assert_int_equal(evicted, 200000 - tags.index.count);
        assert_non_null(find(199999, 200000));
        end();
}

/* All pages are somebody else's: a tag is refused, and nothing is lost or leaked. */
static void without_room_nothing_is_put(void **state)
{
        unsigned class;
        (void)state;

        begin(1000, 65536);
        class = budget_class_of(&budget, BUDGET_PAGE);
        while (budget_take(&budget, class, BUDGET_KEPT))
                ;
        assert_false(put(1, first_id, 100, 0));
        assert_null(find(1, 0));
        assert_int_equal(tags.index.count, 0);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_tag_is_found_by_its_carrier_and_name),
                cmocka_unit_test(a_tag_ends),
                cmocka_unit_test(the_earliest_origin_and_the_latest_end_stay),
                cmocka_unit_test(a_tag_is_carried_over_with_origin_and_end),
                cmocka_unit_test(what_tells_least_is_forgotten_first),
                cmocka_unit_test(what_ran_out_makes_room_and_is_not_counted),
                cmocka_unit_test(many_tags_stay_within_their_room),
                cmocka_unit_test(without_room_nothing_is_put),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
