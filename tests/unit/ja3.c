/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/ja3.h"
#include "unit/hello_maker.h"

struct world {
        struct buf message;
        struct client_hello hello;
        struct digest *md5;
};

static void world_open(struct world *w, const struct hello_parts *parts)
{
        *w = (struct world){ .md5 = digest_new("MD5") };
        assert_non_null(w->md5);
        make_hello(&w->message, parts);
        assert_int_equal(client_hello_parse(buf_slice(&w->message), &w->hello),
                         CLIENT_HELLO_OK);
}

static void world_close(struct world *w)
{
        digest_free(&w->md5);
        buf_free(&w->message);
}

static void assert_ja3(const struct hello_parts *parts, const char *string,
                       const char *hash)
{
        char buffer[JA3_STRING_MAX], text[JA3_TEXT_SIZE];
        struct world w;

        world_open(&w, parts);
        assert_slice(slice_of(buffer, ja3_string(&w.hello, buffer)), string);
        ja3(w.md5, &w.hello, text);
        assert_string_equal(text, hash);
        world_close(&w);
}

/* The two examples of the specification. */
static void test_published(void **state)
{
        (void)state;
        assert_ja3(&(struct hello_parts){ .version = 0x0301,
                                          .ciphers = "2f 35 5 a c009 c00a c013 c014 32 "
                                                     "38 13 4",
                                          .extensions = "0 a b",
                                          .groups = "17 18 19",
                                          .point_formats = "0",
                                          .name = "a" },
                   "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
                   "ada70206e40642a3e4461f35503241d5");
        assert_ja3(&(struct hello_parts){ .version = 0x0301,
                                          .ciphers = "4 5 a 9 64 62 3 6 13 12 63" },
                   "769,4-5-10-9-100-98-3-6-19-18-99,,,",
                   "de350869b8c85de67a350c8d186f11e6");
}

static void test_grease_is_left_out(void **state)
{
        (void)state;
        assert_ja3(&(struct hello_parts){ .ciphers = "0a0a 1301 fafa",
                                          .extensions = "2a2a a b 3a3a",
                                          .groups = "4a4a 1d",
                                          .point_formats = "0 1" },
                   "771,4865,10-11,29,0-1", "d373c615bd78f83efaee51ad7eacacd8");
}

static void test_without_md5(void **state)
{
        char text[JA3_TEXT_SIZE] = "x";
        struct world w;

        (void)state;
        world_open(&w, &(struct hello_parts){ .ciphers = "1301" });
        ja3(NULL, &w.hello, text);
        assert_string_equal(text, "");
        world_close(&w);
}

static void test_recorded(void **state)
{
        static const char *const rows[][2] = {
                { "openssl.tls", "5a1edc7f170af1014fc65c994878e63c" },
                { "openssl-plain.tls", "fbe7e189e37a07ee33706f86bc746344" },
                { "curl.tls", "0149f47eabf9a20d0893e2a44e5a6323" },
                { "chromium.tls", "253b80039dce39c1c9fe81249fcdf598" },
        };
        struct digest *md5 = digest_new("MD5");

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                char text[JA3_TEXT_SIZE];
                struct buf file = { 0 };
                struct client_hello h;
                read_capture(rows[i][0], &file);
                assert_int_equal(client_hello_parse(recorded_message(&file), &h),
                                 CLIENT_HELLO_OK);
                ja3(md5, &h, text);
                assert_string_equal(text, rows[i][1]);
                buf_free(&file);
        }
        digest_free(&md5);
}

/* The longest string that the caps allow. */
static void test_longest(void **state)
{
        struct client_hello h = { .version = 0xffff };
        char buffer[JA3_STRING_MAX];
        uint8_t twos[2 * CLIENT_HELLO_CIPHERS_MAX], ones[255];

        (void)state;
        memset(twos, 0xff, sizeof(twos));
        memset(ones, 0xff, sizeof(ones));
        h.ciphers = slice_of(twos, sizeof(twos));
        h.groups = slice_of(twos, 2 * CLIENT_HELLO_LIST_MAX);
        h.point_formats = slice_of(ones, sizeof(ones));
        h.extension_count = CLIENT_HELLO_EXTENSIONS_MAX;
        memset(h.extensions, 0xff, sizeof(h.extensions));
        assert_int_equal(ja3_string(&h, buffer), 5 + 1 + 6 * CLIENT_HELLO_CIPHERS_MAX +
                                                     6 * CLIENT_HELLO_EXTENSIONS_MAX +
                                                     6 * CLIENT_HELLO_LIST_MAX + 4 * 255 -
                                                     1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published),
                cmocka_unit_test(test_grease_is_left_out),
                cmocka_unit_test(test_without_md5),
                cmocka_unit_test(test_recorded),
                cmocka_unit_test(test_longest),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
