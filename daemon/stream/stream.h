/* SPDX-License-Identifier: MIT */
/*
 * stream - from TCP segments to the bytes of connections, in order.
 *
 * Three promises to the layer above:
 *
 * 1. Each direction's bytes come once and in order. What will never come is
 *    reported as a gap, with its length.
 * 2. Both directions come in causal order: bytes are handed over only after all
 *    that their sender had acknowledged when it sent them was handed over (or
 *    reported as a gap). A response never overtakes its request, however the
 *    capture shuffled them.
 * 3. Bytes that the layer above has asked to skip are never touched; whether
 *    they were there, late or lost makes no difference and no gap.
 *
 * A hole is given up when the receiver has acknowledged what is missing and
 * `reorder_ns` have passed (the network delivered it, the capture lost it), or
 * after 50 times that when nobody acknowledges; at once when there is no room to
 * wait. Flows are forgotten after silence, or when the table is full: half-open and
 * closed ones first.
 *
 * Memory: one object for a flow, with the user's bytes at its end, and a
 * hash slot; held segments come from blocks with a budget. Cost of an in-order
 * segment: one keyed hash, one probe, one call.
 *
 * Sources: RFC 9293; RFC 5961 (which RST and SYN to believe).
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/counters.h"
#include "base/hash.h"
#include "base/ip.h"
#include "packet/tcp_shape.h"

struct stream;
struct flow;
struct segment; /* packet/frame.h */

/* Who sent it. The initiator sent the SYN; without one, whoever spoke first. */
enum flow_side { FLOW_INITIATOR, FLOW_RESPONDER };

struct flow_bytes {
        struct slice bytes; /* borrowed for the call, never empty */
        int64_t offset;     /* of the first one, from the start of the direction */
        int64_t heard;      /* peer's bytes that the sender had received, at the least */
        int64_t time_ns;
        bool starts_segment; /* the first byte is the first of a TCP segment */
};

/* What the layer above does with a connection. All run inside stream_* calls. */
struct stream_handler {
        size_t user_size; /* bytes of each flow that are the handler's, zero at first */
        void (*bytes)(void *context, struct flow *, enum flow_side,
                      const struct flow_bytes *);
        /* Bytes before flow_position() were lost, and not to be skipped. */
        void (*gap)(void *context, struct flow *, enum flow_side, int64_t time_ns);
        /* The position asked for by flow_skip is reached. */
        void (*skipped)(void *context, struct flow *, enum flow_side, int64_t time_ns);
        /* FIN: this direction is complete. */
        void (*ended)(void *context, struct flow *, enum flow_side, int64_t time_ns);
        /* The connection is over or forgotten: release what its user bytes own. */
        void (*closed)(void *context, struct flow *, int64_t time_ns);
        void *context;
};

/*
 * An attempt to connect got a RST for an answer, or none: the SYN came again after
 * half a second (RFC 6298 2: nobody waits less) and there was no other word. Told once
 * for each attempt. One whose SYN was seen once and never answered is not told of: its
 * answer may have been missed. `begin_ns` is the time of the first SYN, to some 20 ms.
 */
typedef void unanswered_fn(void *context, const struct flow *, int64_t begin_ns);

/* A visitor's rank (base/sample.h), or that of a proxy, whose connections are many's. */
typedef uint8_t flow_rank_fn(void *context, const struct ip *initiator);

struct stream_options {
        uint32_t flows_max;
        int64_t idle_ns;      /* silence after which a flow is forgotten */
        int64_t half_open_ns; /* the same, without data or after the end */
        int64_t reorder_ns;
        uint64_t memory_max;       /* bytes held back, all flows together */
        uint32_t flow_memory;      /* the same, one direction */
        unanswered_fn *unanswered; /* NULL: nobody asks */
        void *unanswered_context;
        flow_rank_fn *rank; /* NULL: stream_sample is not called */
        void *rank_context;
        struct hash_key hash_key;
};

/* NULL when the memory cannot be reserved. `handler` and `counters` are borrowed. */
struct stream *stream_new(const struct stream_options *, const struct stream_handler *,
                          struct counters *);
void stream_free(struct stream **);

/* One segment. Times that run backwards are taken as no time passing. */
void stream_segment(struct stream *, const struct segment *, int64_t time_ns);

/*
 * From now on only flows of a rank of `shift` or more are followed; 0: all. Others cost a
 * look into the table and a hash for each segment, and no memory: one that is open is
 * closed with its next segment. When the shift falls again, those that are then in the
 * sample are joined in the middle. Without its SYN a flow's initiator, for this purpose,
 * is who has the higher port.
 */
void stream_sample(struct stream *, uint8_t shift);

/* Whether flow_tcp_shape is worked out for flows that begin from now on; at first it is.
 */
void stream_take_shapes(struct stream *, bool);

/* Time passes without segments. */
void stream_advance(struct stream *, int64_t now_ns);

/*
 * The input is over: everything held is handed over, every flow is closed. What comes
 * after this begins anew, at any time.
 */
void stream_finish(struct stream *);

uint32_t stream_flow_count(const struct stream *);

/* Bytes of memory in use: flows, their index, held segments. */
uint64_t stream_memory(const struct stream *);

/* Of them, what is held behind holes: of stream_options.memory_max. */
uint64_t stream_held(const struct stream *);

/* For the handler. */
void *flow_user(struct flow *);
const struct endpoint *flow_endpoint(const struct flow *, enum flow_side);

/* Its beginning was not seen: offsets count from an arbitrary byte. */
bool flow_is_midstream(const struct flow *);

/*
 * How the initiator opened it; none when its SYN was not seen, or came on the ports of
 * a connection that had not ended (it may be forged until it is answered).
 */
struct tcp_shape flow_tcp_shape(const struct flow *);

/* Offset of the next byte of that direction that the handler has not been given. */
int64_t flow_position(const struct flow *, enum flow_side);

/*
 * The peer of `from` was the first to end the connection, by FIN or RST, and nothing of
 * what it sent before was missed; or `from` was, and the end of what it had sent was
 * never acknowledged.
 */
bool flow_was_refused(const struct flow *, enum flow_side from);

/*
 * Bytes up to `until` are not wanted (INT64_MAX: none any more in this
 * direction). Below flow_position it has no effect.
 */
void flow_skip(struct flow *, enum flow_side, int64_t until);

/* Nothing of this connection is wanted any more, except `closed`. */
void flow_ignore(struct flow *);

#endif
