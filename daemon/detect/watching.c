/* SPDX-License-Identifier: MIT */
/* Which blocked subjects a request shows, and what is told of them. */
#include "detect/carrier.h"
#include "detect/engine_priv.h"

#include <stdio.h>

static uint64_t carrier_of_network(const struct engine *e, const struct network *network)
{
        struct value value = { .type = VALUE_NETWORK, .network = *network };

        return carrier_of_value(&e->options.hash_key, FIELD_PREFIX, &value);
}

static bool is_watching(const struct engine *e)
{
        return e->options.watch.after_ns > 0;
}

void watching_put(struct engine *e, struct incident_case *c,
                  const struct watch_subject *s, const struct incident_block *block)
{
        if (!is_watching(e) || s->carrier == 0)
                return;
        if (!watch_put(&e->watch, s->carrier, c->id, block->since_ns, block->until_ns,
                       block->level)) {
                e->options.counters->blocks_unwatched++;
                return;
        }
        if (s->network)
                watch_note_length(&e->watch, s->network->bits);
        else
                watch_note_kind(&e->watch, s->kind);
        c->has_block = true;
        if (!e->rules->rules[c->rule].block_what)
                c->watched = s->carrier;
        e->options.counters->blocks_watched++;
}

/* ---- what is seen ---- */

/* One request or attempt, and what came of it. */
struct glimpse {
        struct engine *engine;
        int64_t begin_ns;
        enum watch_outcome outcome;
        bool is_of_blocked;
};

static struct incident_case *case_of(const struct engine *e, const char *id)
{
        for (unsigned i = 0; i < e->cases.count; i++) {
                struct incident_case *c = cases_at(&e->cases, e->cases.heap[i].number);
                if (memcmp(c->id, id, INCIDENT_ID_MAX) == 0)
                        return c;
        }
        return NULL;
}

void watching_drop(struct engine *e, struct slice id, uint64_t carrier)
{
        const struct watched *w = watch_find(&e->watch, carrier);
        char text[INCIDENT_ID_MAX] = "", put_by[INCIDENT_ID_MAX] = "";

        if (w)
                memcpy(put_by, w->id, sizeof(put_by));
        watch_drop(&e->watch, carrier);
        if (id.len != sizeof(text) - 1)
                return;
        memcpy(text, id.data, id.len);
        struct incident_case *c = case_of(e, text);
        if (!c) /* the daemon's own, about the one that put it */
                c = case_of(e, put_by);
        if (!c)
                return;
        /* Of several blocks what is told is worked out anew. */
        c->enforcement = (struct enforcement){ .is_known = false };
        c->told_state = BLOCK_SILENT;
        if (carrier && c->watched == carrier)
                c->has_block = false;
}

/* The incident says so at once when it is another state for it as well. */
static void tell_incident(struct engine *e, const struct watched *w, int64_t begin_ns)
{
        struct incident_case *c = case_of(e, w->id);
        int64_t now_ns = begin_ns > e->now_ns ? begin_ns : e->now_ns;

        if (!c || !c->has_block || c->told_state <= watched_state(w))
                return;
        blocking_running(e, c, now_ns);
        report_event(e, c, INCIDENT_UPDATED, now_ns);
}

/* The subject that is looked for, as the record shows it. */
struct shown {
        enum field_kind kind;
        const struct network *network; /* NULL: of another kind */
        struct slice text;
};

static size_t publish(const struct engine *e, const struct shown *shown,
                      char out[BLOCK_TEXT])
{
        struct slice text = slice_first(shown->text, BLOCK_TEXT);

        if (shown->network)
                return network_format(shown->network, out);
        if (shown->kind == FIELD_SESSION || shown->kind == FIELD_ACCOUNT)
                return actors_pseudonym(&e->actors, field_participant(shown->kind),
                                        shown->text, out);
        memcpy(out, text.data, text.len);
        return text.len;
}

/* An alert of the daemon's own, which goes on while the subject is served. */
static void tell_ignored(struct engine *e, const struct watched *w,
                         const struct shown *shown, int64_t begin_ns)
{
        const struct incident_evidence evidence[] = {
                { "requests since the block", (double)w->requests, false, false },
                { "refused of them", (double)w->refused, false, false },
                { "served after", (double)(begin_ns - w->since_ns) / NS_PER_SEC, false,
                  false },
                { "blocks.verify_after", (double)e->options.watch.after_ns / NS_PER_SEC,
                  false, false },
        };
        char text[BLOCK_TEXT];
        struct incident_block block = {
                .type =
                    blocking_type(shown->kind, shown->network ? shown->network->bits : 0),
                .value = slice_of(text, publish(e, shown, text)),
                .since_ns = w->since_ns,
                .until_ns = w->until_ns,
                .level = w->level,
        };
        struct own_state state = { block.type, block.value, evidence,
                                   sizeof(evidence) / sizeof(*evidence), &block };

        if (e->options.watch.raises)
                own_hold(&e->own, OWN_BLOCK_IGNORED, &state, e->now_ns);
}

static uint16_t minute_of_block(const struct watched *w, int64_t begin_ns)
{
        return (uint16_t)((begin_ns - w->since_ns) / (60 * NS_PER_SEC));
}

/* It is still served, which nobody has said for a while: the alert goes on. */
static void hold_ignored(struct glimpse *s, struct watched *w, const struct shown *shown)
{
        uint16_t minute = minute_of_block(w, s->begin_ns);

        if (!w->is_ignored || s->outcome != WATCH_SERVED || minute == w->told)
                return;
        w->told = minute;
        tell_ignored(s->engine, w, shown, s->begin_ns);
}

static void note_subject(struct glimpse *s, uint64_t carrier, const struct shown *shown)
{
        struct engine *e = s->engine;
        struct watched *w = watch_running(&e->watch, carrier, s->begin_ns);

        if (!w || s->begin_ns <= w->since_ns)
                return;
        s->is_of_blocked = true;
        if (!watched_note(w, s->begin_ns, e->options.watch.after_ns, s->outcome)) {
                hold_ignored(s, w, shown);
                return;
        }
        tell_incident(e, w, s->begin_ns);
        if (!w->is_ignored)
                return;
        e->options.counters->blocks_ignored++;
        w->told = minute_of_block(w, s->begin_ns);
        tell_ignored(e, w, shown, s->begin_ns);
}

static void note_address(struct glimpse *s, const struct ip *ip)
{
        const struct watch *w = &s->engine->watch;

        for (unsigned word = 0; word < 3; word++)
                for (uint64_t left = w->lengths[word]; left; left &= left - 1) {
                        unsigned bits = word * 64 + (unsigned)__builtin_ctzll(left);
                        struct network network = network_of(ip, (uint8_t)bits);
                        note_subject(
                            s, carrier_of_network(s->engine, &network),
                            &(struct shown){ .kind = FIELD_PREFIX, .network = &network });
                }
}

static void note_text(struct glimpse *s, enum field_kind kind, struct slice text)
{
        struct engine *e = s->engine;

        if (e->watch.kinds & 1U << kind)
                note_subject(
                    s,
                    carrier_of_text(&e->options.hash_key, field_participant(kind), text),
                    &(struct shown){ .kind = kind, .text = text });
}

static void note_shape(struct glimpse *s, uint64_t shape)
{
        char text[17];

        if (!shape || !(s->engine->watch.kinds & 1U << FIELD_SHAPE))
                return;
        snprintf(text, sizeof(text), "%016llx", (unsigned long long)shape);
        note_text(s, FIELD_SHAPE, slice_str(text));
}

static enum watch_outcome outcome_of(const struct engine *e, const struct record *r)
{
        const struct watch_options *o = &e->options.watch;

        if (r->flags & RECORD_UNANSWERED)
                return WATCH_REFUSED;
        for (unsigned i = 0; i < o->refused_count; i++)
                if (r->status == o->refused_status[i])
                        return WATCH_REFUSED;
        return r->status ? WATCH_SERVED : WATCH_UNKNOWN;
}

static void count(const struct glimpse *s)
{
        struct counters *counters = s->engine->options.counters;

        counters->block_requests += s->is_of_blocked;
        counters->block_refused += s->is_of_blocked && s->outcome == WATCH_REFUSED;
}

void watching_record(struct engine *e, const struct record *r)
{
        struct glimpse s = { .engine = e, .begin_ns = r->start_ns };

        if (!watch_is_on(&e->watch, r->start_ns) || !is_watching(e))
                return;
        s.outcome = outcome_of(e, r);
        note_address(&s, &r->client);
        note_text(&s, FIELD_SESSION, record_text(r, RECORD_SESSION));
        note_text(&s, FIELD_ACCOUNT, record_text(r, RECORD_ACCOUNT));
        note_shape(&s, r->http_shape);
        /* By an address that showed several hellos it may be anybody's. */
        if (!e->facts.subject.fingerprint_is_uncertain)
                note_text(&s, FIELD_JA4, subject_ja4(&e->facts.subject));
        count(&s);
}

void engine_unanswered(struct engine *e, const struct ip *client, int64_t time_ns)
{
        struct glimpse s = { e, time_ns, WATCH_REFUSED, false };

        if (!watch_is_on(&e->watch, time_ns) || !is_watching(e))
                return;
        note_address(&s, client);
        count(&s);
}

void engine_watch(struct engine *e, const struct watch_options *options)
{
        e->options.watch = *options;
}

/* ---- what is told ---- */

static void add(struct engine *e, const struct incident_case *c, uint64_t carrier,
                struct enforcement *out)
{
        const struct watched *w = watch_find(&e->watch, carrier);

        if (w && w->until_ns > c->raised_ns)
                watched_add(w, out);
}

static void add_participants(struct engine *e, const struct incident_case *c,
                             struct enforcement *out)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        const struct actor *actors[INVOLVED_MAX];

        for (unsigned kind = FIELD_IP; kind <= FIELD_JA4; kind++) {
                if (!(rule->block_what & 1U << kind))
                        continue;
                unsigned count = blocking_participants(e, c, kind, actors);
                for (unsigned i = 0; i < count; i++)
                        add(e, c, carrier_of_actor(&e->actors, kind, actors[i]), out);
        }
}

void watching_tell(struct engine *e, struct incident_case *c, struct enforcement *out)
{
        *out = (struct enforcement){ .is_known = false };
        if (!c->has_block || !is_watching(e))
                return;
        if (e->rules->rules[c->rule].block_what)
                add_participants(e, c, out);
        else
                add(e, c, c->watched, out);
        /* What was known last, when the subject has been forgotten since. */
        if (out->is_known)
                c->enforcement = *out;
        *out = c->enforcement;
        c->told_state = out->is_known ? out->state : BLOCK_SILENT;
}

uint64_t watching_key(struct engine *e, const struct table *t)
{
        const struct operand *operand;

        if (t->plan->parts != 1)
                return 0;
        operand = &e->rules->operands[t->plan->key[0]];
        if (!operand->field || operand->field->kind < FIELD_IP)
                return 0;
        return carrier_of_value(&e->options.hash_key, operand->field->kind,
                                &facts_operand(&e->facts, t->plan->key[0])->value);
}
