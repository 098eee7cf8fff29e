/* SPDX-License-Identifier: MIT */
/*
 * quic - the ClientHello of QUIC connections, from their UDP datagrams.
 *
 * Only what clients send is looked at, and only their Initial packets: the first
 * datagrams of a connection, of QUIC version 1 and 2. All else costs a few
 * comparisons. The tests, cheapest first:
 *
 *   1. a long header, in a datagram of 1200 bytes at least: a server discards a
 *      smaller Initial (RFC 9000 14.1), so we may
 *   2. it goes to a server: `is_server` says so; see there
 *   3. an Initial of a version that we know, with a connection id of 8 bytes at
 *      least, as a client must choose (7.2)
 *   4. keys: those of the connection that it belongs to, else derived from its
 *      connection id; a packet that these do not open changes nothing
 *
 * A connection is known by its endpoints and the id its keys come from. When the
 * server has answered, the client changes to the id that the server chose, and its
 * keys stay: so a packet with a new id is tried with the keys of the newest
 * connection of its endpoints before its own. After Retry the keys change with the id
 * (RFC 9001 5.2), and that is a connection of its own here; its hello is told again,
 * unless the first was whole. A connection whose hello was told is kept until it is
 * too old, so that what follows is known and costs no key.
 *
 * Memory: one object a connection (about 400 bytes), and a block of `memory_max`
 * while its hello is not whole. When there is no room for a new one, the one that was
 * told first is forgotten; when none was told, the oldest. Age is packet time since the
 * first datagram, or since the hello was told.
 *
 * Sources: RFC 9000 7.2, 12.2, 14.1, 17.2; RFC 9001 5; RFC 9369.
 */
#ifndef TLS_QUIC_H
#define TLS_QUIC_H

#include "base/counters.h"
#include "base/hash.h"
#include "base/ip.h"

enum {
        QUIC_DATAGRAM_MIN = 1200,
        QUIC_PACKETS_MAX = 8,  /* of a datagram that are looked at */
        QUIC_FRAMES_MAX = 256, /* of a datagram, PADDING counted once a run */
};

struct quic;

struct quic_options {
        uint32_t connections_max;
        uint64_t memory_max; /* bytes of hellos that are not whole yet */
        int64_t age_ns;      /* after which a connection is forgotten */
        struct hash_key hash_key;
        /*
         * Whether a datagram from -> to goes to a server. NULL: it does when it goes to
         * port 443, or, where neither port is that, to the lower one.
         */
        bool (*is_server)(void *context, const struct endpoint *from,
                          const struct endpoint *to);
        void *context;
};

enum quic_result {
        QUIC_IGNORED, /* nothing new */
        QUIC_MORE,    /* a part of a hello */
        QUIC_HELLO,   /* *hello is a whole message, until the next call */
};

/* NULL when memory or libcrypto fail. `counters` is borrowed. */
struct quic *quic_new(const struct quic_options *, struct counters *);
void quic_free(struct quic **);

/* One UDP payload. Times that run backwards are taken as no time passing. */
enum quic_result quic_datagram(struct quic *, const struct endpoint *from,
                               const struct endpoint *to, struct slice payload,
                               int64_t time_ns, struct slice *hello);

/* Forgets every connection; what comes after this begins anew, at any time. */
void quic_finish(struct quic *);

/* Connections that are known now, and the bytes their hellos take. */
uint32_t quic_count(const struct quic *);
uint64_t quic_memory(const struct quic *);

#endif
