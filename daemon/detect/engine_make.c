/* SPDX-License-Identifier: MIT */
/* An engine's parts: how the memory is shared out, and their beginning and end. */
#include "detect/engine_priv.h"

#include <stdlib.h>

#define INDEX_PART     8  /* of the memory: one in so many bytes is for indexes of keys */
#define TAGS_PART      32 /* of the memory: the most that tags may take */
#define GROUPS_PART    32
#define BIRTHS_PART    64
#define WATCH_PART     32
#define LADDER_PART    96 /* for its index */
#define TEXTS_OF_EVENT (PARTICIPANT_KINDS * INCIDENT_INVOLVED * 256)

/* Takes its part off *memory when a rule asks for it. */
static bool init_forms(struct engine *e, uint64_t *memory)
{
        uint64_t bytes = *memory / FORMS_PART;

        e->remembers_forms = rules_remember_forms(e->rules);
        if (!e->remembers_forms)
                return true;
        *memory -= bytes;
        return forms_init(&e->forms, bytes, rules_form_page(e->rules),
                          &e->options.hash_key, &e->missed);
}

uint64_t engine_index_bytes(const struct engine *e)
{
        return e->memory / INDEX_PART / 2;
}

static uint32_t most(uint64_t memory, unsigned part, size_t size)
{
        uint64_t count = memory / part / size;

        return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* The most that may be kept of each, for which there is always room in its index. */
struct kept {
        uint32_t tags, groups, births, watched;
};

static struct kept kept_of(uint64_t memory)
{
        return (struct kept){ most(memory, TAGS_PART, sizeof(struct tag)),
                              most(memory, GROUPS_PART, sizeof(struct tag)),
                              most(memory, BIRTHS_PART, BIRTH_SIZE),
                              most(memory, WATCH_PART, sizeof(struct watched)) };
}

static uint64_t kept_index_bytes(uint64_t memory)
{
        struct kept max = kept_of(memory);

        return index_bytes_for(max.tags) + index_bytes_for(max.groups) +
               index_bytes_for(max.births) + index_bytes_for(max.watched) +
               memory / LADDER_PART;
}

uint64_t engine_index_room(const struct engine *e)
{
        return e->memory / INDEX_PART + kept_index_bytes(e->memory);
}

void engine_find_classes(struct engine *e)
{
        distinct_store_init(&e->sets, &e->budget, e->options.counters);
        actors_find_classes(&e->actors);
        involved_store_init(&e->involved, &e->actors);
        sample_store_init(&e->samples, &e->budget);
        ladder_find_classes(&e->ladder);
        tags_find_classes(&e->tags);
        tags_find_classes(&e->groups);
        births_find_classes(&e->births);
        watch_find_classes(&e->watch);
        for (unsigned i = 0; i < e->rules->table_count; i++)
                table_find_classes(&e->tables[i]);
}

void engine_set_outside(struct engine *e, const struct outside_sources *sources)
{
        e->options.outside = *sources;
        outside_begin(&e->outside);
}

static void bind_limits(struct engine *e)
{
        e->counts_visitors = e->options.block_limits.share > 0 && rules_block(e->rules);
}

void engine_limit_blocks(struct engine *e, const struct block_limits *limits)
{
        e->options.block_limits = *limits;
        bind_limits(e);
}

void engine_bind_facts(struct engine *e)
{
        e->outside.sources = &e->options.outside;
        e->facts.subject.outside = &e->outside;
        if (e->remembers_forms)
                e->facts.subject.forms = &e->forms;
        e->facts.subject.statistics = &e->statistics;
        e->remembers_births = rules_remember_births(e->rules);
        if (e->remembers_births)
                e->facts.subject.births = &e->births;
        e->facts.tags = &e->tags;
        e->reads_block_state =
            !e->rules->is_plan && rules_read_field(e->rules, "block.state");
        e->facts.subject.watch = &e->watch;
        bind_limits(e);
}

/*
 * What outlives the keys: who carries a tag, is of a group, was signed up when. Rules
 * that are taken up later may ask for any of them.
 */
static bool init_memories(struct engine *e, uint64_t memory)
{
        struct counters *counters = e->options.counters;
        struct kept max = kept_of(memory);

        return tags_init(&e->tags, &e->budget, index_bytes_for(max.tags), max.tags,
                         &counters->tags_evicted) &&
               tags_init(&e->groups, &e->budget, index_bytes_for(max.groups), max.groups,
                         &counters->groups_evicted) &&
               births_init(&e->births, &e->budget, &e->options.hash_key,
                           index_bytes_for(max.births), max.births,
                           &counters->births_evicted) &&
               watch_init(&e->watch, &e->budget, index_bytes_for(max.watched),
                          max.watched, &counters->blocks_unwatched);
}

static bool init_budget(struct engine *e, uint64_t memory)
{
        uint64_t kept = kept_index_bytes(memory);

        if (!budget_init(&e->budget, memory - memory / INDEX_PART - kept))
                return false;
        e->budget.index_room = memory / INDEX_PART;
        e->budget.kept_index_room = kept;
        return true;
}

static bool init_parts(struct engine *e, uint64_t memory)
{
        bool forms = init_forms(e, &memory);
        const struct engine_options *o = &e->options;
        e->statistics_memory = memory;
        bool statistics =
            statistics_init(&e->statistics, e->rules, &o->hash_key, &memory, o->counters);
        e->memory = memory;
        uint64_t index_bytes = engine_index_bytes(e);

        if (!forms || !statistics || !init_budget(e, memory) ||
            !actors_init(&e->actors, &e->budget, &o->hash_key, index_bytes) ||
            !ladder_init(&e->ladder, &e->budget, memory / LADDER_PART) ||
            !join_init(&e->join, &o->hash_key, o->hellos_max, o->hello_join_ns) ||
            !usual_init(&e->usual, e->rules) || !missed_init(&e->missed) ||
            !cases_init(&e->cases, o->incidents_max) ||
            !own_init(&e->own, e->options.id_key, &e->missed, o->counters, o->incident,
                      o->incident_context) ||
            !orphans_init(&e->orphans, o->incidents_max) ||
            !facts_init(&e->facts, e->rules, o->site, &o->hash_key, o->counters))
                return false;
        if (!init_memories(e, memory) || !ahead_init(&e->ahead, &e->facts.conditions))
                return false;
        engine_bind_facts(e);
        block_limit_init(&e->block_limit);
        e->actors.pseudonym = o->pseudonym;
        e->actors.pseudonym_context = o->pseudonym_context;
        distinct_store_init(&e->sets, &e->budget, o->counters);
        involved_store_init(&e->involved, &e->actors);
        sample_store_init(&e->samples, &e->budget);
        for (unsigned i = 0; i < e->rules->table_count; i++)
                if (!table_init(&e->tables[i], e->rules, &e->rules->tables[i], &e->sets,
                                &e->involved, &e->samples, &e->usual, index_bytes))
                        return false;
                else {
                        e->tables[i].statistics = &e->statistics;
                        e->tables[i].missed = &e->missed;
                }
        return true;
}

struct engine *engine_new(const struct engine_options *options)
{
        struct engine *e = calloc(1, sizeof(*e));

        if (!e)
                return NULL;
        e->options = *options;
        e->rules = options->rules;
        e->now_ns = e->sampled_ns = -1;
        e->tables = calloc(e->rules->table_count + 1, sizeof(*e->tables));
        e->visits = calloc(e->rules->table_count + 1, sizeof(*e->visits));
        e->event = calloc(1, sizeof(*e->event));
        e->rule_counts = calloc(e->rules->rule_count + 1, sizeof(*e->rule_counts));
        if (!e->tables || !e->visits || !e->event || !e->rule_counts ||
            !init_parts(e, options->memory_max)) {
                engine_free(&e);
                return NULL;
        }
        buf_reserve(&e->event->texts, TEXTS_OF_EVENT);
        return e;
}

void engine_free(struct engine **pointer)
{
        struct engine *e = *pointer;

        if (!e)
                return;
        for (unsigned i = 0; e->tables && i < e->rules->table_count; i++)
                table_free(&e->tables[i]);
        if (e->event)
                buf_free(&e->event->texts);
        free(e->event);
        free(e->rule_counts);
        ahead_free(&e->ahead);
        free(e->visits);
        free(e->tables);
        facts_free(&e->facts);
        join_free(&e->join);
        own_free(&e->own);
        orphans_free(&e->orphans);
        cases_free(&e->cases);
        missed_free(&e->missed);
        usual_free(&e->usual);
        statistics_free(&e->statistics);
        forms_free(&e->forms);
        births_free(&e->births);
        watch_free(&e->watch);
        tagging_free(e);
        tags_free(&e->groups);
        tags_free(&e->tags);
        ladder_free(&e->ladder);
        actors_free(&e->actors);
        budget_free(&e->budget);
        free(e);
        *pointer = NULL;
}
