/* SPDX-License-Identifier: MIT */
/*
 * hellos - the front of this layer: bytes and datagrams in, hellos out.
 *
 * Binds the collectors (tls_record, quic) to the parser and the fingerprints, and
 * counts. Knows no packet and no connection table: whoever has them calls in.
 *
 *   TCP    tls_may_begin() -> hellos_bytes() until it is over -> hellos_release()
 *   UDP    hellos_datagram()
 *
 * Measured by bench-hellos on one core: 1.4 to 1.7 us for a hello of TCP with both
 * fingerprints, 4.4 us for one of QUIC that is new, 0.05 to 0.1 us for a datagram of a
 * connection whose hello was told.
 *
 * Owns the memory of hellos that are not whole yet; the state of a TCP connection is
 * a struct tls_record in the caller's memory.
 */
#ifndef TLS_HELLOS_H
#define TLS_HELLOS_H

#include "base/counters.h"
#include "tls/hello.h"
#include "tls/quic.h"
#include "tls/tls_record.h"

struct hellos;

struct hellos_options {
        struct quic_options quic;
        uint64_t tcp_memory; /* bytes of hellos that wait for the rest of them */
        hello_fn *hello;
        void *context;
};

/* Where a hello was seen. */
struct hello_place {
        struct endpoint client, server;
        int64_t time_ns;
};

/* NULL when memory or libcrypto fail. `counters` is borrowed. */
struct hellos *hellos_new(const struct hellos_options *, struct counters *);
void hellos_free(struct hellos **);

/*
 * The next bytes that the initiator of a TCP connection sent, in order from its first.
 * Calls `hello` when they make one whole. True while more bytes are wanted; after
 * false, or when the connection is over before, or has a gap: hellos_release.
 */
bool hellos_bytes(struct hellos *, struct tls_record *, const struct hello_place *,
                  struct slice bytes);
void hellos_release(struct hellos *, struct tls_record *);

/* One UDP payload, sent from place->client to place->server if it is a client's. */
void hellos_datagram(struct hellos *, const struct hello_place *, struct slice payload);

/* Forgets the QUIC connections: what comes after this begins anew, at any time. */
void hellos_finish(struct hellos *);

/* Bytes of hellos that wait. */
uint64_t hellos_memory(const struct hellos *);

#endif
