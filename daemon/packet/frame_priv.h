/* SPDX-License-Identifier: MIT */
/*
 * frame_priv - one step of taking a frame apart, for frame*.c only.
 *
 * A step reads one header at the front of what is left, moves past it, and names the
 * step for what follows, or a result. frame.c has the table, the links, IP, UDP and TCP;
 * frame_tunnel.c what carries whole packets inside of others. Small helpers are inline:
 * they are part of the few steps that nearly every frame takes.
 */
#ifndef PACKET_FRAME_PRIV_H
#define PACKET_FRAME_PRIV_H

#include "base/bytes.h"
#include "packet/frame.h"

enum step {
        STEP_ETHERNET,
        STEP_NULL,
        STEP_SLL,
        STEP_SLL2,
        STEP_VLAN,
        STEP_MPLS,
        STEP_PPPOE,
        STEP_IP, /* raw: the version is in the first byte */
        STEP_IPV4,
        STEP_IPV6,
        STEP_IPV6_OPTIONS,
        STEP_IPV6_FRAGMENT,
        STEP_AUTHENTICATION,
        STEP_GRE,
        STEP_ERSPAN_II,
        STEP_ERSPAN_III,
        STEP_UDP,
        STEP_VXLAN,
        STEP_GENEVE,
        STEP_TCP,
        STEPS,

        /* Results lie above the steps. */
        STEP_END,
};

#define END(result) ((enum step)(STEP_END + (result)))

/* What is left of the frame, and what is known so far. */
struct decoding {
        const uint8_t *at;
        size_t captured; /* bytes at `at` that were captured */
        size_t length;   /* bytes there on the wire, >= captured */
        const struct frame_options *options;
        uint8_t tunnels; /* that were entered */
        uint8_t ttl;
        uint16_t identification;
        union frame *frame;
};

typedef enum step step_fn(struct decoding *);

/* ---- what steps are made of ---- */

static inline void advance(struct decoding *d, size_t by)
{
        d->at += by;
        d->captured -= by;
        d->length -= by;
}

/* Forgets what lies behind the first `length` bytes (padding, trailers). */
static inline void cut(struct decoding *d, size_t length)
{
        d->length = length;
        if (d->captured > length)
                d->captured = length;
}

/* The next `need` bytes cannot be read: cut by the capture, or never there? */
static inline enum step too_short(const struct decoding *d, size_t need)
{
        return d->length < need ? END(FRAME_MALFORMED) : END(FRAME_TRUNCATED);
}

static inline enum step ether_type(uint16_t type)
{
        switch (type) {
        case 0x0800:
                return STEP_IPV4;
        case 0x86dd:
                return STEP_IPV6;
        case 0x8100: /* 802.1Q */
        case 0x88a8: /* 802.1ad */
        case 0x9100: /* QinQ before there was a standard */
        case 0x9200:
                return STEP_VLAN;
        case 0x8847:
        case 0x8848: /* multicast, or a label from upstream (RFC 5332) */
                return STEP_MPLS;
        case 0x8864:
                return STEP_PPPOE;
        default:
                return END(FRAME_NOT_IP);
        }
}

/* ---- tunnels ---- */

/*
 * A whole packet begins inside of another, whose addresses are in the frame: `next`, or
 * why it is not gone into. Cost: one comparison for each of tunnel_sources.
 */
enum step frame_enter(struct decoding *, enum step next);

/*
 * The step for a UDP payload that goes to `port`, or STEPS: then it is no tunnel. By its
 * port and by what it must look like: the ports are anybody's.
 */
enum step frame_udp_tunnel(const struct decoding *, uint16_t port);

step_fn frame_step_gre;
step_fn frame_step_erspan_ii;
step_fn frame_step_erspan_iii;
step_fn frame_step_vxlan;  /* of eight bytes or more, as frame_udp_tunnel has seen */
step_fn frame_step_geneve; /* the same */

#endif
