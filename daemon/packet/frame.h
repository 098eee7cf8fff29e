/* SPDX-License-Identifier: MIT */
/*
 * frame - from a captured frame to the TCP segment in it.
 *
 * Pure functions over a slice: nothing is remembered, nothing is copied; the
 * payload is borrowed from the frame. A frame is taken apart by small steps,
 * one for each kind of header, in a loop with a cap on their number, so no
 * nesting costs more than FRAME_DEPTH steps.
 *
 * Lengths are believed in this order: the IP header's over the frame's (Ethernet
 * pads short frames), the frame's over the capture's (snapshot length). An IPv4
 * length of zero is what segmentation offload leaves on the sending host: the
 * frame's is taken then.
 *
 * Sources: RFC 791, 8200 (extension headers 4), 9293 3.1; IEEE 802.1Q-2018;
 * tcpdump.org/linktypes.
 */
#ifndef PACKET_FRAME_H
#define PACKET_FRAME_H

#include "base/ip.h"

#define FRAME_DEPTH 16

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
        uint8_t ttl; /* or hop limit, of the IP header nearest to it */
        uint16_t window;
        struct slice options; /* between header and payload */
        uint32_t length;      /* of the payload on the wire */
        struct slice payload; /* what was captured of it: length bytes or fewer */
};

enum frame_result {
        FRAME_SEGMENT, /* *segment is filled in */
        FRAME_NOT_IP,
        FRAME_NOT_TCP,
        FRAME_FRAGMENT,  /* part of an IP packet */
        FRAME_TRUNCATED, /* the capture ends inside a header */
        FRAME_MALFORMED, /* a header contradicts itself or the frame's length */
        FRAME_TOO_DEEP,  /* more than FRAME_DEPTH headers */
        FRAME_BAD_CHECKSUM,
};

/* False for link types that frame_decode does not know. */
bool frame_link_is_known(int link);

/*
 * Takes one frame apart. `wire_length` is its length on the wire, at least
 * captured.len. With `verify`, segments that were captured whole must have a
 * right TCP checksum; offloading hosts send wrong ones, so the default is not to.
 */
enum frame_result frame_decode(int link, struct slice captured, uint32_t wire_length,
                               bool verify, struct segment *segment);

#endif
