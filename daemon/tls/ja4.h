/* SPDX-License-Identifier: MIT */
/*
 * ja4 - fingerprint of a TLS client that survives shuffled extensions.
 *
 *   t 13 d 15 16 h2 _ 8daaf6152771 _ e5627efa2ab1
 *   | |  | |  |  |    |              SHA-256 over the extensions, sorted, without
 *   | |  | |  |  |    |              server name and ALPN, then `_` and the signature
 *   | |  | |  |  |    |              algorithms in their order; 12 digits of it
 *   | |  | |  |  |    SHA-256 over the ciphers, sorted; 12 digits of it
 *   | |  | |  |  first and last character of the first ALPN protocol, 00 without
 *   | |  | |  extensions, 99 at the most
 *   | |  | ciphers, 99 at the most
 *   | |  d: it names a server, i: it does not
 *   | version: 13 12 11 10, s3, or 00
 *   t: TCP, q: QUIC
 *
 * GREASE is left out everywhere. Where the first or last byte of the protocol is no
 * ASCII letter or digit, they are taken from its hexadecimal form. An empty list
 * gives twelve zeros.
 *
 * Source: technical_details/JA4.md of JA4 TLS client fingerprinting by FoxIO
 * (BSD-3-Clause), github.com/FoxIO-LLC/ja4.
 */
#ifndef TLS_JA4_H
#define TLS_JA4_H

#include "tls/client_hello.h"
#include "tls/digest.h"

#define JA4_TEXT_SIZE 37 /* with its NUL */

/* `transport` is 't' or 'q'. */
void ja4(struct digest *sha256, const struct client_hello *, char transport,
         char text[JA4_TEXT_SIZE]);

#endif
