/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "detect/carrier.h"
#include "detect/engine_priv.h"
#include "detect/groups.h"

#include <stdlib.h>

/* Who stays in an incident is looked at again after so long. */
#define REJOIN (60 * NS_PER_SEC)

/* Under what the groups of its incidents go: the tag that they put, or else the rule. */
static uint64_t groups_name(const struct engine *e, const struct rule *rule)
{
        if (rule->tag_count > 0 && rule->mode == MODE_ALERT)
                return hash_mix(e->facts.tag_names[rule->tags[0].tag], 1);
        return hash_slice(&e->options.hash_key, slice_str(rule->name));
}

static struct group_member member_of(const struct engine *e, const struct actor *actor)
{
        return (struct group_member){ {
            carrier_of_actor(&e->actors, FIELD_SESSION, actor),
            carrier_of_actor(&e->actors, FIELD_ACCOUNT, actor),
            carrier_of_actor(&e->actors, FIELD_IP, actor),
        } };
}

static void put_later(struct engine *e, const struct tag_put *put)
{
        struct tag_puts *puts = &e->tag_puts;

        if (puts->count == puts->room) {
                puts->room = puts->room ? 2 * puts->room : 16;
                puts->all = realloc(puts->all, puts->room * sizeof(*puts->all));
                CHECK(puts->all);
        }
        puts->all[puts->count++] = *put;
}

void tagging_done(struct engine *e)
{
        int64_t now_ns = e->facts.subject.record->end_ns;

        for (unsigned i = 0; i < e->tag_puts.count; i++) {
                const struct tag_put *put = &e->tag_puts.all[i];
                e->options.counters->tags += tags_put(&e->tags, put->carrier, put->name,
                                                      put->origin, put->until_ns, now_ns);
        }
        e->tag_puts.count = 0;
}

void tagging_free(struct engine *e)
{
        free(e->tag_puts.all);
        e->tag_puts = (struct tag_puts){ .all = NULL };
}

static void put_tags(struct engine *e, const char *origin, const struct rule *rule,
                     const struct actor *actor, int64_t now_ns)
{
        if (rule->mode != MODE_ALERT)
                return;
        for (unsigned i = 0; i < rule->tag_count; i++) {
                const struct rule_tag *tag = &rule->tags[i];
                struct tag_put put = {
                        .carrier = carrier_of_actor(&e->actors, tag->kind, actor),
                        .name = e->facts.tag_names[tag->tag],
                        .until_ns = now_ns + rule->tag_ns,
                };
                memcpy(put.origin, origin, sizeof(put.origin));
                if (put.carrier)
                        put_later(e, &put);
        }
}

/* Who took part in the transactions of its key that the rule looks at. */
struct participants {
        unsigned count;
        const struct actor *actors[INVOLVED_MAX];
        struct group_member members[INVOLVED_MAX];
};

static void participants_since(const struct engine *e, const struct incident_case *c,
                               int64_t since_ns, struct participants *p)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        const struct table *table = &e->tables[rule->table];
        const struct entry *entry = table_at(table, c->entry);

        p->count = involved_actors(
            &e->involved, &entry->involved, table_where_bit(table, rule->where),
            since_ns > 0 ? seconds_of(since_ns) : 0, p->actors, INVOLVED_MAX);
        for (unsigned i = 0; i < p->count; i++)
                p->members[i] = member_of(e, p->actors[i]);
}

static void take_in(struct engine *e, struct incident_case *c,
                    const struct participants *p, int64_t now_ns)
{
        const struct rule *rule = &e->rules->rules[c->rule];

        groups_join(&e->groups, groups_name(e, rule), p->members, p->count, c->group,
                    now_ns);
        for (unsigned i = 0; i < p->count; i++)
                put_tags(e, c->group, rule, p->actors[i], now_ns);
}

void tagging_raised(struct engine *e, struct incident_case *c)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        struct participants p;

        participants_since(e, c, c->raised_ns - rule->longest_ns, &p);
        groups_find(&e->groups, groups_name(e, rule), p.members, p.count, c->raised_ns,
                    c->group);
        take_in(e, c, &p, c->raised_ns);
}

void tagging_apart(struct incident_case *c, int64_t now_ns)
{
        if (c->apart_ns == 0)
                c->apart_ns = now_ns;
}

static void take_in_those_apart(struct engine *e, struct incident_case *c, int64_t now_ns)
{
        int64_t begin_ns = now_ns - e->rules->rules[c->rule].longest_ns;
        struct participants p;

        participants_since(e, c, c->apart_ns > begin_ns ? c->apart_ns : begin_ns, &p);
        take_in(e, c, &p, now_ns);
        c->apart_ns = 0;
        c->taken_ns = now_ns;
}

void tagging_joined(struct engine *e, struct incident_case *c, uint32_t actor_number,
                    int64_t now_ns)
{
        const struct rule *rule = &e->rules->rules[c->rule];

        if (rule->tag_count > 0 && c->apart_ns && now_ns - c->taken_ns >= REJOIN)
                take_in_those_apart(e, c, now_ns);
        if (actor_number == 0)
                return;
        const struct actor *actor = actors_at(&e->actors, actor_number);
        if (c->joined == actor->hash && now_ns - c->joined_ns < REJOIN)
                return;
        c->joined = actor->hash;
        c->joined_ns = now_ns;
        struct group_member member = member_of(e, actor);
        groups_join(&e->groups, groups_name(e, rule), &member, 1, c->group, now_ns);
        put_tags(e, c->group, rule, actor, now_ns);
}

void tagging_signal(struct engine *e, const struct rule *rule, uint32_t actor_number,
                    int64_t now_ns)
{
        static const char none[INCIDENT_ID_MAX];

        if (rule->tag_count > 0 && actor_number != 0)
                put_tags(e, none, rule, actors_at(&e->actors, actor_number), now_ns);
}

void tagging_follow(struct engine *e, const struct record *r)
{
        const struct known_tags *tags = &e->rules->tags;
        const struct hash_key *key = &e->options.hash_key;
        struct slice was = record_text(r, RECORD_SESSION_WAS);
        struct slice is = record_text(r, RECORD_SESSION);

        if (e->tags.index.count == 0 || slice_is_none(was) || slice_is_none(is))
                return;
        uint64_t from = carrier_of_text(key, PARTICIPANT_SESSION, was);
        uint64_t to = carrier_of_text(key, PARTICIPANT_SESSION, is);
        for (unsigned i = 0; i < tags->count; i++)
                if (tags->kinds[i] & 1U << FIELD_SESSION)
                        tags_carry(&e->tags, from, to, e->facts.tag_names[i], r->end_ns);
}
