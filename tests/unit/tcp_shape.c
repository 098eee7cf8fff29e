/* SPDX-License-Identifier: MIT */
#include "packet/tcp_shape.h"

#include "unit/unit.h"

#include <stdio.h>

/* clang-format off */
static const struct row {
        const char *options; /* hex */
        uint16_t window;
        uint8_t ttl;
        const char *text;
} rows[] = {
        /* The options of a Linux, a Windows, a macOS and a minimal SYN. */
        { "020405b4 0402 080a 00000001 00000000 01 030307", 64240, 64, "mss1460.sack.ts.nop.ws7/64240/64" },
        { "020405b4 01 030308 01 01 0402", 64240, 117, "mss1460.nop.ws8.nop.nop.sack/64240/128" },
        { "020405b4 01 030306 01 01 080a 00000001 00000000 0402 00 00", 65535, 51, "mss1460.nop.ws6.nop.nop.ts.sack.end/65535/64" },
        { "020405b4", 1024, 240, "mss1460/1024/255" },
        { "", 1024, 3, "-/1024/32" },
        /* Rounding of the hop limit, both ends. */
        { "", 0, 0, "-/0/32" },
        { "", 0, 32, "-/0/32" },
        { "", 0, 33, "-/0/64" },
        { "", 0, 65, "-/0/128" },
        { "", 0, 129, "-/0/255" },
        { "", 0, 255, "-/0/255" },
        /* Others; the first of two counts; a value of the wrong length is none. */
        { "2202 1e0c0000000000000000 0000", 1, 64, "tfo.mptcp/1/64" },
        { "fe04dead 1c04 0001", 1, 64, "k254.uto/1/64" },
        { "020405b4 02040200", 1, 64, "mss1460.mss/1/64" },
        { "0203ff 020405b4", 1, 64, "mss.mss/1/64" },
        { "0302 0304 0101", 1, 64, "ws.ws/1/64" },
        { "030300", 1, 64, "ws0/1/64" },
        { "0303ff", 1, 64, "ws254/1/64" },
        { "02040000", 1, 64, "mss/1/64" },
        /* Lengths that cannot be. */
        { "02", 1, 64, "bad/1/64" },
        { "0200", 1, 64, "bad/1/64" },
        { "0201", 1, 64, "bad/1/64" },
        { "01 0205 05b4", 1, 64, "nop.bad/1/64" },
        { "020405b4 08", 1, 64, "mss1460.bad/1/64" },
        /* The end of the list; more than is kept; the longest text. */
        { "00 020405b4", 1, 64, "end/1/64" },
        { "01010101 01010101 01010101 01010101", 1, 64, "nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop/1/64" },
        { "01010101 01010101 01010101 01010101 01 09", 1, 64, "nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.nop.more.bad/1/64" },
        { "1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 1e02 0204ffff 0303fe 01 09", 65535, 200,
          "mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mptcp.mss65535.ws254.more.bad/65535/255" },
};
/* clang-format on */

static struct slice from_hex(const char *hex, uint8_t *bytes)
{
        size_t len = 0;
        unsigned value;

        for (; *hex; hex++) {
                if (*hex == ' ')
                        continue;
                assert_int_equal(sscanf(hex++, "%2x", &value), 1);
                bytes[len++] = (uint8_t)value;
        }
        return slice_of(bytes, len);
}

static void test_shapes(void **state)
{
        uint8_t bytes[64];
        char text[TCP_SHAPE_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct tcp_shape shape = tcp_shape_of(from_hex(rows[i].options, bytes),
                                                      rows[i].window, rows[i].ttl);
                assert_false(tcp_shape_is_none(&shape));
                assert_true(tcp_shape_is_sound(&shape));
                size_t len = tcp_shape_format(&shape, text);
                assert_int_equal(len, strlen(text));
                if (strcmp(text, rows[i].text) != 0)
                        fail_msg("%s: %s, not %s", rows[i].options, text, rows[i].text);
        }
}

/* Wherever the options end nothing behind them is looked at, and a text comes out. */
static void test_cut_anywhere(void **state)
{
        uint8_t bytes[64];
        char text[TCP_SHAPE_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice all = from_hex(rows[i].options, bytes);
                for (size_t len = 0; len < all.len; len++) {
                        uint8_t *copy = test_malloc(len + 1);
                        memcpy(copy, all.data, len);
                        struct tcp_shape shape =
                            tcp_shape_of(slice_of(copy, len), 512, 64);
                        assert_true(tcp_shape_format(&shape, text) >= strlen("-/512/64"));
                        assert_true(tcp_shape_is_sound(&shape));
                        test_free(copy);
                }
        }
}

static void test_none(void **state)
{
        struct tcp_shape none = { 0 };
        char text[TCP_SHAPE_TEXT_MAX] = "x";

        (void)state;
        assert_true(tcp_shape_is_none(&none));
        assert_int_equal(tcp_shape_format(&none, text), 0);
        assert_string_equal(text, "");
}

/* Each field with every value: refused, or a text comes out. */
static void test_sound(void **state)
{
        struct tcp_shape none = { 0 }, full = { .hops = 64, .count = 16, .more = 1 };
        const struct tcp_shape wrong[] = {
                { .hops = 64, .count = 17 },
                { .hops = 64, .count = 63, .more = 1 },
                { .hops = 64, .count = 15, .more = 1 },
                { .hops = 63 },
                { .hops = 1 },
                { .hops = 64, .reserved = 1 },
                { .hops = 64, .count = 1, .kinds = { 1, 1 } },
                { .window = 1 },
                { .count = 1 },
                { .bad = 1 },
                { .kinds = { [15] = 1 } },
        };

        (void)state;
        assert_true(tcp_shape_is_sound(&none));
        assert_true(tcp_shape_is_sound(&full));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
                assert_false(tcp_shape_is_sound(&wrong[i]));
        memset(full.kinds, 255, sizeof(full.kinds));
        full.window = full.mss = UINT16_MAX;
        full.hops = full.scale = UINT8_MAX;
        full.bad = 1;
        assert_true(tcp_shape_is_sound(&full));
        char text[TCP_SHAPE_TEXT_MAX];
        assert_true(tcp_shape_format(&full, text) < TCP_SHAPE_TEXT_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shapes),
                cmocka_unit_test(test_cut_anywhere),
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_sound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
