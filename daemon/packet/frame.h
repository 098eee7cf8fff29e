/* SPDX-License-Identifier: MIT */
/*
 * frame - from a captured frame to the TCP segment or UDP datagram in it.
 *
 * Pure functions over a slice: nothing is remembered, nothing is copied; the
 * payload is borrowed from the frame. A frame is taken apart by small steps,
 * one for each kind of header, in a loop with a cap on their number, so no
 * nesting costs more than FRAME_DEPTH steps.
 *
 * Tunnels are unwrapped, FRAME_TUNNELS of them at most, and what is innermost is
 * the result: VXLAN, Geneve, GRE (also in UDP), ERSPAN I to III, IP in IP in
 * all four combinations. MPLS and PPPoE are passed over. UDP to a tunnel's port that does
 * not look like one is an ordinary datagram. Tunnels of sources that are not believed
 * are a result of their own: what is in them is not looked at.
 *
 * Fragments of IP are not put together here, but given to whoever does
 * (fragment.h), with all that frame_resume needs to go on.
 *
 * Lengths are believed in this order: the IP header's over the frame's (Ethernet
 * pads short frames), the frame's over the capture's (snapshot length). An IPv4
 * length of zero is what segmentation offload leaves on the sending host: the
 * frame's is taken then.
 *
 * Sources: RFC 791, 768, 8200 (extension headers 4), 4302, 9293 3.1; 2784, 2890 and
 * 8086 (GRE), 7348 (VXLAN), 8926 (Geneve), 2003 and 4213 (IP in IP), 3032 (MPLS), 2516
 * (PPPoE); draft-foschiano-erspan-03; IEEE 802.1Q-2018; tcpdump.org/linktypes.
 */
#ifndef PACKET_FRAME_H
#define PACKET_FRAME_H

#include "base/ip.h"

#define FRAME_DEPTH   24 /* headers: four VXLAN tunnels, and VLAN tags */
#define FRAME_TUNNELS 4

/* Link types, numbered as libpcap numbers what pcap_datalink() returns. */
enum frame_link {
        FRAME_LINK_NULL = 0,
        FRAME_LINK_ETHERNET = 1,
        FRAME_LINK_RAW = 12,
        FRAME_LINK_RAW_OPENBSD = 14,
        FRAME_LINK_RAW_FILE = 101,
        FRAME_LINK_LOOP = 108,
        FRAME_LINK_SLL = 113,
        FRAME_LINK_IPV4 = 228,
        FRAME_LINK_IPV6 = 229,
        FRAME_LINK_SLL2 = 276,
};

enum segment_flag {
        SEGMENT_FIN = 0x01,
        SEGMENT_SYN = 0x02,
        SEGMENT_RST = 0x04,
        SEGMENT_PSH = 0x08,
        SEGMENT_ACK = 0x10,
};

struct segment {
        struct ip source, destination;
        uint16_t source_port, destination_port;
        uint32_t seq, ack;
        uint8_t flags;
        uint8_t ttl; /* or hop limit, of the innermost IP header */
        uint16_t window;
        uint16_t checksum;       /* as it stands in the header */
        uint16_t identification; /* of the IPv4 packet; 0 in IPv6 */
        uint32_t length;         /* of the payload on the wire */
        struct slice payload;    /* what was captured of it: length bytes or fewer */
        struct slice options;    /* the TCP options as they are, padding too */
};

/* UDP that is no tunnel that is known here. */
struct datagram {
        struct ip source, destination;
        uint16_t source_port, destination_port;
        uint32_t length;      /* of the payload on the wire */
        struct slice payload; /* what was captured of it */
};

/* A part of an IP packet's payload. */
struct fragment {
        struct ip source, destination;
        uint32_t identification;
        uint32_t offset; /* of its first byte in the payload */
        bool is_last;    /* no more fragments */
        bool is_ipv6;
        uint8_t protocol; /* of what begins at offset 0; in others it may differ (IPv6) */
        uint8_t ttl;
        uint8_t tunnels; /* unwrapped before it */
        uint32_t length; /* on the wire */
        struct slice bytes;
};

/* What was found, by the result. The addresses are the first members of each. */
union frame {
        struct segment segment;
        struct datagram datagram;
        struct fragment fragment;
};

enum frame_result {
        FRAME_SEGMENT,  /* frame->segment is filled in */
        FRAME_DATAGRAM, /* frame->datagram is */
        FRAME_FRAGMENT, /* frame->fragment is */
        FRAME_NOT_IP,
        FRAME_NOT_TCP,   /* and not UDP */
        FRAME_TRUNCATED, /* the capture ends inside a header */
        FRAME_MALFORMED, /* a header contradicts itself or the frame's length */
        FRAME_TOO_DEEP,  /* more than FRAME_DEPTH headers or FRAME_TUNNELS tunnels */
        FRAME_BAD_CHECKSUM,
        FRAME_TUNNEL_REFUSED, /* from a source that is not in tunnel_sources */
};

/* The same for every frame. */
struct frame_options {
        /* Segments that were captured whole must have a right TCP checksum. Offloading
           hosts send wrong ones. */
        bool verify;
        /* A tunnel is unwrapped when the source of the IP header around it is in one of
           these; NULL: always. Each of nested tunnels is asked for its own source. */
        const struct network *tunnel_sources;
        size_t tunnel_source_count;
};

/* False for link types that frame_decode does not know. */
bool frame_link_is_known(int link);

/*
 * Takes one frame apart. `wire_length` is its length on the wire, at least
 * captured.len.
 */
enum frame_result frame_decode(int link, struct slice captured, uint32_t wire_length,
                               const struct frame_options *, union frame *);

/*
 * Goes on with an IP packet that was put together: a fragment that is its first and
 * last. `whole` may lie in *frame. Tunnels are counted on from those around it, so
 * whoever calls this for the fragments that come out does so FRAME_TUNNELS + 1 times
 * at most.
 */
enum frame_result frame_resume(const struct fragment *whole, const struct frame_options *,
                               union frame *frame);

#endif
