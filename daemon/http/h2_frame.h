/* SPDX-License-Identifier: MIT */
/*
 * h2_frame - the framing of HTTP/2: nine bytes, then a payload.
 *
 * Reads frame headers, however they are cut, and takes the payloads apart that mean
 * something to us. Never sees the payload of DATA. Pure: owns nothing, keeps no state but
 * the bytes of a header that is not complete.
 *
 * Sources: RFC 9113 4.1 and 6.
 */
#ifndef HTTP_H2_FRAME_H
#define HTTP_H2_FRAME_H

#include "base/slice.h"

#define H2_FRAME_HEAD 9

/* What a receiver takes before it said otherwise. */
#define H2_FRAME_SIZE_DEFAULT 16384U

enum h2_frame_type {
        H2_DATA,
        H2_HEADERS,
        H2_PRIORITY,
        H2_RST_STREAM,
        H2_SETTINGS,
        H2_PUSH_PROMISE,
        H2_PING,
        H2_GOAWAY,
        H2_WINDOW_UPDATE,
        H2_CONTINUATION,
};

enum h2_frame_flag {
        H2_ACK = 0x1, /* SETTINGS, PING */
        H2_END_STREAM = 0x1,
        H2_END_HEADERS = 0x4,
        H2_PADDED = 0x8,
        H2_PRIORITISED = 0x20,
};

enum h2_setting {
        H2_HEADER_TABLE_SIZE = 1,
        H2_MAX_FRAME_SIZE = 5,
};

struct h2_frame {
        uint32_t length; /* of the payload */
        uint32_t stream;
        uint8_t type, flags;
};

/* All zero is the start of a frame. */
struct h2_frame_reader {
        uint8_t bytes[H2_FRAME_HEAD];
        uint8_t have;
};

/* Takes bytes off the front of *bytes; true when the header is complete. */
bool h2_frame_read(struct h2_frame_reader *, struct slice *bytes, struct h2_frame *frame);

/*
 * Whether a connection may go on after such a frame: lengths and streams that a type does
 * not allow are errors of the connection. Unknown types are allowed.
 */
bool h2_frame_is_sound(const struct h2_frame *);

struct h2_priority {
        bool exclusive;
        uint32_t depends_on;
        uint8_t weight; /* as on the wire, one less than it means */
};

/*
 * What the payload of HEADERS, PUSH_PROMISE or CONTINUATION holds of a header block,
 * without padding, priority and promised stream. False when they do not fit. *priority,
 * which may be NULL, is set where there is one.
 */
bool h2_frame_fragment(const struct h2_frame *, struct slice payload,
                       struct slice *fragment, struct h2_priority *priority);

/* Five bytes of priority. */
struct h2_priority h2_frame_priority(const uint8_t *at);

/* Takes one setting off the front of a SETTINGS payload; false when none is left. */
bool h2_frame_setting(struct slice *payload, uint16_t *id, uint32_t *value);

#endif
