/* SPDX-License-Identifier: MIT */
/*
 * Frames are written as hex, header by header, so that a reader can follow them
 * beside the standard. Every frame is also decoded cut at each length, from a
 * block that ends where the frame does.
 */
#include "unit/unit.h"

#include "packet/frame.h"

#include <stdio.h>
#include <stdlib.h>

#define MACS "02000000000102000000000a"
#define IP4  "4500002a00004000400600000a000001c0000201" /* 42 bytes: TCP and two more */
#define IP6                                                                              \
        "600000000016064020010db800000000000000000000000120010db80000000000000000000000" \
        "02"
#define TCP                                    \
        "1f90c0de000003e8000007d0501800000000" \
        "0000" /* 8080 to 49374 */
#define HELLO "6869"

static size_t from_hex(const char *hex, uint8_t *out)
{
        size_t len = 0;

        for (; hex[0] && hex[1]; hex += 2) {
                unsigned value;
                assert_int_equal(sscanf(hex, "%2x", &value), 1);
                out[len++] = (uint8_t)value;
        }
        return len;
}

static enum frame_result decode(int link, const char *hex, struct segment *segment)
{
        static uint8_t bytes[2048];
        size_t len = from_hex(hex, bytes);

        /* Cut anywhere: no byte past the end is read, no wrong segment comes out. */
        for (size_t cut = 0; cut < len; cut++) {
                uint8_t *copy = malloc(cut ? cut : 1);
                struct segment ignored;
                memcpy(copy, bytes, cut);
                frame_decode(link, slice_of(copy, cut), (uint32_t)len, true, &ignored);
                frame_decode(link, slice_of(copy, cut), (uint32_t)cut, true, &ignored);
                free(copy);
        }
        memset(segment, 0, sizeof(*segment));
        return frame_decode(link, slice_of(bytes, len), (uint32_t)len, false, segment);
}

static void assert_hello(int link, const char *hex, const char *source)
{
        struct segment segment;
        char text[IP_TEXT_MAX];

        assert_int_equal(decode(link, hex, &segment), FRAME_SEGMENT);
        ip_format(&segment.source, text);
        assert_string_equal(text, source);
        assert_int_equal(segment.source_port, 8080);
        assert_int_equal(segment.destination_port, 49374);
        assert_int_equal(segment.seq, 1000);
        assert_int_equal(segment.ack, 2000);
        assert_int_equal(segment.flags, SEGMENT_ACK | SEGMENT_PSH);
        assert_int_equal(segment.length, 2);
        assert_slice(segment.payload, "hi");
}

static void test_links(void **state)
{
        (void)state;
        assert_hello(FRAME_LINK_ETHERNET, MACS "0800" IP4 TCP HELLO, "10.0.0.1");
        assert_hello(FRAME_LINK_ETHERNET, MACS "86dd" IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_ETHERNET, MACS "8100000a0800" IP4 TCP HELLO, "10.0.0.1");
        assert_hello(FRAME_LINK_ETHERNET, MACS "88a8000b8100000a86dd" IP6 TCP HELLO,
                     "2001:db8::1");
        assert_hello(FRAME_LINK_SLL, "00000001000602000000000100000800" IP4 TCP HELLO,
                     "10.0.0.1");
        assert_hello(FRAME_LINK_SLL2,
                     "080000000000000200010006020000000001"
                     "0000" IP4 TCP HELLO,
                     "10.0.0.1");
        assert_hello(FRAME_LINK_NULL, "02000000" IP4 TCP HELLO, "10.0.0.1");
        assert_hello(FRAME_LINK_NULL, "00000002" IP4 TCP HELLO, "10.0.0.1");
        assert_hello(FRAME_LINK_NULL, "1e000000" IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_LOOP, "00000018" IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_RAW, IP4 TCP HELLO, "10.0.0.1");
        assert_hello(FRAME_LINK_IPV6, IP6 TCP HELLO, "2001:db8::1");
}

static void test_padding_is_not_payload(void **state)
{
        (void)state;
        assert_hello(FRAME_LINK_ETHERNET, MACS "0800" IP4 TCP HELLO "000000000000",
                     "10.0.0.1");
}

static void test_extension_headers(void **state)
{
        /* Hop by hop, destination options, an atomic fragment, routing. */
        const char *chain = "600000000036004020010db8000000000000000000000001"
                            "20010db8000000000000000000000002"
                            "3c00010400000000"
                            "2c00010400000000"
                            "2b00000000000001"
                            "0600000000000000" TCP HELLO;
        /* Mobility, host identity, shim6, authentication: its length counts in fours. */
        const char *rare = "60000000004e874020010db8000000000000000000000001"
                           "20010db8000000000000000000000002"
                           "8b010000000000000000000000000000"
                           "8c00000000000000"
                           "3300000000000000"
                           "060400000000000000000000000000000000000000000000" TCP HELLO;

        (void)state;
        assert_hello(FRAME_LINK_RAW, chain, "2001:db8::1");
        assert_hello(FRAME_LINK_RAW, rare, "2001:db8::1");
}

static void test_offload_leaves_a_length_of_zero(void **state)
{
        (void)state;
        assert_hello(FRAME_LINK_RAW, "4500000000004000400600000a000001c0000201" TCP HELLO,
                     "10.0.0.1");
}

static void test_what_is_no_segment(void **state)
{
        static const struct {
                enum frame_result result;
                const char *hex;
        } cases[] = {
                { FRAME_NOT_IP, MACS "0806"
                                     "0001080006040001" },
                { FRAME_NOT_TCP, MACS "0800"
                                      "450000140000400040110000"
                                      "0a000001c0000201" },
                { FRAME_FRAGMENT, MACS "0800"
                                       "4500002a0000200040060000"
                                       "0a000001c0000201" TCP HELLO },
                { FRAME_FRAGMENT, MACS "0800"
                                       "4500002a0000000140060000"
                                       "0a000001c0000201" TCP HELLO },
                /* Header length below 20; total length past the frame; data offset. */
                { FRAME_MALFORMED, MACS "0800"
                                        "4400002a0000400040060000"
                                        "0a000001c0000201" TCP HELLO },
                { FRAME_MALFORMED, MACS "0800"
                                        "4500012a0000400040060000"
                                        "0a000001c0000201" TCP HELLO },
                { FRAME_MALFORMED,
                  MACS "0800" IP4 "1f90c0de000003e8000007d04018000000000000" HELLO },
                { FRAME_MALFORMED,
                  MACS "0800" IP4 "1f90c0de000003e8000007d0f018000000000000" HELLO },
                { FRAME_TOO_DEEP, MACS "81000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "81000001"
                                       "0800" },
        };
        struct segment segment;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(decode(FRAME_LINK_ETHERNET, cases[i].hex, &segment),
                                 cases[i].result);
        assert_int_equal(decode(105, MACS "0800" IP4 TCP HELLO, &segment), FRAME_NOT_IP);
        assert_false(frame_link_is_known(105));
        assert_true(frame_link_is_known(FRAME_LINK_SLL2));
}

static void test_snapshot_length(void **state)
{
        uint8_t bytes[128];
        size_t len = from_hex(MACS "0800" IP4 TCP HELLO, bytes);
        struct segment segment;

        (void)state;
        assert_int_equal(frame_decode(FRAME_LINK_ETHERNET, slice_of(bytes, len - 1),
                                      (uint32_t)len, false, &segment),
                         FRAME_SEGMENT);
        assert_slice(segment.payload, "h");
        assert_int_equal(segment.length, 2);
        assert_int_equal(frame_decode(FRAME_LINK_ETHERNET, slice_of(bytes, 40),
                                      (uint32_t)len, false, &segment),
                         FRAME_TRUNCATED);
}

/* The checksums come from a second implementation of RFC 1071, in another language. */
static void test_checksums(void **state)
{
        const char *good4 = IP4 "1f90c0de000003e8000007d0501800008f380000" HELLO;
        const char *good6 = IP6 "1f90c0de000003e8000007d050180000ffc50000" HELLO;
        const char *const both[] = { good4, good6 };
        uint8_t bytes[128];
        struct segment segment;

        (void)state;
        for (int i = 0; i < 2; i++) {
                size_t len = from_hex(both[i], bytes);
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, true, &segment),
                                 FRAME_SEGMENT);
                bytes[len - 1] ^= 1;
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, true, &segment),
                                 FRAME_BAD_CHECKSUM);
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, false, &segment),
                                 FRAME_SEGMENT);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_links),
                cmocka_unit_test(test_padding_is_not_payload),
                cmocka_unit_test(test_extension_headers),
                cmocka_unit_test(test_offload_leaves_a_length_of_zero),
                cmocka_unit_test(test_what_is_no_segment),
                cmocka_unit_test(test_snapshot_length),
                cmocka_unit_test(test_checksums),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
