/* SPDX-License-Identifier: MIT */
#include "observe/form_urlencoded.h"

#include "unit/form_world.h"

static const struct form_case cases[] = {
        { "", "", FORM_OK },
        { "email=anna%40example.org&password=secret", "email=anna@example.org", FORM_OK },
        { "email=a+b&phone=%2B49", "email=a b|phone=+49", FORM_OK },
        { "user%5Bemail%5D=x&user%2eemail=y&a+b=z&q%22t=w",
          "user.email=y|user[email]=x|a b=z|q\"t=w", FORM_OK },
        { "user[email]=x", "user[email]=x", FORM_OK },
        /* the first of several counts, an empty one too */
        { "email=&email=b", "email=", FORM_OK },
        { "email&phone", "email=|phone=", FORM_OK },
        { "&&=x&email=a=b&", "email=a=b", FORM_OK },
        /* what is no escape stands for itself */
        { "email=%zz%4&phone=100%", "email=%zz%4|phone=100%", FORM_OK },
        { "EMAIL=a&emai=b&emaill=c&xemail=d", "", FORM_OK },
        { "email=%00%ff", "email=", FORM_OK },
};

static void test_cases(void **state)
{
        (void)state;
        /* The last one has a NUL in its value; only its beginning can be printed. */
        form_world_check(form_urlencoded_read, cases, sizeof(cases) / sizeof(*cases) - 1);
}

static void test_bytes(void **state)
{
        struct form_values v;

        (void)state;
        form_world_read(form_urlencoded_read, slice_str("email=%00%fF"), false, &v);
        assert_int_equal(v.values[EMAIL].len, 2);
        assert_memory_equal(v.values[EMAIL].text, "\0\xff", 2);
}

/* The last field of a body that was cut may be half of one. */
static void test_cut(void **state)
{
        struct form_values v;

        (void)state;
        assert_int_equal(form_world_read(form_urlencoded_read,
                                         slice_str("phone=1&email=anna@example.co"), true,
                                         &v),
                         FORM_CUT);
        assert_true(slice_is_none(form_value_text(&v, EMAIL)));
        assert_slice(form_value_text(&v, PHONE), "1");
}

static void test_huge(void **state)
{
        struct form_values v;
        struct buf body = { 0 };

        (void)state;
        buf_put_str(&body, "email=");
        form_world_repeat(&body, "a", 60000);
        buf_put_str(&body, "&phone=1&");
        form_world_repeat(&body, "%65", 2000);
        buf_put_str(&body, "=x");
        assert_int_equal(
            form_world_read(form_urlencoded_read, buf_slice(&body), false, &v), FORM_OK);
        assert_int_equal(v.values[EMAIL].len, FORM_VALUE_MAX);
        assert_true(v.values[EMAIL].cut);
        assert_slice(form_value_text(&v, PHONE), "1");
        buf_free(&body);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_huge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
