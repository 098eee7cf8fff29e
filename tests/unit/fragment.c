/* SPDX-License-Identifier: MIT */
/*
 * Packets are cut by hand: `put` names where a piece begins, what it holds and whether
 * it is the last. What comes out is compared with the letters of the whole.
 */
#include "unit/unit.h"

#include "base/blocks.h"
#include "base/clock.h"
#include "packet/fragment.h"

#include <stdlib.h>

#define A8 "aaaaaaaa"
#define B8 "bbbbbbbb"
#define C8 "cccccccc"

static const struct frame_options trusting;

struct world {
        struct fragments *fragments;
        struct counters counters;
        struct fragment whole;
        int64_t now_ns;
};

static void begin(struct world *w, uint64_t memory)
{
        *w = (struct world){ .now_ns = 1000 * NS_PER_SEC };
        w->fragments = fragment_new(memory, hash_key_fixed(), &w->counters);
        assert_non_null(w->fragments);
}

static void end(struct world *w)
{
        fragment_finish(w->fragments);
        assert_int_equal(fragment_count(w->fragments), 0);
        assert_int_equal(fragment_memory(w->fragments), 0);
        fragment_free(&w->fragments);
}

static struct fragment piece(uint32_t id, uint32_t offset, const char *text, bool is_last)
{
        struct fragment fragment = {
                .identification = id,
                .offset = offset,
                .is_last = is_last,
                .protocol = 6,
                .ttl = 64,
                .length = (uint32_t)strlen(text),
                .bytes = slice_str(text),
        };

        fragment.source.bytes[15] = 1;
        fragment.destination.bytes[15] = 2;
        return fragment;
}

static bool put_piece(struct world *w, const struct fragment *fragment)
{
        /* As long as the piece, so that a sanitizer sees one byte too many. */
        struct fragment copy = *fragment;
        uint8_t *bytes = malloc(copy.bytes.len ? copy.bytes.len : 1);

        memcpy(bytes, copy.bytes.data, copy.bytes.len);
        copy.bytes.data = bytes;
        w->now_ns += NS_PER_US;
        bool complete = fragment_put(w->fragments, &copy, w->now_ns, &w->whole);
        free(bytes);
        return complete;
}

static bool put(struct world *w, uint32_t id, uint32_t offset, const char *text,
                bool is_last)
{
        struct fragment fragment = piece(id, offset, text, is_last);

        return put_piece(w, &fragment);
}

static void test_every_order(void **state)
{
        static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                          { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
        static const char *const texts[] = { A8, B8, "cc" };
        struct world w;

        (void)state;
        begin(&w, 1 << 20);
        for (uint32_t i = 0; i < 6; i++) {
                for (int j = 0; j < 3; j++) {
                        uint32_t k = (uint32_t)orders[i][j];
                        assert_int_equal(put(&w, i, k * 8, texts[k], k == 2), j == 2);
                }
                assert_slice(w.whole.bytes, A8 B8 "cc");
                assert_int_equal(w.whole.length, 18);
                assert_int_equal(w.whole.protocol, 6);
                assert_int_equal(w.whole.identification, i);
                assert_int_equal(fragment_count(w.fragments), 0);
        }
        assert_int_equal(w.counters.fragments, 18);
        assert_int_equal(w.counters.fragments_reassembled, 6);
        assert_int_equal(w.counters.fragments_tiny, 6);
        end(&w);
        assert_int_equal(w.counters.fragments_dropped, 0);
}

/* Addresses, identification, family, and in IPv4 the protocol: other packets. */
static void test_what_belongs_together(void **state)
{
        struct world w;
        struct fragment others[5];

        (void)state;
        begin(&w, 1 << 20);
        for (int i = 0; i < 5; i++)
                others[i] = piece(7, 8, B8, true);
        others[0].identification = 8;
        others[1].source.bytes[15] = 9;
        others[2].destination.bytes[0] = 9;
        others[3].is_ipv6 = true;
        others[4].protocol = 17;
        assert_false(put(&w, 7, 0, A8, false));
        for (int i = 0; i < 5; i++)
                assert_false(put_piece(&w, &others[i]));
        assert_int_equal(fragment_count(w.fragments), 6);
        assert_true(put(&w, 7, 8, C8, true));
        assert_slice(w.whole.bytes, A8 C8);
        end(&w);
        assert_int_equal(w.counters.fragments_dropped, 5);
}

/* In IPv6 the first one says what follows, whatever the others say. */
static void test_protocol_of_ipv6(void **state)
{
        struct world w;
        struct fragment first = piece(1, 0, A8, false), last = piece(1, 8, B8, true);

        (void)state;
        begin(&w, 1 << 20);
        first.is_ipv6 = last.is_ipv6 = true;
        last.protocol = 17;
        last.ttl = 1;
        assert_false(put_piece(&w, &last));
        assert_true(put_piece(&w, &first));
        assert_int_equal(w.whole.protocol, 6);
        assert_int_equal(w.whole.ttl, 64);
        assert_true(w.whole.is_ipv6);
        end(&w);
}

static void test_copies(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 1 << 20);
        assert_false(put(&w, 1, 0, A8, false));
        assert_false(put(&w, 1, 0, A8, false));
        assert_true(put(&w, 1, 8, B8, true));
        assert_slice(w.whole.bytes, A8 B8);
        /* Behind a whole packet they begin nothing, for a while. */
        assert_false(put(&w, 1, 8, B8, true));
        assert_int_equal(fragment_count(w.fragments), 0);
        w.now_ns += FRAGMENT_ECHO;
        assert_false(put(&w, 1, 8, C8, true));
        assert_true(put(&w, 1, 0, A8, false));
        assert_slice(w.whole.bytes, A8 C8);
        assert_int_equal(w.counters.fragments_overlapping, 0);
        end(&w);
}

static void test_overlaps(void **state)
{
        /* Each contradicts "bbbbbbbb" at 8, or what was said of the end at 24. */
        static const struct {
                uint32_t offset;
                const char *text;
                bool is_last;
        } cases[] = {
                { 8, C8, false },       { 0, A8 A8, false }, { 8, B8 C8, false },
                { 0, A8 B8 C8, false }, { 24, A8, false },   { 24, "", true },
                { 16, "cccc", true },   { 24, "c", true },
        };
        struct world w;

        (void)state;
        begin(&w, 1 << 20);
        for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t bad =
                    w.counters.fragments_overlapping + w.counters.fragments_malformed;
                assert_false(put(&w, i, 8, B8, false));
                assert_false(put(&w, i, 16, C8, true));
                assert_false(
                    put(&w, i, cases[i].offset, cases[i].text, cases[i].is_last));
                assert_int_equal(w.counters.fragments_overlapping +
                                     w.counters.fragments_malformed,
                                 bad + 1);
                /* Nothing of it is believed any more; the empty one did no harm. */
                assert_int_equal(put(&w, i, 0, A8, false), cases[i].text[0] == 0);
        }
        /* The end lies before what was seen. */
        assert_false(put(&w, 100, 16, C8, false));
        assert_false(put(&w, 100, 8, "b", true));
        assert_int_equal(w.counters.fragments_overlapping, 8);
        /* The numbers are free again after the timeout. */
        w.now_ns += FRAGMENT_TIMEOUT + NS_PER_SEC;
        assert_false(put(&w, 100, 0, A8, false));
        assert_true(put(&w, 100, 8, "b", true));
        end(&w);
        assert_int_equal(w.counters.fragments_dropped, 0);
}

static void test_absurd_ones(void **state)
{
        struct world w;
        struct fragment past = piece(1, 65528, A8, true), cut = piece(1, 0, A8, false),
                        huge = piece(1, 8, A8, true);

        (void)state;
        begin(&w, 1 << 20);
        cut.length = 16;
        huge.length = UINT32_MAX;
        assert_false(put_piece(&w, &past));
        assert_false(put_piece(&w, &cut));
        assert_false(put_piece(&w, &huge));
        assert_false(put(&w, 1, 0, "", false));
        assert_false(put(&w, 1, 0, "abc", false));
        assert_int_equal(w.counters.fragments_malformed, 5);
        assert_int_equal(fragment_count(w.fragments), 0);
        end(&w);
}

static void test_the_longest_packet(void **state)
{
        static char text[65536];
        struct world w;

        (void)state;
        begin(&w, 1 << 20);
        memset(text, 'x', 65535 - 65528);
        assert_false(put(&w, 1, 65528, text, true));
        memset(text, 'x', 65528);
        text[65528] = 0;
        assert_true(put(&w, 1, 0, text, false));
        assert_int_equal(w.whole.length, 65535);
        end(&w);
}

static void test_what_never_comes(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 1 << 20);
        for (uint32_t id = 0; id < 100; id++)
                assert_false(put(&w, id, 0, A8, false));
        assert_int_equal(fragment_count(w.fragments), 100);
        w.now_ns += FRAGMENT_TIMEOUT;
        fragment_advance(w.fragments, w.now_ns);
        assert_int_equal(fragment_count(w.fragments), 0);
        assert_int_equal(fragment_memory(w.fragments), 0);
        assert_int_equal(w.counters.fragments_dropped, 100);
        /* Its time over, a packet is forgotten even if it was not looked at yet. */
        assert_false(put(&w, 5, 0, A8, false));
        w.now_ns += FRAGMENT_TIMEOUT;
        assert_false(put(&w, 5, 8, B8, true));
        end(&w);
}

/* A piece takes 256 bytes at the least: 256 of them fill the budget. */
static void test_budget(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 64 << 10);
        for (uint32_t id = 0; id < 1000; id++) {
                assert_false(put(&w, id, 0, A8, false));
                assert_in_range(fragment_memory(w.fragments), 0, 64 << 10);
        }
        /* As many packets as the cap allows, and those the newest. */
        assert_int_equal(fragment_count(w.fragments), 64);
        assert_int_equal(w.counters.fragments_dropped, 1000 - 64);
        assert_true(put(&w, 999, 8, B8, true));
        assert_true(put(&w, 937, 8, B8, true));
        assert_false(put(&w, 900, 8, B8, true));
        /* One packet may not take more than there is, and stops at a count of pieces. */
        for (uint32_t i = 0; i < 2 * FRAGMENT_PIECES; i++)
                put(&w, 5000, i * 16, A8, false);
        assert_in_range(fragment_memory(w.fragments), 0, 64 << 10);
        assert_int_equal(w.counters.fragments_overlapping, 0);
        end(&w);
}

/* With room for one block only, a packet cannot push itself out. */
static void test_a_budget_of_nearly_nothing(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 2 * BLOCKS_SIZE_MIN);
        assert_false(put(&w, 1, 0, A8, false));
        assert_false(put(&w, 1, 16, A8, false));
        assert_false(put(&w, 1, 32, A8, false));
        assert_int_equal(w.counters.fragments_dropped, 3);
        assert_int_equal(fragment_memory(w.fragments), 0);
        assert_false(put(&w, 2, 0, A8, false));
        assert_true(put(&w, 2, 8, B8, true));
        end(&w);
}

/* GRE in two pieces; in it IPv4, in two pieces as well; in that TCP. */
static void test_fragments_in_tunnels_in_fragments(void **state)
{
        static const uint8_t inner[2][24] = {
                { 0x45, 0, 0, 36, 0, 9, 0x20, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 },
                { 0x45, 0, 0, 30, 0, 9, 0, 2, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 },
        };
        static const uint8_t tcp[] = { 0x1f, 0x90, 0xc0, 0xde, 0,   0,   3,   0xe8, 0,
                                       0,    7,    0xd0, 0x50, 24,  0,   0,   0,    0,
                                       0,    0,    'h',  'i',  '!', '!', '!', '!' };
        struct world w;
        union frame found;

        (void)state;
        begin(&w, 1 << 20);
        for (uint32_t i = 0; i < 2; i++) {
                uint8_t gre[64] = { 0, 0, 8, 0 };
                size_t part = i ? 10 : 16;
                memcpy(gre + 4, inner[i], 20);
                memcpy(gre + 24, tcp + 16 * i, part);
                for (uint32_t half = 0; half < 2; half++) {
                        size_t from = half * 16, to = half ? 24 + part : 16;
                        found.fragment = piece(100 + i, (uint32_t)from, "", half);
                        found.fragment.protocol = 47;
                        found.fragment.length = (uint32_t)(to - from);
                        found.fragment.bytes = slice_of(gre + from, to - from);
                        enum frame_result result = fragment_resolve(
                            w.fragments, FRAME_FRAGMENT, &trusting, w.now_ns, &found);
                        assert_int_equal(result,
                                         i && half ? FRAME_SEGMENT : FRAME_FRAGMENT);
                }
        }
        assert_slice(found.segment.payload, "hi!!!!");
        assert_int_equal(found.segment.source_port, 8080);
        assert_int_equal(found.segment.source.bytes[12], 10);
        assert_int_equal(w.counters.fragments_reassembled, 3);
        end(&w);
}

/* The cap on tunnels counts through: no chain of packets in packets goes past it. */
static void test_tunnels_are_counted_on(void **state)
{
        static const char inner[] =
            "\x45\0\0\x18\0\1\0\0\x40\x06\0\0\12\0\0\1\12\0\0\2abcd";
        struct world w;
        union frame found;

        (void)state;
        begin(&w, 1 << 20);
        for (uint8_t tunnels = 0; tunnels <= FRAME_TUNNELS; tunnels++) {
                enum frame_result result = FRAME_SEGMENT;
                for (uint32_t half = 0; half < 2; half++) {
                        found.fragment = piece(tunnels, half * 16, "", half);
                        found.fragment.protocol = 4;
                        found.fragment.tunnels = tunnels;
                        found.fragment.length = half ? 8 : 16;
                        found.fragment.bytes =
                            slice_of(inner + half * 16, found.fragment.length);
                        result = fragment_resolve(w.fragments, FRAME_FRAGMENT, &trusting,
                                                  w.now_ns, &found);
                }
                assert_int_equal(result, tunnels < FRAME_TUNNELS ? FRAME_MALFORMED
                                                                 : FRAME_TOO_DEEP);
        }
        end(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_order),
                cmocka_unit_test(test_what_belongs_together),
                cmocka_unit_test(test_protocol_of_ipv6),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_overlaps),
                cmocka_unit_test(test_absurd_ones),
                cmocka_unit_test(test_the_longest_packet),
                cmocka_unit_test(test_what_never_comes),
                cmocka_unit_test(test_budget),
                cmocka_unit_test(test_a_budget_of_nearly_nothing),
                cmocka_unit_test(test_fragments_in_tunnels_in_fragments),
                cmocka_unit_test(test_tunnels_are_counted_on),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
