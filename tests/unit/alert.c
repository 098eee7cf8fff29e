/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/alert.h"

#include <stdlib.h>

static const struct incident_involved nobody[PARTICIPANT_KINDS];

static struct buf payload_of(bool dry_run, bool blocks_are_new)
{
        static const struct incident_block blocks[] = {
                { "ip", SLICE("203.0.113.9"), 1000, 2000, 1 },
                { "prefix", SLICE("2001:db8::/64"), 1000, 3000, 4 },
        };
        const struct incident incident = {
                .id = "01JDCJ6Q8XAAAAAAAAAAAAAAAA",
                .action = INCIDENT_UPDATED,
                .n = 3,
                .time_ns = -5,
                .rule = "r",
                .description = "why not",
                .severity = SEVERITY_LOW,
                .dry_run = dry_run,
                .subject_type = "ua",
                .subject = SLICE("x\xff"),
                .involved = nobody,
                .group = "01JDCJ6Q8XBBBBBBBBBBBBBBBB",
                .start_ns = -7,
                .last_ns = -6,
                .served_targets = 12,
                .served_bytes = UINT64_MAX,
                .block_count = 2,
                .blocks_are_new = blocks_are_new,
                .blocks = blocks,
        };
        struct buf out = { 0 };

        alert_encode(&out, &incident, slice_str("{}"));
        return out;
}

static void test_round_trip(void **state)
{
        struct buf payload = payload_of(false, true), json = { 0 };
        struct alert alert;
        struct block block;

        (void)state;
        assert_true(alert_decode(buf_slice(&payload), &alert));
        assert_slice(alert.id, "01JDCJ6Q8XAAAAAAAAAAAAAAAA");
        assert_slice(alert.action, "updated");
        assert_int_equal(alert.n, 3);
        assert_int_equal(alert.time_ns, -5);
        assert_int_equal(alert.severity, SEVERITY_LOW);
        assert_slice(alert.rule, "r");
        assert_slice(alert.subject_type, "ua");
        assert_slice(alert.subject, "x\xef\xbf\xbd"); /* made UTF-8 */
        assert_slice(alert.json, "{}");
        assert_true(alert_block_next(&alert, &block));
        assert_slice(block.value, "203.0.113.9");
        assert_true(alert_block_next(&alert, &block));
        assert_slice(block.type, "prefix");
        assert_int_equal(block.level, 4);
        assert_int_equal(block.until_ns, 3000);
        block_json(&block, &json);
        assert_slice(buf_slice(&json),
                     "{\"rule\":\"r\",\"id\":\"01JDCJ6Q8XAAAAAAAAAAAAAAAA\","
                     "\"since\":\"1970-01-01T00:00:00.000001Z\","
                     "\"until\":\"1970-01-01T00:00:00.000003Z\",\"level\":4,"
                     "\"why\":\"why not\"}");
        assert_false(alert_block_next(&alert, &block));
        assert_true(alert.has_rest);
        assert_false(alert.dry_run);
        assert_slice(alert.group, "01JDCJ6Q8XBBBBBBBBBBBBBBBB");
        assert_int_equal(alert.start_ns, -7);
        assert_int_equal(alert.last_ns, -6);
        assert_int_equal(alert.served_targets, 12);
        assert_true(alert.served_bytes == UINT64_MAX);
        buf_free(&json);
        buf_free(&payload);
}

/* A dry run blocks nothing; a block that runs already is not put again. */
static void test_no_blocks(void **state)
{
        struct buf dry = payload_of(true, true), running = payload_of(false, false),
                   would = payload_of(true, false);
        struct alert alert;
        struct block block;

        (void)state;
        assert_true(alert_decode(buf_slice(&dry), &alert));
        assert_int_equal(alert.block_count, 0);
        assert_true(alert.has_rest && alert.dry_run);
        assert_int_equal(alert.named_count, 0);
        assert_true(alert_decode(buf_slice(&running), &alert));
        assert_int_equal(alert.block_count, 0);
        assert_true(alert_named_next(&alert, &block));
        assert_slice(block.value, "203.0.113.9");
        assert_true(alert_named_next(&alert, &block));
        assert_slice(block.type, "prefix");
        assert_false(alert_named_next(&alert, &block));
        assert_true(alert_decode(buf_slice(&would), &alert));
        assert_false(alert_named_next(&alert, &block));
        buf_free(&would);
        buf_free(&dry);
        buf_free(&running);
}

/* What stands behind the blocks: what a restart needs. */
#define REST (1 + 4 + 26 + 4 * 8 + 4)

/* Cut anywhere, with nothing readable behind: refused, or fewer blocks. */
static void test_cut(void **state)
{
        struct buf payload = payload_of(false, true);
        struct alert alert;
        struct block block;

        (void)state;
        for (size_t len = 0; len < payload.len; len++) {
                uint8_t *copy = malloc(len ? len : 1);
                memcpy(copy, payload.data, len);
                unsigned blocks = 0;
                if (alert_decode(slice_of(copy, len), &alert)) {
                        assert_false(alert.has_rest);
                        while (alert_block_next(&alert, &block))
                                blocks++;
                }
                /* As it was written before there was a rest: whole. */
                assert_in_range(blocks, 0, len < payload.len - REST ? 1 : 2);
                assert_true(len != payload.len - REST || blocks == 2);
                free(copy);
        }
        payload.data[0] = 99; /* another version */
        assert_false(alert_decode(buf_slice(&payload), &alert));
        buf_free(&payload);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_no_blocks),
                cmocka_unit_test(test_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
