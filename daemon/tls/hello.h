/* SPDX-License-Identifier: MIT */
/*
 * hello - what one TLS client said about itself, as the layers above see it.
 *
 * A value with borrowed slices: it lives for the call that hands it over.
 */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include "base/buf.h"
#include "base/ip.h"
#include "tls/ja3.h"
#include "tls/ja4.h"

#define HELLO_NAME_MAX 255 /* longer server names are cut; RFC 1035 2.3.4 */

enum hello_transport { HELLO_TCP, HELLO_QUIC };

struct hello {
        int64_t time_ns; /* of its first byte; in QUIC of the packet that made it whole */
        struct endpoint client, server;
        enum hello_transport transport;
        bool ech; /* server_name may be a provider's: see client_hello.h */
        struct slice server_name; /* as sent; none when it has none */
        struct slice alpn;       /* the protocol it likes best; none when it names none */
        struct slice ciphers;    /* two bytes each, network order, GREASE among them */
        char ja3[JA3_TEXT_SIZE]; /* empty where libcrypto has no MD5 */
        char ja4[JA4_TEXT_SIZE];
};

typedef void hello_fn(void *context, const struct hello *);

/*
 * The JSON line of `--print hellos`. Ciphers by their names in the IANA registry, in the
 * client's order, without GREASE; those that cipher_name() does not know as "0x1301".
 */
void hello_print(const struct hello *, struct buf *out);

#endif
