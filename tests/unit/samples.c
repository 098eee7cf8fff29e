/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/samples.h"

static void expect_printed(struct hit hit, const char *method, uint16_t status,
                           const char *expected)
{
        struct world_record r;
        char out[SAMPLE_TEXT_MAX + 1];

        hit.client = "198.51.100.1";
        world_make_record(&hit, &r);
        r.record.status = status;
        r.record.texts[RECORD_METHOD] = (struct record_span){ 0, 0 };
        world_put_text(&r, &r.record.texts[RECORD_METHOD], method);
        size_t len = sample_print(&r.record, out);
        assert_true(len <= SAMPLE_TEXT_MAX);
        out[len] = 0;
        assert_string_equal(out, expected);
}

static void a_request_on_one_line(void **state)
{
        (void)state;

        expect_printed((struct hit){ .path = "/in/anna" }, "GET", 200,
                       "GET /in/anna 200");
        expect_printed((struct hit){ .path = "/" }, "POST", 7, "POST / 7");
        expect_printed((struct hit){ .path = "/" }, "GET", 65535, "GET / 65535");
        /* No answer was seen. */
        expect_printed((struct hit){ .path = "/in/anna" }, "GET", 0, "GET /in/anna");
        expect_printed((struct hit){ .path = "/" }, NULL, 200, " / 200");
}

static void what_is_long_is_cut(void **state)
{
        char path[301], expected[SAMPLE_TEXT_MAX + 1];
        (void)state;

        memset(path, 'x', 300);
        path[300] = 0;
        snprintf(expected, sizeof(expected), "GET %.*s 404", SAMPLE_TEXT_MAX - 8, path);
        expect_printed((struct hit){ .path = path }, "GET", 404, expected);
        snprintf(expected, sizeof(expected), "GET %.*s", SAMPLE_TEXT_MAX - 4, path);
        expect_printed((struct hit){ .path = path }, "GET", 0, expected);
        expect_printed((struct hit){ .path = "/" }, "ABCDEFGHIJKLMNOPQRST", 200,
                       "ABCDEFGHIJKLMNOP / 200");
}

static void sign_up(struct world *w, int64_t at_ms, const char *client, unsigned n)
{
        char path[32];

        snprintf(path, sizeof(path), "/signup/%u", n);
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = PAGE_SIGNUP,
                                   .path = path,
                                   .status = 302,
                                   .flags = RECORD_SIGNUP_ACCEPTED });
}

static const char bursts[] = "rules:\n"
                             "  - name: burst\n"
                             "    where: page == signup and signup.accepted\n"
                             "    per: client.prefix\n"
                             "    when: count(30m) >= 5\n"
                             "  - name: reads\n"
                             "    where: page == profile\n"
                             "    per: client.prefix\n"
                             "    when: count(30m) >= 100\n";

static const char five_sign_ups[] =
    "sample POST /signup/0 302\nsample POST /signup/1 302\nsample POST /signup/2 302\n"
    "sample POST /signup/3 302\nsample POST /signup/4 302\n";

static void five_sign_ups_are_five_samples(void **state)
{
        struct world *w = world_new(bursts);
        (void)state;

        for (unsigned i = 0; i < 5; i++)
                sign_up(w, i, "198.51.100.1", i);
        world_expect(w, "raised burst client.prefix=198.51.100.0/24 n=0 at=4\n");
        world_expect_last(w, five_sign_ups);
        /* Also where people read between them, who have samples of their own. */
        buf_clear(&w->told);
        for (unsigned i = 0; i < 95; i++) {
                world_view(w, 100 + i, "198.51.101.1", i);
                if (i % 19 == 18)
                        sign_up(w, 100 + i, "198.51.101.2", i / 19);
        }
        world_expect(w, "raised burst client.prefix=198.51.101.0/24 n=0 at=194\n");
        world_expect_last(w, five_sign_ups);
        world_free(w);
}

static const char views[] = "rules:\n"
                            "  - name: views\n"
                            "    where: page == profile\n"
                            "    per: client.ip\n"
                            "    when: distinct(target, 10m) >= 20\n";

static void who_comes_back_has_samples_of_this_visit(void **state)
{
        struct world *w = world_new(views);
        (void)state;

        for (unsigned i = 0; i < 70; i++)
                world_view(w, i * 100, "198.51.100.9", i % 10);
        assert_int_equal(w->events, 0);
        int64_t later = 24 * 3600000LL;
        for (unsigned i = 0; i < 20; i++)
                world_view(w, later + i * 500, "198.51.100.9", 1000 + i);
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "sample GET /in/user1005 200\n"
                             "sample GET /in/user1011 200\n"
                             "sample GET /in/user1019 200\n");
        world_free(w);
}

/* What stands beside the samples of a key stays when these are forgotten. */
static void a_signal_outlives_samples(void **state)
{
        struct world *w =
            world_new("rules:\n"
                      "  - name: weak\n"
                      "    where: page == profile\n"
                      "    per: client.ip\n"
                      "    when: count(10m) >= 8\n"
                      "    signal: true\n"
                      "    weight: 2\n"
                      "    family: pace\n"
                      "  - name: views\n"
                      "    where: page == profile\n"
                      "    per: client.ip\n"
                      "    when: distinct(target, 10m) >= 99\n");
        struct table *t = &w->engine->tables[0];
        uint64_t hash;
        (void)state;

        for (unsigned i = 0; i < 20; i++)
                world_view(w, i * 100, "198.51.100.9", i);
        assert_true(table_key(t, &w->engine->facts, &hash));
        struct entry *e = table_at(t, table_find(t, hash));
        int64_t held_ns = table_signal_held(t, e, 0);
        assert_true(held_ns > 0);
        samples_clear(t->samples, &e->samples);
        assert_true(table_signal_held(t, e, 0) == held_ns);
        table_clear_signals(t, e);
        samples_clear(t->samples, &e->samples);
        assert_int_equal(e->samples.block, 0);
        assert_int_equal(table_signal_held(t, e, 0), -1);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_on_one_line),
                cmocka_unit_test(what_is_long_is_cut),
                cmocka_unit_test(five_sign_ups_are_five_samples),
                cmocka_unit_test(who_comes_back_has_samples_of_this_visit),
                cmocka_unit_test(a_signal_outlives_samples),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
