/* SPDX-License-Identifier: MIT */
/*
 * A list, a NUL, a User-Agent. When the list is one line, its pattern alone must say
 * the same of the text: what is looked for first is in every match.
 */
#include "observe/agent.h"

#include "base/check.h"
#include "lang/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_one_line(struct slice lines, struct slice text, struct agent agent,
                           const struct counters *counters)
{
        struct slice pattern = slice_first(lines, slice_find(lines, '\t')), found;
        struct regex_mistake mistake;
        struct regex_room *room;
        struct regex *regex;

        if (slice_find(lines, '\n') < lines.len || pattern.data[0] == '#')
                return;
        regex = regex_new(pattern, &mistake);
        if (!regex) /* a plain text to us: an escaped sign that PCRE2 has other ideas of
                     */
                return;
        room = regex_room_new();
        enum regex_result result = regex_match(regex, room, text, &found);
        if (result != REGEX_LIMIT && counters->regex_limits == 0)
                CHECK(agent.is_bot == (result == REGEX_YES && found.len > 0));
        regex_room_free(&room);
        regex_free(&regex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice all = slice_of(data, size);
        struct slice lines = slice_first(all, slice_find(all, '\0'));
        struct slice text = slice_first(slice_from(all, lines.len + 1), AGENT_TEXT_MAX);
        struct counters counters = { 0 };
        struct hash_key key = hash_key_fixed();
        struct diag *diag = diag_new();
        struct agent_list *list = agent_list_parse("list", lines, diag);

        CHECK((list == NULL) == (diag_errors(diag) > 0));
        diag_free(&diag);
        if (!list)
                return 0;
        struct agents *agents = agents_new(list, &key, AGENT_WAYS, &counters);
        struct agent agent = agents_find(agents, text), again = agents_find(agents, text);
        CHECK(agent.family == again.family && agent.is_bot == again.is_bot);
        CHECK(agent.version_at + agent.version_len <= text.len);
        CHECK(!agent.is_bot || agent_list_family(list, agent.family).len > 0);
        if (agent_list_count(list) == 1 && text.len)
                check_one_line(lines, text, agent, &counters);
        agents_free(&agents);
        agent_list_free(&list);
        return 0;
}
