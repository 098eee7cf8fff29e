/* SPDX-License-Identifier: MIT */
/*
 * duplicate - packets that a mirror port delivered twice.
 *
 * A mirror of two ports, or of both directions of one, gives the same packet again
 * with another VLAN tag, MAC address or TTL. What TCP says of it is the same to the
 * last bit: sequence numbers, flags, window, checksum, and the identification of the
 * IPv4 packet around it. A retransmission has another identification, or another
 * timestamp option and with that another checksum, and comes later than WINDOW: no
 * host waits less than a round trip and few less than 200 ms (RFC 6298 2.4, Linux),
 * while the ports of one switch are microseconds apart.
 *
 * Segments that brought something new are noted; they are looked up by whoever finds that
 * one brought nothing new. So a copy costs nobody else anything, and copies of bare ACK,
 * SYN and FIN, which change nothing, are not told from others.
 *
 * Owns SLOTS notes of eight bytes; a new note takes an old one's place. Two segments
 * that are taken for one by chance (2^-32) only move a counter.
 */
#ifndef PACKET_DUPLICATE_H
#define PACKET_DUPLICATE_H

#include "base/hash.h"
#include "packet/frame.h"

#define DUPLICATE_WINDOW (INT64_C(10000000)) /* ns */
#define DUPLICATE_SLOTS  4096

struct duplicates {
        struct hash_key key;
        struct {
                uint32_t mark;
                uint32_t time_us; /* as much of it as fits */
        } notes[DUPLICATE_SLOTS];
};

void duplicate_init(struct duplicates *, struct hash_key);

/* A segment is seen. `flow` is a hash of its connection. */
void duplicate_note(struct duplicates *, const struct segment *, uint32_t flow,
                    int64_t time_ns);

/* Was the very same noted a moment ago? */
bool duplicate_is_known(const struct duplicates *, const struct segment *, uint32_t flow,
                        int64_t time_ns);

#endif
