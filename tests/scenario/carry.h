/* SPDX-License-Identifier: MIT */
/*
 * carry - puts the packets of a wire into other packets.
 *
 * What a cloud's or a switch's mirror does to them (tunnels), and what a path with a
 * small MTU does (fragments). Neither may make a difference to what is found.
 */
#ifndef SCENARIO_CARRY_H
#define SCENARIO_CARRY_H

#include "wire.h"

enum carry_tunnel {
        CARRY_VXLAN,
        CARRY_GENEVE,
        CARRY_GRE,
        CARRY_ERSPAN_I,
        CARRY_ERSPAN_II,
        CARRY_IP_IN_IP,
        CARRY_TUNNELS,
};

const char *carry_name(enum carry_tunnel);

/* Every packet, with its lengths right, in IPv4. */
void carry_wrap(struct wire *, enum carry_tunnel);

enum carry_order { CARRY_FORWARD, CARRY_BACKWARD, CARRY_TWICE, CARRY_ORDERS };

const char *carry_order_name(enum carry_order);

/* Every packet into fragments of `size` bytes, a hundred at most; no time between them.
 */
void carry_cut(struct wire *, size_t size, enum carry_order);

#endif
