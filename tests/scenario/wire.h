/* SPDX-License-Identifier: MIT */
/*
 * wire - the packets of a script, as a sensor would capture them.
 *
 * Plays both TCP stacks: sequence numbers, acknowledgements, handshakes. The
 * packets are raw IP (IPv4 or IPv6) and can be cut, shuffled and doubled before
 * they are fed.
 */
#ifndef SCENARIO_WIRE_H
#define SCENARIO_WIRE_H

#include "script.h"

struct wire_packet {
        struct buf bytes;
        int64_t wait_ns; /* time before it, beside the usual millisecond */
        bool is_data;
        bool at_once; /* no time passes before it */
};

struct wire {
        struct wire_packet *packets;
        size_t count, room;
};

struct wire_options {
        bool ipv6;
        size_t split_at;   /* cut every data segment here, too; 0: not */
        size_t split_size; /* cut into segments of at most this size; 0: not */
        size_t overlap;    /* each piece also holds so much of those before it */
};

void wire_make(struct wire *, const struct script *, const struct wire_options *);
void wire_free(struct wire *);

#endif
