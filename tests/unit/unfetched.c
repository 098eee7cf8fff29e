/* SPDX-License-Identifier: MIT */
#include "detect/unfetched.h"

#include "detect/snapshot.h"
#include "unit/detect_world.h"

#include <math.h>

#define HOUR_MS (3600 * 1000LL)
#define DAY_MS  (24 * HOUR_MS)

static struct unfetched_usual usual;

/* A key in one pane of its window: `views`, each after `fetches` of what it brings. */
static struct unfetched key_of(int64_t day, unsigned views, unsigned fetches)
{
        struct unfetched u = { 0 };

        for (unsigned i = 0; i < views; i++) {
                for (unsigned k = 0; k < fetches; k++)
                        unfetched_fetch(&u, 7);
                unfetched_view(&usual, &u, 7, 7, WORLD_BEGIN + day * DAY_MS * NS_PER_MS,
                               true);
        }
        return u;
}

static void learn(int64_t day, unsigned browsers, unsigned programs)
{
        for (unsigned i = 0; i < browsers; i++)
                key_of(day, 8, 3);
        for (unsigned i = 0; i < programs; i++)
                key_of(day, 8, 0);
}

static void mix(int64_t day)
{
        for (unsigned i = 0; i < 100; i++)
                learn(day, 9, 1);
}

static void value_is_the_share_of_those_who_fetch_as_little(void **state)
{
        (void)state;
        usual = (struct unfetched_usual){ 0 };
        learn(0, 95, 5);
        struct unfetched now = key_of(0, 8, 0);
        assert_true(isnan(unfetched_value(&usual, &now))); /* the first day */
        learn(1, 1, 0);
        /* 6 of 101, at a weight of 7/8. */
        now = key_of(1, 4, 0);
        assert_float_equal(unfetched_value(&usual, &now),
                           -log10((0.875 * 6 + 0.5) / (0.875 * 101 + 1)), 1e-6);
        now = key_of(1, 8, 3);
        assert_float_equal(unfetched_value(&usual, &now),
                           -log10(fmin(1, (0.875 * 101 + 0.5) / (0.875 * 101 + 1))),
                           1e-6);
        now = key_of(1, 3, 0); /* not looked at yet */
        assert_true(isnan(unfetched_value(&usual, &now)));
        now =
            key_of(1, 100, 0); /* nobody had so many: what was told at 8 holds no more */
        assert_true(unfetched_value(&usual, &now) > 1);
}

static void few_keys_tell_nothing(void **state)
{
        (void)state;
        usual = (struct unfetched_usual){ 0 };
        learn(0, 57, 0);
        learn(1, 1, 0);
        struct unfetched now = key_of(1, 4, 0);
        assert_true(isnan(unfetched_value(&usual, &now))); /* 57 * 7/8 < 50 */
        usual = (struct unfetched_usual){ 0 };
        learn(0, 58, 0);
        learn(1, 1, 0);
        now = key_of(1, 4, 0);
        assert_false(isnan(unfetched_value(&usual, &now)));
}

static void a_look_holds_while_half_of_its_views_are_there(void **state)
{
        struct unfetched u = { 0 };
        (void)state;

        usual = (struct unfetched_usual){ 0 };
        learn(0, 100, 0);
        learn(1, 1, 0);
        for (int64_t pane = 0; pane < 8; pane++)
                unfetched_view(&usual, &u, pane, pane, WORLD_BEGIN + DAY_MS * NS_PER_MS,
                               true);
        assert_true(unfetched_value(&usual, &u) > 2);
        unfetched_rotate(&u, 7, 11); /* four of eight are left */
        assert_true(unfetched_value(&usual, &u) > 2);
        unfetched_rotate(&u, 11, 12); /* three: the look at four still holds */
        assert_true(unfetched_value(&usual, &u) > 2);
        assert_true(u.looks >> 4 == 0);
        unfetched_rotate(&u, 12, 14);
        assert_true(isnan(unfetched_value(&usual, &u)));
}

static void a_key_counts_once_a_day_by_its_least(void **state)
{
        struct unfetched u = { 0 };
        int64_t at = WORLD_BEGIN;
        (void)state;

        usual = (struct unfetched_usual){ 0 };
        for (unsigned i = 0; i < 5; i++) { /* four views, and gone from the window */
                for (unsigned k = 0; k < 4; k++) {
                        if (i != 2)
                                unfetched_fetch(&u, 9 * i);
                        unfetched_view(&usual, &u, 9 * i, 9 * i, at, true);
                }
                unfetched_rotate(&u, 9 * i, 9 * i + 9);
        }
        assert_float_equal(usual.today[0][0], 1, 0);
        for (unsigned class = 1; class < UNFETCHED_RATIOS; class ++)
                assert_float_equal(usual.today[0][class], 0, 0);
}

static void what_is_rare_at_most_doubles_in_a_day(void **state)
{
        (void)state;
        usual = (struct unfetched_usual){ 0 };
        learn(0, 1000, 0);
        mix(1); /* one in ten, from one day to the next */
        struct unfetched now = key_of(1, 8, 0);
        assert_true(unfetched_value(&usual, &now) > 3); /* the day before counts */
        mix(2);
        now = key_of(2, 8, 0);
        assert_true(unfetched_value(&usual, &now) > 2.5); /* 1.3, were it not for that */
        for (int64_t day = 3; day < 40; day++)
                mix(day);
        now = key_of(40, 8, 0);
        assert_true(unfetched_value(&usual, &now) < 1.1); /* but it becomes usual */
}

static void what_a_quarter_does_is_usual_at_once(void **state)
{
        (void)state;
        usual = (struct unfetched_usual){ 0 };
        learn(0, 1000, 0);
        learn(1, 1, 30);
        struct unfetched now = key_of(1, 8, 0);
        assert_true(unfetched_value(&usual, &now) > 3);
        learn(1, 0, 10);
        now = key_of(1, 8, 0);
        assert_true(unfetched_value(&usual, &now) < 0.61);
}

/* ---- through the engine ---- */

static const char rules[] = "rules:\n"
                            "  - name: bare\n"
                            "    per: client.ip\n"
                            "    when: unfetched(10m) >= 1.5\n";

static void one(struct world *w, int64_t at_ms, const char *client, uint16_t page,
                uint16_t status)
{
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = page,
                                   .status = status,
                                   .target = "x" });
}

static void people(struct world *w, int64_t at_ms)
{
        char client[32];

        for (unsigned i = 0; i < 100; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i + 1);
                for (unsigned k = 0; k < 5; k++) {
                        one(w, at_ms + 1000 * k, client, PAGE_ASSET, k % 2 ? 304 : 200);
                        one(w, at_ms + 1000 * k, client,
                            k % 2 ? PAGE_PROFILE : PAGE_SEARCH, 200);
                }
        }
}

static void bare(struct world *w, int64_t at_ms)
{
        for (unsigned k = 0; k < 4; k++)
                one(w, at_ms + 1000 * k, "203.0.113.7", PAGE_PROFILE, 200);
}

static void who_fetches_nothing_is_seen(void **state)
{
        struct world *w = world_new(rules);
        (void)state;

        one(w, 0, "203.0.113.1", PAGE_PROFILE, 200);
        people(w, HOUR_MS);
        people(w, DAY_MS);
        /* What is no view of a page: not found, of no page. */
        for (unsigned k = 0; k < 9; k++) {
                one(w, DAY_MS + HOUR_MS, "203.0.113.5", PAGE_PROFILE, 404);
                one(w, DAY_MS + HOUR_MS, "203.0.113.6", PAGE_OTHER, 200);
        }
        bare(w, DAY_MS + 2 * HOUR_MS);
        world_expect(w, "raised bare client.ip=203.0.113.7 n=0 at=93603000\n");
        world_free(w);
}

static void what_was_missed_is_not_unfetched(void **state)
{
        (void)state;
        for (unsigned missed = 0; missed < 3; missed++) {
                struct world *w = world_new(rules);
                one(w, 0, "203.0.113.1", PAGE_PROFILE, 200);
                people(w, HOUR_MS);
                people(w, DAY_MS);
                engine_missed(w->engine,
                              WORLD_BEGIN + (DAY_MS + 2 * HOUR_MS -
                                             (missed == 2 ? 601 : 1) * 1000) *
                                                NS_PER_MS,
                              missed ? 0.001 : 0);
                bare(w, DAY_MS + 2 * HOUR_MS);
                assert_int_equal(w->raised, missed != 1);
                world_free(w);
        }
}

static void it_outlives_a_restart_and_other_rules(void **state)
{
        static const char more[] = "rules:\n"
                                   "  - { name: other, per: client.ip, when: "
                                   "unfetched(1h) >= 9 or surge(2x) >= 19 }\n"
                                   "  - name: bare\n"
                                   "    per: client.ip\n"
                                   "    when: unfetched(10m) >= 1.5\n";
        char why[SNAPSHOT_WHY];
        (void)state;

        struct world *w = world_new(rules);
        struct diag *diag = diag_new();
        one(w, 0, "203.0.113.1", PAGE_PROFILE, 200);
        people(w, HOUR_MS);
        people(w, DAY_MS);
        FILE *file = tmpfile();
        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        rewind(file);
        struct rules *with = rules_parse("rules.yaml", slice_str(more), w->site, diag);
        assert_non_null(with);
        struct engine_options options = { .rules = with,
                                          .site = w->site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = 64 << 20,
                                          .incidents_max = 1000,
                                          .hellos_max = 64,
                                          .hello_join_ns = 600 * NS_PER_SEC,
                                          .pseudonym = world_pseudonym,
                                          .incident = world_incident,
                                          .incident_context = w,
                                          .counters = &w->counters };
        engine_free(&w->engine);
        w->engine = engine_restore(&options, file, why);
        fclose(file);
        assert_non_null(w->engine);
        rules_free(&w->rules);
        w->rules = with;
        bare(w, DAY_MS + 2 * HOUR_MS);
        world_expect(w, "raised bare client.ip=203.0.113.7 n=0 at=93603000\n");
        diag_free(&diag);
        world_free(w);
}

static void a_rule_that_sees_no_fetches_is_warned_of(void **state)
{
        static const char narrow[] = "rules:\n"
                                     "  - name: bare\n"
                                     "    where: page == profile\n"
                                     "    per: client.ip\n"
                                     "    when: unfetched(10m) >= 2\n";
        struct buf text = { 0 };
        (void)state;

        for (unsigned i = 0; i < 2; i++) {
                struct diag *diag = diag_new();
                struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
                struct rules *r =
                    rules_parse("rules.yaml", slice_str(i ? narrow : rules), site, diag);
                assert_non_null(r);
                buf_clear(&text);
                diag_print(diag, &text);
                buf_put_byte(&text, 0);
                assert_int_equal(strstr((const char *)text.data,
                                        "unfetched() sees no fetches") != NULL,
                                 i);
                rules_free(&r);
                site_free(&site);
                diag_free(&diag);
        }
        buf_free(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(value_is_the_share_of_those_who_fetch_as_little),
                cmocka_unit_test(few_keys_tell_nothing),
                cmocka_unit_test(a_look_holds_while_half_of_its_views_are_there),
                cmocka_unit_test(a_key_counts_once_a_day_by_its_least),
                cmocka_unit_test(what_is_rare_at_most_doubles_in_a_day),
                cmocka_unit_test(what_a_quarter_does_is_usual_at_once),
                cmocka_unit_test(who_fetches_nothing_is_seen),
                cmocka_unit_test(what_was_missed_is_not_unfetched),
                cmocka_unit_test(it_outlives_a_restart_and_other_rules),
                cmocka_unit_test(a_rule_that_sees_no_fetches_is_warned_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
