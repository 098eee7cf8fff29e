/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/layouts.h"
#include "detect/snapshot.h"

enum { CLIENTS = 200, KINDS = 8, REQUESTS = 8000 };

#define KIND(name, status)                                                  \
        "  - name: " name "\n"                                              \
        "    where: page == profile and status == " status "\n"             \
        "    per: client.host\n"                                            \
        "    when: count(1d) >= 99999 and distinct(target, 1d) >= 99999 \n" \
        "      and max(response.bytes, 1d) > 1e9 and gap_entropy(1d) < 0\n"

static const char kinds[] = "rules:\n" KIND("a", "200") KIND("b", "201") KIND("c", "202")
    KIND("d", "203") KIND("e", "204") KIND("f", "205") KIND("g", "206") KIND("h", "207");

/* The same kinds of requests in another order, and one more between them. */
static const char kinds_anew[] =
    "rules:\n" KIND("h", "207") KIND("g", "206") KIND("f", "205") KIND("e", "204") KIND("new", "404") KIND("d", "203")
        KIND("c", "202") KIND("b", "201") KIND("a", "200");

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

static struct rules *parse(struct world *w, const char *text)
{
        struct diag *diag = diag_new();
        struct rules *rules = rules_parse("rules.yaml", slice_str(text), w->site, diag);

        if (!rules)
                world_fail(diag);
        diag_free(&diag);
        return rules;
}

static void reload(struct world *w, const char *text)
{
        struct rules *rules = parse(w, text);

        assert_true(engine_swap_rules(w->engine, rules, w->site));
        rules_free(&w->rules);
        w->rules = rules;
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
        options.rules = w->rules;
        w->engine = engine_restore(&options, file, why);
        if (!w->engine)
                fail_msg("%s", why);
        fclose(file);
}

static const struct entry *entry_of_last(const struct world *w, uint32_t *handle)
{
        struct table *t = &w->engine->tables[0];
        uint64_t hash;

        assert_true(table_key(t, &w->engine->facts, &hash));
        *handle = table_find(t, hash);
        assert_int_not_equal(*handle, 0);
        return table_at(t, *handle);
}

static struct value value_of(const struct world *w, const char *rule, unsigned aggregate)
{
        const struct rules *rules = w->engine->rules;
        uint32_t handle;

        for (unsigned i = 0; i < rules->rule_count; i++)
                if (strcmp(rules->rules[i].name, rule) == 0)
                        return table_value(&w->engine->tables[0],
                                           entry_of_last(w, &handle),
                                           &rules->rules[i].aggregates[aggregate]);
        fail_msg("no rule %s", rule);
        return (struct value){ .type = VALUE_MISSING };
}

static void forget_all(struct world *w)
{
        struct table *t = &w->engine->tables[0];
        uint32_t hand = 0;

        while (t->index.count)
                table_forget(t, index_walk(&t->index, &hand));
        assert_int_equal(w->engine->budget.pages.used, 0);
}

/* More sets of kinds than there are layouts; reloads and restarts between. */
static void a_key_has_what_it_met_and_nothing_else(void **state)
{
        static unsigned counts[CLIENTS][KINDS], bytes[CLIENTS][KINDS];
        struct world *w = world_new(kinds);
        uint64_t random = 7;
        unsigned most = 0;
        (void)state;

        for (unsigned i = 0; i < REQUESTS; i++) {
                if (i % 1500 == 700)
                        reload(w, i / 1500 % 2 ? kinds : kinds_anew);
                if (i % 2000 == 900)
                        restart(w);
                unsigned client = (unsigned)(next(&random) % CLIENTS);
                unsigned kind = (unsigned)(next(&random) % KINDS);
                if (!(client >> kind & 1)) /* each client has a set of kinds of its own */
                        kind = 0;
                char address[32], target[32];
                snprintf(address, sizeof(address), "198.51.100.%u", client);
                snprintf(target, sizeof(target), "t%u", i);
                counts[client][kind]++;
                bytes[client][kind] =
                    i + 1 > bytes[client][kind] ? i + 1 : bytes[client][kind];
                world_hit(w, (struct hit){ .at_ms = i,
                                           .client = address,
                                           .page = PAGE_PROFILE,
                                           .status = (uint16_t)(200 + kind),
                                           .target = target,
                                           .bytes = i + 1 });
                unsigned layouts = w->engine->tables[0].layouts.count;
                most = layouts > most ? layouts : most;
                for (unsigned k = 0; k < KINDS; k++) {
                        const char name[2] = { (char)('a' + k), 0 };
                        unsigned count = counts[client][k];
                        assert_float_equal(value_of(w, name, 0).number, count, 0);
                        assert_float_equal(value_of(w, name, 1).number, count, 0);
                        struct value largest = value_of(w, name, 2);
                        assert_int_equal(largest.type == VALUE_MISSING, count == 0);
                        if (count)
                                assert_float_equal(largest.number, bytes[client][k], 0);
                        assert_int_equal(value_of(w, name, 3).type == VALUE_MISSING,
                                         count <= 20);
                }
        }
        assert_int_equal(most, LAYOUTS_MAX);
        assert_int_equal(w->counters.windows_refused, 0);
        forget_all(w);
        world_free(w);
}

static const char narrow[] =
    "rules:\n"
    "  - name: bare\n"
    "    where: page == profile and status == 200\n"
    "    per: client.host\n"
    "    when: count(10m) >= 999 and share(present(account), 10m) > 2\n"
    "      and max(response.bytes, present(account), 10m) > 1e9\n";

static uint32_t size_of_last(const struct world *w)
{
        uint32_t handle;
        const struct table *t = &w->engine->tables[0];

        return t->layouts.sizes[entry_of_last(w, &handle)->layout];
}

/* What only a narrower condition counts has room once the key met it. */
static void a_narrower_condition_has_room_when_it_is_met(void **state)
{
        struct world *w = world_new(narrow);
        struct hit hit = { .at_ms = 1,
                           .client = "198.51.100.1",
                           .page = PAGE_PROFILE,
                           .status = 200 };
        (void)state;

        world_hit(w, hit);
        assert_float_equal(value_of(w, "bare", 1).number, 0, 0);
        assert_int_equal(value_of(w, "bare", 2).type, VALUE_MISSING);
        uint32_t size = size_of_last(w);
        hit.at_ms = 700 * 1000; /* after its windows */
        world_hit(w, hit);
        hit.account = "anna";
        hit.bytes = 500;
        world_hit(w, hit);
        assert_true(size_of_last(w) >= size + sizeof(struct window_sums));
        assert_float_equal(value_of(w, "bare", 1).number, 0.5, 0);
        assert_float_equal(value_of(w, "bare", 2).number, 500, 0);
        hit.at_ms += 700 * 1000;
        hit.account = NULL;
        world_hit(w, hit);
        assert_float_equal(value_of(w, "bare", 1).number, 0, 0);
        assert_int_equal(value_of(w, "bare", 2).type, VALUE_MISSING);
        reload(w, narrow);
        assert_int_equal(w->counters.windows_refused, 0);
        forget_all(w);
        world_free(w);
}

/* Units of 125 ms at least: the four bytes of a group's time last for years. */
static void windows_without_a_common_unit_are_two_groups(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: odd\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: count(1s) > 9 and count(1001ms) > 9\n");
        const struct table_plan *plan = w->engine->tables[0].plan;
        (void)state;

        for (unsigned i = 0; i < plan->group_count; i++)
                assert_true(plan->groups[i].unit_ns == 0 ||
                            plan->groups[i].unit_ns >= GROUP_UNIT);
        for (unsigned i = 0; i < 3; i++)
                world_view(w, i * 600, "198.51.100.1", i);
        assert_float_equal(value_of(w, "odd", 0).number, value_of(w, "odd", 1).number, 0.4);
        world_free(w);
}

static const char two[] = "rules:\n"
                          "  - name: harvest\n"
                          "    where: page == profile\n"
                          "    per: client.host\n"
                          "    when: count(10m) >= 3\n"
                          "    again: 1s\n"
                          "  - name: burst\n"
                          "    where: page == signup\n"
                          "    per: client.host\n"
                          "    when: count(10m) >= 30\n";

static void sign_up(struct world *w, int64_t at_ms)
{
        world_hit(w, (struct hit){
                         .at_ms = at_ms, .client = "198.51.100.1", .page = PAGE_SIGNUP });
}

static void an_incident_goes_with_the_entry_that_moves(void **state)
{
        struct world *w = world_new(two);
        uint32_t before, after;
        (void)state;

        for (unsigned i = 0; i < 3; i++)
                world_view(w, i, "198.51.100.1", i);
        assert_int_equal(w->raised, 1);
        const struct table *t = &w->engine->tables[0];
        unsigned layout = entry_of_last(w, &before)->layout;
        assert_true(t->layouts.sizes[layout] < t->plan->entry_size);
        sign_up(w, 4);
        layout = entry_of_last(w, &after)->layout;
        assert_int_equal(t->layouts.sizes[layout], t->plan->entry_size);
        assert_int_not_equal(before, after);
        assert_float_equal(value_of(w, "harvest", 0).number, 3, 0);
        assert_float_equal(value_of(w, "burst", 0).number, 1, 0);
        unsigned updated = w->updated;
        world_view(w, 5000, "198.51.100.1", 5);
        assert_int_equal(w->raised, 1);
        assert_true(w->updated > updated);
        engine_finish(w->engine);
        assert_int_equal(w->ended, 1);
        assert_int_equal(entry_of_last(w, &after)->incidents, 0);
        world_free(w);
}

/* Room for nothing: what the key has stays, what is new is not counted until there is. */
static void what_finds_no_room_is_not_counted(void **state)
{
        struct world *w = world_new_with(world_site, two, 1 << 20, 10);
        struct budget *b = &w->engine->budget;
        uint32_t taken[100], handle;
        unsigned count = 0;
        (void)state;

        for (unsigned i = 0; i < 3; i++)
                world_view(w, i, "198.51.100.1", i);
        assert_int_equal(w->raised, 1); /* so that it is not evicted */
        unsigned page = budget_class_of(b, BUDGET_PAGE);
        while ((taken[count] = budget_take(b, page, BUDGET_GROWTH)))
                assert_true(++count < 100);
        sign_up(w, 4);
        assert_int_equal(w->counters.windows_refused, 1);
        assert_float_equal(value_of(w, "harvest", 0).number, 3, 0);
        assert_float_equal(value_of(w, "burst", 0).number, 0, 0);
        assert_int_equal(entry_of_last(w, &handle)->transactions, 4);
        while (count)
                budget_give(b, taken[--count]);
        sign_up(w, 5);
        assert_float_equal(value_of(w, "harvest", 0).number, 3, 0);
        assert_float_equal(value_of(w, "burst", 0).number, 1, 0);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_narrower_condition_has_room_when_it_is_met),
                cmocka_unit_test(windows_without_a_common_unit_are_two_groups),
                cmocka_unit_test(a_key_has_what_it_met_and_nothing_else),
                cmocka_unit_test(an_incident_goes_with_the_entry_that_moves),
                cmocka_unit_test(what_finds_no_room_is_not_counted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
