/* SPDX-License-Identifier: MIT */
/*
 * join - which ClientHello outside belongs to a request inside.
 *
 * A TLS terminator takes the hello and hands the request on. Both were seen, perhaps by
 * different workers: the hello by the visitor's address and port, the request by what
 * the proxy says of them. With address and port (PROXY protocol) the join is exact.
 * With the address alone it is the address's newest hello within `address_ns`, and
 * uncertain when there the address showed fingerprints that differ.
 *
 * Two tables of buckets, each of three cache lines, which hold eight hellos by the keyed
 * hash of their key; what is put into a full bucket takes the place of its oldest. What
 * hellos say repeats, and is kept once. All memory is taken at the start; traffic can
 * only make the joins forget.
 *
 * Cost: one bucket for an exact answer, two for the other.
 */
#ifndef DETECT_JOIN_H
#define DETECT_JOIN_H

#include "base/hash.h"
#include "observe/record.h"
#include "tls/hello.h"

#define JOIN_ALPN_MAX 15

struct fingerprint {
        uint64_t hash; /* of the texts and the shape */
        int64_t seen_ns;
        uint32_t generation; /* of this place; 0: empty */
        char ja4[JA4_TEXT_SIZE], ja3[JA3_TEXT_SIZE];
        char alpn[JOIN_ALPN_MAX + 1];
        struct tcp_shape tcp_shape; /* of the SYN before the hello; none of QUIC */
};

struct join_table {
        struct join_bucket *buckets;
        uint32_t mask;
};

struct join {
        struct hash_key key;
        int64_t address_ns;
        struct join_table exact, by_address;
        struct fingerprint *fingerprints;
        uint32_t fingerprint_mask; /* of sets of eight */
        bool has_hellos;           /* a sensor that sees none does not look for any */
};

/* `hellos`: how many are remembered in each table. False when memory cannot be had. */
bool join_init(struct join *, const struct hash_key *, uint32_t hellos,
               int64_t address_ns);
void join_free(struct join *);

/* `syn` is the shape of the SYN that began the hello's connection, or none. */
void join_hello(struct join *, const struct hello *, const struct tcp_shape *syn);

/*
 * The fingerprint of the client that sent the request, or NULL. Only requests that a
 * proxy handed on have one. Valid until the next hello.
 */
const struct fingerprint *join_find(const struct join *, const struct record *,
                                    bool *uncertain);

#endif
