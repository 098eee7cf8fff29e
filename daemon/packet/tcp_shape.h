/* SPDX-License-Identifier: MIT */
/*
 * tcp_shape - how a client's system opens a connection: the value of tcp.shape.
 *
 * From its SYN: which options in which order, the largest segment and the window
 * scale that they say, the window, and the hop limit that it must have begun with.
 * All of that is the operating system's, not the program's, and no request changes it.
 *
 * A value of 24 bytes; all zero is "none". As a text, our own and stable:
 *
 *      mss1460.sack.ts.nop.ws7/64240/64
 *
 * options joined by dots, unknown ones as k and their number; then the window, then the
 * hop limit rounded up to what systems begin with (32, 64, 128, 255). Two more words may
 * end the options: `more`, when there were others behind the first TCP_SHAPE_OPTIONS,
 * and `bad`, when a length contradicted the header's. Without options the first part
 * is a minus sign.
 *
 * Pure functions. Sources: RFC 9293 3.1 and 3.2, 7323, 2018; IANA, TCP option kinds.
 */
#ifndef PACKET_TCP_SHAPE_H
#define PACKET_TCP_SHAPE_H

#include "base/slice.h"

#define TCP_SHAPE_OPTIONS  16
#define TCP_SHAPE_TEXT_MAX 160 /* a NUL included */

struct tcp_shape {
        uint16_t window, mss; /* mss 0: not said */
        uint8_t hops;         /* 0: none of this is known */
        uint8_t scale;        /* 1 more than said; 0: not said */
        uint8_t count : 6;
        uint8_t more : 1, bad : 1;
        uint8_t reserved;
        uint8_t kinds[TCP_SHAPE_OPTIONS]; /* in wire order, the end of the list too */
};

_Static_assert(sizeof(struct tcp_shape) == 24, "kept for each connection");

/* `options` as they stand between the TCP header and its data; `ttl`: or hop limit. */
struct tcp_shape tcp_shape_of(struct slice options, uint16_t window, uint8_t ttl);

static inline bool tcp_shape_is_none(const struct tcp_shape *shape)
{
        return shape->hops == 0;
}

/* Whether tcp_shape_of can have made it: for values that another process hands over. */
bool tcp_shape_is_sound(const struct tcp_shape *);

/* Writes the text and a NUL; its length. "" for none. */
size_t tcp_shape_format(const struct tcp_shape *, char text[TCP_SHAPE_TEXT_MAX]);

#endif
