/* SPDX-License-Identifier: MIT */
/*
 * front - frames go in; records, hellos and unanswered attempts come out.
 *
 *      timeline -> frame_decode (fragment_resolve) -> stream -> http -> observe -> record
 *                                      |                 `---> tls ------------> hello
 *                                      `-> tls (QUIC)
 *
 * What parses the bytes of strangers, and nothing else: it remembers connections, never
 * visitors, and knows no rule but for which pages and headers are asked about. Where
 * captures have processes of their own, this is all that is in them (worker.c).
 *
 * Reads no clock. Owns what it has of connections; the setup is borrowed.
 */
#ifndef APP_FRONT_H
#define APP_FRONT_H

#include "app/check.h"
#include "base/hash.h"
#include "capture/capture.h"
#include "observe/record.h"
#include "tls/hello.h"

/* Who is told. What the arguments point to is borrowed for the call. */
struct front_sink {
        void (*record)(void *context, const struct record *);
        void (*hello)(void *context, const struct hello *, const struct tcp_shape *syn);
        /* A client tried to connect at `begin_ns`, and got no answer or a refusal. */
        void (*unanswered)(void *context, const struct ip *client, int64_t begin_ns);
        /* The packets' clock went back for good: what was counted is of a time to come.
         */
        void (*step_back)(void *context, int64_t from_ns, int64_t to_ns);
        void *context;
};

struct front_options {
        const struct setup *setup;   /* borrowed: limits, site map, rules */
        struct hash_key flow_key;    /* of the flow table: secret where traffic is live */
        struct hash_key observe_key; /* of what records are told apart by; the engine's */
        bool takes_all;              /* also requests that no rule looks at */
        struct front_sink sink;
        struct counters *counters;
};

struct front;

/* NULL when the memory for the limits cannot be reserved. */
struct front *front_new(const struct front_options *);
void front_free(struct front **);

/*
 * Goes on with the site map, the rules and the lists of another setup; connections stay.
 * The old setup may be freed afterwards. False, and nothing has changed, when there is no
 * memory.
 */
bool front_reload(struct front *, const struct setup *);

/* Whether a front with the one setup does the same as with the other, but for options of
   class RELOAD_CAPTURE (config.h). */
bool front_is_same(const struct setup *, const struct setup *);

void front_frame(struct front *, const struct capture_frame *);

/*
 * What is left out for want of time from now on (load.h); at first nothing is. More
 * visitors than limits.sample says are never looked at.
 */
void front_set_load(struct front *, unsigned level);

/* One in 2^this visitors is looked at. */
uint8_t front_sample_shift(const struct front *);

/* Time passes without packets. Returns the time that is believed. */
int64_t front_advance(struct front *, int64_t now_ns);

/* The time that is believed: of the newest packet, or what front_advance was told. */
int64_t front_now(const struct front *);

/* What connections take up at this moment; bytes, of the limits of the names. */
struct front_use {
        uint64_t flows, reassembly, http, fragments, hellos;
};

void front_look(const struct front *, struct front_use *);

/* The input is over: connections are ended, and what they still held comes out. */
void front_finish(struct front *);

#endif
