/* SPDX-License-Identifier: MIT */
/*
 * flow - one TCP connection: which segment is believed, and what is delivered.
 *
 * Only for stream/. table.c owns the flows, finds them and lets them age; this
 * is what happens to one of them. Reads no clock.
 */
#ifndef STREAM_FLOW_PRIV_H
#define STREAM_FLOW_PRIV_H

#include "packet/duplicate.h"
#include "packet/frame.h"
#include "packet/tcp_shape.h"
#include "stream/reasm.h"
#include "stream/stream.h"

/* Pieces held back by one direction at most: bounds the walk through them. */
enum { FLOW_PIECES_MAX = 128 };

/* Further ahead than the largest window (RFC 7323 2.3) is not true. */
#define FLOW_WINDOW_MAX (INT64_C(1) << 30)

struct side {
        struct reasm held;
        int64_t next;       /* offset of the next byte to deliver */
        int64_t skip_until; /* bytes before this one are not wanted */
        int64_t acked;      /* what the peer has acknowledged */
        int64_t end;        /* offset of the FIN, or INT64_MAX */
        uint32_t base;      /* sequence number of offset 0, when known */
        bool known;
        bool ended;
};

/* Whose FIN or RST came first. */
enum flow_end { FLOW_END_NONE, FLOW_END_INITIATOR, FLOW_END_RESPONDER, FLOW_END_UNCLEAR };

enum flow_queue { FLOW_QUEUE_SHORT, FLOW_QUEUE_LONG, FLOW_QUEUES };

struct flow {
        struct endpoint endpoint[2];
        uint32_t hash;
        struct side side[2];
        uint32_t older, newer;             /* in its ageing queue */
        uint32_t stall_older, stall_newer; /* in the queue of stalled flows */
        uint32_t reuse_seq;                /* SYN seen on a live flow: its first byte */
        uint8_t queue : 1, reuse_side : 1;
        bool has_reuse : 1, is_stalled : 1, midstream : 1, ignored : 1, closed : 1;
        bool is_told : 1; /* that its SYN is not answered */
        bool has_rank : 1;
        uint8_t ended_by : 2; /* enum flow_end */
        uint8_t rank;         /* of its initiator, once it was asked for */
        uint16_t syn_time;    /* of the first SYN, in flow_ticks: as much as fits */
        int64_t last_ns;      /* of its last segment */
        int64_t queued_ns;    /* when it was put at the end of its queue */
        int64_t stalled_ns;   /* since when something is held or missing */
        int64_t stall_check_ns;
        struct tcp_shape shape; /* of the initiator's SYN */
        uint64_t user[];        /* the handler's */
};

/* What a flow needs from its surroundings. */
struct flow_context {
        const struct stream_handler *handler;
        struct blocks *blocks;
        struct duplicates *duplicates;
        unanswered_fn *unanswered;
        void *unanswered_context;
        struct reasm_limits limits;
        struct counters *counters;
        bool leaves_shapes; /* SYNs are not described */
};

/* Takes one segment of this connection, sent by `from`. */
void flow_segment(struct flow *, const struct flow_context *, enum flow_side from,
                  const struct segment *, int64_t time_ns);

/* True while bytes are held back or known to be missing. */
bool flow_needs_patience(const struct flow *);

/*
 * Gives up holes: those that the receiver has acknowledged, or with `all` every
 * one. What lay behind them is delivered.
 */
void flow_give_up(struct flow *, const struct flow_context *, bool all, int64_t time_ns);

/* Delivers what is held, tells the handler, releases everything. Once. */
void flow_close(struct flow *, const struct flow_context *, int64_t time_ns);

#endif
