/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

#define RULES                                                                    \
        "rules:\n"                                                               \
        "  - name: harvest\n"                                                    \
        "    where: page == profile and status == 200\n"                         \
        "    per: client.host\n"                                                 \
        "    when: distinct(target, 10m) >= 20 or distinct(target, 1h) >= 150\n" \
        "    block: [10m, 1h]\n"                                                 \
        "  - name: network\n"                                                    \
        "    where: page == profile\n"                                           \
        "    per: client.prefix\n"                                               \
        "    when: distinct(target, 1h) >= 150 and mean(response.bytes, 1h) > 10\n"

#define FORM                          \
        "  - name: formless\n"        \
        "    where: page == signup\n" \
        "    per: client.host\n"      \
        "    when: count(signup.form_seen == no, 1h) >= 9999\n"

#define KINDS                                                                 \
        "  - name: kinds\n"                                                   \
        "    per_each: [client.host, client.prefix]\n"                        \
        "    when: top_share(target, 10m) > 25% or skew(target, 10m) > 25 \n" \
        "      or modal_gap_share(10m) > 6% or gap_entropy(10m) < 3.0\n"

static struct engine_options options_of(struct world *w, uint64_t memory)
{
        struct engine_options options = w->engine->options;

        options.rules = w->rules;
        options.memory_max = memory;
        return options;
}

/* As when the daemon ends and begins: nothing is left but the file, and rules anew. */
static void restart(struct world *w, const char *rules)
{
        FILE *file = tmpfile();
        char why[SNAPSHOT_WHY];
        struct diag *diag = diag_new();
        struct engine_options options = options_of(w, 64 << 20);
        uint32_t domains = w->engine->births.domains;

        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rules_free(&w->rules);
        w->rules = rules_parse("rules.yaml", slice_str(rules), w->site, diag);
        if (!w->rules)
                world_fail(diag);
        diag_free(&diag);
        options.rules = w->rules;
        rewind(file);
        w->engine = engine_restore(&options, file, why);
        if (!w->engine)
                fail_msg("%s", why);
        assert_int_equal(w->engine->births.domains, domains);
        fclose(file);
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

static void run(struct world *w, uint64_t seed, unsigned restarts, const char *rules)
{
        uint64_t random = seed;
        int64_t at_ms = 0;
        char target[16], client[24];

        for (unsigned i = 0; i < 4000; i++) {
                unsigned visitor = (unsigned)(next(&random) % 30);
                at_ms += next(&random) % 1500 == 0 ? 3600 * 1000
                                                   : (int64_t)(next(&random) % 2000);
                bool fast = visitor < 3;
                snprintf(target, sizeof(target), "user%u",
                         (unsigned)(next(&random) % (fast ? 4000 : 12)));
                snprintf(client, sizeof(client), "198.51.%u.%u", 100 + visitor % 3,
                         fast ? 1 : visitor);
                bool form = next(&random) % 40 == 0;
                world_hit(w, (struct hit){ .at_ms = at_ms,
                                           .client = client,
                                           .page = form ? PAGE_SIGNUP : PAGE_PROFILE,
                                           .target = target,
                                           .session = fast ? "s" : NULL,
                                           .path = "/in/x",
                                           .bytes = 1000 + visitor,
                                           .shape = visitor % 5 + 1,
                                           .status = next(&random) % 3 ? 200 : 404 });
                if (restarts && i % (4000 / restarts) == 321)
                        restart(w, rules);
        }
        engine_finish(w->engine);
}

static void a_restart_changes_no_alert(void **state)
{
        static const char *const texts[] = { RULES, RULES FORM, RULES KINDS };
        unsigned raised = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= 8; seed++) {
                const char *rules = texts[seed % 3];
                struct world *still = world_new(rules), *again = world_new(rules);
                run(still, seed, 0, rules);
                run(again, seed, 2 + (unsigned)seed, rules);
                raised += still->raised;
                buf_put_byte(&still->told, 0);
                buf_put_byte(&again->told, 0);
                assert_string_equal((const char *)again->told.data,
                                    (const char *)still->told.data);
                world_free(still);
                world_free(again);
        }
        assert_true(raised > 8);
}

static void other_rules_take_over_what_is_written_the_same(void **state)
{
        struct world *still = world_new(RULES), *again = world_new(RULES);
        (void)state;

        run(still, 77, 0, NULL);
        run(again, 77, 5, RULES FORM);
        buf_put_byte(&still->told, 0);
        buf_put_byte(&again->told, 0);
        assert_string_equal((const char *)again->told.data,
                            (const char *)still->told.data);
        world_free(still);
        world_free(again);
}

#define SITE                                                                            \
        "rules:\n"                                                                      \
        "  - name: site\n"                                                              \
        "    where: page == profile and target.views >= 0\n"                            \
        "    per: client.prefix\n"                                                      \
        "    when: cold_share(6h) > 9 or cold_surge() > 999 or skew(target, 6h) > 9e9 " \
        "or undercollision(target, 6h) > 999 or top_share(target, 6h) > 9 "             \
        "or gap_entropy(6h) > 99 or surge(2x) > 99 or max(target.views, 6h) > 9e9\n"
#define MORE                                                                             \
        "  - { name: more, where: page == profile, per: client.ip, when: \"count(1h) > " \
        "9999\" }\n"

/* Three days of views; what every function of one key says at the end goes to `values`.
 */
/* The count goes on from before there was the share, whose part began with nothing. */
static void what_a_share_has_not_seen_is_known_after_a_restart(void **state)
{
        static const char share[] = "rules:\n  - { name: a, per: client.host, when: "
                                    "\"share(status == 200, 10m) < 50%\" }\n";
        struct world *w = world_new("rules:\n  - { name: a, per: client.host, when: "
                                    "count(10m) > 9000 }\n");
        (void)state;

        for (unsigned i = 0; i < 300; i++) {
                if (i == 100 || i == 110)
                        restart(w, share);
                world_hit(w, (struct hit){ .at_ms = i * 1000,
                                           .client = "198.51.100.1",
                                           .page = PAGE_PROFILE,
                                           .path = "/in/x",
                                           .status = 200 });
        }
        assert_int_equal(w->raised, 0);
        world_free(w);
}

static void watch(struct world *w, unsigned restarts, double values[8])
{
        uint64_t random = 11, hash;
        char target[16], client[24];
        enum { COUNT = 30000 };

        for (unsigned i = 0; i < COUNT; i++) {
                unsigned wide = next(&random) % 3 ? 300 : 20000;
                snprintf(target, sizeof(target), "user%u",
                         (unsigned)(next(&random) % wide));
                snprintf(client, sizeof(client), "198.51.%u.%u",
                         100 + (unsigned)(next(&random) % 5),
                         1 + (unsigned)(next(&random) % 50));
                world_hit(w, (struct hit){ .at_ms = (int64_t)i * 8640 +
                                                    (int64_t)(next(&random) % 8000),
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .target = target,
                                           .path = "/in/x",
                                           .status = 200 });
                if (restarts && i % (COUNT / restarts) == 1234)
                        restart(w, i / (COUNT / restarts) % 2 ? SITE MORE : SITE);
        }
        struct engine *e = w->engine;
        assert_true(table_key(&e->tables[0], &e->facts, &hash));
        for (unsigned i = 0; i < 8; i++) {
                struct value v =
                    table_value(&e->tables[0],
                                table_at(&e->tables[0], table_find(&e->tables[0], hash)),
                                &e->rules->rules[0].aggregates[i]);
                values[i] = v.type == VALUE_MISSING ? -1 : v.number;
        }
}

static void what_is_known_of_the_site_goes_on(void **state)
{
        struct world *still = world_new(SITE), *again = world_new(SITE);
        double a[8], b[8];
        (void)state;

        watch(still, 0, a);
        watch(again, 5, b);
        for (unsigned i = 0; i < 8; i++) {
                assert_true(a[i] >= 0); /* known by now */
                assert_float_equal(a[i], b[i], 0);
        }
        world_free(still);
        world_free(again);
}

static void refuse(struct world *w, const uint8_t *bytes, size_t len, uint64_t memory,
                   const char *expected)
{
        struct engine_options options = options_of(w, memory);
        FILE *file = tmpfile();
        char why[SNAPSHOT_WHY] = "";

        assert_non_null(file);
        if (len)
                assert_int_equal(fwrite(bytes, 1, len, file), len);
        rewind(file);
        struct engine *e = engine_restore(&options, file, why);
        if (e || strcmp(why, expected) != 0) {
                print_error("%zu bytes: said '%s', not '%s'\n", len, why, expected);
                fail();
        }
        fclose(file);
}

static void what_is_damaged_is_refused(void **state)
{
        static const char damaged[] = "it is damaged or cut short";
        struct world *w = world_new(RULES);
        FILE *file = tmpfile();
        uint64_t random = 5;
        (void)state;

        for (unsigned i = 0; i < 500; i++)
                world_view(w, i * 100, "198.51.100.9", i);
        assert_true(engine_save(w->engine, file));
        long len = ftell(file);
        uint8_t *bytes = malloc((size_t)len);
        rewind(file);
        assert_int_equal(fread(bytes, 1, (size_t)len, file), len);
        fclose(file);
        refuse(w, bytes, 0, 64 << 20, damaged);
        refuse(w, bytes, 3, 64 << 20, damaged);
        refuse(w, bytes, (size_t)len - 1, 64 << 20, damaged);
        for (unsigned i = 0; i < 40; i++) {
                size_t at = next(&random) % (size_t)len;
                bytes[at] ^= 1;
                refuse(w, bytes, (size_t)len, 64 << 20, damaged);
                bytes[at] ^= 1;
        }
        struct hash_key key = w->engine->options.hash_key;
        w->engine->options.hash_key.k0 ^= 1;
        refuse(w, bytes, (size_t)len, 64 << 20, "it was made with another key");
        w->engine->options.hash_key = key;
        free(bytes);
        world_free(w);
}

static void a_smaller_limit_is_said(void **state)
{
        struct world *w = world_new(RULES);
        char client[24];
        FILE *file = tmpfile();
        (void)state;

        for (unsigned i = 0; i < 20000; i++) {
                snprintf(client, sizeof(client), "198.%u.%u.9", i / 250, i % 250);
                world_view(w, i, client, i);
        }
        assert_true(engine_save(w->engine, file));
        struct engine_options options = options_of(w, 1 << 20);
        char why[SNAPSHOT_WHY] = "";
        rewind(file);
        assert_null(engine_restore(&options, file, why));
        assert_string_equal(why, "it needs more memory than limits.detect gives");
        fclose(file);
        world_free(w);
}

/* Who was tagged, who was signed up, which signals held: all of it is known afterwards.
 */
static void tags_births_and_signals_outlive_a_restart(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: unused, signal: true, weight: 6, family: none, per: "
            "client.host,\n"
            "      where: page == search, when: count(1m) >= 1 }\n"
            "  - name: burst\n"
            "    where: page == signup\n"
            "    per: client.prefix\n"
            "    when: count(30m) >= 2\n"
            "    tag: { session: burst-account, for: 1d }\n"
            "  - name: farm\n"
            "    where: page == profile and account.age < 1h\n"
            "    per: tag_origin(session, burst-account)\n"
            "    when: count(10m) >= 1\n"
            "  - { name: sign, signal: true, weight: 4, family: a, per: client.host,\n"
            "      where: page == signup, when: count(1m) >= 1 }\n"
            "  - { name: sum, per: client.host, where: page == profile,\n"
            "      when: score() == 2 and families() == 1 }\n";
        struct world *w = world_new(rules);
        char expected[300], burst[INCIDENT_ID_MAX];
        struct hit hit = { .client = "198.51.100.1",
                           .page = PAGE_SIGNUP,
                           .session = "s",
                           .flags = RECORD_SIGNUP_ACCEPTED };
        (void)state;

        world_hit(w, hit);
        hit.at_ms = 1000;
        world_hit(w, hit);
        memcpy(burst, w->id, sizeof(burst));
        buf_clear(&w->told);
        struct world_record mail;
        world_make_record(&hit, &mail);
        world_put_text(&mail, &mail.record.texts[RECORD_EMAIL_DOMAIN], "mail.example");
        births_note(&w->engine->births, &mail.record, BIRTH_DOMAINS);
        assert_int_equal(w->engine->births.domains, 1);
        /* The other signal is gone, and with it the numbers of those behind it. */
        char fewer[2000];
        snprintf(fewer, sizeof(fewer), "rules:\n%s", strstr(rules, "  - name: burst"));
        restart(w, fewer);
        hit.at_ms = 1000 + 30 * 60 * 1000;
        hit.page = PAGE_PROFILE;
        hit.flags = 0;
        world_hit(w, hit);
        buf_put_byte(&w->told, 0);
        assert_non_null(
            strstr((char *)w->told.data, "raised sum client.host=198.51.100.1"));
        snprintf(expected, sizeof(expected), "raised farm incident=%s n=0 at=1801000\n",
                 burst);
        assert_non_null(strstr((char *)w->told.data, expected));
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tags_births_and_signals_outlive_a_restart),
                cmocka_unit_test(a_restart_changes_no_alert),
                cmocka_unit_test(what_a_share_has_not_seen_is_known_after_a_restart),
                cmocka_unit_test(other_rules_take_over_what_is_written_the_same),
                cmocka_unit_test(what_is_known_of_the_site_goes_on),
                cmocka_unit_test(what_is_damaged_is_refused),
                cmocka_unit_test(a_smaller_limit_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
