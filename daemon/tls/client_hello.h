/* SPDX-License-Identifier: MIT */
/*
 * client_hello - what a TLS client says first, taken apart.
 *
 * One pass over a whole ClientHello handshake message. Nothing is copied: slices
 * are borrowed from the message, only the types of the extensions are collected.
 * The frame of the message must hold to the last byte: fields, extensions and
 * their lengths. An extension whose body breaks its own grammar is there, and says
 * nothing: its type counts, its list is empty. Of an extension that comes twice
 * the first one is read.
 *
 * With Encrypted Client Hello this is the outer hello: its server name is the
 * public name of the provider, not of the site. Clients also send a dummy of that
 * extension (GREASE), and from outside the two look alike: `ech` means either.
 *
 * Cost: the message's bytes are touched once. 120 bytes of result and 256 of types.
 *
 * Sources: RFC 8446 4.1.2, 4.2; RFC 5246 7.4.1.2; RFC 6066 3 (server name);
 * RFC 7301 3.1 (ALPN); RFC 8422 5.1 (groups, point formats); RFC 8701 (GREASE);
 * RFC 9849 (ECH).
 */
#ifndef TLS_CLIENT_HELLO_H
#define TLS_CLIENT_HELLO_H

#include "base/slice.h"

/*
 * Browsers send up to 2 KiB, with post-quantum key shares and ECH too; OpenSSL's
 * servers take 128 KiB. With its handshake header.
 */
#define CLIENT_HELLO_MAX            65536
#define CLIENT_HELLO_HEADER         4
#define CLIENT_HELLO_CIPHERS_MAX    512 /* the registry has some 350 */
#define CLIENT_HELLO_EXTENSIONS_MAX 128 /* some 60 */
#define CLIENT_HELLO_LIST_MAX       256 /* groups, signature algorithms */

/* Lists of numbers are as sent: two bytes each, network order, GREASE among them. */
struct client_hello {
        uint16_t version;         /* legacy_version: 0x0303 for TLS 1.2 and 1.3 */
        uint16_t version_highest; /* of supported_versions, else `version` */
        uint16_t extension_count;
        bool has_server_name; /* the extension, whatever is in it */
        bool ech;             /* outer Encrypted Client Hello, or its dummy */
        struct slice ciphers;
        struct slice groups;
        struct slice signature_algorithms;
        struct slice point_formats; /* one byte each */
        struct slice server_name;   /* none when it has none */
        struct slice alpn;          /* first protocol; none when it offers none */
        struct slice alpn_list;     /* all: a byte of length before each */
        uint16_t extensions[CLIENT_HELLO_EXTENSIONS_MAX]; /* in the order sent */
};

enum client_hello_result {
        CLIENT_HELLO_OK,
        CLIENT_HELLO_MALFORMED, /* not a ClientHello, cut short, or with bytes left over
                                 */
        CLIENT_HELLO_TOO_MANY,  /* more ciphers, extensions or list members than the caps
                                 */
};

/* `message` starts with its type and length, and is whole. */
enum client_hello_result client_hello_parse(struct slice message, struct client_hello *);

/* Values that clients send to see whether servers pass over what they do not know. */
static inline bool tls_is_grease(uint16_t value)
{
        return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#endif
