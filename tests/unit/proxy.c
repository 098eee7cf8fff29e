/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/buf.h"
#include "http/proxy.h"

#define LITERAL(text) ((struct slice)SLICE(text))
#define SIGNATURE     "\r\n\r\n\0\r\nQUIT\n"

/* Every beginning of a good header asks for more; what follows it changes nothing. */
static void assert_tells(struct slice header, const char *address, uint16_t port)
{
        struct proxy_header found;
        struct buf more = { 0 };
        struct ip ip;

        for (size_t len = 1; len < header.len; len++)
                assert_int_equal(proxy_parse(slice_first(header, len), &found),
                                 PROXY_MORE);
        buf_put_slice(&more, header);
        buf_put_str(&more, "GET / HTTP/1.1\r\n");
        for (int i = 0; i < 2; i++) {
                assert_int_equal(proxy_parse(i ? buf_slice(&more) : header, &found),
                                 PROXY_OK);
                assert_int_equal(found.length, header.len);
                assert_int_equal(found.tells, address != NULL);
                if (!address)
                        continue;
                assert_true(ip_parse(slice_str(address), &ip));
                assert_true(ip_equal(&ip, &found.client.ip));
                assert_int_equal(found.client.port, port);
        }
        buf_free(&more);
}

static void test_version_1(void **state)
{
        (void)state;
        assert_tells(LITERAL("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"), "192.0.2.1",
                     56324);
        assert_tells(LITERAL("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"),
                     "2001:db8::1", 0);
        assert_tells(LITERAL("PROXY UNKNOWN\r\n"), NULL, 0);
        assert_tells(LITERAL("PROXY UNKNOWN and anything\r\n"), NULL, 0);
}

static void test_version_2(void **state)
{
        (void)state;
        assert_tells(LITERAL(SIGNATURE
                             "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04"
                             "\x01\xbb"),
                     "192.0.2.1", 56324);
        /* Datagrams are announced alike. */
        assert_tells(LITERAL(SIGNATURE
                             "\x21\x12\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04"
                             "\x01\xbb"),
                     "192.0.2.1", 56324);
        assert_tells(LITERAL(SIGNATURE
                             "\x21\x11\0\x10\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04"
                             "\x01\xbb\x04\0\x01\0"),
                     "192.0.2.1", 56324);
        assert_tells(LITERAL(SIGNATURE "\x20\0\0\0"), NULL, 0);
        assert_tells(LITERAL(SIGNATURE "\x20\x11\0\x02xx"), NULL, 0);
        assert_tells(LITERAL(SIGNATURE "\x21\0\0\0"), NULL, 0);
}

static void test_bad(void **state)
{
        static const struct slice bad[] = {
                SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n"),
                SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n"),
                SLICE("PROXY TCP4 192.0.2.1  192.0.2.2 56324 443\r\n"),
                SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 056324 443\r\n"),
                SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n"),
                SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n"),
                SLICE("PROXY TCP4 192.0.2.1 192.0.2 1 443\r\n"),
                SLICE("PROXY TCP4 2001:db8::1 192.0.2.2 1 443\r\n"),
                SLICE("PROXY TCP6 192.0.2.1 192.0.2.2 1 443\r\n"),
                SLICE("PROXY TCP5 192.0.2.1 192.0.2.2 1 443\r\n"),
                SLICE("PROXY \n"),
                SLICE("PROXY \r\n"),
                SLICE(SIGNATURE "\x11\x11\0\0"),
                SLICE(SIGNATURE "\x22\x11\0\0"),
                SLICE(SIGNATURE "\x21\x41\0\0"),
                SLICE(SIGNATURE "\x21\x11\0\x0b-----------"),
                SLICE(SIGNATURE "\x21\x11\x10\0"),
                SLICE(SIGNATURE "\x21\x11\0\x0e------------xx"),
                SLICE(SIGNATURE "\x21\x11\0\x10------------\x04\0\x02x"),
        };
        struct proxy_header header;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                assert_int_equal(proxy_parse(bad[i], &header), PROXY_BAD);
                assert_false(header.tells);
        }
}

/* 107 bytes is the longest line there can be; one more is none. */
static void test_the_longest_line(void **state)
{
        struct buf line = { 0 };
        struct proxy_header header;

        (void)state;
        buf_put_str(&line, "PROXY UNKNOWN ");
        while (line.len < 105)
                buf_put_byte(&line, 'x');
        buf_put_str(&line, "\r\n");
        assert_int_equal(line.len, 107);
        assert_int_equal(proxy_parse(buf_slice(&line), &header), PROXY_OK);
        line.data[105] = 'x';
        line.data[106] = '\r';
        assert_int_equal(proxy_parse(buf_slice(&line), &header), PROXY_BAD);
        assert_int_equal(proxy_parse(slice_first(buf_slice(&line), 106), &header),
                         PROXY_MORE);
        buf_free(&line);
}

static void test_none(void **state)
{
        struct proxy_header header;

        (void)state;
        assert_int_equal(proxy_parse(LITERAL("GET / HTTP/1.1\r\n"), &header), PROXY_NONE);
        assert_int_equal(proxy_parse(LITERAL("PROPFIND"), &header), PROXY_NONE);
        assert_int_equal(proxy_parse(LITERAL("\r\n\r\nGET"), &header), PROXY_NONE);
        assert_int_equal(proxy_parse(LITERAL("proxy TCP4"), &header), PROXY_NONE);
        assert_int_equal(proxy_parse(slice_none(), &header), PROXY_NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version_1), cmocka_unit_test(test_version_2),
                cmocka_unit_test(test_bad),       cmocka_unit_test(test_the_longest_line),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
