/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

/* The base address may be blocked, and the network covers some that may not. */
static void a_network_with_one_who_may_not_be_blocked_is_not(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1m) >= 2\n"
                                    "    block: 1m\n";
        static const char site[] =
            "client: { trusted_proxies: [\"2001:db8:0:7::5\", 198.18.200.7], "
            "header: Forwarded }\n"
            "pages: [{ name: profile, path: \"/in/{target}\" }]\n";
        static const struct {
                const char *client;
                uint8_t prefix;
        } rows[] = { { "2001:db8:0:7:1::9", 64 },
                     { "198.18.1.1", 112 },
                     { "8.8.8.8", 101 },
                     { "198.18.1.1", 113 } };
        struct world *w = world_new_with(site, rules, 64 << 20, 100);
        (void)state;

        for (unsigned k = 0; k < 4; k++)
                for (unsigned i = 0; i < 2; i++)
                        world_hit(w, (struct hit){ .at_ms = k * 10 + i,
                                                   .client = rows[k].client,
                                                   .page = PAGE_PROFILE,
                                                   .prefix = rows[k].prefix });
        world_expect(w, "raised harvest client.prefix=2001:db8:0:7::/64 n=0 at=1\n"
                        "raised harvest client.prefix=198.18.0.0/16 n=0 at=11\n"
                        "raised harvest client.prefix=8.0.0.0/5 n=0 at=21\n"
                        "raised harvest client.prefix=198.18.0.0/17 n=0 at=31 "
                        "block prefix:198.18.0.0/17 level=1 for=60s\n");
        assert_int_equal(w->counters.blocks_withheld, 3);
        world_free(w);
}

static void view_of_kind(struct world *w, int64_t at_ms, const char *client,
                         unsigned kind)
{
        char path[16];

        snprintf(path, sizeof(path), "/p%u", kind);
        world_hit(w, (struct hit){ .at_ms = at_ms, .client = client, .path = path });
}

/* However many rules share a key, each names and blocks only whom it looks at. */
static void forty_rules_on_one_key(void **state)
{
        struct buf rules = { 0 };
        char client[32], expected[200];
        (void)state;

        buf_put_str(&rules, "rules:\n");
        for (unsigned i = 0; i < 40; i++)
                buf_printf(&rules,
                           "- { name: r%u, per: client.prefix, where: path == '/p%u', "
                           "when: count(1m) >= 3, block: 1m, block_what: client.ip }\n",
                           i, i);
        buf_put_str(&rules,
                    "- { name: all, per: client.prefix, where: status == 200, "
                    "when: count(1m) >= 84, block: 1m, block_what: client.ip }\n");
        buf_put_byte(&rules, 0);
        struct world *w = world_new((const char *)rules.data);
        for (unsigned i = 0; i < 80; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i / 2);
                view_of_kind(w, i, client, i / 2);
        }
        assert_int_equal(w->events, 0);
        for (unsigned kind = 0; kind < 40; kind += 13) {
                buf_clear(&w->told);
                snprintf(client, sizeof(client), "198.51.100.%u", kind);
                view_of_kind(w, 100 + kind, client, kind);
                snprintf(expected, sizeof(expected),
                         "raised r%u client.prefix=198.51.100.0/24 n=0 at=%u "
                         "block ip:%s level=1 for=60s\n",
                         kind, 100 + kind, client);
                /* The last of them is what all were waiting for as well. */
                if (kind == 39)
                        break;
                world_expect(w, expected);
                snprintf(expected, sizeof(expected), "involved client.ip 1: %s\n",
                         client);
                world_expect_last(w, expected);
                snprintf(expected, sizeof(expected),
                         "sample GET /p%u 200\nsample GET /p%u 200\n"
                         "sample GET /p%u 200\n",
                         kind, kind, kind);
        }
        world_expect_last(w, "involved client.ip 40: ");
        world_expect_last(w, "block ip:198.51.100.39 level=1 for=60s");
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data, expected));
        buf_free(&rules);
        world_free(w);
}

/* ---- who is exempt ---- */

#define EXEMPT(when)                                                      \
        "lists:\n"                                                        \
        "  office: [198.51.100.64/28, 198.51.102.7, 2001:db8:0:9::/64]\n" \
        "exempt:\n"                                                       \
        "  - { when: \"" when "\", until: 2026-11-23 }\n"
#define BY_PREFIX(where)                                                   \
        "rules:\n"                                                         \
        "  - { name: harvest, where: \"" where "\", per: client.prefix,\n" \
        "      when: count(1m) >= 2, block: 1m, again: 10h }\n"

static void visit(struct world *w, int64_t at_ms, const char *client, uint8_t prefix)
{
        for (unsigned i = 0; i < 2; i++)
                world_hit(w, (struct hit){ .at_ms = at_ms + i,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .session = "s",
                                           .prefix = prefix });
}

/* Whoever is found is beside the office; what would be blocked has it in it, or not. */
static void a_network_with_an_exempt_address_is_not_blocked(void **state)
{
        static const struct {
                const char *rules;
                bool exempts;
        } rows[] = {
                { EXEMPT("client.ip in @office") BY_PREFIX("page == profile"), true },
                { EXEMPT("session == 'x' or client.host in @office")
                      BY_PREFIX("page == profile"),
                  true },
                { EXEMPT("session == 'x'")
                      BY_PREFIX("page == profile and not client.ip in @office"),
                  true },
                { EXEMPT("client.ip in @office and session == 'x'")
                      BY_PREFIX("page == profile"),
                  false },
        };
        (void)state;

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct world *w = world_new(rows[i].rules);
                visit(w, 0, "198.51.100.1", 120);
                visit(w, 10, "198.51.102.1", 120);
                visit(w, 20, "2001:db8:0:8::1", 48);
                visit(w, 30, "198.51.101.1", 120);
                visit(w, 40, "198.51.100.1", 122); /* /26: ends before the office */
                assert_int_equal(w->counters.blocks_withheld, rows[i].exempts ? 3 : 0);
                assert_int_equal(w->raised, 5);
                buf_clear(&w->told);
                visit(w, 100000, "198.51.100.1", 120);
                visit(w, 100010, "198.51.101.1", 120);
                world_expect_last(w, "block prefix:198.51.101.0/24 level=1");
                buf_put_byte(&w->told, 0);
                assert_true(rows[i].exempts ==
                            !strstr((char *)w->told.data, "198.51.100.0/24 level"));
                world_free(w);
        }
}

/* One of those involved shares its /64, which is what is blocked, with an exempt one. */
static void an_exempt_participant_is_not_blocked(void **state)
{
        struct world *w = world_new(EXEMPT(
            "client.ip in 2001:db8:0:9::80/121") "rules:\n"
                                                 "  - { name: swarm, per: session, when: "
                                                 "count(1m) >= 3, block: 1m,\n"
                                                 "      block_what: client.host }\n");
        static const char *const clients[] = { "2001:db8:0:9::1", "2001:db8:0:a::1",
                                               "198.51.100.1" };
        (void)state;

        for (unsigned i = 0; i < 3; i++)
                world_hit(w, (struct hit){ .at_ms = i,
                                           .client = clients[i],
                                           .page = PAGE_PROFILE,
                                           .session = "s" });
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "involved client.ip 3:");
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data, "prefix:2001:db8:0:a::/64"));
        assert_non_null(strstr((char *)w->told.data, "ip:198.51.100.1"));
        assert_null(strstr((char *)w->told.data, "2001:db8:0:9"));
        assert_int_equal(w->counters.blocks_withheld, 1);
        world_free(w);
}

/* After its day an exemption protects nobody; other rules are asked anew. */
static void exemptions_end_and_change(void **state)
{
        struct world *w =
            world_new(EXEMPT("client.ip in @office") BY_PREFIX("page == profile"));
        struct diag *diag = diag_new();
        struct rules *rules = rules_parse("rules.yaml",
                                          slice_str(EXEMPT("client.ip in 198.51.101.9/32")
                                                        BY_PREFIX("page == profile")),
                                          w->site, diag);
        (void)state;

        assert_non_null(rules);
        visit(w, 0, "198.51.100.1", 120);
        assert_int_equal(w->counters.blocks_withheld, 1);
        assert_true(engine_swap_rules(w->engine, rules, w->site));
        rules_free(&w->rules);
        w->rules = rules;
        diag_free(&diag);
        visit(w, 100, "198.51.100.1", 120);
        world_expect_last(w, "block prefix:198.51.100.0/24 level=1");
        visit(w, 200, "198.51.101.1", 120);
        assert_int_equal(w->counters.blocks_withheld, 2);
        visit(w, 13 * 3600000, "198.51.101.1", 120);
        world_expect_last(w, "block prefix:198.51.101.0/24 level=1");
        world_free(w);
}

/* ---- the limit ---- */

#define LIMITED                        \
        "rules:\n"                     \
        "  - name: harvest\n"          \
        "    where: page == profile\n" \
        "    per: client.host\n"       \
        "    when: count(10m) >= 2\n"  \
        "    again: 10h\n"             \
        "    block: [5m, 1h]\n"

static void limit(struct world *w, uint64_t per_minute, double share)
{
        engine_limit_blocks(w->engine, &(struct block_limits){ per_minute, share });
}

static const char *client_of(unsigned n)
{
        static char text[32];

        snprintf(text, sizeof(text), "198.51.%u.%u", n / 200, 1 + n % 200);
        return text;
}

static void two_views(struct world *w, int64_t at_ms, unsigned client)
{
        world_view(w, at_ms, client_of(client), 1);
        world_view(w, at_ms + 1, client_of(client), 2);
}

static void what_is_due_past_the_limit_is_refused_and_put_later(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        limit(w, 2, 0);
        for (unsigned i = 0; i < 4; i++)
                two_views(w, 1000 * i, i);
        assert_int_equal(w->counters.blocks_refused, 2);
        world_view(w, 20000, client_of(3), 3); /* still no place */
        world_view(w, 61000, client_of(3), 4); /* the first of the minute is gone */
        world_view(w, 62000, client_of(2), 4);
        world_view(w, 63000, client_of(2), 5);
        engine_advance(w->engine, WORLD_BEGIN + 200 * NS_PER_SEC);
        world_expect(w, "raised harvest client.host=198.51.0.1 n=0 at=1 "
                        "block ip:198.51.0.1 level=1 for=300s\n"
                        "raised harvest client.host=198.51.0.2 n=0 at=1001 "
                        "block ip:198.51.0.2 level=1 for=300s\n"
                        "raised block-limit all=all n=0 at=2001\n"
                        "raised harvest client.host=198.51.0.3 n=0 at=2001\n"
                        "raised harvest client.host=198.51.0.4 n=0 at=3001\n"
                        "updated harvest client.host=198.51.0.4 n=1 at=61000 "
                        "block ip:198.51.0.4 level=1 for=300s\n"
                        "updated harvest client.host=198.51.0.3 n=1 at=62000 "
                        "block ip:198.51.0.3 level=1 for=300s\n"
                        "ended block-limit all=all n=1 at=80000\n");
        world_expect_last(w, "evidence blocks in the last minute = 2\n"
                             "evidence blocks.per_minute = 2\n"
                             "evidence share of visitors blocked = 0 missing\n"
                             "evidence blocks.share = 0 missing\n"
                             "evidence visitors in the last hour = 0 missing\n"
                             "evidence blocks refused = 3\n");
        assert_int_equal(w->counters.blocks_refused, 3);
        world_free(w);
}

/* Some participants of one incident find a place; the others do when they come again. */
static void participants_are_refused_one_by_one(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: swarm\n"
                                    "    per: client.prefix\n"
                                    "    when: count(10m) >= 5\n"
                                    "    again: 10h\n"
                                    "    block: 5m\n"
                                    "    block_what: client.ip\n");
        (void)state;

        limit(w, 3, 0);
        for (unsigned i = 0; i < 5; i++)
                world_view(w, i, client_of(i), 1);
        world_view(w, 100, client_of(4), 2);
        assert_int_equal(w->counters.blocks_refused, 3);
        buf_clear(&w->told);
        for (unsigned i = 0; i < 5; i++)
                world_view(w, 70000 + i, client_of(i), 1);
        buf_put_byte(&w->told, 0);
        unsigned put = 0;
        for (const char *at = (char *)w->told.data; (at = strstr(at, "block ip:")); at++)
                put++;
        assert_int_equal(put, 2);
        world_free(w);
}

static void no_more_than_a_share_of_the_visitors(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        limit(w, 0, 0.05);
        for (unsigned i = 0; i < 1000; i++)
                world_view(w, i, client_of(i), 1);
        for (unsigned i = 0; i < 100; i++)
                world_view(w, 2000 + i, client_of(i), 2);
        assert_in_range(w->counters.blocks_refused, 46, 54);
        assert_true(
            own_is_open(&w->engine->own, OWN_BLOCK_LIMIT, "all", slice_str("all")));
        /* Told once a second, however often something is refused. */
        assert_int_equal(w->updated, 0);
        limit(w, 0, 0);
        buf_clear(&w->told);
        world_view(w, 3000, client_of(99), 2);
        world_expect(w, "updated harvest client.host=198.51.0.100 n=1 at=3000 "
                        "block ip:198.51.0.100 level=1 for=300s\n");
        world_free(w);
}

static struct engine *restarted(struct world *w)
{
        struct engine_options options = w->engine->options;
        char why[SNAPSHOT_WHY];
        FILE *file = tmpfile();

        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rewind(file);
        struct engine *e = engine_restore(&options, file, why);
        fclose(file);
        assert_non_null(e);
        return e;
}

static void a_restart_does_not_lift_the_limit(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        limit(w, 3, 0.05);
        for (unsigned i = 0; i < 4; i++)
                two_views(w, 10 * i, i);
        w->engine = restarted(w);
        buf_clear(&w->told);
        two_views(w, 5000, 4);
        engine_advance(w->engine, WORLD_BEGIN + 100 * NS_PER_SEC);
        world_expect(w, "raised harvest client.host=198.51.0.5 n=0 at=5001\n"
                        "ended block-limit all=all n=1 at=65001\n");
        world_expect_last(w, "evidence visitors in the last hour = 5\n"
                             "evidence blocks refused = 2\n");
        world_free(w);
}

/* ---- what a person holds off ---- */

static void held(struct world *w, const char *rule, const char *type, const char *value)
{
        engine_block_held(w->engine,
                          &(struct block_held){ slice_str(w->id), slice_str(rule),
                                                slice_str(type), slice_str(value) });
}

/* It is not named, not watched, and put again when its time is over. */
static void a_held_block_was_never_put(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        world_watch(w);
        two_views(w, 0, 0);
        world_expect(w, "raised harvest client.host=198.51.0.1 n=0 at=1 "
                        "block ip:198.51.0.1 level=1 for=300s silent 0/0\n");
        held(w, "other", "ip", "198.51.0.1");   /* another rule's */
        held(w, "harvest", "ip", "198.51.0.2"); /* another subject's */
        two_views(w, 1000, 0);
        assert_int_equal(w->counters.block_requests, 2);
        held(w, "harvest", "ip", "198.51.0.1");
        for (unsigned i = 0; i < 20; i++)
                two_views(w, 12000 + 10 * i, 0);
        assert_int_equal(w->counters.block_requests, 2);
        assert_int_equal(w->counters.blocks_ignored, 0);
        assert_int_equal(w->events, 1);
        w->engine = restarted(w);
        world_view(w, 299000, client_of(0), 3);
        assert_int_equal(w->events, 1);
        world_view(w, 301000, client_of(0), 3);
        engine_finish(w->engine);
        world_expect(w, "updated harvest client.host=198.51.0.1 n=1 at=301000 "
                        "block ip:198.51.0.1 level=2 for=3600s silent 0/0\n"
                        "ended harvest client.host=198.51.0.1 n=2 at=301000 "
                        "blocked ip:198.51.0.1 level=2 for=3600s silent 0/0\n");
        world_free(w);
}

static void a_held_block_is_not_told_of_again(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        world_watch(w);
        two_views(w, 0, 0);
        held(w, "harvest", "ip", "198.51.0.1");
        engine_finish(w->engine);
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data,
                               "ended harvest client.host=198.51.0.1 n=1 at=1\n"));
        world_free(w);
}

/* The news came late: it is ignored already, and that alert is wrong. */
static void the_alert_that_it_is_ignored_ends(void **state)
{
        struct world *w = world_new(LIMITED);
        char id[INCIDENT_ID_MAX];
        (void)state;

        world_watch(w);
        two_views(w, 0, 0);
        memcpy(id, w->id, sizeof(id));
        two_views(w, 20000, 0);
        assert_true(own_is_open(&w->engine->own, OWN_BLOCK_IGNORED, "ip",
                                slice_str("198.51.0.1")));
        buf_clear(&w->told);
        memcpy(w->id, id, sizeof(id));
        held(w, "harvest", "ip", "198.51.0.1");
        engine_finish(w->engine);
        world_expect(w, "ended block-ignored ip=198.51.0.1 n=1 at=20001 "
                        "blocked ip:198.51.0.1 level=1 for=300s\n"
                        "ended harvest client.host=198.51.0.1 n=2 at=20001\n");
        world_free(w);
}

/* Of a block that was taken away while it ran the answer may come to that alert itself.
 */
static void the_alert_that_it_is_ignored_is_answered(void **state)
{
        struct world *w = world_new(LIMITED);
        (void)state;

        world_watch(w);
        two_views(w, 0, 0);
        two_views(w, 20000, 0);
        world_expect_last(w, "raised block-ignored ip=198.51.0.1");
        buf_clear(&w->told);
        held(w, "block-ignored", "ip", "198.51.0.2"); /* of nobody who is blocked */
        assert_int_equal(w->events, 3);
        held(w, "block-ignored", "ip", "198.51.0.1");
        for (unsigned i = 0; i < 4; i++)
                two_views(w, 90000 + 1000 * i, 0);
        engine_finish(w->engine);
        world_expect(w, "ended block-ignored ip=198.51.0.1 n=1 at=20001 "
                        "blocked ip:198.51.0.1 level=1 for=300s\n"
                        "ended harvest client.host=198.51.0.1 n=2 at=93001\n");
        world_free(w);
}

/* Sessions are known to Redis by their pseudonyms; the other one's block goes on. */
static void one_of_two_participants_is_held(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: swarm\n"
                                    "    per: client.ip\n"
                                    "    when: count(10m) >= 2\n"
                                    "    again: 10h\n"
                                    "    block: 5m\n"
                                    "    block_what: session\n");
        (void)state;

        world_watch(w);
        for (unsigned i = 0; i < 2; i++)
                world_hit(w, (struct hit){ .at_ms = i,
                                           .client = "198.51.100.1",
                                           .session = i ? "b" : "a" });
        buf_clear(&w->told);
        held(w, "swarm", "session", "<session:a>");
        for (unsigned i = 0; i < 2; i++)
                world_hit(w, (struct hit){ .at_ms = 20000 + i,
                                           .client = "198.51.100.1",
                                           .session = i ? "b" : "a" });
        assert_int_equal(w->counters.blocks_ignored, 1);
        engine_finish(w->engine);
        world_expect_last(w, "block-ignored");
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data, "blocked session:<session:b>"));
        assert_null(strstr((char *)w->told.data, "<session:a>"));
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_network_with_one_who_may_not_be_blocked_is_not),
                cmocka_unit_test(forty_rules_on_one_key),
                cmocka_unit_test(a_network_with_an_exempt_address_is_not_blocked),
                cmocka_unit_test(an_exempt_participant_is_not_blocked),
                cmocka_unit_test(exemptions_end_and_change),
                cmocka_unit_test(what_is_due_past_the_limit_is_refused_and_put_later),
                cmocka_unit_test(participants_are_refused_one_by_one),
                cmocka_unit_test(no_more_than_a_share_of_the_visitors),
                cmocka_unit_test(a_restart_does_not_lift_the_limit),
                cmocka_unit_test(a_held_block_was_never_put),
                cmocka_unit_test(a_held_block_is_not_told_of_again),
                cmocka_unit_test(the_alert_that_it_is_ignored_ends),
                cmocka_unit_test(the_alert_that_it_is_ignored_is_answered),
                cmocka_unit_test(one_of_two_participants_is_held),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
