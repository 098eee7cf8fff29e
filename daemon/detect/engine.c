/* SPDX-License-Identifier: MIT */
#include "detect/engine_priv.h"

#include "base/check.h"

#define EVICT_AT_A_TIME 2
#define EVICT_IN_NEED   16
#define EVICT_TRIES     8

uint64_t engine_matched(const struct engine *e, unsigned number)
{
        const struct rule *rule = &e->rules->rules[number];
        const struct table *t = &e->tables[rule->table];
        uint64_t bit = table_where_bit(t, rule->where);

        return e->rule_counts[number].matched_before + t->met[__builtin_ctzll(bit)];
}

/* ---- time and the end of incidents ---- */

static int64_t deadline_of(const struct engine *e, const struct incident_case *c)
{
        return c->held_ns + e->rules->rules[c->rule].longest_ns;
}

static void unlink_case(struct engine *e, const struct incident_case *c, uint32_t number)
{
        struct entry *entry =
            table_at(&e->tables[e->rules->rules[c->rule].table], c->entry);
        uint32_t first = entry->incidents, *link = &first;

        while (*link != number) {
                CHECK(*link != 0);
                link = &cases_at(&e->cases, *link)->next;
        }
        *link = c->next;
        entry->incidents = first & ENTRY_INCIDENTS;
}

/* Forgets the case that is first in the heap. */
static void close_case(struct engine *e, uint32_t number)
{
        struct incident_case *c = cases_at(&e->cases, number);

        distinct_clear(&e->sets, &distinct_flat, &c->served);
        unlink_case(e, c, number);
        cases_close(&e->cases);
}

/* Ends the case that is first in the heap. */
static void end_case(struct engine *e, uint32_t number, int64_t time_ns)
{
        struct incident_case *c = cases_at(&e->cases, number);

        blocking_running(e, c, time_ns);
        report_event(e, c, INCIDENT_ENDED, time_ns);
        close_case(e, number);
}

void engine_catch_up(struct engine *e, struct told *told)
{
        unsigned over = 0;

        /* One that is hurried goes to the front, past those that were looked at. */
        for (unsigned i = 0; i < e->cases.count; i++) {
                uint32_t number = e->cases.heap[i].number;
                struct incident_case *c = cases_at(&e->cases, number);
                struct told_event *last = told_find(told, c->id);
                if (!last)
                        continue;
                last->is_known = true;
                if (last->n >= c->n)
                        c->n = last->n + 1;
                if (last->has_ended) {
                        cases_hurry(&e->cases, number);
                        over++;
                }
        }
        for (; over; over--)
                close_case(e, e->cases.heap[0].number);
        orphans_catch_up(&e->orphans, told);
        own_catch_up(&e->own, told);
}

static void end_due(struct engine *e, int64_t now_ns)
{
        uint32_t number;

        while ((number = cases_due(&e->cases, now_ns))) {
                int64_t deadline_ns = deadline_of(e, cases_at(&e->cases, number));
                if (deadline_ns > now_ns)
                        cases_postpone(&e->cases, deadline_ns);
                else
                        end_case(e, number, deadline_ns);
        }
}

void engine_end_case(struct engine *e, uint32_t number)
{
        cases_hurry(&e->cases, number);
        end_case(e, number, e->now_ns);
}

void engine_advance(struct engine *e, int64_t now_ns)
{
        if (now_ns <= e->now_ns || now_ns > RECORD_TIME_MAX)
                return;
        e->now_ns = now_ns;
        forms_begin(&e->forms, now_ns);
        missed_begin(&e->missed, now_ns);
        end_due(e, now_ns);
        adopt_advance(e, now_ns);
        own_advance(&e->own, now_ns);
        blocking_advance(e, now_ns);
}

int64_t engine_now(const struct engine *e)
{
        return e->now_ns;
}

void engine_finish(struct engine *e)
{
        uint32_t number;

        while ((number = cases_due(&e->cases, INT64_MAX)))
                end_case(e, number, e->now_ns);
        adopt_finish(e, e->now_ns);
        own_finish(&e->own, e->now_ns);
}

void engine_missed(struct engine *e, int64_t now_ns, double share)
{
        if (now_ns < 0 || now_ns > RECORD_TIME_MAX)
                return;
        forms_begin(&e->forms, now_ns);
        missed_begin(&e->missed, now_ns);
        missed_add(&e->missed, now_ns, share);
}

void engine_sampled(struct engine *e, int64_t now_ns)
{
        if (now_ns > e->sampled_ns && now_ns <= RECORD_TIME_MAX)
                e->sampled_ns = now_ns;
}

/* ---- memory ---- */

static struct table *largest_table(struct engine *e)
{
        struct table *largest = &e->tables[0];

        for (unsigned i = 1; i < e->rules->table_count; i++) {
                struct table *t = &e->tables[i];
                if ((uint64_t)t->index.count * t->plan->entry_size >
                    (uint64_t)largest->index.count * largest->plan->entry_size)
                        largest = t;
        }
        return largest;
}

static bool is_crowded(const struct engine *e)
{
        return e->budget.pages.used >= e->budget.newcomer_pages;
}

/* The reserve is used up as well: what is followed already cannot grow. */
static bool is_full(const struct engine *e)
{
        return e->budget.pages.used == e->budget.pages.capacity;
}

/* Room is made before it is needed: what hangs on entries must find some too. */
static uint32_t new_entry(struct engine *e, struct table *t, uint64_t hash,
                          uint64_t groups)
{
        uint32_t handle;

        if (is_crowded(e))
                table_evict(largest_table(e), EVICT_AT_A_TIME);
        handle = table_new(t, hash, groups);
        for (unsigned i = 0; handle == 0 && i < EVICT_TRIES; i++) {
                table_evict(i % 2 ? t : largest_table(e), EVICT_IN_NEED);
                handle = table_new(t, hash, groups);
        }
        return handle;
}

/* With room for what the transaction counts. */
static uint32_t find_entry(struct engine *e, const struct visit *visit, uint64_t groups)
{
        struct table *t = visit->table;
        uint32_t handle = table_find(t, visit->hash);

        if (handle == 0)
                return new_entry(e, t, visit->hash, groups);
        uint32_t wider = table_widen(t, handle, groups);
        if (wider == handle)
                return handle;
        for (uint32_t number = table_at(t, wider)->incidents; number;
             number = cases_at(&e->cases, number)->next)
                cases_at(&e->cases, number)->entry = wider;
        return wider;
}

/* ---- incidents ---- */

struct look {
        struct engine *engine;
        struct table *table;
        struct entry *entry;
        uint32_t handle;
        uint32_t actor; /* who made the transaction; 0: there was no room */
        const struct rule *rule;
        unsigned number; /* of the rule, in the table's list */
        struct rule_counts *counts;
};

static struct value read_aggregate(void *context, const struct aggregate *a)
{
        const struct look *look = context;
        const struct expr_subject *reading = &look->engine->facts.reading;

        if (a->function->of_transaction)
                return reading->aggregate(reading->context, a);
        return table_value_here(look->table, look->entry,
                                &look->rule->aggregates[a->slot]);
}

/* Values that only others showed are not counted, and cannot be guessed. */
static bool is_lower_bound(const struct look *look, const struct rule_aggregate *a)
{
        const struct table_plan *plan = look->table->plan;
        const struct engine *e = look->engine;

        if (plan->is_of_one || e->sampled_ns < 0 ||
            (a->function != FUNCTION_DISTINCT && a->function != FUNCTION_MAX))
                return false;
        return e->now_ns - e->sampled_ns < plan->window_ns[plan->slots[a->a].window];
}

static void note_evidence(const struct look *look, struct incident_case *c)
{
        for (unsigned i = 0; i < look->rule->aggregate_count && i < CASE_EVIDENCE; i++) {
                struct value v =
                    table_value(look->table, look->entry, &look->rule->aggregates[i]);
                c->evidence[i].missing = v.type == VALUE_MISSING;
                c->evidence[i].value = v.type == VALUE_MISSING ? 0 : v.number;
                c->evidence[i].is_lower_bound =
                    is_lower_bound(look, &look->rule->aggregates[i]);
        }
}

static void add_sample(struct incident_case *c, struct slice text)
{
        if (c->sample_count == INCIDENT_SAMPLES)
                return;
        memcpy(c->samples[c->sample_count], text.data, text.len);
        c->sample_len[c->sample_count++] = (uint8_t)text.len;
}

static void add_record_sample(struct engine *e, struct incident_case *c)
{
        char text[SAMPLE_TEXT_MAX];

        if (c->sample_count < INCIDENT_SAMPLES)
                add_sample(c,
                           slice_of(text, sample_print(e->facts.subject.record, text)));
}

static void add_early_samples(const struct look *look, struct incident_case *c)
{
        struct slice texts[SAMPLES_KEPT];
        int64_t begin_ns = c->raised_ns - look->rule->longest_ns;
        unsigned count = samples_get(&look->engine->samples, &look->entry->samples,
                                     table_where_bit(look->table, look->rule->where),
                                     begin_ns > 0 ? seconds_of(begin_ns) : 0, texts);

        for (unsigned i = 0; i < count; i++)
                add_sample(c, texts[i]);
}

/* What was told before the crash stays true. */
static void go_on_from(struct incident_case *c, const struct orphan *orphan)
{
        c->n = orphan->n + 1;
        c->start_ns = orphan->start_ns < c->start_ns ? orphan->start_ns : c->start_ns;
        c->raised_ns =
            orphan->raised_ns < c->raised_ns ? orphan->raised_ns : c->raised_ns;
}

static void raise(const struct look *look)
{
        struct orphan orphan;
        struct engine *e = look->engine;
        const struct rule *rule = look->rule;
        int64_t time_ns = e->facts.subject.record->end_ns;
        int64_t window_begin_ns = time_ns - rule->longest_ns;
        uint32_t number = cases_open(&e->cases, time_ns + rule->longest_ns);

        if (number == 0) {
                e->options.counters->incidents_dropped++;
                return;
        }
        struct incident_case *c = cases_at(&e->cases, number);
        c->rule = (uint32_t)(rule - e->rules->rules);
        c->entry = look->handle;
        c->next = look->entry->incidents;
        look->entry->incidents = number & ENTRY_INCIDENTS;
        c->raised_ns = c->held_ns = c->last_ns = time_ns;
        c->start_ns = look->entry->since_ns > window_begin_ns ? look->entry->since_ns
                                                              : window_begin_ns;
        c->update_ns = time_ns + rule->again_ns;
        c->served_bytes = table_bytes(look->table, look->entry, rule->served_bytes);
        table_copy_set(look->table, look->entry, rule->served_targets, &c->served);
        report_subject(e, rule, c);
        bool is_adopted = adopt_take(e, c, &orphan);
        if (!is_adopted)
                report_name(e, c);
        note_evidence(look, c);
        add_early_samples(look, c);
        add_record_sample(e, c);
        tagging_raised(e, c);
        blocking_due(e, c, time_ns);
        if (is_adopted) {
                go_on_from(c, &orphan);
                e->options.counters->incidents_adopted++;
        } else {
                e->options.counters->incidents_raised++;
                *(rule->mode == MODE_DRY_RUN ? &look->counts->dry_run
                                             : &look->counts->raised) += 1;
        }
        report_event(e, c, is_adopted ? INCIDENT_UPDATED : INCIDENT_RAISED, time_ns);
}

/* What was served since the incident was raised: without a window. */
static void add_served(const struct look *look, struct incident_case *c)
{
        struct engine *e = look->engine;
        const struct slot *targets =
            &look->table->plan->slots[look->rule->served_targets];
        const struct fact_operand *target;

        if (!facts_condition(&e->facts, targets->condition))
                return;
        c->served_bytes += e->facts.subject.record->response_bytes;
        target = facts_operand(&e->facts, targets->operand);
        if (target->value.type != VALUE_MISSING)
                distinct_add(&e->sets, &distinct_flat, &c->served,
                             facts_hash(&e->facts, targets->operand), 0, 0);
}

static bool block_is_due(const struct rule *rule, const struct incident_case *c,
                         int64_t time_ns)
{
        return rule_blocks(rule) &&
               (rule->block_what ||
                (!c->key_is_private && time_ns >= c->blocked_until_ns));
}

static void go_on(const struct look *look, struct incident_case *c, bool holds)
{
        struct engine *e = look->engine;
        const struct rule *rule = look->rule;
        int64_t time_ns = e->facts.subject.record->end_ns;

        add_served(look, c);
        add_record_sample(e, c);
        c->last_ns = time_ns > c->last_ns ? time_ns : c->last_ns;
        if (holds) {
                c->held_ns = time_ns > c->held_ns ? time_ns : c->held_ns;
                note_evidence(look, c);
                tagging_joined(e, c, look->actor, time_ns);
        } else {
                tagging_apart(c, time_ns);
        }
        bool blocked = block_is_due(rule, c, time_ns) && blocking_due(e, c, time_ns);
        if (!blocked && !(holds && time_ns >= c->update_ns))
                return;
        if (!blocked)
                blocking_running(e, c, time_ns);
        c->update_ns = time_ns + rule->again_ns;
        report_event(e, c, INCIDENT_UPDATED, time_ns);
}

static struct incident_case *open_case(const struct look *look)
{
        uint32_t rule = (uint32_t)(look->rule - look->engine->rules->rules);

        for (uint32_t number = look->entry->incidents; number;) {
                struct incident_case *c = cases_at(&look->engine->cases, number);
                if (c->rule == rule)
                        return c;
                number = c->next;
        }
        return NULL;
}

static void note_signal(const struct look *look)
{
        struct engine *e = look->engine;

        if (rule_has_weight(look->rule) &&
            !table_signal(look->table, look->entry, look->rule->signal,
                          e->facts.subject.record->end_ns))
                e->options.counters->signals_dropped++;
        tagging_signal(e, look->rule, look->actor, e->facts.subject.record->end_ns);
}

static bool rule_holds(struct look *look)
{
        struct expr_subject reading;
        bool holds;

        if (!table_may_hold(look->table, look->entry, look->number, &holds) || holds)
                return holds;
        reading = look->engine->facts.reading;
        reading.aggregate = read_aggregate;
        reading.context = look;
        return expr_true(look->rule->when, &reading);
}

/* A rule that may hold, or has an open case. */
static void look_at_rule(struct look *look)
{
        struct incident_case *c = look->entry->incidents ? open_case(look) : NULL;
        bool holds = rule_holds(look);

        look->counts->held += holds;
        if (look->rule->is_signal) {
                if (holds && look->rule->mode == MODE_ALERT)
                        note_signal(look);
                return;
        }
        if (c)
                go_on(look, c, holds);
        else if (holds)
                raise(look);
}

static bool has_open_case(struct look *look, unsigned rule)
{
        look->rule = &look->engine->rules->rules[rule];
        return open_case(look) != NULL;
}

/* The first at or after `from` that may hold, or of which there is an open case. */
static unsigned next_rule(struct look *look, unsigned from, uint64_t met)
{
        const struct table *t = look->table;
        unsigned next = gates_next(&t->gates, from, met, look->entry->transactions);

        for (unsigned i = from; look->entry->incidents && i < next; i++)
                if (t->gates.rules[i].met & met && has_open_case(look, t->plan->rules[i]))
                        return i;
        return next;
}

static void look_at_rules(struct look *look, uint64_t met)
{
        struct table *t = look->table;

        table_visit(t);
        for (uint64_t left = met; left; left &= left - 1)
                t->met[__builtin_ctzll(left)]++;
        for (unsigned i = next_rule(look, 0, met); i < t->gates.count;
             i = next_rule(look, i + 1, met)) {
                unsigned number = t->plan->rules[i];
                look->rule = &look->engine->rules->rules[number];
                look->number = i;
                look->counts = &look->engine->rule_counts[number];
                look_at_rule(look);
        }
}

/* ---- one record ---- */

/* Of the conditions that may hold on the page, those that do. */
static uint64_t conditions_met(struct engine *e, const struct table *t, uint64_t may)
{
        uint64_t met = 0;

        for (; may; may &= may - 1) {
                unsigned i = (unsigned)__builtin_ctzll(may);
                if (facts_condition(&e->facts, t->plan->wheres[i]))
                        met |= UINT64_C(1) << i;
        }
        return met;
}

static bool is_exempt(struct engine *e)
{
        int64_t now_ns = e->facts.subject.record->end_ns;

        for (unsigned i = 0; i < e->rules->exemption_count; i++) {
                const struct exemption *x = &e->rules->exemptions[i];
                if (now_ns < x->until_ns && expr_true(x->when, &e->facts.reading))
                        return true;
        }
        return false;
}

static void note_transaction(struct engine *e, const struct table *t, struct entry *entry,
                             uint32_t actor, uint64_t met)
{
        const struct record *r = e->facts.subject.record;
        uint32_t now = seconds_of(r->end_ns);
        uint32_t keep = (uint32_t)(t->plan->longest_ns / NS_PER_SEC) + 1;

        if (entry->transactions == 0 || now > entry->seen + keep) {
                entry->since_ns = r->end_ns;
                entry->recent = 0;
                samples_clear(&e->samples, &entry->samples);
        }
        entry->recent += entry->recent < RECENT_MAX;
        entry->seen = now > entry->seen ? now : entry->seen;
        involved_add(&e->involved, &entry->involved,
                     &(struct involvement){ .actor = actor,
                                            .met = met & t->plan->alerting,
                                            .few = t->plan->few,
                                            .now = entry->seen,
                                            .keep = keep,
                                            .keep_all = entry->incidents != 0 });
        samples_add(&e->samples, &entry->samples,
                    &(struct sample_source){ r, met, (met & t->plan->few) != 0,
                                             entry->recent, now });
}

static void count_in_table(struct engine *e, const struct visit *visit, uint32_t actor)
{
        struct table *t = visit->table;

        table_set_time(t, e->now_ns);
        uint64_t groups = layouts_met(&t->layouts, &e->facts, visit->met);
        uint32_t handle = find_entry(e, visit, groups);
        if (handle == 0)
                return;
        struct entry *entry = table_at(t, handle);
        note_transaction(e, t, entry, actor, visit->met);
        table_count(t, entry, &e->facts, visit->met, groups);
        if (e->reads_block_state)
                e->facts.subject.watched = watching_key(e, t);
        look_at_rules(&(struct look){ .engine = e,
                                      .table = t,
                                      .entry = entry,
                                      .handle = handle,
                                      .actor = actor },
                      visit->met);
}

/* The tables whose rules look at this transaction and whose key it has. */
static unsigned find_visits(struct engine *e, const struct ahead_record *ahead)
{
        const struct page_kind *page = e->facts.page;
        unsigned count = 0;

        for (unsigned i = 0; i < page->table_count; i++) {
                const struct page_table *t = &page->tables[i];
                struct visit *visit = &e->visits[count];
                visit->table = &e->tables[t->table];
                visit->met = conditions_met(e, visit->table, t->may);
                if (!visit->met)
                        continue;
                visit->hash = ahead->keys[i].hash;
                count += t->is_early ? visit->hash != 0
                                     : table_key(visit->table, &e->facts, &visit->hash);
        }
        return count;
}

static void join(struct engine *e, const struct record *record)
{
        struct subject *subject = &e->facts.subject;

        subject->fingerprint =
            join_find(&e->join, record, &subject->fingerprint_is_uncertain);
        e->options.counters->hellos_joined += subject->fingerprint != NULL;
        e->options.counters->hellos_uncertain +=
            subject->fingerprint && subject->fingerprint_is_uncertain;
}

void engine_hello(struct engine *e, const struct hello *hello,
                  const struct tcp_shape *syn)
{
        join_hello(&e->join, hello, syn);
}

struct slice engine_ja4(const struct engine *e, const struct record *record)
{
        bool uncertain;
        const struct fingerprint *f = join_find(&e->join, record, &uncertain);

        return f ? slice_str(f->ja4) : slice_none();
}

static void look_at_record(struct engine *e, const struct ahead_record *ahead)
{
        const struct record *record = ahead->record;
        unsigned count = find_visits(e, ahead);
        if (count == 0 && !usual_wants(&e->usual, &e->facts))
                return;
        if (is_exempt(e)) {
                e->options.counters->exempted++;
                return;
        }
        usual_learn(&e->usual, &e->facts);
        if (count == 0)
                return;
        uint32_t actor = actors_take_known(&e->actors, record,
                                           subject_ja4(&e->facts.subject), &ahead->actor);
        for (unsigned i = 0; i < count; i++)
                count_in_table(e, &e->visits[i], actor);
        tagging_done(e);
        actors_drop(&e->actors, actor);
}

static void count_visitor(struct engine *e, const struct ahead_record *ahead)
{
        const struct network *host = &ahead->record->client_host;
        uint64_t hash = ahead_hash(ahead, ahead->page->early_host);

        if (hash == 0) /* no rule has it as a key: it is the same */
                hash = hash_bytes(&e->options.hash_key, host, sizeof(*host));
        block_limit_visitor(&e->block_limit, hash, e->now_ns);
}

static void count_record(struct engine *e, const struct ahead_record *ahead)
{
        const struct record *record = ahead->record;

        facts_begin(&e->facts, record);
        for (unsigned i = 0; i < ahead->page->early_count; i++)
                facts_know(&e->facts, ahead->page->early[i], &ahead->operands[i]);
        join(e, record);
        watching_record(e, record);
        if (e->counts_visitors)
                count_visitor(e, ahead);
        tagging_follow(e, record);
        if (e->remembers_births)
                births_note(&e->births, record, e->remembers_births);
        statistics_begin(&e->statistics, record, &ahead->seen,
                         subject_ja4(&e->facts.subject));
        look_at_record(e, ahead);
        statistics_end(&e->statistics);
}

static void take_record(struct engine *e, const struct ahead_record *ahead)
{
        const struct record *record = ahead->record;

        if (record->end_ns < 0 || record->end_ns > RECORD_TIME_MAX)
                return;
        e->options.counters->transactions++;
        engine_advance(e, record->end_ns);
        if (record->sample_shift)
                engine_sampled(e, record->end_ns);
        if (is_full(e))
                table_evict(largest_table(e), EVICT_IN_NEED);
        count_record(e, ahead);
        if (e->remembers_forms)
                forms_note(&e->forms, record);
}

static void look_ahead(struct engine *e, const struct record *const records[],
                       unsigned count)
{
        struct ahead_record *ahead = e->ahead.records;

        for (unsigned i = 0; i < count; i++)
                ahead_keys(&ahead[i], &e->facts, e->tables, &e->actors, &e->statistics,
                           records[i], engine_ja4(e, records[i]));
        for (unsigned i = 0; i < count; i++)
                ahead_entries(&ahead[i], e->tables, &e->actors);
        for (unsigned i = 0; i < count; i++)
                ahead_sets(&ahead[i], e->tables);
}

void engine_records(struct engine *e, const struct record *const records[],
                    unsigned count)
{
        while (count) {
                unsigned some = count < AHEAD_RECORDS ? count : AHEAD_RECORDS;
                look_ahead(e, records, some);
                for (unsigned i = 0; i < some; i++)
                        take_record(e, &e->ahead.records[i]);
                records += some;
                count -= some;
        }
}

void engine_record(struct engine *e, const struct record *record)
{
        engine_records(e, &record, 1);
}
