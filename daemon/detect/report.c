/* SPDX-License-Identifier: MIT */
#include "detect/report.h"

#include "base/check.h"
#include "detect/engine_priv.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* Crockford's base 32: no I, L, O, U. */
#define ID_TIME 10 /* digits */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 130 bits, of which the first two are zero: 48 of time, 80 of the digest. */
static void print_id(uint64_t ms, const uint8_t digest[10], char id[INCIDENT_ID_MAX])
{
        uint8_t bytes[16];

        for (unsigned i = 0; i < 6; i++)
                bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
        memcpy(bytes + 6, digest, 10);
        for (unsigned i = 0; i < INCIDENT_ID_MAX - 1; i++) {
                unsigned value = 0;
                for (unsigned bit = i * 5; bit < i * 5 + 5; bit++) {
                        unsigned set =
                            bit < 2 ? 0 : bytes[(bit - 2) / 8] >> (7 - (bit - 2) % 8);
                        value = value << 1 | (set & 1);
                }
                id[i] = digits[value];
        }
        id[INCIDENT_ID_MAX - 1] = '\0';
}

void report_id(const uint8_t key[32], int64_t raised_ns, struct slice text,
               char id[INCIDENT_ID_MAX])
{
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned digest_len = 0;

        CHECK(HMAC(EVP_sha256(), key, 32, text.data, text.len, digest, &digest_len));
        print_id((uint64_t)(raised_ns / NS_PER_MS), digest, id);
}

int64_t report_raised(const char id[INCIDENT_ID_MAX])
{
        int64_t ms = 0;

        for (unsigned i = 0; i < ID_TIME; i++) {
                const char *digit = id[i] ? strchr(digits, id[i]) : NULL;
                if (!digit)
                        return -1;
                ms = ms << 5 | (digit - digits);
        }
        return ms >> 48 ? -1 : ms * NS_PER_MS;
}

void report_name(struct engine *e, struct incident_case *c)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        const struct table_plan *plan = &e->rules->tables[rule->table];
        struct buf text = { 0 };

        buf_printf(&text, "%s|%s|%.*s|%lld", rule->name, plan->type, (int)c->subject_len,
                   c->subject, (long long)c->start_ns);
        report_id(e->options.id_key, c->raised_ns, buf_slice(&text), c->id);
        memcpy(c->group, c->id, sizeof(c->group));
        buf_free(&text);
}

/* One part of a key: sessions, accounts and addresses only as pseudonyms. */
static void print_part(const struct engine *e, const struct operand *operand,
                       const struct value *value, struct buf *out)
{
        unsigned kind = operand->field ? operand->field->kind : FIELD_PLAIN;
        char text[256];

        if (value->type == VALUE_STRING &&
            (kind == FIELD_SESSION || kind == FIELD_SESSION_WAS))
                buf_put(
                    out, text,
                    actors_pseudonym(&e->actors, PARTICIPANT_SESSION, value->text, text));
        else if (value->type == VALUE_STRING && kind == FIELD_ACCOUNT)
                buf_put(
                    out, text,
                    actors_pseudonym(&e->actors, PARTICIPANT_ACCOUNT, value->text, text));
        else if (value->type == VALUE_STRING && kind == FIELD_EMAIL &&
                 e->options.pseudonym)
                buf_put(out, text,
                        e->options.pseudonym(e->options.pseudonym_context, "email",
                                             value->text, text));
        else
                value_print(value, operand->field ? operand->field->names : NULL, out);
}

void report_subject(struct engine *e, const struct rule *rule, struct incident_case *c)
{
        const struct table_plan *plan = &e->rules->tables[rule->table];
        struct buf text = { 0 };

        for (unsigned i = 0; i < plan->parts; i++) {
                const struct operand *operand = &e->rules->operands[plan->key[i]];
                if (i)
                        buf_put_byte(&text, '|');
                print_part(e, operand, &facts_operand(&e->facts, plan->key[i])->value,
                           &text);
        }
        if (plan->parts == 0)
                buf_put_str(&text, "all");
        c->subject_len =
            (uint16_t)(text.len < CASE_SUBJECT_MAX ? text.len : CASE_SUBJECT_MAX);
        memcpy(c->subject, text.data, c->subject_len);
        buf_free(&text);
}

/* The last message has the busiest of all; those before name who was not named. */
static unsigned name_involved(struct engine *e, struct involved *list,
                              const struct involved_query *query,
                              enum incident_action action,
                              const struct actor *actors[INCIDENT_INVOLVED],
                              uint64_t *total)
{
        if (action == INCIDENT_ENDED)
                return involved_values(&e->involved, list, query, actors,
                                       INCIDENT_INVOLVED, total);
        return involved_name(&e->involved, list, query, action == INCIDENT_RAISED, actors,
                             INCIDENT_INVOLVED, total);
}

static void gather_involved(struct engine *e, const struct incident_case *c,
                            const struct rule *rule, enum incident_action action)
{
        const struct table *table = &e->tables[rule->table];
        struct entry *entry = table_at(table, c->entry);
        struct event_memory *event = e->event;
        int64_t begin_ns = c->raised_ns - rule->longest_ns;
        struct involved_query query = {
                .condition = table_where_bit(table, rule->where),
                .since = begin_ns > 0 ? seconds_of(begin_ns) : 0,
        };

        buf_clear(&event->texts);
        for (unsigned kind = 0; kind < PARTICIPANT_KINDS; kind++) {
                struct incident_involved *involved = &event->involved[kind];
                const struct actor *actors[INCIDENT_INVOLVED];
                query.kind = kind;
                involved->count = name_involved(e, &entry->involved, &query, action,
                                                actors, &involved->total);
                involved->at_least = entry->involved.overflow;
                for (unsigned i = 0; i < involved->count; i++) {
                        char *at = (char *)event->texts.data + event->texts.len;
                        size_t len = actors_publish(&e->actors, kind, actors[i], at);
                        event->texts.len += len;
                        involved->values[i] = slice_of(at, len);
                }
        }
}

static void gather_evidence(struct engine *e, const struct incident_case *c,
                            const struct rule *rule, struct incident *incident)
{
        unsigned count =
            rule->aggregate_count < CASE_EVIDENCE ? rule->aggregate_count : CASE_EVIDENCE;

        for (unsigned i = 0; i < count; i++)
                e->event->evidence[i] = (struct incident_evidence){
                        rule->aggregates[i].text, c->evidence[i].value,
                        c->evidence[i].missing, c->evidence[i].is_lower_bound
                };
        incident->evidence = e->event->evidence;
        incident->evidence_count = count;
}

void report_event(struct engine *e, struct incident_case *c, enum incident_action action,
                  int64_t time_ns)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        int64_t span_ns = time_ns - c->start_ns;
        struct incident incident = {
                .action = action,
                .n = c->n++,
                .time_ns = time_ns,
                .start_ns = c->start_ns,
                .last_ns = c->last_ns,
                .rule = rule->name,
                .description = rule->description,
                .references = rule->references,
                .severity = rule->severity,
                .dry_run = rule->mode == MODE_DRY_RUN,
                .subject_type = e->rules->tables[rule->table].type,
                .subject = slice_of(c->subject, c->subject_len),
                .served_targets = (uint64_t)(distinct_value(&e->sets, &distinct_flat,
                                                            &c->served, 0, 0) +
                                             0.5),
                .served_bytes = c->served_bytes,
                .involved = e->event->involved,
                .sample_count = c->sample_count,
                .missed =
                    missed_mean(&e->missed, time_ns,
                                span_ns > rule->longest_ns ? span_ns : rule->longest_ns),
                .block_count = e->event->block_count,
                .blocks_are_new = e->event->blocks_are_new,
                .blocks = e->event->blocks,
        };

        watching_tell(e, c, &incident.enforcement);
        memcpy(incident.id, c->id, sizeof(incident.id));
        memcpy(incident.group, c->group, sizeof(incident.group));
        for (unsigned i = 0; i < c->sample_count; i++)
                incident.samples[i] = slice_of(c->samples[i], c->sample_len[i]);
        gather_evidence(e, c, rule, &incident);
        gather_involved(e, c, rule, action);
        if (e->options.incident)
                e->options.incident(e->options.incident_context, &incident);
        e->event->block_count = 0;
        e->event->blocks_are_new = false;
}
