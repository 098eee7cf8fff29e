/* SPDX-License-Identifier: MIT */
/*
 * crypto_stream - puts the CRYPTO frames of one QUIC client in order.
 *
 * Frames come in any order, twice, overlapping and in small pieces: Chromium cuts
 * and shuffles its hello on purpose. The first copy of a byte wins. Holds one
 * ClientHello and nothing after it.
 *
 *   0       from    to          from  to
 *   |        ########            #####        ranges that are there, apart and sorted
 *
 * Owns one block of the caller's `blocks`, as large as the furthest byte asks for.
 * Cost: O(CRYPTO_RANGES_MAX) for a frame.
 *
 * Source: RFC 9000 7.5 (4096 bytes is what an endpoint must hold), 19.6.
 */
#ifndef TLS_CRYPTO_STREAM_H
#define TLS_CRYPTO_STREAM_H

#include "base/blocks.h"
#include "base/slice.h"

enum {
        CRYPTO_STREAM_MAX = 16384, /* bytes of a hello, with its handshake header */
        CRYPTO_RANGES_MAX = 64,    /* Chromium makes about ten pieces of a packet */
};

struct crypto_range {
        uint16_t from, to; /* `to` is not in it */
};

/* All zero is the beginning. */
struct crypto_stream {
        uint8_t *bytes;
        uint32_t room; /* of that block */
        uint16_t count;
        struct crypto_range ranges[CRYPTO_RANGES_MAX];
};

enum crypto_result {
        CRYPTO_MORE,
        CRYPTO_DONE,      /* *hello is the whole message, until the release */
        CRYPTO_NOT_HELLO, /* another message than a ClientHello */
        CRYPTO_TOO_LONG,  /* past CRYPTO_STREAM_MAX, or in too many pieces */
        CRYPTO_NO_ROOM,   /* the blocks are used up: the frame was not taken */
};

enum crypto_result crypto_stream_push(struct crypto_stream *, struct blocks *,
                                      uint64_t offset, struct slice data,
                                      struct slice *hello);
void crypto_stream_release(struct crypto_stream *, struct blocks *);

#endif
