/* SPDX-License-Identifier: MIT */
/*
 * wire - writes TCP segments into a pcap file as a real host would have sent them.
 *
 * A link carries one connection: addresses, ports, and both sides' sequence
 * numbers, which advance as segments are written. Frames are Ethernet, IPv4,
 * TCP with the timestamp option; all checksums are right. Times must not go
 * backwards. Every failure to write ends the program: a short capture would
 * measure something else.
 * Cost: about 0.2 ns a payload byte for the copy and the checksum.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Ethernet's 1500 bytes less IPv4 (20) and TCP with timestamps (32). */
#define WIRE_MSS 1448

enum wire_flag { WIRE_FIN = 0x01, WIRE_SYN = 0x02, WIRE_PSH = 0x08, WIRE_ACK = 0x10 };

enum wire_side { WIRE_CLIENT, WIRE_SERVER };

struct wire_link {
        uint32_t address[2]; /* by side, host order */
        uint16_t port[2];
        uint32_t next[2]; /* sequence number of the side's next byte */
};

struct wire;

struct wire *wire_open(const char *path);
void wire_close(struct wire **);

/* One segment of `len` bytes of payload (at most WIRE_MSS) from that side. */
void wire_segment(struct wire *, int64_t time_ns, struct wire_link *, enum wire_side from,
                  unsigned flags, const void *payload, size_t len);

uint64_t wire_packets(const struct wire *);

#endif
