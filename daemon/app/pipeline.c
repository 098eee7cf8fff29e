/* SPDX-License-Identifier: MIT */
#include "app/pipeline.h"

#include "app/batch.h"
#include "app/held.h"
#include "app/hold.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "detect/snapshot.h"

#include <stdlib.h>

/* How often the share of traffic that was missed is worked out. */
#define MISSED_INTERVAL NS_PER_SEC

#define HOLD_BYTES (16u << 20)

struct pipeline {
        struct pipeline_options options;
        struct front *front; /* NULL: what comes out of one is given (pipeline_record) */
        struct hold hold;
        struct batch batch;
        struct held held;
        struct engine *engine;
        struct counters *counters;
        bool has_missed_base;
        struct counters missed_base; /* at the last time the share was worked out */
        const struct value_names *pages;
        int64_t missed_due_ns;
        uint8_t sample_shift; /* one in 2^this visitors is looked at */
        uint8_t sample_most;  /* since the share of what was missed was worked out */
        unsigned batches;     /* since one was timed */
        struct histogram evaluation;
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

static void time_records(struct pipeline *p, const struct record *const records[],
                         unsigned count)
{
        int64_t begin_ns = p->options.clock();

        engine_records(p->engine, records, count);
        histogram_add(&p->evaluation, (p->options.clock() - begin_ns) / count);
        p->batches = 0;
}

void pipeline_settle(struct pipeline *p)
{
        const struct record *records[BATCH_RECORDS];
        unsigned count = batch_take(&p->batch, records);

        if (count && p->options.clock && ++p->batches >= PIPELINE_SAMPLE)
                time_records(p, records, count);
        else
                engine_records(p->engine, records, count);
        held_take(&p->held, on_held, p);
}

static void note_sample(struct pipeline *p, uint8_t shift)
{
        if (shift <= p->sample_most)
                return;
        p->sample_most = shift;
        p->missed_due_ns = INT64_MIN / 2; /* nobody is to think that he saw all */
}

void pipeline_sampled(struct pipeline *p, uint8_t shift)
{
        p->sample_shift = shift;
        note_sample(p, shift);
}

/* A record that has waited for what may have come before it. */
static void on_record(struct pipeline *p, const struct record *record)
{
        note_sample(p, record->sample_shift);
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

static double share_of(uint64_t part, uint64_t rest)
{
        return part ? (double)part / ((double)part + (double)rest) : 0;
}

/* Bytes missing in streams or passed over, packets dropped before we saw them, requests
   that found no room in a ring, visitors who are not in the sample. */
static void note_missed(struct pipeline *p, int64_t now_ns)
{
        const struct counters *now = p->options.traffic, *then = &p->missed_base;
        double gaps = share_of(now->gap_bytes + now->body_bytes_skipped -
                                   then->gap_bytes - then->body_bytes_skipped,
                               now->packet_bytes - then->packet_bytes);
        double drops = share_of(now->kernel_drops + now->interface_drops -
                                    then->kernel_drops - then->interface_drops,
                                now->packets - then->packets);
        double rings =
            share_of(now->ring_full - then->ring_full, now->requests - then->requests);

        pipeline_settle(p);
        if (!p->has_missed_base) /* what was counted before this engine was there */
                gaps = drops = rings = 0;
        p->has_missed_base = true;
        double looked_at = 1.0 / (double)(1U << p->sample_most);
        engine_missed(p->engine, now_ns,
                      1 - (1 - gaps) * (1 - drops) * (1 - rings) * looked_at);
        if (p->sample_most)
                engine_sampled(p->engine, now_ns);
        p->sample_most = p->sample_shift;
        p->missed_base = *now;
        p->missed_due_ns = now_ns + MISSED_INTERVAL;
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

void pipeline_record(struct pipeline *p, const struct record *record)
{
        if (p->options.hold_ns == 0) {
                on_record(p, record);
                return;
        }
        while (!hold_put(&p->hold, record))
                on_record(p, hold_take(&p->hold, INT64_MAX));
}

void pipeline_hello(struct pipeline *p, const struct hello *hello,
                    const struct tcp_shape *syn)
{
        if (p->options.hellos)
                hello_print(hello, p->options.hellos);
        pipeline_settle(p); /* they are joined to what was known before */
        engine_hello(p->engine, hello, syn);
}

void pipeline_unanswered(struct pipeline *p, const struct ip *client, int64_t begin_ns)
{
        pipeline_settle(p);
        engine_unanswered(p->engine, client, begin_ns);
}

void pipeline_step_back(struct pipeline *p, int64_t from_ns, int64_t to_ns)
{
        if (p->counters->clock_resets++ == 0) /* later ones are only counted */
                log_warning(
                    "the packets' clock went back by %lld s: connections, windows "
                    "and incidents begin anew",
                    (long long)((from_ns - to_ns) / NS_PER_SEC));
        release(p, INT64_MAX);
        pipeline_settle(p);
        engine_finish(p->engine);
        engine_free(&p->engine);
        CHECK(make_engine(p)); /* the memory was there a moment ago */
        p->missed_due_ns = to_ns;
}

/* Time has come to `now_ns` with what was given. */
static void pass(struct pipeline *p, int64_t now_ns)
{
        if (p->options.hold_ns)
                release(p, now_ns);
        if (now_ns >= p->missed_due_ns)
                note_missed(p, now_ns);
}

void pipeline_frame(struct pipeline *p, const struct capture_frame *frame)
{
        front_frame(p->front, frame);
        pass(p, front_now(p->front));
}

void pipeline_advance(struct pipeline *p, int64_t now_ns)
{
        if (p->front)
                now_ns = front_advance(p->front, now_ns);
        pass(p, now_ns);
        pipeline_settle(p);
        engine_advance(p->engine, now_ns);
}

void pipeline_flush(struct pipeline *p)
{
        if (p->front)
                front_finish(p->front);
        release(p, INT64_MAX);
        pipeline_settle(p);
}

void pipeline_finish(struct pipeline *p)
{
        pipeline_flush(p);
        engine_finish(p->engine);
}

void pipeline_look(const struct pipeline *p, struct pipeline_state *state)
{
        *state = (struct pipeline_state){
                .engine = p->engine,
                .has_front = p->front,
                .sample_shift = p->sample_shift,
                .evaluation = p->options.clock ? &p->evaluation : NULL,
        };
        if (p->front)
                front_look(p->front, &state->front);
}

struct engine *pipeline_engine(struct pipeline *p)
{
        return p->engine;
}

bool pipeline_save(const struct pipeline *p, FILE *file)
{
        CHECK(p->batch.count == 0);
        return engine_save(p->engine, file);
}

static void sink_record(void *context, const struct record *record)
{
        pipeline_record(context, record);
}

static void sink_hello(void *context, const struct hello *hello,
                       const struct tcp_shape *syn)
{
        pipeline_hello(context, hello, syn);
}

static void sink_unanswered(void *context, const struct ip *client, int64_t begin_ns)
{
        pipeline_unanswered(context, client, begin_ns);
}

static void sink_step_back(void *context, int64_t from_ns, int64_t to_ns)
{
        pipeline_step_back(context, from_ns, to_ns);
}

static bool make_front(struct pipeline *p)
{
        struct front_options front = {
                .setup = p->options.setup,
                .flow_key = p->options.flow_key,
                .observe_key = p->options.engine_key,
                .takes_all = p->options.requests,
                .sink = { sink_record, sink_hello, sink_unanswered, sink_step_back, p },
                .counters = p->counters,
        };

        if (p->options.has_no_front)
                return true;
        p->front = front_new(&front);
        if (p->front)
                pipeline_sampled(p, front_sample_shift(p->front));
        return p->front;
}

bool pipeline_reload(struct pipeline *p, const struct setup *setup, hosts_fn *hosts,
                     void *hosts_context)
{
        const struct setup *old = p->options.setup;

        /* Records that wait have the old map's page numbers. */
        release(p, INT64_MAX);
        pipeline_settle(p);
        if (p->front && !front_reload(p->front, setup))
                return false;
        if (!engine_swap_rules(p->engine, setup->rules, setup->site)) {
                /* As the front was a moment ago, so there is memory for it. */
                CHECK(!p->front || front_reload(p->front, old));
                return false;
        }
        p->options.setup = setup;
        p->pages = site_page_names(setup->site);
        struct watch_options watch = watch_options(p);
        engine_watch(p->engine, &watch);
        struct block_limits limits = config_block_limits(&setup->config);
        engine_limit_blocks(p->engine, &limits);
        p->options.hosts = hosts;
        p->options.hosts_context = hosts_context;
        struct outside_sources outside = outside_of(p);
        engine_set_outside(p->engine, &outside);
        return true;
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
        struct pipeline *p = calloc(1, sizeof(*p));

        CHECK(p);
        p->options = *options;
        p->counters = options->counters;
        if (!p->options.traffic)
                p->options.traffic = options->counters;
        p->pages = site_page_names(options->setup->site);
        p->missed_due_ns = INT64_MIN / 2;
        hold_init(&p->hold, options->hold_ns, HOLD_BYTES);
        if (!make_front(p) || !make_engine(p))
                pipeline_free(&p);
        return p;
}

void pipeline_free(struct pipeline **pipeline)
{
        struct pipeline *p = *pipeline;

        if (!p)
                return;
        engine_free(&p->engine);
        front_free(&p->front);
        hold_free(&p->hold);
        batch_free(&p->batch);
        held_free(&p->held);
        free(p);
        *pipeline = NULL;
}
