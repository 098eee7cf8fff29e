/* SPDX-License-Identifier: MIT */
/*
 * http - from the two byte streams of a connection to its transactions.
 *
 * A stream_handler: it is given the bytes of both directions in causal order and
 * hands on one transaction for each request, when its response is complete or
 * will not be seen. Knows no packet, port or clock. HTTP/1.x, and HTTP/2 in the clear (by
 * prior knowledge or by an upgrade); connections that speak neither are recognised by
 * their first bytes and ignored.
 *
 * Bodies are not read: their length is passed over by arithmetic, so that lost
 * bytes in them do not matter. One that somebody wants (http_want_bodies) is copied
 * as it comes, up to a cap; from lost bytes on it is passed over like the others.
 * Heads are parsed where they lie; a request's is
 * kept until its response is complete, and so is a response's whose body spans
 * segments.
 *
 * A PROXY header at the start of a connection is taken off, and its client told with each
 * transaction. What else is no HTTP (a ClientHello) is shown to who asked for it; one
 * that was not seen is counted when the connection ends, or is ignored, without a word of
 * HTTP.
 *
 * After lost bytes elsewhere, or a message that breaks the grammar, a direction
 * is out of step until a boundary is proved:
 *   - a response begins exactly where the client, when it sent the only
 *     outstanding request, had acknowledged everything;
 *   - a request begins with a segment, and the server has sent something since
 *     the loss that the client has acknowledged in full.
 * Neither is taken on a connection that was seen to pipeline. docs/decisions/002
 * gives the reasons, and what cannot be seen. No request is invented, and none gets
 * another's response.
 *
 * What HTTP/2 does differently is told in h2_priv.h.
 *
 * Sources: RFC 9110, RFC 9112, RFC 9113; proxy.h.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/counters.h"
#include "http/transaction.h"
#include "stream/stream.h"

struct http;

/*
 * The first bytes of a connection that are no HTTP. `bytes` are all of them so far,
 * borrowed for the call; a PROXY header that came before is not among them.
 */
struct http_opening {
        struct slice bytes;
        struct endpoint client, server; /* the client that a PROXY header names, if any */
        int64_t time_ns;                /* of the first byte */
        const struct flow *flow;
};

enum http_foreign {
        HTTP_FOREIGN_UNKNOWN, /* not known here: the connection is ignored */
        HTTP_FOREIGN_MORE,    /* known and not complete: asked again with more bytes */
        HTTP_FOREIGN_DONE,    /* taken: the rest of the connection is ignored */
};

/* What may stand before or in place of HTTP. All functions may be NULL. */
struct http_opening_handler {
        /* Whether a PROXY header from this peer is believed; of others it is no HTTP. */
        bool (*believes)(void *context, const struct ip *peer);
        /* Whether these first bytes may be of a protocol that `foreign` knows. */
        bool (*may_be_foreign)(struct slice first);
        /* Whether a segment may be of it when its first bytes were not seen. */
        bool (*may_go_on_foreign)(struct slice segment);
        enum http_foreign (*foreign)(void *context, const struct http_opening *);
        void *context;
};

struct http_options {
        uint32_t head_max;     /* bytes of one head; longer ones break the message */
        uint32_t lines_max;    /* header lines that are looked at, up to 256 */
        uint32_t pipeline_max; /* outstanding requests of one connection */
        uint64_t
            memory_max; /* bytes of kept heads and bodies, all connections together */
        uint32_t h2_streams_max; /* outstanding requests of one connection of HTTP/2 */
        struct http_opening_handler opening;
};

/* NULL when the memory cannot be reserved. `counters` is borrowed. */
struct http *http_new(const struct http_options *, transaction_fn *transaction,
                      void *context, struct counters *counters);
void http_free(struct http **);

/* Who is asked which bodies are kept, with the context of http_new. Default: none. */
void http_want_bodies(struct http *, body_wanted_fn *);

/*
 * From now on only transactions that are wanted are handed on, of requests that come from
 * now on; NULL: all are. Of others nothing is kept but what the connection's next
 * messages need to be understood.
 */
void http_want_only(struct http *, transaction_wanted_fn *);

/* To be given to stream_new; lives as long as the http. */
const struct stream_handler *http_handler(const struct http *);

/* Bytes of heads and bodies that are kept now. */
uint64_t http_memory(const struct http *);

#endif
