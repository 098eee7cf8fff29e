/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/client_hello.h"
#include "unit/hello_maker.h"

static enum client_hello_result parse(const struct hello_parts *p, struct buf *message,
                                      struct client_hello *h)
{
        make_hello(message, p);
        return client_hello_parse(buf_slice(message), h);
}

static void test_fields(void **state)
{
        const struct hello_parts parts = {
                .ciphers = "1a1a 1301 c02f",
                .extensions = "2a2a 0 a b d 10 2b fe0d 23",
                .groups = "3a3a 001d",
                .point_formats = "0 1",
                .algorithms = "0403 0804",
                .versions = "4a4a 0304 0303",
                .name = "shop.example",
                .alpn = "h2 http/1.1",
        };
        struct buf message = { 0 };
        struct client_hello h;

        (void)state;
        assert_int_equal(parse(&parts, &message, &h), CLIENT_HELLO_OK);
        assert_int_equal(h.version, 0x0303);
        assert_int_equal(h.version_highest, 0x0304);
        assert_int_equal(h.ciphers.len, 6);
        assert_memory_equal(h.ciphers.data, "\x1a\x1a\x13\x01\xc0\x2f", 6);
        assert_int_equal(h.groups.len, 4);
        assert_memory_equal(h.groups.data, "\x3a\x3a\x00\x1d", 4);
        assert_int_equal(h.point_formats.len, 2);
        assert_int_equal(h.signature_algorithms.len, 4);
        assert_slice(h.server_name, "shop.example");
        assert_slice(h.alpn, "h2");
        assert_slice(h.alpn_list, "\x02h2\x08http/1.1");
        assert_true(h.has_server_name);
        assert_false(h.ech); /* an empty one is no outer hello */
        assert_int_equal(h.extension_count, 9);
        assert_int_equal(h.extensions[0], 0x2a2a);
        assert_int_equal(h.extensions[7], 0xfe0d);
        assert_int_equal(h.extensions[8], 0x23);
        buf_free(&message);
}

static void test_every_cut_is_malformed(void **state)
{
        static const char *const names[] = { "openssl.tls", "openssl-plain.tls",
                                             "curl.tls", "chromium.tls" };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                struct buf file = { 0 };
                struct client_hello h;
                read_capture(names[i], &file);
                struct slice all = recorded_message(&file);
                assert_int_equal(client_hello_parse(all, &h), CLIENT_HELLO_OK);
                for (size_t len = 0; len < all.len; len++) {
                        /* On its own, so that a sanitizer sees one byte too many. */
                        uint8_t *copy = malloc(len + 1);
                        memcpy(copy + 1, all.data, len);
                        assert_int_equal(client_hello_parse(slice_of(copy + 1, len), &h),
                                         CLIENT_HELLO_MALFORMED);
                        free(copy);
                }
                buf_free(&file);
        }
}

/* The length fields lie: each byte of a hello in turn is made 0 and 255. */
static void test_wrong_bytes_stay_inside(void **state)
{
        struct buf file = { 0 };
        struct client_hello h;
        unsigned malformed = 0;

        (void)state;
        read_capture("openssl.tls", &file);
        struct slice all = recorded_message(&file);
        for (size_t i = 0; i < 2 * all.len; i++) {
                uint8_t *copy = malloc(all.len);
                memcpy(copy, all.data, all.len);
                copy[i / 2] = i % 2 ? 255 : 0;
                if (client_hello_parse(slice_of(copy, all.len), &h) ==
                    CLIENT_HELLO_MALFORMED)
                        malformed++;
                free(copy);
        }
        assert_in_range(malformed, 20, all.len);
        buf_free(&file);
}

static void test_without_extensions(void **state)
{
        const struct hello_parts parts = { .version = 0x0301, .ciphers = "2f" };
        struct buf message = { 0 };
        struct client_hello h;

        (void)state;
        assert_int_equal(parse(&parts, &message, &h), CLIENT_HELLO_OK);
        assert_int_equal(h.version_highest, 0x0301);
        assert_int_equal(h.extension_count, 0);
        assert_true(slice_is_none(h.server_name));
        assert_false(h.has_server_name);
        assert_true(slice_is_none(h.alpn));
        buf_free(&message);
}

/* A body that breaks its grammar: the extension is there and says nothing. */
static void test_bad_bodies(void **state)
{
        static const struct {
                uint16_t type;
                const char *hex;
        } bodies[] = {
                { 0, "0005000010" },    { 0, "00060000ff6162" }, { 0, "" },
                { 10, "0003001d00" },   { 10, "0004001d" },      { 11, "0500" },
                { 13, "000204030804" }, { 16, "000302683200" },  { 16, "0003056832" },
                { 16, "00020068" },     { 43, "030304" },        { 43, "0503040303" },
                { 0xfe0d, "01" },       { 0xfe0d, "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
                struct buf message = { 0 }, body = { 0 };
                struct client_hello h;
                put_hex(&body, bodies[i].hex);
                make_hello(&message, &(struct hello_parts){ .ciphers = "1301" });
                put_be(&message, body.len + 4, 2);
                put_be(&message, bodies[i].type, 2);
                put_vector(&message, 2, &body);
                message.data[3] = (uint8_t)(message.len - 4);
                assert_int_equal(client_hello_parse(buf_slice(&message), &h),
                                 CLIENT_HELLO_OK);
                assert_int_equal(h.extension_count, 1);
                assert_int_equal(h.has_server_name, bodies[i].type == 0);
                assert_true(slice_is_none(h.server_name) && slice_is_none(h.alpn));
                assert_int_equal(h.groups.len + h.signature_algorithms.len, 0);
                assert_int_equal(h.version_highest, 0x0303);
                assert_int_equal(h.point_formats.len, 0);
                assert_false(h.ech);
                buf_free(&message);
                buf_free(&body);
        }
}

static void test_first_of_two(void **state)
{
        const struct hello_parts parts = { .ciphers = "1301",
                                           .extensions = "0 0 10",
                                           .name = "a.example",
                                           .alpn = "x y" };
        struct buf message = { 0 };
        struct client_hello h;

        (void)state;
        make_hello(&message, &parts);
        /* The second name differs: its last letters come last in the message. */
        uint8_t *second = memmem(message.data + 70, message.len - 70, "a.example", 9);
        assert_non_null(second);
        second[0] = 'b';
        assert_int_equal(client_hello_parse(buf_slice(&message), &h), CLIENT_HELLO_OK);
        assert_slice(h.server_name, "a.example");
        assert_int_equal(h.extension_count, 3);
        buf_free(&message);
}

static enum client_hello_result parse_many(size_t ciphers, size_t extensions,
                                           size_t groups)
{
        struct buf text[3] = { { 0 } }, message = { 0 };
        struct client_hello h;

        for (size_t i = 0; i < ciphers; i++)
                buf_printf(&text[0], "%zx ", i + 1);
        buf_printf(&text[1], "a ");
        for (size_t i = 1; i < extensions; i++)
                buf_printf(&text[1], "%zx ", i + 256);
        for (size_t i = 0; i < groups; i++)
                buf_printf(&text[2], "%zx ", i);
        for (int i = 0; i < 3; i++)
                buf_put_byte(&text[i], 0);
        enum client_hello_result result =
            parse(&(struct hello_parts){ .ciphers = (char *)text[0].data,
                                         .extensions = (char *)text[1].data,
                                         .groups = (char *)text[2].data },
                  &message, &h);
        for (int i = 0; i < 3; i++)
                buf_free(&text[i]);
        buf_free(&message);
        return result;
}

static void test_caps(void **state)
{
        (void)state;
        assert_int_equal(parse_many(CLIENT_HELLO_CIPHERS_MAX, CLIENT_HELLO_EXTENSIONS_MAX,
                                    CLIENT_HELLO_LIST_MAX),
                         CLIENT_HELLO_OK);
        assert_int_equal(parse_many(CLIENT_HELLO_CIPHERS_MAX + 1, 1, 1),
                         CLIENT_HELLO_TOO_MANY);
        assert_int_equal(parse_many(1, CLIENT_HELLO_EXTENSIONS_MAX + 1, 1),
                         CLIENT_HELLO_TOO_MANY);
        assert_int_equal(parse_many(1, 1, CLIENT_HELLO_LIST_MAX + 1),
                         CLIENT_HELLO_TOO_MANY);
}

static void test_recorded(void **state)
{
        struct buf file = { 0 };
        struct client_hello h;

        (void)state;
        read_capture("chromium.tls", &file);
        assert_int_equal(client_hello_parse(recorded_message(&file), &h),
                         CLIENT_HELLO_OK);
        assert_slice(h.server_name, "shop.example");
        assert_slice(h.alpn, "h2");
        assert_true(h.ech); /* its dummy */
        assert_true(tls_is_grease(h.extensions[0]));
        buf_free(&file);
        read_capture("openssl-plain.tls", &file);
        assert_int_equal(client_hello_parse(recorded_message(&file), &h),
                         CLIENT_HELLO_OK);
        assert_false(h.has_server_name);
        assert_false(h.ech);
        assert_int_equal(h.version_highest, 0x0303);
        buf_free(&file);
}

/* RFC 8446 4.1.2: a session id of up to 32 bytes; ciphers in pairs, one at least. */
static void test_fixed_part(void **state)
{
        static const struct {
                size_t session, ciphers, compressions;
                unsigned version;
                enum client_hello_result result;
        } rows[] = {
                { 32, 2, 1, 0x0303, CLIENT_HELLO_OK },
                { 33, 2, 1, 0x0303, CLIENT_HELLO_MALFORMED },
                { 0, 0, 1, 0x0303, CLIENT_HELLO_MALFORMED },
                { 0, 3, 1, 0x0303, CLIENT_HELLO_MALFORMED },
                { 0, 2, 0, 0x0303, CLIENT_HELLO_MALFORMED },
                { 0, 2, 2, 0x0301, CLIENT_HELLO_OK },
                { 0, 2, 1, 0x0203, CLIENT_HELLO_MALFORMED },
        };
        static const uint8_t bytes[64];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf body = { 0 }, message = { 0 };
                struct client_hello h;
                put_be(&body, rows[i].version, 2);
                buf_put(&body, bytes, 32);
                put_be(&body, rows[i].session, 1);
                buf_put(&body, bytes, rows[i].session);
                put_be(&body, rows[i].ciphers, 2);
                buf_put(&body, bytes, rows[i].ciphers);
                put_be(&body, rows[i].compressions, 1);
                buf_put(&body, bytes, rows[i].compressions);
                put_be(&message, 1, 1);
                put_vector(&message, 3, &body);
                assert_int_equal(client_hello_parse(buf_slice(&message), &h),
                                 rows[i].result);
                buf_free(&body);
                buf_free(&message);
        }
}

static void test_grease(void **state)
{
        unsigned count = 0;

        (void)state;
        for (unsigned i = 0; i < 65536; i++)
                count += tls_is_grease((uint16_t)i);
        assert_int_equal(count, 16); /* RFC 8701 2 */
        assert_true(tls_is_grease(0x0a0a) && tls_is_grease(0xfafa));
        assert_false(tls_is_grease(0x0a1a));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_every_cut_is_malformed),
                cmocka_unit_test(test_wrong_bytes_stay_inside),
                cmocka_unit_test(test_without_extensions),
                cmocka_unit_test(test_bad_bodies),
                cmocka_unit_test(test_first_of_two),
                cmocka_unit_test(test_caps),
                cmocka_unit_test(test_recorded),
                cmocka_unit_test(test_fixed_part),
                cmocka_unit_test(test_grease),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
