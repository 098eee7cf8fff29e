/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/busiest.h"
#include "detect/engine_priv.h"

static const char rules_text[] =
    "rules:\n"
    "  - name: harvest\n"
    "    where: page == profile\n"
    "    per: client.host\n"
    "    when: distinct(target, 10m) >= 20 and count(10m) >= 5\n"
    "    block: [1h]\n"
    "  - name: more\n"
    "    where: page == profile\n"
    "    per: client.host\n"
    "    when: count(1h) >= 1000\n"
    "  - name: sessions\n"
    "    where: page == profile\n"
    "    per: session\n"
    "    when: distinct(target, 10m) >= 40\n"
    "  - name: pairs\n"
    "    where: page == profile\n"
    "    per: [ua.family, client.prefix]\n"
    "    when: count(10m) >= 500\n";

static void print_key(void *context, const struct busiest_key *key)
{
        buf_printf(context, "%s %.*s %u %.0f/%llds", key->per, (int)key->key.len,
                   (const char *)key->key.data, key->transactions, key->count,
                   (long long)(key->window_ns / NS_PER_SEC));
        if (key->rule)
                buf_printf(context, " %s %.0f%% %.*s %g/%g", key->rule, 100 * key->share,
                           (int)key->measure.len, (const char *)key->measure.data,
                           key->value, key->threshold);
        if (key->incident)
                buf_printf(context, " incident %s", key->incident_rule);
        if (key->blocked_until_ns)
                buf_printf(context, " blocked");
        buf_put_byte(context, '\n');
}

/* Looks `slots` at a time; the rows as lines. */
static char *told(struct world *w, unsigned keys, unsigned slots)
{
        static struct buf out;
        struct busiest *b = busiest_new(keys);
        unsigned calls = 1;

        while (!busiest_look(b, w->engine, slots))
                assert_true(++calls < 100000);
        buf_clear(&out);
        busiest_each(b, w->engine, print_key, &out);
        buf_put_byte(&out, 0);
        busiest_free(&b);
        return (char *)out.data;
}

static void visit(struct world *w, int64_t at_ms, const char *client, unsigned count,
                  const char *session)
{
        for (unsigned i = 0; i < count; i++) {
                char target[32];
                snprintf(target, sizeof(target), "user%u", i);
                world_hit(w, (struct hit){ .at_ms = at_ms + i * 10,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .target = target,
                                           .session = session });
        }
}

static void keys_come_busiest_first_and_as_they_are_published(void **state)
{
        struct world *w = world_new(rules_text);

        (void)state;
        world_watch(w);
        visit(w, 0, "198.51.100.1", 10, "s1");
        visit(w, 1000, "198.51.100.2", 25, "s2");
        visit(w, 2000, "198.51.100.3", 15, NULL);
        const char *text = told(w, 10, 100000);
        assert_non_null(
            strstr(text, "client.host 198.51.100.2 25 25/3600s harvest 100% ") == text
                ? text
                : NULL);
        assert_non_null(strstr(text, " incident harvest blocked\n"));
        assert_non_null(strstr(text, "client.host 198.51.100.3 15 15/3600s harvest 75% "
                                     "distinct(target, 10m) 15/20\n"
                                     "client.host 198.51.100.1 10 10/3600s harvest 50% "
                                     "distinct(target, 10m) 10/20\n"));
        /* No rule counts in this table: it is what is known of the key. */
        assert_non_null(strstr(text, "session <session:s2> 25 25/0s sessions 62% "
                                     "distinct(target, 10m) 25/40\n"
                                     "session <session:s1> 10 10/0s sessions 25% "));
        /* A part of a key that nothing of the traffic leaves behind. */
        if (strstr(text, "ua.family"))
                assert_non_null(strstr(text, "ua.family|client.prefix #"));
        assert_null(strstr(text, "ua.family|client.prefix |"));
        world_free(w);
}

static void only_the_busiest_few_and_only_the_recent(void **state)
{
        struct world *w = world_new(rules_text);
        char client[32];

        (void)state;
        for (unsigned i = 1; i <= 200; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                visit(w, i, client, i % 10 + 1, NULL);
        }
        visit(w, 5000, "203.0.113.9", 18, NULL);
        const char *text = told(w, 3, 100000);
        assert_non_null(strstr(text, "client.host 203.0.113.9 18 "));
        unsigned hosts = 0;
        for (const char *at = text; (at = strstr(at, "client.host ")); at++)
                hosts++;
        assert_int_equal(hosts, 3);
        engine_advance(w->engine, WORLD_BEGIN + (BUSIEST_RECENT + 60) * NS_PER_SEC);
        assert_string_equal(told(w, 3, 100000), "");
        world_free(w);
}

static void slices_find_the_same(void **state)
{
        struct world *w = world_new(rules_text);
        char client[32];

        (void)state;
        for (unsigned i = 0; i < 3000; i++) {
                snprintf(client, sizeof(client), "198.51.%u.%u", i / 250, i % 250);
                visit(w, i, client, 1 + i % 7, NULL);
        }
        visit(w, 4000, "203.0.113.9", 18, NULL);
        char *whole = strdup(told(w, 5, 1000000));
        assert_non_null(strstr(whole, "client.host 203.0.113.9 18 "));
        assert_string_equal(told(w, 5, 1), whole);
        assert_string_equal(told(w, 5, 77), whole);
        free(whole);
        world_free(w);
}

static unsigned lines_with(const char *text, const char *part)
{
        unsigned count = 0;

        while ((text = strstr(text, part))) {
                count++;
                text++;
        }
        return count;
}

/* Who was seen before the index grew stands behind the place that was reached, perhaps.
 */
static void an_index_that_grows_names_nobody_twice(void **state)
{
        struct world *w = world_new(rules_text);
        struct busiest *b = busiest_new(100);
        struct buf out = { 0 };
        char client[32];

        (void)state;
        for (unsigned i = 0; i < 60; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                visit(w, i, client, 5 + i, NULL);
        }
        const struct index *index = &w->engine->tables[0].index;
        uint32_t mask = index->mask;
        for (uint32_t i = 0; i <= mask; i++)
                busiest_look(b, w->engine, 1);
        for (unsigned i = 0; index->mask == mask; i++) {
                snprintf(client, sizeof(client), "192.0.%u.%u", i / 250, i % 250);
                visit(w, 5000, client, 1, NULL);
        }
        while (!busiest_look(b, w->engine, 10))
                ;
        busiest_each(b, w->engine, print_key, &out);
        buf_put_byte(&out, 0);
        for (unsigned i = 0; i < 60; i++) {
                char part[64];
                snprintf(part, sizeof(part), "client.host 198.51.100.%u %u ", i, 5 + i);
                assert_int_equal(lines_with((char *)out.data, part), 1);
        }
        buf_free(&out);
        busiest_free(&b);
        world_free(w);
}

/* All is looked at again then, and nothing of the old rules is told. */
static void other_rules_begin_it_anew(void **state)
{
        static const char other[] = "rules:\n"
                                    "  - name: sessions\n"
                                    "    where: page == profile\n"
                                    "    per: session\n"
                                    "    when: distinct(target, 10m) >= 40\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: distinct(target, 10m) >= 20\n";
        struct world *w = world_new(rules_text), *next = world_new(other);
        struct busiest *b = busiest_new(10);
        struct buf out = { 0 };
        char client[32];

        (void)state;
        for (unsigned i = 0; i < 30; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                visit(w, i, client, 1 + i % 7, i % 2 ? client : NULL);
        }
        while (!busiest_look(b, w->engine, 1))
                ;
        assert_true(engine_swap_rules(w->engine, next->rules, next->site));
        busiest_each(b, w->engine, print_key, &out);
        assert_int_equal(out.len, 0);
        while (!busiest_look(b, w->engine, 1))
                ;
        busiest_each(b, w->engine, print_key, &out);
        buf_put_byte(&out, 0);
        assert_string_equal((char *)out.data, told(w, 10, 1000));
        assert_int_equal(lines_with((char *)out.data, "client.host "), 10);
        assert_int_equal(lines_with((char *)out.data, "session "), 10);
        buf_free(&out);
        busiest_free(&b);
        assert_true(engine_swap_rules(w->engine, w->rules, w->site));
        world_free(w);
        world_free(next);
}

/* Nothing came since: what was counted has run out of its window. */
static void windows_are_those_of_now(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: burst\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: count(10s) >= 10\n");

        (void)state;
        visit(w, 0, "198.51.100.1", 5, NULL);
        assert_string_equal(told(w, 5, 1000),
                            "client.host 198.51.100.1 5 5/10s burst 50% "
                            "count(10s) 5/10\n");
        engine_advance(w->engine, WORLD_BEGIN + 60 * NS_PER_SEC);
        assert_string_equal(told(w, 5, 1000), "client.host 198.51.100.1 5 0/10s burst 0% "
                                              "count(10s) 0/10\n");
        world_free(w);
}

/* Nothing changes by looking: the same traffic gives the same afterwards. */
static void looking_changes_nothing(void **state)
{
        struct world *a = world_new(rules_text), *b = world_new(rules_text);

        (void)state;
        for (unsigned i = 0; i < 400; i++) {
                char client[32];
                snprintf(client, sizeof(client), "198.51.100.%u", i * 7 % 20);
                world_view(a, i * 800, client, i);
                world_view(b, i * 800, client, i);
                if (i % 5 == 0) {
                        engine_advance(a->engine, WORLD_BEGIN + i * 800 * NS_PER_MS);
                        told(a, 100, 50);
                }
        }
        assert_true(a->events > 0);
        assert_int_equal(a->told.len, b->told.len);
        assert_memory_equal(a->told.data, b->told.data, a->told.len);
        world_free(a);
        world_free(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keys_come_busiest_first_and_as_they_are_published),
                cmocka_unit_test(only_the_busiest_few_and_only_the_recent),
                cmocka_unit_test(slices_find_the_same),
                cmocka_unit_test(an_index_that_grows_names_nobody_twice),
                cmocka_unit_test(other_rules_begin_it_anew),
                cmocka_unit_test(windows_are_those_of_now),
                cmocka_unit_test(looking_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
