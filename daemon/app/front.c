/* SPDX-License-Identifier: MIT */
#include "app/front.h"

#include "app/load.h"
#include "app/timeline.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/http.h"
#include "observe/observe.h"
#include "packet/fragment.h"
#include "packet/frame.h"
#include "stream/stream.h"
#include "tls/hellos.h"

#include <stdlib.h>

/* A QUIC hello comes within a few round trips, or never. */
#define QUIC_AGE (10 * NS_PER_SEC)

struct front {
        struct front_options options;
        struct fragments *fragments;
        struct http *http;
        struct stream *stream;
        struct hellos *hellos;
        struct tcp_shape syn; /* of the connection whose hello is being read */
        struct observe *observe;
        struct agents *agents; /* NULL: no rule asks */
        struct counters *counters;
        bool *wanted; /* pages that a rule looks at */
        struct frame_options frame;
        struct network *tunnel_sources;
        struct timeline timeline;
        unsigned level; /* of load */
};

static void on_transaction(void *context, const struct transaction *t)
{
        struct front *f = context;
        const struct record *record = observe_transaction(f->observe, t);

        if (record)
                f->options.sink.record(f->options.sink.context, record);
}

static size_t on_body(void *context, const struct transaction *t, enum body_of of)
{
        struct front *f = context;

        return observe_body_wanted(f->observe, t, of);
}

static bool on_head(void *context, const struct transaction *t)
{
        struct front *f = context;

        return observe_visitor_wanted(f->observe, t);
}

static uint8_t rank_of(void *context, const struct ip *ip)
{
        const struct front *f = context;

        return observe_rank(f->observe, ip);
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

/* UDP: only the hellos of QUIC are looked for. */
static void on_datagram(struct front *f, const struct datagram *d, int64_t time_ns)
{
        struct hello_place place = { .client = { d->source, d->source_port },
                                     .server = { d->destination, d->destination_port },
                                     .time_ns = time_ns };

        f->counters->datagrams++;
        if (front_sample_shift(f) && rank_of(f, &d->source) < front_sample_shift(f))
                return;
        f->syn = (struct tcp_shape){ 0 };
        hellos_datagram(f->hellos, &place, d->payload);
}

/* A packet whose time is believed. */
static void on_frame(void *context, const struct capture_frame *frame)
{
        struct front *f = context;
        union frame found;
        enum frame_result result = frame_decode(frame->link, frame->captured,
                                                frame->wire_length, &f->frame, &found);

        if (result == FRAME_FRAGMENT)
                result = fragment_resolve(f->fragments, result, &f->frame, frame->time_ns,
                                          &found);
        if (result == FRAME_SEGMENT)
                stream_segment(f->stream, &found.segment, frame->time_ns);
        else if (result == FRAME_DATAGRAM)
                on_datagram(f, &found.datagram, frame->time_ns);
        else
                count_frame(f->counters, result);
}

static void on_unanswered(void *context, const struct flow *flow, int64_t begin_ns)
{
        struct front *f = context;

        f->options.sink.unanswered(f->options.sink.context,
                                   &flow_endpoint(flow, FLOW_INITIATOR)->ip, begin_ns);
}

/* Ends all connections; a packet that waits for its time to be believed goes on waiting.
 */
static void end_connections(struct front *f)
{
        fragment_finish(f->fragments);
        stream_finish(f->stream);
        hellos_finish(f->hellos);
}

static void on_step_back(void *context, int64_t from_ns, int64_t to_ns)
{
        struct front *f = context;

        end_connections(f);
        f->options.sink.step_back(f->options.sink.context, from_ns, to_ns);
}

static void on_hello(void *context, const struct hello *hello)
{
        struct front *f = context;

        f->options.sink.hello(f->options.sink.context, hello, &f->syn);
}

/*
 * All bytes so far come each time. They are looked at once, when the hello is due: what
 * is not whole then is cut into more records than anybody needs.
 */
static enum http_foreign on_foreign(void *context, const struct http_opening *opening)
{
        struct front *f = context;
        struct hello_place place = { opening->client, opening->server, opening->time_ns };
        struct tls_record record = { 0 };

        if (!tls_hello_is_due(opening->bytes))
                return HTTP_FOREIGN_MORE;
        f->syn = flow_tcp_shape(opening->flow);
        bool more = hellos_bytes(f->hellos, &record, &place, opening->bytes);
        hellos_release(f->hellos, &record);
        f->counters->hellos_malformed += more;
        return HTTP_FOREIGN_DONE;
}

static bool believes_proxy_header(void *context, const struct ip *peer)
{
        const struct front *f = context;

        return site_believes_proxy_header(f->options.setup->site, peer);
}

static void make_frame_options(struct front *f)
{
        const struct config *config = &f->options.setup->config;
        const struct text_list *texts = &config->capture.tunnel_sources;

        f->frame.verify = config->capture.checksums == CHECKSUMS_VERIFY;
        f->tunnel_sources = calloc(texts->count + 1, sizeof(*f->tunnel_sources));
        CHECK(f->tunnel_sources);
        f->frame.tunnel_sources = f->tunnel_sources;
        for (unsigned i = 0; i < texts->count; i++) {
                struct slice text = slice_str(texts->items[i]);
                if (slice_is(text, "any"))
                        f->frame.tunnel_sources = NULL;
                else if (!slice_is(text, "none"))
                        CHECK(network_parse(
                            text, &f->tunnel_sources[f->frame.tunnel_source_count++],
                            NULL));
        }
}

static bool make_parsers(struct front *f)
{
        const struct config *config = &f->options.setup->config;
        struct http_options http = {
                .head_max = (uint32_t)config->limits.head,
                .lines_max = (uint32_t)config->limits.headers,
                .pipeline_max = (uint32_t)config->limits.pipeline,
                .memory_max = config->limits.http_memory,
                .h2_streams_max = (uint32_t)config->limits.h2_streams,
                .opening = { believes_proxy_header, tls_may_begin, tls_record_may_begin,
                             on_foreign, f },
        };
        struct stream_options stream = {
                .flows_max = (uint32_t)config->limits.flows,
                .idle_ns = config->limits.flow_idle_ns,
                .half_open_ns = config->limits.flow_half_open_ns,
                .reorder_ns = config->limits.reorder_ns,
                .memory_max = config->limits.reassembly,
                .flow_memory = (uint32_t)config->limits.reassembly_flow,
                .unanswered = on_unanswered,
                .unanswered_context = f,
                .rank = rank_of,
                .rank_context = f,
                .hash_key = f->options.flow_key,
        };

        struct hellos_options hellos = {
                .quic = { .connections_max = (uint32_t)config->limits.quic,
                          .memory_max = config->limits.hello_memory,
                          .age_ns = QUIC_AGE,
                          .hash_key = f->options.flow_key },
                .tcp_memory = config->limits.hello_memory,
                .hello = on_hello,
                .context = f,
        };

        f->hellos = hellos_new(&hellos, f->counters);
        if (!f->hellos)
                return false;
        f->fragments =
            fragment_new(config->limits.fragments, f->options.flow_key, f->counters);
        if (!f->fragments)
                return false;
        f->http = http_new(&http, on_transaction, f, f->counters);
        if (f->http)
                f->stream = stream_new(&stream, http_handler(f->http), f->counters);
        if (f->http)
                http_want_bodies(f->http, on_body);
        return f->http && f->stream;
}

static bool has_same_map(const struct setup *a, const struct setup *b)
{
        struct buf x = { 0 }, y = { 0 };

        site_print(a->site, &x);
        site_print(b->site, &y);
        bool same = slice_equal(buf_slice(&x), buf_slice(&y));
        buf_free(&x);
        buf_free(&y);
        return same;
}

static bool wants_same_pages(const struct setup *a, const struct setup *b)
{
        const struct value_names *pages = site_page_names(a->site);

        for (int page = 0; pages->name(pages->context, page); page++)
                if (rules_look_at(a->rules, (unsigned)page) !=
                    rules_look_at(b->rules, (unsigned)page))
                        return false;
        return true;
}

bool front_is_same(const struct setup *a, const struct setup *b)
{
        return has_same_map(a, b) && wants_same_pages(a, b) &&
               rules_follow_sessions(a->rules) == rules_follow_sessions(b->rules) &&
               rules_read_agents(a->rules) == rules_read_agents(b->rules) &&
               site_wants_same_headers(a->site, b->site) &&
               a->lists_hash == b->lists_hash;
}

/* When nobody asked to see all requests, only those that rules look at are described. */
static void want_pages(struct front *f)
{
        const struct rules *rules = f->options.setup->rules;
        const struct value_names *pages = site_page_names(f->options.setup->site);
        int count = 0;

        while (pages->name(pages->context, count))
                count++;
        f->wanted = calloc((size_t)count, sizeof(*f->wanted));
        CHECK(f->wanted);
        for (int page = 0; page < count; page++)
                f->wanted[page] = rules_look_at(rules, (unsigned)page);
        observe_only(f->observe, f->wanted);
        if (rules_follow_sessions(rules))
                observe_sessions(f->observe);
}

/* Work that only rules can ask for. */
static bool make_agents(struct front *f)
{
        const struct setup *setup = f->options.setup;

        if (!setup->agents || !rules_read_agents(setup->rules))
                return true;
        f->agents = agents_new(setup->agents, &f->options.flow_key,
                               (uint32_t)setup->config.limits.agents, f->counters);
        observe_agents(f->observe, f->agents);
        return f->agents;
}

/* What reads transactions by the site map and for the rules. False: no memory. */
static bool make_observe(struct front *f)
{
        const struct setup *setup = f->options.setup;

        f->observe = observe_new(setup->site, &f->options.observe_key, f->counters);
        observe_forms(f->observe, setup->config.limits.form_body, setup->disposable);
        if (!f->options.takes_all)
                want_pages(f);
        observe_reduce(f->observe, load_is_reduced(f->level));
        observe_sample(f->observe, front_sample_shift(f));
        return make_agents(f);
}

static void drop_observe(struct front *f)
{
        observe_free(&f->observe);
        agents_free(&f->agents);
        free(f->wanted);
        f->wanted = NULL;
}

bool front_reload(struct front *f, const struct setup *setup)
{
        struct front old = *f;

        f->options.setup = setup;
        f->observe = NULL;
        f->agents = NULL;
        f->wanted = NULL;
        if (make_observe(f)) {
                drop_observe(&old);
                front_set_load(f, f->level);
                return true;
        }
        drop_observe(f);
        f->options.setup = old.options.setup;
        f->observe = old.observe;
        f->agents = old.agents;
        f->wanted = old.wanted;
        return false;
}

uint8_t front_sample_shift(const struct front *f)
{
        uint8_t of_load = load_sample_shift(f->level);
        uint8_t fixed = (uint8_t)f->options.setup->config.limits.sample;

        return fixed > of_load ? fixed : of_load;
}

void front_set_load(struct front *f, unsigned level)
{
        f->level = level;
        observe_reduce(f->observe, load_is_reduced(level));
        observe_sample(f->observe, front_sample_shift(f));
        http_want_only(f->http, front_sample_shift(f) ? on_head : NULL);
        stream_sample(f->stream, front_sample_shift(f));
        stream_take_shapes(f->stream, !load_is_reduced(level));
}

void front_frame(struct front *f, const struct capture_frame *frame)
{
        f->counters->packets++;
        f->counters->packet_bytes += frame->wire_length;
        timeline_frame(&f->timeline, frame);
}

int64_t front_advance(struct front *f, int64_t now_ns)
{
        now_ns = timeline_advance(&f->timeline, now_ns);
        fragment_advance(f->fragments, now_ns);
        stream_advance(f->stream, now_ns);
        return now_ns;
}

int64_t front_now(const struct front *f)
{
        return f->timeline.now_ns;
}

void front_look(const struct front *f, struct front_use *use)
{
        *use = (struct front_use){ .flows = stream_flow_count(f->stream),
                                   .reassembly = stream_held(f->stream),
                                   .http = http_memory(f->http),
                                   .fragments = fragment_memory(f->fragments),
                                   .hellos = hellos_memory(f->hellos) };
}

void front_finish(struct front *f)
{
        timeline_finish(&f->timeline);
        end_connections(f);
}

struct front *front_new(const struct front_options *options)
{
        struct front *f = calloc(1, sizeof(*f));
        struct timeline_handler handler = { on_frame, on_step_back, f };

        CHECK(f);
        f->options = *options;
        f->counters = options->counters;
        timeline_init(&f->timeline, &handler, options->counters);
        make_frame_options(f);
        if (!make_parsers(f) || !make_observe(f))
                front_free(&f);
        else
                front_set_load(f, 0);
        return f;
}

void front_free(struct front **front)
{
        struct front *f = *front;

        if (!f)
                return;
        drop_observe(f);
        stream_free(&f->stream);
        http_free(&f->http);
        hellos_free(&f->hellos);
        fragment_free(&f->fragments);
        timeline_free(&f->timeline);
        free(f->tunnel_sources);
        free(f);
        *front = NULL;
}
