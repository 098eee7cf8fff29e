/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

#define RULES "rules: [{ name: r, per: client.host, when: count(1m) > 1000 }]\n"
#define MIN   (60 * NS_PER_SEC)

static int64_t at(int64_t minutes)
{
        return WORLD_BEGIN + minutes * MIN;
}

static struct own_state state_of(const char *subject,
                                 const struct incident_evidence *evidence)
{
        return (struct own_state){ .subject_type = "ip",
                                   .subject = slice_str(subject),
                                   .evidence = evidence,
                                   .evidence_count = evidence != NULL };
}

static void ignored(struct world *w, int64_t minutes, const char *subject,
                    double requests)
{
        const struct incident_evidence evidence = { "requests", requests, false, false };
        struct own_state state = state_of(subject, &evidence);

        engine_advance(w->engine, at(minutes));
        own_hold(&w->engine->own, OWN_BLOCK_IGNORED, &state, at(minutes));
}

static void over(struct world *w, int64_t minutes, const char *subject)
{
        struct own_state state = state_of(subject, NULL);

        own_end(&w->engine->own, OWN_BLOCK_IGNORED, &state, at(minutes));
}

static void told_while_it_holds_then_ended_by_silence(void **state)
{
        struct world *w = world_new(RULES);
        char id[INCIDENT_ID_MAX];
        (void)state;

        ignored(w, 0, "203.0.113.9", 4);
        memcpy(id, w->id, sizeof(id));
        assert_string_equal(w->group, id);
        world_expect_last(w, "severity=high dry_run=0 start=0 last=0");
        world_expect_last(w, "evidence requests = 4\n");
        for (int64_t minute = 1; minute < 25; minute++)
                ignored(w, minute, "203.0.113.9", 4 + (double)minute);
        world_expect_last(w, "evidence requests = 24\n");
        engine_advance(w->engine, at(33));
        engine_advance(w->engine, at(40));
        world_expect(w, "raised block-ignored ip=203.0.113.9 n=0 at=0\n"
                        "updated block-ignored ip=203.0.113.9 n=1 at=600000\n"
                        "updated block-ignored ip=203.0.113.9 n=2 at=1200000\n"
                        "ended block-ignored ip=203.0.113.9 n=3 at=2040000\n");
        world_expect_last(w, "evidence requests = 28\n");
        assert_string_equal(w->id, id);
        assert_int_equal(w->counters.incidents_raised, 1);
        world_free(w);
}

static void each_subject_and_kind_has_its_own(void **state)
{
        struct world *w = world_new(RULES);
        struct own_state all = { .subject_type = "all", .subject = SLICE("all") };
        char id[INCIDENT_ID_MAX];
        (void)state;

        ignored(w, 0, "203.0.113.9", 1);
        memcpy(id, w->id, sizeof(id));
        ignored(w, 0, "203.0.113.8", 1);
        assert_string_not_equal(w->id, id);
        own_hold(&w->engine->own, OWN_BLOCK_LIMIT, &all, at(0));
        over(w, 1, "203.0.113.9");
        assert_string_equal(w->id, id);
        over(w, 1, "203.0.113.9");
        over(w, 1, "203.0.113.1");
        assert_true(
            own_is_open(&w->engine->own, OWN_BLOCK_LIMIT, "all", slice_str("all")));
        assert_false(
            own_is_open(&w->engine->own, OWN_BLOCK_IGNORED, "all", slice_str("all")));
        engine_finish(w->engine);
        ignored(w, 2, "203.0.113.9", 1);
        assert_string_not_equal(w->id, id);
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data,
                               "raised block-ignored ip=203.0.113.9 n=0 at=0\n"
                               "raised block-ignored ip=203.0.113.8 n=0 at=0\n"
                               "raised block-limit all=all n=0 at=0\n"
                               "ended block-ignored ip=203.0.113.9 n=1 at=60000\n"));
        assert_int_equal(w->ended, 3);
        assert_int_equal(w->raised, 4);
        world_free(w);
}

/* The same traffic has the same ids. */
static void ids_come_from_what_it_is_about(void **state)
{
        char id[2][INCIDENT_ID_MAX];
        (void)state;

        for (unsigned i = 0; i < 2; i++) {
                struct world *w = world_new(RULES);
                ignored(w, 3, "203.0.113.9", i);
                memcpy(id[i], w->id, sizeof(id[i]));
                world_free(w);
        }
        assert_string_equal(id[0], id[1]);
        assert_int_equal(strlen(id[0]), INCIDENT_ID_MAX - 1);
}

/* It is named in every event, and none of them puts it again. */
static void a_block_is_named_and_not_put(void **state)
{
        struct world *w = world_new(RULES);
        const struct incident_block block = { "ip", SLICE("203.0.113.9"), at(0), at(10),
                                              2 };
        struct own_state ip = state_of("203.0.113.9", NULL);
        (void)state;

        ip.block = &block;
        own_hold(&w->engine->own, OWN_BLOCK_IGNORED, &ip, at(1));
        over(w, 2, "203.0.113.9");
        world_expect(w, "raised block-ignored ip=203.0.113.9 n=0 at=60000 "
                        "blocked ip:203.0.113.9 level=2 for=600s\n"
                        "ended block-ignored ip=203.0.113.9 n=1 at=120000 "
                        "blocked ip:203.0.113.9 level=2 for=600s\n");
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

static void no_more_than_there_is_room_for(void **state)
{
        struct world *w = world_new(RULES);
        char subject[32];
        (void)state;

        for (unsigned i = 0; i < OWN_OPEN_MAX + 3; i++) {
                snprintf(subject, sizeof(subject), "198.51.%u.%u", i / 250, i % 250);
                ignored(w, 0, subject, 1);
        }
        assert_int_equal(w->raised, OWN_OPEN_MAX);
        assert_int_equal(w->counters.incidents_dropped, 3);
        /* What is about all is told all the same, and a restart finds it. */
        struct own_state all = { .subject_type = "all", .subject = SLICE("all") };
        own_hold(&w->engine->own, OWN_BLOCK_LIMIT, &all, at(0));
        assert_int_equal(w->raised, OWN_OPEN_MAX + 1);
        w->engine = restarted(w);
        own_end(&w->engine->own, OWN_BLOCK_LIMIT, &all, at(1));
        assert_int_equal(w->ended, 1);
        engine_advance(w->engine, at(11));
        assert_int_equal(w->ended, OWN_OPEN_MAX + 1);
        ignored(w, 12, "198.51.1.7", 1);
        assert_int_equal(w->raised, OWN_OPEN_MAX + 2);
        world_free(w);
}

/* The file is all that is left; the alert goes on under its id, and then ends. */
static void goes_on_after_a_restart(void **state)
{
        struct world *w = world_new(RULES);
        char id[INCIDENT_ID_MAX];
        (void)state;

        ignored(w, 0, "203.0.113.9", 7);
        ignored(w, 0, "203.0.113.8", 8);
        memcpy(id, w->id, sizeof(id));
        w->engine = restarted(w);
        buf_clear(&w->told);
        over(w, 5, "203.0.113.8");
        assert_string_equal(w->id, id);
        world_expect_last(w, "evidence requests = 8\n");
        engine_advance(w->engine, at(20));
        world_expect(w, "ended block-ignored ip=203.0.113.8 n=1 at=300000\n"
                        "ended block-ignored ip=203.0.113.9 n=1 at=600000\n");
        world_free(w);
}

static void no_rule_has_such_a_name(void **state)
{
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct buf text = { 0 };
        (void)state;

        assert_null(rules_parse("r.yaml",
                                slice_str("rules:\n"
                                          "  - name: block-limit\n"
                                          "    per: client.host\n"
                                          "    when: count(1m) > 1\n"),
                                site, diag));
        diag_print(diag, &text);
        buf_put_byte(&text, 0);
        assert_non_null(strstr((char *)text.data,
                               "r.yaml:2:11: 'block-limit' is the name of alerts of the "
                               "daemon itself: give the rule another"));
        assert_true(own_is_name(slice_str("block-ignored")));
        assert_false(own_is_name(slice_str("block-limits")));
        buf_free(&text);
        diag_free(&diag);
        site_free(&site);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(told_while_it_holds_then_ended_by_silence),
                cmocka_unit_test(each_subject_and_kind_has_its_own),
                cmocka_unit_test(ids_come_from_what_it_is_about),
                cmocka_unit_test(a_block_is_named_and_not_put),
                cmocka_unit_test(no_more_than_there_is_room_for),
                cmocka_unit_test(goes_on_after_a_restart),
                cmocka_unit_test(no_rule_has_such_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
