/* SPDX-License-Identifier: MIT */
#include "detect/own.h"

#include "base/buf.h"
#include "base/clock.h"
#include "detect/report.h"

#include <stdlib.h>

#define PLACES (OWN_OPEN_MAX + OWN_KINDS)
#define AGAIN  (10 * 60 * NS_PER_SEC)
#define SILENT (10 * 60 * NS_PER_SEC)

static const struct {
        const char *name, *description;
        enum severity severity;
        const char *references[2];
        bool has_place; /* it is about all, and finds room when others have taken it */
} kinds[OWN_KINDS] = {
        [OWN_BLOCK_LIMIT] = { "block-limit",
                              "More blocks were due than may be put: alerts go on, "
                              "no block is put",
                              SEVERITY_HIGH,
                              { "docs/blocks.md" },
                              true },
        [OWN_BLOCK_IGNORED] = { "block-ignored",
                                "A block was published and its subject is still served: "
                                "does a blocker run, on the way that the subject takes, "
                                "and does it read this Redis?",
                                SEVERITY_HIGH,
                                { "docs/blocks.md" },
                                false },
};

struct own_evidence {
        char expression[OWN_TEXT_MAX];
        double value;
        bool missing;
};

struct own_block {
        char type[16], value[OWN_SUBJECT_MAX];
        uint32_t value_len;
        int64_t since_ns, until_ns;
        unsigned level; /* 0: there is none */
};

/* Without a pointer, so that a snapshot takes it as it is. */
struct own_case {
        char id[INCIDENT_ID_MAX];
        char type[OWN_TYPE_MAX], subject[OWN_SUBJECT_MAX];
        uint32_t subject_len;
        enum own_kind kind;
        uint32_t n; /* events so far */
        int64_t start_ns, held_ns, told_ns;
        unsigned evidence_count;
        struct own_evidence evidence[OWN_EVIDENCE_MAX];
        struct own_block block;
};

const char *own_name(enum own_kind kind)
{
        return kinds[kind].name;
}

bool own_is_name(struct slice name)
{
        for (unsigned i = 0; i < OWN_KINDS; i++)
                if (slice_is(name, kinds[i].name))
                        return true;
        return false;
}

bool own_init(struct own *o, const uint8_t id_key[32], const struct missed *missed,
              struct counters *counters, incident_fn *incident, void *context)
{
        *o = (struct own){ .due_ns = INT64_MAX,
                           .id_key = id_key,
                           .missed = missed,
                           .counters = counters,
                           .incident = incident,
                           .incident_context = context };
        o->cases = calloc(PLACES, sizeof(*o->cases));
        return o->cases;
}

void own_free(struct own *o)
{
        free(o->cases);
        *o = (struct own){ 0 };
}

static struct own_case *find(const struct own *o, enum own_kind kind, const char *type,
                             struct slice subject)
{
        struct slice name = slice_first(slice_str(type), OWN_TYPE_MAX - 1);

        subject = slice_first(subject, OWN_SUBJECT_MAX);
        for (unsigned i = 0; i < o->count; i++) {
                struct own_case *c = &o->cases[i];
                if (c->kind == kind && slice_is(name, c->type) &&
                    slice_equal(slice_of(c->subject, c->subject_len), subject))
                        return c;
        }
        return NULL;
}

bool own_is_open(const struct own *o, enum own_kind kind, const char *subject_type,
                 struct slice subject)
{
        return find(o, kind, subject_type, subject);
}

/* ---- what one remembers ---- */

/* A text that ends with a NUL, cut at `size` - 1 bytes. */
static void copy_text(char *to, size_t size, struct slice from)
{
        struct slice text = slice_first(from, size - 1);

        if (text.len)
                memcpy(to, text.data, text.len);
        to[text.len] = '\0';
}

static uint32_t copy_bytes(char to[OWN_SUBJECT_MAX], struct slice from)
{
        struct slice bytes = slice_first(from, OWN_SUBJECT_MAX);

        if (bytes.len)
                memcpy(to, bytes.data, bytes.len);
        return (uint32_t)bytes.len;
}

static void note_block(struct own_case *c, const struct incident_block *block)
{
        copy_text(c->block.type, sizeof(c->block.type), slice_str(block->type));
        c->block.value_len = copy_bytes(c->block.value, block->value);
        c->block.since_ns = block->since_ns;
        c->block.until_ns = block->until_ns;
        c->block.level = block->level;
}

static void note_state(struct own_case *c, const struct own_state *state)
{
        if (state->block)
                note_block(c, state->block);
        if (state->evidence_count == 0)
                return;
        c->evidence_count = state->evidence_count < OWN_EVIDENCE_MAX
                                ? state->evidence_count
                                : OWN_EVIDENCE_MAX;
        for (unsigned i = 0; i < c->evidence_count; i++) {
                struct own_evidence *e = &c->evidence[i];
                copy_text(e->expression, sizeof(e->expression),
                          slice_str(state->evidence[i].expression));
                e->value = state->evidence[i].value;
                e->missing = state->evidence[i].missing;
        }
}

/* ---- events ---- */

static void name_case(const struct own *o, struct own_case *c)
{
        struct buf text = { 0 };

        buf_printf(&text, "%s|%s|%.*s|%lld", kinds[c->kind].name, c->type,
                   (int)c->subject_len, c->subject, (long long)c->start_ns);
        report_id(o->id_key, c->start_ns, buf_slice(&text), c->id);
        buf_free(&text);
}

static void tell(struct own *o, struct own_case *c, enum incident_action action,
                 int64_t time_ns)
{
        static const struct incident_involved nobody[PARTICIPANT_KINDS];
        struct incident_evidence evidence[OWN_EVIDENCE_MAX];
        struct incident_block block = { c->block.type,
                                        slice_of(c->block.value, c->block.value_len),
                                        c->block.since_ns, c->block.until_ns,
                                        c->block.level };
        int64_t span_ns = time_ns - c->start_ns;
        struct incident incident = {
                .action = action,
                .n = c->n++,
                .time_ns = time_ns,
                .start_ns = c->start_ns,
                .last_ns = c->held_ns,
                .rule = kinds[c->kind].name,
                .description = kinds[c->kind].description,
                .references = kinds[c->kind].references,
                .severity = kinds[c->kind].severity,
                .subject_type = c->type,
                .subject = slice_of(c->subject, c->subject_len),
                .evidence_count = c->evidence_count,
                .evidence = evidence,
                .involved = nobody,
                .missed =
                    missed_mean(o->missed, time_ns, span_ns > SILENT ? span_ns : SILENT),
                .block_count = c->block.level > 0,
                .blocks = &block,
        };

        c->told_ns = time_ns;
        memcpy(incident.id, c->id, sizeof(incident.id));
        memcpy(incident.group, c->id, sizeof(incident.group));
        for (unsigned i = 0; i < c->evidence_count; i++)
                evidence[i] = (struct incident_evidence){ c->evidence[i].expression,
                                                          c->evidence[i].value,
                                                          c->evidence[i].missing, false };
        if (o->incident)
                o->incident(o->incident_context, &incident);
}

static void raise(struct own *o, enum own_kind kind, const struct own_state *state,
                  int64_t now_ns)
{
        if (o->count >= (kinds[kind].has_place ? PLACES : OWN_OPEN_MAX)) {
                o->counters->incidents_dropped++;
                return;
        }
        struct own_case *c = &o->cases[o->count++];
        memset(c, 0, sizeof(*c));
        c->kind = kind;
        copy_text(c->type, sizeof(c->type), slice_str(state->subject_type));
        c->subject_len = copy_bytes(c->subject, state->subject);
        c->start_ns = c->held_ns = now_ns;
        note_state(c, state);
        name_case(o, c);
        if (c->held_ns + SILENT < o->due_ns)
                o->due_ns = c->held_ns + SILENT;
        o->counters->incidents_raised++;
        tell(o, c, INCIDENT_RAISED, now_ns);
}

/* The last one takes its place. */
static void end(struct own *o, struct own_case *c, int64_t now_ns)
{
        tell(o, c, INCIDENT_ENDED, now_ns);
        *c = o->cases[--o->count];
}

void own_hold(struct own *o, enum own_kind kind, const struct own_state *state,
              int64_t now_ns)
{
        own_advance(o, now_ns);
        struct own_case *c = find(o, kind, state->subject_type, state->subject);

        if (!c) {
                raise(o, kind, state, now_ns);
                return;
        }
        c->held_ns = now_ns > c->held_ns ? now_ns : c->held_ns;
        note_state(c, state);
        if (now_ns - c->told_ns >= AGAIN)
                tell(o, c, INCIDENT_UPDATED, now_ns);
}

void own_end(struct own *o, enum own_kind kind, const struct own_state *state,
             int64_t now_ns)
{
        own_advance(o, now_ns);
        struct own_case *c = find(o, kind, state->subject_type, state->subject);

        if (!c)
                return;
        note_state(c, state);
        end(o, c, now_ns);
}

/* ---- time ---- */

static int64_t end_of(const struct own_case *c)
{
        return c->held_ns + SILENT;
}

static struct own_case *first_to_end(const struct own *o)
{
        struct own_case *first = NULL;

        for (unsigned i = 0; i < o->count; i++) {
                struct own_case *c = &o->cases[i];
                if (!first || end_of(c) < end_of(first) ||
                    (end_of(c) == end_of(first) && strcmp(c->id, first->id) < 0))
                        first = c;
        }
        return first;
}

void own_advance(struct own *o, int64_t now_ns)
{
        struct own_case *c;

        if (now_ns < o->due_ns)
                return;
        while ((c = first_to_end(o)) && end_of(c) <= now_ns)
                end(o, c, end_of(c));
        o->due_ns = c ? end_of(c) : INT64_MAX;
}

void own_finish(struct own *o, int64_t now_ns)
{
        struct own_case *c;

        while ((c = first_to_end(o)))
                end(o, c, now_ns);
        o->due_ns = INT64_MAX;
}

void own_catch_up(struct own *o, struct told *told)
{
        for (unsigned i = o->count; i-- > 0;) {
                struct own_case *c = &o->cases[i];
                struct told_event *last = told_find(told, c->id);
                if (!last)
                        continue;
                last->is_known = true;
                if (last->n >= c->n)
                        c->n = last->n + 1;
                if (last->has_ended)
                        *c = o->cases[--o->count];
        }
}

static enum own_kind kind_of(struct slice name)
{
        unsigned kind = 0;

        while (kind < OWN_KINDS && !slice_is(name, kinds[kind].name))
                kind++;
        return kind;
}

/* It may have held until it was due to say so again: if so, it is silent from now on. */
static int64_t held_until(const struct told_incident *told, int64_t now_ns)
{
        return now_ns < told->time_ns + AGAIN + SILENT ? now_ns : told->time_ns;
}

void own_adopt(struct own *o, const struct told_incident *told, int64_t now_ns)
{
        enum own_kind kind = kind_of(told->rule);
        struct own_case c = { .kind = kind, .n = told->n + 1 };

        if (kind == OWN_KINDS || told->id.len != sizeof(c.id) - 1)
                return;
        copy_text(c.type, sizeof(c.type), told->subject_type);
        c.subject_len = copy_bytes(c.subject, told->subject);
        if (find(o, kind, c.type, told->subject))
                return;
        if (o->count >= (kinds[kind].has_place ? PLACES : OWN_OPEN_MAX)) {
                o->counters->incidents_dropped++;
                return;
        }
        memcpy(c.id, told->id.data, told->id.len);
        c.start_ns = told->start_ns;
        c.told_ns = told->time_ns;
        c.held_ns = held_until(told, now_ns);
        o->cases[o->count++] = c;
        o->counters->incidents_adopted++;
        o->due_ns = INT64_MIN;
}

void own_transfer(struct own *o, struct transfer *t)
{
        unsigned count = o->count;

        transfer_same(t, sizeof(struct own_case), "it is of another version");
        transfer_same(t, OWN_KINDS, "it is of another version");
        TRANSFER(t, count);
        if (count > PLACES)
                transfer_fail(t, "it is damaged or cut short");
        if (t->has_failed)
                return;
        o->count = count;
        transfer_bytes(t, o->cases, count * sizeof(*o->cases));
        if (t->is_reading)
                o->due_ns = count ? INT64_MIN : INT64_MAX;
}
