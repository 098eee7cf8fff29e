/* SPDX-License-Identifier: MIT */
/*
 * quic_maker - Initial packets as a client seals them, for tests.
 *
 * The other direction of tls/quic_keys.c, whose keys it takes: that those are right
 * is for the vectors of the RFCs to say.
 */
#ifndef UNIT_QUIC_MAKER_H
#define UNIT_QUIC_MAKER_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/check.h"
#include "tls/quic_keys.h"

enum { QUIC_MAKER_V1 = 1, QUIC_MAKER_V2 = 0x6b3343cf };

struct quic_maker {
        uint32_t version;
        struct slice key_id;         /* the one the keys come from */
        struct slice destination_id; /* the one in the header */
        struct slice token;
        uint8_t number;
        size_t size; /* of the packet: filled up with PADDING */
};

/* The row of quic_packet.c, found by reading a packet that has nothing but a header. */
static inline const struct quic_version *quic_maker_version(uint32_t number)
{
        uint8_t bytes[] = { 0xe0,
                            (uint8_t)(number >> 24),
                            (uint8_t)(number >> 16),
                            (uint8_t)(number >> 8),
                            (uint8_t)number,
                            0,
                            0,
                            0 };
        struct slice datagram = slice_of(bytes, sizeof(bytes));
        struct quic_packet packet;

        CHECK(quic_packet_next(&datagram, &packet) == QUIC_PACKET_LONG);
        return packet.version;
}

static inline void put_integer(struct buf *b, uint64_t value)
{
        CHECK(value < 1 << 14);
        buf_put_byte(b, (uint8_t)(0x40 | value >> 8));
        buf_put_byte(b, (uint8_t)value);
}

static inline void put_crypto_frame(struct buf *frames, size_t offset, struct slice data)
{
        buf_put_byte(frames, 6);
        put_integer(frames, offset);
        put_integer(frames, data.len);
        buf_put_slice(frames, data);
}

static inline void quic_maker_header(const struct quic_maker *m, uint8_t first,
                                     size_t length, struct buf *out)
{
        buf_put_byte(out, first);
        for (int shift = 24; shift >= 0; shift -= 8)
                buf_put_byte(out, (uint8_t)(m->version >> shift));
        buf_put_byte(out, (uint8_t)m->destination_id.len);
        buf_put_slice(out, m->destination_id);
        buf_put_byte(out, 0);
        put_integer(out, m->token.len);
        buf_put_slice(out, m->token);
        put_integer(out, length);
        buf_put_byte(out, m->number);
}

static inline void quic_maker_seal(const struct quic_keys *keys, uint8_t number,
                                   struct slice header, struct slice frames,
                                   uint8_t *sealed)
{
        EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
        uint8_t nonce[12];
        int len;

        memcpy(nonce, keys->iv, sizeof(nonce));
        nonce[11] ^= number;
        CHECK(EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1);
        CHECK(EVP_EncryptUpdate(gcm, NULL, &len, header.data, (int)header.len) == 1);
        CHECK(EVP_EncryptUpdate(gcm, sealed, &len, frames.data, (int)frames.len) == 1);
        CHECK(EVP_EncryptFinal_ex(gcm, sealed + len, &len) == 1);
        CHECK(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, QUIC_TAG_SIZE,
                                  sealed + frames.len) == 1);
        EVP_CIPHER_CTX_free(gcm);
}

static inline void quic_maker_mask(const struct quic_keys *keys, uint8_t *packet,
                                   size_t number_at)
{
        EVP_CIPHER_CTX *ecb = EVP_CIPHER_CTX_new();
        uint8_t mask[32];
        int len;

        CHECK(EVP_EncryptInit_ex(ecb, EVP_aes_128_ecb(), NULL, keys->mask, NULL) == 1);
        CHECK(EVP_EncryptUpdate(ecb, mask, &len, packet + number_at + 4, 16) == 1);
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at] ^= mask[1];
        EVP_CIPHER_CTX_free(ecb);
}

/* One packet at the end of `out`. */
static inline void make_initial(const struct quic_maker *m, struct slice frames,
                                struct buf *out)
{
        const struct quic_version *version = quic_maker_version(m->version);
        struct quic_crypto *crypto = quic_crypto_new();
        struct buf padded = { 0 }, header = { 0 };
        struct quic_keys keys;
        size_t overhead =
            1 + 4 + 1 + m->destination_id.len + 1 + 2 + m->token.len + 2 + 1 + 16;

        buf_put_slice(&padded, frames);
        while (padded.len + overhead < m->size || padded.len < 3)
                buf_put_byte(&padded, 0);
        quic_maker_header(m, (uint8_t)(0xc0 | version->initial_type << 4),
                          1 + padded.len + QUIC_TAG_SIZE, &header);
        quic_keys_derive(crypto, version, m->key_id, &keys);
        size_t start = out->len;
        buf_put_slice(out, buf_slice(&header));
        buf_reserve(out, padded.len + QUIC_TAG_SIZE);
        quic_maker_seal(&keys, m->number, buf_slice(&header), buf_slice(&padded),
                        out->data + out->len);
        out->len += padded.len + QUIC_TAG_SIZE;
        quic_maker_mask(&keys, out->data + start, header.len - 1);
        quic_crypto_free(&crypto);
        buf_free(&padded);
        buf_free(&header);
}

#endif
