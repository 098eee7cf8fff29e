/* SPDX-License-Identifier: MIT */
/* Fields of rules, read from a record that is made up. */
#include "detect/vocabulary.h"

#include "detect/rules.h"
#include "observe/record_build.h"
#include "unit/detect_world.h"

static void expect(const struct vocabulary *v, const struct record *record,
                   const char *text, bool expected)
{
        char scratch[SUBJECT_SCRATCH];
        struct diag *diag = diag_new();
        struct subject subject = { .record = record,
                                   .site = v->site,
                                   .scratch = scratch };
        struct expr_subject reading = { .subject = &subject };
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "r", 1, 1 }, true,
                                       &v->conditions, VALUE_BOOL, diag);

        if (!expr || expr_true(expr, &reading) != expected)
                fail_msg("%s", text);
        expr_free(&expr);
        diag_free(&diag);
}

static void test_client_software(void **state)
{
        static uint64_t block[RECORD_SIZE_MAX / 8];
        struct record_builder b = { .record = (struct record *)block };
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct vocabulary v;

        (void)state;
        assert_non_null(site);
        vocabulary_init(&v, site, NULL);
        record_begin(&b);
        expect(&v, b.record, "present(ua.family) or present(ua.version)", false);
        expect(&v, b.record, "present(tcp.shape) or bot.claimed", false);
        record_put(&b, RECORD_UA_FAMILY, slice_str("curl"));
        record_put(&b, RECORD_UA_VERSION, slice_str("7.88"));
        b.record->flags |= RECORD_BOT_CLAIMED;
        b.record->tcp_shape = tcp_shape_of(slice_of("\2\4\5\264\1\3\3\7", 8), 64240, 53);
        record_end(&b);
        expect(&v, b.record, "ua.family == 'curl' and ua.version == '7.88'", true);
        expect(&v, b.record, "ua.family in ['chrome', 'firefox']", false);
        expect(&v, b.record, "bot.claimed", true);
        expect(&v, b.record, "tcp.shape == 'mss1460.nop.ws7/64240/64'", true);
        site_free(&site);
        diag_free(&diag);
}

/* Wherever a rule may read one of them it is noticed, so that they are worked out. */
static void test_who_reads_agents(void **state)
{
        static const struct {
                const char *rule;
                bool reads;
        } rows[] = {
                { "where: status == 200\n    per: client.ip\n    when: count(1m) > 1",
                  false },
                { "where: ua contains 'x' and tcp.shape == 'x'\n    per: client.ip\n"
                  "    when: count(1m) > 1",
                  false },
                { "where: bot.claimed\n    per: client.ip\n    when: count(1m) > 1",
                  true },
                { "where: status == 200 and not (bot.claimed or status == 2)\n"
                  "    per: client.ip\n    when: count(1m) > 1",
                  true },
                { "per: ua.family\n    when: count(1m) > 1", true },
                { "per_each: [client.ip, [client.ip, ua.version]]\n    when: count(1m) > "
                  "1",
                  true },
                { "per: client.ip\n    when: distinct(ua.family, 1m) > 1", true },
                { "per: client.ip\n    when: count(ua.version == '1', 1m) > 1", true },
                { "per: client.ip\n    when: count(1m) > 1 and ua.family == 'curl'",
                  true },
                { "per: client.ip\n    when: count(1m) > 1\nexempt:\n"
                  "  - when: bot.claimed",
                  true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct diag *diag = diag_new();
                struct site *site = site_parse("s", slice_str(world_site), diag);
                char text[400];
                snprintf(text, sizeof(text), "rules:\n  - name: x\n    %s\n",
                         rows[i].rule);
                struct rules *rules = rules_parse("r", slice_str(text), site, diag);
                if (!rules || rules_read_agents(rules) != rows[i].reads)
                        fail_msg("%s", rows[i].rule);
                rules_free(&rules);
                site_free(&site);
                diag_free(&diag);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_client_software),
                cmocka_unit_test(test_who_reads_agents),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
