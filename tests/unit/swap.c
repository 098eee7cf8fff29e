/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/carry.h"
#include "detect/engine_priv.h"

/* The same again, and then more or less of it. */
#define RULES                                                                           \
        "rules:\n"                                                                      \
        "  - name: harvest\n"                                                           \
        "    where: page == profile and status == 200\n"                                \
        "    per: client.host\n"                                                        \
        "    when: distinct(target, 10m) >= 20 or distinct(target, 1h) >= 60\n"         \
        "    block: [10m, 1h]\n"                                                        \
        "  - name: misses\n"                                                            \
        "    where: page == profile\n"                                                  \
        "    per: client.host\n"                                                        \
        "    when: count(status == 404, 10m) > 12 and share(status == 404, 1h) > 20%\n" \
        "  - name: network\n"                                                           \
        "    where: page == profile\n"                                                  \
        "    per: client.prefix\n"                                                      \
        "    when: distinct(target, 1h) >= 150 and mean(response.bytes, 1h) > 10\n"

#define MORE                                                           \
        "  - name: more\n"                                             \
        "    where: status == 200\n"                                   \
        "    per: client.host\n"                                       \
        "    when: distinct(target, 1d) >= 9000 or count(7m) > 9000\n" \
        "  - name: other\n"                                            \
        "    where: page == profile and status == 200\n"               \
        "    per: client.host\n"                                       \
        "    when: distinct(target, 3m) >= 9000\n"                     \
        "  - name: sessions\n"                                         \
        "    where: page == profile\n"                                 \
        "    per: session\n"                                           \
        "    when: count(10m) > 9000\n"

static void swap(struct world *w, const char *text)
{
        struct diag *diag = diag_new();
        struct rules *rules = rules_parse("rules.yaml", slice_str(text), w->site, diag);

        if (!rules)
                world_fail(diag);
        diag_free(&diag);
        assert_true(engine_swap_rules(w->engine, rules, w->site));
        rules_free(&w->rules);
        w->rules = rules;
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

/* Visitors of different diligence; silences. What is told goes into w->told. */
static void run(struct world *w, uint64_t seed, unsigned swaps, const char *const *texts)
{
        uint64_t random = seed;
        int64_t at_ms = 0;
        char target[16], client[24], session[16];

        for (unsigned i = 0; i < 6000; i++) {
                unsigned visitor = (unsigned)(next(&random) % 40);
                uint64_t silence = next(&random) % 3000;
                at_ms += silence == 0   ? 2 * 3600 * 1000
                         : silence < 10 ? 4 * 60 * 1000
                                        : (int64_t)(next(&random) % 1500);
                bool fast = visitor < 4;
                snprintf(target, sizeof(target), "user%u",
                         (unsigned)(next(&random) % (fast ? 4000 : 12)));
                snprintf(client, sizeof(client), "198.51.%u.%u", 100 + visitor % 3,
                         fast ? 1 : visitor);
                snprintf(session, sizeof(session), "s%u", visitor);
                uint16_t status = next(&random) % 3 ? 200 : 404;
                world_hit(w,
                          (struct hit){ .at_ms = at_ms - (int64_t)(next(&random) % 3000),
                                        .client = client,
                                        .page = PAGE_PROFILE,
                                        .target = target,
                                        .session = session,
                                        .path = "/in/x",
                                        .bytes = 1000 + visitor,
                                        .shape = visitor % 5 + 1,
                                        .status = status });
                if (swaps && i % (6000 / swaps) == 57)
                        swap(w, texts[i / (6000 / swaps) % 3]);
        }
        engine_finish(w->engine);
}

static void other_rules_beside_them_change_nothing(void **state)
{
        static const char *const kept[] = { RULES, RULES MORE, RULES };
        unsigned raised = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= 12; seed++) {
                struct world *still = world_new(RULES), *swapped = world_new(RULES);
                run(still, seed, 0, NULL);
                run(swapped, seed, 3 + (unsigned)seed, kept);
                raised += still->raised;
                buf_put_byte(&still->told, 0);
                buf_put_byte(&swapped->told, 0);
                assert_string_equal((const char *)swapped->told.data,
                                    (const char *)still->told.data);
                assert_int_equal(still->raised, swapped->raised);
                world_free(still);
                world_free(swapped);
        }
        assert_true(raised > 30);
}

static void view(struct world *w, int64_t at_ms, unsigned n)
{
        char target[16];

        snprintf(target, sizeof(target), "user%u", n);
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = "198.51.100.1",
                                   .page = PAGE_PROFILE,
                                   .target = target,
                                   .path = "/in/x",
                                   .status = 200 });
}

#define ONE(name, when)                                            \
        "rules:\n  - name: " name "\n    where: page == profile\n" \
        "    per: client.host\n    when: " when "\n"

static void a_threshold_is_changed_and_the_window_goes_on(void **state)
{
        struct world *w = world_new(ONE("a", "distinct(target, 10m) >= 100"));
        (void)state;

        for (unsigned i = 0; i < 30; i++)
                view(w, i * 1000, i);
        assert_int_equal(w->raised, 0);
        swap(w, ONE("a", "distinct(target, 10m) >= 31"));
        view(w, 31000, 31);
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "evidence distinct(target, 10m) = 31\n");
        /* A lower rule beside it, over another window: the sets know already. */
        swap(w, ONE("a", "distinct(target, 10m) >= 31") "  - { name: b, where: page == "
                                                        "profile, per: client.host, "
                                                        "when: \"distinct(target, 5m) >= "
                                                        "32\" }\n");
        view(w, 32000, 32);
        assert_int_equal(w->raised, 2);
        world_free(w);
}

/* One a second; of four, one is not found. */
static void some_views(struct world *w, int64_t from_ms, unsigned count,
                       const char *client)
{
        for (unsigned i = 0; i < count; i++)
                world_hit(w, (struct hit){ .at_ms = from_ms + i * 1000,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .path = "/in/x",
                                           .bytes = 1000,
                                           .status = i % 4 ? 200 : 404 });
}

/* What was counted before is no part of what is counted from now on. */
static void a_new_share_of_old_requests_waits_for_a_window(void **state)
{
        static const struct {
                const char *before, *after;
        } rows[] = {
                /* The whole goes on: the share would be too low. */
                { "count(10m) > 9000", "share(status == 200, 10m) < 50%" },
                { "count(10m) > 9000", "mean(response.bytes, 10m) < 500" },
                /* A part goes on: it would be too high. */
                { "count(status == 404, 10m) > 9000", "share(status == 404, 10m) > 50%" },
        };
        (void)state;

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct buf after = { 0 };
                buf_printf(&after, ONE("a", "%s and count(1h) >= 10"), rows[i].after);
                buf_put_byte(&after, 0);
                char before[300];
                snprintf(before, sizeof(before), ONE("a", "%s or count(1h) > 9000"),
                         rows[i].before);
                struct world *w = world_new(before);
                some_views(w, 0, 100, "198.51.100.1");
                swap(w, (const char *)after.data);
                some_views(w, 101000, 800, "198.51.100.1");
                assert_int_equal(w->raised, 0);
                world_free(w);
                buf_free(&after);
        }
}

static void a_new_share_of_new_keys_is_told_at_once(void **state)
{
        struct world *w = world_new(ONE("a", "count(10m) > 9000"));
        (void)state;

        some_views(w, 0, 10, "198.51.100.1");
        swap(w, ONE("a", "share(status == 200, 10m) > 50% and count(10m) >= 20"));
        some_views(w, 11000, 20, "198.51.100.2");
        assert_int_equal(w->raised, 1);
        some_views(w, 32000, 640, "198.51.100.1");
        assert_int_equal(w->raised, 1); /* within a window and the pane at its edge */
        some_views(w, 672000, 60, "198.51.100.1");
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void a_sketch_goes_on(void **state)
{
        struct world *w = world_new(
            ONE("a", "distinct(target, 10m) >= 9000 or distinct(target, 1h) >= 9000"));
        struct engine *e = w->engine;
        double before[2], after[2];
        uint64_t hash;
        (void)state;

        for (unsigned i = 0; i < 3000; i++)
                view(w, i * 1000, i);
        for (unsigned k = 0; k < 2; k++) {
                assert_true(table_key(&e->tables[0], &e->facts, &hash));
                before[k] =
                    table_value(&e->tables[0],
                                table_at(&e->tables[0], table_find(&e->tables[0], hash)),
                                &e->rules->rules[0].aggregates[k])
                        .number;
        }
        swap(w, ONE("b", "distinct(target, 1h) >= 9000 or distinct(target, 10m) >= 9000"
                         " or distinct(target, 1d) >= 9000"));
        for (unsigned k = 0; k < 2; k++)
                after[k] =
                    table_value(&e->tables[0],
                                table_at(&e->tables[0], table_find(&e->tables[0], hash)),
                                &e->rules->rules[0].aggregates[!k])
                        .number;
        assert_true(before[0] > 500 && before[1] > 2500);
        assert_float_equal(before[0], after[0], 0);
        assert_float_equal(before[1], after[1], 0);
        world_free(w);
}

/*
 * Apart, a set of each tells the time in its own panes, of 7.5 and of 12.5 seconds;
 * together in units that divide both.
 */
static void windows_that_part_company_meet_again(void **state)
{
        static const char both[] =
            ONE("a", "distinct(target, 1m) >= 9000 and distinct(target, 100s) >= 9000");
        struct world *still = world_new(both), *swapped = world_new(both);
        struct buf beside = { 0 };
        uint64_t random = 3, hash;
        (void)state;

        buf_put_str(&beside, both);
        buf_put_str(&beside, "  - { name: b, per: client.host, when: \"distinct(target, "
                             "page == profile, 100s) >= 9000\" }\n");
        buf_put_byte(&beside, 0);
        for (unsigned i = 0; i < 2000; i++) {
                unsigned n = (unsigned)(next(&random) % 40);
                view(still, i * 700, n);
                view(swapped, i * 700, n);
                if (i % 50 == 17)
                        swap(swapped, i / 50 % 2 ? both : (const char *)beside.data);
                assert_true(
                    table_key(&still->engine->tables[0], &still->engine->facts, &hash));
                for (unsigned k = 0; k < 2; k++) {
                        const struct world *w[2] = { still, swapped };
                        double values[2];
                        for (unsigned x = 0; x < 2; x++) {
                                const struct engine *e = w[x]->engine;
                                const struct table *t = &e->tables[0];
                                values[x] =
                                    table_value(t, table_at(t, table_find(t, hash)),
                                                &e->rules->rules[0].aggregates[k])
                                        .number;
                        }
                        assert_float_equal(values[0], values[1], 0);
                }
        }
        buf_free(&beside);
        world_free(still);
        world_free(swapped);
}

static void an_incident_ends_with_its_rule(void **state)
{
        struct world *w = world_new(ONE("a", "count(10m) >= 10"));
        (void)state;

        for (unsigned i = 0; i < 20; i++)
                view(w, i * 1000, i);
        assert_int_equal(w->raised, 1);
        assert_int_equal(w->ended, 0);
        swap(w, ONE("b", "count(10m) >= 1000"));
        assert_int_equal(w->ended, 1);
        for (unsigned i = 0; i < 20; i++)
                view(w, 30000 + i * 1000, i);
        assert_int_equal(w->raised, 1);
        swap(w, ONE("a", "count(10m) >= 10"));
        view(w, 60000, 1);
        assert_int_equal(w->raised, 2);
        world_expect_last(w, "evidence count(10m) = 41\n");
        world_free(w);
}

#define EVERY_KIND                                                                 \
        "top_share(path, 10m) > 2 or gap_entropy(10m) < 0 or skew(path, 10m) < 0 " \
        "or modal_gap_share(10m) > 2 or sequential(request.bytes, 10m) > 2"

/* Of a key that has been seen before the rules were changed. */
static void read_all(const struct world *w, uint64_t hash, unsigned from,
                     double values[5])
{
        const struct engine *e = w->engine;
        const struct table *t = &e->tables[0];

        for (unsigned k = 0; k < 5; k++) {
                struct value v = table_value(t, table_at(t, table_find(t, hash)),
                                             &e->rules->rules[0].aggregates[from + k]);
                values[k] = v.type == VALUE_MISSING ? -1 : v.number;
        }
}

/* Blocks and what was learnt of the site go on, beside the same rules and without. */
static void every_kind_of_window_goes_on(void **state)
{
        struct world *swapped = world_new(ONE("a", EVERY_KIND));
        struct world *still = world_new(ONE("a", EVERY_KIND));
        double a[5], b[5];
        uint64_t random = 1, hash;
        (void)state;

        for (unsigned i = 0; i < 1200; i++) {
                char path[16];
                snprintf(path, sizeof(path), "/in/%u", (unsigned)(next(&random) % 30));
                struct hit h = { .at_ms = i * 700LL + (int64_t)(next(&random) % 600),
                                 .client = "198.51.100.1",
                                 .page = PAGE_PROFILE,
                                 .path = path };
                world_hit(still, h);
                world_hit(swapped, h);
                if (i % 100 != 50)
                        continue;
                bool others = i / 100 % 2;
                swap(swapped, others ? ONE("b", "skew(host, 1h) < 0 or count(8m) < 0 "
                                                "or " EVERY_KIND)
                                     : ONE("a", EVERY_KIND));
                assert_true(
                    table_key(&still->engine->tables[0], &still->engine->facts, &hash));
                read_all(still, hash, 0, a);
                read_all(swapped, hash, others ? 2 : 0, b);
                for (unsigned k = 0; k < 5; k++)
                        assert_float_equal(a[k], b[k], 0);
        }
        assert_true(a[0] > 0 && a[1] >= 0 && a[2] >= 0 && a[3] > 0);
        swap(swapped, ONE("a", "count(10m) >= 1000"));
        engine_finish(swapped->engine);
        table_evict(&swapped->engine->tables[0], UINT32_MAX);
        assert_int_equal(swapped->engine->budget.pages.used, 0);
        world_free(still);
        world_free(swapped);
}

static void a_hundred_sizes_of_entries_are_no_end(void **state)
{
        struct world *w = world_new(ONE("a", "count(10m) >= 10"));
        struct buf text = { 0 };
        (void)state;

        for (unsigned rules = 1; rules < 400; rules++) {
                buf_clear(&text);
                buf_put_str(&text, "rules:\n");
                for (unsigned i = 0; i < rules % 23 + 1; i++)
                        buf_printf(&text,
                                   "  - { name: r%u, where: page == profile, per: "
                                   "client.host, when: \"%s(status == %u, %us) > 999\" "
                                   "}\n",
                                   i, rules % 2 ? "count" : "share", i + rules,
                                   60 + i % 9 + rules % 3);
                buf_put_byte(&text, 0);
                swap(w, (const char *)text.data);
                view(w, rules * 1000, rules);
        }
        assert_true(w->engine->budget.classes <= BUDGET_CLASSES);
        buf_free(&text);
        world_free(w);
}

/* Each set of rules has its own number of signals, and of tables. */
static void reloads_without_end_take_nothing(void **state)
{
        struct world *w = world_new(ONE("a", "count(10m) >= 10"));
        struct buf text = { 0 };
        (void)state;

        for (unsigned i = 0; i < 3000; i++) {
                char client[24];
                snprintf(client, sizeof(client), "198.%u.%u.1", i / 250, i % 250);
                world_view(w, 0, client, 1);
        }
        /* The table's index has grown, and is given back with the table. */
        uint64_t taken = index_taken(&w->engine->tables[0].index);
        uint64_t room = w->engine->budget.index_room + taken;
        assert_true(taken > 0);
        for (unsigned reload = 0; reload < 600; reload++) {
                buf_clear(&text);
                buf_put_str(&text, "rules:\n");
                for (unsigned i = 0; i <= reload % 60; i++)
                        buf_printf(&text,
                                   "  - { name: s%u, signal: true, weight: 1, family: f, "
                                   "per: client.ip, when: \"count(%us) > 9\" }\n",
                                   i, 60 + (i + reload) % 8);
                for (unsigned i = 0; i <= reload % 37; i++)
                        buf_printf(
                            &text,
                            "  - { name: r%u, per: client.ip, when: \"share(status "
                            "== %u, %us) > 2\" }\n",
                            i, 200 + i, 60 + (i + reload) % 5);
                buf_put_byte(&text, 0);
                swap(w, (const char *)text.data);
                view(w, reload * 1000, reload);
        }
        swap(w, ONE("a", "count(10m) >= 10"));
        assert_int_equal(w->engine->budget.index_room, room);
        assert_true(w->engine->budget.classes <= BUDGET_CLASSES);
        buf_free(&text);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(other_rules_beside_them_change_nothing),
                cmocka_unit_test(a_threshold_is_changed_and_the_window_goes_on),
                cmocka_unit_test(a_new_share_of_old_requests_waits_for_a_window),
                cmocka_unit_test(a_new_share_of_new_keys_is_told_at_once),
                cmocka_unit_test(a_sketch_goes_on),
                cmocka_unit_test(windows_that_part_company_meet_again),
                cmocka_unit_test(an_incident_ends_with_its_rule),
                cmocka_unit_test(every_kind_of_window_goes_on),
                cmocka_unit_test(a_hundred_sizes_of_entries_are_no_end),
                cmocka_unit_test(reloads_without_end_take_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
