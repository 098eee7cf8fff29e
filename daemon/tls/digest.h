/* SPDX-License-Identifier: MIT */
/*
 * digest - MD5 and SHA-256 of libcrypto, as text.
 *
 * Owns the algorithm, looked up once, and one context that is used again for each
 * call. libcrypto 3.0 still allocates its state anew, about 100 bytes for each digest;
 * nothing else on this path does. Not for passwords or signatures: fingerprints are
 * names.
 */
#ifndef TLS_DIGEST_H
#define TLS_DIGEST_H

#include "base/slice.h"

struct digest;

/* "MD5" or "SHA256". NULL when libcrypto refuses it (FIPS mode has no MD5). */
struct digest *digest_new(const char *algorithm);
void digest_free(struct digest **);

/* The first `bytes` bytes of the digest as 2 * bytes lower-case hexadecimal digits. */
void digest_hex(struct digest *, struct slice, size_t bytes, char *text);

#endif
