/* SPDX-License-Identifier: MIT */
/*
 * connection - where both directions of one HTTP connection stand. Only for http/.
 *
 *      http.c        the stream_handler: who is the client, what goes where
 *      opening.c     the first bytes: a PROXY header, another protocol, or HTTP
 *      message.c     heads and bodies of one direction
 *      connection.c  which response answers which request, and what is done
 *                    when that is no longer known
 *      h2*.c         the same for HTTP/2 (h2_priv.h)
 */
#ifndef HTTP_CONNECTION_PRIV_H
#define HTTP_CONNECTION_PRIV_H

#include "http/chunked.h"
#include "http/exchange.h"
#include "http/http.h"

enum side_state {
        SIDE_HEAD,    /* at a message boundary, or inside a head */
        SIDE_OPENING, /* the client's first bytes, whatever they are */
        SIDE_BODY,    /* being passed over by the stream, or kept as it comes */
        SIDE_CHUNKED,
        SIDE_CHUNK, /* the data of one chunk, the same */
        SIDE_UNTIL_CLOSE,
        SIDE_LOST, /* out of step */
        SIDE_H2,   /* HTTP/2: see h2_priv.h */
};

/* One direction. */
struct http_side {
        uint8_t *partial; /* a head that came in pieces, so far */
        uint32_t partial_len, partial_room;
        int64_t message_start; /* offset of the message's first byte */
        int64_t message_heard; /* and what its sender had heard then */
        int64_t first_ns;
        int64_t
            kept_until; /* end of the run of body bytes that is kept; 0: passed over */
        struct chunked chunked;
        uint8_t state;
        bool unproven;   /* the head begins where a boundary is only likely */
        bool lost_early; /* before it was known whether this is HTTP; not counted yet */
};

/* The handler's bytes of a flow. All zero is a connection that has not spoken. */
struct connection {
        struct http_side side[2];
        struct exchange *first, *last; /* outstanding, oldest first */
        struct exchange *requesting;   /* one of them, whose body is still coming */
        struct h2 *h2;                 /* NULL: HTTP/1 */
        int64_t server_mark;           /* a request is proved by a response behind this */
        int64_t client_mark;           /* end of what was lost of the client last */
        int64_t asked_heard;           /* what the client had heard at its last request */
        int64_t response_start; /* where the next response must begin, when out of step */
        uint32_t requests;      /* seen so far, saturating */
        uint8_t client;         /* which flow_side it is */
        uint8_t outstanding;
        uint8_t strange;
        bool roles_known, spoken, pipelines, response_expected;
        bool has_asked, server_ended;
        bool may_pipeline; /* seen out of step only: no response is found by its place */
        bool hello_is_missed; /* bytes of another protocol without its beginning */
        bool behind;     /* the newest request came before the last response had ended */
        bool is_proxied; /* a PROXY header has come */
        bool is_announced;         /* and it named a client */
        struct endpoint announced; /* this one */
};

struct http {
        struct http_options options;
        struct stream_handler handler;
        struct blocks blocks;
        transaction_fn *transaction;
        body_wanted_fn *body_wanted;   /* NULL: no body is */
        transaction_wanted_fn *wanted; /* NULL: each transaction is */
        void *context;
        struct counters *counters;
        struct head head; /* scratch of the head that is being parsed */
        uint8_t *h2_text; /* and of the fields of HTTP/2, options.head_max bytes */
};

/* Bytes that are being looked at, and what the handler functions share. */
struct feed {
        struct http *http;
        struct flow *flow;
        struct connection *conn;
        enum flow_side which;
        struct http_side *side;
        struct flow_bytes bytes;
};

static inline bool connection_is_client(const struct connection *conn,
                                        enum flow_side which)
{
        return which == conn->client;
}

/* A word of HTTP has come: what was lost before it was HTTP too. */
static inline void connection_is_http(struct http *h, struct connection *conn)
{
        if (conn->spoken)
                return;
        conn->spoken = true;
        h->counters->http_desyncs += conn->side[0].lost_early + conn->side[1].lost_early;
}

static inline void feed_pass(struct flow_bytes *bytes, size_t len)
{
        bytes->bytes = slice_from(bytes->bytes, len);
        bytes->offset += (int64_t)len;
        bytes->starts_segment = bytes->starts_segment && len == 0;
}

/* Hands an exchange on that is in no list any more, and releases it. */
void connection_hand_on(struct http *, struct exchange *);

static inline void connection_count_request(struct connection *conn)
{
        conn->requests += conn->requests < UINT32_MAX;
}

/* What a transaction of the feed's side has from its connection. */
void connection_describe(const struct feed *, struct transaction *);

/* Asks whether the body that comes next is wanted. */
void connection_ask_for_body(struct http *, struct exchange *, enum body_of);

/* Hands on the oldest one of HTTP/1. */
void connection_emit(struct http *, struct connection *, struct exchange *);

/* Notes the response bytes that have passed by now. */
void connection_close_response(const struct connection *, struct flow *,
                               struct exchange *, int64_t time_ns);

/* Nobody will answer what is outstanding, as far as can be seen. */
void connection_emit_all(struct http *, struct connection *, struct flow *,
                         int64_t time_ns);

void connection_drop_partial(struct http *, struct http_side *);

/*
 * Gives the block of a partial head back. Behind the head there may be the first bytes of
 * its body, so its `len` bytes are wiped as those of a body are (body.h).
 */
void connection_give_partial(struct http *, uint8_t *block, uint32_t len, uint32_t room);

/* No more is learnt of this connection: counts a hello that it seems to have had. */
void connection_count_hello(struct http *, struct connection *);

/* This direction has lost its message boundary. */
void connection_lose_step(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* A request comes. Had the client heard nothing since its last one? Then it pipelines. */
bool connection_asks_unheard(struct connection *, int64_t heard);

/* It is not HTTP, or none any more that could be followed. */
void connection_give_up(struct http *, struct flow *, int64_t time_ns);

/* Out of step: passes over bytes until a boundary is proved. */
void connection_feed_lost(struct feed *);

/* The first bytes of the client. What is HTTP is left to message_feed_head. */
void opening_feed(struct feed *);
bool opening_may_be_foreign(const struct http *, struct slice first);

/* No HTTP has been seen, and something was missed: are these bytes another protocol's? */
void opening_look_inside(struct feed *);

/* A message begins with the first byte of the feed. */
void message_begin(struct feed *);

/* Appends to the head that comes in pieces. False when it is too long. */
bool message_keep_partial(struct feed *, struct slice more);

/* At a boundary or inside a head; inside a chunked body. Takes what it can. */
void message_feed_head(struct feed *);
void message_feed_chunked(struct feed *);

/* Inside a run of body bytes that is kept. */
void message_feed_kept(struct feed *);

/*
 * Bytes were lost before flow_position(). True when they all belong to a body whose
 * end is known, so that the boundary is not lost with them.
 */
bool message_survives_gap(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* A run of body bytes has passed: the whole body, or one chunk. */
void message_run_ends(struct http *, struct flow *, enum flow_side, int64_t time_ns);

/* The message of this direction is complete. */
void message_ends(struct http *, struct flow *, enum flow_side, int64_t time_ns);

#endif
