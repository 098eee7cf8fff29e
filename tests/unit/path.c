/* SPDX-License-Identifier: MIT */
#include "observe/path.h"

#include "unit/unit.h"

#include <stdlib.h>

static uint8_t normal[PATH_MAX_NORMAL];

static void test_normalise(void **state)
{
        static const char *const rows[][2] = {
                { "/", "/" },
                { "/in/anna", "/in/anna" },
                { "/in/anna/", "/in/anna/" },
                { "", "" },
                { "*", "*" },
                { "host:443", "host:443" },
                /* Dot segments (RFC 3986 5.2.4). */
                { "/a/./b", "/a/b" },
                { "/a/../b", "/b" },
                { "/a/b/..", "/a/" },
                { "/a/b/../", "/a/" },
                { "/a/.", "/a/" },
                { "/..", "/" },
                { "/../../a", "/a" },
                { "/a/b/../../../c", "/c" },
                { "/.well-known/x", "/.well-known/x" },
                { "/a/...", "/a/..." },
                { "/a/..b/c..", "/a/..b/c.." },
                /* Doubled slashes are one before that. */
                { "//a///b//", "/a/b/" },
                { "/a//../b", "/b" },
                /* Unreserved characters are decoded, the rest has capitals. */
                { "/%61%7e%2D%2e%5F", "/a~-._" },
                { "/a%2fb%3f", "/a%2Fb%3F" },
                { "/%2e%2E/a/%2e/b", "/a/b" },
                { "/J%c3%bcrgen", "/J%C3%BCrgen" },
                /* What a URL cannot hold is coded; so is a percent sign that codes
                   nothing. */
                { "/J\xc3\xbcrgen", "/J%C3%BCrgen" },
                { "/a b\x7f", "/a%20b%7F" },
                { "/100%", "/100%25" },
                { "/%zz%4", "/%25zz%254" },
                { "/%%36%31", "/%2561" },
                /* A fragment is no part of it. */
                { "/in/anna#top", "/in/anna" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice s = path_normalise(slice_str(rows[i][0]), normal);
                if (!slice_is(s, rows[i][1]))
                        fail_msg("%s gives %.*s", rows[i][0], (int)s.len, s.data);
        }
}

static void test_normal_paths_are_not_copied(void **state)
{
        struct slice raw = slice_str("/in/anna.b-c_d~e/f;g=h,i@j:k!$&'()*+");

        (void)state;
        assert_ptr_equal(path_normalise(raw, normal).data, raw.data);
}

static void test_long_paths_are_cut(void **state)
{
        size_t len = 100000;
        uint8_t *raw = malloc(len);

        (void)state;
        memset(raw, 0xff, len);
        raw[0] = '/';
        struct slice s = path_normalise(slice_of(raw, len), normal);
        assert_int_equal(s.len, 1 + 3 * (PATH_MAX_RAW - 1));
        free(raw);
}

static void test_split(void **state)
{
        static const struct {
                const char *path;
                unsigned count;
                const char *last;
        } rows[] = {
                { "/", 0, NULL },        { "", 0, NULL },   { "*", 1, "*" },
                { "/a", 1, "a" },        { "/a/", 1, "a" }, { "/a/b", 2, "b" },
                { "/a/b.c/", 2, "b.c" },
        };
        struct path path;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                path_split(slice_str(rows[i].path), &path);
                assert_int_equal(path.count, rows[i].count);
                if (rows[i].last)
                        assert_slice(path.segments[path.count - 1], rows[i].last);
        }
}

static void test_the_last_segment_holds_the_rest(void **state)
{
        char text[2 * PATH_MAX_SEGMENTS + 16] = "";
        struct path path;

        (void)state;
        for (int i = 0; i < PATH_MAX_SEGMENTS + 2; i++)
                strcat(text, "/a");
        path_split(slice_str(text), &path);
        assert_int_equal(path.count, PATH_MAX_SEGMENTS);
        assert_slice(path.segments[PATH_MAX_SEGMENTS - 1], "a/a/a");
}

static void test_decode(void **state)
{
        static const struct {
                const char *text;
                bool plus;
                const char *plain;
        } rows[] = {
                { "anna", false, "anna" }, { "a%2Fb", false, "a/b" },
                { "a+b", false, "a+b" },   { "a+b", true, "a b" },
                { "%4", false, "%4" },     { "%", true, "%" },
                { "%zz", false, "%zz" },   { "%25%32", true, "%2" },
                { "", true, "" },
        };
        uint8_t out[64];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_slice(path_decode(slice_str(rows[i].text), rows[i].plus, out, 64),
                             rows[i].plain);
        assert_slice(path_decode(slice_str("%61bcdef"), false, out, 3), "abc");
        assert_slice(path_decode(slice_str("abcdef"), false, out, 3), "abc");
}

static void test_parameter(void **state)
{
        static const struct {
                const char *query, *value;
        } rows[] = {
                { "id=7", "7" },     { "a=1&id=7&b", "7" }, { "id=7&id=8", "7" },
                { "%69d=7", "7" },   { "id", "" },          { "id=", "" },
                { "id=a=b", "a=b" }, { "id=%37+", "%37+" }, { "", NULL },
                { "ID=7", NULL },    { "idx=7", NULL },     { "i=7", NULL },
                { "x=id=7", NULL },  { "&&id=7", "7" },     { "%69=7", NULL },
        };
        struct slice value;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                bool found =
                    path_parameter(slice_str(rows[i].query), slice_str("id"), &value);
                if (found != (rows[i].value != NULL))
                        fail_msg("%s", rows[i].query);
                if (found)
                        assert_slice(value, rows[i].value);
        }
        assert_true(path_parameter(slice_str("a+b%5b%5D=1"), slice_str("a b[]"), &value));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_normalise),
                cmocka_unit_test(test_normal_paths_are_not_copied),
                cmocka_unit_test(test_long_paths_are_cut),
                cmocka_unit_test(test_split),
                cmocka_unit_test(test_the_last_segment_holds_the_rest),
                cmocka_unit_test(test_decode),
                cmocka_unit_test(test_parameter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
