/* SPDX-License-Identifier: MIT */
/* Incidents that were open when the daemon died: who goes on with them, or their end. */
#include "base/json.h"
#include "detect/engine_priv.h"

static const struct rule *rule_of(const struct engine *e, struct slice name,
                                  struct slice type)
{
        for (unsigned i = 0; i < e->rules->rule_count; i++) {
                const struct rule *rule = &e->rules->rules[i];
                if (!rule->is_signal && slice_is(name, rule->name) &&
                    slice_is(type, e->rules->tables[rule->table].type))
                        return rule;
        }
        return NULL;
}

/*
 * An ordinary one ends when it has not held for its longest window. How long it held
 * after its last event is not known: at most `again`. If it could be over at the start it
 * is; else its window begins there, as that of the rule does. Without a rule it is over.
 */
static int64_t end_of(const struct rule *rule, const struct told_incident *told,
                      int64_t now_ns)
{
        if (!rule)
                return told->time_ns;
        int64_t end_ns = told->time_ns + rule->again_ns + rule->longest_ns;
        return end_ns <= now_ns ? end_ns : now_ns + rule->longest_ns;
}

void engine_adopt(struct engine *e, const struct told_incident *told, int64_t now_ns)
{
        if (own_is_name(told->rule)) {
                own_adopt(&e->own, told, now_ns);
                return;
        }
        const struct rule *rule = rule_of(e, told->rule, told->subject_type);
        if (!orphans_add(&e->orphans, told, end_of(rule, told, now_ns)))
                e->options.counters->incidents_dropped++;
}

void engine_recall_block(struct engine *e, const struct told_block *told)
{
        struct ladder_block block = { .since_ns = told->since_ns,
                                      .until_ns = told->until_ns,
                                      .level = told->level };

        if (ladder_recall(&e->ladder,
                          blocking_subject(e, told->rule, told->type, told->value),
                          &block))
                block_limit_put(&e->block_limit, told->since_ns, told->until_ns);
}

bool adopt_take(struct engine *e, struct incident_case *c, struct orphan *orphan)
{
        const struct rule *rule = &e->rules->rules[c->rule];
        struct buf subject = { 0 };

        if (e->orphans.count == 0)
                return false;
        json_put_utf8(&subject, slice_of(c->subject, c->subject_len));
        bool found =
            orphans_take(&e->orphans, rule->name, e->rules->tables[rule->table].type,
                         buf_slice(&subject), orphan);
        buf_free(&subject);
        if (!found)
                return false;
        memcpy(c->id, orphan->id, sizeof(c->id));
        memcpy(c->group, orphan->group, sizeof(c->group));
        return true;
}

static void tell_end(struct engine *e, const struct orphan *orphan, int64_t time_ns)
{
        static const struct incident_involved nobody[PARTICIPANT_KINDS];
        const struct rule *rule =
            rule_of(e, slice_str(orphan->rule), slice_str(orphan->type));
        struct incident incident = {
                .action = INCIDENT_ENDED,
                .n = orphan->n + 1,
                .time_ns = time_ns,
                .start_ns = orphan->start_ns,
                .last_ns = orphan->last_ns,
                .rule = orphan->rule,
                .description = rule ? rule->description : "",
                .references = rule ? rule->references : NULL,
                .severity = orphan->severity,
                .dry_run = orphan->dry_run,
                .subject_type = orphan->type,
                .subject = slice_of(orphan->subject, orphan->subject_len),
                .served_targets = orphan->served_targets,
                .served_bytes = orphan->served_bytes,
                .involved = nobody,
                .missed = missed_mean(&e->missed, time_ns, time_ns - orphan->start_ns),
        };

        memcpy(incident.id, orphan->id, sizeof(incident.id));
        memcpy(incident.group, orphan->group, sizeof(incident.group));
        if (e->options.incident)
                e->options.incident(e->options.incident_context, &incident);
}

void adopt_advance(struct engine *e, int64_t now_ns)
{
        struct orphan orphan;

        while (orphans_due(&e->orphans, now_ns, &orphan))
                tell_end(e, &orphan, orphan.until_ns);
}

void adopt_finish(struct engine *e, int64_t now_ns)
{
        struct orphan orphan;

        e->orphans.due_ns = INT64_MIN;
        while (orphans_due(&e->orphans, INT64_MAX, &orphan))
                tell_end(e, &orphan, now_ns > orphan.told_ns ? now_ns : orphan.told_ns);
}
