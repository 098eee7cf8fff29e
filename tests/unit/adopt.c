/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

#define RULE(mode)                                                                       \
        "rules: [{ name: r, where: page == profile, per: client.ip, " mode               \
        "when: \"distinct(target, 10m) >= 3\", again: 5m, description: many targets }, " \
        "{ name: s, where: page == search, per: session, "                               \
        "when: \"count(10m) >= 2\", again: 5m }]\n"
#define BLOCKS  "block: [10m, 1h, 6h], "
#define MINUTE  (60 * NS_PER_SEC)
#define CLIENT  "198.51.100.1"
#define NOTHING ""

/* As an event of it stands in the journal, at `at_ms` of WORLD_BEGIN's time. */
static struct told_incident told(const char *rule, const char *type, const char *subject,
                                 int64_t at_ms)
{
        return (struct told_incident){ .id = SLICE("01JDDA0000AAAAAAAABEF0REAA"),
                                       .group = SLICE("01JDDA0000AAAAAAAAGR0VPAAA"),
                                       .rule = slice_str(rule),
                                       .subject_type = slice_str(type),
                                       .subject = slice_str(subject),
                                       .n = 4,
                                       .severity = SEVERITY_HIGH,
                                       .time_ns = WORLD_BEGIN + at_ms * NS_PER_MS,
                                       .start_ns = WORLD_BEGIN - MINUTE,
                                       .last_ns = WORLD_BEGIN,
                                       .served_targets = 77,
                                       .served_bytes = 5000 };
}

static void adopt(struct world *w, const char *rule, const char *type,
                  const char *subject)
{
        struct told_incident incident = told(rule, type, subject, 0);

        engine_adopt(w->engine, &incident, WORLD_BEGIN);
}

static void views(struct world *w, int64_t from_ms, const char *client)
{
        for (unsigned i = 0; i < 3; i++)
                world_view(w, from_ms + i, client, i);
}

static void block(struct world *w, const char *value, int64_t since_ms, int64_t for_s,
                  unsigned level)
{
        int64_t since_ns = WORLD_BEGIN + since_ms * NS_PER_MS;
        struct told_block put = { .rule = SLICE("r"),
                                  .type = SLICE("ip"),
                                  .value = slice_str(value),
                                  .since_ns = since_ns,
                                  .until_ns = since_ns + for_s * NS_PER_SEC,
                                  .level = level };

        engine_recall_block(w->engine, &put);
}

static void the_rule_goes_on_under_the_id(void **state)
{
        static const char *const modes[] = { RULE(NOTHING), RULE("mode: dry-run, ") };

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                struct world *w = world_new(modes[i]);
                adopt(w, "r", "client.ip", CLIENT);
                views(w, 10, "198.51.100.2");
                views(w, 1000, CLIENT);
                assert_string_equal(w->id, "01JDDA0000AAAAAAAABEF0REAA");
                assert_string_equal(w->group, "01JDDA0000AAAAAAAAGR0VPAAA");
                world_expect_last(w, "start=-60000");
                world_view(w, 302 * 1000, CLIENT, 9);
                engine_advance(w->engine, WORLD_BEGIN + 60 * MINUTE);
                world_expect(w, "raised r client.ip=198.51.100.2 n=0 at=12\n"
                                "updated r client.ip=198.51.100.1 n=5 at=1002\n"
                                "updated r client.ip=198.51.100.1 n=6 at=302000\n"
                                "ended r client.ip=198.51.100.2 n=1 at=600012\n"
                                "ended r client.ip=198.51.100.1 n=7 at=902000\n");
                assert_int_equal(w->counters.incidents_raised, 1);
                assert_int_equal(w->counters.incidents_adopted, 1);
                /* The next one is another incident. */
                views(w, 3700 * 1000, CLIENT);
                world_expect(w, "raised r client.ip=198.51.100.1 n=0 at=3700002\n");
                world_free(w);
        }
}

static void one_that_nobody_takes_up_ends(void **state)
{
        struct world *w = world_new(RULE(NOTHING));
        (void)state;

        adopt(w, "r", "client.ip", CLIENT);
        engine_advance(w->engine, WORLD_BEGIN + 10 * MINUTE - 1);
        world_expect(w, "");
        engine_advance(w->engine, WORLD_BEGIN + 10 * MINUTE);
        world_expect_last(w, "id=01JDDA0000AAAAAAAABEF0REAA severity=high dry_run=0 "
                             "start=-60000 last=0 targets=77 bytes=5000");
        world_expect(w, "ended r client.ip=198.51.100.1 n=5 at=600000\n");
        engine_finish(w->engine);
        world_expect(w, "");
        /* At the end of the input it does not wait. */
        adopt(w, "r", "client.ip", CLIENT);
        engine_finish(w->engine);
        world_expect(w, "ended r client.ip=198.51.100.1 n=5 at=600000\n");
        world_free(w);
}

/* The daemon was away for longer than it may be silent, or the rule is gone. */
static void one_that_is_over_at_the_start_ends_at_once(void **state)
{
        struct world *w = world_new(RULE(NOTHING));
        struct told_incident old = told("r", "client.ip", CLIENT, -900 * 1000);
        (void)state;

        engine_adopt(w->engine, &old, WORLD_BEGIN);
        adopt(w, "gone", "client.ip", CLIENT);
        engine_advance(w->engine, WORLD_BEGIN + 1);
        world_expect(w, "ended r client.ip=198.51.100.1 n=5 at=0\n"
                        "ended gone client.ip=198.51.100.1 n=5 at=0\n");
        world_free(w);
}

/* What is a pseudonym is looked for as one, and what was made UTF-8 too. */
static void the_subject_is_compared_as_published(void **state)
{
        struct world *w = world_new(RULE(NOTHING));
        (void)state;

        adopt(w, "s", "session", "<session:abc\xef\xbf\xbd>");
        for (unsigned i = 0; i < 2; i++)
                world_hit(w, (struct hit){ .at_ms = 5 + i,
                                           .client = CLIENT,
                                           .page = PAGE_SEARCH,
                                           .session = "abc\xff" });
        assert_int_equal(w->updated, 1);
        assert_int_equal(w->raised, 0);
        world_free(w);
}

/* Until its end it is only named, and watched again; the next rung comes after it. */
static void its_block_runs_on(void **state)
{
        struct world *w = world_new(RULE(BLOCKS));
        (void)state;

        world_watch(w);
        adopt(w, "r", "client.ip", CLIENT);
        block(w, CLIENT, -60 * 1000, 3600, 2);
        block(w, CLIENT, -60 * 1000, 3600, 2); /* known already */
        block(w, CLIENT, -600 * 1000, 300, 1); /* an older one */
        assert_int_equal(block_limit_count(&w->engine->block_limit, WORLD_BEGIN).running,
                         1);
        views(w, 1000, CLIENT);
        world_expect_last(w, "n=5 at=1002 blocked ip:198.51.100.1 level=2 for=3600s");
        world_view(w, 1100, CLIENT, 8);
        assert_int_equal(w->counters.blocks_ignored, 1); /* it is seen to be served */
        views(w, 3540 * 1000, CLIENT);
        world_expect_last(w, "block ip:198.51.100.1 level=3 for=21600s");
        world_free(w);
}

/* One whose rule blocked it and whose incident had ended before the crash. */
static void a_rung_is_not_forgotten(void **state)
{
        struct world *w = world_new(RULE(BLOCKS));
        (void)state;

        block(w, CLIENT, -3600 * 1000, 600, 1);
        block(w, "198.51.100.2", -3600 * 1000, 600, 4000000000); /* from a damaged file */
        views(w, 0, CLIENT);
        views(w, 10, "198.51.100.2");
        views(w, 20, "198.51.100.3");
        world_expect(
            w, "raised r client.ip=198.51.100.1 n=0 at=2 block ip:198.51.100.1 level=2 "
               "for=3600s\n"
               "raised r client.ip=198.51.100.2 n=0 at=12 block ip:198.51.100.2 level=3 "
               "for=21600s\n"
               "raised r client.ip=198.51.100.3 n=0 at=22 block ip:198.51.100.3 level=1 "
               "for=600s\n");
        world_free(w);
}

static void one_of_the_daemons_own_is_open_at_once(void **state)
{
        struct own_state own = { .subject_type = "ip", .subject = SLICE(CLIENT) };
        struct world *w = world_new(RULE(NOTHING));
        (void)state;

        adopt(w, "block-ignored", "ip", CLIENT);
        adopt(w, "block-ignored", "ip", CLIENT); /* one is open */
        adopt(w, "block-limit", "all", "all");
        own_hold(&w->engine->own, OWN_BLOCK_IGNORED, &own, WORLD_BEGIN + 2 * MINUTE);
        world_expect(w, "");
        own_hold(&w->engine->own, OWN_BLOCK_IGNORED, &own, WORLD_BEGIN + 10 * MINUTE - 1);
        engine_advance(w->engine, WORLD_BEGIN + 30 * MINUTE);
        world_expect(w, "ended block-limit all=all n=5 at=600000\n"
                        "ended block-ignored ip=198.51.100.1 n=5 at=1199999\n");
        assert_string_equal(w->id, "01JDDA0000AAAAAAAABEF0REAA");
        world_free(w);
}

static void restart(struct world *w)
{
        struct engine_options options = w->engine->options;
        FILE *file = tmpfile();
        char why[SNAPSHOT_WHY];

        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rewind(file);
        w->engine = engine_restore(&options, file, why);
        assert_non_null(w->engine);
        fclose(file);
}

/* It waits in a snapshot as well, and what was told of it since then is known. */
static void a_snapshot_keeps_it(void **state)
{
        static const char id[] = "01JDDA0000AAAAAAAABEF0REAA";
        struct world *w = world_new(RULE(NOTHING));
        struct told events = { 0 };
        (void)state;

        adopt(w, "r", "client.ip", CLIENT);
        restart(w);
        told_note(&events, slice_str(id), 6, false);
        told_ready(&events);
        engine_catch_up(w->engine, &events);
        assert_true(told_find(&events, id)->is_known);
        restart(w);
        views(w, 0, CLIENT);
        world_expect(w, "updated r client.ip=198.51.100.1 n=7 at=2\n");
        told_free(&events);

        adopt(w, "r", "client.ip", "198.51.100.9");
        told_note(&events, slice_str(id), 9, true);
        told_ready(&events);
        engine_catch_up(w->engine, &events);
        engine_finish(w->engine);
        world_expect(w, "");
        told_free(&events);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_rule_goes_on_under_the_id),
                cmocka_unit_test(one_that_nobody_takes_up_ends),
                cmocka_unit_test(one_that_is_over_at_the_start_ends_at_once),
                cmocka_unit_test(the_subject_is_compared_as_published),
                cmocka_unit_test(its_block_runs_on),
                cmocka_unit_test(a_rung_is_not_forgotten),
                cmocka_unit_test(one_of_the_daemons_own_is_open_at_once),
                cmocka_unit_test(a_snapshot_keeps_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
