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

        /* Request. */
        int64_t request_first_ns, request_last_ns; /* its first and last byte */
        struct slice method, target;               /* as they came */
        uint8_t version_minor;                     /* of HTTP/1.x */
        struct http_headers request_headers;
        uint64_t request_bytes;    /* head and body, whether seen or lost */
        struct slice request_body; /* its first bytes, without the transfer coding; none
                                      when nobody wanted them */
        bool request_body_cut;     /* there was more: past the cap, lost, or never sent */

        /* Response; status 0 when it was not seen. */
        uint16_t status;
        bool response_complete; /* false: cut off by a gap, a close or the end of input */
        int64_t response_first_ns, response_last_ns;
        struct http_headers response_headers;
        uint64_t response_bytes;
        struct slice response_body; /* as request_body */
        bool response_body_cut;
};

/* Called in order of completion. */
typedef void transaction_fn(void *context, const struct transaction *);

enum body_of { BODY_OF_REQUEST, BODY_OF_RESPONSE };

/*
 * Asked once for each message that has a body, when its head is complete (of a response:
 * the final head): how many bytes of the body are wanted, 0 for none. `so_far` holds
 * what is known by then.
 */
typedef size_t body_wanted_fn(void *context, const struct transaction *so_far,
                              enum body_of);

#endif
