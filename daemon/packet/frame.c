/* SPDX-License-Identifier: MIT */
#include "packet/frame.h"

#include "base/bytes.h"
#include "packet/checksum.h"

enum step {
        STEP_ETHERNET,
        STEP_NULL,
        STEP_SLL,
        STEP_SLL2,
        STEP_VLAN,
        STEP_IP, /* raw: the version is in the first byte */
        STEP_IPV4,
        STEP_IPV6,
        STEP_IPV6_OPTIONS,
        STEP_IPV6_AUTHENTICATION,
        STEP_IPV6_FRAGMENT,
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
        bool verify;
        uint8_t protocol; /* of the IPv6 header that comes next */
        struct segment *segment;
};

typedef enum step step_fn(struct decoding *);

static void advance(struct decoding *d, size_t by)
{
        d->at += by;
        d->captured -= by;
        d->length -= by;
}

/* Forgets what lies behind the first `length` bytes (padding, trailers). */
static void cut(struct decoding *d, size_t length)
{
        d->length = length;
        if (d->captured > length)
                d->captured = length;
}

/* The next `need` bytes cannot be read: cut by the capture, or never there? */
static enum step too_short(const struct decoding *d, size_t need)
{
        return d->length < need ? END(FRAME_MALFORMED) : END(FRAME_TRUNCATED);
}

static enum step ether_type(uint16_t type)
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
        default:
                return END(FRAME_NOT_IP);
        }
}

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

static enum step step_ipv4(struct decoding *d)
{
        if (d->captured < 20)
                return too_short(d, 20);
        const uint8_t *ip = d->at;
        size_t header = (size_t)(ip[0] & 15) * 4, total = load_be16(ip + 2);
        if (total == 0)
                total = d->length;
        if (ip[0] >> 4 != 4 || header < 20 || total < header || total > d->length)
                return END(FRAME_MALFORMED);
        cut(d, total);
        if (load_be16(ip + 6) & 0x3fff) /* more fragments, or an offset */
                return END(FRAME_FRAGMENT);
        if (ip[9] != 6)
                return END(FRAME_NOT_TCP);
        if (d->captured < header)
                return END(FRAME_TRUNCATED);
        d->segment->source = ip_from_v4(ip + 12);
        d->segment->destination = ip_from_v4(ip + 16);
        d->segment->ttl = ip[8];
        advance(d, header);
        return STEP_TCP;
}

static enum step ipv6_next(uint8_t protocol)
{
        switch (protocol) {
        case 6:
                return STEP_TCP;
        case 44:
                return STEP_IPV6_FRAGMENT;
        case 51:
                return STEP_IPV6_AUTHENTICATION;
        case 0:   /* hop by hop */
        case 43:  /* routing */
        case 60:  /* destination options */
        case 135: /* mobility */
        case 139: /* host identity */
        case 140: /* shim6 */
                return STEP_IPV6_OPTIONS;
        default:
                return END(FRAME_NOT_TCP);
        }
}

static enum step step_ipv6(struct decoding *d)
{
        if (d->captured < 40)
                return too_short(d, 40);
        const uint8_t *ip = d->at;
        size_t length = load_be16(ip + 4);
        if (ip[0] >> 4 != 6)
                return END(FRAME_MALFORMED);
        d->segment->source = ip_from_v6(ip + 8);
        d->segment->destination = ip_from_v6(ip + 24);
        d->segment->ttl = ip[7];
        d->protocol = ip[6];
        advance(d, 40);
        if (length > d->length)
                return END(FRAME_MALFORMED);
        if (length > 0) /* zero: a jumbogram, or offload */
                cut(d, length);
        return ipv6_next(d->protocol);
}

/* An extension header of `size` bytes; its first byte names the next one. */
static enum step pass_extension(struct decoding *d, size_t size)
{
        if (d->captured < size)
                return too_short(d, size);
        d->protocol = d->at[0];
        advance(d, size);
        return ipv6_next(d->protocol);
}

static enum step step_ipv6_options(struct decoding *d)
{
        if (d->captured < 2)
                return too_short(d, 2);
        return pass_extension(d, ((size_t)d->at[1] + 1) * 8);
}

static enum step step_ipv6_authentication(struct decoding *d)
{
        if (d->captured < 2)
                return too_short(d, 2);
        return pass_extension(d, ((size_t)d->at[1] + 2) * 4);
}

static enum step step_ipv6_fragment(struct decoding *d)
{
        if (d->captured < 8)
                return too_short(d, 8);
        /* An atomic fragment (RFC 6946) is whole: no offset and no more to come. */
        if (load_be16(d->at + 2) & 0xfff9)
                return END(FRAME_FRAGMENT);
        return pass_extension(d, 8);
}

static enum step step_tcp(struct decoding *d)
{
        if (d->captured < 20)
                return too_short(d, 20);
        const uint8_t *tcp = d->at;
        struct segment *segment = d->segment;
        size_t header = (size_t)(tcp[12] >> 4) * 4;
        if (header < 20 || header > d->length)
                return END(FRAME_MALFORMED);
        if (header > d->captured)
                return END(FRAME_TRUNCATED);
        if (d->verify && d->captured == d->length &&
            !checksum_tcp_is_right(&segment->source, &segment->destination,
                                   slice_of(tcp, d->length)))
                return END(FRAME_BAD_CHECKSUM);
        segment->source_port = load_be16(tcp);
        segment->destination_port = load_be16(tcp + 2);
        segment->seq = load_be32(tcp + 4);
        segment->ack = load_be32(tcp + 8);
        segment->flags = tcp[13];
        segment->window = load_be16(tcp + 14);
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
        [STEP_IP] = step_ip,
        [STEP_IPV4] = step_ipv4,
        [STEP_IPV6] = step_ipv6,
        [STEP_IPV6_OPTIONS] = step_ipv6_options,
        [STEP_IPV6_AUTHENTICATION] = step_ipv6_authentication,
        [STEP_IPV6_FRAGMENT] = step_ipv6_fragment,
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

enum frame_result frame_decode(int link, struct slice captured, uint32_t wire_length,
                               bool verify, struct segment *segment)
{
        struct decoding d = {
                captured.data, captured.len, wire_length, verify, 0, segment
        };
        enum step next = first_step(link);

        if (d.length < d.captured)
                d.length = d.captured;
        for (int depth = 0; next < STEPS; depth++) {
                if (depth == FRAME_DEPTH)
                        return FRAME_TOO_DEEP;
                next = steps[next](&d);
        }
        return (enum frame_result)(next - STEP_END);
}
