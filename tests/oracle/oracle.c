/* SPDX-License-Identifier: MIT */
/*
 * The oracle: keeps every transaction and computes each function the slow way, as it is
 * defined. Random rule sets over random traffic: bursts, silences, late records, clocks
 * that jump, times at the edges of panes. After every transaction that a rule looks at,
 * what the engine says of each of its functions must be what the definition says, and
 * incidents must be raised, updated and ended when the rule's `when` says so. In half of
 * the runs the rules are swapped for more and fewer, or the engine is saved and restored,
 * which must change nothing; in some a rule comes late, and knows what passed since.
 *
 *      unit-oracle [SETS [FIRST]]      SETS rule sets, from seed FIRST (1) on
 *
 * Left out are functions that learn from the site: surge, skew, cold_share, cold_surge,
 * undercollision, synchrony, unfetched, target.cold, ua.fit, session.known. Their unit tests and tests/simulate have them.
 *
 * A difference is printed with its seed: `unit-oracle 1 SEED` repeats it.
 */
#include "oracle/definition.h"
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/snapshot.h"

#include <inttypes.h>
#include <math.h>

#define DAY_NS     (INT64_C(86400) * NS_PER_SEC)
#define KEYS_MAX   256
#define EVENTS_MAX 256
#define LONG_RUN   2500
#define LONG_EVERY 20
#define EXACT      512

#ifdef __SANITIZE_ADDRESS__
#define SETS 300
#else
#define SETS 2000
#endif

/* What the engine told, or should have. */
struct event {
        enum incident_action action;
        char rule[8], subject[120];
        unsigned n;
        int64_t time_ns;
};

struct events {
        unsigned count;
        struct event at[EVENTS_MAX];
};

/* One key of one rule. */
struct kept_key {
        uint32_t key;
        bool
            beyond[QUESTIONS_DRAWN]; /* had more different values than are held exactly */
        bool is_open;
        unsigned n;
        int64_t held_ns, update_ns;
        char subject[120];
};

struct kept_keys {
        unsigned count;
        struct kept_key at[KEYS_MAX];
};

/* How the traffic of one run is. */
struct manner {
        unsigned requests, every; /* compared after so many */
        int64_t step_ns, cursor_ns, start_ns;
        unsigned clients, sessions, targets, client;
        unsigned calm;            /* edges, silences and jumps are rarer the more it is */
        unsigned swaps, restarts; /* one in so many requests; 0: none */
};

struct run {
        uint64_t seed;
        struct draw draw;
        struct ruleset set;
        bool has_late; /* behind the last of the set: a rule that is still to come */
        struct manner manner;
        struct world *world;
        struct buf text; /* of the rules at present */
        struct kept_keys keys[RULES_DRAWN];
        struct events told, expected;
        int64_t now_ns;
        struct history history;
};

static struct {
        uint64_t compared, sketched, bounded, missing, events, swaps, restarts, late;
} totals;

/* ---- a difference ---- */

static void print_run(const struct run *run)
{
        const struct request *r = &run->history.requests[run->history.count - 1];

        print_error("seed %" PRIu64 ", request %u of %u:\n", run->seed,
                    run->history.count - 1, run->manner.requests);
        print_error(
            "  end %" PRId64 " start %" PRId64 " now %" PRId64
            " client %u page %u status %u cookies %u session %u target %u%s%s"
            " number %" PRId64 " bytes %" PRIu64 " %" PRIu64 " latency %" PRId64 "\n",
            r->end_ns, r->start_ns, r->now_ns, r->client, r->page, r->status, r->cookies,
            r->session, r->target, r->uncertain ? " uncertain" : "",
            r->accepted ? " accepted" : "", r->numeric ? (int64_t)r->number : INT64_C(-1),
            r->request_bytes, r->response_bytes, r->latency_ns);
        fputs((const char *)run->text.data, stderr); /* cmocka would cut it */
}

static void print_events(const char *title, const struct events *events)
{
        print_error("%s\n", title);
        for (unsigned i = 0; i < events->count; i++) {
                const struct event *e = &events->at[i];
                print_error("  %s %s %s n=%u at %" PRId64 "\n",
                            incident_action_name(e->action), e->rule, e->subject, e->n,
                            e->time_ns);
        }
}

/* ---- the engine ---- */

static struct event *add_event(struct events *events)
{
        assert_true(events->count < EVENTS_MAX);
        return &events->at[events->count++];
}

/* Those of other rules come and go with them. */
static void on_incident(void *context, const struct incident *i)
{
        struct run *run = context;

        if (i->rule[0] != 'r')
                return;
        struct event *e = add_event(&run->told);
        *e = (struct event){ .action = i->action, .n = i->n, .time_ns = i->time_ns };
        snprintf(e->rule, sizeof(e->rule), "%.7s", i->rule);
        snprintf(e->subject, sizeof(e->subject), "%.*s", (int)i->subject.len,
                 (const char *)i->subject.data);
}

static struct rules *parse(struct run *run)
{
        struct diag *diag = diag_new();
        struct rules *rules = rules_parse("rules.yaml", slice_str((char *)run->text.data),
                                          run->world->site, diag);

        if (!rules) {
                print_error("seed %" PRIu64 "\n%s", run->seed,
                            (const char *)run->text.data);
                world_fail(diag);
        }
        diag_free(&diag);
        return rules;
}

/* The same rules in another order, with others beside them or without. */
static void write_rules(struct run *run)
{
        struct ruleset others;

        buf_clear(&run->text);
        ruleset_draw_beside(&others, &run->set, &run->draw);
        ruleset_print(&run->set, one_in(&run->draw, 3) ? NULL : &others, &run->draw,
                      &run->text);
}

/* A rule that was not there before: what it asks begins with nothing. */
static void let_late_in(struct run *run)
{
        history_begin_rule(&run->history, run->set.count++);
        run->has_late = false;
        totals.late++;
}

static void swap(struct run *run)
{
        struct world *w = run->world;

        if (run->has_late && one_in(&run->draw, 2))
                let_late_in(run);
        write_rules(run);
        struct rules *rules = parse(run);
        assert_true(engine_swap_rules(w->engine, rules, w->site));
        rules_free(&w->rules);
        w->rules = rules;
        totals.swaps++;
}

static void restart(struct run *run)
{
        struct world *w = run->world;
        struct engine_options options = w->engine->options;
        char why[SNAPSHOT_WHY];
        FILE *file = tmpfile();

        assert_non_null(file);
        assert_true(engine_save(w->engine, file));
        engine_free(&w->engine);
        rules_free(&w->rules);
        if (run->manner.swaps && one_in(&run->draw, 2))
                write_rules(run);
        options.rules = w->rules = parse(run);
        rewind(file);
        w->engine = engine_restore(&options, file, why);
        if (!w->engine)
                fail_msg("%s", why);
        fclose(file);
        totals.restarts++;
}

static void hit(struct run *run, const struct request *q)
{
        struct world_record r;
        struct buf client = { 0 };
        char target[16], session[16], path[24];

        client_print(q->client, &client);
        buf_put_byte(&client, 0);
        snprintf(target, sizeof(target), "t%u", q->target);
        snprintf(session, sizeof(session), "s%u", q->session);
        snprintf(path, sizeof(path), "/in/%s", target);
        world_make_record(&(struct hit){ .client = (const char *)client.data,
                                         .page = (uint16_t)q->page,
                                         .status = (uint16_t)q->status,
                                         .target = q->target ? target : NULL,
                                         .session = q->session ? session : NULL,
                                         .path = path },
                          &r);
        buf_free(&client);
        r.record.start_ns = q->start_ns;
        r.record.end_ns = q->end_ns;
        r.record.cookies = (uint16_t)q->cookies;
        r.record.request_bytes = q->request_bytes;
        r.record.response_bytes = q->response_bytes;
        r.record.latency_ns = q->latency_ns;
        r.record.target_number = q->number;
        r.record.flags |= (q->numeric ? RECORD_TARGET_NUMERIC : 0) |
                          (q->uncertain ? RECORD_CLIENT_UNCERTAIN : 0) |
                          (q->accepted ? RECORD_SIGNUP_ACCEPTED : 0);
        engine_record(run->world->engine, &r.record);
}

/* ---- traffic ---- */

static struct manner manner_draw(struct draw *d)
{
        static const int64_t steps_ms[] = { 1, 40, 1000, 20000, 300000 };
        static const unsigned targets[] = { 3, 12, 60, 400 };
        struct manner m = { .requests = 60 + draw(d, 340), .every = 1 };

        if (one_in(d, 50)) {
                m.requests = LONG_RUN;
                m.every = LONG_EVERY;
        }
        m.step_ns = steps_ms[draw(d, 5)] * NS_PER_MS;
        m.cursor_ns = WORLD_BEGIN + (int64_t)draw(d, 86400) * NS_PER_SEC;
        m.clients = 1 + draw(d, CLIENTS);
        m.sessions = 1 + draw(d, 6);
        m.targets = m.every > 1 ? 3000 : targets[draw(d, 4)];
        m.calm = 48;
        /* No end of targets without much silence: sets part, sketches take their place.
         */
        if (m.every == 1 && one_in(d, 8)) {
                m.requests = 450;
                m.clients = 1 + draw(d, 2);
                m.targets = 1000;
                m.step_ns = 1000 * NS_PER_MS;
                m.calm = 600;
        }
        if (one_in(d, 2)) {
                m.swaps = one_in(d, 3) ? 0 : 10 + draw(d, 60);
                m.restarts = m.swaps && one_in(d, 2) ? 0 : 60 + draw(d, 200);
        }
        /* So that what is counted for one key soon is beyond what is small. */
        if (m.every > 1) {
                m.swaps *= 8;
                m.restarts *= 8;
                m.clients = 1 + draw(d, 3);
        }
        return m;
}

static int64_t some_pane_ns(struct run *run)
{
        const struct drawn_rule *rule = &run->set.rules[draw(&run->draw, run->set.count)];

        return rule->questions[draw(&run->draw, rule->question_count)].window_ns / 8;
}

/* Where the traffic goes on. */
static int64_t next_cursor(struct run *run)
{
        struct draw *d = &run->draw;
        struct manner *m = &run->manner;
        int64_t at = m->cursor_ns, pane_ns = some_pane_ns(run);

        switch (draw(d, m->calm)) {
        case 0:
        case 1: /* the first moment of a pane, or the last before it */
                return (at / pane_ns + 1) * pane_ns - draw(d, 2);
        case 2: /* silence of whole panes */
                return at + draw(d, 11) * pane_ns;
        case 3:
                return at + (int64_t)draw(d, 9000) * pane_ns / 1000;
        case 4: /* the clock jumps */
                if (one_in(d, 4))
                        return at + (int64_t)draw(d, 3 * 86400) * NS_PER_SEC;
                if (one_in(d, 3))
                        return at - (int64_t)draw(d, 2 * 86400) * NS_PER_SEC;
                return at - draw(d, 12) * pane_ns;
        case 5:
                return run->now_ns > at ? run->now_ns : at;
        case 6:
        case 7:
        case 8:
        case 9:
                return at;
        default:
                return at + (int64_t)draw(d, (uint32_t)(m->step_ns / 500000)) * NS_PER_MS;
        }
}

static int64_t some_time(struct run *run)
{
        struct draw *d = &run->draw;
        struct manner *m = &run->manner;

        m->cursor_ns = next_cursor(run);
        if (!one_in(d, 8))
                return m->cursor_ns;
        /* A late one, now and then at the very edge of a pane. */
        int64_t pane_ns = some_pane_ns(run);
        int64_t late_ns = m->cursor_ns - (int64_t)draw(d, 10000) * pane_ns / 1000;
        return one_in(d, 4) ? late_ns / pane_ns * pane_ns : late_ns;
}

static struct request request_draw(struct run *run)
{
        static const unsigned pages[] = { PAGE_PROFILE, PAGE_PROFILE, PAGE_PROFILE,
                                          PAGE_SEARCH,  PAGE_SIGNUP,  PAGE_OTHER };
        static const unsigned statuses[] = { 200, 200, 200, 404, 404, 500, 301 };
        struct draw *d = &run->draw;
        struct manner *m = &run->manner;

        if (one_in(d, 3))
                m->client = draw(d, m->clients);
        struct request r = {
                .end_ns = some_time(run),
                .client = m->client,
                .page = pages[draw(d, 6)],
                .status = statuses[draw(d, 7)],
                .cookies = draw(d, 4),
                .session = one_in(d, 4) ? 0 : 1 + draw(d, m->sessions),
                .target = one_in(d, 6) ? 0 : 1 + draw(d, m->targets),
                .uncertain = one_in(d, 4),
                .accepted = one_in(d, 3),
                .numeric = !one_in(d, 4),
                .number = one_in(d, 3) ? draw(d, 500) : run->history.count / 2,
                .request_bytes = 200 + draw(d, 40),
                .response_bytes = draw(d, 20000),
                .latency_ns = one_in(d, 9) ? -1 : (int64_t)draw(d, 1000000) * 1000,
        };
        r.start_ns = r.end_ns - (int64_t)draw(d, 300) * NS_PER_MS;
        if (one_in(d, 10) && m->start_ns <= r.end_ns)
                r.start_ns = m->start_ns;
        m->start_ns = r.start_ns;
        run->now_ns = r.end_ns > run->now_ns ? r.end_ns : run->now_ns;
        r.now_ns = run->now_ns;
        return r;
}

/* ---- incidents ---- */

static void expect(struct run *run, const struct drawn_rule *rule, struct kept_key *k,
                   enum incident_action action, int64_t time_ns)
{
        struct event *e = add_event(&run->expected);

        *e = (struct event){ .action = action, .n = k->n++, .time_ns = time_ns };
        memcpy(e->rule, rule->name, sizeof(e->rule));
        memcpy(e->subject, k->subject, sizeof(e->subject));
}

/* Those that have not held for the longest window; at the end of the input, all. */
static void expect_ends(struct run *run, bool all)
{
        for (unsigned i = 0; i < run->set.count; i++) {
                const struct drawn_rule *rule = &run->set.rules[i];
                for (unsigned n = 0; n < run->keys[i].count; n++) {
                        struct kept_key *k = &run->keys[i].at[n];
                        int64_t end_ns = k->held_ns + rule->longest_ns;
                        if (!k->is_open || (!all && end_ns > run->now_ns))
                                continue;
                        expect(run, rule, k, INCIDENT_ENDED, all ? run->now_ns : end_ns);
                        k->is_open = false;
                }
        }
}

static void expect_look(struct run *run, const struct drawn_rule *rule,
                        struct kept_key *k, const struct request *r, bool holds)
{
        if (!holds)
                return;
        if (!k->is_open) {
                k->is_open = true;
                k->n = 0;
                k->held_ns = r->end_ns;
                k->update_ns = r->end_ns + rule->again_ns;
                expect(run, rule, k, INCIDENT_RAISED, r->end_ns);
                return;
        }
        k->held_ns = r->end_ns > k->held_ns ? r->end_ns : k->held_ns;
        if (r->end_ns < k->update_ns)
                return;
        k->update_ns = r->end_ns + rule->again_ns;
        expect(run, rule, k, INCIDENT_UPDATED, r->end_ns);
}

static bool is_same_event(const struct event *a, const struct event *b)
{
        return a->action == b->action && a->n == b->n && a->time_ns == b->time_ns &&
               strcmp(a->rule, b->rule) == 0 && strcmp(a->subject, b->subject) == 0;
}

/* Of what happens at one moment the order is not defined. */
static void compare_events(struct run *run)
{
        bool same = run->told.count == run->expected.count;

        for (unsigned i = 0; same && i < run->expected.count; i++) {
                unsigned k = i;
                while (k < run->told.count &&
                       !is_same_event(&run->told.at[k], &run->expected.at[i]))
                        k++;
                same = k < run->told.count;
                if (same) {
                        struct event other = run->told.at[i];
                        run->told.at[i] = run->told.at[k];
                        run->told.at[k] = other;
                }
        }
        if (!same) {
                print_events("told:", &run->told);
                print_events("should be:", &run->expected);
                print_run(run);
                fail();
        }
        totals.events += run->expected.count;
        run->told.count = run->expected.count = 0;
}

/* ---- values ---- */

static const struct rule *engine_rule(const struct run *run,
                                      const struct drawn_rule *rule)
{
        const struct rules *rules = run->world->engine->rules;

        for (unsigned i = 0; i < rules->rule_count; i++)
                if (strcmp(rules->rules[i].name, rule->name) == 0)
                        return &rules->rules[i];
        fail_msg("no rule %s", rule->name);
        return NULL;
}

static struct kept_key *find_key(struct run *run, unsigned rule, const struct request *r)
{
        struct kept_keys *keys = &run->keys[rule];
        uint32_t key = rule_key(&run->set.rules[rule], r);
        struct buf subject = { 0 };

        for (unsigned i = 0; i < keys->count; i++)
                if (keys->at[i].key == key)
                        return &keys->at[i];
        assert_true(keys->count < KEYS_MAX);
        struct kept_key *k = &keys->at[keys->count++];
        k->key = key;
        rule_subject(&run->set.rules[rule], r, &subject);
        buf_put_byte(&subject, 0);
        snprintf(k->subject, sizeof(k->subject), "%s", (const char *)subject.data);
        buf_free(&subject);
        return k;
}

static bool is_between(double value, struct answer a)
{
        if (isnan(a.least) || isnan(value))
                return isnan(a.least) && isnan(value);
        double rounding = 1e-9 * (1 + fabs(a.most));
        return value >= a.least - rounding && value <= a.most + rounding;
}

/* With more values than are held exactly since it began, the key may have a sketch. */
static bool is_beyond(struct run *run, unsigned rule, unsigned question,
                      struct kept_key *k)
{
        if (run->set.rules[rule].questions[question].asked != ASKED_DISTINCT)
                return false;
        if (!k->beyond[question])
                k->beyond[question] =
                    (run->manner.every > 1
                         ? define_ever(&run->history, &run->set, rule, question)
                         : define(&run->history, &run->set, rule, question, false).most) >
                    EXACT;
        return k->beyond[question];
}

static void compare_value(struct run *run, unsigned rule, unsigned question,
                          struct kept_key *k, double actual)
{
        const struct drawn_rule *r = &run->set.rules[rule];
        bool beyond = is_beyond(run, rule, question, k);
        struct answer a = define(&run->history, &run->set, rule, question, beyond);

        totals.compared++;
        totals.sketched += beyond;
        totals.missing += isnan(actual);
        totals.bounded += !beyond && a.least < a.most;
        if (is_between(actual, a))
                return;
        struct buf text = { 0 };
        question_print(&r->questions[question], &text);
        print_error("%s of %s: %.*s is %.12g, should be %.12g", k->subject, r->name,
                    (int)text.len, (const char *)text.data, actual, a.least);
        print_error(a.least < a.most ? " to %.12g\n" : "\n", a.most);
        buf_free(&text);
        print_run(run);
        fail();
}

/*
 * Reads what the engine has, compares it, and says whether `when` holds by it: what is a
 * sketch's estimate decides as it is.
 */
static bool look(struct run *run, unsigned number, struct kept_key *k)
{
        const struct drawn_rule *drawn = &run->set.rules[number];
        struct engine *e = run->world->engine;
        const struct rule *rule = engine_rule(run, drawn);
        const struct table *t = &e->tables[rule->table];
        uint64_t hash;
        bool holds = false;

        assert_true(table_key(t, &e->facts, &hash));
        assert_int_equal(rule->aggregate_count, drawn->question_count);
        const struct entry *entry = table_at(t, table_find(t, hash));
        for (unsigned i = 0; i < drawn->question_count; i++) {
                const struct question *q = &drawn->questions[i];
                struct value v = table_value(t, entry, &rule->aggregates[i]);
                bool missing = v.type == VALUE_MISSING;
                if (run->history.count % run->manner.every == 0)
                        compare_value(run, number, i, k, missing ? NAN : v.number);
                bool is_true = !missing && (q->is_below ? v.number < q->threshold
                                                        : v.number >= q->threshold);
                holds = i == 0 ? is_true : q->is_or ? holds || is_true : holds && is_true;
        }
        return holds;
}

/* ---- a run ---- */

static void step(struct run *run)
{
        struct history *h = &run->history;
        int64_t before_ns = run->now_ns;
        struct request r = request_draw(run);

        h->requests[h->count++] = r;
        history_note(h, &run->set);
        if (run->now_ns > before_ns)
                expect_ends(run, false);
        hit(run, &r);
        for (unsigned i = 0; i < run->set.count; i++) {
                if (h->of_rule[i][h->count - 1].key == KEY_MISSING)
                        continue;
                struct kept_key *k = find_key(run, i, &r);
                expect_look(run, &run->set.rules[i], k, &r, look(run, i, k));
        }
        compare_events(run);
}

/* Time passes with nobody there. */
static void wait_for_nobody(struct run *run)
{
        run->now_ns += (int64_t)draw(&run->draw, 12000) * some_pane_ns(run) / 1000 + 1;
        expect_ends(run, false);
        engine_advance(run->world->engine, run->now_ns);
        compare_events(run);
}

static void change(struct run *run)
{
        const struct manner *m = &run->manner;

        if (m->swaps && one_in(&run->draw, m->swaps))
                swap(run);
        if (m->restarts && one_in(&run->draw, m->restarts))
                restart(run);
        compare_events(run);
}

static void begin(struct run *run)
{
        ruleset_draw(&run->set, &run->draw);
        run->manner = manner_draw(&run->draw);
        if (run->manner.targets >= 1000)
                ruleset_crowd(&run->set, &run->draw);
        run->has_late = run->manner.swaps && run->set.count < RULES_DRAWN;
        if (run->has_late)
                ruleset_draw_late(&run->set, &run->draw);
        ruleset_print(&run->set, NULL, &run->draw, &run->text);
        run->now_ns = -1;
        run->world = world_new((const char *)run->text.data);
        run->world->engine->options.incident = on_incident;
        run->world->engine->options.incident_context = run;
}

static void end(struct run *run)
{
        const struct counters *c = &run->world->counters;

        expect_ends(run, true);
        engine_finish(run->world->engine);
        compare_events(run);
        /* The definition knows no want of memory, so there must not have been any. */
        assert_int_equal(c->windows_refused + c->sketches_refused + c->entries_evicted +
                             c->incidents_dropped,
                         0);
        world_free(run->world);
        buf_free(&run->text);
}

static void run_one(uint64_t seed)
{
        struct run *run = calloc(1, sizeof(*run));

        assert_non_null(run);
        run->seed = run->draw.state = seed;
        for (unsigned i = 0; i < 8; i++)
                draw(&run->draw, 2);
        begin(run);
        while (run->history.count < run->manner.requests) {
                step(run);
                if (one_in(&run->draw, 60))
                        wait_for_nobody(run);
                change(run);
        }
        end(run);
        free(run);
}

static uint64_t sets = SETS, first = 1;

static void the_engine_agrees_with_the_definition(void **state)
{
        (void)state;
        for (uint64_t i = 0; i < sets; i++)
                run_one(first + i);
        printf("%" PRIu64 " rule sets: %" PRIu64 " values (%" PRIu64 " missing, %" PRIu64
               " of sketches, %" PRIu64 " within a bound), %" PRIu64 " events, %" PRIu64
               " swaps, %" PRIu64 " restarts, %" PRIu64 " late rules\n",
               sets, totals.compared, totals.missing, totals.sketched, totals.bounded,
               totals.events, totals.swaps, totals.restarts, totals.late);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_engine_agrees_with_the_definition),
        };

        if (argc > 1)
                sets = strtoull(argv[1], NULL, 10);
        if (argc > 2)
                first = strtoull(argv[2], NULL, 10);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
