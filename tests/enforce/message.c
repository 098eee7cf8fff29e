/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/buf.h"
#include "message.h"

static void note(void *context, struct slice member)
{
        struct buf *out = context;

        buf_put_slice(out, member);
        buf_put_byte(out, ' ');
}

static void expect(const char *text, bool ok, const char *members)
{
        struct buf found = { 0 };

        if (message_blocks(slice_str(text), note, &found) != ok ||
            !slice_is(buf_slice(&found), members))
                fail_msg("%s: %.*s", text, (int)found.len, (const char *)found.data);
        buf_free(&found);
}

static void test_messages(void **state)
{
        (void)state;
        expect(
            "{\"event\":{\"kind\":\"alert\"},\"trawlwatch\":{\"block\":{\"type\":\"ip\","
            "\"value\":\"203.0.113.9\",\"until\":\"x\"}}}",
            true, "ip:203.0.113.9 ");
        expect("{\"event\":{\"kind\":\"event\",\"action\":\"unblocked\"},\"trawlwatch\":"
               "{\"block\":{\"type\":\"session\",\"value\":\"ab\"}}}",
               true, "session:ab ");
        /* `block` stays the first of `blocks`. */
        expect("{\"trawlwatch\":{\"block\":{\"type\":\"ip\",\"value\":\"1\"},\"blocks\":"
               "[{\"type\":\"ip\",\"value\":\"1\"},{\"type\":\"ja4\",\"value\":\"2\"}]}}",
               true, "ip:1 ja4:2 ");
        expect("{\"trawlwatch\":{\"subject\":{}}}", true, "");
        expect("no JSON, and no block either", true, "");
}

static void test_hostile(void **state)
{
        (void)state;
        expect("\"block", false, "");
        expect("[\"block\"]", false, "");
        expect("{\"trawlwatch\":{\"block\":7}}", false, "");
        expect("{\"trawlwatch\":{\"block\":{\"type\":\"ip\"}}}", false, "");
        expect("{\"trawlwatch\":{\"block\":{\"type\":\"ip\",\"value\":[]}}}", false, "");
        expect("{\"trawlwatch\":{\"block\":{\"type\":\"ip\",\"value\":\"a\\u0000b\"}}}",
               false, "");
        /* One that is wrong does not hide the others. */
        expect("{\"trawlwatch\":{\"blocks\":[1,{\"type\":\"ip\",\"value\":\"2\"}]}}",
               false, "ip:2 ");
}

static void test_length(void **state)
{
        struct buf text = { 0 };

        (void)state;
        buf_put_str(&text,
                    "{\"trawlwatch\":{\"block\":{\"type\":\"session\",\"value\":\"");
        for (int i = 0; i < 400; i++)
                buf_put_byte(&text, 'a');
        buf_put_str(&text, "\"}}}");
        buf_put_byte(&text, 0);
        expect((const char *)text.data, false, "");
        buf_free(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_messages),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_length),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
