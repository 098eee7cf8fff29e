/* SPDX-License-Identifier: MIT */
#include "observe/agent.h"

#include <stdlib.h>

/* Hashes first: a look-up reads one line of memory. 0 is an empty entry. */
struct agent_set {
        uint64_t hashes[AGENT_WAYS];
        struct agent agents[AGENT_WAYS];
        uint16_t lengths[AGENT_WAYS];
        uint8_t asked; /* bits: asked for since the hand passed */
        uint8_t hand;
};

struct agents {
        const struct agent_list *list;
        struct hash_key key;
        struct counters *counters;
        uint32_t sets;
        struct agent_set *set;
};

struct agents *agents_new(const struct agent_list *list, const struct hash_key *key,
                          uint32_t capacity, struct counters *counters)
{
        struct agents *a = calloc(1, sizeof(*a));

        if (!a)
                return NULL;
        a->list = list;
        a->key = *key;
        a->counters = counters;
        a->sets = capacity / AGENT_WAYS + (capacity % AGENT_WAYS > 0);
        a->sets += a->sets == 0;
        a->set = calloc(a->sets, sizeof(*a->set));
        if (!a->set)
                agents_free(&a);
        return a;
}

void agents_free(struct agents **agents)
{
        if (*agents)
                free((*agents)->set);
        free(*agents);
        *agents = NULL;
}

/* An empty entry, or the first behind the hand that nobody asked for. */
static unsigned choose_victim(struct agent_set *set, struct counters *counters)
{
        for (unsigned i = 0; i < AGENT_WAYS; i++)
                if (set->hashes[i] == 0)
                        return i;
        counters->agents_evicted++;
        while (set->asked >> set->hand & 1) {
                set->asked &= (uint8_t) ~(1U << set->hand);
                set->hand = (uint8_t)((set->hand + 1) % AGENT_WAYS);
        }
        unsigned victim = set->hand;
        set->hand = (uint8_t)((set->hand + 1) % AGENT_WAYS);
        return victim;
}

struct agent agents_find(struct agents *a, struct slice text)
{
        struct slice head = slice_first(text, AGENT_TEXT_MAX);
        uint16_t length = text.len < UINT16_MAX ? (uint16_t)text.len : UINT16_MAX;

        if (text.len == 0)
                return (struct agent){ 0 };
        uint64_t hash = hash_slice(&a->key, head);
        hash += hash == 0;
        struct agent_set *set = &a->set[(hash >> 32) * a->sets >> 32];
        for (unsigned i = 0; i < AGENT_WAYS; i++)
                if (set->hashes[i] == hash && set->lengths[i] == length) {
                        set->asked |= (uint8_t)(1U << i);
                        a->counters->agents_cached++;
                        return set->agents[i];
                }
        unsigned at = choose_victim(set, a->counters);
        set->hashes[at] = hash;
        set->lengths[at] = length;
        set->agents[at] = agent_list_classify(a->list, text, a->counters);
        a->counters->agents_classified++;
        return set->agents[at];
}

struct slice agents_family(const struct agents *a, struct agent agent)
{
        return agent_list_family(a->list, agent.family);
}

struct slice agent_version(struct agent agent, struct slice text)
{
        if (agent.version_len == 0)
                return slice_none();
        return slice_first(slice_from(text, agent.version_at), agent.version_len);
}
