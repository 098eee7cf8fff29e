/* SPDX-License-Identifier: MIT */
/*
 * wire - connections, and the frames that a sensor beside the server would have captured.
 *
 *      direct     visitor ------------------------------> server
 *      proxy      visitor .. terminator ================> server   one connection for
 * each PROXY header, then requests           of the visitor's forwarded  visitor ..
 * terminator ================> server   a pool of connections requests of anybody,
 * X-Forwarded-For   that all share
 *
 * Frames are Ethernet, IPv4 or IPv6, TCP, written as pcap with nanoseconds in the order
 * of the calls. Sequence numbers, acknowledgements and lengths are right; checksums are
 * 0, as on a host whose network card fills them in. Pure acknowledgements are left out
 * but for those that open and close a connection. A body of an answer is cut off the
 * capture (wire.bodies), as by a short snapshot length.
 *
 * A connection carries one request at a time. One that has been idle for long is closed
 * by wire_tick, at its time.
 */
#ifndef LAB_WIRE_H
#define LAB_WIRE_H

#include "parameters.h"
#include "place.h"

#include "base/slice.h"

struct wire;
struct connection;

/* Who asks: whose connections they are. All zero in the beginning. */
struct wire_seat {
        struct connection *first;
};

struct wire_counts {
        uint64_t packets, bytes, connections;
};

/* `-` is standard output; NULL after a message on standard error. */
struct wire *wire_open(const struct parameters *, const char *path);

/* Writes what is left. False, after a message, when not all could be written. */
bool wire_close(struct wire **);
bool wire_has_failed(
    const struct wire *); /* whoever reads it has gone, the disk is full */
struct wire_counts wire_counts(const struct wire *);

/*
 * Sends a request on a connection of the seat that nobody waits for, on one of the
 * terminator's, or on a new one. `closes`: it is closed after the answer. Returned for
 * wire_answer, which has to come.
 */
struct connection *wire_request(struct wire *, int64_t now_ns, struct wire_seat *,
                                const struct address *from, struct slice head,
                                struct slice body, bool closes);

/* `body` bytes of the answer's body follow its head. */
void wire_answer(struct wire *, int64_t now_ns, struct connection *, struct slice head,
                 uint32_t body);

/* Closes the seat's connections; where an answer is awaited, after that. */
void wire_hang_up(struct wire *, int64_t now_ns, struct wire_seat *);

/* The seat goes; its connections stay until they have been idle for long. */
void wire_leave(struct wire_seat *);

/* Closes what has been idle for long. Times never go back. */
void wire_tick(struct wire *, int64_t now_ns);

#endif
