/* SPDX-License-Identifier: MIT */
#include "lang/regex.h"

#include "unit/unit.h"

static struct regex *make(const char *pattern)
{
        struct regex_mistake mistake;
        struct regex *regex = regex_new(slice_str(pattern), &mistake);

        if (!regex)
                fail_msg("%s: %s", pattern, mistake.message);
        return regex;
}

static void test_matches(void **state)
{
        static const struct {
                const char *pattern, *text, *found; /* NULL: none */
        } rows[] = {
                { "[wW]get", "a Wget/1.20", "Wget" },
                { "^curl", "libcurl", NULL },
                { "^curl", "curl/7", "curl" },
                { "bot$", "a bot", "bot" },
                { "bot$", "a bot\n", NULL },
                { "(^| )PTST\\/", "Chrome PTST/1", " PTST/" },
                { "x*", "yyy", "" },
                { "a\\Kb", "ab", "b" },
                { "", "", "" },
        };
        struct regex_room *room = regex_room_new();

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct regex *regex = make(rows[i].pattern);
                struct slice found = slice_none();
                enum regex_result result =
                    regex_match(regex, room, slice_str(rows[i].text), &found);
                assert_true(slice_is(regex_pattern(regex), rows[i].pattern));
                if ((result == REGEX_YES) != (rows[i].found != NULL) ||
                    (rows[i].found && !slice_is(found, rows[i].found)))
                        fail_msg("%s on %s", rows[i].pattern, rows[i].text);
                regex_free(&regex);
        }
        regex_room_free(&room);
}

static void test_limit(void **state)
{
        struct regex *regex = make("^(a|a)*[bc]$");
        struct regex_room *room = regex_room_new();
        struct slice found;

        (void)state;
        assert_int_equal(regex_match(regex, room,
                                     slice_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                                     &found),
                         REGEX_LIMIT);
        /* The next match has its whole budget again. */
        assert_int_equal(regex_match(regex, room, slice_str("aab"), &found), REGEX_YES);
        assert_int_equal(regex_match(regex, room, slice_none(), NULL), REGEX_NO);
        regex_free(&regex);
        regex_room_free(&room);
}

static void test_mistakes(void **state)
{
        static const struct {
                const char *pattern;
                size_t offset;
        } rows[] = { { "a(b", 3 }, { "[z-a]", 3 }, { "(*UTF)a", 6 }, { "\\C", 2 } };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct regex_mistake mistake = { "", 99 };
                assert_null(regex_new(slice_str(rows[i].pattern), &mistake));
                assert_true(mistake.message[0]);
                if (mistake.offset != rows[i].offset)
                        fail_msg("%s: %zu", rows[i].pattern, mistake.offset);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matches),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_mistakes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
