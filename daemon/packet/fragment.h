/* SPDX-License-Identifier: MIT */
/*
 * fragment - IP packets that came in pieces are put together again.
 *
 * Belongs to one packet what shares both addresses, the identification, the family,
 * and in IPv4 the protocol. The pieces wait in order; when none is missing, the payload
 * is copied together and handed back.
 *
 * Hosts differ in what they make of fragments that overlap, so nobody can know which
 * bytes the server saw: such a packet is dropped with all that still comes of it (RFC
 * 5722 says so for IPv6). A piece that comes again as it was is no overlap. A piece that
 * comes right after its packet was complete is a copy too and begins nothing: mirrors
 * send everything twice.
 *
 * Bounds: FRAGMENT_TIMEOUT for packets that are never complete (RFC 8200 allows a
 * minute, hosts wait 30 s; identifications come round sooner than that: RFC 4963),
 * FRAGMENT_PIECES pieces a packet, 64 KiB of payload, the budget over all. When
 * there is no room the oldest packet goes.
 *
 * Owns the bytes that wait. Reads no clock. Cost of a piece: one keyed hash, a copy, a
 * walk from the end over at most FRAGMENT_PIECES others; the last piece copies all.
 *
 * Sources: RFC 791 3.2, 1858 (tiny first fragments), 4963, 5722, 8200 4.5, 8900.
 */
#ifndef PACKET_FRAGMENT_H
#define PACKET_FRAGMENT_H

#include "base/counters.h"
#include "base/hash.h"
#include "packet/frame.h"

#define FRAGMENT_TIMEOUT (INT64_C(15000000000)) /* ns */
#define FRAGMENT_ECHO    (INT64_C(10000000))    /* ns; how late a mirror's copy may be */
#define FRAGMENT_PIECES  128

struct fragments;

/* `memory_max`: bytes that may wait. NULL when they cannot be reserved. */
struct fragments *fragment_new(uint64_t memory_max, struct hash_key, struct counters *);
void fragment_free(struct fragments **);

/*
 * What frame_decode gave as FRAME_FRAGMENT. True when it was the missing one: *whole is
 * then the packet's payload, good until the next call. `fragment` may lie in it.
 */
bool fragment_put(struct fragments *, const struct fragment *, int64_t time_ns,
                  struct fragment *whole);

/*
 * frame_decode for captures with fragments: `result` and *frame are what it gave. A
 * packet that is complete is taken apart, and fragments inside of it are put in as well.
 * FRAME_FRAGMENT: it waits.
 */
enum frame_result fragment_resolve(struct fragments *, enum frame_result result,
                                   const struct frame_options *, int64_t time_ns,
                                   union frame *frame);

/* Time passes without fragments. */
void fragment_advance(struct fragments *, int64_t now_ns);

/* The input is over: what waits is dropped. What comes after begins anew, at any time. */
void fragment_finish(struct fragments *);

/* Packets that wait for pieces. */
uint32_t fragment_count(const struct fragments *);

/* Bytes of the budget in use. */
uint64_t fragment_memory(const struct fragments *);

#endif
