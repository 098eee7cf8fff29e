/* SPDX-License-Identifier: MIT */
#include "detect/known.h"

#include "detect/snapshot.h"
#include "unit/detect_world.h"

#define MINUTE_MS (60 * 1000LL)
#define DAY_MS    (1440 * MINUTE_MS)

static struct counters counters;
static struct hash_key key = { 5, 6 };

static void send(struct known *k, int64_t minute, unsigned session)
{
        uint64_t hash = hash_u64(&key, session);

        known_advance(k, WORLD_BEGIN + minute * 60 * NS_PER_SEC);
        known_note(k, hash, known_find(k, hash));
}

static bool is_known(struct known *k, int64_t minute, unsigned session)
{
        known_advance(k, WORLD_BEGIN + minute * 60 * NS_PER_SEC);
        return known_is(known_find(k, hash_u64(&key, session)));
}

/* WORLD_BEGIN is a whole hour: spells begin at whole tens of minutes. */
static void ten_to_twenty_minutes_make_it_known(void **state)
{
        struct known k;
        (void)state;

        assert_true(known_init(&k, 1 << 16, &counters));
        send(&k, 0, 1);
        send(&k, 9, 2);
        assert_false(is_known(&k, 9, 1));
        assert_false(is_known(&k, 19, 1));
        assert_true(is_known(&k, 20, 1));
        assert_true(is_known(&k, 20, 2));
        assert_false(is_known(&k, 20, 3));
        send(&k, 25, 3); /* a whole spell without anything */
        assert_false(is_known(&k, 39, 3));
        assert_true(is_known(&k, 45, 3));
        known_free(&k);
}

static void it_is_forgotten_after_some_days(void **state)
{
        struct known k;
        (void)state;

        assert_true(known_init(&k, 1 << 16, &counters));
        send(&k, 0, 1);
        send(&k, 0, 2);
        for (int64_t day = 1; day < 6; day++) {
                assert_true(is_known(&k, day * 1440, 1));
                send(&k, day * 1440, 2);
        }
        assert_false(is_known(&k, 6 * 1440, 1));
        assert_true(is_known(&k, 6 * 1440, 2)); /* came every day */
        assert_true(is_known(&k, 10 * 1440, 2));
        assert_false(is_known(&k, 20 * 1440, 2));
        known_free(&k);
}

/* What is just before midnight is of that day, and known the day after. */
static void a_spell_over_midnight_is_kept(void **state)
{
        struct known k;
        (void)state;

        assert_true(known_init(&k, 1 << 16, &counters));
        send(&k, 12 * 60 + 59, 1); /* 23:59 */
        assert_true(is_known(&k, 13 * 60 + 10, 1));
        known_free(&k);
}

static void a_full_day_takes_no_more(void **state)
{
        struct known k;
        unsigned room = (unsigned)((1 << 16) / KNOWN_BYTES) + 1, many = 2 * room;
        (void)state;

        counters = (struct counters){ 0 };
        assert_true(known_init(&k, 1 << 16, &counters));
        for (unsigned i = 0; i < many; i++)
                send(&k, 0, i);
        assert_in_range(counters.known_saturated, many - room - 3, many - room + 3);
        unsigned found = 0;
        for (unsigned i = 0; i < many; i++)
                found += is_known(&k, 20, i);
        assert_in_range(found, room - 3, room + 3);
        send(&k, 1440, many); /* the next day has room */
        assert_true(is_known(&k, 1440 + 20, many));
        known_free(&k);
}

static void hardly_any_is_known_that_was_not_sent(void **state)
{
        struct known k;
        unsigned room = (unsigned)((1 << 20) / KNOWN_BYTES), wrong = 0, asked = 2000000;
        (void)state;

        assert_true(known_init(&k, 1 << 20, &counters));
        for (unsigned day = 0; day < KNOWN_DAYS; day++)
                for (unsigned i = 0; i < room; i++)
                        send(&k, day * 1440, day * room + i);
        known_advance(&k, WORLD_BEGIN + ((KNOWN_DAYS - 1) * 1440 + 20) * 60 * NS_PER_SEC);
        for (unsigned i = 0; i < asked; i++)
                wrong += known_is(known_find(&k, hash_u64(&key, 1U << 31 | i)));
        assert_in_range(wrong, 100, 250); /* 1.0e-4 */
        known_free(&k);
}

/* ---- through the engine ---- */

static const char rules[] = "rules:\n"
                            "  - name: people\n"
                            "    where: session.known\n"
                            "    per: client.ip\n"
                            "    when: distinct(session, 1h) >= 2\n";

static void ask(struct world *w, int64_t minute, const char *session, const char *was,
                bool sent)
{
        world_hit(w, (struct hit){ .at_ms = minute * MINUTE_MS,
                                   .client = "198.51.100.1",
                                   .page = PAGE_PROFILE,
                                   .target = "x",
                                   .session = session,
                                   .was = was,
                                   .flags = sent ? RECORD_SESSION_SENT : 0 });
}

static void only_what_a_request_sent_counts(void **state)
{
        struct world *w = world_new(rules);
        (void)state;

        ask(w, 0, "set", NULL, false);   /* by a response */
        ask(w, 0, "set2", "sent", true); /* of this, the other one */
        ask(w, 0, "kept", NULL, true);
        ask(w, 30, "set", NULL, true);
        ask(w, 30, "set2", NULL, true);
        ask(w, 30, "kept", NULL, true);
        assert_int_equal(w->raised, 0);
        ask(w, 31, "new", "sent", true); /* what is set is not what was sent */
        assert_int_equal(w->raised, 0);
        ask(w, 31, "sent", NULL, true);
        world_expect(w, "raised people client.ip=198.51.100.1 n=0 at=1860000\n");
        world_free(w);
}

static void it_outlives_a_restart_and_other_rules(void **state)
{
        static const char more[] = "rules:\n"
                                   "  - name: people\n"
                                   "    where: session.known and page == profile\n"
                                   "    per: client.ip\n"
                                   "    when: distinct(session, 1h) >= 2\n";
        char why[SNAPSHOT_WHY];
        (void)state;

        struct world *w = world_new(rules);
        struct diag *diag = diag_new();
        ask(w, 0, "one", NULL, true);
        ask(w, 0, "two", NULL, true);
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
        ask(w, 20, "one", NULL, true);
        ask(w, 20, "two", NULL, true);
        assert_int_equal(w->raised, 1);
        diag_free(&diag);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ten_to_twenty_minutes_make_it_known),
                cmocka_unit_test(it_is_forgotten_after_some_days),
                cmocka_unit_test(a_spell_over_midnight_is_kept),
                cmocka_unit_test(a_full_day_takes_no_more),
                cmocka_unit_test(hardly_any_is_known_that_was_not_sent),
                cmocka_unit_test(only_what_a_request_sent_counts),
                cmocka_unit_test(it_outlives_a_restart_and_other_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
