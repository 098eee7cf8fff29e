/* SPDX-License-Identifier: MIT */
#include "app/pipeline.h"

#include "app/batch.h"
#include "app/held.h"
#include "app/hold.h"
#include "app/timeline.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "detect/snapshot.h"
#include "http/http.h"
#include "packet/fragment.h"
#include "packet/frame.h"
#include "stream/stream.h"
#include "tls/hellos.h"

#include <stdlib.h>

/* How often the share of traffic that was missed is worked out. */
#define MISSED_INTERVAL NS_PER_SEC

#define HOLD_BYTES (16u << 20)

/* A QUIC hello comes within a few round trips, or never. */
#define QUIC_AGE (10 * NS_PER_SEC)

struct pipeline {
        struct pipeline_options options;
        struct fragments *fragments;
        struct http *http;
        struct stream *stream;
        struct hellos *hellos;
        struct tcp_shape syn; /* of the connection whose hello is being read */
        struct hold hold;
        struct batch batch;
        struct held held;
        struct observe *observe;
        struct agents *agents; /* NULL: no rule asks */
        struct engine *engine;
        struct counters *counters;
        struct counters missed_base; /* at the last time the share was worked out */
        const struct value_names *pages;
        bool *wanted; /* pages that a rule looks at */
        struct frame_options frame;
        struct network *tunnel_sources;
        struct timeline timeline;
        int64_t missed_due_ns;
};

static void on_held(void *context, const struct block_held *held)
{
        struct pipeline *p = context;

        engine_block_held(p->engine, held);
}

void pipeline_catch_up(struct pipeline *p, struct told *told)
{
        engine_catch_up(p->engine, told);
}

void pipeline_adopt(struct pipeline *p, const struct told_incident *told, int64_t now_ns)
{
        engine_adopt(p->engine, told, now_ns);
}

void pipeline_recall_block(struct pipeline *p, const struct told_block *told)
{
        engine_recall_block(p->engine, told);
}

bool pipeline_goes_on(const struct pipeline *p)
{
        return engine_now(p->engine) >= 0;
}

void pipeline_block_held(struct pipeline *p, const struct block_held *held)
{
        held_add(&p->held, held);
}

void pipeline_settle(struct pipeline *p)
{
        const struct record *records[BATCH_RECORDS];
        unsigned count = batch_take(&p->batch, records);

        engine_records(p->engine, records, count);
        held_take(&p->held, on_held, p);
}

/* A record that has waited for what may have come before it. */
static void on_record(struct pipeline *p, const struct record *record)
{
        if (p->options.requests)
                record_print(record, p->pages->name(p->pages->context, record->page),
                             p->options.pseudonym, p->options.pseudonym_context,
                             engine_ja4(p->engine, record), p->options.requests);
        if (batch_put(&p->batch, record))
                pipeline_settle(p);
}

static void release(struct pipeline *p, int64_t now_ns)
{
        const struct record *record;

        while ((record = hold_take(&p->hold, now_ns)))
                on_record(p, record);
}

static void on_transaction(void *context, const struct transaction *t)
{
        struct pipeline *p = context;
        const struct record *record = observe_transaction(p->observe, t);

        if (!record)
                return;
        if (p->options.hold_ns == 0) {
                on_record(p, record);
                return;
        }
        while (!hold_put(&p->hold, record))
                on_record(p, hold_take(&p->hold, INT64_MAX));
}

static size_t on_body(void *context, const struct transaction *t, enum body_of of)
{
        struct pipeline *p = context;

        return observe_body_wanted(p->observe, t, of);
}

static void count_frame(struct counters *c, enum frame_result result)
{
        switch (result) {
        case FRAME_SEGMENT: /* counted where they go */
        case FRAME_DATAGRAM:
        case FRAME_FRAGMENT:
                break;
        case FRAME_NOT_IP:
                c->frames_not_ip++;
                break;
        case FRAME_NOT_TCP:
                c->frames_not_tcp++;
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
        case FRAME_TUNNEL_REFUSED:
                c->frames_tunnel_refused++;
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

        pipeline_settle(p);
        engine_missed(p->engine, now_ns, 1 - (1 - gaps) * (1 - drops));
        p->missed_base = *now;
        p->missed_due_ns = now_ns + MISSED_INTERVAL;
}

/* UDP: only the hellos of QUIC are looked for. */
static void on_datagram(struct pipeline *p, const struct datagram *d, int64_t time_ns)
{
        struct hello_place place = { .client = { d->source, d->source_port },
                                     .server = { d->destination, d->destination_port },
                                     .time_ns = time_ns };

        p->counters->datagrams++;
        p->syn = (struct tcp_shape){ 0 };
        hellos_datagram(p->hellos, &place, d->payload);
}

/* A packet whose time is believed. */
static void on_frame(void *context, const struct capture_frame *frame)
{
        struct pipeline *p = context;
        union frame found;
        enum frame_result result = frame_decode(frame->link, frame->captured,
                                                frame->wire_length, &p->frame, &found);

        if (result == FRAME_FRAGMENT)
                result = fragment_resolve(p->fragments, result, &p->frame, frame->time_ns,
                                          &found);
        if (result == FRAME_SEGMENT)
                stream_segment(p->stream, &found.segment, frame->time_ns);
        else if (result == FRAME_DATAGRAM)
                on_datagram(p, &found.datagram, frame->time_ns);
        else
                count_frame(p->counters, result);
        if (p->options.hold_ns)
                release(p, frame->time_ns);
        if (frame->time_ns >= p->missed_due_ns)
                note_missed(p, frame->time_ns);
}

static void on_unanswered(void *context, const struct flow *flow, int64_t begin_ns)
{
        struct pipeline *p = context;

        pipeline_settle(p);
        engine_unanswered(p->engine, &flow_endpoint(flow, FLOW_INITIATOR)->ip, begin_ns);
}

static struct watch_options watch_options(const struct pipeline *p)
{
        struct watch_options watch = config_watch(&p->options.setup->config);

        watch.raises = p->options.raises_ignored;
        return watch;
}

/* An engine that goes on from a snapshot, once; NULL when there is none that can be. */
static struct engine *restore(struct pipeline *p, const struct engine_options *options)
{
        FILE *file = p->options.snapshot;
        char why[SNAPSHOT_WHY];

        if (!file)
                return NULL;
        p->options.snapshot = NULL;
        struct engine *e = engine_restore(options, file, why);
        if (!e) {
                log_warning("the snapshot is not used, windows begin empty: %s", why);
                return NULL;
        }
        int64_t then_ns = engine_now(e);
        log_info("going on from the snapshot of %lld s ago",
                 (long long)((p->options.now_ns - then_ns) / NS_PER_SEC));
        for (int64_t ns = then_ns; ns < p->options.now_ns; ns += 60 * NS_PER_SEC)
                engine_missed(e, ns, 1);
        return e;
}

static struct outside_sources outside_of(const struct pipeline *p)
{
        return (struct outside_sources){ .asn = p->options.setup->asn,
                                         .country = p->options.setup->country,
                                         .crawlers = p->options.setup->crawlers,
                                         .hosts = p->options.hosts,
                                         .hosts_context = p->options.hosts_context };
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
                .hellos_max = (uint32_t)setup->config.limits.hellos,
                .hello_join_ns = setup->config.limits.hello_join_ns,
                .outside = outside_of(p),
                .watch = watch_options(p),
                .block_limits = config_block_limits(&setup->config),
                .pseudonym = p->options.pseudonym,
                .pseudonym_context = p->options.pseudonym_context,
                .incident = p->options.incident,
                .incident_context = p->options.incident_context,
                .counters = p->counters,
        };

        memcpy(engine.id_key, p->options.id_key, sizeof(engine.id_key));
        p->engine = restore(p, &engine);
        if (!p->engine)
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

void pipeline_frame(struct pipeline *p, const struct capture_frame *frame)
{
        p->counters->packets++;
        p->counters->packet_bytes += frame->wire_length;
        timeline_frame(&p->timeline, frame);
}

void pipeline_advance(struct pipeline *p, int64_t now_ns)
{
        now_ns = timeline_advance(&p->timeline, now_ns);
        fragment_advance(p->fragments, now_ns);
        stream_advance(p->stream, now_ns);
        release(p, now_ns);
        if (now_ns >= p->missed_due_ns)
                note_missed(p, now_ns);
        pipeline_settle(p);
        engine_advance(p->engine, now_ns);
}

void pipeline_flush(struct pipeline *p)
{
        timeline_finish(&p->timeline);
        fragment_finish(p->fragments);
        stream_finish(p->stream);
        hellos_finish(p->hellos);
        release(p, INT64_MAX);
        pipeline_settle(p);
}

void pipeline_finish(struct pipeline *p)
{
        pipeline_flush(p);
        engine_finish(p->engine);
}

bool pipeline_save(const struct pipeline *p, FILE *file)
{
        CHECK(p->batch.count == 0);
        return engine_save(p->engine, file);
}

static void on_hello(void *context, const struct hello *hello)
{
        struct pipeline *p = context;

        if (p->options.hellos)
                hello_print(hello, p->options.hellos);
        pipeline_settle(p); /* they are joined to what was known before */
        engine_hello(p->engine, hello, &p->syn);
}

/*
 * All bytes so far come each time. They are looked at once, when the hello is due: what
 * is not whole then is cut into more records than anybody needs.
 */
static enum http_foreign on_foreign(void *context, const struct http_opening *opening)
{
        struct pipeline *p = context;
        struct hello_place place = { opening->client, opening->server, opening->time_ns };
        struct tls_record record = { 0 };

        if (!tls_hello_is_due(opening->bytes))
                return HTTP_FOREIGN_MORE;
        p->syn = flow_tcp_shape(opening->flow);
        bool more = hellos_bytes(p->hellos, &record, &place, opening->bytes);
        hellos_release(p->hellos, &record);
        p->counters->hellos_malformed += more;
        return HTTP_FOREIGN_DONE;
}

static bool believes_proxy_header(void *context, const struct ip *peer)
{
        const struct pipeline *p = context;

        return site_believes_proxy_header(p->options.setup->site, peer);
}

static void make_frame_options(struct pipeline *p)
{
        const struct config *config = &p->options.setup->config;
        const struct text_list *texts = &config->capture.tunnel_sources;

        p->frame.verify = config->capture.checksums == CHECKSUMS_VERIFY;
        p->tunnel_sources = calloc(texts->count + 1, sizeof(*p->tunnel_sources));
        CHECK(p->tunnel_sources);
        p->frame.tunnel_sources = p->tunnel_sources;
        for (unsigned i = 0; i < texts->count; i++) {
                struct slice text = slice_str(texts->items[i]);
                if (slice_is(text, "any"))
                        p->frame.tunnel_sources = NULL;
                else if (!slice_is(text, "none"))
                        CHECK(network_parse(
                            text, &p->tunnel_sources[p->frame.tunnel_source_count++],
                            NULL));
        }
}

static bool make_front(struct pipeline *p)
{
        const struct config *config = &p->options.setup->config;
        struct http_options http = {
                .head_max = (uint32_t)config->limits.head,
                .lines_max = (uint32_t)config->limits.headers,
                .pipeline_max = (uint32_t)config->limits.pipeline,
                .memory_max = config->limits.http_memory,
                .h2_streams_max = (uint32_t)config->limits.h2_streams,
                .opening = { believes_proxy_header, tls_may_begin, tls_record_may_begin,
                             on_foreign, p },
        };
        struct stream_options stream = {
                .flows_max = (uint32_t)config->limits.flows,
                .idle_ns = config->limits.flow_idle_ns,
                .half_open_ns = config->limits.flow_half_open_ns,
                .reorder_ns = config->limits.reorder_ns,
                .memory_max = config->limits.reassembly,
                .flow_memory = (uint32_t)config->limits.reassembly_flow,
                .unanswered = on_unanswered,
                .unanswered_context = p,
                .hash_key = p->options.flow_key,
        };

        struct hellos_options hellos = {
                .quic = { .connections_max = (uint32_t)config->limits.quic,
                          .memory_max = config->limits.hello_memory,
                          .age_ns = QUIC_AGE,
                          .hash_key = p->options.flow_key },
                .tcp_memory = config->limits.hello_memory,
                .hello = on_hello,
                .context = p,
        };

        p->hellos = hellos_new(&hellos, p->counters);
        if (!p->hellos)
                return false;
        p->fragments =
            fragment_new(config->limits.fragments, p->options.flow_key, p->counters);
        if (!p->fragments)
                return false;
        p->http = http_new(&http, on_transaction, p, p->counters);
        if (p->http)
                p->stream = stream_new(&stream, http_handler(p->http), p->counters);
        return p->http && p->stream;
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
        if (rules_follow_sessions(rules))
                observe_sessions(p->observe);
}

/* Work that only rules can ask for. */
static bool make_agents(struct pipeline *p)
{
        const struct setup *setup = p->options.setup;

        if (!setup->agents || !rules_read_agents(setup->rules))
                return true;
        p->agents = agents_new(setup->agents, &p->options.flow_key,
                               (uint32_t)setup->config.limits.agents, p->counters);
        observe_agents(p->observe, p->agents);
        return p->agents;
}

/* What reads transactions by the site map and for the rules. False: no memory. */
static bool make_observe(struct pipeline *p)
{
        const struct setup *setup = p->options.setup;

        p->pages = site_page_names(setup->site);
        p->observe = observe_new(setup->site, &p->options.engine_key, p->counters);
        observe_forms(p->observe, setup->config.limits.form_body, setup->disposable);
        if (!p->options.requests)
                want_pages(p);
        return make_agents(p);
}

static bool make_back(struct pipeline *p)
{
        http_want_bodies(p->http, on_body);
        return make_observe(p) && make_engine(p);
}

static void drop_observe(struct pipeline *p)
{
        observe_free(&p->observe);
        agents_free(&p->agents);
        free(p->wanted);
        p->wanted = NULL;
}

bool pipeline_reload(struct pipeline *p, const struct setup *setup, hosts_fn *hosts,
                     void *hosts_context)
{
        struct pipeline old = *p;

        /* Records that wait have the old map's page numbers. */
        release(p, INT64_MAX);
        pipeline_settle(p);
        p->options.setup = setup;
        p->observe = NULL;
        p->agents = NULL;
        p->wanted = NULL;
        if (!make_observe(p) ||
            !engine_swap_rules(p->engine, setup->rules, setup->site)) {
                drop_observe(p);
                p->options.setup = old.options.setup;
                p->pages = old.pages;
                p->observe = old.observe;
                p->agents = old.agents;
                p->wanted = old.wanted;
                return false;
        }
        struct watch_options watch = watch_options(p);
        engine_watch(p->engine, &watch);
        struct block_limits limits = config_block_limits(&setup->config);
        engine_limit_blocks(p->engine, &limits);
        drop_observe(&old);
        p->options.hosts = hosts;
        p->options.hosts_context = hosts_context;
        struct outside_sources outside = outside_of(p);
        engine_set_outside(p->engine, &outside);
        return true;
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
        struct pipeline *p = calloc(1, sizeof(*p));
        struct timeline_handler handler = { on_frame, on_step_back, p };

        CHECK(p);
        timeline_init(&p->timeline, &handler, options->counters);
        p->options = *options;
        p->counters = options->counters;
        make_frame_options(p);
        p->missed_due_ns = INT64_MIN / 2;
        hold_init(&p->hold, options->hold_ns, HOLD_BYTES);
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
        drop_observe(p);
        stream_free(&p->stream);
        http_free(&p->http);
        hellos_free(&p->hellos);
        hold_free(&p->hold);
        batch_free(&p->batch);
        held_free(&p->held);
        fragment_free(&p->fragments);
        timeline_free(&p->timeline);
        free(p->tunnel_sources);
        free(p);
        *pipeline = NULL;
}
