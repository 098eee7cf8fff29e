/* SPDX-License-Identifier: MIT */
#include "rule_test.h"

#include <stdlib.h>

#include "app/pipeline.h"
#include "base/check.h"
#include "capture/capture.h"
#include "detect/engine.h"
#include "observe/observe.h"
#include "tls/hello.h"

/* Frames of a capture between two looks at what was read of it. */
enum { BATCH = 1024 };

struct case_run {
        const struct setup *setup;
        struct rule_case *c;
        struct counters counters;
        /* Made-up traffic: */
        struct observe *observe;
        struct agents *agents;
        struct engine *engine;
        /* A capture: */
        struct pipeline *pipeline;
        struct buf requests; /* lines that have not been counted yet */
        int64_t now_ns;
};

/* Sessions and accounts in clear, so that a test can name them. */
static size_t keep_clear(void *context, const char *type, struct slice raw, char out[256])
{
        size_t len = raw.len < 256 ? raw.len : 256;

        (void)context, (void)type;
        memcpy(out, raw.data, len);
        return len;
}

/* ---- requests ---- */

static void count_request(struct case_run *run, const struct ip *client, int64_t time_ns)
{
        struct rule_case *c = run->c;

        if (c->requests++ == 0)
                c->first_ns = time_ns;
        for (unsigned i = 0; i < c->spare_count; i++)
                c->spares[i].came |= network_contains(&c->spares[i].network, client);
        for (unsigned i = 0; i < c->expected_count; i++) {
                struct expected *e = &c->expected[i];
                if (!slice_is_none(e->values[PARTICIPANT_CLIENT_IP]) &&
                    !network_contains(&e->client, client))
                        continue;
                if (e->requests++ == 0)
                        e->first_ns = time_ns;
        }
}

/* ---- incidents ---- */

/* Whether the whole key is that value. */
static bool is_subject(const struct incident *i, unsigned kind, struct slice value,
                       const struct expected *e)
{
        struct network subject;

        if (kind == EXPECTED_SUBJECT)
                return slice_equal(i->subject, value);
        if (kind != PARTICIPANT_CLIENT_IP)
                return strcmp(i->subject_type, participant_name(kind)) == 0 &&
                       slice_equal(i->subject, value);
        return (strcmp(i->subject_type, "client.ip") == 0 ||
                strcmp(i->subject_type, "client.host") == 0) &&
               network_parse(i->subject, &subject, NULL) &&
               networks_overlap(&subject, &e->client);
}

static bool is_involved(const struct incident *i, unsigned kind, struct slice value,
                        const struct expected *e)
{
        struct network address;

        if (kind >= PARTICIPANT_KINDS)
                return false;
        for (unsigned n = 0; n < i->involved[kind].count; n++) {
                struct slice found = i->involved[kind].values[n];
                if (kind == PARTICIPANT_CLIENT_IP
                        ? network_parse(found, &address, NULL) &&
                              networks_overlap(&address, &e->client)
                        : slice_equal(found, value))
                        return true;
        }
        return false;
}

static bool is_expected(const struct incident *i, const struct expected *e)
{
        if (strcmp(i->rule, e->rule) != 0)
                return false;
        for (unsigned kind = 0; kind < EXPECTED_KINDS; kind++) {
                struct slice value = e->values[kind];
                if (!slice_is_none(value) && !is_subject(i, kind, value, e) &&
                    !is_involved(i, kind, value, e))
                        return false;
        }
        return true;
}

/* Whether the incident is about the client that is named, and not only with it. */
static bool is_about_client(const struct incident *i, const struct expected *e)
{
        struct slice client = e->values[PARTICIPANT_CLIENT_IP];

        return !slice_is_none(client) && is_subject(i, PARTICIPANT_CLIENT_IP, client, e);
}

static void meet(const struct case_run *run, const struct incident *i, struct expected *e)
{
        const struct rule_case *c = run->c;
        bool own = is_about_client(i, e);
        uint64_t requests = own ? e->requests : c->requests;
        int64_t first_ns = own ? e->first_ns : c->first_ns;
        int64_t after_ns = requests ? run->now_ns - first_ns : 0;
        bool in_time = (!e->within_requests || requests <= e->within_requests) &&
                       (!e->within_ns || after_ns <= e->within_ns);

        if (!e->came) {
                e->came = true;
                e->came_requests = requests;
                e->came_ns = after_ns;
        }
        e->came_in_time |= in_time;
}

static struct came *find_came(struct rule_case *c, const char *id)
{
        for (unsigned i = 0; i < c->came_count; i++)
                if (strcmp(c->came[i].id, id) == 0)
                        return &c->came[i];
        return NULL;
}

static void add_came(struct case_run *run, const struct incident *i)
{
        struct rule_case *c = run->c;
        struct buf subject = { 0 };

        c->came_total++;
        if (c->came_count == CAME_MAX)
                return;
        struct came *came = &c->came[c->came_count++];
        buf_printf(&subject, "%s %.*s", i->subject_type, (int)i->subject.len,
                   (const char *)i->subject.data);
        buf_put_byte(&subject, 0);
        memcpy(came->id, i->id, sizeof(came->id));
        for (unsigned n = 0; rules_name(run->setup->rules, n); n++)
                if (strcmp(rules_name(run->setup->rules, n), i->rule) == 0)
                        came->rule = rules_name(run->setup->rules, n);
        came->subject = (char *)subject.data;
        came->requests = c->requests;
        came->after_ns = c->requests ? run->now_ns - c->first_ns : 0;
        came->wanted = names_have(&c->also, i->rule);
}

static bool is_spared(const struct rule_case *c, struct slice client)
{
        struct network named;

        if (!network_parse(client, &named, NULL))
                return false;
        for (unsigned i = 0; i < c->spare_count; i++)
                if (networks_overlap(&named, &c->spares[i].network))
                        return true;
        return false;
}

/* Remembers the first client that an incident names and should not. */
static void look_for_spared(const struct rule_case *c, const struct incident *i,
                            struct came *came)
{
        bool is_client = strcmp(i->subject_type, "client.ip") == 0 ||
                         strcmp(i->subject_type, "client.host") == 0;
        struct slice found =
            is_client && is_spared(c, i->subject) ? i->subject : slice_none();

        for (unsigned n = 0;
             slice_is_none(found) && n < i->involved[PARTICIPANT_CLIENT_IP].count; n++)
                if (is_spared(c, i->involved[PARTICIPANT_CLIENT_IP].values[n]))
                        found = i->involved[PARTICIPANT_CLIENT_IP].values[n];
        if (slice_is_none(found) || came->spared)
                return;
        came->spared = strndup((const char *)found.data, found.len);
        CHECK(came->spared);
}

static void count_lines(struct case_run *run);

static void on_incident(void *context, const struct incident *i)
{
        struct case_run *run = context;
        struct rule_case *c = run->c;

        count_lines(run);
        if (i->action == INCIDENT_RAISED)
                add_came(run, i);
        struct came *came = find_came(c, i->id);
        if (came && !names_have(&c->also, i->rule))
                look_for_spared(c, i, came);
        for (unsigned n = 0; n < c->expected_count; n++) {
                if (!is_expected(i, &c->expected[n]))
                        continue;
                meet(run, i, &c->expected[n]);
                if (came)
                        came->wanted = true;
        }
}

/* ---- made-up traffic ---- */

static bool make_engine(struct case_run *run)
{
        const struct setup *setup = run->setup;
        const struct config *config = &setup->config;
        struct engine_options options = {
                .rules = setup->rules,
                .site = setup->site,
                .hash_key = hash_key_fixed(),
                .memory_max = config->limits.detect,
                .incidents_max = (uint32_t)config->limits.incidents,
                .hellos_max = (uint32_t)config->limits.hellos,
                .hello_join_ns = config->limits.hello_join_ns,
                /* Nobody asks DNS. */
                .outside = { .asn = setup->asn,
                             .country = setup->country,
                             .crawlers = setup->crawlers },
                .watch = config_watch(config),
                .pseudonym = keep_clear,
                .incident = on_incident,
                .incident_context = run,
                .counters = &run->counters,
        };

        run->engine = engine_new(&options);
        return run->engine;
}

static bool make_observe(struct case_run *run)
{
        const struct setup *setup = run->setup;
        struct hash_key key = hash_key_fixed();

        run->observe = observe_new(setup->site, &key, &run->counters);
        observe_forms(run->observe, setup->config.limits.form_body, setup->disposable);
        if (!setup->agents)
                return true;
        run->agents = agents_new(setup->agents, &key,
                                 (uint32_t)setup->config.limits.agents, &run->counters);
        if (run->agents)
                observe_agents(run->observe, run->agents);
        return run->agents;
}

/* As much of a body as the http layer would have kept. */
static void cut_body(struct case_run *run, const struct transaction *t, enum body_of of,
                     struct slice *body, bool *cut)
{
        size_t wanted =
            slice_is_none(*body) ? 0 : observe_body_wanted(run->observe, t, of);

        *cut = wanted && body->len > wanted;
        *body = wanted ? slice_first(*body, wanted) : slice_none();
}

/* As if the visitor had said hello to a TLS terminator before. */
static void say_hello(struct case_run *run, const struct traffic_event *event,
                      const struct record *record)
{
        struct hello hello = { .client = { record->client, record->client_port },
                               .server = event->transaction.server,
                               .time_ns = event->transaction.request_first_ns };
        struct slice ja4 = slice_first(event->ja4, sizeof(hello.ja4) - 1);

        if (slice_is_none(event->ja4))
                return;
        memcpy(hello.ja4, ja4.data, ja4.len);
        engine_hello(run->engine, &hello, &(struct tcp_shape){ 0 });
}

static void take_event(struct case_run *run, const struct traffic_event *event)
{
        struct transaction t = event->transaction;
        struct rule_case *c = run->c;

        cut_body(run, &t, BODY_OF_REQUEST, &t.request_body, &t.request_body_cut);
        cut_body(run, &t, BODY_OF_RESPONSE, &t.response_body, &t.response_body_cut);
        const struct record *record = observe_transaction(run->observe, &t);
        run->now_ns = record->end_ns;
        count_request(run, &record->client, record->end_ns);
        say_hello(run, event, record);
        engine_record(run->engine, record);
        for (unsigned i = 0; i < c->about.count; i++)
                c->looked[i] += engine_looked(run->engine, c->about.at[i]);
}

static bool run_traffic(struct case_run *run, struct buf *messages)
{
        const struct traffic_event *event;

        if (!make_observe(run) || !make_engine(run)) {
                buf_put_str(messages, "the memory for limits.detect cannot be had\n");
                return false;
        }
        traffic_begin(run->c->traffic, run->c->begin_ns, run->c->seed);
        while ((event = traffic_next(run->c->traffic)))
                take_event(run, event);
        engine_finish(run->engine);
        return true;
}

/* ---- a capture ---- */

/* The requests that the pipeline has told of since the last time. */
static void count_lines(struct case_run *run)
{
        static const struct slice before = SLICE("\"client\":{\"ip\":\"");
        struct slice rest = buf_slice(&run->requests), line;

        while (slice_next(&rest, '\n', &line)) {
                const uint8_t *at =
                    line.len ? memmem(line.data, line.len, before.data, before.len)
                             : NULL;
                struct ip ip;
                if (!at)
                        continue;
                struct slice text =
                    slice_from(line, (size_t)(at - line.data) + before.len);
                if (ip_parse(slice_first(text, slice_find(text, '"')), &ip))
                        count_request(run, &ip, run->now_ns);
        }
        buf_clear(&run->requests);
}

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct case_run *run = context;

        run->now_ns = frame->time_ns;
        pipeline_frame(run->pipeline, frame);
        count_lines(run);
}

static bool read_capture(struct case_run *run, struct capture *capture,
                         struct buf *messages)
{
        const struct rule_case *c = run->c;
        enum capture_result result;

        do {
                result = capture_read(capture, BATCH, on_frame, run);
        } while (result == CAPTURE_MORE);
        if (result == CAPTURE_ERROR)
                buf_printf(messages, "%s:%u:%u: %s\n", c->capture_place.file,
                           c->capture_place.line, c->capture_place.column,
                           capture_error(capture));
        return result != CAPTURE_ERROR;
}

static bool run_capture(struct case_run *run, struct buf *messages)
{
        const struct rule_case *c = run->c;
        struct capture_options capture_options = { .snaplen = 262144 };
        struct pipeline_options options = { .setup = run->setup,
                                            .flow_key = hash_key_fixed(),
                                            .engine_key = hash_key_fixed(),
                                            .pseudonym = keep_clear,
                                            .incident = on_incident,
                                            .incident_context = run,
                                            .requests = &run->requests,
                                            .counters = &run->counters };
        char error[CAPTURE_ERROR_MAX];
        struct capture *capture = capture_open_file(c->capture, &capture_options, error);

        if (!capture) {
                buf_printf(messages, "%s:%u:%u: %s\n", c->capture_place.file,
                           c->capture_place.line, c->capture_place.column, error);
                return false;
        }
        run->pipeline = pipeline_new(&options);
        bool good = run->pipeline && read_capture(run, capture, messages);
        if (!run->pipeline)
                buf_put_str(messages, "the memory for the limits cannot be had\n");
        else
                pipeline_finish(run->pipeline);
        count_lines(run);
        capture_close(&capture);
        return good;
}

/* ---- the outcome ---- */

static bool is_good(const struct rule_case *c)
{
        bool good = c->came_total <= CAME_MAX;

        for (unsigned i = 0; i < c->expected_count; i++)
                good &= c->expected[i].came_in_time;
        for (unsigned i = 0; i < c->came_count; i++)
                good &= c->came[i].wanted && !c->came[i].spared;
        for (unsigned i = 0; i < c->spare_count; i++)
                good &= c->spares[i].came;
        for (unsigned i = 0; c->traffic && i < c->about.count; i++)
                good &= c->looked[i] > 0;
        return good;
}

bool rule_case_run(struct rule_test *test, struct rule_case *c, struct buf *messages)
{
        struct case_run run = { .setup = &test->setup, .c = c };

        c->came = calloc(CAME_MAX, sizeof(*c->came));
        CHECK(c->came);
        bool ran = c->traffic ? run_traffic(&run, messages) : run_capture(&run, messages);
        c->good = ran && is_good(c);
        engine_free(&run.engine);
        observe_free(&run.observe);
        agents_free(&run.agents);
        pipeline_free(&run.pipeline);
        buf_free(&run.requests);
        return ran;
}
