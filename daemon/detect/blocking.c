/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "detect/carrier.h"
#include "detect/engine_priv.h"

#include <math.h>
#include <stdio.h>

struct blocking {
        struct engine *engine;
        struct incident_case *c;
        const struct rule *rule;
        int64_t time_ns;
        bool may_put; /* else only what is running is told */
};

/* One thing that may be blocked. Networks for ip and prefix, text for the others. */
struct candidate {
        enum field_kind kind;
        struct network network;
        struct slice text;
        uint64_t carrier; /* what it is found by again; 0 when nothing is put */
};

static bool is_network(enum field_kind kind)
{
        return kind == FIELD_IP || kind == FIELD_HOST || kind == FIELD_PREFIX;
}

static bool is_address(const struct field *field)
{
        return is_network(field->kind);
}

/* An exemption, or the rule's own `where`, speaks of an address in it. */
static bool is_exempt(const struct blocking *b, const struct network *network)
{
        const struct rules *rules = b->engine->rules;

        for (unsigned i = 0; i < rules->exemption_count; i++) {
                const struct exemption *x = &rules->exemptions[i];
                if (b->time_ns < x->until_ns &&
                    expr_reaches(x->when, is_address, network))
                        return true;
        }
        for (unsigned where = b->rule->where; where != CONDITION_ALWAYS;
             where = rules->conditions[where].base)
                if (expr_spares(rules->conditions[where].expr, is_address, network))
                        return true;
        return false;
}

static bool is_protected(const struct site *site, const struct network *network)
{
        if (!site)
                return false;
        if (site_has_trusted_proxy(site, network))
                return true;
        return !site_blocks_private(site) && network_has_private(network);
}

static bool is_withheld(const struct blocking *b, const struct candidate *candidate)
{
        return is_network(candidate->kind) &&
               (is_protected(b->engine->options.site, &candidate->network) ||
                is_exempt(b, &candidate->network));
}

const char *blocking_type(enum field_kind kind, unsigned bits)
{
        switch (kind) {
        case FIELD_IP:
        case FIELD_HOST:
        case FIELD_PREFIX:
                return bits == 128 ? "ip" : "prefix";
        case FIELD_SESSION:
                return "session";
        case FIELD_ACCOUNT:
                return "account";
        case FIELD_SHAPE:
                return "shape";
        case FIELD_JA4:
                return "ja4";
        default:
                CHECK(!"a kind that can be blocked");
                return NULL;
        }
}

static size_t print_value(const struct candidate *candidate, char out[BLOCK_TEXT])
{
        if (is_network(candidate->kind))
                return network_format(&candidate->network, out);
        struct slice text = slice_first(candidate->text, BLOCK_TEXT);
        memcpy(out, text.data, text.len);
        return text.len;
}

uint64_t blocking_subject(const struct engine *e, struct slice rule, struct slice type,
                          struct slice value)
{
        const struct hash_key *key = &e->options.hash_key;

        return hash_mix(hash_mix(hash_slice(key, rule), hash_slice(key, type)),
                        hash_slice(key, value));
}

/* ---- the limit ---- */

static struct incident_evidence limit_evidence(const char *name, double limit)
{
        return (struct incident_evidence){ name, limit, limit == 0, false };
}

/* Calls own_hold or own_end with what is counted now. */
static void tell_limit(struct engine *e, int64_t now_ns,
                       void (*tell)(struct own *, enum own_kind, const struct own_state *,
                                    int64_t))
{
        const struct block_limits *limits = &e->options.block_limits;
        struct block_limit *l = &e->block_limit;
        struct block_count count = block_limit_count(l, now_ns);
        const struct incident_evidence evidence[] = {
                { "blocks in the last minute", count.minute, false, false },
                limit_evidence("blocks.per_minute", (double)limits->per_minute),
                { "share of visitors blocked",
                  count.visitors > 0 ? count.running / count.visitors : 0,
                  count.visitors <= 0, false },
                limit_evidence("blocks.share", limits->share),
                { "visitors in the last hour", round(count.visitors), !e->counts_visitors,
                  false },
                { "blocks refused", (double)l->refused, false, false },
        };
        struct own_state state = { .subject_type = "all",
                                   .subject = SLICE("all"),
                                   .evidence = evidence,
                                   .evidence_count =
                                       sizeof(evidence) / sizeof(*evidence) };

        l->told_ns = now_ns;
        tell(&e->own, OWN_BLOCK_LIMIT, &state, now_ns);
}

static void refuse(struct engine *e)
{
        bool is_first = e->block_limit.refused == 1;

        e->options.counters->blocks_refused++;
        if (is_first || e->now_ns - e->block_limit.told_ns >= NS_PER_SEC)
                tell_limit(e, e->now_ns, own_hold);
}

static bool is_allowed(struct engine *e)
{
        if (block_limit_allows(&e->block_limit, &e->options.block_limits, e->now_ns))
                return true;
        refuse(e);
        return false;
}

void blocking_advance(struct engine *e, int64_t now_ns)
{
        int64_t due_ns = e->block_limit.closes_ns;

        if (now_ns < due_ns)
                return;
        tell_limit(e, due_ns, own_end);
        block_limit_close(&e->block_limit);
}

/* ---- blocks ---- */

static void add_block(struct event_memory *event, const char *type, size_t len,
                      const struct ladder_block *block)
{
        unsigned at = event->block_count++;

        event->blocks[at] =
            (struct incident_block){ type, slice_of(event->block_texts[at], len),
                                     block->since_ns, block->until_ns, block->level };
}

static void watch_candidate(struct blocking *b, const struct candidate *candidate,
                            const struct incident_block *block)
{
        watching_put(b->engine, b->c,
                     &(struct watch_subject){
                         candidate->kind,
                         is_network(candidate->kind) ? &candidate->network : NULL,
                         candidate->carrier },
                     block);
}

/* Of a block that was put before a crash only the subject as published was known. */
static void watch_again(struct blocking *b, const struct candidate *candidate,
                        uint64_t subject, const char *type,
                        const struct ladder_block *block)
{
        const struct incident_block running = { .type = type,
                                                .since_ns = block->since_ns,
                                                .until_ns = block->until_ns,
                                                .level = block->level };

        ladder_name(&b->engine->ladder, subject, candidate->carrier);
        if (!block->is_held)
                watch_candidate(b, candidate, &running);
}

/* True when a block begins. *until_ns: when it has to be looked at again. */
static bool block_one(struct blocking *b, const struct candidate *candidate,
                      int64_t *until_ns)
{
        struct engine *e = b->engine;
        struct event_memory *event = e->event;
        struct ladder_block block;

        if (event->block_count == EVENT_BLOCKS)
                return false;
        char *text = event->block_texts[event->block_count];
        const char *type = blocking_type(candidate->kind, candidate->network.bits);
        size_t len = print_value(candidate, text);
        uint64_t subject = blocking_subject(e, slice_str(b->rule->name), slice_str(type),
                                            slice_of(text, len));
        if (ladder_running(&e->ladder, subject, b->time_ns, &block)) {
                *until_ns = block.until_ns;
                if (block.carrier == 0 && candidate->carrier)
                        watch_again(b, candidate, subject, type, &block);
                if (!event->blocks_are_new && !block.is_held)
                        add_block(event, type, len, &block);
                return false;
        }
        /* A refused one does not climb, and is tried again. */
        if (!b->may_put || !is_allowed(e) ||
            ladder_climb(&e->ladder, subject, candidate->carrier, b->rule->block_ns,
                         b->rule->rungs, b->time_ns, &block) != LADDER_NEW)
                return false;
        block_limit_put(&e->block_limit, e->now_ns, block.until_ns);
        *until_ns = block.until_ns;
        /* Those put now take the place of those that were running. */
        if (!event->blocks_are_new && event->block_count) {
                memmove(event->block_texts[0], text, len);
                event->block_count = 0;
        }
        event->blocks_are_new = true;
        add_block(event, type, len, &block);
        watch_candidate(b, candidate, &event->blocks[event->block_count - 1]);
        return true;
}

static struct candidate key_candidate(const struct blocking *b)
{
        struct engine *e = b->engine;
        const struct table_plan *plan = &e->rules->tables[b->rule->table];
        const struct field *field = e->rules->operands[plan->key[0]].field;
        struct candidate candidate = { .kind = field->kind,
                                       .text =
                                           slice_of(b->c->subject, b->c->subject_len) };

        /* The subject is the value as published, so it serves when no record is at hand.
         */
        if (is_network(candidate.kind))
                CHECK(network_parse(candidate.text, &candidate.network, NULL));
        if (b->may_put)
                candidate.carrier =
                    carrier_of_value(&e->options.hash_key, candidate.kind,
                                     &facts_operand(&e->facts, plan->key[0])->value);
        return candidate;
}

static void block_key(struct blocking *b)
{
        struct candidate candidate = key_candidate(b);

        if (is_withheld(b, &candidate)) {
                b->engine->options.counters->blocks_withheld += !b->c->key_is_private;
                b->c->key_is_private = true;
                return;
        }
        block_one(b, &candidate, &b->c->blocked_until_ns);
}

static struct candidate actor_candidate(const struct engine *e, enum field_kind kind,
                                        const struct actor *actor, char text[256])
{
        struct candidate candidate = { .kind = kind,
                                       .carrier =
                                           carrier_of_actor(&e->actors, kind, actor) };

        if (is_network(kind))
                candidate.network = actor_network(actor, kind);
        else
                candidate.text =
                    slice_of(text, actors_publish(&e->actors, field_participant(kind),
                                                  actor, text));
        return candidate;
}

static void block_actor(struct blocking *b, enum field_kind kind,
                        const struct actor *actor, bool count_withheld)
{
        char text[256];
        int64_t until_ns;

        if (!actor_has(actor, field_participant(kind)))
                return;
        struct candidate candidate = actor_candidate(b->engine, kind, actor, text);
        if (!is_withheld(b, &candidate))
                block_one(b, &candidate, &until_ns);
        else if (count_withheld)
                b->engine->options.counters->blocks_withheld++;
}

unsigned blocking_participants(struct engine *e, const struct incident_case *c,
                               enum field_kind kind,
                               const struct actor *actors[INVOLVED_MAX])
{
        const struct rule *rule = &e->rules->rules[c->rule];
        const struct table *table = &e->tables[rule->table];
        const struct entry *entry = table_at(table, c->entry);
        int64_t begin_ns = c->raised_ns - rule->longest_ns;
        struct involved_query query = {
                .kind = field_participant(kind),
                .condition = table_where_bit(table, rule->where),
                .since = begin_ns > 0 ? seconds_of(begin_ns) : 0,
        };
        uint64_t total;

        return involved_values(&e->involved, &entry->involved, &query, actors,
                               INVOLVED_MAX, &total);
}

/* All participants of the incident's window. */
static void block_participants(struct blocking *b, bool count_withheld)
{
        const struct actor *actors[INVOLVED_MAX];

        for (unsigned kind = FIELD_IP; kind <= FIELD_JA4; kind++) {
                if (!(b->rule->block_what & 1U << kind))
                        continue;
                unsigned count = blocking_participants(b->engine, b->c, kind, actors);
                for (unsigned i = 0; i < count; i++)
                        block_actor(b, kind, actors[i], count_withheld);
        }
}

/* Only who made the transaction at hand: a newcomer, or one whose block ran out. */
static void block_present(struct blocking *b)
{
        uint32_t actor = actors_take(&b->engine->actors, b->engine->facts.subject.record,
                                     subject_ja4(&b->engine->facts.subject));

        if (actor == 0)
                return;
        for (unsigned kind = FIELD_IP; kind <= FIELD_JA4; kind++)
                if (b->rule->block_what & 1U << kind)
                        block_actor(b, kind, actors_at(&b->engine->actors, actor), false);
        actors_drop(&b->engine->actors, actor);
}

static struct blocking begin(struct engine *e, struct incident_case *c, int64_t time_ns,
                             bool may_put)
{
        const struct rule *rule = &e->rules->rules[c->rule];

        e->event->block_count = 0;
        e->event->blocks_are_new = false;
        return (struct blocking){ e, c, rule, time_ns, may_put };
}

bool blocking_due(struct engine *e, struct incident_case *c, int64_t time_ns)
{
        struct blocking b = begin(e, c, time_ns, true);

        if (!rule_blocks(b.rule))
                return false;
        if (!b.rule->block_what)
                block_key(&b);
        else if (c->n == 0)
                block_participants(&b, true);
        else
                block_present(&b);
        return e->event->blocks_are_new;
}

void blocking_running(struct engine *e, struct incident_case *c, int64_t time_ns)
{
        struct blocking b = begin(e, c, time_ns, false);

        if (!rule_blocks(b.rule))
                return;
        if (!b.rule->block_what)
                block_key(&b);
        else
                block_participants(&b, false);
}

static bool hold_of_rule(struct engine *e, const struct block_held *held,
                         struct slice rule)
{
        uint64_t carrier;

        if (!ladder_hold(&e->ladder, blocking_subject(e, rule, held->type, held->value),
                         e->now_ns, &carrier))
                return false;
        watching_drop(e, held->id, carrier);
        return true;
}

/* An alert of the daemon's own does not say whose block it is. */
static bool hold_of_any(struct engine *e, const struct block_held *held)
{
        bool any = false;

        for (unsigned i = 0; i < e->rules->rule_count; i++)
                if (rule_blocks(&e->rules->rules[i]))
                        any |= hold_of_rule(e, held, slice_str(e->rules->rules[i].name));
        return any;
}

void engine_block_held(struct engine *e, const struct block_held *held)
{
        struct own_state state = { .subject = held->value };
        bool is_own = own_is_name(held->rule);
        char type[OWN_TYPE_MAX];

        if (is_own ? !hold_of_any(e, held) : !hold_of_rule(e, held, held->rule))
                return;
        snprintf(type, sizeof(type), "%.*s", (int)held->type.len,
                 (const char *)held->type.data);
        state.subject_type = type;
        own_end(&e->own, OWN_BLOCK_IGNORED, &state, e->now_ns);
}
