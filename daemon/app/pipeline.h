/* SPDX-License-Identifier: MIT */
/*
 * pipeline - the layers bound together: frames go in, incidents come out.
 *
 *      frame_decode (fragment_resolve) -> stream -> http -> observe -> engine
 *                                   |        `---> tls -----------------^   `->
 * incident_fn
 *                                   `-> tls (QUIC)
 *
 * The one file that knows all of them. Reads no clock. Files and live captures
 * drive it alike (files.c, live.c).
 */
#ifndef APP_PIPELINE_H
#define APP_PIPELINE_H

#include "app/check.h"
#include "base/hash.h"
#include "capture/capture.h"
#include "detect/engine.h"
#include "observe/observe.h"

struct pipeline;

struct pipeline_options {
        const struct setup *setup;  /* borrowed: limits, site map, rules */
        struct hash_key flow_key;   /* of the flow table: secret where traffic is live */
        struct hash_key engine_key; /* of windows and sketches */
        uint8_t id_key[32];
        pseudonym_fn *pseudonym;
        void *pseudonym_context;
        incident_fn *incident;
        void *incident_context;
        struct buf *requests; /* gets a JSON line for each request; NULL: none wanted */
        struct buf *hellos;   /* the same for each ClientHello */
        hosts_fn *hosts; /* who can be asked for the names of an address; NULL: nobody */
        void *hosts_context;
        int64_t hold_ns; /* records wait so long, where several interfaces are read */
        struct counters *counters;
};

/* NULL when the memory for the limits cannot be reserved. */
struct pipeline *pipeline_new(const struct pipeline_options *);
void pipeline_free(struct pipeline **);

void pipeline_frame(struct pipeline *, const struct capture_frame *);

/* Time passes without packets. */
void pipeline_advance(struct pipeline *, int64_t now_ns);

/* The input is over: flows and incidents are ended. */
void pipeline_finish(struct pipeline *);

#endif
