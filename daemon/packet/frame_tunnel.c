/* SPDX-License-Identifier: MIT */
/* Packets within packets: GRE and what it carries, and tunnels in UDP. */
#include "packet/frame_priv.h"

static bool is_believed(const struct decoding *d)
{
        const struct frame_options *options = d->options;

        if (!options->tunnel_sources)
                return true;
        for (size_t i = 0; i < options->tunnel_source_count; i++)
                if (network_contains(&options->tunnel_sources[i],
                                     &d->frame->segment.source))
                        return true;
        return false;
}

enum step frame_enter(struct decoding *d, enum step next)
{
        if (next >= STEPS)
                return next;
        if (!is_believed(d))
                return END(FRAME_TUNNEL_REFUSED);
        return ++d->tunnels > FRAME_TUNNELS ? END(FRAME_TOO_DEEP) : next;
}

/* What GRE and Geneve carry is named by an EtherType; bridged Ethernet has its own. */
static enum step tunnelled(struct decoding *d, uint16_t type)
{
        return frame_enter(d, type == 0x6558 ? STEP_ETHERNET : ether_type(type));
}

enum step frame_step_gre(struct decoding *d)
{
        if (d->captured < 4)
                return too_short(d, 4);
        uint16_t flags = load_be16(d->at), type = load_be16(d->at + 2);
        bool has_sequence = flags & 0x1000;
        size_t header = 4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) +
                        (has_sequence ? 4 : 0);
        if (flags & 0x4007) /* source routes (RFC 1701); PPTP, which carries PPP */
                return END(FRAME_NOT_TCP);
        if (d->captured < header)
                return too_short(d, header);
        advance(d, header);
        switch (type) {
        case 0x88be: /* the first version of ERSPAN has neither a number nor a header */
                return has_sequence ? STEP_ERSPAN_II : frame_enter(d, STEP_ETHERNET);
        case 0x22eb:
                return STEP_ERSPAN_III;
        default:
                return tunnelled(d, type);
        }
}

enum step frame_step_erspan_ii(struct decoding *d)
{
        if (d->captured < 8)
                return too_short(d, 8);
        advance(d, 8);
        return frame_enter(d, STEP_ETHERNET);
}

enum step frame_step_erspan_iii(struct decoding *d)
{
        if (d->captured < 12)
                return too_short(d, 12);
        unsigned frame_type = d->at[10] >> 2 & 31;
        size_t header = d->at[11] & 1 ? 20 : 12; /* a subheader of the platform */
        if (d->captured < header)
                return too_short(d, header);
        advance(d, header);
        switch (frame_type) {
        case 0:
                return frame_enter(d, STEP_ETHERNET);
        case 2:
                return frame_enter(d, STEP_IP);
        default:
                return END(FRAME_NOT_IP);
        }
}

enum step frame_udp_tunnel(const struct decoding *d, uint16_t port)
{
        if (d->captured < 8)
                return STEPS;
        switch (port) {
        case 4789:
        case 8472: /* Linux before the port was assigned */
                return d->at[0] & 0x08 ? STEP_VXLAN : STEPS;
        case 6081:
                return d->at[0] >> 6 == 0 ? STEP_GENEVE : STEPS;
        case 4754: /* GRE in UDP: version 0, no routes, no reserved bits */
                return (load_be16(d->at) & 0x4fff) == 0 ? STEP_GRE : STEPS;
        default:
                return STEPS;
        }
}

enum step frame_step_vxlan(struct decoding *d)
{
        advance(d, 8); /* frame_udp_tunnel has seen them */
        return frame_enter(d, STEP_ETHERNET);
}

enum step frame_step_geneve(struct decoding *d)
{
        size_t header = 8 + (size_t)(d->at[0] & 63) * 4;
        uint16_t type = load_be16(d->at + 2);

        if (d->captured < header)
                return too_short(d, header);
        advance(d, header);
        return tunnelled(d, type);
}
