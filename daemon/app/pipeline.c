/* SPDX-License-Identifier: MIT */
#include "app/pipeline.h"

#include "app/timeline.h"
#include "base/check.h"
#include "base/clock.h"
#include "http/http.h"
#include "packet/frame.h"
#include "stream/stream.h"

#include <stdlib.h>

/* How often the share of traffic that was missed is worked out. */
#define MISSED_INTERVAL NS_PER_SEC

struct pipeline {
        struct pipeline_options options;
        struct http *http;
        struct stream *stream;
        struct observe *observe;
        struct engine *engine;
        struct counters *counters;
        struct counters missed_base; /* at the last time the share was worked out */
        const struct value_names *pages;
        bool *wanted; /* pages that a rule looks at */
        bool verify;
        struct timeline timeline;
        int64_t missed_due_ns;
};

static void on_transaction(void *context, const struct transaction *t)
{
        struct pipeline *p = context;
        const struct record *record = observe_transaction(p->observe, t);

        if (!record)
                return;
        if (p->options.requests)
                record_print(record, p->pages->name(p->pages->context, record->page),
                             p->options.pseudonym, p->options.pseudonym_context,
                             p->options.requests);
        engine_record(p->engine, record);
}

static size_t on_body(void *context, const struct transaction *t, enum body_of of)
{
        struct pipeline *p = context;

        return observe_body_wanted(p->observe, t, of);
}

static void count_frame(struct counters *c, enum frame_result result)
{
        switch (result) {
        case FRAME_SEGMENT:
                break;
        case FRAME_NOT_IP:
                c->frames_not_ip++;
                break;
        case FRAME_NOT_TCP:
                c->frames_not_tcp++;
                break;
        case FRAME_FRAGMENT:
                c->frames_fragment++;
                break;
        case FRAME_TRUNCATED:
                c->frames_truncated++;
                break;
        case FRAME_MALFORMED:
                c->frames_malformed++;
                break;
        case FRAME_TOO_DEEP:
                c->frames_too_deep++;
                break;
        case FRAME_BAD_CHECKSUM:
                c->checksum_errors++;
                break;
        }
}

static double share_of(uint64_t part, uint64_t rest)
{
        return part ? (double)part / ((double)part + (double)rest) : 0;
}

/* Bytes missing in streams, and packets dropped before we saw them. */
static void note_missed(struct pipeline *p, int64_t now_ns)
{
        const struct counters *now = p->counters, *then = &p->missed_base;
        double gaps = share_of(now->gap_bytes - then->gap_bytes,
                               now->packet_bytes - then->packet_bytes);
        double drops = share_of(now->kernel_drops + now->interface_drops -
                                    then->kernel_drops - then->interface_drops,
                                now->packets - then->packets);

        engine_missed(p->engine, now_ns, 1 - (1 - gaps) * (1 - drops));
        p->missed_base = *now;
        p->missed_due_ns = now_ns + MISSED_INTERVAL;
}

/* A packet whose time is believed. */
static void on_frame(void *context, int link, const struct capture_frame *frame)
{
        struct pipeline *p = context;
        struct segment segment;
        enum frame_result result =
            frame_decode(link, frame->captured, frame->wire_length, p->verify, &segment);

        if (result == FRAME_SEGMENT)
                stream_segment(p->stream, &segment, frame->time_ns);
        else
                count_frame(p->counters, result);
        if (frame->time_ns >= p->missed_due_ns)
                note_missed(p, frame->time_ns);
}

static bool make_engine(struct pipeline *p)
{
        const struct setup *setup = p->options.setup;
        struct engine_options engine = {
                .rules = setup->rules,
                .site = setup->site,
                .hash_key = p->options.engine_key,
                .memory_max = setup->config.limits.detect,
                .incidents_max = (uint32_t)setup->config.limits.incidents,
                .pseudonym = p->options.pseudonym,
                .pseudonym_context = p->options.pseudonym_context,
                .incident = p->options.incident,
                .incident_context = p->options.incident_context,
                .counters = p->counters,
        };

        memcpy(engine.id_key, p->options.id_key, sizeof(engine.id_key));
        p->engine = engine_new(&engine);
        return p->engine;
}

/* What was counted belongs to a time that is still to come: everything begins anew. */
static void on_step_back(void *context, int64_t from_ns, int64_t to_ns)
{
        struct pipeline *p = context;

        if (p->counters->time_steps_back == 1) /* later ones are only counted */
                log_warning(
                    "the packets' clock went back by %lld s: connections, windows "
                    "and incidents begin anew",
                    (long long)((from_ns - to_ns) / NS_PER_SEC));
        pipeline_finish(p);
        engine_free(&p->engine);
        CHECK(make_engine(p)); /* the memory was there a moment ago */
        p->missed_due_ns = to_ns;
}

void pipeline_frame(struct pipeline *p, int link, const struct capture_frame *frame)
{
        p->counters->packets++;
        p->counters->packet_bytes += frame->wire_length;
        timeline_frame(&p->timeline, link, frame);
}

void pipeline_advance(struct pipeline *p, int64_t now_ns)
{
        now_ns = timeline_advance(&p->timeline, now_ns);
        stream_advance(p->stream, now_ns);
        if (now_ns >= p->missed_due_ns)
                note_missed(p, now_ns);
        engine_advance(p->engine, now_ns);
}

void pipeline_finish(struct pipeline *p)
{
        timeline_finish(&p->timeline);
        stream_finish(p->stream);
        engine_finish(p->engine);
}

static bool make_front(struct pipeline *p)
{
        const struct config *config = &p->options.setup->config;
        struct http_options http = {
                .head_max = (uint32_t)config->limits.head,
                .lines_max = (uint32_t)config->limits.headers,
                .pipeline_max = (uint32_t)config->limits.pipeline,
                .memory_max = config->limits.http_memory,
        };
        struct stream_options stream = {
                .flows_max = (uint32_t)config->limits.flows,
                .idle_ns = config->limits.flow_idle_ns,
                .half_open_ns = config->limits.flow_half_open_ns,
                .reorder_ns = config->limits.reorder_ns,
                .memory_max = config->limits.reassembly,
                .flow_memory = (uint32_t)config->limits.reassembly_flow,
                .hash_key = p->options.flow_key,
        };

        p->http = http_new(&http, on_transaction, p, p->counters);
        if (p->http)
                p->stream = stream_new(&stream, http_handler(p->http), p->counters);
        return p->stream;
}

/* When nobody asked to see all requests, only those that rules look at are described. */
static void want_pages(struct pipeline *p)
{
        const struct rules *rules = p->options.setup->rules;
        int count = 0;

        while (p->pages->name(p->pages->context, count))
                count++;
        p->wanted = calloc((size_t)count, sizeof(*p->wanted));
        CHECK(p->wanted);
        for (int page = 0; page < count; page++)
                p->wanted[page] = rules_look_at(rules, (unsigned)page);
        observe_only(p->observe, p->wanted);
}

static bool make_back(struct pipeline *p)
{
        p->observe =
            observe_new(p->options.setup->site, &p->options.engine_key, p->counters);
        observe_forms(p->observe, p->options.setup->config.limits.form_body,
                      p->options.setup->disposable);
        http_want_bodies(p->http, on_body);
        if (!p->options.requests)
                want_pages(p);
        return make_engine(p);
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
        struct pipeline *p = calloc(1, sizeof(*p));
        struct timeline_handler handler = { on_frame, on_step_back, p };

        CHECK(p);
        timeline_init(&p->timeline, &handler, options->counters);
        p->options = *options;
        p->counters = options->counters;
        p->pages = site_page_names(options->setup->site);
        p->verify = options->setup->config.capture.checksums == CHECKSUMS_VERIFY;
        p->missed_due_ns = INT64_MIN / 2;
        if (!make_front(p) || !make_back(p))
                pipeline_free(&p);
        return p;
}

void pipeline_free(struct pipeline **pipeline)
{
        struct pipeline *p = *pipeline;

        if (!p)
                return;
        engine_free(&p->engine);
        observe_free(&p->observe);
        stream_free(&p->stream);
        http_free(&p->http);
        timeline_free(&p->timeline);
        free(p->wanted);
        free(p);
        *pipeline = NULL;
}
