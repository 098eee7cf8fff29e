/* SPDX-License-Identifier: MIT */
#include "app/advice.h"

#include "unit/unit.h"

static void expect_with(struct counters counters, const char *filter,
                        const char *sentence)
{
        struct buf out = { 0 };

        assert_int_equal(advice(&counters, filter, &out), sentence != NULL);
        buf_put_byte(&out, 0);
        assert_string_equal((const char *)out.data, sentence ? sentence : "");
        buf_free(&out);
}

static void expect(struct counters counters, const char *sentence)
{
        expect_with(counters, NULL, sentence);
}

static void test_nothing_to_say(void **state)
{
        (void)state;
        expect((struct counters){ .packets = 9, .requests = 1, .flows_ignored = 3 },
               NULL);
}

static void test_no_packet(void **state)
{
        (void)state;
        expect_with((struct counters){ 0 }, "udp",
                    "no packet was read: does the filter 'udp' fit this traffic?");
        expect_with((struct counters){ 0 }, "",
                    "no packet was read: is this the right file or interface?");
}

static void test_reasons(void **state)
{
        (void)state;
        expect((struct counters){ .packets = 9 },
               "no HTTP request in 9 packets; is this the leg on which clients' requests "
               "pass?");
        expect((struct counters){ .packets = 20, .segments_truncated = 11 },
               "no HTTP request in 20 packets: 11 segments were cut by the snapshot "
               "length (capture with -s 0)");
        expect((struct counters){ .packets = 20, .flows_ignored = 2, .datagrams = 7 },
               "no HTTP request in 20 packets: 2 connections do not speak HTTP/1 in the "
               "clear (TLS? README says where to place the sensor); 7 packets are UDP "
               "(HTTP/3? that is encrypted)");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_to_say),
                cmocka_unit_test(test_no_packet),
                cmocka_unit_test(test_reasons),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
