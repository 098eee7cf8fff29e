/* SPDX-License-Identifier: MIT */
/*
 * transaction - one request and, where it was seen, its response.
 *
 * What the http layer hands upward. All slices are borrowed for the call: they
 * lie in the packet or in the connection's own memory. Times are packet times.
 */
#ifndef HTTP_TRANSACTION_H
#define HTTP_TRANSACTION_H

#include "base/ip.h"
#include "packet/tcp_shape.h"

/* One header line: name as it came (case kept), value without outer blanks. */
struct http_header {
        struct slice name, value;
};

struct http_headers {
        const struct http_header *lines; /* in wire order */
        uint32_t count;
};

struct transaction {
        struct endpoint client, server; /* of the TCP connection */
        struct endpoint announced;      /* the client that a PROXY header named */
        bool is_announced;
        bool is_proxied; /* there was a PROXY header, whether or not it named one */
        struct tcp_shape tcp_shape; /* of the client's SYN, or none */

        /*
         * Which request of its connection it is, of those that were seen: 1, 2, ...,
         * UINT32_MAX at the most. It was pipelined when it came before the response to
         * the one before it had ended.
         */
        uint32_t connection_request;
        bool pipelined;

        /* Request. */
        int64_t request_first_ns, request_last_ns; /* its first and last byte */
        struct slice method, target;               /* as they came */
        uint8_t version_major, version_minor;      /* 1.x, or 2.0 */
        /*
         * HTTP/2: fields without the pseudo-header ones, but for :authority, which is a
         * line like Host.
         */
        struct http_headers request_headers;
        uint64_t request_bytes;    /* head and body, whether seen or lost */
        struct slice request_body; /* its first bytes, without the transfer coding; none
                                      when nobody wanted them */
        bool request_body_cut;     /* there was more: past the cap, lost, or never sent */

        /* HTTP/2: how the connection began (h2_shape.h), and this request: the order of
           its pseudo-header fields, and in the lowest bit whether a priority came with
           it. */
        struct slice h2_shape;
        uint32_t h2_order;

        /* Response; status 0 when it was not seen. */
        uint16_t status;
        /*
         * HTTP/1: the server ended the connection in place of a response, or never even
         * acknowledged the request until the client gave up. False where bytes were
         * missed that may have been the response.
         */
        bool unanswered;
        bool response_complete; /* false: cut off by a gap, a close or the end of input */
        int64_t response_first_ns, response_last_ns;
        struct http_headers response_headers;
        uint64_t response_bytes;
        struct slice response_body; /* as request_body */
        bool response_body_cut;
};

/* Called in order of completion. */
typedef void transaction_fn(void *context, const struct transaction *);

/*
 * Asked once for each request, when its head is complete, while http_want_only is in
 * force: whether somebody wants the transaction. `so_far` has the request's head and who
 * sent it.
 */
typedef bool transaction_wanted_fn(void *context, const struct transaction *so_far);

enum body_of { BODY_OF_REQUEST, BODY_OF_RESPONSE };

/*
 * Asked once for each message that has a body, when its head is complete (of a response:
 * the final head): how many bytes of the body are wanted, 0 for none. `so_far` holds
 * what is known by then.
 */
typedef size_t body_wanted_fn(void *context, const struct transaction *so_far,
                              enum body_of);

#endif
