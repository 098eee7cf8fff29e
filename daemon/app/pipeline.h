/* SPDX-License-Identifier: MIT */
/*
 * pipeline - the front and the engine bound together: frames in, incidents out.
 *
 *      frame -> front -> record ----------> (hold, batch) -> engine -> incident_fn
 *                 |----> hello, unanswered ------------------^
 *
 * With processes of their own for captures (supervisor.h) it has no front: what fronts
 * elsewhere gave is handed in by pipeline_record and its neighbours.
 *
 * Reads no clock but the one that it is given. Files and live captures drive it alike
 * (files.c, live.c, engine_process.c).
 */
#ifndef APP_PIPELINE_H
#define APP_PIPELINE_H

#include <stdio.h>

#include "app/front.h"
#include "base/histogram.h"
#include "detect/engine.h"

struct pipeline;

struct pipeline_options {
        const struct setup *setup;  /* borrowed: limits, site map, rules */
        bool has_no_front;          /* and no frames are given */
        struct hash_key flow_key;   /* of the flow table: secret where traffic is live */
        struct hash_key engine_key; /* of windows and sketches */
        uint8_t id_key[32];
        pseudonym_fn *pseudonym;
        void *pseudonym_context;
        bool raises_ignored; /* a block that is ignored is an alert of its own */
        incident_fn *incident;
        void *incident_context;
        struct buf *requests; /* gets a JSON line for each request; NULL: none wanted */
        struct buf *hellos;   /* the same for each ClientHello */
        hosts_fn *hosts; /* who can be asked for the names of an address; NULL: nobody */
        void *hosts_context;
        int64_t hold_ns; /* records wait so long, where several interfaces are read */
        FILE *snapshot;  /* that the engine goes on from; NULL: it begins empty */
        int64_t now_ns;  /* with a snapshot: what passed since then was missed */
        int64_t (*clock)(
            void); /* how long rules take is measured by it; NULL: it is not */
        struct counters *counters;
        const struct counters *traffic; /* what was seen of it; NULL: `counters` */
};

/* NULL when the memory for the limits cannot be reserved. */
struct pipeline *pipeline_new(const struct pipeline_options *);
void pipeline_free(struct pipeline **);

/*
 * Goes on with the site map, the rules and the data of another setup, and with who is
 * asked for names (as in the options); its other options do not count. Connections,
 * windows, sets and incidents go on. The old setup may be freed afterwards. False, and
 * nothing has changed, when there is no memory.
 */
bool pipeline_reload(struct pipeline *, const struct setup *, hosts_fn *hosts,
                     void *hosts_context);

/* What was told since the snapshot that the engine goes on from (engine_catch_up). */
void pipeline_catch_up(struct pipeline *, struct told *);
void pipeline_adopt(struct pipeline *, const struct told_incident *, int64_t now_ns);
void pipeline_recall_block(struct pipeline *, const struct told_block *);

/* Whether it goes on from a snapshot; asked before the first packet. */
bool pipeline_goes_on(const struct pipeline *);

/* A block was not put. Taken at once; the engine is told when no record is at hand. */
void pipeline_block_held(struct pipeline *, const struct block_held *);

/* Some records may wait for a few more: see pipeline_settle. */
void pipeline_frame(struct pipeline *, const struct capture_frame *);

/* What a front gave (front.h), in the order in which it is to be counted. */
void pipeline_record(struct pipeline *, const struct record *);
void pipeline_hello(struct pipeline *, const struct hello *, const struct tcp_shape *syn);
void pipeline_unanswered(struct pipeline *, const struct ip *client, int64_t begin_ns);
void pipeline_step_back(struct pipeline *, int64_t from_ns, int64_t to_ns);

/* One in 2^shift visitors is looked at now, as records say too; at first all are. */
void pipeline_sampled(struct pipeline *, uint8_t shift);

/* No frame follows at once: the engine gets what waits. All but pipeline_frame do so. */
void pipeline_settle(struct pipeline *);

/* Time passes without packets. */
void pipeline_advance(struct pipeline *, int64_t now_ns);

/* The input is over: flows are ended, and what waits is looked at. */
void pipeline_flush(struct pipeline *);

/* The same, and incidents are ended. */
void pipeline_finish(struct pipeline *);

/* What it is like at this moment; all is borrowed until the next frame. */
struct pipeline_state {
        const struct engine *engine;
        bool has_front;
        struct front_use front; /* zeroes where there is none */
        /* For every PIPELINE_SAMPLE-th batch of transactions: the mean of one of them. */
        const struct histogram *evaluation;
        uint8_t sample_shift; /* one in 2^this visitors is looked at */
};

#define PIPELINE_SAMPLE 64

void pipeline_look(const struct pipeline *, struct pipeline_state *);

/* The engine itself, for what it has to be asked in more than one call. */
struct engine *pipeline_engine(struct pipeline *);

/* What the engine knows, to a file (snapshot.h). Nothing waits (pipeline_settle). False
 * when that cannot be written. */
bool pipeline_save(const struct pipeline *, FILE *);

#endif
