/* SPDX-License-Identifier: MIT */
#include "site.h"
#include "unit/unit.h"
#include "world.h"

#include <stdlib.h>

static void test_ranks_are_a_permutation(void **state)
{
        struct world w = WORLD("site.profiles=30011");
        struct site *s = site_new(w.p, 9);
        uint8_t *seen = calloc(site_profiles(s), 1);
        unsigned moved = 0;

        (void)state;
        assert_non_null(seen);
        for (uint32_t rank = 0; rank < 30011; rank++) {
                uint32_t profile = site_at_rank(s, rank);
                assert_true(profile < 30011 && !seen[profile]);
                seen[profile] = 1;
                moved += profile != rank;
        }
        assert_true(moved > 30000);
        assert_int_equal(site_at_position(s, 0), 0);
        free(seen);
        site_free(&s);
        parameters_free(&w.set);
}

/* The law of popularity holds for what is drawn, on profiles and not on ranks. */
static void test_popular(void **state)
{
        struct world w = WORLD("site.profiles=1000", "site.zipf=1");
        struct site *s = site_new(w.p, 9);
        struct dice d = dice_of(1, 1);
        unsigned first = 0, tenth = 0;

        (void)state;
        for (unsigned i = 0; i < 100000; i++) {
                uint32_t profile = site_popular(s, &d);
                first += profile == site_at_rank(s, 0);
                tenth += profile == site_at_rank(s, 9);
        }
        assert_in_range(first, 12900, 13820); /* 1 / H(1000) = 13.36 % */
        assert_in_range(tenth, 1150, 1520);
        site_free(&s);
        parameters_free(&w.set);
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each profile has a path of its own, and a guess has none of these. */
static void check_naming(const char *naming, const char *alphabet)
{
        enum { COUNT = 5000 };
        struct world w = WORLD("site.profiles=5000", naming);
        struct site *s = site_new(w.p, 9);
        char **paths = calloc(2 * COUNT, sizeof(*paths));

        assert_non_null(paths);
        for (uint32_t i = 0; i < COUNT; i++) {
                char path[SITE_PATH_MAX];
                site_path(s, PAGE_PROFILE, i, path);
                assert_memory_equal(path, "/in/", 4);
                assert_int_equal(path[4 + strspn(path + 4, alphabet)], '\0');
                paths[i] = strdup(path);
                site_no_profile(s, i, path);
                assert_int_equal(path[4 + strspn(path + 4, alphabet)], '\0');
                paths[COUNT + i] = strdup(path);
        }
        qsort(paths, COUNT, sizeof(*paths), by_text);
        for (unsigned i = 1; i < COUNT; i++)
                assert_string_not_equal(paths[i - 1], paths[i]);
        for (unsigned i = COUNT; i < 2 * COUNT; i++)
                assert_null(bsearch(&paths[i], paths, COUNT, sizeof(*paths), by_text));
        for (unsigned i = 0; i < 2 * COUNT; i++)
                free(paths[i]);
        free(paths);
        site_free(&s);
        parameters_free(&w.set);
}

static void test_namings(void **state)
{
        (void)state;
        check_naming("site.naming=name", "abcdefghijklmnopqrstuvwxyz0123456789-");
        check_naming("site.naming=number", "0123456789");
        check_naming("site.naming=uuid", "abcdef0123456789-");
}

/* Numbers are given out in the order of joining, with gaps of the mean that was asked. */
static void test_numbers_grow(void **state)
{
        struct world w = WORLD("site.naming=number", "site.number_gap=1.6");
        struct site *s = site_new(w.p, 9);
        unsigned long long before = 0, number = 0;

        (void)state;
        for (uint32_t i = 0; i < 10000; i++) {
                char path[SITE_PATH_MAX];
                site_path(s, PAGE_PROFILE, site_at_position(s, i), path);
                number = strtoull(path + 4, NULL, 10);
                assert_true(number > before);
                before = number;
        }
        assert_in_range(number, 16900, 17100); /* 1000 + 10 000 x 1.6 */
        site_free(&s);
        parameters_free(&w.set);
}

static void test_same_seed_same_site(void **state)
{
        struct world w = WORLD("site.profiles=1000");
        struct site *a = site_new(w.p, 9), *b = site_new(w.p, 9), *c = site_new(w.p, 10);
        unsigned same = 0;

        (void)state;
        for (uint32_t i = 0; i < 1000; i++) {
                char x[SITE_PATH_MAX], y[SITE_PATH_MAX], z[SITE_PATH_MAX];
                site_path(a, PAGE_PROFILE, site_at_rank(a, i), x);
                site_path(b, PAGE_PROFILE, site_at_rank(b, i), y);
                site_path(c, PAGE_PROFILE, site_at_rank(c, i), z);
                assert_string_equal(x, y);
                same += strcmp(x, z) == 0;
        }
        assert_true(same < 5);
        site_free(&a);
        site_free(&b);
        site_free(&c);
        parameters_free(&w.set);
}

static void test_assets(void **state)
{
        struct world w =
            WORLD("site.styles=2", "site.scripts=3", "site.fonts=1", "site.results=10");
        struct site *s = site_new(w.p, 9);
        struct asset all[64], one;

        (void)state;
        assert_int_equal(site_assets(s, PAGE_HOME, 0, all, 64), 6);
        assert_int_equal(site_assets(s, PAGE_PROFILE, 5, all, 64), 7);
        assert_int_equal(all[0].kind, ASSET_STYLE);
        assert_int_equal(all[4].kind, ASSET_SCRIPT);
        assert_int_equal(all[5].kind, ASSET_FONT);
        assert_int_equal(all[6].kind, ASSET_IMAGE);
        assert_true(all[5].is_shared && !all[6].is_shared);
        assert_true(site_asset(s, PAGE_PROFILE, 5, 6, &one));
        assert_string_equal(one.path, all[6].path);
        assert_false(site_asset(s, PAGE_PROFILE, 5, 7, &one));
        assert_true(site_asset(s, PAGE_PROFILE, 6, 6, &one));
        assert_string_not_equal(one.path, all[6].path);
        assert_int_equal(site_assets(s, PAGE_SEARCH, 5, all, 64), 16);
        assert_int_equal(site_assets(s, PAGE_SEARCH, 5, all, 4), 4);
        assert_int_equal(site_assets(s, PAGE_PROFILE_API, 5, all, 64), 1);
        assert_int_equal(site_assets(s, PAGE_HEALTH, 0, all, 64), 0);
        site_free(&s);
        parameters_free(&w.set);
}

static void test_missing(void **state)
{
        struct world w = WORLD("site.missing=5%");
        struct site *s = site_new(w.p, 9);
        unsigned gone = 0;

        (void)state;
        for (uint32_t i = 0; i < 20000; i++)
                gone += !site_is_there(s, i);
        assert_in_range(gone, 850, 1150);
        site_free(&s);
        parameters_free(&w.set);
}

static void test_bytes_and_latency(void **state)
{
        struct world w = WORLD("site.bytes.profile=10000", "site.latency.profile=50");
        struct site *s = site_new(w.p, 9);
        struct dice d = dice_of(1, 1);
        unsigned smaller = 0, faster = 0;

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                smaller += site_bytes(s, PAGE_PROFILE, &d) < 10000;
                faster += site_latency(s, PAGE_PROFILE, &d) < 50000000;
        }
        assert_in_range(smaller, 9650, 10350);
        assert_in_range(faster, 9650, 10350);
        site_free(&s);
        parameters_free(&w.set);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ranks_are_a_permutation),
                cmocka_unit_test(test_popular),
                cmocka_unit_test(test_namings),
                cmocka_unit_test(test_numbers_grow),
                cmocka_unit_test(test_same_seed_same_site),
                cmocka_unit_test(test_assets),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_bytes_and_latency),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
