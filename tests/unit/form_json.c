/* SPDX-License-Identifier: MIT */
#include "observe/form_json.h"

#include "unit/form_world.h"

static const struct form_case cases[] = {
        { "{}", "", FORM_OK },
        { " { \"email\" : \"anna@example.org\" , \"password\":\"secret\\\"\" } \n",
          "email=anna@example.org", FORM_OK },
        { "{\"user\":{\"password\":\"x\",\"email\":\"a\"}}", "user.email=a", FORM_OK },
        /* literally first, wherever it stands */
        { "{\"user.email\":\"lit\",\"user\":{\"email\":\"deep\"}}", "user.email=lit",
          FORM_OK },
        { "{\"phone\":4915112345678,\"email\":null,\"a b\":true}", "phone=4915112345678",
          FORM_OK },
        { "{\"phone\":-1.5e+3}", "phone=-1.5e+3", FORM_OK },
        { "\xef\xbb\xbf{\"email\":\"a\"}", "email=a", FORM_OK },
        { "{\"\\u0065mail\":\"\\u00e9\\ud83d\\ude00\\ud83dx\\n\\/\\\\\"}",
          "email=\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx\n/\\", FORM_OK },
        { "{\"email\":\"\\udc00\\ud800\\u0041\"}",
          "email=\xef\xbf\xbd\xef\xbf\xbd"
          "A",
          FORM_OK },
        { "{\"email\":\"\xff\xfe\t\"}", "email=\xff\xfe\t", FORM_OK },
        /* only objects are gone into, and only from the outermost one */
        { "[{\"email\":\"a\"}]", "", FORM_OK },
        { "{\"user\":[{\"email\":\"a\"}],\"email\":[\"b\"],\"phone\":{\"x\":\"c\"}}", "",
          FORM_OK },
        { "{\"x\":{\"email\":\"a\",\"user\":{\"email\":\"b\"}},\"phone\":\"1\"}",
          "phone=1", FORM_OK },
        { "{\"user\":{\"x\":{\"email\":\"a\"}}}", "", FORM_OK },
        { "{\"email\":{\"email\":\"a\"},\"users\":{\"email\":\"b\"}}", "", FORM_OK },
        { "{\"a\":[1,[2,{\"b\":[]}],\"]}\"],\"email\":\"a\"}", "email=a", FORM_OK },
        { "\"email\"", "", FORM_OK },
        { "12", "", FORM_OK },
        /* broken ones keep what came before */
        { "", "", FORM_MALFORMED },
        { "{\"phone\":\"1\",\"email\":\"anna", "phone=1", FORM_MALFORMED },
        { "{\"phone\":\"1\",\"email\":\"a\\x\"}", "phone=1", FORM_MALFORMED },
        { "{\"phone\":\"1\"", "phone=1", FORM_MALFORMED },
        { "{\"phone\":\"1\",}", "phone=1", FORM_MALFORMED },
        { "{\"phone\":\"1\"]", "phone=1", FORM_MALFORMED },
        { "{\"phone\":\"1\"}}", "phone=1", FORM_MALFORMED },
        { "{\"phone\":12", "", FORM_MALFORMED },
        { "{\"phone\" \"1\"}", "", FORM_MALFORMED },
        { "{phone:\"1\"}", "", FORM_MALFORMED },
        { "[1 2]", "", FORM_MALFORMED },
        { "{\"email\":\"\\u12g4\"}", "", FORM_MALFORMED },
        { "]", "", FORM_MALFORMED },
        { "nul", "", FORM_MALFORMED },
};

static const struct form_case replaced[] = {
        { "{\"user\":{\"email\":\"deep\"},\"user.email\":\"lit\"}", "user.email=lit",
          FORM_OK },
        /* the last of the same */
        { "{\"user[email]\":\"x\",\"user[email]\":\"y\"}", "user[email]=y", FORM_OK },
};

static void test_cases(void **state)
{
        (void)state;
        form_world_check(form_json_read, cases, sizeof(cases) / sizeof(*cases));
        form_world_check_whole(form_json_read, replaced,
                               sizeof(replaced) / sizeof(*replaced));
}

static enum form_result nested(unsigned depth, const char *open, const char *close,
                               struct form_values *v)
{
        struct buf body = { 0 };

        buf_put_str(&body, "{\"email\":\"a\",\"x\":");
        form_world_repeat(&body, open, depth - 1);
        buf_put_str(&body, "1");
        form_world_repeat(&body, close, depth - 1);
        buf_put_str(&body, ",\"phone\":\"1\"}");
        enum form_result result =
            form_world_read(form_json_read, buf_slice(&body), false, v);
        buf_free(&body);
        return result;
}

static void test_depth(void **state)
{
        static const char *const pairs[][2] = { { "[", "]" }, { "{\"x\":", "}" } };
        struct form_values v;

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                const char *open = pairs[i][0], *close = pairs[i][1];
                assert_int_equal(nested(FORM_JSON_DEPTH, open, close, &v), FORM_OK);
                assert_slice(form_value_text(&v, PHONE), "1");
                assert_int_equal(nested(FORM_JSON_DEPTH + 1, open, close, &v),
                                 FORM_TOO_DEEP);
                assert_slice(form_value_text(&v, EMAIL), "a");
                assert_true(slice_is_none(form_value_text(&v, PHONE)));
                assert_int_equal(nested(10000, open, close, &v), FORM_TOO_DEEP);
        }
}

static void test_huge(void **state)
{
        struct form_values v;
        struct buf body = { 0 };

        (void)state;
        buf_put_str(&body, "{\"");
        form_world_repeat(&body, "k", 30000);
        buf_put_str(&body, "\":1,\"email\":\"");
        form_world_repeat(&body, "v", 30000);
        buf_put_str(&body, "\",\"phone\":\"1\"}");
        assert_int_equal(form_world_read(form_json_read, buf_slice(&body), false, &v),
                         FORM_OK);
        assert_int_equal(v.values[EMAIL].len, FORM_VALUE_MAX);
        assert_true(v.values[EMAIL].cut);
        assert_slice(form_value_text(&v, PHONE), "1");
        buf_free(&body);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_huge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
