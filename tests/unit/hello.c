/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/hello.h"

static void assert_printed(const struct hello *h, const char *expected)
{
        struct buf out = { 0 };

        hello_print(h, &out);
        assert_slice(buf_slice(&out), expected);
        buf_free(&out);
}

static struct hello example(void)
{
        return (struct hello){
                .time_ns = INT64_C(1795431600123456789),
                .client = { ip_from_v4((uint8_t[]){ 203, 0, 113, 9 }), 50000 },
                .server = { ip_from_v4((uint8_t[]){ 192, 0, 2, 2 }), 443 },
                .transport = HELLO_TCP,
                .server_name = SLICE("shop.example"),
                .alpn = SLICE("h2"),
                .ciphers = { (const uint8_t *)"\x1a\x1a\x13\x01\xc0\x2f\x00\xff\xfe\xfe",
                             10 },
                .ja3 = "253b80039dce39c1c9fe81249fcdf598",
                .ja4 = "t13d1517h2_8daaf6152771_cb7bf5808d99",
        };
}

static void test_whole(void **state)
{
        struct hello h = example();

        (void)state;
        assert_printed(&h, "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\","
                           "\"source\":{\"ip\":\"203.0.113.9\",\"port\":50000},"
                           "\"destination\":{\"ip\":\"192.0.2.2\",\"port\":443},"
                           "\"tls\":{\"client\":{\"server_name\":\"shop.example\","
                           "\"ja3\":\"253b80039dce39c1c9fe81249fcdf598\","
                           "\"ja4\":\"t13d1517h2_8daaf6152771_cb7bf5808d99\","
                           "\"supported_ciphers\":[\"TLS_AES_128_GCM_SHA256\","
                           "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\","
                           "\"TLS_EMPTY_RENEGOTIATION_INFO_SCSV\",\"0xfefe\"]}},"
                           "\"network\":{\"transport\":\"tcp\"}}\n");
}

/* No name, no MD5, no ciphers; and a name that is no UTF-8. */
static void test_parts_that_are_missing(void **state)
{
        struct hello h = example();

        (void)state;
        h.transport = HELLO_QUIC;
        h.server_name = slice_none();
        h.ja3[0] = '\0';
        h.ciphers = slice_none();
        assert_printed(&h, "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\","
                           "\"source\":{\"ip\":\"203.0.113.9\",\"port\":50000},"
                           "\"destination\":{\"ip\":\"192.0.2.2\",\"port\":443},"
                           "\"tls\":{\"client\":{"
                           "\"ja4\":\"t13d1517h2_8daaf6152771_cb7bf5808d99\","
                           "\"supported_ciphers\":[]}},"
                           "\"network\":{\"transport\":\"quic\"}}\n");
        struct buf out = { 0 };
        h.server_name = slice_str("a\"\xff\n");
        hello_print(&h, &out);
        buf_put_byte(&out, 0);
        assert_non_null(strstr((char *)out.data, "\"a\\\"\xef\xbf\xbd\\n\""));
        buf_free(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_parts_that_are_missing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
