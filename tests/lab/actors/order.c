/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "fake_lab.h"
#include "unit/unit.h"

#include <stdlib.h>

#define PROFILES 5000
#define SITE     "seed: 3\nsite: { profiles: 5000 }\n"

static void nothing(struct lab *lab)
{
        (void)lab;
}

struct fixture {
        struct lab *lab;
        struct dice dice;
        struct order *order;
};

static struct fixture make(enum order_kind kind, uint32_t span, bool repeats)
{
        struct fixture f = { .lab = fake_run(nothing, SITE), .dice = dice_of(3, 9) };
        const struct order_plan plan = {
                .kind = kind, .span = span, .exponent = 0.8, .repeats = repeats
        };

        f.order = order_new(f.lab, &plan, &f.dice);
        return f;
}

/* Reads it to its end; each profile at most once. Returns how many there were. */
static uint32_t read_all(struct fixture *f, bool *seen)
{
        uint32_t count = 0;
        int32_t profile;

        while ((profile = order_next(f->order, &f->dice)) >= 0) {
                assert_true(profile < PROFILES);
                assert_false(seen[profile]);
                seen[profile] = true;
                count++;
        }
        return count;
}

static void test_each_profile_comes_once(void **state)
{
        (void)state;
        for (enum order_kind kind = ORDER_SEQUENTIAL; kind <= ORDER_POPULAR; kind++) {
                struct fixture f = make(kind, 0, false);
                bool *seen = calloc(PROFILES, sizeof *seen);
                uint32_t count = read_all(&f, seen);

                /* Not all profiles are linked from somewhere. */
                if (kind == ORDER_GRAPH)
                        assert_in_range(count, PROFILES / 2, PROFILES);
                else
                        assert_int_equal(count, PROFILES);
                free(seen);
                fake_free(&f.lab);
        }
}

static uint32_t position_of(const struct site *site, uint32_t profile)
{
        for (uint32_t i = 0; i < PROFILES; i++)
                if (site_at_position(site, i) == profile)
                        return i;
        fail_msg("profile %u has no position", profile);
        return 0;
}

static void test_sequential_counts_up(void **state)
{
        struct fixture f = make(ORDER_SEQUENTIAL, 0, false);
        uint32_t at = position_of(f.lab->site, (uint32_t)order_next(f.order, &f.dice));

        (void)state;
        for (uint32_t i = 1; i < 100; i++) {
                at = (at + 1) % PROFILES;
                assert_int_equal(order_next(f.order, &f.dice),
                                 site_at_position(f.lab->site, at));
        }
        fake_free(&f.lab);
}

static void test_shuffled_stays_in_its_span_without_its_order(void **state)
{
        struct fixture f = make(ORDER_SHUFFLED, 500, false);
        uint32_t neighbours = 0, last = 0, least = PROFILES, most = 0, count = 0;
        int32_t profile;

        (void)state;
        while ((profile = order_next(f.order, &f.dice)) >= 0) {
                uint32_t at = position_of(f.lab->site, (uint32_t)profile);

                neighbours += count++ > 0 && at == last + 1;
                last = at;
                least = at < least ? at : least;
                most = at > most ? at : most;
        }
        assert_int_equal(count, 500);
        assert_int_equal(most - least, 499); /* this seed's does not pass the end */
        assert_true(neighbours < 10);
        fake_free(&f.lab);
}

static bool is_linked(const struct site *site, const int32_t *read, uint32_t count,
                      int32_t profile)
{
        for (uint32_t k = 0; k < count; k++)
                for (uint32_t i = 0; i < 64; i++)
                        if (site_linked(site, (uint32_t)read[k], i) == (uint32_t)profile)
                                return true;
        return false;
}

static void test_a_graph_walk_only_follows_links(void **state)
{
        struct fixture f = make(ORDER_GRAPH, 0, false);
        int32_t read[300];

        (void)state;
        for (uint32_t count = 0; count < 300; count++) {
                read[count] = order_next(f.order, &f.dice);
                assert_true(count == 0 ||
                            is_linked(f.lab->site, read, count, read[count]));
        }
        fake_free(&f.lab);
}

static void test_popular_follows_popularity(void **state)
{
        struct fixture f = make(ORDER_POPULAR, 0, true);
        unsigned top = 0;
        const unsigned draws = 20000;
        uint32_t first = site_at_rank(f.lab->site, 0);
        unsigned firsts = 0;
        bool is_top[PROFILES] = { false };

        (void)state;
        for (uint32_t rank = 0; rank < PROFILES / 100; rank++)
                is_top[site_at_rank(f.lab->site, rank)] = true;
        for (unsigned i = 0; i < draws; i++) {
                int32_t profile = order_next(f.order, &f.dice);

                top += is_top[profile];
                firsts += (uint32_t)profile == first;
        }
        /* Sums of r^-0.8: 50 ranks have 6.5 of 23.0 in all, the first 1. */
        assert_in_range(top, draws * 268 / 1000, draws * 296 / 1000);
        assert_in_range(firsts, draws * 38 / 1000, draws * 49 / 1000);
        fake_free(&f.lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_profile_comes_once),
                cmocka_unit_test(test_sequential_counts_up),
                cmocka_unit_test(test_shuffled_stays_in_its_span_without_its_order),
                cmocka_unit_test(test_a_graph_walk_only_follows_links),
                cmocka_unit_test(test_popular_follows_popularity),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
