/* SPDX-License-Identifier: MIT */
/*
 * tls_record - the ClientHello at the beginning of a TCP connection.
 *
 * The bytes of the side that began go in as they come; the whole handshake message
 * comes out, whether it fills part of one segment or is spread over many records
 * and segments. Nothing is copied when it lies in one record and in one call.
 *
 *   22 3 1 | length |  1 | length | hello ... | 22 3 1 | length | ... hello
 *      record          handshake message        next record
 *
 * What is kept grows with what has come, not with what a header promises. Owns one
 * block of the caller's `blocks` while it waits. The caller counts. SSL 2.0 framing
 * and DTLS are not TLS here.
 *
 * Sources: RFC 8446 5.1 (records, no empty ones for handshakes), 4 (messages).
 */
#ifndef TLS_TLS_RECORD_H
#define TLS_TLS_RECORD_H

#include "base/blocks.h"
#include "base/slice.h"
#include "tls/client_hello.h"

enum { TLS_RECORD_HEADER = 5, TLS_RECORDS_MAX = 32 };

/* All zero is the beginning. */
struct tls_record {
        uint8_t *kept; /* the message's bytes so far, or NULL */
        uint32_t room; /* of that block */
        uint32_t used;
        uint16_t left; /* bytes of the record still to come */
        uint8_t header_len;
        uint8_t header[TLS_RECORD_HEADER]; /* of the record, until it is whole */
};

enum tls_record_result {
        TLS_RECORD_MORE,
        TLS_RECORD_DONE,     /* *hello is the whole message */
        TLS_RECORD_NOT_TLS,  /* no handshake, or no ClientHello */
        TLS_RECORD_TOO_LONG, /* more than CLIENT_HELLO_MAX bytes */
        TLS_RECORD_NO_ROOM,  /* the blocks are used up */
};

/* Whether a connection that begins like this may be TLS; any number of bytes, none too.
 */
bool tls_may_begin(struct slice first);

/* Whether a TCP segment begins like a record of TLS, of whatever type. */
bool tls_record_may_begin(struct slice segment);

/*
 * Whether a connection's first bytes may hold the whole hello, or can never: then it is
 * time to look. Walks TLS_RECORDS_MAX records at most; nobody honest needs as many.
 */
bool tls_hello_is_due(struct slice first);

/*
 * Takes the next bytes, in order. After any result but TLS_RECORD_MORE it is over: no
 * further bytes, and tls_record_release, after which *hello is gone if it was kept.
 */
enum tls_record_result tls_record_feed(struct tls_record *, struct blocks *,
                                       struct slice bytes, struct slice *hello);

/* Gives back what it keeps. */
void tls_record_release(struct tls_record *, struct blocks *);

#endif
