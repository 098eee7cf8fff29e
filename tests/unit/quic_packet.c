/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/quic_packet.h"
#include "unit/hello_maker.h"

static enum quic_packet_result first(const char *hex, struct quic_packet *p)
{
        struct buf bytes = { 0 };

        put_hex(&bytes, hex);
        struct slice datagram = buf_slice(&bytes);
        enum quic_packet_result result = quic_packet_next(&datagram, p);
        buf_free(&bytes);
        return result;
}

static void test_kinds(void **state)
{
        static const struct {
                const char *hex;
                enum quic_packet_result result;
                bool is_initial;
        } rows[] = {
                { "c000000001 00 00 00 01 ff", QUIC_PACKET_LONG, true },
                { "d06b3343cf 00 00 00 01 ff", QUIC_PACKET_LONG, true },
                { "c06b3343cf 00 00 00 01 ff", QUIC_PACKET_NONE, false }, /* Retry */
                { "f000000001 00 00 00 01 ff", QUIC_PACKET_NONE, false }, /* Retry */
                { "d000000001 00 00 01 ff", QUIC_PACKET_LONG, false },    /* 0-RTT */
                { "e000000001 00 00 01 ff", QUIC_PACKET_LONG, false },    /* Handshake */
                { "f06b3343cf 00 00 01 ff", QUIC_PACKET_LONG, false },    /* Handshake */
                { "4000000001 00 00 01 ff", QUIC_PACKET_NONE, false },    /* short */
                { "", QUIC_PACKET_NONE, false },
                { "c000000000 00 00 00000001", QUIC_PACKET_UNKNOWN_VERSION, false },
                { "c01a2a3a4a 00 00 00 01 ff", QUIC_PACKET_UNKNOWN_VERSION, false },
                { "8000000001 00 00 00 01 ff", QUIC_PACKET_MALFORMED,
                  false }, /* fixed bit */
                { "c000000001 15 00 00 01 ff", QUIC_PACKET_MALFORMED, false },
                { "c000000001 00 00 00 02 ff", QUIC_PACKET_MALFORMED, false },
                { "c000000001 00 00 4040 01 ff", QUIC_PACKET_MALFORMED, false },
                { "c000000001 00 00 ffffffffffffffff", QUIC_PACKET_MALFORMED, false },
                { "c0000000", QUIC_PACKET_MALFORMED, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char hex[128], *to = hex;
                struct quic_packet p = { .is_initial = false };
                for (const char *from = rows[i].hex; *from; from++)
                        if (*from != ' ')
                                *to++ = *from;
                *to = '\0';
                assert_int_equal(first(hex, &p), rows[i].result);
                if (rows[i].result == QUIC_PACKET_LONG)
                        assert_int_equal(p.is_initial, rows[i].is_initial);
        }
}

static void test_coalesced(void **state)
{
        struct buf bytes = { 0 };
        struct quic_packet p;

        (void)state;
        put_hex(&bytes, "c000000001"
                        "03616263"
                        "0178"
                        "026465"
                        "4003"
                        "f1f2f3");
        put_hex(&bytes, "e000000001"
                        "00"
                        "00"
                        "02"
                        "f4f5");
        put_hex(&bytes, "40ffff");
        struct slice rest = buf_slice(&bytes);
        assert_int_equal(quic_packet_next(&rest, &p), QUIC_PACKET_LONG);
        assert_slice(p.destination_id, "abc");
        assert_slice(p.source_id, "x");
        assert_slice(p.token, "de");
        assert_int_equal(p.bytes.len, 19);
        assert_int_equal(p.bytes.data[p.number_at], 0xf1);
        assert_int_equal(quic_packet_next(&rest, &p), QUIC_PACKET_LONG);
        assert_false(p.is_initial);
        assert_int_equal(p.bytes.len, 10);
        assert_int_equal(quic_packet_next(&rest, &p), QUIC_PACKET_NONE);
        buf_free(&bytes);
}

/* A header cut anywhere is never read past its end. */
static void test_cut(void **state)
{
        struct buf file = { 0 };

        (void)state;
        read_capture("rfc9001.quic", &file);
        for (size_t len = 1; len < 1200; len++) {
                uint8_t *copy = malloc(len);
                struct quic_packet p;
                memcpy(copy, file.data + 2, len);
                struct slice rest = slice_of(copy, len);
                assert_int_equal(quic_packet_next(&rest, &p), QUIC_PACKET_MALFORMED);
                free(copy);
        }
        buf_free(&file);
}

/* What the frames of a payload are, as letters: C crypto, o other, e end, m malformed. */
static void assert_frames(const char *hex, const char *letters)
{
        static const char names[] = { 'C', 'o', 'e', 'm' };
        struct buf bytes = { 0 };
        enum quic_frame_result result;
        char seen[32];
        size_t count = 0;

        put_hex(&bytes, hex);
        struct slice rest = buf_slice(&bytes);
        do {
                struct slice data;
                uint64_t offset;
                result = quic_frame_next(&rest, &offset, &data);
                seen[count++] = names[result];
                if (result == QUIC_FRAME_CRYPTO) {
                        assert_int_equal(offset, 0x105);
                        assert_slice(data, "xyz");
                }
        } while (result == QUIC_FRAME_CRYPTO || result == QUIC_FRAME_OTHER);
        seen[count] = '\0';
        assert_string_equal(seen, letters);
        buf_free(&bytes);
}

static void test_frames(void **state)
{
        (void)state;
        assert_frames("", "e");
        assert_frames("000000", "oe");
        assert_frames("01000001", "oooe");
        assert_frames("0641050378797a", "Ce");
        assert_frames("00000641050378797a01"
                      "0641050378797a",
                      "oCoCe");
        assert_frames("02"
                      "05"
                      "00"
                      "01"
                      "02"
                      "0304"
                      "01",
                      "ooe");
        assert_frames("03"
                      "05"
                      "00"
                      "00"
                      "02"
                      "010203"
                      "01",
                      "ooe");
        assert_frames("1c"
                      "4101"
                      "06"
                      "02"
                      "6162"
                      "01",
                      "ooe");
        assert_frames("064105047879", "m"); /* longer than the packet */
        assert_frames("0641", "m");
        assert_frames("02050041ff", "m"); /* more ranges than bytes */
        assert_frames("0205003fff", "m");
        assert_frames("02", "m");
        assert_frames("08", "m"); /* STREAM is not for an Initial */
        assert_frames("1d0000", "m");
        assert_frames("4006"
                      "4105"
                      "03"
                      "78797a",
                      "Ce"); /* two bytes for the type */
        assert_frames("02"
                      "00"
                      "00"
                      "ffffffffffffffff"
                      "00",
                      "m");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_coalesced),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_frames),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
