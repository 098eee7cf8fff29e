/* SPDX-License-Identifier: MIT */
#include "tls/hello_pack.h"

#include "unit/unit.h"

#include <stdlib.h>

#define NOW INT64_C(1795431600123456789)

static uint8_t longest[2 * CLIENT_HELLO_CIPHERS_MAX];

static struct hello example(void)
{
        return (struct hello){
                .time_ns = NOW,
                .client = { ip_from_v4((uint8_t[]){ 203, 0, 113, 9 }), 50000 },
                .server = { ip_from_v4((uint8_t[]){ 192, 0, 2, 2 }), 443 },
                .transport = HELLO_QUIC,
                .ech = true,
                .server_name = SLICE("shop.example"),
                .alpn = SLICE("h3"),
                .ciphers = SLICE("\x13\x01\xc0\x2f"),
                .ja3 = "253b80039dce39c1c9fe81249fcdf598",
                .ja4 = "q13d1517h3_8daaf6152771_cb7bf5808d99",
        };
}

static struct tcp_shape some_syn(void)
{
        return tcp_shape_of(slice_of("\2\4\5\xb4\1\3\3\7", 8), 64240, 60);
}

static bool unpack(struct slice bytes, struct hello *h)
{
        struct tcp_shape syn;

        return hello_unpack(bytes, NOW, h, &syn);
}

static void assert_same_text(struct slice a, struct slice b)
{
        assert_int_equal(slice_is_none(a), slice_is_none(b));
        assert_true(slice_equal(a, b));
}

static void assert_comes_back(const struct hello *h, const struct tcp_shape *syn)
{
        struct buf out = { 0 };
        struct tcp_shape syn_back;
        struct hello back;

        hello_pack(h, syn, &out);
        assert_true(out.len <= HELLO_PACKED_MAX);
        assert_true(hello_unpack(buf_slice(&out), NOW, &back, &syn_back));
        assert_int_equal(back.time_ns, h->time_ns);
        assert_true(ip_equal(&back.client.ip, &h->client.ip));
        assert_true(ip_equal(&back.server.ip, &h->server.ip));
        assert_int_equal(back.client.port, h->client.port);
        assert_int_equal(back.server.port, h->server.port);
        assert_int_equal(back.transport, h->transport);
        assert_int_equal(back.ech, h->ech);
        assert_same_text(back.server_name, h->server_name);
        assert_same_text(back.alpn, h->alpn);
        assert_same_text(back.ciphers, h->ciphers);
        assert_string_equal(back.ja3, h->ja3);
        assert_string_equal(back.ja4, h->ja4);
        assert_memory_equal(&syn_back, syn, sizeof(syn_back));
        buf_free(&out);
}

static void test_what_goes_in_comes_out(void **state)
{
        struct tcp_shape syn = some_syn(), none = { 0 };
        struct hello h = example();

        (void)state;
        assert_comes_back(&h, &syn);
        h.transport = HELLO_TCP;
        h.ech = false;
        h.ja3[0] = '\0';
        memset(h.ja3, 0, sizeof(h.ja3));
        h.server_name = h.alpn = h.ciphers = slice_none();
        assert_comes_back(&h, &none);
        h.server_name = h.alpn = h.ciphers = slice_of("", 0);
        assert_comes_back(&h, &none);
        h.server_name = slice_of(longest, HELLO_NAME_MAX);
        h.alpn = slice_of(longest, 255);
        h.ciphers = slice_of(longest, sizeof(longest));
        assert_comes_back(&h, &syn);
}

/* Whatever is missing at the end, or too much there; read from an exact copy. */
static void test_other_lengths_are_refused(void **state)
{
        struct tcp_shape syn = some_syn();
        struct hello h = example();
        struct buf out = { 0 };

        (void)state;
        hello_pack(&h, &syn, &out);
        for (size_t len = 0; len < out.len; len++) {
                uint8_t *copy = malloc(len + 1);
                memcpy(copy, out.data, len);
                assert_false(unpack(slice_of(copy, len), &h));
                free(copy);
        }
        assert_true(unpack(buf_slice(&out), &h));
        buf_put_byte(&out, 0);
        assert_false(unpack(buf_slice(&out), &h));
        buf_free(&out);
}

/* Packs a hello with something in it that the front of the layer does not make. */
static bool comes_back(const struct hello *h, const struct tcp_shape *syn)
{
        struct buf out = { 0 };
        struct hello back;

        hello_pack(h, syn, &out);
        bool result = unpack(buf_slice(&out), &back);
        buf_free(&out);
        return result;
}

#define WITH(field, value, expected)                                  \
        do {                                                          \
                struct hello with_ = example();                       \
                with_.field = (value);                                \
                assert_int_equal(comes_back(&with_, &syn), expected); \
        } while (0)

static void test_values_that_cannot_be(void **state)
{
        struct tcp_shape syn = some_syn();

        (void)state;
        WITH(time_ns, 0, true);
        WITH(time_ns, -1, false);
        WITH(time_ns, NOW + 1, false);
        WITH(time_ns, INT64_MAX, false);
        WITH(transport, (enum hello_transport)2, false);
        WITH(ciphers, slice_of(longest, 3), false);
        WITH(ja3[0], 'A', false);
        WITH(ja3[5], '\0', false); /* short, with something behind it */
        WITH(ja3[31], 'g', false);
        WITH(ja3[0], '\0', false);                /* empty, and something behind it */
        WITH(ja3[JA3_TEXT_SIZE - 1], '0', false); /* without an end */
        WITH(ja4[0], 'Z', true); /* letters of an ALPN may be of both cases */
        WITH(ja4[9], '"', false);
        WITH(ja4[9], '\n', false);
        WITH(ja4[9], '\0', false);
        WITH(ja4[0], '\0', false);
        WITH(ja4[JA4_TEXT_SIZE - 1], 'a', false);
        struct hello h = example();
        syn.count = 17;
        assert_false(comes_back(&h, &syn));
        /* The bound of what can be added up, whatever the caller takes for now. */
        struct buf out = { 0 };
        syn = some_syn();
        h.time_ns = INT64_MAX / 4 + 1;
        hello_pack(&h, &syn, &out);
        assert_false(hello_unpack(buf_slice(&out), INT64_MAX, &h, &syn));
        buf_free(&out);
}

/* One byte more than a list may have, and the byte is there. */
static void test_lists_that_are_too_long(void **state)
{
        enum { AT_LENGTHS = 68 }; /* of the name, the ALPN and the ciphers */
        static const size_t most[] = { HELLO_NAME_MAX, 255, sizeof(longest) };
        struct tcp_shape syn = some_syn();

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct hello h = example(), back;
                struct buf out = { 0 };
                struct slice *lists[] = { &h.server_name, &h.alpn, &h.ciphers };
                uint16_t len = (uint16_t)(most[i] + 2), packed;
                for (size_t k = 0; k < 3; k++)
                        *lists[k] = k == i ? slice_of(longest, most[i]) : slice_none();
                hello_pack(&h, &syn, &out);
                memcpy(&packed, out.data + AT_LENGTHS + 2 * i, 2);
                assert_int_equal(packed, most[i]);
                assert_true(unpack(buf_slice(&out), &back));
                buf_put(&out, "xx", 2);
                memcpy(out.data + AT_LENGTHS + 2 * i, &len, 2);
                assert_false(unpack(buf_slice(&out), &back));
                buf_free(&out);
        }
}

/* Every byte of it, with every value: it is refused, or is a hello that packs to that. */
static void test_every_byte_changed(void **state)
{
        struct tcp_shape syn = some_syn();
        struct hello h = example();
        struct buf out = { 0 }, printed = { 0 };

        (void)state;
        hello_pack(&h, &syn, &out);
        struct buf again = { 0 };
        uint8_t *copy = malloc(out.len);
        for (size_t at = 0; at < out.len; at++)
                for (unsigned value = 0; value < 256; value++) {
                        memcpy(copy, out.data, out.len);
                        copy[at] = (uint8_t)value;
                        if (!hello_unpack(slice_of(copy, out.len), NOW, &h, &syn))
                                continue;
                        buf_clear(&printed);
                        hello_print(&h, &printed);
                        buf_clear(&again);
                        hello_pack(&h, &syn, &again);
                        assert_int_equal(again.len, out.len);
                        assert_memory_equal(again.data, copy, out.len);
                }
        free(copy);
        buf_free(&out);
        buf_free(&again);
        buf_free(&printed);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_goes_in_comes_out),
                cmocka_unit_test(test_other_lengths_are_refused),
                cmocka_unit_test(test_values_that_cannot_be),
                cmocka_unit_test(test_lists_that_are_too_long),
                cmocka_unit_test(test_every_byte_changed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
