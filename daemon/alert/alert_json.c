/* SPDX-License-Identifier: MIT */
#include "alert/alert_json.h"

#include "alert/alert.h"
#include "base/json.h"

static struct slice capped(struct slice s)
{
        return slice_first(s, ALERT_TEXT_CAP);
}

static bool is_given(const char *text)
{
        return text && *text;
}

static void put_event(struct json *j, const struct incident *in)
{
        json_open(j, "event");
        json_text(j, "kind", "alert");
        json_text(j, "id", in->id);
        json_text(j, "action", incident_action_name(in->action));
        json_u64(j, "severity", severity_number(in->severity));
        json_time(j, "start", in->start_ns);
        json_close(j);
}

static void put_rule(struct json *j, const struct incident *in)
{
        json_open(j, "rule");
        json_text(j, "name", in->rule);
        if (is_given(in->description))
                json_text(j, "description", in->description);
        if (in->references && in->references[0]) {
                json_array(j, "reference");
                for (const char *const *at = in->references; *at; at++)
                        json_text(j, NULL, *at);
                json_array_close(j);
        }
        json_close(j);
}

/* Only when there is no doubt which address it was. */
static void put_source(struct json *j, const struct incident *in)
{
        const struct incident_involved *ips = &in->involved[PARTICIPANT_CLIENT_IP];

        if (ips->total != 1 || ips->at_least || ips->count != 1)
                return;
        json_open(j, "source");
        json_string(j, "ip", capped(ips->values[0]));
        json_close(j);
}

static void put_subject(struct json *j, const struct incident *in)
{
        json_open(j, "subject");
        json_text(j, "type", in->subject_type);
        json_string(j, "value", capped(in->subject));
        json_close(j);
}

static void put_evidence(struct json *j, const struct incident *in)
{
        json_array(j, "evidence");
        for (unsigned i = 0; i < in->evidence_count; i++) {
                json_open(j, NULL);
                json_text(j, "expression", in->evidence[i].expression);
                if (!in->evidence[i].missing)
                        json_number(j, "value", in->evidence[i].value);
                if (in->evidence[i].is_lower_bound)
                        json_bool(j, "lower_bound", true);
                json_close(j);
        }
        json_array_close(j);
}

static void put_served(struct json *j, const struct incident *in)
{
        json_open(j, "served");
        json_u64(j, "targets", in->served_targets);
        json_u64(j, "bytes", in->served_bytes);
        json_close(j);
}

static void put_participants(struct json *j, const char *name,
                             const struct incident_involved *all)
{
        json_open(j, name);
        json_u64(j, "total", all->total);
        json_array(j, "values");
        for (unsigned i = 0; i < all->count; i++)
                json_string(j, NULL, capped(all->values[i]));
        json_array_close(j);
        json_close(j);
}

static void put_involved(struct json *j, const struct incident *in)
{
        json_open(j, "involved");
        for (int kind = 0; kind < PARTICIPANT_KINDS; kind++)
                if (in->involved[kind].total)
                        put_participants(j, participant_name(kind), &in->involved[kind]);
        json_close(j);
}

static void put_samples(struct json *j, const struct incident *in)
{
        json_array(j, "samples");
        for (unsigned i = 0; i < in->sample_count; i++)
                json_string(j, NULL, capped(in->samples[i]));
        json_array_close(j);
}

static void put_block(struct json *j, const char *name,
                      const struct incident_block *block)
{
        json_open(j, name);
        json_text(j, "type", block->type);
        json_string(j, "value", capped(block->value));
        json_time(j, "until", block->until_ns);
        json_u64(j, "level", block->level);
        json_close(j);
}

/* As many as alert_encode has, which are put in Redis. */
static void put_blocks(struct json *j, const struct incident *in)
{
        unsigned count =
            in->block_count < ALERT_BLOCKS_MAX ? in->block_count : ALERT_BLOCKS_MAX;

        if (count)
                put_block(j, "block", &in->blocks[0]);
        if (count < 2 || !in->blocks_are_new || in->dry_run)
                return;
        json_array(j, "blocks");
        for (unsigned i = 0; i < count; i++)
                put_block(j, NULL, &in->blocks[i]);
        json_array_close(j);
}

static void put_enforcement(struct json *j, const struct enforcement *e)
{
        json_open(j, "enforcement");
        json_text(j, "state", block_state_name(e->state));
        json_u64(j, "requests", e->requests);
        json_u64(j, "refused", e->refused);
        if (e->first_refusal_ms >= 0)
                json_u64(j, "first_refusal_ms", (uint64_t)e->first_refusal_ms);
        json_close(j);
}

void alert_json(const struct incident *in, struct buf *out)
{
        struct json json = json_into(out), *j = &json;

        json_open(j, NULL);
        json_time(j, "@timestamp", in->time_ns);
        put_event(j, in);
        put_rule(j, in);
        put_source(j, in);
        json_open(j, "trawlwatch");
        put_subject(j, in);
        if (is_given(in->group))
                json_text(j, "group", in->group);
        json_text(j, "severity", severity_name(in->severity));
        json_bool(j, "dry_run", in->dry_run);
        put_evidence(j, in);
        put_served(j, in);
        put_involved(j, in);
        put_samples(j, in);
        json_number(j, "missed", in->missed);
        put_blocks(j, in);
        if (in->enforcement.is_known)
                put_enforcement(j, &in->enforcement);
        json_close(j);
        json_close(j);
}
