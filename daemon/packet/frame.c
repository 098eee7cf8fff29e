/* SPDX-License-Identifier: MIT */
#include "packet/frame_priv.h"

#include "packet/checksum.h"

_Static_assert(
    offsetof(struct datagram, source) == offsetof(struct segment, source) &&
        offsetof(struct fragment, source) == offsetof(struct segment, source) &&
        offsetof(struct datagram, destination) == offsetof(struct segment, destination) &&
        offsetof(struct fragment, destination) == offsetof(struct segment, destination),
    "steps write the addresses before it is known what they belong to");

/* Link headers of a fixed size that name what follows by an EtherType. */
static enum step typed_header(struct decoding *d, size_t type_at, size_t size)
{
        if (d->captured < size)
                return too_short(d, size);
        uint16_t type = load_be16(d->at + type_at);
        advance(d, size);
        return ether_type(type);
}

static enum step step_ethernet(struct decoding *d)
{
        return typed_header(d, 12, 14);
}

static enum step step_vlan(struct decoding *d)
{
        return typed_header(d, 2, 4);
}

static enum step step_sll(struct decoding *d)
{
        return typed_header(d, 14, 16);
}

static enum step step_sll2(struct decoding *d)
{
        return typed_header(d, 0, 20);
}

/* One label; the last of the stack says so, but not what follows it. */
static enum step step_mpls(struct decoding *d)
{
        if (d->captured < 4)
                return too_short(d, 4);
        bool is_last = d->at[2] & 1;
        advance(d, 4);
        return is_last ? STEP_IP : STEP_MPLS;
}

static enum step step_pppoe(struct decoding *d)
{
        if (d->captured < 8)
                return too_short(d, 8);
        size_t length = load_be16(d->at + 4);
        uint16_t protocol = load_be16(d->at + 6);
        if (d->at[0] != 0x11 || d->at[1] != 0 || length < 2 || length > d->length - 6)
                return END(FRAME_MALFORMED);
        cut(d, 6 + length);
        advance(d, 8);
        return protocol == 0x0021   ? STEP_IPV4
               : protocol == 0x0057 ? STEP_IPV6
                                    : END(FRAME_NOT_IP);
}

/* The address family is in the byte order of whichever host wrote the capture. */
static enum step step_null(struct decoding *d)
{
        if (d->captured < 4)
                return too_short(d, 4);
        uint32_t big = load_be32(d->at), little = load_le32(d->at);
        advance(d, 4);
        switch (big < little ? big : little) {
        case 2:  /* AF_INET everywhere */
        case 10: /* AF_INET6 on Linux, NetBSD and OpenBSD, FreeBSD, macOS: */
        case 24:
        case 28:
        case 30:
                return STEP_IP;
        default:
                return END(FRAME_NOT_IP);
        }
}

static enum step step_ip(struct decoding *d)
{
        if (d->captured < 1)
                return too_short(d, 1);
        switch (d->at[0] >> 4) {
        case 4:
                return STEP_IPV4;
        case 6:
                return STEP_IPV6;
        default:
                return END(FRAME_NOT_IP);
        }
}

/*
 * The IP header says that `length` bytes follow. Mirrors that wrap packets cut them to
 * what their own network carries: within a tunnel that is like a snapshot length.
 */
static bool believe(struct decoding *d, size_t length)
{
        if (length > d->length) {
                if (!d->tunnels)
                        return false;
                d->length = length;
        }
        cut(d, length);
        return true;
}

/* What may follow either IP header. */
static enum step ip_next(struct decoding *d, uint8_t protocol)
{
        switch (protocol) {
        case 6:
                return STEP_TCP;
        case 17:
                return STEP_UDP;
        case 4:
                return frame_enter(d, STEP_IPV4);
        case 41:
                return frame_enter(d, STEP_IPV6);
        case 47:
                return STEP_GRE;
        case 51:
                return STEP_AUTHENTICATION;
        case 137: /* MPLS in IP (RFC 4023) */
                return frame_enter(d, STEP_MPLS);
        default:
                return END(FRAME_NOT_TCP);
        }
}

static enum step ipv6_next(struct decoding *d, uint8_t protocol)
{
        switch (protocol) {
        case 44:
                return STEP_IPV6_FRAGMENT;
        case 0:   /* hop by hop */
        case 43:  /* routing */
        case 60:  /* destination options */
        case 135: /* mobility */
        case 139: /* host identity */
        case 140: /* shim6 */
                return STEP_IPV6_OPTIONS;
        default:
                return ip_next(d, protocol);
        }
}

/* `word` holds the offset in units of eight bytes, shifted as in IPv6. */
static enum step found_fragment(struct decoding *d, uint32_t word, bool is_last,
                                struct fragment fragment)
{
        fragment.source = d->frame->fragment.source;
        fragment.destination = d->frame->fragment.destination;
        fragment.offset = word & 0xfff8;
        fragment.is_last = is_last;
        fragment.ttl = d->ttl;
        fragment.tunnels = d->tunnels;
        fragment.length = (uint32_t)d->length;
        fragment.bytes = slice_of(d->at, d->captured);
        d->frame->fragment = fragment;
        return END(FRAME_FRAGMENT);
}

static enum step step_ipv4(struct decoding *d)
{
        if (d->captured < 20)
                return too_short(d, 20);
        const uint8_t *ip = d->at;
        size_t header = (size_t)(ip[0] & 15) * 4, total = load_be16(ip + 2);
        uint16_t fragment = load_be16(ip + 6);
        uint8_t protocol = ip[9];
        if (total == 0)
                total = d->length;
        if (ip[0] >> 4 != 4 || header < 20 || total < header || !believe(d, total))
                return END(FRAME_MALFORMED);
        if (d->captured < header)
                return END(FRAME_TRUNCATED);
        d->ttl = ip[8];
        d->identification = load_be16(ip + 4);
        d->frame->segment.source = ip_from_v4(ip + 12);
        d->frame->segment.destination = ip_from_v4(ip + 16);
        advance(d, header);
        if (fragment & 0x3fff) /* more fragments, or an offset */
                return found_fragment(
                    d, (uint32_t)fragment << 3, !(fragment & 0x2000),
                    (struct fragment){ .identification = d->identification,
                                       .protocol = protocol });
        return protocol == 6 ? STEP_TCP : ip_next(d, protocol);
}

static enum step step_ipv6(struct decoding *d)
{
        if (d->captured < 40)
                return too_short(d, 40);
        const uint8_t *ip = d->at;
        size_t length = load_be16(ip + 4);
        if (ip[0] >> 4 != 6)
                return END(FRAME_MALFORMED);
        d->frame->segment.source = ip_from_v6(ip + 8);
        d->frame->segment.destination = ip_from_v6(ip + 24);
        d->ttl = ip[7];
        d->identification = 0;
        advance(d, 40);
        if (length > 0 && !believe(d, length)) /* zero: a jumbogram, or offload */
                return END(FRAME_MALFORMED);
        return ipv6_next(d, ip[6]);
}

/* An extension header of `size` bytes; its first byte names the next one. */
static enum step pass_extension(struct decoding *d, size_t size)
{
        if (d->captured < size)
                return too_short(d, size);
        uint8_t protocol = d->at[0];
        advance(d, size);
        return ipv6_next(d, protocol);
}

static enum step step_ipv6_options(struct decoding *d)
{
        if (d->captured < 2)
                return too_short(d, 2);
        return pass_extension(d, ((size_t)d->at[1] + 1) * 8);
}

static enum step step_authentication(struct decoding *d)
{
        if (d->captured < 2)
                return too_short(d, 2);
        return pass_extension(d, ((size_t)d->at[1] + 2) * 4);
}

static enum step step_ipv6_fragment(struct decoding *d)
{
        if (d->captured < 8)
                return too_short(d, 8);
        uint16_t word = load_be16(d->at + 2);
        /* An atomic fragment (RFC 6946) is whole: no offset and no more to come. */
        if (!(word & 0xfff9))
                return pass_extension(d, 8);
        struct fragment fragment = { .identification = load_be32(d->at + 4),
                                     .is_ipv6 = true,
                                     .protocol = d->at[0] };
        advance(d, 8);
        return found_fragment(d, word, !(word & 1), fragment);
}

static enum step step_udp(struct decoding *d)
{
        if (d->captured < 8)
                return too_short(d, 8);
        const uint8_t *udp = d->at;
        size_t length = load_be16(udp + 4);
        if (length == 0) /* a jumbogram, or offload */
                length = d->length;
        if (length < 8 || length > d->length)
                return END(FRAME_MALFORMED);
        cut(d, length);
        advance(d, 8);
        enum step tunnel = frame_udp_tunnel(d, load_be16(udp + 2));
        if (tunnel != STEPS)
                return tunnel;
        struct datagram *datagram = &d->frame->datagram;
        datagram->source_port = load_be16(udp);
        datagram->destination_port = load_be16(udp + 2);
        datagram->payload = slice_of(d->at, d->captured);
        datagram->length = (uint32_t)d->length;
        return END(FRAME_DATAGRAM);
}

static enum step step_tcp(struct decoding *d)
{
        if (d->captured < 20)
                return too_short(d, 20);
        const uint8_t *tcp = d->at;
        struct segment *segment = &d->frame->segment;
        size_t header = (size_t)(tcp[12] >> 4) * 4;
        if (header < 20 || header > d->length)
                return END(FRAME_MALFORMED);
        if (header > d->captured)
                return END(FRAME_TRUNCATED);
        if (d->options->verify && d->captured == d->length &&
            !checksum_tcp_is_right(&segment->source, &segment->destination,
                                   slice_of(tcp, d->length)))
                return END(FRAME_BAD_CHECKSUM);
        segment->source_port = load_be16(tcp);
        segment->destination_port = load_be16(tcp + 2);
        segment->seq = load_be32(tcp + 4);
        segment->ack = load_be32(tcp + 8);
        segment->flags = tcp[13];
        segment->ttl = d->ttl;
        segment->window = load_be16(tcp + 14);
        segment->checksum = load_be16(tcp + 16);
        segment->identification = d->identification;
        segment->options = slice_of(tcp + 20, header - 20);
        advance(d, header);
        segment->payload = slice_of(d->at, d->captured);
        segment->length = (uint32_t)d->length;
        return END(FRAME_SEGMENT);
}

static step_fn *const steps[STEPS] = {
        [STEP_ETHERNET] = step_ethernet,
        [STEP_NULL] = step_null,
        [STEP_SLL] = step_sll,
        [STEP_SLL2] = step_sll2,
        [STEP_VLAN] = step_vlan,
        [STEP_MPLS] = step_mpls,
        [STEP_PPPOE] = step_pppoe,
        [STEP_IP] = step_ip,
        [STEP_IPV4] = step_ipv4,
        [STEP_IPV6] = step_ipv6,
        [STEP_IPV6_OPTIONS] = step_ipv6_options,
        [STEP_IPV6_FRAGMENT] = step_ipv6_fragment,
        [STEP_AUTHENTICATION] = step_authentication,
        [STEP_GRE] = frame_step_gre,
        [STEP_ERSPAN_II] = frame_step_erspan_ii,
        [STEP_ERSPAN_III] = frame_step_erspan_iii,
        [STEP_UDP] = step_udp,
        [STEP_VXLAN] = frame_step_vxlan,
        [STEP_GENEVE] = frame_step_geneve,
        [STEP_TCP] = step_tcp,
};

static enum step first_step(int link)
{
        switch (link) {
        case FRAME_LINK_ETHERNET:
                return STEP_ETHERNET;
        case FRAME_LINK_NULL:
        case FRAME_LINK_LOOP:
                return STEP_NULL;
        case FRAME_LINK_SLL:
                return STEP_SLL;
        case FRAME_LINK_SLL2:
                return STEP_SLL2;
        case FRAME_LINK_RAW:
        case FRAME_LINK_RAW_OPENBSD:
        case FRAME_LINK_RAW_FILE:
        case FRAME_LINK_IPV4:
        case FRAME_LINK_IPV6:
                return STEP_IP;
        default:
                return END(FRAME_NOT_IP);
        }
}

bool frame_link_is_known(int link)
{
        return first_step(link) < STEPS;
}

static enum frame_result run(struct decoding *d, enum step next, int depth)
{
        for (; next < STEPS; depth++) {
                if (depth == FRAME_DEPTH)
                        return FRAME_TOO_DEEP;
                next = steps[next](d);
        }
        return (enum frame_result)(next - STEP_END);
}

/*
 * Nearly every frame is TCP in IPv4 in Ethernet: the same steps, called by name, so
 * that they become one piece of code. Anything else goes on through the table.
 */
static enum frame_result run_ethernet(struct decoding *d)
{
        enum step next = step_ethernet(d);

        if (next != STEP_IPV4)
                return run(d, next, 1);
        next = step_ipv4(d);
        if (next != STEP_TCP)
                return run(d, next, 2);
        return (enum frame_result)(step_tcp(d) - STEP_END);
}

enum frame_result frame_decode(int link, struct slice captured, uint32_t wire_length,
                               const struct frame_options *options, union frame *frame)
{
        struct decoding d = {
                .at = captured.data,
                .captured = captured.len,
                .length = wire_length > captured.len ? wire_length : captured.len,
                .options = options,
                .frame = frame,
        };

        if (link == FRAME_LINK_ETHERNET)
                return run_ethernet(&d);
        return run(&d, first_step(link), 0);
}

enum frame_result frame_resume(const struct fragment *whole,
                               const struct frame_options *options, union frame *frame)
{
        struct decoding d = {
                .at = whole->bytes.data,
                .captured = whole->bytes.len,
                .length = whole->length,
                .options = options,
                .tunnels = whole->tunnels,
                .ttl = whole->ttl,
                .identification = whole->is_ipv6 ? 0 : (uint16_t)whole->identification,
                .frame = frame,
        };
        struct ip source = whole->source, destination = whole->destination;
        uint8_t protocol = whole->protocol;
        bool is_ipv6 = whole->is_ipv6;

        frame->segment.source = source;
        frame->segment.destination = destination;
        return run(&d, is_ipv6 ? ipv6_next(&d, protocol) : ip_next(&d, protocol), 0);
}
