/* SPDX-License-Identifier: MIT */
#include "detect/forms.h"

#include "detect/snapshot.h"
#include "unit/detect_world.h"

static const char site[] = "session: { cookie: sid }\n"
                           "pages:\n"
                           "  - { name: signup_form, method: GET, path: /signup }\n"
                           "  - { name: signup, method: POST, path: /signup }\n";

enum { FORM_PAGE = 1, SIGNUP_PAGE };

#define HOUR_MS (3600 * 1000)

static struct hash_key key;
static struct missed missed;
static struct forms forms;

static int set_up(void **state)
{
        (void)state;
        key = hash_key_fixed();
        assert_true(missed_init(&missed));
        assert_true(forms_init(&forms, 64 * 24, FORM_PAGE, &key, &missed));
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        forms_free(&forms);
        missed_free(&missed);
        return 0;
}

struct visit {
        int64_t at_ms;
        const char *client, *session, *was;
        uint64_t software;
        uint16_t status;
        const char *agent;
};

static void make(struct visit v, uint16_t page, struct world_record *r)
{
        struct hit hit = { .at_ms = v.at_ms,
                           .client = v.client,
                           .page = page,
                           .session = v.session,
                           .status = v.status };

        world_make_record(&hit, r);
        r->record.software = v.software;
        world_put_text(r, &r->record.texts[RECORD_SESSION_WAS], v.was);
        world_put_text(r, &r->record.texts[RECORD_USER_AGENT], v.agent);
}

static void serve(struct visit v)
{
        struct world_record r;

        make(v, FORM_PAGE, &r);
        forms_begin(&forms, r.record.end_ns);
        forms_note(&forms, &r.record);
}

static struct form_answer answer(struct visit v)
{
        struct world_record r;

        make(v, SIGNUP_PAGE, &r);
        return forms_answer(&forms, &r.record);
}

#define assert_seen(expected, ...)                                         \
        assert_int_equal(answer((struct visit){ __VA_ARGS__, NULL }).seen, \
                         FORM_SEEN_##expected)

static void test_session(void **state)
{
        (void)state;
        serve((struct visit){ 0, "192.0.2.1", "s1", NULL, 7, 200, NULL });
        /* another address and other software, the same session */
        struct form_answer a =
            answer((struct visit){ 60000, "192.0.2.2", "s1", NULL, 8, 302, NULL });
        assert_int_equal(a.seen, FORM_SEEN_YES);
        assert_int_equal(a.served_ns, WORLD_BEGIN);
        /* the response sets another: the request's counts */
        assert_seen(YES, 60000, "192.0.2.2", "s2", "s1", 8, 302);
        assert_seen(UNKNOWN, 60000, "192.0.2.2", "s1", "s2", 8, 302);
        assert_seen(UNKNOWN, 60000, "192.0.2.2", NULL, NULL, 8, 302);
}

static void test_visitor(void **state)
{
        (void)state;
        serve((struct visit){ 0, "192.0.2.1", NULL, NULL, 7, 200, NULL });
        assert_seen(YES, 1000, "192.0.2.1", "s1", NULL, 7, 302);
        assert_seen(UNKNOWN, 1000, "192.0.2.1", "s1", NULL, 8, 302);
        assert_seen(UNKNOWN, 1000, "192.0.2.2", "s1", NULL, 7, 302);
        /* not before it was served */
        assert_seen(UNKNOWN, 4, "192.0.2.1", NULL, NULL, 7, 302);
        assert_seen(YES, 5, "192.0.2.1", NULL, NULL, 7, 302);
}

static enum form_from from(struct visit v)
{
        struct world_record r;

        make(v, SIGNUP_PAGE, &r);
        return forms_from(&forms, &r.record);
}

#define assert_from(expected, ...) \
        assert_int_equal(from((struct visit){ __VA_ARGS__ }), FORM_FROM_##expected)

static void test_to_whom(void **state)
{
        (void)state;
        serve((struct visit){ 0, "192.0.2.1", "s1", NULL, 7, 200, "A/1" });
        assert_from(SAME, 1000, "192.0.2.1", "s1", NULL, 7, 302, "A/1");
        /* of the same network, whatever its headers */
        assert_from(SAME, 1000, "192.0.2.99", "s1", NULL, 8, 302, "A/1");
        assert_from(MOVED, 1000, "198.51.100.1", "s1", NULL, 7, 302, "A/1");
        assert_from(OTHER, 1000, "192.0.2.1", "s1", NULL, 7, 302, "A/2");
        assert_from(OTHER, 1000, "198.51.100.1", "s1", NULL, 7, 302, "A/2");
        assert_from(OTHER, 1000, "192.0.2.1", "s1", NULL, 7, 302, NULL);
        /* the response sets another session */
        assert_from(MOVED, 1000, "198.51.100.1", "s2", "s1", 7, 302, "A/1");
        /* without that session: by the visitor */
        assert_from(SAME, 1000, "192.0.2.1", NULL, NULL, 7, 302, "A/1");
        assert_from(OTHER, 1000, "192.0.2.1", NULL, NULL, 7, 302, "A/2");
        assert_from(NOBODY, 1000, "192.0.2.2", "s2", NULL, 7, 302, "A/1");
        assert_from(NOBODY, 4, "192.0.2.1", "s1", NULL, 7, 302, "A/1"); /* not yet */
        /* served to both: the nearer counts */
        serve((struct visit){ 2000, "203.0.113.1", NULL, NULL, 7, 200, "A/3" });
        assert_from(SAME, 3000, "203.0.113.1", "s1", NULL, 7, 302, "A/3");
}

static void test_not_served(void **state)
{
        (void)state;
        serve((struct visit){ 0, "192.0.2.1", "s1", NULL, 7, 302, NULL });
        serve((struct visit){ 0, "192.0.2.1", "s1", NULL, 7, 404, NULL });
        assert_seen(NO, HOUR_MS + 5, "192.0.2.1", "s1", NULL, 7, 302);
}

static void test_young_capture(void **state)
{
        (void)state;
        assert_seen(UNKNOWN, HOUR_MS, "192.0.2.1", NULL, NULL, 7, 302);
        forms_begin(&forms, WORLD_BEGIN);
        assert_seen(UNKNOWN, HOUR_MS + 4, "192.0.2.1", NULL, NULL, 7, 302);
        assert_seen(NO, HOUR_MS + 5, "192.0.2.1", NULL, NULL, 7, 302);
}

static void test_missed(void **state)
{
        (void)state;
        forms_begin(&forms, WORLD_BEGIN);
        missed_add(&missed, WORLD_BEGIN + 2 * HOUR_MS * NS_PER_MS, 0.001);
        assert_seen(NO, 2 * HOUR_MS - 60000, "192.0.2.1", NULL, NULL, 7, 302);
        assert_seen(UNKNOWN, 2 * HOUR_MS + 1000, "192.0.2.1", NULL, NULL, 7, 302);
        assert_seen(UNKNOWN, 3 * HOUR_MS - 60000, "192.0.2.1", NULL, NULL, 7, 302);
        assert_seen(NO, 3 * HOUR_MS + 120000, "192.0.2.1", NULL, NULL, 7, 302);
}

/* The oldest go first; then nobody can be said not to have seen it. */
static void test_full(void **state)
{
        char client[32];

        (void)state;
        forms_begin(&forms, WORLD_BEGIN);
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(client, sizeof(client), "192.0.%u.%u", i / 250, i % 250);
                serve(
                    (struct visit){ 2 * HOUR_MS + i, client, NULL, NULL, 7, 200, NULL });
                /* This one comes back all the time. */
                serve((struct visit){ 2 * HOUR_MS + i, "198.51.100.1", NULL, NULL, 7, 200,
                                      NULL });
        }
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(client, sizeof(client), "192.0.%u.%u", i / 250, i % 250);
                enum form_seen seen = answer((struct visit){ 2 * HOUR_MS + 2000, client,
                                                             NULL, NULL, 7, 0, NULL })
                                          .seen;
                assert_int_equal(seen, i < 1000 - 32 ? FORM_SEEN_UNKNOWN : FORM_SEEN_YES);
        }
        assert_seen(YES, 2 * HOUR_MS + 2000, "198.51.100.1", NULL, NULL, 7, 0);
        assert_seen(NO, 3 * HOUR_MS + 2000, "203.0.113.1", NULL, NULL, 7, 0);
}

/* ---- through the engine ---- */

static void hit(struct world *w, uint16_t page, struct visit v)
{
        struct world_record r;

        make(v, page, &r);
        engine_record(w->engine, &r.record);
}

static void test_rules(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: blind, where: \"page == signup and signup.form_seen == no\",\n"
            "      per: client.ip, when: \"count(1h) >= 1\" }\n"
            "  - { name: fast, where: \"page == signup and signup.fill_time < 2s\",\n"
            "      per: client.ip, when: \"count(1h) >= 1\" }\n";
        struct world *w = world_new_with(site, rules, 64 << 20, 100);

        (void)state;
        assert_true(rules_look_at(w->rules, FORM_PAGE));
        assert_true(rules_read_field(w->rules, "signup.form_seen"));
        assert_false(rules_read_field(w->rules, "email.domain"));
        hit(w, FORM_PAGE, (struct visit){ 0, "192.0.2.1", "a", NULL, 7, 200, NULL });
        hit(w, SIGNUP_PAGE, (struct visit){ 1000, "192.0.2.1", "a", NULL, 7, 302, NULL });
        hit(w, FORM_PAGE, (struct visit){ 2000, "192.0.2.2", "b", NULL, 7, 200, NULL });
        hit(w, SIGNUP_PAGE, (struct visit){ 9000, "192.0.2.2", "b", NULL, 7, 302, NULL });
        hit(w, SIGNUP_PAGE, (struct visit){ 9000, "192.0.2.3", "c", NULL, 7, 302, NULL });
        world_expect(w, "raised fast client.ip=192.0.2.1 n=0 at=1000\n");
        hit(w, SIGNUP_PAGE,
            (struct visit){ 2 * HOUR_MS, "192.0.2.4", "d", NULL, 7, 302, NULL });
        world_expect_last(w, "raised blind client.ip=192.0.2.4");
        world_free(w);
}

/* It goes on after a restart. */
static void test_rule_on_whom(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - { name: handed, where: \"page == signup and "
                                    "signup.form_from == other\",\n"
                                    "      per: client.ip, when: \"count(1h) >= 1\" }\n"
                                    "  - { name: moved, where: \"page == signup and "
                                    "signup.form_from == moved\",\n"
                                    "      per: client.ip, when: \"count(1h) >= 1\" }\n";
        struct world *w = world_new_with(site, rules, 64 << 20, 100);
        char why[SNAPSHOT_WHY];

        (void)state;
        assert_true(rules_look_at(w->rules, FORM_PAGE));
        hit(w, FORM_PAGE, (struct visit){ 0, "192.0.2.1", "a", NULL, 7, 200, "A/1" });
        hit(w, FORM_PAGE, (struct visit){ 0, "192.0.2.9", "b", NULL, 7, 200, "A/1" });
        FILE *file = tmpfile();
        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        rewind(file);
        struct engine_options options = { .rules = w->rules,
                                          .site = w->site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = 64 << 20,
                                          .incidents_max = 100,
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
        hit(w, SIGNUP_PAGE, (struct visit){ 900, "192.0.2.1", "a", NULL, 7, 302, "A/1" });
        hit(w, SIGNUP_PAGE, (struct visit){ 900, "192.0.2.7", "c", NULL, 7, 302, "L/1" });
        hit(w, SIGNUP_PAGE,
            (struct visit){ 1000, "192.0.2.2", "a", NULL, 7, 302, "L/1" });
        hit(w, SIGNUP_PAGE,
            (struct visit){ 1000, "198.51.100.2", "b", NULL, 7, 302, "A/1" });
        world_expect(w, "raised handed client.ip=192.0.2.2 n=0 at=1000\n"
                        "raised moved client.ip=198.51.100.2 n=0 at=1000\n");
        world_free(w);
}

/* Without such a rule nobody pays for it. */
static void test_no_rule(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: mail, where: page == signup, per: email.canonical,\n"
            "      when: \"distinct(email.skeleton, 1h) >= 1\" }\n";
        struct world *w = world_new_with(site, rules, 64 << 20, 100);
        struct world_record r;

        (void)state;
        assert_false(rules_look_at(w->rules, FORM_PAGE));
        make((struct visit){ 0, "192.0.2.1", "a", NULL, 7, 302, NULL }, SIGNUP_PAGE, &r);
        world_put_text(&r, &r.record.texts[RECORD_EMAIL_CANONICAL], "anna@example.org");
        world_put_text(&r, &r.record.texts[RECORD_EMAIL_DOMAIN], "example.org");
        world_put_text(&r, &r.record.texts[RECORD_EMAIL_SKELETON], "l.ld2");
        engine_record(w->engine, &r.record);
        /* The address leaves as a pseudonym; its domain and skeleton are involved. */
        world_expect_last(w, "raised mail email.canonical=<email:anna@example.org> n=0");
        world_expect_last(w, "involved email.domain 1: example.org\n");
        world_expect_last(w, "involved email.skeleton 1: l.ld2\n");
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_session, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_visitor, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_served, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_young_capture, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_missed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_to_whom, set_up, tear_down),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_rule_on_whom),
                cmocka_unit_test(test_no_rule),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
