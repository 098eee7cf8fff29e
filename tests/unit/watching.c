/* SPDX-License-Identifier: MIT */
/* Those who are blocked, through the whole engine: what is told, and when. */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"
#include "tls/hello.h"

#define VISITOR "203.0.113.9"
#define RULE                                        \
        "rules:\n"                                  \
        "  - name: harvest\n"                       \
        "    where: page == profile\n"              \
        "    per: client.host\n"                    \
        "    when: count(status == 200, 1m) >= 3\n" \
        "    again: 1h\n"                           \
        "    block: 5m\n"

#define RAISED                                                              \
        "raised harvest client.host=203.0.113.9 n=0 at=2 block ip:" VISITOR \
        " level=1 for=300s silent 0/0\n"

static void hit(struct world *w, int64_t at_ms, const char *client, uint16_t status)
{
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = PAGE_PROFILE,
                                   .status = status });
}

/* Three views; the third one's end is the block's begin: 2 ms. */
static struct world *blocked(const char *rules)
{
        struct world *w = world_new(rules);

        world_watch(w);
        for (int i = 0; i < 3; i++)
                hit(w, i, VISITOR, 200);
        return w;
}

static void silence_is_no_success(void **state)
{
        struct world *w = blocked(RULE);
        (void)state;

        hit(w, 20000, "203.0.113.10", 403);
        engine_advance(w->engine, WORLD_BEGIN + 70 * NS_PER_SEC);
        world_expect(w, RAISED "ended harvest client.host=203.0.113.9 n=1 at=60002 "
                               "blocked ip:" VISITOR " level=1 for=300s silent 0/0\n");
        assert_int_equal(w->counters.blocks_watched, 1);
        assert_int_equal(w->counters.block_requests, 0);
        world_free(w);
}

static void the_first_refusal_is_told_at_once(void **state)
{
        struct world *w = blocked(RULE);
        (void)state;

        hit(w, 200, VISITOR, 200); /* in flight */
        hit(w, 507, VISITOR, 403);
        hit(w, 20000, VISITOR, 429);
        engine_advance(w->engine, WORLD_BEGIN + 90 * NS_PER_SEC);
        world_expect(
            w, RAISED
            "updated harvest client.host=203.0.113.9 n=1 at=507 blocked ip:" VISITOR
            " level=1 for=300s refused 1/2 first=500ms\n"
            "ended harvest client.host=203.0.113.9 n=2 at=80000 blocked ip:" VISITOR
            " level=1 for=300s refused 2/3 first=500ms\n");
        assert_int_equal(w->counters.block_requests, 3);
        assert_int_equal(w->counters.block_refused, 2);
        assert_int_equal(w->counters.blocks_ignored, 0);
        world_free(w);
}

static void who_is_served_later_ignores_it(void **state)
{
        struct world *w = blocked(RULE);
        (void)state;

        hit(w, 10007, VISITOR, 404); /* began 10 s after the block, to the millisecond */
        assert_int_equal(w->counters.blocks_ignored, 0);
        hit(w, 10008, VISITOR, 404);
        hit(w, 10020, VISITOR, 404);
        hit(w, 10030, VISITOR, 403);
        world_expect(w, RAISED
                     "updated harvest client.host=203.0.113.9 n=1 at=10008 blocked "
                     "ip:" VISITOR " level=1 for=300s ignored 0/2\n"
                     "raised block-ignored ip=203.0.113.9 n=0 at=10008 blocked "
                     "ip:" VISITOR " level=1 for=300s\n");
        assert_int_equal(w->counters.blocks_ignored, 1);
        world_expect_last(w, "severity=high");
        world_expect_last(w, "evidence requests since the block = 2");
        world_expect_last(w, "evidence served after = 10");
        /* Once for each block, however long it is ignored. */
        for (int i = 1; i < 20; i++)
                hit(w, 10030 + i * 14000, VISITOR, 404);
        assert_int_equal(w->raised, 2);
        for (int i = 0; i < 3; i++)
                hit(w, 400000 + i, VISITOR, 200);
        hit(w, 411000, VISITOR, 200);
        assert_int_equal(w->counters.blocks_ignored, 2);
        world_free(w);
}

/* Where each alert of the daemon's own begins in what was told. */
static unsigned own_events(struct world *w, const char *action)
{
        char text[64];
        unsigned count = 0;

        snprintf(text, sizeof(text), "%s block-ignored", action);
        buf_put_byte(&w->told, 0);
        for (const char *at = (char *)w->told.data; (at = strstr(at, text)); at++)
                count++;
        w->told.len--;
        return count;
}

/* As long as it is served; what is refused, or nothing at all, does not hold it. */
static void the_alert_goes_on_while_it_is_served(void **state)
{
        enum { MINUTE = 60000 };
        struct world *w = world_new("rules:\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: count(status == 200, 1m) >= 3\n"
                                    "    block: 1d\n");
        (void)state;

        world_watch(w);
        for (int i = 0; i < 3; i++)
                hit(w, i, VISITOR, 200);
        /* Every 90 s for two hours: told when raised, and then every ten minutes. */
        for (int i = 1; i <= 80; i++)
                hit(w, i * 90000, VISITOR, 404);
        assert_int_equal(own_events(w, "raised"), 1);
        assert_in_range(own_events(w, "updated"), 10, 11);
        assert_int_equal(own_events(w, "ended"), 0);
        world_expect_last(w, "block-ignored");
        /* From now on it is refused: the alert is over ten minutes after the last one. */
        for (int i = 1; i < 20; i++)
                hit(w, 120 * MINUTE + i * MINUTE, VISITOR, 403);
        assert_int_equal(own_events(w, "ended"), 1);
        char expected[80];
        snprintf(expected, sizeof(expected),
                 "ended block-ignored ip=" VISITOR " n=%u at=%d ",
                 own_events(w, "updated") + 1, 130 * MINUTE);
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data, expected));
        w->told.len--;
        /* Served again: it is raised again, though the block is the same. */
        hit(w, 150 * MINUTE, VISITOR, 200);
        assert_int_equal(own_events(w, "raised"), 2);
        assert_int_equal(w->counters.blocks_ignored, 1);
        world_free(w);
}

/* Began before the block, ends long after it: a download. */
static void what_was_in_flight_counts_for_nothing(void **state)
{
        struct hit h = { .at_ms = 60000, .client = VISITOR, .page = PAGE_PROFILE };
        struct world *w = blocked(RULE);
        struct world_record r;
        (void)state;

        world_make_record(&h, &r);
        r.record.start_ns = WORLD_BEGIN + 1 * NS_PER_MS;
        engine_record(w->engine, &r.record);
        assert_int_equal(w->counters.block_requests, 0);
        r.record.start_ns = WORLD_BEGIN + 9 * NS_PER_SEC;
        engine_record(w->engine, &r.record);
        assert_int_equal(w->counters.block_requests, 1);
        assert_int_equal(w->counters.blocks_ignored, 0);
        world_free(w);
}

static void no_answer_is_a_refusal_where_it_was_seen_that_there_is_none(void **state)
{
        struct hit h = { .at_ms = 600, .client = VISITOR, .page = PAGE_PROFILE };
        struct world *w = blocked(RULE);
        struct world_record r;
        struct ip ip;
        (void)state;

        world_make_record(&h, &r);
        r.record.status = 0;
        engine_record(w->engine, &r.record);
        assert_int_equal(w->counters.block_requests, 1);
        assert_int_equal(w->counters.block_refused, 0);
        r.record.flags |= RECORD_UNANSWERED;
        engine_record(w->engine, &r.record);
        assert_int_equal(w->counters.block_refused, 1);
        assert_true(ip_parse(slice_str(VISITOR), &ip));
        engine_unanswered(w->engine, &ip, WORLD_BEGIN + 1 * NS_PER_MS); /* before */
        engine_unanswered(w->engine, &ip, WORLD_BEGIN + 700 * NS_PER_MS);
        assert_true(ip_parse(slice_str("203.0.113.10"), &ip));
        engine_unanswered(w->engine, &ip, WORLD_BEGIN + 700 * NS_PER_MS);
        assert_int_equal(w->counters.block_requests, 3);
        assert_int_equal(w->counters.block_refused, 2);
        world_free(w);
}

/* Nobody else speaks: the event has the attempt's time. */
static void an_attempt_alone_is_told_in_time(void **state)
{
        struct world *w = blocked(RULE);
        struct ip ip;
        (void)state;

        assert_true(ip_parse(slice_str(VISITOR), &ip));
        engine_unanswered(w->engine, &ip, WORLD_BEGIN + 30002 * NS_PER_MS);
        world_expect(w, RAISED
                     "updated harvest client.host=203.0.113.9 n=1 at=30002 blocked "
                     "ip:" VISITOR " level=1 for=300s refused 1/1 first=30000ms\n");
        world_free(w);
}

static void say_hello(struct world *w, const char *address, const char *ja4)
{
        struct hello hello = { .time_ns = WORLD_BEGIN - NS_PER_SEC,
                               .alpn = slice_str("h2") };
        struct tcp_shape syn = { 0 };

        assert_true(ip_parse(slice_str(address), &hello.client.ip));
        snprintf(hello.ja4, sizeof(hello.ja4), "%s", ja4);
        engine_hello(w->engine, &hello, &syn);
}

/* Through the terminator, where a hello outside belongs to it. */
static void hit_behind(struct world *w, struct hit h)
{
        struct world_record r;

        world_make_record(&h, &r);
        assert_true(ip_parse(slice_str("10.9.0.1"), &r.record.peer));
        engine_record(w->engine, &r.record);
}

static void each_kind_of_subject_is_found_again(void **state)
{
        static const struct {
                const char *key, *block;
                struct hit who, same, other; /* `same` shares nothing else */
        } rows[] = {
                { "client.ip",
                  "ip:" VISITOR,
                  { .client = VISITOR },
                  { .client = VISITOR, .session = "x" },
                  { .client = "203.0.113.10" } },
                { "client.prefix",
                  "prefix:198.51.100.0/24",
                  { .client = "198.51.100.9" },
                  { .client = "198.51.100.77" },
                  { .client = "198.51.101.9" } },
                { "client.host",
                  "prefix:2001:db8:0:1::/64",
                  { .client = "2001:db8:0:1::9" },
                  { .client = "2001:db8:0:1:2::3" },
                  { .client = "2001:db8:0:2::9" } },
                { "session",
                  "session:<session:abc>",
                  { .client = VISITOR, .session = "abc" },
                  { .client = "198.51.100.1", .session = "abc" },
                  { .client = VISITOR, .session = "abd" } },
                { "account",
                  "account:<account:abc>",
                  { .client = VISITOR, .account = "abc" },
                  { .client = "198.51.100.1", .account = "abc" },
                  { .client = VISITOR, .session = "abc" } },
                { "http.shape",
                  "shape:00000000000000ff",
                  { .client = VISITOR, .shape = 255 },
                  { .client = "198.51.100.1", .shape = 255 },
                  { .client = VISITOR, .shape = 254 } },
                { "tls.ja4",
                  "ja4:t13d",
                  { .client = VISITOR },
                  { .client = "198.51.100.1" },
                  { .client = "203.0.113.10" } },
        };
        char rules[400];
        (void)state;

        for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
                bool by_what = i & 1;
                const char *key = rows[i / 2].key, *all = "target";
                struct hit who = rows[i / 2].who, same = rows[i / 2].same,
                           other = rows[i / 2].other;
                snprintf(rules, sizeof(rules),
                         "rules:\n  - { name: r, per: %s, when: count(1m) >= 3, block: "
                         "5m, %s%s, where: path == '/one' }\n",
                         by_what ? all : key, by_what ? "block_what: " : "again: 1h",
                         by_what ? key : "");
                struct world *w = world_new(rules);
                world_watch(w);
                say_hello(w, VISITOR, "t13d");
                say_hello(w, "198.51.100.1", "t13d");
                say_hello(w, "203.0.113.10", "t12d");
                who.path = "/one";
                who.target = "t";
                for (int k = 0; k < 3; k++, who.at_ms++)
                        hit_behind(w, who);
                world_expect_last(w, rows[i / 2].block);
                world_expect_last(w, "silent 0/0");
                same.at_ms = other.at_ms = 100;
                same.status = other.status = 403;
                hit_behind(w, other);
                assert_int_equal(w->counters.block_refused, 0);
                hit_behind(w, same);
                assert_int_equal(w->counters.block_refused, 1);
                world_expect_last(w, "refused 1/1 first=93ms");
                /* The alert of its own names the subject as the block does. */
                same.at_ms = 20000;
                same.status = 404;
                hit_behind(w, same);
                world_expect_last(w, "raised block-ignored");
                world_expect_last(w, rows[i / 2].block);
                world_free(w);
        }
}

/* Anybody may have said a hello of an address that showed several. */
static void an_uncertain_hello_is_nobodys(void **state)
{
        struct world *w =
            world_new("rules:\n  - { name: r, per: tls.ja4, when: count(1m) >= 3, "
                      "block: 5m }\n");
        (void)state;

        world_watch(w);
        say_hello(w, VISITOR, "t13d");
        for (int i = 0; i < 3; i++)
                hit_behind(w, (struct hit){ .at_ms = i, .client = VISITOR });
        assert_int_equal(w->counters.blocks_watched, 1);
        say_hello(w, VISITOR, "t12d");
        say_hello(w, VISITOR, "t13d");
        hit_behind(w, (struct hit){ .at_ms = 20000, .client = VISITOR });
        assert_int_equal(w->counters.block_requests, 0);
        world_free(w);
}

/* One incident, several blocks: the figures are of all of them, the state is the worst.
 */
static void an_incident_tells_of_all_its_blocks(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: pair\n"
                                    "    where: status == 200\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1m) >= 3\n"
                                    "    again: 1h\n"
                                    "    block: 5m\n"
                                    "    block_what: client.ip\n");
        (void)state;

        world_watch(w);
        hit(w, 0, "203.0.113.1", 200);
        hit(w, 1, "203.0.113.2", 200);
        hit(w, 2, "203.0.113.2", 200);
        hit(w, 100, "203.0.113.1", 403);
        hit(w, 200, "203.0.113.2", 403);
        hit(w, 12000, "203.0.113.2", 200);
        hit(w, 12100, "203.0.113.2", 403);
        buf_clear(&w->told);
        engine_finish(w->engine);
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((const char *)w->told.data, "ignored 3/4 first=93ms"));
        assert_int_equal(w->counters.blocks_watched, 2);
        world_free(w);
}

/* The block ran out before the incident did: its end says what was seen to the last. */
static void the_last_word_comes_after_the_block(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: short\n"
                                    "    where: status == 200\n"
                                    "    per: client.ip\n"
                                    "    when: count(1h) >= 3\n"
                                    "    again: 1h\n"
                                    "    block: 1m\n");
        (void)state;

        world_watch(w);
        for (int i = 0; i < 3; i++)
                hit(w, i, VISITOR, 200);
        hit(w, 100, VISITOR, 403);
        hit(w, 70000, VISITOR, 403); /* not blocked any more */
        buf_clear(&w->told);
        engine_finish(w->engine);
        world_expect(w, "ended short client.ip=203.0.113.9 n=2 at=70000 refused 1/1 "
                        "first=93ms\n");
        world_free(w);
}

static void it_goes_on_over_other_rules_and_a_restart(void **state)
{
        struct world *w = blocked(RULE);
        struct diag *diag = diag_new();
        FILE *file = tmpfile();
        char why[SNAPSHOT_WHY];
        (void)state;

        hit(w, 100, VISITOR, 403);
        for (int i = 0; i < 2; i++) {
                struct rules *rules = rules_parse(
                    "r",
                    slice_str(i ? RULE
                                : RULE "  - { name: more, per: session, when: "
                                       "count(1h) > 9 }\n"),
                    w->site, diag);
                assert_true(engine_swap_rules(w->engine, rules, w->site));
                rules_free(&w->rules);
                w->rules = rules;
                hit(w, 200 + i, VISITOR, 403);
        }
        struct engine_options options = w->engine->options;
        options.rules = w->rules;
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rewind(file);
        w->engine = engine_restore(&options, file, why);
        assert_non_null(w->engine);
        fclose(file);
        hit(w, 300, VISITOR, 403);
        assert_int_equal(w->counters.block_refused, 4);
        hit(w, 20000, VISITOR, 200);
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((const char *)w->told.data, "ignored 4/5 first=93ms"));
        diag_free(&diag);
        world_free(w);
}

static void rules_read_the_state_of_their_key(void **state)
{
        static const char rules[] =
            RULE "  - name: ignored\n"
                 "    per: client.host\n"
                 "    when: block.state == ignored\n"
                 "  - name: refused\n"
                 "    per: client.host\n"
                 "    when: block.state == refused\n"
                 "  - name: silent\n"
                 "    per: client.host\n"
                 "    when: block.state in [silent] and count(1m) >= 4\n"
                 "  - name: network\n"
                 "    per: client.prefix\n"
                 "    when: present(block.state)\n"
                 "  - name: other-kind\n"
                 "    per: target\n"
                 "    when: present(block.state)\n";
        struct world *w = blocked(rules);
        (void)state;

        buf_clear(&w->told);
        hit(w, 100, "203.0.113.10", 200);
        world_expect(w, "");
        hit(w, 200, VISITOR, 200);
        world_expect(w, "raised silent client.host=203.0.113.9 n=0 at=200\n");
        hit(w, 300, VISITOR, 403);
        buf_clear(&w->told);
        hit(w, 400, VISITOR, 403);
        assert_int_equal(w->raised, 3);
        hit(w, 20000, VISITOR, 200);
        assert_int_equal(w->raised, 5);
        assert_non_null(
            memmem(w->told.data, w->told.len, "raised ignored client.host", 26));
        /* Over: nothing is known of it. */
        engine_advance(w->engine, WORLD_BEGIN + 3000 * NS_PER_SEC);
        hit(w, 3000001, VISITOR, 403);
        assert_int_equal(w->raised, 5);
        world_free(w);
}

static void nobody_looks_unless_told_to(void **state)
{
        struct world *w = world_new(RULE);
        (void)state;

        for (int i = 0; i < 3; i++)
                hit(w, i, VISITOR, 200);
        hit(w, 20000, VISITOR, 200);
        engine_finish(w->engine);
        world_expect(w, "raised harvest client.host=203.0.113.9 n=0 at=2 block "
                        "ip:" VISITOR " level=1 for=300s\n"
                        "ended harvest client.host=203.0.113.9 n=1 at=20000 blocked "
                        "ip:" VISITOR " level=1 for=300s\n");
        assert_int_equal(w->counters.blocks_watched, 0);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(silence_is_no_success),
                cmocka_unit_test(the_first_refusal_is_told_at_once),
                cmocka_unit_test(who_is_served_later_ignores_it),
                cmocka_unit_test(the_alert_goes_on_while_it_is_served),
                cmocka_unit_test(what_was_in_flight_counts_for_nothing),
                cmocka_unit_test(
                    no_answer_is_a_refusal_where_it_was_seen_that_there_is_none),
                cmocka_unit_test(an_attempt_alone_is_told_in_time),
                cmocka_unit_test(each_kind_of_subject_is_found_again),
                cmocka_unit_test(an_uncertain_hello_is_nobodys),
                cmocka_unit_test(an_incident_tells_of_all_its_blocks),
                cmocka_unit_test(the_last_word_comes_after_the_block),
                cmocka_unit_test(it_goes_on_over_other_rules_and_a_restart),
                cmocka_unit_test(rules_read_the_state_of_their_key),
                cmocka_unit_test(nobody_looks_unless_told_to),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
