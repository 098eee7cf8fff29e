/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/alert_json.h"
#include "base/clock.h"

#define AT (INT64_C(1795431600) * NS_PER_SEC) /* 2026-11-23T11:00:00Z */

static struct incident_involved involved[PARTICIPANT_KINDS];

static struct incident example(void)
{
        static const char *const references[] = { "OWASP OAT-011", NULL };
        static const struct incident_evidence evidence[] = {
                { "distinct(target, 10m)", 131, false, false },
                { "count(10m)", 133, false, false },
        };
        static const struct incident_block block = { "ip", SLICE("203.0.113.9"), AT,
                                                     AT + 600 * NS_PER_SEC, 1 };

        memset(involved, 0, sizeof(involved));
        involved[PARTICIPANT_CLIENT_IP].total = 1;
        involved[PARTICIPANT_CLIENT_IP].count = 1;
        involved[PARTICIPANT_CLIENT_IP].values[0] = slice_str("203.0.113.9");
        return (struct incident){
                .id = "01JDCJ6Q8XAAAAAAAAAAAAAAAA",
                .action = INCIDENT_RAISED,
                .time_ns = AT + 123456789,
                .start_ns = AT - 60 * NS_PER_SEC,
                .rule = "profile-harvest",
                .description = "Far more profiles than a person opens.",
                .references = references,
                .severity = SEVERITY_HIGH,
                .subject_type = "client.host",
                .subject = slice_str("203.0.113.9"),
                .group = "01JDCJ6Q8XBBBBBBBBBBBBBBBB",
                .evidence_count = 2,
                .evidence = evidence,
                .served_targets = 131,
                .served_bytes = 2400123,
                .involved = involved,
                .sample_count = 1,
                .samples = { SLICE("GET /in/anna 200") },
                .block_count = 1,
                .blocks_are_new = true,
                .blocks = &block,
        };
}

static void expect(const struct incident *incident, const char *json)
{
        struct buf out = { 0 };

        alert_json(incident, &out);
        assert_slice(buf_slice(&out), json);
        buf_free(&out);
}

/* The alert of the contract, key by key. */
static bool slice_ends_with_text(struct slice s, const char *text)
{
        size_t len = strlen(text);

        return s.len >= len && memcmp(s.data + s.len - len, text, len) == 0;
}

static void test_contract(void **state)
{
        struct incident incident = example();

        (void)state;
        expect(
            &incident,
            "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\",\"event\":{\"kind\":"
            "\"alert\","
            "\"id\":\"01JDCJ6Q8XAAAAAAAAAAAAAAAA\",\"action\":\"raised\",\"severity\":73,"
            "\"start\":\"2026-11-23T10:59:00.000000Z\"},"
            "\"rule\":{\"name\":\"profile-harvest\",\"description\":"
            "\"Far more profiles than a person opens.\",\"reference\":[\"OWASP "
            "OAT-011\"]},"
            "\"source\":{\"ip\":\"203.0.113.9\"},"
            "\"trawlwatch\":{\"subject\":{\"type\":\"client.host\",\"value\":"
            "\"203.0.113.9\"},\"group\":\"01JDCJ6Q8XBBBBBBBBBBBBBBBB\",\"severity\":"
            "\"high\",\"dry_run\":false,"
            "\"evidence\":[{\"expression\":\"distinct(target, 10m)\",\"value\":131},"
            "{\"expression\":\"count(10m)\",\"value\":133}],"
            "\"served\":{\"targets\":131,\"bytes\":2400123},"
            "\"involved\":{\"client.ip\":{\"total\":1,\"values\":[\"203.0.113.9\"]}},"
            "\"samples\":[\"GET /in/anna 200\"],\"missed\":0,"
            "\"block\":{\"type\":\"ip\",\"value\":\"203.0.113.9\",\"until\":"
            "\"2026-11-23T11:10:00.000000Z\",\"level\":1}}}");
}

static void what_is_a_lower_bound_says_so(void **state)
{
        static const struct incident_evidence bound = { "distinct(session, 1h)", 50,
                                                        false, true };
        static const char expected[] = "{\"expression\":\"distinct(session, "
                                       "1h)\",\"value\":50,\"lower_bound\":true}";
        struct incident incident = example();
        struct buf out = { 0 };

        (void)state;
        incident.evidence = &bound;
        incident.evidence_count = 1;
        alert_json(&incident, &out);
        buf_put_byte(&out, '\0');
        assert_non_null(strstr((const char *)out.data, expected));
        buf_free(&out);
}

/* It stands last, after the block, and may be there when the block has run out. */
static void what_was_seen_of_the_block_stands_last(void **state)
{
        struct incident incident = example();
        struct buf out = { 0 };
        static const char refused[] =
            "\"level\":1},\"enforcement\":{\"state\":\"refused\","
            "\"requests\":9,\"refused\":7,"
            "\"first_refusal_ms\":0}}}",
                          silent[] = "\"missed\":0,\"enforcement\":{\"state\":\"silent\","
                                     "\"requests\":0,\"refused\":0}}}";

        (void)state;
        incident.enforcement = (struct enforcement){ true, BLOCK_REFUSED, 9, 7, 0 };
        alert_json(&incident, &out);
        assert_true(slice_ends_with_text(buf_slice(&out), refused));
        buf_clear(&out);
        incident.block_count = 0;
        incident.enforcement = (struct enforcement){ true, BLOCK_SILENT, 0, 0, -1 };
        alert_json(&incident, &out);
        assert_true(slice_ends_with_text(buf_slice(&out), silent));
        buf_free(&out);
}

/* What is missing has no key; several addresses are no source. */
static void test_missing(void **state)
{
        struct incident incident = example();
        struct incident_evidence evidence = { "mean(latency, 1m)", 0, true, false };

        (void)state;
        incident.action = INCIDENT_ENDED;
        incident.severity = SEVERITY_INFO;
        incident.dry_run = true;
        incident.description = "";
        incident.group[0] = '\0';
        incident.references = NULL;
        incident.subject_type = "all";
        incident.subject = slice_str("all");
        incident.evidence = &evidence;
        incident.evidence_count = 1;
        incident.sample_count = 0;
        incident.block_count = 0;
        incident.missed = 0.125;
        involved[PARTICIPANT_CLIENT_IP].total = 2;
        involved[PARTICIPANT_CLIENT_IP].count = 2;
        involved[PARTICIPANT_CLIENT_IP].values[1] = slice_str("2001:db8::1");
        involved[PARTICIPANT_SESSION].total = 7;
        involved[PARTICIPANT_SESSION].count = 1;
        involved[PARTICIPANT_SESSION].values[0] = slice_str("0123");
        expect(
            &incident,
            "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\",\"event\":{\"kind\":"
            "\"alert\","
            "\"id\":\"01JDCJ6Q8XAAAAAAAAAAAAAAAA\",\"action\":\"ended\",\"severity\":1,"
            "\"start\":\"2026-11-23T10:59:00.000000Z\"},"
            "\"rule\":{\"name\":\"profile-harvest\"},"
            "\"trawlwatch\":{\"subject\":{\"type\":\"all\",\"value\":\"all\"},"
            "\"severity\":\"info\",\"dry_run\":true,"
            "\"evidence\":[{\"expression\":\"mean(latency, 1m)\"}],"
            "\"served\":{\"targets\":131,\"bytes\":2400123},"
            "\"involved\":{\"client.ip\":{\"total\":2,\"values\":[\"203.0.113.9\","
            "\"2001:db8::1\"]},\"session\":{\"total\":7,\"values\":[\"0123\"]}},"
            "\"samples\":[],\"missed\":0.125}}");
}

static bool holds(struct slice text, const char *part)
{
        return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void test_hostile_texts(void **state)
{
        static const char subject[] = "a\"b\\c\n\x7f\xff\xc0\xaf\xed\xa0\x80\xe2\x82\xac";
        struct incident incident = example();
        struct buf out = { 0 };
        static char flood[100000];

        (void)state;
        memset(flood, 0xfe, sizeof(flood));
        incident.subject = slice_of(subject, sizeof(subject)); /* with its NUL */
        incident.samples[0] = slice_of(flood, sizeof(flood));
        alert_json(&incident, &out);
        assert_true(
            holds(buf_slice(&out),
                  "\"value\":\"a\\\"b\\\\c\\n\\u007f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac\\u0000\""));
        assert_in_range(out.len, 3 * ALERT_TEXT_CAP, 3 * ALERT_TEXT_CAP + 2000);
        assert_int_equal(slice_find(buf_slice(&out), '\n'), out.len);
        buf_free(&out);
}

/* Who follows the channel needs all that an event puts; what runs is named once. */
static void all_blocks_that_an_event_puts(void **state)
{
        static const struct incident_block blocks[] = {
                { "ip", SLICE("203.0.113.9"), 0, 60000000000, 1 },
                { "session", SLICE("ab"), 0, 60000000000, 2 },
        };
        static const char array[] =
            "\"blocks\":[{\"type\":\"ip\",\"value\":\"203.0.113.9\","
            "\"until\":\"1970-01-01T00:01:00.000000Z\",\"level\":1},"
            "{\"type\":\"session\",\"value\":\"ab\","
            "\"until\":\"1970-01-01T00:01:00.000000Z\",\"level\":2}]";
        (void)state;

        for (unsigned kind = 0; kind < 4; kind++) {
                struct incident incident = example();
                struct buf out = { 0 };
                incident.blocks = blocks;
                incident.block_count = kind == 1 ? 1 : 2;
                incident.blocks_are_new = kind != 2;
                incident.dry_run = kind == 3;
                alert_json(&incident, &out);
                buf_put_byte(&out, 0);
                assert_non_null(strstr((char *)out.data, "\"block\":{\"type\":\"ip\""));
                if (kind == 0)
                        assert_non_null(strstr((char *)out.data, array));
                else
                        assert_null(strstr((char *)out.data, "\"blocks\""));
                buf_free(&out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_blocks_that_an_event_puts),
                cmocka_unit_test(test_contract),
                cmocka_unit_test(what_is_a_lower_bound_says_so),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(what_was_seen_of_the_block_stands_last),
                cmocka_unit_test(test_hostile_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
