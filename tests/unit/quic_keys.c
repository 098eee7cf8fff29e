/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/hello_maker.h"
#include "unit/quic_maker.h"

static struct quic_crypto *crypto;

static void assert_hex(const uint8_t *bytes, const char *hex)
{
        struct buf expected = { 0 };

        put_hex(&expected, hex);
        assert_memory_equal(bytes, expected.data, expected.len);
        buf_free(&expected);
}

static const uint8_t rfc_id[] = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 };

/* RFC 9001 A.1 and RFC 9369 A.1 */
static void test_published_keys(void **state)
{
        struct slice id = slice_of(rfc_id, sizeof(rfc_id));
        struct quic_keys keys;

        (void)state;
        quic_keys_derive(crypto, quic_maker_version(QUIC_MAKER_V1), id, &keys);
        assert_hex(keys.key, "1f369613dd76d5467730efcbe3b1a22d");
        assert_hex(keys.iv, "fa044b2f42a3fd3b46fb255c");
        assert_hex(keys.mask, "9f50449e04a0e810283a1e9933adedd2");
        quic_keys_derive(crypto, quic_maker_version(QUIC_MAKER_V2), id, &keys);
        assert_hex(keys.key, "8b1a0bc121284290a29e0971b5cd045d");
        assert_hex(keys.iv, "91f73e2351d8fa91660e909f");
        assert_hex(keys.mask, "45b95e15235d6f45a6b19cbcb0294ba9");
}

static void open_file(const char *name, struct buf *file, struct quic_packet *p,
                      struct quic_keys *keys)
{
        struct slice rest, datagram;

        read_capture(name, file);
        rest = buf_slice(file);
        assert_true(next_datagram(&rest, &datagram));
        assert_int_equal(quic_packet_next(&datagram, p), QUIC_PACKET_LONG);
        quic_keys_derive(crypto, p->version, p->destination_id, keys);
}

/* The client's Initial of RFC 9001 A.2 and of RFC 9369 A.2: the same frame in both. */
static void test_published_packets(void **state)
{
        static const char *const names[] = { "rfc9001.quic", "rfc9369.quic" };
        uint8_t plain[1200];

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct buf file = { 0 };
                struct quic_packet p;
                struct quic_keys keys;
                open_file(names[i], &file, &p, &keys);
                struct slice frames = quic_open(crypto, &keys, &p, plain);
                assert_int_equal(frames.len, 1162);
                assert_hex(frames.data,
                           "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863");
                assert_int_equal(frames.data[245 + 4], 0);
                buf_free(&file);
        }
}

/* Any bit of the packet that differs, and any other key. */
static void test_changed_packets(void **state)
{
        struct buf file = { 0 };
        struct quic_packet p;
        struct quic_keys keys, wrong;
        uint8_t plain[1200];

        (void)state;
        open_file("rfc9001.quic", &file, &p, &keys);
        for (size_t i = 0; i < p.bytes.len; i++) {
                uint8_t *byte = &file.data[2 + i];
                *byte ^= 1;
                assert_true(slice_is_none(quic_open(crypto, &keys, &p, plain)));
                *byte ^= 1;
        }
        quic_keys_derive(crypto, p.version, slice_str("another"), &wrong);
        assert_true(slice_is_none(quic_open(crypto, &wrong, &p, plain)));
        assert_false(slice_is_none(quic_open(crypto, &keys, &p, plain)));
        buf_free(&file);
}

static void test_short_packets(void **state)
{
        struct buf file = { 0 };
        struct quic_packet p;
        struct quic_keys keys;
        uint8_t plain[1200];

        (void)state;
        open_file("rfc9001.quic", &file, &p, &keys);
        for (size_t len = 0; len <= 40; len++) {
                struct quic_packet cut = p;
                uint8_t *copy = malloc(p.number_at + len);
                memcpy(copy, p.bytes.data, p.number_at + len);
                cut.bytes = slice_of(copy, p.number_at + len);
                assert_true(slice_is_none(quic_open(crypto, &keys, &cut, plain)));
                free(copy);
        }
        buf_free(&file);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published_keys),
                cmocka_unit_test(test_published_packets),
                cmocka_unit_test(test_changed_packets),
                cmocka_unit_test(test_short_packets),
        };
        crypto = quic_crypto_new();
        int failed = crypto ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
        quic_crypto_free(&crypto);
        return failed;
}
