/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

#define RULE(name, mode, per)                            \
        "  - name: " name "\n"                           \
        "    mode: " mode "\n"                           \
        "    where: page == profile and status == 200\n" \
        "    per: " per "\n"                             \
        "    when: distinct(target, 10m) >= 20\n"

static const char two_rules[] = "rules:\n" RULE("harvest", "alert", "client.host")
    RULE("tried", "dry-run", "session");

static struct rule_usage rule_of(const struct world *w, const char *name)
{
        struct rule_usage usage;

        for (unsigned i = 0; engine_rule_usage(w->engine, i, &usage); i++)
                if (strcmp(usage.name, name) == 0)
                        return usage;
        fail_msg("no rule %s", name);
        return usage;
}

static void view(struct world *w, unsigned i)
{
        char target[32];

        snprintf(target, sizeof(target), "user%u", i);
        world_hit(w, (struct hit){ .at_ms = i * 100,
                                   .client = "198.51.100.9",
                                   .page = PAGE_PROFILE,
                                   .target = target,
                                   .session = "s1" });
}

static void rules_are_counted_each(void **state)
{
        struct world *w = world_new(two_rules);
        struct rule_usage usage;

        (void)state;
        for (unsigned i = 0; i < 30; i++)
                view(w, i);
        world_view(w, 4000, "198.51.100.10", 1); /* no session */
        usage = rule_of(w, "harvest");
        assert_string_equal(usage.per, "client.host");
        assert_int_equal(usage.matched, 31);
        assert_int_equal(usage.held, 11);
        assert_int_equal(usage.raised, 1);
        assert_int_equal(usage.dry_run, 0);
        usage = rule_of(w, "tried");
        assert_int_equal(usage.matched, 30);
        assert_int_equal(usage.held, 11);
        assert_int_equal(usage.raised, 0);
        assert_int_equal(usage.dry_run, 1);
        assert_int_equal(w->counters.incidents_raised, 2);
        assert_false(engine_rule_usage(w->engine, 2, &usage));
        world_free(w);
}

/* By name and key: another place among the rules is no other rule. */
static void rules_keep_their_counts_over_a_reload(void **state)
{
        static const char other[] = "rules:\n" RULE("new", "alert", "client.ip")
            RULE("tried", "alert", "session") RULE("harvest", "alert", "client.prefix");
        struct world *w = world_new(two_rules), *next = world_new(other);

        (void)state;
        for (unsigned i = 0; i < 30; i++)
                view(w, i);
        assert_true(engine_swap_rules(w->engine, next->rules, next->site));
        assert_int_equal(rule_of(w, "tried").matched, 30);
        assert_int_equal(rule_of(w, "tried").dry_run, 1);
        assert_int_equal(rule_of(w, "harvest").matched, 0); /* of another key */
        assert_int_equal(rule_of(w, "new").matched, 0);
        assert_true(engine_swap_rules(w->engine, w->rules, w->site));
        world_free(w);
        world_free(next);
}

static void tables_tell_keys_and_bytes(void **state)
{
        struct world *w = world_new(two_rules);
        struct table_usage hosts, sessions, none;

        (void)state;
        assert_true(engine_table_usage(w->engine, 0, &hosts));
        assert_string_equal(hosts.per, "client.host");
        assert_int_equal(hosts.keys, 0);
        uint64_t empty = hosts.bytes;
        for (unsigned i = 0; i < 200; i++) {
                char client[32];
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                world_view(w, i, client, i);
        }
        assert_true(engine_table_usage(w->engine, 0, &hosts));
        assert_true(engine_table_usage(w->engine, 1, &sessions));
        assert_false(engine_table_usage(w->engine, 2, &none));
        assert_int_equal(hosts.keys, 200);
        assert_int_equal(sessions.keys, 0);
        assert_true(hosts.bytes >= empty + 200 * sizeof(struct entry));
        /* What is given back is given back. */
        struct table *t = &w->engine->tables[0];
        uint32_t hand = 0;
        while (t->index.count)
                table_forget(t, index_walk(&t->index, &hand));
        assert_int_equal(t->entry_bytes, 0);
        world_free(w);
}

/* Entries that move to wider blocks, and to other rules, are counted once. */
static void bytes_are_those_of_the_blocks(void **state)
{
        static const char wide[] = "rules:\n" RULE(
            "harvest", "alert", "client.host") "  - name: errors\n"
                                               "    where: status == 404\n"
                                               "    per: client.host\n"
                                               "    when: count(1h) >= 1000\n";
        struct world *w = world_new(wide), *next = world_new(two_rules);
        uint64_t bytes = 0;
        uint32_t hand = 0;

        (void)state;
        for (unsigned i = 0; i < 50; i++) {
                char client[32];
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                world_view(w, i, client, i);
                if (i % 2)
                        world_hit(w, (struct hit){ .at_ms = 100 + i,
                                                   .client = client,
                                                   .page = PAGE_OTHER,
                                                   .status = 404 });
        }
        for (unsigned round = 0; round < 2; round++) {
                struct table *t = &w->engine->tables[0];
                assert_int_equal(t->index.count, 50);
                bytes = 0;
                hand = 0;
                for (unsigned i = 0; i < t->index.count; i++) {
                        struct entry *e = table_at(t, index_walk(&t->index, &hand));
                        bytes +=
                            w->engine->budget.class[t->entry_classes[e->layout]].size;
                }
                assert_int_equal(t->entry_bytes, bytes);
                assert_true(engine_swap_rules(w->engine, next->rules, next->site));
        }
        assert_true(engine_swap_rules(w->engine, w->rules, w->site));
        world_free(w);
        world_free(next);
}

static void memory_and_incidents_are_told_with_their_limits(void **state)
{
        struct world *w = world_new(two_rules);
        struct engine_usage usage;

        (void)state;
        engine_usage(w->engine, &usage);
        uint64_t before = usage.memory;
        assert_int_equal(usage.incidents, 0);
        for (unsigned i = 0; i < 30; i++)
                view(w, i);
        engine_usage(w->engine, &usage);
        assert_true(usage.memory > before && usage.memory < usage.memory_max);
        assert_int_equal(usage.memory_max, w->engine->options.memory_max);
        assert_int_equal(usage.incidents, 2);
        assert_int_equal(usage.incidents_max, w->engine->options.incidents_max);
        world_free(w);
}

static uint64_t room_of(const struct index *ix, uint32_t max)
{
        uint64_t slots = (uint64_t)ix->mask_max + 1;

        assert_true(max > 0 && slots * 3 / 4 >= max);
        return slots * sizeof(uint64_t);
}

/* As many as limits.md says find a place, whatever the others have. */
static void what_is_kept_has_room_in_its_index(void **state)
{
        static const uint64_t memories[] = { 8 << 20, 50 << 20, 256 << 20, 1 << 30 };
        (void)state;

        for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
                struct world *w = world_new_with(world_site, two_rules, memories[i], 100);
                const struct engine *e = w->engine;
                assert_true(e->budget.kept_index_room >=
                            room_of(&e->tags.index, e->tags.max) +
                                room_of(&e->groups.index, e->groups.max) +
                                room_of(&e->births.index, e->births.max) +
                                room_of(&e->watch.index, e->watch.max) +
                                room_of(&e->ladder.index, 1));
                /* docs/limits.md */
                assert_int_equal(e->tags.max, e->memory / 32 / 48);
                assert_int_equal(e->groups.max, e->memory / 32 / 48);
                assert_int_equal(e->births.max, e->memory / 64 / 16);
                assert_int_equal(e->watch.max, e->memory / 32 / 80);
                world_free(w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_are_counted_each),
                cmocka_unit_test(rules_keep_their_counts_over_a_reload),
                cmocka_unit_test(tables_tell_keys_and_bytes),
                cmocka_unit_test(bytes_are_those_of_the_blocks),
                cmocka_unit_test(memory_and_incidents_are_told_with_their_limits),
                cmocka_unit_test(what_is_kept_has_room_in_its_index),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
