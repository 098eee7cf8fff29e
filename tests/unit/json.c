/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/json.h"

#include <math.h>

static const char *quoted(const char *bytes, size_t len)
{
        static char text[512];
        struct buf out = { 0 };

        json_put_string(&out, slice_of(bytes, len));
        memcpy(text, out.data, out.len);
        text[out.len] = '\0';
        buf_free(&out);
        return text;
}

#define assert_quoted(bytes, expected) \
        assert_string_equal(quoted(bytes, sizeof(bytes) - 1), expected)

#define BAD "\xef\xbf\xbd"

static void test_escapes(void **state)
{
        (void)state;
        assert_quoted("plain", "\"plain\"");
        assert_quoted("a\"b\\c", "\"a\\\"b\\\\c\"");
        assert_quoted("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
        assert_quoted("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
        assert_quoted("a\0b", "\"a\\u0000b\"");
}

static void test_utf8(void **state)
{
        (void)state;
        assert_quoted("\xc3\xa9", "\"\xc3\xa9\"");
        assert_quoted("\xf0\x9f\x90\x9f", "\"\xf0\x9f\x90\x9f\"");
        assert_quoted("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
        /* Overlong, surrogate, beyond the last code point, cut short, stray. */
        assert_quoted("\xc0\xaf", "\"" BAD BAD "\"");
        assert_quoted("\xe0\x80\xaf", "\"" BAD BAD BAD "\"");
        assert_quoted("\xed\xa0\x80", "\"" BAD BAD BAD "\"");
        assert_quoted("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
        assert_quoted("\xc3", "\"" BAD "\"");
        assert_quoted("\xe2\x82", "\"" BAD BAD "\"");
        assert_quoted("a\x80z", "\"a" BAD "z\"");
        assert_quoted("\xff\xfe", "\"" BAD BAD "\"");
}

static void test_objects(void **state)
{
        struct buf out = { 0 };
        struct json j = json_into(&out);
        struct ip ip;

        (void)state;
        assert_true(ip_parse(slice_str("2001:db8::1"), &ip));
        json_open(&j, NULL);
        json_time(&j, "@timestamp", INT64_C(1795431600123456789));
        json_open(&j, "empty");
        json_close(&j);
        json_array(&j, "list");
        json_u64(&j, NULL, 0);
        json_u64(&j, NULL, UINT64_MAX);
        json_bool(&j, NULL, false);
        json_array_close(&j);
        json_ip(&j, "ip", &ip);
        json_number(&j, "a", 0.1);
        json_number(&j, "b", 131);
        json_number(&j, "c", -2.5e-7);
        json_number(&j, "d", NAN);
        json_number(&j, "e", 1.0 / 3);
        json_close(&j);
        assert_slice(buf_slice(&out),
                     "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\",\"empty\":{},"
                     "\"list\":[0,18446744073709551615,false],\"ip\":\"2001:db8::1\","
                     "\"a\":0.1,\"b\":131,\"c\":-2.5e-07,\"d\":null,"
                     "\"e\":0.3333333333333333}");
        buf_free(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_objects),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
