/* SPDX-License-Identifier: MIT */
#include "observe/form_multipart.h"

#include "unit/form_world.h"

#define PART(name) "\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static const struct form_case cases[] = {
        { "--XX" PART("email") "anna@example.org\r\n--XX" PART(
              "password") "secret\r\n--XX--\r\n",
          "email=anna@example.org", FORM_OK },
        /* text before and behind, blanks behind a boundary, lines of a value */
        { "to whom it may concern\r\n--XX  " PART(
              "phone") "1\r\n2\r\n--XX--\r\n--XX" PART("email") "x",
          "phone=1\r\n2", FORM_OK },
        { "--XX" PART("email") "\r\n--XX--", "email=", FORM_OK },
        { "--XX" PART("email") "a\r\n--XX" PART("email") "b\r\n--XX--", "email=a",
          FORM_OK },
        /* bare line feeds */
        { "--XX\nContent-Disposition: form-data; name=email\n\na\n--XX--\n", "email=a",
          FORM_OK },
        { "--XX\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION:form-data;NAME=email "
          "; x=\"a;b\"\r\n\r\na\r\n--XX--",
          "email=a", FORM_OK },
        /* a file is no field */
        { "--XX\r\nContent-Disposition: form-data; name=\"email\"; "
          "filename=\"C:\\\\a;b\"\r\n\r\nx\r\n--XX--",
          "", FORM_OK },
        { "--XX" PART("q%22t") "a\r\n--XX" PART("a b") "c\r\n--XX--", "a b=c|q\"t=a",
          FORM_OK },
        { "--XX" PART("q\\\"t") "a\r\n--XX--", "q\"t=a", FORM_OK },
        { "--XX\r\nContent-Disposition: attachment; name=email\r\n\r\nx\r\n--XX--", "",
          FORM_OK },
        { "--XX\r\nX: y\r\n\r\nx\r\n--XX--", "", FORM_OK },
        /* no end, no boundary, no head */
        { "--XX" PART("phone") "1\r\n--XX" PART("email") "anna", "phone=1",
          FORM_MALFORMED },
        { "email=a", "", FORM_MALFORMED },
        { "", "", FORM_MALFORMED },
        { "--XX\r\nContent-Disposition: form-data; name=email\r\n--XX--", "",
          FORM_MALFORMED },
        { "--XX\r\n--XX\r\n", "", FORM_MALFORMED },
};

static enum form_result read_xx(struct slice body, bool cut, struct form_values *v)
{
        return form_multipart_read(body, slice_str("XX"), cut, v);
}

static void test_cases(void **state)
{
        (void)state;
        form_world_check(read_xx, cases, sizeof(cases) / sizeof(*cases));
}

static void test_boundary(void **state)
{
        static const char *const good[] = {
                "multipart/form-data; boundary=XX",
                "multipart/form-data;boundary=\"XX\"",
                "multipart/form-data; charset=utf-8; Boundary = XX ; a=b",
                "multipart/form-data; a=\"x; boundary=YY\\\"\"; boundary=XX",
        };
        static const char *const bad[] = {
                "",
                "multipart/form-data",
                "multipart/form-data; boundary",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=\"\"",
                "multipart/form-data; xboundary=XX",
                ("multipart/form-data; boundary="
                 "0123456789012345678901234567890123456789012345678901234567890123456789"
                 "0"),
        };

        (void)state;
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
                assert_slice(form_multipart_boundary(slice_str(good[i])), "XX");
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_true(slice_is_none(form_multipart_boundary(slice_str(bad[i]))));
}

/* Nothing that looks nearly like a boundary makes it slow, and no head is endless. */
static void test_hostile(void **state)
{
        struct form_values v;
        struct buf body = { 0 };

        (void)state;
        buf_put_str(&body, "--XX" PART("email"));
        form_world_repeat(&body, "\n--X", 16000);
        assert_int_equal(form_world_read(read_xx, buf_slice(&body), false, &v),
                         FORM_MALFORMED);
        assert_int_equal(form_world_read(read_xx, buf_slice(&body), true, &v), FORM_CUT);
        assert_true(slice_is_none(form_value_text(&v, EMAIL)));
        buf_clear(&body);
        buf_put_str(&body, "--XX\r\n");
        form_world_repeat(&body, "A: b\r\n", 10000);
        buf_put_str(&body, "Content-Disposition: form-data; name=email\r\n\r\n"
                           "x\r\n--XX--");
        assert_int_equal(form_world_read(read_xx, buf_slice(&body), false, &v),
                         FORM_MALFORMED);
        assert_true(slice_is_none(form_value_text(&v, EMAIL)));
        buf_free(&body);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_boundary),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
