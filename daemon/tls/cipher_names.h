/* SPDX-License-Identifier: MIT */
/*
 * cipher_names - names of cipher suites, as the IANA registry has them.
 *
 * Those that clients have really offered in the last twenty years; a suite that is
 * not here has no name. Cost: a binary search.
 *
 * Source: IANA, Transport Layer Security (TLS) Parameters, TLS Cipher Suites.
 */
#ifndef TLS_CIPHER_NAMES_H
#define TLS_CIPHER_NAMES_H

#include <stdint.h>

/* "TLS_AES_128_GCM_SHA256" for 0x1301, or NULL. */
const char *cipher_name(uint16_t cipher);

#endif
