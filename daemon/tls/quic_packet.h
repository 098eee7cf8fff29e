/* SPDX-License-Identifier: MIT */
/*
 * quic_packet - the packets of a QUIC datagram, and the frames of a packet.
 *
 * Pure functions over slices, nothing is copied. Reads what can be read without
 * keys: long headers, and of those the Initial's in full. A datagram may hold
 * several packets (coalesced); a short header, Retry, Version Negotiation and
 * any version that is not in the table end it, for their length is not told.
 *
 * Sources: RFC 9000 12.2, 16, 17.2, 19; RFC 9369 3.1, 3.2 (version 2);
 * RFC 8999 5.1 (what all versions share).
 */
#ifndef TLS_QUIC_PACKET_H
#define TLS_QUIC_PACKET_H

#include "base/slice.h"

enum { QUIC_ID_MAX = 20, QUIC_SALT_SIZE = 20 };

/* One row of the table of versions: what the Initial packets of one differ by. */
struct quic_version {
        uint32_t number;
        uint8_t initial_type; /* the two type bits of its long headers, RFC 9369 3.2 */
        uint8_t retry_type;
        uint8_t salt[QUIC_SALT_SIZE];
        const char *key_label, *iv_label, *mask_label;
};

struct quic_packet {
        const struct quic_version *version;
        bool is_initial;
        struct slice destination_id, source_id;
        struct slice token; /* Initial only; empty without */
        struct slice bytes; /* the whole packet, header and protected payload */
        size_t number_at;   /* offset of the packet number in it */
};

enum quic_packet_result {
        QUIC_PACKET_LONG, /* *packet is filled in */
        QUIC_PACKET_NONE, /* nothing further can be read: no bytes left, or a short header
                           */
        QUIC_PACKET_UNKNOWN_VERSION, /* Version Negotiation is one of these */
        QUIC_PACKET_MALFORMED,
};

/* Takes the next packet off the front of *datagram. */
enum quic_packet_result quic_packet_next(struct slice *datagram, struct quic_packet *);

enum quic_frame_result {
        QUIC_FRAME_CRYPTO,    /* *offset and *data are filled in */
        QUIC_FRAME_OTHER,     /* passed over */
        QUIC_FRAME_NONE,      /* the payload is over */
        QUIC_FRAME_MALFORMED, /* or of a type that an Initial may not hold (12.4) */
};

/* Takes the next frame, or a run of PADDING, off the front of *payload. */
enum quic_frame_result quic_frame_next(struct slice *payload, uint64_t *offset,
                                       struct slice *data);

#endif
