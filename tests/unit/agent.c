/* SPDX-License-Identifier: MIT */
#include "observe/agent.h"

#include "unit/unit.h"

#include <stdio.h>

static struct counters counters;
static struct agent_list *list;

static int set_up(void **state)
{
        struct diag *diag = diag_new();

        (void)state;
        list = agent_list_parse(
            "list", slice_str("[bB]ot\tbot\nGooglebot\\/\tgooglebot\n"), diag);
        assert_non_null(list);
        diag_free(&diag);
        counters = (struct counters){ 0 };
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        agent_list_free(&list);
        return 0;
}

static struct agents *make(uint32_t capacity)
{
        struct hash_key key = hash_key_fixed();
        struct agents *agents = agents_new(list, &key, capacity, &counters);

        assert_non_null(agents);
        return agents;
}

static struct agent find_number(struct agents *agents, int number)
{
        char text[64];
        int len = snprintf(text, sizeof(text), "Firefox/%d.%d", number, number);
        struct agent agent = agents_find(agents, slice_of(text, (size_t)len));

        /* Whatever was remembered of others. */
        assert_true(slice_is(agents_family(agents, agent), "firefox"));
        assert_int_equal(agent.version_at, 8);
        assert_int_equal(agent.version_len, len - 8);
        return agent;
}

static void test_remembers(void **state)
{
        struct agents *agents = make(16);
        struct slice text = slice_str("Googlebot/2.1 (a Bot)");

        (void)state;
        for (int i = 0; i < 3; i++) {
                struct agent agent = agents_find(agents, text);
                assert_true(agent.is_bot);
                assert_true(slice_is(agents_family(agents, agent), "googlebot"));
                assert_true(slice_is(agent_version(agent, text), "2.1"));
        }
        assert_int_equal(counters.agents_classified, 1);
        assert_int_equal(counters.agents_cached, 2);
        agents_free(&agents);
        assert_null(agents);
}

static void test_no_text(void **state)
{
        struct agents *agents = make(16);
        struct agent agent = agents_find(agents, slice_none());

        (void)state;
        assert_false(agent.is_bot);
        assert_true(slice_is_none(agents_family(agents, agent)));
        assert_true(slice_is_none(agent_version(agent, slice_none())));
        agent = agents_find(agents, slice_str(""));
        assert_true(slice_is_none(agents_family(agents, agent)));
        assert_int_equal(counters.agents_classified, 0);
        agents_free(&agents);
}

/* As many as there is room for are remembered, and no more. */
static void test_capacity(void **state)
{
        struct agents *agents = make(1); /* one set */

        (void)state;
        for (int round = 0; round < 2; round++)
                for (int i = 0; i < AGENT_WAYS; i++)
                        find_number(agents, i);
        assert_int_equal(counters.agents_classified, AGENT_WAYS);
        assert_int_equal(counters.agents_cached, AGENT_WAYS);
        assert_int_equal(counters.agents_evicted, 0);
        find_number(agents, 99);
        assert_int_equal(counters.agents_evicted, 1);
        agents_free(&agents);
}

/* A flood of texts that come once leaves what repeats in place. */
static void test_flood(void **state)
{
        struct agents *agents = make(64);
        uint64_t before;

        (void)state;
        for (int i = 0; i < 10000; i++) {
                find_number(agents, 1000 + i);
                if (i % 4 == 0)
                        find_number(agents, 1);
        }
        before = counters.agents_classified;
        /* 10 000 that came once, and the one that repeats a few times at the most. */
        assert_true(before >= 10001 && before < 10050);
        assert_int_equal(counters.agents_classified - counters.agents_evicted, 64);
        agents_free(&agents);
}

/* The same beginning, as far as it is looked at, and another length: another text. */
static void test_long_texts(void **state)
{
        struct agents *agents = make(16);
        static char text[AGENT_TEXT_MAX + 2];

        (void)state;
        memset(text, 'x', sizeof(text));
        agents_find(agents, slice_of(text, AGENT_TEXT_MAX));
        agents_find(agents, slice_of(text, AGENT_TEXT_MAX + 1));
        agents_find(agents, slice_of(text, AGENT_TEXT_MAX + 1));
        assert_int_equal(counters.agents_classified, 2);
        assert_int_equal(counters.agents_cut, 1);
        agents_free(&agents);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_remembers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_text, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_capacity, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_long_texts, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
