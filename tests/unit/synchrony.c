/* SPDX-License-Identifier: MIT */
#include "detect/synchrony.h"

#include "detect/snapshot.h"
#include "unit/detect_world.h"

#include <math.h>

#define HOUR (3600 * NS_PER_SEC)

static struct budget budget;
static struct counters counters;
static struct paces site;

static uint64_t name(unsigned member)
{
        return hash_u64(&(struct hash_key){ 7, 8 }, member);
}

/* Of the site's visitors one in ten goes at each of ten paces, an octave apart. */
static int set_up(void **state)
{
        (void)state;
        assert_true(budget_init(&budget, 1 << 20) && paces_init(&site));
        for (unsigned i = 0; i < 1000; i++)
                for (unsigned k = 0; k < 9; k++)
                        paces_note(&site, name(100000 + i),
                                   WORLD_BEGIN + i * 2 * HOUR +
                                       k * (INT64_C(256) << i % 10) * NS_PER_MS);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        budget_free(&budget);
        paces_free(&site);
        return 0;
}

static void visit(struct synchrony *s, unsigned member, int64_t at_ns, uint32_t gap_ms)
{
        for (unsigned i = 0; i < 9; i++) {
                int64_t now_ns = at_ns + i * gap_ms * NS_PER_MS;
                synchrony_count(s, &budget, &counters, name(member), now_ns, now_ns,
                                HOUR);
        }
}

static double value(const struct synchrony *s, int64_t at_ns)
{
        return synchrony_value(s, &budget, &site, at_ns, HOUR);
}

static void the_tail_is_that_of_a_binomial(void **state)
{
        (void)state;
        assert_float_equal(synchrony_surprise(0, 5, 0.5), 0, 1e-12);
        assert_float_equal(synchrony_surprise(5, 5, 0.5), -log10(1 / 32.0), 1e-9);
        assert_float_equal(synchrony_surprise(4, 5, 0.5), -log10(6 / 32.0), 1e-9);
        assert_float_equal(synchrony_surprise(2, 3, 0.1), -log10(0.028), 1e-9);
        assert_float_equal(synchrony_surprise(3, 5, 1), 0, 1e-12);
        assert_true(synchrony_surprise(31, 31, 0.05) > 40);
}

static void members_at_one_pace_are_seen(void **state)
{
        struct synchrony alike = { 0 }, people = { 0 };
        int64_t at = WORLD_BEGIN;
        (void)state;

        for (unsigned i = 0; i < 13; i++, at += 100 * NS_PER_SEC) {
                visit(&alike, i, at, 4096);
                visit(&people, i, at, 256U << i % 10);
                /* The first three are known by name alone. */
                assert_true(isnan(value(&alike, at + 90 * NS_PER_SEC)) == (i < 10));
        }
        /* All of ten, of a pace that two in ten may have. */
        assert_float_equal(value(&alike, at), -10 * log10(0.2) - log10(20), 0.4);
        assert_true(value(&people, at) < 0.5);
        /* A minute over an hour later the first ones are gone. */
        assert_true(isnan(value(&alike, at + HOUR - 500 * NS_PER_SEC)));
        synchrony_clear(&alike, &budget);
        synchrony_clear(&people, &budget);
        assert_int_equal(budget.pages.used, 0);
}

static void nothing_is_said_before_the_site_is_known(void **state)
{
        struct synchrony s = { 0 };
        struct paces none;
        int64_t at = WORLD_BEGIN;
        (void)state;

        assert_true(paces_init(&none));
        for (unsigned i = 0; i < 20; i++, at += 60 * NS_PER_SEC)
                visit(&s, i, at, 4096);
        assert_true(isnan(synchrony_value(&s, &budget, &none, at, HOUR)));
        paces_free(&none);
        synchrony_clear(&s, &budget);
}

/* Many members: the sample stays what it is, and is of all of them. */
static void a_crowd_is_sampled(void **state)
{
        struct synchrony s = { 0 };
        int64_t at = WORLD_BEGIN;
        unsigned late = 0;
        (void)state;

        for (unsigned i = 0; i < 3000; i++, at += NS_PER_SEC)
                visit(&s, i, at, 64);
        const struct synchrony_members *m = budget_at(&budget, s.members);
        for (unsigned i = 0; i < SYNCHRONY_PACED; i++)
                for (unsigned k = 1500; k < 3000; k++)
                        late += m->hash[i] == ((uint32_t)(name(k) >> 32) | 1);
        assert_in_range(late, 7, 24); /* half of 31 */
        assert_true(value(&s, at) > 30);
        synchrony_clear(&s, &budget);
}

/* ---- through the engine ---- */

static const char rules[] = "rules:\n"
                            "  - name: lockstep\n"
                            "    where: page == profile and session starts_with 'f'\n"
                            "    per: client.prefix\n"
                            "    when: synchrony(session, 6h) >= 5\n";

static void read(struct world *w, int64_t at_ms, char kind, unsigned number,
                 unsigned gap_ms)
{
        char session[16], client[32];

        snprintf(session, sizeof(session), "%c%u", kind, number);
        snprintf(client, sizeof(client), "%s.%u",
                 kind == 'f' ? "198.51.100" : "203.0.113", number % 250);
        for (unsigned i = 0; i < 9; i++)
                world_hit(w, (struct hit){ .at_ms = at_ms + i * gap_ms,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .target = "x",
                                           .session = session });
}

static void restart(struct world *w, const char *text)
{
        char why[SNAPSHOT_WHY];
        struct diag *diag = diag_new();
        FILE *file = tmpfile();

        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        rewind(file);
        struct rules *with = rules_parse("rules.yaml", slice_str(text), w->site, diag);
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
        diag_free(&diag);
}

/* The site is all who view the page, not those whom the rule looks at. */
static void a_farm_is_compared_with_the_site(void **state)
{
        static const char more[] =
            "rules:\n"
            "  - { name: all, per: client.prefix, when: count(1h) > 90000 }\n"
            "  - name: lockstep\n"
            "    where: page == profile and session starts_with 'f'\n"
            "    per: client.prefix\n"
            "    when: synchrony(session, 6h) >= 5\n";
        (void)state;

        for (unsigned restarts = 0; restarts < 2; restarts++) {
                struct world *w = world_new(rules);
                int64_t at_ms = 0;
                for (unsigned i = 0; i < 1000; i++, at_ms += 2000)
                        read(w, at_ms, 'p', i, 256U << i % 10);
                for (unsigned i = 0; i < 40 && w->raised == 0; i++, at_ms += 60000) {
                        if (restarts && i == 7)
                                restart(w, more);
                        read(w, at_ms, 'f', i, 4000 + i);
                }
                world_expect_last(w, "raised lockstep client.prefix=198.51.100.0/24 n=0");
                assert_int_equal(at_ms, 2000 * 1000 + 60000 * 11);
                world_free(w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_tail_is_that_of_a_binomial),
                cmocka_unit_test_setup_teardown(members_at_one_pace_are_seen, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(nothing_is_said_before_the_site_is_known,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_crowd_is_sampled, set_up, tear_down),
                cmocka_unit_test(a_farm_is_compared_with_the_site),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
