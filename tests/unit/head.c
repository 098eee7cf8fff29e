/* SPDX-License-Identifier: MIT */
/*
 * Every head is parsed whole, and cut at each byte: then it must ask for more
 * (or refuse), and never read past the end. The vector and the portable path are
 * the same test in two builds.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "http/head.h"

#include <stdio.h>
#include <stdlib.h>

static struct head head;

static enum head_result parse(const char *text, enum head_kind kind)
{
        size_t len = strlen(text);

        head.lines_max = HEAD_LINES_MAX;
        for (size_t cut = 0; cut < len; cut++) {
                uint8_t *copy = malloc(cut ? cut : 1);
                memcpy(copy, text, cut);
                head_parse(slice_of(copy, cut), kind, &head);
                head_may_begin(slice_of(copy, cut), kind);
                free(copy);
        }
        return head_parse(slice_of(text, len), kind, &head);
}

/* The header table as text: "name=value;name=value". */
static const char *lines(void)
{
        static char text[1024];
        struct buf out = { 0 };

        for (uint32_t i = 0; i < head.line_count; i++)
                buf_printf(&out, "%s%.*s=%.*s", i ? ";" : "", (int)head.lines[i].name.len,
                           head.lines[i].name.data, (int)head.lines[i].value.len,
                           head.lines[i].value.data);
        buf_put_byte(&out, '\0');
        memcpy(text, out.data, out.len);
        buf_free(&out);
        return text;
}

static void test_request(void **state)
{
        const char *text = "GET /in/anna?x=1 HTTP/1.1\r\nHost: example.org\r\nEmpty:\r\n"
                           "Padded: \t a b \t \r\n\r\nbody";

        (void)state;
        assert_int_equal(parse(text, HEAD_REQUEST), HEAD_OK);
        assert_slice(head.method, "GET");
        assert_slice(head.target, "/in/anna?x=1");
        assert_int_equal(head.version_minor, 1);
        assert_int_equal(head.length, strlen(text) - 4);
        assert_string_equal(lines(), "Host=example.org;Empty=;Padded=a b");
        assert_false(head.bare_lf || head.folded || head.bad_lines || head.too_many);
}

static void test_response(void **state)
{
        (void)state;
        assert_int_equal(parse("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n", HEAD_RESPONSE),
                         HEAD_OK);
        assert_int_equal(head.status, 404);
        assert_int_equal(head.version_minor, 0);
        assert_int_equal(parse("HTTP/1.1 200\r\n\r\n", HEAD_RESPONSE), HEAD_OK);
        assert_int_equal(head.status, 200);
}

static void test_start_lines_that_are_none(void **state)
{
        static const char *const requests[] = {
                "GET / HTTP/2.0\r\n\r\n",
                "GET /\r\n\r\n",
                "GET / HTTP/1.x\r\n\r\n",
                "G{T / HTTP/1.1\r\n\r\n",
                "GET  HTTP/1.1\r\n\r\n",
                " / HTTP/1.1\r\n\r\n",
                "GET / HTTPS/1.1\r\n\r\n",
                "\x16\x03\x01 / HTTP/1.1\r\n\r\n",
                "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n\r\n",
        };
        static const char *const responses[] = {
                "HTTP/1.1 20 OK\r\n\r\n",   "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 0xx\r\n\r\n",     "HTTP/2 200\r\n\r\n",
                "ICY 200 OK\r\n\r\n",       "HTTP/1.1 099 No\r\n\r\n",
                "HTTP/1.1  200 OK\r\n\r\n",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                assert_int_equal(parse(requests[i], HEAD_REQUEST), HEAD_BAD);
        for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
                assert_int_equal(parse(responses[i], HEAD_RESPONSE), HEAD_BAD);
}

static void test_odd_lines(void **state)
{
        (void)state;
        assert_int_equal(
            parse("GET / HTTP/1.1\nA: b\nno colon\n: no name\nB : c\nD: e\n\n",
                  HEAD_REQUEST),
            HEAD_OK);
        assert_string_equal(lines(), "A=b;B=c;D=e");
        assert_true(head.bare_lf && head.bad_lines);
        assert_int_equal(
            parse("GET / HTTP/1.1\r\nA: b\r\n  c\r\n\td\r\nE: f\r\n\r\n", HEAD_REQUEST),
            HEAD_OK);
        assert_string_equal(lines(), "A=b\r\n  c\r\n\td;E=f");
        assert_true(head.folded);
        /* A fold with nothing to fold into. */
        assert_int_equal(parse("GET / HTTP/1.1\r\n a\r\nB: c\r\n\r\n", HEAD_REQUEST),
                         HEAD_OK);
        assert_string_equal(lines(), "B=c");
        assert_true(head.bad_lines);
}

/*
 * A line near the end of the bytes is read byte by byte, one with enough behind it the
 * short way: both must say the same.
 */
static void test_what_follows_changes_nothing(void **state)
{
        static const char *const names[] = { "A", "Ab-C", "A1", "Upgrade", "a b", "" };
        static const char *const colons[] = { ":", ": ", " : ", ":  ", ":\t", "" };
        static const char *const values[] = { "", "a", "a b", "a ", "a\t", ":a", "\ra" };

        (void)state;
        for (unsigned i = 0; i < 6 * 6 * 7; i++) {
                char text[128], alone[1024];
                size_t len = (size_t)snprintf(
                    text, sizeof(text), "GET / HTTP/1.1\r\n%s%s%s\r\n\r\n", names[i % 6],
                    colons[i / 6 % 6], values[i / 36]);
                assert_int_equal(parse(text, HEAD_REQUEST), HEAD_OK);
                struct head first = head;
                strcpy(alone, lines());
                memset(text + len, 'A', 32);
                assert_int_equal(
                    head_parse(slice_of(text, len + 32), HEAD_REQUEST, &head), HEAD_OK);
                assert_string_equal(lines(), alone);
                assert_int_equal(head.length, first.length);
                assert_int_equal(head.bad_lines, first.bad_lines);
                assert_int_equal(head.framing.upgrade, first.framing.upgrade);
        }
}

/* Invalid in the target and in a value; what follows the head is not its business. */
static void test_a_nul_is_counted(void **state)
{
        static const struct {
                struct slice text;
                bool bad;
        } rows[] = {
                { SLICE("GET /a\0b HTTP/1.1\r\nA: b\r\n\r\n"), true },
                { SLICE("GET /a HTTP/1.1\r\nA: b\0c\r\n\r\n"), true },
                { SLICE("GET /a HTTP/1.1\r\nA: b\r\n\r\n\0"), false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(head_parse(rows[i].text, HEAD_REQUEST, &head), HEAD_OK);
                assert_int_equal(head.bad_lines, rows[i].bad);
        }
}

static void test_more_lines_than_the_cap(void **state)
{
        struct buf text = { 0 };

        (void)state;
        buf_put_str(&text, "GET / HTTP/1.1\r\n");
        for (int i = 0; i < 10000; i++)
                buf_printf(&text, "X-%d: y\r\n", i);
        buf_put_str(&text, "Content-Length: 7\r\n\r\n");
        head.lines_max = 100;
        assert_int_equal(head_parse(buf_slice(&text), HEAD_REQUEST, &head), HEAD_OK);
        assert_int_equal(head.line_count, 100);
        assert_true(head.too_many);
        /* What decides about the length is seen wherever it stands. */
        assert_true(head.framing.has_length);
        assert_int_equal(head.framing.length, 7);
        buf_free(&text);
}

static void test_framing(void **state)
{
        static const struct {
                const char *lines;
                bool has_length, chunked, conflicting, faulty;
                uint64_t length;
        } cases[] = {
                { "", false, false, false, false, 0 },
                { "Content-Length: 5\r\n", true, false, false, false, 5 },
                { "content-length:5\r\nCONTENT-LENGTH: 5\r\n", true, false, false, false,
                  5 },
                { "Content-Length: 5, 5\r\n", true, false, false, false, 5 },
                { "Content-Length: 5, 6\r\n", true, false, true, true, 5 },
                { "Content-Length: -5\r\n", true, false, true, true, 0 },
                { "Content-Length: 5 5\r\n", true, false, true, true, 0 },
                { "Content-Length:\r\n", true, false, true, true, 0 },
                { "Content-Length: 99999999999999999999\r\n", true, false, true, true,
                  0 },
                { "Content-Length: 9223372036854775807\r\n", true, false, true, true, 0 },
                { "Transfer-Encoding: chunked\r\n", false, true, false, false, 0 },
                { "Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n", false,
                  true, false, false, 0 },
                { "Transfer-Encoding: chunked, gzip\r\n", false, false, true, true, 0 },
                { "Transfer-Encoding: chunked, chunked\r\n", false, true, true, true, 0 },
                { "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", false, true,
                  true, false, 5 },
                { "Content-Length: x\r\nTransfer-Encoding: chunked\r\n", false, true,
                  true, false, 0 },
                { "Content-Length : 5\r\n", true, false, true, false, 5 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[256];
                snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", cases[i].lines);
                assert_int_equal(parse(text, HEAD_REQUEST), HEAD_OK);
                assert_int_equal(head.framing.has_length, cases[i].has_length);
                assert_int_equal(head.framing.chunked, cases[i].chunked);
                assert_int_equal(head.framing.conflicting, cases[i].conflicting);
                assert_int_equal(head.framing.faulty, cases[i].faulty);
                assert_true(head.framing.length == cases[i].length);
        }
}

static void test_find_end(void **state)
{
        static const struct {
                const char *text;
                size_t end;
        } cases[] = {
                { "a\r\n\r\nb", 5 }, { "a\n\nb", 3 },     { "a\r\n\nb", 4 },
                { "a\n\r\nb", 4 },   { "a\r\nb\r\n", 0 }, { "", 0 },
                { "\r\n\r\n", 4 },   { "a\n\r", 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct slice text = slice_str(cases[i].text);
                assert_int_equal(head_find_end(text, 0), cases[i].end);
                /* Found as well when all but the last byte was looked at before. */
                if (cases[i].end)
                        assert_int_equal(head_find_end(slice_first(text, cases[i].end),
                                                       cases[i].end - 1),
                                         cases[i].end);
        }
}

/* Line feeds at every distance from the 64-byte blocks. */
static void test_every_line_length(void **state)
{
        (void)state;
        for (int len = 0; len < 200; len++) {
                struct buf text = { 0 };
                buf_put_str(&text, "GET / HTTP/1.1\r\nA: ");
                for (int i = 0; i < len; i++)
                        buf_put_byte(&text, 'x');
                buf_put_str(&text, "\r\nB: y\r\n\r\n");
                head.lines_max = HEAD_LINES_MAX;
                assert_int_equal(head_parse(buf_slice(&text), HEAD_REQUEST, &head),
                                 HEAD_OK);
                assert_int_equal(head.length, text.len);
                assert_int_equal(head.lines[0].value.len, len);
                assert_slice(head.lines[1].value, "y");
                buf_free(&text);
        }
}

static void test_could_it_begin_like_this(void **state)
{
        (void)state;
        assert_true(head_may_begin(slice_str("G"), HEAD_REQUEST));
        assert_true(head_may_begin(slice_str("GET /"), HEAD_REQUEST));
        assert_false(head_may_begin(slice_str("\x16\x03"), HEAD_REQUEST));
        assert_false(head_may_begin(slice_str(" GET"), HEAD_REQUEST));
        assert_true(head_may_begin(slice_str("HTT"), HEAD_RESPONSE));
        assert_false(head_may_begin(slice_str("HTX"), HEAD_RESPONSE));
        assert_true(head_begins(slice_str("GET / HTTP/1.1\r\n"), HEAD_REQUEST));
        assert_false(head_begins(slice_str("GET / HTTP/1.1"), HEAD_REQUEST));
        assert_false(head_begins(slice_str("some words and a line\n"), HEAD_REQUEST));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request),
                cmocka_unit_test(test_response),
                cmocka_unit_test(test_start_lines_that_are_none),
                cmocka_unit_test(test_odd_lines),
                cmocka_unit_test(test_what_follows_changes_nothing),
                cmocka_unit_test(test_a_nul_is_counted),
                cmocka_unit_test(test_more_lines_than_the_cap),
                cmocka_unit_test(test_framing),
                cmocka_unit_test(test_find_end),
                cmocka_unit_test(test_every_line_length),
                cmocka_unit_test(test_could_it_begin_like_this),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
