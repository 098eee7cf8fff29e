/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/buf.h"
#include "http/h2_fields.h"

#include <stdio.h>

static struct head head;
static struct h2_fields fields;
static uint8_t text[256];

/* "name=value;name=value" */
static enum h2_fields_result read(enum head_kind kind, const char *list, size_t room)
{
        struct slice rest = slice_str(list), field;

        head.lines_max = 4;
        h2_fields_begin(&fields, kind, &head, text, room);
        while (slice_next(&rest, ';', &field)) {
                size_t equals = slice_find(field, '=');
                h2_fields_add(&fields, slice_first(field, equals),
                              slice_from(field, equals + 1));
        }
        return h2_fields_end(&fields);
}

static void test_request(void **state)
{
        (void)state;
        assert_int_equal(read(HEAD_REQUEST,
                              ":method=GET;:path=/a?b;:scheme=http;:authority=x.org:80;"
                              "user-agent= me ;cookie=a",
                              sizeof(text)),
                         H2_FIELDS_MESSAGE);
        assert_slice(head.method, "GET");
        assert_slice(head.target, "/a?b");
        assert_int_equal(head.line_count, 3);
        assert_slice(head.lines[0].name, ":authority");
        assert_slice(head.lines[0].value, "x.org:80");
        assert_slice(head.lines[1].name, "user-agent");
        assert_slice(head.lines[1].value, "me");
        assert_slice(head.lines[2].name, "cookie");
        assert_int_equal(fields.order, 0x1423);
        assert_false(head.bad_lines);
        /* All of it lies in the text, one behind the other. */
        assert_int_equal(head.length,
                         strlen("GET/a?b:authorityx.org:80user-agentmecookiea"));
        assert_ptr_equal(head.method.data, text);
}

static void test_what_makes_no_request(void **state)
{
        static const struct {
                enum h2_fields_result result;
                const char *list;
        } rows[] = {
                { H2_FIELDS_MESSAGE, ":method=CONNECT;:authority=x:1" },
                { H2_FIELDS_MESSAGE, ":method=CONNECT;:protocol=websocket;:path=/w" },
                { H2_FIELDS_MESSAGE, ":method=OPTIONS;:path=*" },
                { H2_FIELDS_BROKEN, ":method=CONNECT" },
                { H2_FIELDS_BROKEN, ":method=GET" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=" },
                { H2_FIELDS_BROKEN, ":path=/" },
                { H2_FIELDS_BROKEN, ":method=;:path=/" },
                { H2_FIELDS_BROKEN, ":method=G T;:path=/" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=/\n" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=/\x7f" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=/;:path=/" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=/;:other=1" },
                { H2_FIELDS_BROKEN, ":method=GET;:path=/;:status=200" },
                { H2_FIELDS_BROKEN, ":method=GET;a=b;:path=/" },
                { H2_FIELDS_BROKEN, ":Method=GET;:path=/" },
                { H2_FIELDS_BROKEN, ":method=abcdefghijklmnopqrstuvwxyzabcdefg;:path=/" },
                { H2_FIELDS_TRAILERS, "grpc-status=0" },
                { H2_FIELDS_TRAILERS, "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (read(HEAD_REQUEST, rows[i].list, sizeof(text)) != rows[i].result)
                        fail_msg("%s", rows[i].list);
        read(HEAD_REQUEST, rows[0].list, sizeof(text));
        assert_slice(head.target, "x:1");
        read(HEAD_REQUEST, rows[1].list, sizeof(text));
        assert_slice(head.target, "/w");
}

static void test_responses(void **state)
{
        (void)state;
        assert_int_equal(read(HEAD_RESPONSE, ":status=404;server=x", sizeof(text)),
                         H2_FIELDS_MESSAGE);
        assert_int_equal(head.status, 404);
        assert_int_equal(head.line_count, 1);
        assert_int_equal(read(HEAD_RESPONSE, ":status=099", sizeof(text)),
                         H2_FIELDS_BROKEN);
        assert_int_equal(read(HEAD_RESPONSE, ":status=20", sizeof(text)),
                         H2_FIELDS_BROKEN);
        assert_int_equal(read(HEAD_RESPONSE, ":status=2000", sizeof(text)),
                         H2_FIELDS_BROKEN);
        assert_int_equal(read(HEAD_RESPONSE, ":status=2x0", sizeof(text)),
                         H2_FIELDS_BROKEN);
        assert_int_equal(read(HEAD_RESPONSE, ":path=/", sizeof(text)), H2_FIELDS_BROKEN);
        assert_int_equal(read(HEAD_RESPONSE, "grpc-status=0", sizeof(text)),
                         H2_FIELDS_TRAILERS);
}

static void test_fields_that_must_not_be_there(void **state)
{
        static const char *const bad[] = { "Upper=a", "a b=a",  "=a",     "a\x80=a",
                                           "a:b=a",   "a=b\rc", "a=b\nc", "a\x7f=b" };
        char list[64];

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                snprintf(list, sizeof(list), ":method=GET;:path=/;%s;good=1", bad[i]);
                assert_int_equal(read(HEAD_REQUEST, list, sizeof(text)),
                                 H2_FIELDS_MESSAGE);
                if (!head.bad_lines || head.line_count != 1)
                        fail_msg("%s", bad[i]);
                assert_slice(head.lines[0].name, "good");
        }
}

/* Every byte at every place of texts of all lengths around a word. */
static void test_every_byte(void **state)
{
        uint8_t bytes[20];
        struct slice good = slice_str("x");

        (void)state;
        for (size_t len = 1; len < sizeof(bytes); len++)
                for (size_t at = 0; at < len; at++)
                        for (int c = 0; c < 256; c++) {
                                bool upper = c >= 'A' && c <= 'Z';
                                memset(bytes, 'n', sizeof(bytes));
                                bytes[at] = (uint8_t)c;
                                head.lines_max = 4;
                                h2_fields_begin(&fields, HEAD_REQUEST, &head, text,
                                                sizeof(text));
                                h2_fields_add(&fields, slice_of(bytes, len), good);
                                bool pseudo = at == 0 && c == ':';
                                assert_int_equal(
                                    head.line_count,
                                    !(c <= 0x20 || c >= 0x7f || upper || c == ':'));
                                assert_int_equal(fields.broken, pseudo);
                                h2_fields_begin(&fields, HEAD_REQUEST, &head, text,
                                                sizeof(text));
                                h2_fields_add(&fields, good, slice_of(bytes, len));
                                assert_int_equal(head.line_count,
                                                 c != '\0' && c != '\r' && c != '\n');
                        }
}

static void test_bounds(void **state)
{
        static const char list[] = ":method=GET;:path=/abc;one=1;two=2;three=3";
        size_t need = strlen("GET/abcone1two2three3");

        (void)state;
        for (size_t room = 0; room < need; room++)
                assert_int_equal(read(HEAD_REQUEST, list, room), H2_FIELDS_TOO_LONG);
        assert_int_equal(read(HEAD_REQUEST, list, need), H2_FIELDS_MESSAGE);
        assert_false(head.too_many);
        assert_int_equal(
            read(HEAD_REQUEST, ":method=GET;:path=/;a=1;b=2;c=3;d=4;e=5", sizeof(text)),
            H2_FIELDS_MESSAGE);
        assert_true(head.too_many);
        assert_int_equal(head.line_count, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request),
                cmocka_unit_test(test_what_makes_no_request),
                cmocka_unit_test(test_responses),
                cmocka_unit_test(test_fields_that_must_not_be_there),
                cmocka_unit_test(test_every_byte),
                cmocka_unit_test(test_bounds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
