/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "http/h2_frame.h"

static void test_header_in_pieces(void **state)
{
        static const uint8_t bytes[] = {
                0x01, 0x02, 0x03, 0x09, 0x24, 0xff, 0, 0, 5, 'x'
        };

        (void)state;
        for (size_t cut = 0; cut <= H2_FRAME_HEAD; cut++) {
                struct h2_frame_reader reader = { 0 };
                struct h2_frame frame = { 0 };
                struct slice first = slice_of(bytes, cut);
                struct slice rest = slice_of(bytes + cut, sizeof(bytes) - cut);
                bool complete = h2_frame_read(&reader, &first, &frame);
                assert_int_equal(first.len, 0);
                assert_int_equal(complete, cut == H2_FRAME_HEAD);
                if (!complete)
                        assert_true(h2_frame_read(&reader, &rest, &frame));
                assert_int_equal(rest.len, 1);
                assert_int_equal(reader.have, 0);
                assert_int_equal(frame.length, 0x010203);
                assert_int_equal(frame.type, H2_CONTINUATION);
                assert_int_equal(frame.flags, 0x24);
                /* The highest bit is reserved and ignored. */
                assert_int_equal(frame.stream, 0x7f000005);
        }
}

static void test_byte_by_byte(void **state)
{
        static const uint8_t bytes[] = { 0, 0, 8, 6, 0, 0, 0, 0, 0 };
        struct h2_frame_reader reader = { 0 };
        struct h2_frame frame;

        (void)state;
        for (size_t i = 0; i < sizeof(bytes); i++) {
                struct slice one = slice_of(bytes + i, 1);
                assert_int_equal(h2_frame_read(&reader, &one, &frame),
                                 i == sizeof(bytes) - 1);
                assert_int_equal(one.len, 0);
        }
        assert_int_equal(frame.type, H2_PING);
        assert_int_equal(frame.length, 8);
}

static void test_soundness(void **state)
{
        static const struct {
                bool sound;
                struct h2_frame frame;
        } rows[] = {
                { true, { .type = H2_DATA, .stream = 1, .length = 0xffffff } },
                { false, { .type = H2_DATA, .stream = 0 } },
                { false, { .type = H2_HEADERS, .stream = 0, .length = 9 } },
                { true, { .type = H2_PRIORITY, .stream = 3, .length = 5 } },
                { false, { .type = H2_PRIORITY, .stream = 3, .length = 6 } },
                { false, { .type = H2_RST_STREAM, .stream = 1, .length = 5 } },
                { true, { .type = H2_SETTINGS, .length = 12 } },
                { false, { .type = H2_SETTINGS, .length = 13 } },
                { false, { .type = H2_SETTINGS, .stream = 1 } },
                { true, { .type = H2_SETTINGS, .flags = H2_ACK } },
                { false, { .type = H2_SETTINGS, .flags = H2_ACK, .length = 6 } },
                { false, { .type = H2_PUSH_PROMISE, .stream = 1, .length = 3 } },
                { false, { .type = H2_PING, .length = 7 } },
                { false, { .type = H2_GOAWAY, .length = 7 } },
                { false, { .type = H2_GOAWAY, .stream = 1, .length = 8 } },
                { true, { .type = H2_WINDOW_UPDATE, .length = 4 } },
                { true, { .type = H2_WINDOW_UPDATE, .stream = 7, .length = 4 } },
                { false, { .type = H2_WINDOW_UPDATE, .length = 5 } },
                { false, { .type = H2_CONTINUATION, .length = 4 } },
                { true, { .type = 10, .length = 1 } },
                { true, { .type = 255, .stream = 9, .length = 77 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (h2_frame_is_sound(&rows[i].frame) != rows[i].sound)
                        fail_msg("row %zu", i);
}

static void test_fragments(void **state)
{
        static const struct {
                struct h2_frame frame;
                const char *payload;
                size_t len;
                const char *fragment; /* NULL: does not fit */
        } rows[] = {
                { { .type = H2_HEADERS }, "block", 5, "block" },
                { { .type = H2_HEADERS, .flags = H2_PADDED }, "\2block..", 8, "block" },
                { { .type = H2_HEADERS, .flags = H2_PRIORITISED },
                  "\0\0\0\3\7b",
                  6,
                  "b" },
                { { .type = H2_HEADERS, .flags = H2_PADDED | H2_PRIORITISED },
                  "\1\0\0\0\3\7b.",
                  8,
                  "b" },
                { { .type = H2_HEADERS, .flags = H2_PADDED }, "\5block", 6, "" },
                { { .type = H2_HEADERS, .flags = H2_PADDED }, "\6block", 6, NULL },
                { { .type = H2_HEADERS, .flags = H2_PADDED }, "", 0, NULL },
                { { .type = H2_HEADERS, .flags = H2_PRIORITISED }, "\0\0\0\3", 4, NULL },
                { { .type = H2_PUSH_PROMISE }, "\0\0\0\2block", 9, "block" },
                { { .type = H2_PUSH_PROMISE, .flags = H2_PADDED },
                  "\1\0\0\0\2b.",
                  7,
                  "b" },
                { { .type = H2_PUSH_PROMISE }, "\0\0\0\3block", 9, NULL },
                { { .type = H2_PUSH_PROMISE }, "\0\0\0\0block", 9, NULL },
                /* Flags that mean something else elsewhere mean nothing here. */
                { { .type = H2_CONTINUATION, .flags = 0xff }, "\5block", 6, "\5block" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice payload = slice_of(rows[i].payload, rows[i].len), fragment;
                bool fits = h2_frame_fragment(&rows[i].frame, payload, &fragment, NULL);
                if (fits != (rows[i].fragment != NULL))
                        fail_msg("row %zu", i);
                if (fits)
                        assert_slice(fragment, rows[i].fragment);
        }
}

static void test_priority(void **state)
{
        struct h2_frame frame = { .type = H2_HEADERS, .flags = H2_PRIORITISED };
        struct h2_priority p;
        struct slice fragment;

        (void)state;
        assert_true(
            h2_frame_fragment(&frame, slice_of("\x80\0\1\2\xff", 5), &fragment, &p));
        assert_true(p.exclusive);
        assert_int_equal(p.depends_on, 258);
        assert_int_equal(p.weight, 255);
}

static void test_settings(void **state)
{
        static const uint8_t bytes[] = { 0, 1,    0,    0,    0x10, 0, 0,
                                         5, 0xff, 0xff, 0xff, 0xff, 9 };
        struct slice payload = slice_of(bytes, sizeof(bytes));
        uint16_t id;
        uint32_t value;

        (void)state;
        assert_true(h2_frame_setting(&payload, &id, &value));
        assert_int_equal(id, H2_HEADER_TABLE_SIZE);
        assert_int_equal(value, 4096);
        assert_true(h2_frame_setting(&payload, &id, &value));
        assert_int_equal(id, H2_MAX_FRAME_SIZE);
        assert_int_equal(value, UINT32_MAX);
        assert_false(h2_frame_setting(&payload, &id, &value));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_header_in_pieces),
                cmocka_unit_test(test_byte_by_byte),
                cmocka_unit_test(test_soundness),
                cmocka_unit_test(test_fragments),
                cmocka_unit_test(test_priority),
                cmocka_unit_test(test_settings),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
