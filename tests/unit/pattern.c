/* SPDX-License-Identifier: MIT */
#include "observe/pattern.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <time.h>

/* Target is "-" for a match without one and NULL for no match. */
struct row {
        const char *template, *path, *query, *target;
};

static const struct row rows[] = {
        /* {target} takes one path segment. */
        { "/in/{target}", "/in/anna", NULL, "anna" },
        { "/in/{target}", "/in/anna/", NULL, "anna" },
        { "/in/{target}", "/in", NULL, NULL },
        { "/in/{target}", "/in/anna/photos", NULL, NULL },
        { "/in/{target}", "/x/in/anna", NULL, NULL },
        { "/in/{target}/", "/in/anna", NULL, "anna" },
        { "/in/{target}/photos", "/in/anna/photos", NULL, "anna" },
        { "/@{target}", "/@anna", NULL, "anna" },
        { "/@{target}", "/@", NULL, NULL },
        { "/u-{target}.html", "/u-anna.html", NULL, "anna" },
        { "/u-{target}.html", "/u-.html", NULL, NULL },
        { "/aa{target}aa", "/aaa", NULL, NULL },
        /* {target:int} only matches digits. */
        { "/id/{target:int}", "/id/0123", NULL, "0123" },
        { "/id/{target:int}", "/id/12a", NULL, NULL },
        { "/id/{target:int}", "/id/-1", NULL, NULL },
        /* * matches inside a segment. */
        { "/a*", "/a", NULL, "-" },
        { "/a*", "/abc", NULL, "-" },
        { "/a*", "/abc/d", NULL, NULL },
        { "/*/x", "/abc/x", NULL, "-" },
        { "/*/x", "/x", NULL, NULL },
        { "/a*b*c", "/a__b__b__c", NULL, "-" },
        { "/a*b*c", "/a__c__b", NULL, NULL },
        { "/ab*ba", "/aba", NULL, NULL },
        /* ** across segments and also nothing. */
        { "/search/**", "/search", NULL, "-" },
        { "/search/**", "/search/", NULL, "-" },
        { "/search/**", "/search/a/b/c", NULL, "-" },
        { "/search/**", "/searches", NULL, NULL },
        { "/**", "/", NULL, "-" },
        { "/**", "/a/b", NULL, "-" },
        { "/a/**/z", "/a/z", NULL, "-" },
        { "/a/**/z", "/a/b/z/c/z", NULL, "-" },
        { "/a/**/z", "/a/b/zz", NULL, NULL },
        { "/pub/{target}/**", "/pub/anna", NULL, "anna" },
        { "/pub/{target}/**", "/pub/anna/12/34", NULL, "anna" },
        { "/**/u/{target}", "/x/u/y/u/anna", NULL, "anna" },
        { "/**/a/**/b/**", "/1/2/a/3/b/4", NULL, "-" },
        { "/**/a/**/b/**", "/1/2/b/3/a/4", NULL, NULL },
        { "**.css", "/x.css", NULL, "-" },
        { "**.css", "/a/b/x.min.css", NULL, "-" },
        { "**.css", "/a/b/x.css/y", NULL, NULL },
        { "**.css", "/x.cs", NULL, NULL },
        { "/static/**.js", "/static/a/b.js", NULL, "-" },
        { "/static/**.js", "/static/b.js", NULL, "-" },
        { "/static/**.js", "/b.js", NULL, NULL },
        { "/img**", "/img", NULL, "-" },
        { "/img**", "/images/x", NULL, NULL },
        { "/img**", "/img-2/x/y", NULL, "-" },
        { "/a**z", "/abcz", NULL, "-" },
        { "/a**z", "/ab/c/dz", NULL, "-" },
        { "/a**z", "/ab/c/d", NULL, NULL },
        { "/a**z/{target}", "/a/z/anna", NULL, "anna" },
        /* Case-sensitive; templates are normalised as paths are. */
        { "/In/x", "/in/x", NULL, NULL },
        { "/caf\xc3\xa9", "/caf%C3%A9", NULL, "-" },
        { "/a//b/../%63", "/a/c", NULL, "-" },
        { "/", "/", NULL, "-" },
        { "/", "/a", NULL, NULL },
        /* Query parameters: the first of that name, decoded; others are ignored. */
        { "/profile?id={target}", "/profile", "id=7", "7" },
        { "/profile?id={target}", "/profile/", "x=1&id=7&y", "7" },
        { "/profile?id={target}", "/profile", "id=7&id=8", "7" },
        { "/profile?id={target}", "/profile", "id=", NULL },
        { "/profile?id={target}", "/profile", "x=1", NULL },
        { "/profile?id={target}", "/profile", NULL, NULL },
        { "/profile?id={target}", "/other", "id=7", NULL },
        { "/profile?id={target:int}", "/profile", "id=%37", "%37" },
        { "/profile?id={target:int}", "/profile", "id=a", NULL },
        { "/p?view=full&id={target}", "/p", "id=7&view=full", "7" },
        { "/p?view=full&id={target}", "/p", "id=7&view=short", NULL },
        { "/p?q=*", "/p", "q=", "-" },
        { "/p?q=*", "/p", "r=", NULL },
        { "/p?q=a+b", "/p", "q=a%20b", "-" },
        { "/p?q%5B%5D=1", "/p", "q[]=1", "-" },
};

static bool match(const struct pattern *p, const char *text, const char *query,
                  struct pattern_target *target)
{
        struct path path;

        path_split(slice_str(text), &path);
        for (; p; p = pattern_next(p))
                if (pattern_match(p, &path, slice_str(query), target))
                        return true;
        return false;
}

static void test_matches(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct row *r = &rows[i];
                struct pattern_mistake mistake = { "", 0 };
                struct pattern_target target;
                struct pattern *p = pattern_compile(slice_str(r->template), &mistake);
                if (!p)
                        fail_msg("%s: %s", r->template, mistake.message);
                if (match(p, r->path, r->query, &target) != (r->target != NULL))
                        fail_msg("%s on %s", r->template, r->path);
                if (r->target && strcmp(r->target, "-") != 0) {
                        assert_slice(target.raw, r->target);
                        assert_int_equal(target.in_query, r->query != NULL);
                        assert_true(pattern_has_target(p));
                } else if (r->target) {
                        assert_true(slice_is_none(target.raw));
                        assert_false(pattern_has_target(p));
                }
                pattern_free(&p);
                assert_null(p);
        }
}

static void test_mistakes(void **state)
{
        static const struct {
                const char *template;
                unsigned offset;
                const char *message;
        } wrong[] = {
                { "", 0, "a path template begins with '/' or '**'" },
                { "in/anna", 0, "a path template begins with '/' or '**'" },
                { "*.css", 0, "a path template begins with '/' or '**'" },
                { "?id={target}", 0, "a path template begins with '/' or '**'" },
                { "/in/{targt}", 4,
                  "only {target} and {target:int} may stand in braces" },
                { "/in/{target:hex}", 4,
                  "only {target} and {target:int} may stand in braces" },
                { "/in/{target", 4,
                  "only {target} and {target:int} may stand in braces" },
                { "/in/}", 4, "'}' without '{'" },
                { "/{target}/{target}", 10, "a template has one {target} at most" },
                { "/{target}?id={target}", 13, "a template has one {target} at most" },
                { "/in/x*{target}", 5, "'*' and {target} cannot share a segment" },
                { "/in/{target}**", 12, "'*' and {target} cannot share a segment" },
                { "/a/***", 3, "a segment has one '**' at most" },
                { "/a**b**", 5, "a segment has one '**' at most" },
                { "/a**b/c**d", 7,
                  "only one '**' of a template may have text on both sides" },
                { "/x#y", 2, "'#' does not reach the server" },
                { "/x?id", 3, "a query template is name=value" },
                { "/x?a=1&=2", 7, "a query template is name=value" },
                { "/x?*=1", 3, "the name of a query parameter is written out" },
                { "/x?id=a*", 6,
                  "the value of a query parameter is {target}, '*' or a text" },
                { "/x?id=u{target}", 6,
                  "the value of a query parameter is {target}, '*' or a text" },
                { "/x?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1", 35,
                  "more than 8 query parameters" },
                { "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2", 41,
                  "a template of more than 20 segments" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                struct pattern_mistake mistake = { "none", 0 };
                assert_null(pattern_compile(slice_str(wrong[i].template), &mistake));
                assert_string_equal(mistake.message, wrong[i].message);
                if (mistake.offset != wrong[i].offset)
                        fail_msg("%s: %zu", wrong[i].template, mistake.offset);
        }
}

static void test_first_segment(void **state)
{
        static const char *const firsts[][2] = {
                { "/in/{target}", "in" }, { "/a", "a" },     { "/", NULL },
                { "/**", NULL },          { "/a*/b", NULL }, { "**.js", NULL },
                { "/{target}", NULL }
        };
        struct pattern_mistake mistake;

        (void)state;
        for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
                struct pattern *p = pattern_compile(slice_str(firsts[i][0]), &mistake);
                assert_non_null(p);
                assert_true(
                    slice_equal(pattern_first_segment(p), slice_str(firsts[i][1])));
                pattern_free(&p);
        }
}

/* Paths made to make a backtracking matcher try everything. */
static void test_work_is_bounded(void **state)
{
        struct pattern_mistake mistake;
        struct pattern *deep = pattern_compile(
            slice_str("/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b"), &mistake);
        struct pattern *wide =
            pattern_compile(slice_str("/*a*a*a*a*a*a*a*a*a*b"), &mistake);
        char *path = malloc(PATH_MAX_RAW + 1);
        struct pattern_target target;

        (void)state;
        assert_true(deep && wide);
        for (int i = 0; i < PATH_MAX_RAW; i++)
                path[i] = i % 2 ? 'a' : '/';
        path[PATH_MAX_RAW] = '\0';
        clock_t start = clock();
        for (int i = 0; i < 1000; i++)
                assert_false(match(deep, path, NULL, &target));
        memset(path + 1, 'a', PATH_MAX_RAW - 1);
        for (int i = 0; i < 1000; i++)
                assert_false(match(wide, path, NULL, &target));
        /* Microseconds each; a matcher that explodes takes hours. */
        assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
        free(path);
        pattern_free(&deep);
        pattern_free(&wide);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matches),
                cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_first_segment),
                cmocka_unit_test(test_work_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
