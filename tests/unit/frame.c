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

static const struct frame_options trusting, verifying = { .verify = true };

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

static enum frame_result decode(int link, const char *hex, union frame *found)
{
        static uint8_t bytes[4096];
        size_t len = from_hex(hex, bytes);

        /* Cut anywhere: no byte past the end is read, no wrong segment comes out. */
        for (size_t cut = 0; cut < len; cut++) {
                uint8_t *copy = malloc(cut ? cut : 1);
                union frame ignored;
                memcpy(copy, bytes, cut);
                frame_decode(link, slice_of(copy, cut), (uint32_t)len, &verifying,
                             &ignored);
                frame_decode(link, slice_of(copy, cut), (uint32_t)cut, &verifying,
                             &ignored);
                free(copy);
        }
        memset(found, 0, sizeof(*found));
        return frame_decode(link, slice_of(bytes, len), (uint32_t)len, &trusting, found);
}

static void assert_hello(int link, const char *hex, const char *source)
{
        union frame found;
        struct segment segment;
        char text[IP_TEXT_MAX];

        assert_int_equal(decode(link, hex, &found), FRAME_SEGMENT);
        segment = found.segment;
        ip_format(&segment.source, text);
        assert_string_equal(text, source);
        assert_int_equal(segment.source_port, 8080);
        assert_int_equal(segment.destination_port, 49374);
        assert_int_equal(segment.seq, 1000);
        assert_int_equal(segment.ack, 2000);
        assert_int_equal(segment.flags, SEGMENT_ACK | SEGMENT_PSH);
        assert_int_equal(segment.length, 2);
        assert_slice(segment.payload, "hi");
        assert_int_equal(segment.ttl, 64);
        assert_int_equal(segment.options.len, 0);
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

/* What a SYN tells of its sender: options, window, and hops that are left. */
static void test_shape_of_the_sender(void **state)
{
        static const struct {
                const char *ip;
                uint8_t ttl;
        } rows[] = {
                { "450000300000400039060000"
                  "0a000001c0000201",
                  0x39 },
                { "60000000001c0680"
                  "20010db8000000000000000000000001"
                  "20010db8000000000000000000000002",
                  0x80 },
        };
        union frame frame;
        const struct segment *segment = &frame.segment;

        (void)state;
        for (int i = 0; i < 2; i++) {
                char hex[300];
                snprintf(hex, sizeof(hex), "%s%s", rows[i].ip,
                         "c0de1f90000003e8000000007002faf000000000"
                         "020405b401010402");
                assert_int_equal(decode(FRAME_LINK_RAW, hex, &frame), FRAME_SEGMENT);
                assert_int_equal(segment->ttl, rows[i].ttl);
                assert_int_equal(segment->window, 0xfaf0);
                assert_int_equal(segment->options.len, 8);
                assert_memory_equal(segment->options.data, "\2\4\5\264\1\1\4\2", 8);
                assert_int_equal(segment->length, 0);
        }
}

static void test_padding_is_not_payload(void **state)
{
        (void)state;
        assert_hello(FRAME_LINK_ETHERNET, MACS "0800" IP4 TCP HELLO "000000000000",
                     "10.0.0.1");
        assert_hello(FRAME_LINK_ETHERNET, MACS "86dd" IP6 TCP HELLO "0000",
                     "2001:db8::1");
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

/* Outer headers; lengths of zero leave it to the frame's. */
#define OUT4(protocol) "4500000000004000ff" protocol "0000c6336407c6336408"
#define OUT6(protocol)                                                             \
        "600000000000" protocol "ff20010db80000000000000000000000aa20010db8000000" \
        "0000000000000000bb"
#define UDP(port) "c001" port "00000000"
#define VXLAN     UDP("12b5") "0800000000002a00"
#define INNER     MACS "0800" IP4 TCP HELLO

static void test_tunnels(void **state)
{
        static const char *const cases[] = {
                OUT4("11") VXLAN INNER,
                OUT6("11") VXLAN INNER,
                OUT4("11") UDP("2118") "0800000000002a00" INNER,
                OUT4("11") VXLAN MACS "8100000a0800" IP4 TCP HELLO,
                /* GRE: plain, checksum, key, sequence number, in UDP, all of them,
                   Ethernet. */
                OUT4("2f") "00000800" IP4 TCP HELLO,
                OUT4("2f") "8000080012340000" IP4 TCP HELLO,
                OUT4("2f") "200008000000002a" IP4 TCP HELLO,
                OUT4("2f") "1000080000000007" IP4 TCP HELLO,
                OUT4("11") UDP("1292") "2000080000000007" IP4 TCP HELLO,
                OUT4("2f") "b0000800123400000000002a00000007" IP4 TCP HELLO,
                OUT6("2f") "00006558" INNER,
                /* ERSPAN I, II, III, III with a subheader, III with an IP packet. */
                OUT4("2f") "000088be" INNER,
                OUT4("2f") "100088be00000007"
                           "1001000000000000" INNER,
                OUT4("2f") "100022eb00000007"
                           "200100000000000000000000" INNER,
                OUT4("2f") "100022eb00000007"
                           "200100000000000000000001"
                           "0000000000000000" INNER,
                OUT4("2f") "100022eb00000007"
                           "200100000000000000000800" IP4 TCP HELLO,
                /* Geneve: no options, two words of them, an IP packet. */
                OUT4("11") UDP("17c1") "0000655800002a00" INNER,
                OUT4("11") UDP("17c1") "0200655800002a00"
                                       "0102030405060708" INNER,
                OUT4("11") UDP("17c1") "0000080000002a00" IP4 TCP HELLO,
                /* IP in IP. */
                OUT4("04") IP4 TCP HELLO,
                OUT6("04") IP4 TCP HELLO,
                /* MPLS in IP. */
                OUT4("89") "0001004000002140" IP4 TCP HELLO,
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_hello(FRAME_LINK_RAW, cases[i], "10.0.0.1");
        assert_hello(FRAME_LINK_RAW, OUT4("29") IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_RAW, OUT6("29") IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_RAW, OUT4("2f") "000086dd" IP6 TCP HELLO, "2001:db8::1");
        assert_hello(FRAME_LINK_RAW,
                     OUT4("11") UDP("17c1") "000086dd00002a00" IP6 TCP HELLO,
                     "2001:db8::1");
}

static void test_authentication_header(void **state)
{
        union frame found;

        (void)state;
        assert_int_equal(decode(FRAME_LINK_RAW,
                                OUT4("33") "0604000000000001000000011234567"
                                           "89abcdef011223344" TCP HELLO,
                                &found),
                         FRAME_SEGMENT);
        assert_slice(found.segment.payload, "hi");
        assert_int_equal(found.segment.ttl, 255);
}

static void test_shims(void **state)
{
        (void)state;
        assert_hello(FRAME_LINK_ETHERNET,
                     MACS "8847"
                          "0001004000002140" IP4 TCP HELLO,
                     "10.0.0.1");
        assert_hello(FRAME_LINK_ETHERNET,
                     MACS "8848"
                          "00002140" IP6 TCP HELLO,
                     "2001:db8::1");
        assert_hello(FRAME_LINK_ETHERNET,
                     MACS "8864"
                          "11000001002c"
                          "0021" IP4 TCP HELLO,
                     "10.0.0.1");
        /* The length of PPPoE ends it before the padding. */
        assert_hello(FRAME_LINK_ETHERNET,
                     MACS "8100000a8864"
                          "11000001"
                          "0040"
                          "0057" IP6 TCP HELLO "0000",
                     "2001:db8::1");
}

static void test_tunnels_within_tunnels(void **state)
{
        const char *four = OUT4("11") VXLAN MACS "0800" OUT4("11") VXLAN MACS
            "0800" OUT4("11") VXLAN MACS "0800" OUT4("11") VXLAN INNER;
        const char *five =
            OUT4("04") OUT4("04") OUT4("04") OUT4("04") OUT4("04") IP4 TCP HELLO;
        union frame found;

        (void)state;
        assert_hello(FRAME_LINK_RAW, four, "10.0.0.1");
        assert_int_equal(decode(FRAME_LINK_RAW, five, &found), FRAME_TOO_DEEP);
}

/* ---- whose tunnels are unwrapped ---- */

static enum frame_result decode_from(const char *sources, const char *hex)
{
        struct network networks[4];
        struct frame_options options = { .tunnel_sources = networks };
        struct slice left = slice_str(sources);
        uint8_t bytes[1024];
        union frame found;

        while (left.len) {
                size_t end = slice_find(left, ' ');
                assert_true(network_parse(slice_first(left, end),
                                          &networks[options.tunnel_source_count++],
                                          NULL));
                left = slice_from(left, end < left.len ? end + 1 : end);
        }
        size_t len = from_hex(hex, bytes);
        return frame_decode(FRAME_LINK_RAW, slice_of(bytes, len), (uint32_t)len, &options,
                            &found);
}

/* OUT4 comes from 198.51.100.7, OUT6 from 2001:db8::aa, IP4 from 10.0.0.1. */
static void test_tunnel_sources(void **state)
{
        static const char *const tunnels[] = {
                OUT4("11") VXLAN INNER,
                OUT4("11") UDP("17c1") "0000655800002a00" INNER,
                OUT4("2f") "00000800" IP4 TCP HELLO,
                OUT4("11") UDP("1292") "00000800" IP4 TCP HELLO,
                OUT4("2f") "000088be" INNER,
                OUT4("2f") "100088be000000071001000000000000" INNER,
                OUT4("2f") "100022eb00000007200100000000000000000000" INNER,
                OUT4("04") IP4 TCP HELLO,
                OUT4("29") IP6 TCP HELLO,
                OUT4("89") "0001004000002140" IP4 TCP HELLO,
        };

        (void)state;
        for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
                const char *hex = tunnels[i];
                assert_int_equal(decode_from("198.51.100.7", hex), FRAME_SEGMENT);
                assert_int_equal(decode_from("2001:db8::/32 198.51.100.0/24", hex),
                                 FRAME_SEGMENT);
                assert_int_equal(decode_from("198.51.100.8 10.0.0.1", hex),
                                 FRAME_TUNNEL_REFUSED);
                assert_int_equal(decode_from("", hex), FRAME_TUNNEL_REFUSED);
        }
        assert_int_equal(decode_from("2001:db8::aa", OUT6("04") IP4 TCP HELLO),
                         FRAME_SEGMENT);
        assert_int_equal(decode_from("2001:db8::ab", OUT6("04") IP4 TCP HELLO),
                         FRAME_TUNNEL_REFUSED);
        /* Each of two has to be believed. */
        const char *nested = OUT4("11") VXLAN MACS "86dd" OUT6("04") IP4 TCP HELLO;
        assert_int_equal(decode_from("198.51.100.7 2001:db8::aa", nested), FRAME_SEGMENT);
        assert_int_equal(decode_from("198.51.100.7", nested), FRAME_TUNNEL_REFUSED);
        assert_int_equal(decode_from("2001:db8::aa", nested), FRAME_TUNNEL_REFUSED);
        /* What is no tunnel does not ask. */
        assert_int_equal(decode_from("", IP4 TCP HELLO), FRAME_SEGMENT);
        assert_int_equal(decode_from("", OUT4("11") "01bb12b5000a0000" HELLO),
                         FRAME_DATAGRAM);
}

/* A tunnel whose outer packet came in fragments. */
static void test_tunnel_source_of_fragments(void **state)
{
        uint8_t bytes[64];
        size_t len = from_hex(IP4 TCP HELLO, bytes);
        struct network believed;
        struct frame_options options = { .tunnel_sources = &believed,
                                         .tunnel_source_count = 1 };
        struct fragment whole = { .protocol = 4,
                                  .is_last = true,
                                  .length = (uint32_t)len,
                                  .bytes = slice_of(bytes, len) };
        union frame found;

        (void)state;
        ip_parse(slice_str("192.0.2.7"), &whole.source);
        network_parse(slice_str("192.0.2.7"), &believed, NULL);
        assert_int_equal(frame_resume(&whole, &options, &found), FRAME_SEGMENT);
        network_parse(slice_str("10.0.0.1"), &believed, NULL);
        assert_int_equal(frame_resume(&whole, &options, &found), FRAME_TUNNEL_REFUSED);
}

/* A mirror cuts what it wraps; the outer headers are right about what is there. */
static void test_packets_cut_by_a_mirror(void **state)
{
        union frame found;

        (void)state;
        assert_int_equal(decode(FRAME_LINK_RAW,
                                OUT4("11") VXLAN MACS "0800"
                                                      "450000640000400040060000"
                                                      "0a000001c0000201" TCP HELLO,
                                &found),
                         FRAME_SEGMENT);
        assert_slice(found.segment.payload, "hi");
        assert_int_equal(found.segment.length, 60);
}

static void test_datagrams(void **state)
{
        static const struct {
                const char *hex;
                const char *payload;
        } cases[] = {
                { "45000000000000004011"
                  "0000"
                  "0a000001c0000201"
                  "01bb8235000a0000" HELLO,
                  "hi" },
                /* The length of UDP ends it; of the ports of tunnels, it is none. */
                { OUT4("11") "01bb8235000a0000" HELLO "0000", "hi" },
                { OUT6("11") "01bb12b500120000"
                             "00"
                             "616263646566676869",
                  NULL },
                { OUT4("11") "01bb12b5000a0000" HELLO, "hi" },
        };
        union frame found;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(decode(FRAME_LINK_RAW, cases[i].hex, &found),
                                 FRAME_DATAGRAM);
                assert_int_equal(found.datagram.source_port, 443);
                assert_int_equal(found.datagram.length, found.datagram.payload.len);
                if (cases[i].payload)
                        assert_slice(found.datagram.payload, cases[i].payload);
        }
        assert_int_equal(found.datagram.destination_port, 4789);
        assert_int_equal(
            decode(FRAME_LINK_RAW, OUT4("11") "01bb823500070000" HELLO, &found),
            FRAME_MALFORMED);
        assert_int_equal(
            decode(FRAME_LINK_RAW, OUT4("11") "01bb823500400000" HELLO, &found),
            FRAME_MALFORMED);
        /* PPTP and source routes; an ERSPAN frame of another kind. */
        assert_int_equal(decode(FRAME_LINK_RAW, OUT4("2f") "2001880b00000000", &found),
                         FRAME_NOT_TCP);
        assert_int_equal(decode(FRAME_LINK_RAW,
                                OUT4("2f") "100022eb00000007"
                                           "200100000000000000000400" INNER,
                                &found),
                         FRAME_NOT_IP);
}

static void test_fragments(void **state)
{
        union frame found;

        (void)state;
        assert_int_equal(decode(FRAME_LINK_RAW,
                                OUT4("2f") "00000800"
                                           "4500001612342003400600000a000001c0000201"
                                           "6869",
                                &found),
                         FRAME_FRAGMENT);
        assert_int_equal(found.fragment.identification, 0x1234);
        assert_int_equal(found.fragment.offset, 24);
        assert_false(found.fragment.is_last);
        assert_false(found.fragment.is_ipv6);
        assert_int_equal(found.fragment.protocol, 6);
        assert_int_equal(found.fragment.tunnels, 1);
        assert_slice(found.fragment.bytes, "hi");
        assert_int_equal(decode(FRAME_LINK_RAW,
                                "60000000000a2c4020010db8000000000000000000000001"
                                "20010db8000000000000000000000002"
                                "0600001889abcdef"
                                "6869",
                                &found),
                         FRAME_FRAGMENT);
        assert_int_equal(found.fragment.identification, 0x89abcdef);
        assert_int_equal(found.fragment.offset, 24);
        assert_true(found.fragment.is_last);
        assert_true(found.fragment.is_ipv6);
        assert_int_equal(found.fragment.ttl, 64);
        assert_slice(found.fragment.bytes, "hi");
}

static void test_resume(void **state)
{
        uint8_t bytes[64];
        size_t len = from_hex(TCP HELLO, bytes);
        struct fragment whole = { .protocol = 6,
                                  .is_last = true,
                                  .ttl = 63,
                                  .length = (uint32_t)len,
                                  .bytes = slice_of(bytes, len) };
        union frame found;

        (void)state;
        ip_parse(slice_str("192.0.2.7"), &whole.source);
        assert_int_equal(frame_resume(&whole, &trusting, &found), FRAME_SEGMENT);
        assert_true(ip_equal(&found.segment.source, &whole.source));
        assert_slice(found.segment.payload, "hi");
        assert_int_equal(found.segment.ttl, 63);
        whole.is_ipv6 = true;
        whole.protocol = 4;
        whole.tunnels = FRAME_TUNNELS;
        assert_int_equal(frame_resume(&whole, &trusting, &found), FRAME_TOO_DEEP);
}

static void test_what_tcp_says(void **state)
{
        const char *hex = MACS "0800"
                               "450000360815400039060000"
                               "0a000001c0000201"
                               "1f90c0de000003e8000007d080182710beef0000"
                               "0101080a0000000100000002" HELLO;
        union frame found;

        (void)state;
        assert_int_equal(decode(FRAME_LINK_ETHERNET, hex, &found), FRAME_SEGMENT);
        assert_int_equal(found.segment.window, 10000);
        assert_int_equal(found.segment.checksum, 0xbeef);
        assert_int_equal(found.segment.identification, 0x0815);
        assert_int_equal(found.segment.ttl, 57);
        assert_int_equal(found.segment.options.len, 12);
        assert_int_equal(found.segment.options.data[2], 8);
        assert_slice(found.segment.payload, "hi");
}

/*
 * Ethernet takes a short way through the steps. A Linux cooked frame with the same
 * type and contents takes the long one and must end the same.
 */
static void test_the_short_way_is_the_same(void **state)
{
        static const char *const frames[] = {
                "0800" IP4 TCP HELLO,
                "0800" OUT4("11") VXLAN INNER,
                "86dd" IP6 TCP HELLO,
                "8100000a0800" IP4 TCP HELLO,
        };
        uint8_t ethernet[512], cooked[512];

        (void)state;
        srand(1);
        for (int i = 0; i < 100000; i++) {
                char hex[1024];
                union frame a, b;
                snprintf(hex, sizeof(hex), MACS "%s", frames[rand() % 4]);
                size_t len = from_hex(hex, ethernet) - 12;
                for (int flips = rand() % 4; flips > 0; flips--)
                        ethernet[12 + (size_t)rand() % len] ^= (uint8_t)(1 << rand() % 8);
                memset(cooked, 0, 14);
                memcpy(cooked + 14, ethernet + 12, len);
                size_t cut = rand() % 4 ? len : 2 + (size_t)rand() % (len - 1);
                memset(&a, 0, sizeof(a));
                memset(&b, 0, sizeof(b));
                enum frame_result result = frame_decode(
                    FRAME_LINK_ETHERNET, slice_of(ethernet, 12 + cut),
                    (uint32_t)(12 + len), i % 2 ? &verifying : &trusting, &a);
                assert_int_equal(result,
                                 frame_decode(FRAME_LINK_SLL, slice_of(cooked, 14 + cut),
                                              (uint32_t)(14 + len),
                                              i % 2 ? &verifying : &trusting, &b));
                if (result != FRAME_SEGMENT)
                        continue;
                assert_true(slice_equal(a.segment.payload, b.segment.payload));
                assert_true(slice_equal(a.segment.options, b.segment.options));
                a.segment.payload = b.segment.payload;
                a.segment.options = b.segment.options;
                assert_memory_equal(&a.segment, &b.segment, sizeof(a.segment));
        }
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
                                      "450000140000400040010000"
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
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "8100000181000001"
                                       "81000001"
                                       "0800" },
        };
        union frame found;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(decode(FRAME_LINK_ETHERNET, cases[i].hex, &found),
                                 cases[i].result);
        assert_int_equal(decode(105, MACS "0800" IP4 TCP HELLO, &found), FRAME_NOT_IP);
        assert_false(frame_link_is_known(105));
        assert_true(frame_link_is_known(FRAME_LINK_SLL2));
}

static void test_snapshot_length(void **state)
{
        uint8_t bytes[128];
        size_t len = from_hex(MACS "0800" IP4 TCP HELLO, bytes);
        union frame found;

        (void)state;
        assert_int_equal(frame_decode(FRAME_LINK_ETHERNET, slice_of(bytes, len - 1),
                                      (uint32_t)len, &trusting, &found),
                         FRAME_SEGMENT);
        assert_slice(found.segment.payload, "h");
        assert_int_equal(found.segment.length, 2);
        assert_int_equal(frame_decode(FRAME_LINK_ETHERNET, slice_of(bytes, 40),
                                      (uint32_t)len, &trusting, &found),
                         FRAME_TRUNCATED);
}

/* The checksums come from a second implementation of RFC 1071, in another language. */
static void test_checksums(void **state)
{
        const char *good4 = IP4 "1f90c0de000003e8000007d0501800008f380000" HELLO;
        const char *good6 = IP6 "1f90c0de000003e8000007d050180000ffc50000" HELLO;
        const char *const both[] = { good4, good6 };
        uint8_t bytes[128];
        union frame found;

        (void)state;
        for (int i = 0; i < 2; i++) {
                size_t len = from_hex(both[i], bytes);
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, &verifying, &found),
                                 FRAME_SEGMENT);
                bytes[len - 1] ^= 1;
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, &verifying, &found),
                                 FRAME_BAD_CHECKSUM);
                assert_int_equal(frame_decode(FRAME_LINK_RAW, slice_of(bytes, len),
                                              (uint32_t)len, &trusting, &found),
                                 FRAME_SEGMENT);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_links),
                cmocka_unit_test(test_shape_of_the_sender),
                cmocka_unit_test(test_padding_is_not_payload),
                cmocka_unit_test(test_extension_headers),
                cmocka_unit_test(test_offload_leaves_a_length_of_zero),
                cmocka_unit_test(test_tunnels),
                cmocka_unit_test(test_shims),
                cmocka_unit_test(test_tunnels_within_tunnels),
                cmocka_unit_test(test_tunnel_sources),
                cmocka_unit_test(test_tunnel_source_of_fragments),
                cmocka_unit_test(test_packets_cut_by_a_mirror),
                cmocka_unit_test(test_datagrams),
                cmocka_unit_test(test_fragments),
                cmocka_unit_test(test_resume),
                cmocka_unit_test(test_what_tcp_says),
                cmocka_unit_test(test_the_short_way_is_the_same),
                cmocka_unit_test(test_authentication_header),
                cmocka_unit_test(test_what_is_no_segment),
                cmocka_unit_test(test_snapshot_length),
                cmocka_unit_test(test_checksums),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
