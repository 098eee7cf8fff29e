/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/ja4.h"
#include "unit/hello_maker.h"

static struct digest *sha256;

static void assert_ja4_of(const struct hello_parts *parts, char transport,
                          const char *expected)
{
        struct buf message = { 0 };
        struct client_hello h;
        char text[JA4_TEXT_SIZE];

        make_hello(&message, parts);
        assert_int_equal(client_hello_parse(buf_slice(&message), &h), CLIENT_HELLO_OK);
        ja4(sha256, &h, transport, text);
        assert_string_equal(text, expected);
        buf_free(&message);
}

/* The hello of the example in FoxIO's JA4.md; in its original, shuffled order. */
static const struct hello_parts published = {
        .ciphers =
            "dada 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 9c 9d 2f 35",
        .extensions = "5a5a 1b 0 33 10 4469 17 2d d 5 23 12 2b ff01 b a 15 8a8a",
        .versions = "baba 0304 0303",
        .algorithms = "0403 0804 0401 0503 0805 0501 0806 0601",
        .groups = "1d",
        .point_formats = "0",
        .name = "example.com",
        .alpn = "h2 http/1.1",
};

static void test_published(void **state)
{
        struct hello_parts other = published;

        (void)state;
        assert_ja4_of(&published, 't', "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_ja4_of(&published, 'q', "q13d1516h2_8daaf6152771_e5627efa2ab1");
        /* The order of ciphers and extensions does not matter; that of algorithms does.
         */
        other.ciphers = "35 2f 9d 9c c014 c013 cca8 cca9 c030 c02c c02f c02b 1303 1302 "
                        "1301";
        other.extensions = "a b ff01 2b 12 23 5 d 2d 17 4469 10 33 0 1b 15";
        assert_ja4_of(&other, 't', "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

/* Version, presence of a name, counts and ALPN make the first part. */
static void assert_start(const struct hello_parts *parts, const char *expected)
{
        struct buf message = { 0 };
        struct client_hello h;
        char text[JA4_TEXT_SIZE];

        make_hello(&message, parts);
        assert_int_equal(client_hello_parse(buf_slice(&message), &h), CLIENT_HELLO_OK);
        ja4(sha256, &h, 't', text);
        text[10] = '\0';
        assert_string_equal(text, expected);
        buf_free(&message);
}

static void test_versions(void **state)
{
        static const struct {
                unsigned version;
                const char *versions, *start;
        } rows[] = {
                { 0x0303, "0303 0304", "t13i010100" },
                { 0x0303, "0302 0301", "t11i010100" },
                { 0x0303, "aaaa", "t12i010100" },
                { 0x0303, "7f1c 0304", "t00i010100" },
                { 0x0302, "", "t11i010100" },
                { 0x0301, "", "t10i010100" },
                { 0x0300, "", "ts3i010100" },
                { 0x03ff, "", "t00i010100" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_start(&(struct hello_parts){ .version = rows[i].version,
                                                    .ciphers = "1301",
                                                    .extensions = "2b",
                                                    .versions = rows[i].versions },
                             rows[i].start);
}

static void test_alpn(void **state)
{
        static const char *const rows[][2] = {
                { "h2", "h2" },
                { "http/1.1 h2", "h1" },
                { "h", "hh" },
                { "\xab", "ab" },
                { "\xab\xcd", "ad" },
                { "0\xab", "3b" },
                { "01\xab\xcd", "3d" },
                { "0\xab\xcd"
                  "1",
                  "01" },
                { "-1", "21" },
                { "\x0a\x0a", "0a" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char start[16];
                snprintf(start, sizeof(start), "t12i0101%s", rows[i][1]);
                assert_start(&(struct hello_parts){ .ciphers = "1301",
                                                    .extensions = "10",
                                                    .alpn = rows[i][0] },
                             start);
        }
        assert_start(&(struct hello_parts){ .ciphers = "1301", .extensions = "10" },
                     "t12i010100");
}

static void test_name(void **state)
{
        (void)state;
        assert_start(&(struct hello_parts){ .ciphers = "1301", .extensions = "0" },
                     "t12d010100"); /* the extension counts, not what is in it */
}

static void test_counts_stop_at_99(void **state)
{
        struct buf many = { 0 };

        (void)state;
        for (unsigned i = 0; i < 120; i++)
                buf_printf(&many, "%x ", 0x100 + i);
        buf_put_byte(&many, 0);
        assert_start(&(struct hello_parts){ .ciphers = (char *)many.data,
                                            .extensions = (char *)many.data },
                     "t12i999900");
        buf_free(&many);
}

static void test_empty_lists(void **state)
{
        (void)state;
        /* SHA-256 of "1301" begins with 0f2cb44170f4. */
        assert_ja4_of(&(struct hello_parts){ .ciphers = "1301" }, 't',
                      "t12i010000_0f2cb44170f4_000000000000");
        assert_ja4_of(&(struct hello_parts){ .ciphers = "aaaa", .extensions = "baba" },
                      't', "t12i000000_000000000000_000000000000");
        assert_ja4_of(
            &(struct hello_parts){
                .ciphers = "1301", .extensions = "0 10", .name = "a", .alpn = "h2" },
            't', "t12d0102h2_0f2cb44170f4_000000000000");
}

static void test_recorded(void **state)
{
        static const char *const rows[][2] = {
                { "openssl.tls", "t13d3111h2_e8f1e7e78f70_1f22a2ca17c4" },
                { "openssl-plain.tls", "t12i280600_d943125447b4_e7e480e5a997" },
                { "curl.tls", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6" },
                { "chromium.tls", "t13d1517h2_8daaf6152771_cb7bf5808d99" },
        };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                char text[JA4_TEXT_SIZE];
                struct buf file = { 0 };
                struct client_hello h;
                read_capture(rows[i][0], &file);
                assert_int_equal(client_hello_parse(recorded_message(&file), &h),
                                 CLIENT_HELLO_OK);
                ja4(sha256, &h, 't', text);
                assert_string_equal(text, rows[i][1]);
                buf_free(&file);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_alpn),
                cmocka_unit_test(test_name),
                cmocka_unit_test(test_counts_stop_at_99),
                cmocka_unit_test(test_empty_lists),
                cmocka_unit_test(test_recorded),
        };
        sha256 = digest_new("SHA256");
        int failed = sha256 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
        digest_free(&sha256);
        return failed;
}
