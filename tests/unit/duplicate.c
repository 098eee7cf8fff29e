/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"
#include "packet/duplicate.h"

static const struct segment original = {
        .source_port = 80,
        .destination_port = 4000,
        .seq = 1000,
        .ack = 2000,
        .flags = SEGMENT_ACK | SEGMENT_PSH,
        .ttl = 64,
        .window = 500,
        .checksum = 0xbeef,
        .identification = 77,
        .length = 100,
};

static const int64_t now_ns = 1000 * NS_PER_SEC;

static void test_a_copy(void **state)
{
        static struct duplicates d;
        struct segment copy = original;

        (void)state;
        duplicate_init(&d, hash_key_fixed());
        assert_false(duplicate_is_known(&d, &copy, 5, now_ns));
        duplicate_note(&d, &original, 5, now_ns);
        /* It came another way, through one router more. */
        copy.ttl = 63;
        assert_true(duplicate_is_known(&d, &copy, 5, now_ns));
        assert_true(duplicate_is_known(&d, &copy, 5, now_ns + DUPLICATE_WINDOW));
        assert_false(duplicate_is_known(&d, &copy, 5, now_ns + DUPLICATE_WINDOW + 1000));
        assert_false(duplicate_is_known(&d, &copy, 6, now_ns));
}

static void test_what_is_none(void **state)
{
        static struct duplicates d;
        struct segment others[8];

        (void)state;
        duplicate_init(&d, hash_key_fixed());
        duplicate_note(&d, &original, 5, now_ns);
        for (int i = 0; i < 8; i++)
                others[i] = original;
        others[0].seq++;
        others[1].ack++;
        others[2].flags ^= SEGMENT_PSH;
        others[3].window++;
        others[4].checksum++;
        others[5].identification++;
        others[6].length++;
        others[7].source_port++;
        for (int i = 0; i < 8; i++)
                assert_false(duplicate_is_known(&d, &others[i], 5, now_ns));
}

/* Two mirrors that are a burst apart: as many notes as that are still there. */
static void test_bursts(void **state)
{
        static struct duplicates d;
        struct segment segment = original;
        int known = 0, wrong = 0;

        (void)state;
        duplicate_init(&d, hash_key_fixed());
        for (uint32_t i = 0; i < 100; i++) {
                segment.seq = 1000 + i * 1448;
                duplicate_note(&d, &segment, 5, now_ns);
        }
        for (uint32_t i = 0; i < 100; i++) {
                segment.seq = 1000 + i * 1448;
                known += duplicate_is_known(&d, &segment, 5, now_ns + NS_PER_MS);
                segment.seq++;
                wrong += duplicate_is_known(&d, &segment, 5, now_ns + NS_PER_MS);
        }
        /* 100 notes in 4096 places: one or two may have met another. */
        assert_in_range(known, 95, 100);
        assert_int_equal(wrong, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_copy),
                cmocka_unit_test(test_what_is_none),
                cmocka_unit_test(test_bursts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
