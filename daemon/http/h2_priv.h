/* SPDX-License-Identifier: MIT */
/*
 * h2_priv - where a connection of HTTP/2 stands. Only for http/.
 *
 *      h2_begin.c    how a connection becomes one: the preface, or an upgrade
 *      h2.c          frames and header blocks of each direction
 *      h2_stream.c   streams: which response answers which request
 *
 * Each direction must be known from its first byte: its header table is built by
 * everything before. Lost DATA does no harm, but to a body that somebody wants: it is cut
 * there, and passed over from there on. After any other loss, or a frame that breaks the
 * rules, the direction is blind until the connection ends. When it is the server's,
 * requests come out without response; when it is the client's, the responses to what was
 * asked before still do. docs/decisions/008 gives the reasons.
 *
 * The bytes of a message are those of its HEADERS, CONTINUATION and DATA frames, with the
 * nine bytes before each; an interim response is not counted.
 *
 * Owns a block for itself, one for its streams, header tables that grow with their use,
 * and what is kept of a frame or header block that comes in pieces; all from the blocks
 * of the http, under its budget. Finding a stream is a binary search.
 *
 * Sources: RFC 9113; RFC 7540 3.2 for the upgrade.
 */
#ifndef HTTP_H2_PRIV_H
#define HTTP_H2_PRIV_H

#include "http/connection_priv.h"
#include "http/h2_fields.h"
#include "http/h2_frame.h"
#include "http/h2_shape.h"
#include "http/hpack.h"

enum h2_phase {
        H2_PREFACE,   /* a client that has not said it all yet */
        H2_FRAME,     /* at the start of a frame, or inside its header */
        H2_PAYLOAD,   /* of a frame that is looked at */
        H2_DATA_KEPT, /* of DATA whose body is kept as it comes */
        H2_PASSING,   /* of another, being passed over by the stream */
        H2_BLIND,
};

/* One direction. */
struct h2_side {
        struct hpack *hpack; /* NULL until there is a header block */
        uint8_t *buffer;     /* the header block so far, then the payload so far */
        uint32_t buffer_len, buffer_room;
        uint32_t block_len;
        struct h2_frame_reader reader;
        struct h2_frame frame;
        int64_t frame_start, frame_ns; /* offset and time of its first byte */
        uint32_t frame_max;            /* longest payload that the peer takes */
        uint32_t table_max;            /* largest header table that the peer allows */
        struct h2_frame block;         /* the frame that began the header block */
        int64_t block_ns;
        uint64_t block_bytes;
        uint32_t continuations;
        uint8_t padding; /* bytes at the end of the DATA that is kept */
        uint8_t phase;
        uint8_t preface_have;
        bool settled;       /* its first frame has come; a server's is SETTINGS */
        bool in_block;      /* only CONTINUATION may come */
        bool block_ignored; /* too long: only its effect on the table counts */
        bool prioritised;   /* the block's HEADERS carry a priority */
};

struct h2_stream {
        uint32_t id;
        struct exchange *exchange;
};

struct h2 {
        struct h2_side side[2];
        struct h2_stream *streams; /* that wait for their end, by growing id */
        uint32_t stream_count, streams_room;
        uint32_t last_id; /* the highest that the client has begun */
        uint32_t room;
        bool spoken; /* a request has come: the shape is complete */
        bool proven; /* joined in the middle: false until the server agrees */
        struct h2_shape shape;
};

/* ---- h2_begin.c ---- */

extern const struct slice h2_preface;

/*
 * Do these first words of a direction turn the connection to HTTP/2? Then it is one
 * afterwards, and words of the preface that HTTP/1 has kept count as seen.
 */
bool h2_takes(struct feed *);

/* The side goes on as HTTP/2; what it kept of the preface counts. */
void h2_adopt(struct http *, struct connection *, enum flow_side);

/* Are these the first words of a client that speaks HTTP/2, the whole line of them? */
bool h2_is_preface(struct slice bytes);

/* A 101 response has come. True: what follows is HTTP/2, and the request is its stream 1.
 */
bool h2_upgrades(struct feed *, const struct head *response);

/* ---- h2.c ---- */

void h2_feed(struct feed *);
void h2_skipped(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* As message_survives_gap: true when all that was lost is of DATA that was being kept. */
bool h2_survives_gap(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* Nothing that follows in this direction can be known. */
void h2_lose(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* Hands on what waits, and releases everything. */
void h2_close(struct http *, struct flow *, int64_t time_ns);

/* A client's or server's settings, from a frame or an upgrade. */
void h2_apply_settings(struct h2 *, enum flow_side from, struct slice payload);

/* ---- h2_stream.c ---- */

/* A header block is complete; `fields` is what it holds. */
void h2_on_block(struct feed *, struct h2_fields *fields);

/* The body that wants the DATA of the side's frame; NULL when nobody does. */
struct body *h2_wanting_body(const struct connection *, enum flow_side);

/* A frame of DATA, or RST_STREAM, has passed. */
void h2_on_data(struct http *, struct flow *, enum flow_side, int64_t time_ns);
void h2_on_reset(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* A new stream at the end of the list; false when it is full. */
bool h2_add_stream(struct http *, struct h2 *, uint32_t id, struct exchange *);

/* Nobody will answer what waits, as far as can be seen. */
void h2_emit_all(struct http *, struct flow *, int64_t time_ns);

#endif
