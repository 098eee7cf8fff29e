/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/block_list.h"
#include "alert/journal.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static void test_subjects(void **state)
{
        static const struct {
                const char *text, *type, *value; /* type NULL: refused */
        } cases[] = {
                { "203.0.113.9", "ip", "203.0.113.9" },
                { "2001:DB8:0::1", "ip", "2001:db8::1" },
                { "203.0.113.0/24", "prefix", "203.0.113.0/24" },
                { "2001:db8::/64", "prefix", "2001:db8::/64" },
                { "ip:203.0.113.9", "ip", "203.0.113.9" },
                { "ip:2001:db8::1", "ip", "2001:db8::1" },
                { "prefix:203.0.113.0/24", "prefix", "203.0.113.0/24" },
                { "session:a:b", "session", "a:b" },
                { "ja4:t13d1516h2", "ja4", "t13d1516h2" },
                { "ip:203.0.113.0/24", NULL, NULL },
                { "prefix:203.0.113.9", NULL, NULL },
                { "203.0.113.9/24", NULL, NULL },
                { "session:", NULL, NULL },
                { "session", NULL, NULL },
                { "rule:x", NULL, NULL },
                { "", NULL, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char type[BLOCK_TYPE_MAX], value[BLOCK_VALUE_MAX];
                const char *wrong =
                    block_subject_parse(slice_str(cases[i].text), type, value);
                assert_int_equal(wrong == NULL, cases[i].type != NULL);
                if (wrong)
                        continue;
                assert_string_equal(type, cases[i].type);
                assert_string_equal(value, cases[i].value);
        }
}

static const struct incident_involved nobody[PARTICIPANT_KINDS];

static void put(struct journal *j, const char *value, int64_t until_ns, bool are_new)
{
        const struct incident_block block = { "ip", slice_str(value), 1, until_ns, 1 };
        const struct incident incident = { .id = "X",
                                           .rule = "r",
                                           .subject_type = "client.ip",
                                           .subject = slice_str(value),
                                           .involved = nobody,
                                           .block_count = 1,
                                           .blocks_are_new = are_new,
                                           .blocks = &block };
        struct buf payload = { 0 };

        alert_encode(&payload, &incident, slice_str("{}"));
        assert_int_not_equal(journal_append(j, buf_slice(&payload), 1), 0);
        buf_free(&payload);
}

static bool list(void *context, const struct block_entry *entry)
{
        buf_put_slice(context, entry->value);
        buf_printf(context, "@%d ", (int)entry->expires_ns);
        return true;
}

static void test_blocks_of_a_journal(void **state)
{
        char folder[] = "/tmp/trawlwatch-blocks-XXXXXX", command[64];
        struct counters counters = { 0 };
        struct buf seen = { 0 };

        (void)state;
        assert_non_null(mkdtemp(folder));
        const struct journal_options options = { .directory = folder,
                                                 .counters = &counters };
        struct journal *j = journal_open(&options, 1);
        put(j, "10.0.0.1", 500, true);
        put(j, "10.0.0.2", 100, true); /* over */
        put(j, "10.0.0.3", 300, true);
        put(j, "10.0.0.1", 400, true);  /* shorter than what runs */
        put(j, "10.0.0.3", 900, true);  /* longer */
        put(j, "10.0.0.4", 900, false); /* was put before, and has been let go */
        assert_int_equal(blocks_of_journal(folder, 200, list, &seen), JOURNAL_END);
        assert_slice(buf_slice(&seen), "10.0.0.1@500 10.0.0.3@900 ");
        journal_free(&j);
        buf_free(&seen);
        snprintf(command, sizeof(command), "rm -rf %s", folder);
        assert_int_equal(system(command), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_subjects),
                cmocka_unit_test(test_blocks_of_a_journal),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
