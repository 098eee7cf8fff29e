/* SPDX-License-Identifier: MIT */
/*
 * ja3 - fingerprint of a TLS client: MD5 over what its hello offers, in its order.
 *
 *   version,ciphers,extensions,groups,point formats
 *   771,4865-4866,0-10-11,29-23,0
 *
 * Decimal numbers, joined by `-`; GREASE is left out. `version` is the legacy one.
 * Browsers shuffle their extensions since 2023, so that one browser has many JA3:
 * JA4 is the steadier name.
 *
 * Source: the JA3 specification by Salesforce (BSD-3-Clause), github.com/salesforce/ja3.
 */
#ifndef TLS_JA3_H
#define TLS_JA3_H

#include "tls/client_hello.h"
#include "tls/digest.h"

#define JA3_TEXT_SIZE 33 /* with its NUL */

/* Five digits and a separator for each number. */
#define JA3_STRING_MAX                                                     \
        (6 * (1 + CLIENT_HELLO_CIPHERS_MAX + CLIENT_HELLO_EXTENSIONS_MAX + \
              CLIENT_HELLO_LIST_MAX + 256) +                               \
         4)

/* The text that is hashed; its length. */
size_t ja3_string(const struct client_hello *, char text[JA3_STRING_MAX]);

/* `md5` may be NULL: then the text is empty. */
void ja3(struct digest *md5, const struct client_hello *, char text[JA3_TEXT_SIZE]);

#endif
