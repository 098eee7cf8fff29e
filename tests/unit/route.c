/* SPDX-License-Identifier: MIT */
#include "observe/route.h"

#include "unit/unit.h"

#include <stdio.h>

static void add(struct routes *r, const char *template, uint32_t methods, uint16_t page)
{
        struct pattern_mistake mistake;
        struct pattern *pattern = pattern_compile(slice_str(template), &mistake);

        assert_non_null(pattern);
        assert_true(routes_add_take(r, pattern, methods, page));
}

static uint16_t find(const struct routes *r, const char *method, const char *text)
{
        struct pattern_target target;
        struct path path;

        path_split(slice_str(text), &path);
        struct route_query query = { slice_str(method), &path, slice_none() };
        return routes_find(r, &query, &target);
}

/* Whichever way a template is filed: the order of the map decides. */
static void test_first_match_wins(void **state)
{
        static const char *const templates[] = { "/in/x.js", "**.js",        "/**/x.js",
                                                 "/in/**",   "/in/{target}", "/*/*" };
        enum { N = sizeof(templates) / sizeof(templates[0]) };

        (void)state;
        /* All of them match; each rotation of the list begins with another. */
        for (int start = 0; start < N; start++) {
                struct routes *r = routes_new();
                for (int i = 0; i < N; i++)
                        add(r, templates[(start + i) % N], 0,
                            (uint16_t)(start + i) % N + 1);
                assert_int_equal(find(r, "GET", "/in/x.js"), start + 1);
                routes_free(&r);
                assert_null(r);
        }
}

static void test_no_match(void **state)
{
        struct routes *r = routes_new();

        (void)state;
        assert_int_equal(find(r, "GET", "/"), 0);
        add(r, "/in/{target}", 0, 1);
        add(r, "/", 0, 2);
        assert_int_equal(find(r, "GET", "/in"), 0);
        assert_int_equal(find(r, "GET", "/xn/anna"), 0);
        assert_int_equal(find(r, "GET", ""), 2);
        assert_int_equal(find(r, "GET", "/"), 2);
        routes_free(&r);
}

static void test_both_readings_of_a_template(void **state)
{
        struct routes *r = routes_new();

        (void)state;
        add(r, "/a**z", 0, 1);
        assert_int_equal(find(r, "GET", "/abz"), 1);
        assert_int_equal(find(r, "GET", "/ab/cz"), 1);
        assert_int_equal(find(r, "GET", "/ab/c"), 0);
        routes_free(&r);
}

static void test_methods(void **state)
{
        struct routes *r = routes_new();
        uint32_t get = routes_method(r, slice_str("GET"));
        uint32_t post = routes_method(r, slice_str("POST"));

        (void)state;
        add(r, "/a", get, 1);
        add(r, "/a", post, 2);
        add(r, "/a", 0, 3);
        assert_int_equal(find(r, "GET", "/a"), 1);
        assert_int_equal(find(r, "HEAD", "/a"), 1);
        assert_int_equal(find(r, "POST", "/a"), 2);
        assert_int_equal(find(r, "PUT", "/a"), 3);
        assert_int_equal(find(r, "get", "/a"), 3);
        assert_int_equal(routes_method(r, slice_str("POST")), post);
        routes_free(&r);
}

static void test_caps(void **state)
{
        struct routes *r = routes_new();
        struct pattern_mistake mistake;
        char text[32];
        unsigned added = 0;

        (void)state;
        for (int i = 0; i < ROUTE_METHODS_MAX; i++) {
                snprintf(text, sizeof(text), "M%d", i);
                assert_int_not_equal(routes_method(r, slice_str(text)), 0);
        }
        assert_int_equal(routes_method(r, slice_str("ONE-MORE")), 0);
        while (routes_add_take(r, pattern_compile(slice_str("/a"), &mistake), 0, 1))
                added++;
        assert_in_range(added, ROUTE_ENTRIES_MAX - 2, ROUTE_ENTRIES_MAX);
        assert_int_equal(find(r, "GET", "/a"), 1);
        routes_free(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_match_wins),
                cmocka_unit_test(test_no_match),
                cmocka_unit_test(test_both_readings_of_a_template),
                cmocka_unit_test(test_methods),
                cmocka_unit_test(test_caps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
