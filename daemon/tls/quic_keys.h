/* SPDX-License-Identifier: MIT */
/*
 * quic_keys - opens the Initial packets that a QUIC client sends.
 *
 * They are protected with keys that anybody can work out from the connection id
 * the client chose: against accidents, not against observers. quic_keys_derive
 * does that (five HMAC-SHA-256), quic_open takes the protection off a packet
 * (one AES block for its header, AES-128-GCM for its payload).
 *
 * The contexts of libcrypto are made once and used again for every packet; its HMAC
 * still allocates when it gets a key, opening a packet does not.
 * Opening needs no larger packet number than the truncated one: the numbers of a
 * client's first packets are small.
 *
 * Sources: RFC 9001 5.2 to 5.4, appendix A; RFC 5869 (HKDF); RFC 8446 7.1
 * (HKDF-Expand-Label); RFC 9369 3.3.
 */
#ifndef TLS_QUIC_KEYS_H
#define TLS_QUIC_KEYS_H

#include "tls/quic_packet.h"

enum { QUIC_TAG_SIZE = 16 };

struct quic_crypto;

struct quic_keys {
        uint8_t key[16];
        uint8_t iv[12];
        uint8_t mask[16]; /* header protection */
};

/* NULL when libcrypto has not what is needed. */
struct quic_crypto *quic_crypto_new(void);
void quic_crypto_free(struct quic_crypto **);

/* Those of the client whose first packet went to `destination_id`. */
void quic_keys_derive(struct quic_crypto *, const struct quic_version *,
                      struct slice destination_id, struct quic_keys *);

/*
 * The frames of a packet go to `plain`, which has room for as many bytes as the
 * packet; slice_none() when these are not its keys, or its bytes are not as sent.
 */
struct slice quic_open(struct quic_crypto *, const struct quic_keys *,
                       const struct quic_packet *, uint8_t *plain);

#endif
