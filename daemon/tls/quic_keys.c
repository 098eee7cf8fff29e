/* SPDX-License-Identifier: MIT */
#include "tls/quic_keys.h"

#include "base/check.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

enum {
        SECRET_SIZE = 32, /* of SHA-256 */
        SAMPLE_SIZE = 16,
        NUMBER_MAX = 4, /* bytes of a packet number */
};

struct quic_crypto {
        EVP_MAC *hmac_algorithm;
        EVP_MAC_CTX *hmac;
        EVP_CIPHER *gcm_algorithm, *ecb_algorithm;
        EVP_CIPHER_CTX *gcm, *ecb;
};

static bool open_hmac(struct quic_crypto *c)
{
        char name[] = "SHA256";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                OSSL_PARAM_construct_end(),
        };

        c->hmac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
        c->hmac = EVP_MAC_CTX_new(c->hmac_algorithm);
        return c->hmac && EVP_MAC_CTX_set_params(c->hmac, params) == 1;
}

static bool open_cipher(const char *name, EVP_CIPHER **algorithm,
                        EVP_CIPHER_CTX **context)
{
        *algorithm = EVP_CIPHER_fetch(NULL, name, NULL);
        *context = EVP_CIPHER_CTX_new();
        return *algorithm && *context;
}

struct quic_crypto *quic_crypto_new(void)
{
        struct quic_crypto *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        if (!open_hmac(c) || !open_cipher("AES-128-GCM", &c->gcm_algorithm, &c->gcm) ||
            !open_cipher("AES-128-ECB", &c->ecb_algorithm, &c->ecb) ||
            EVP_DecryptInit_ex(c->gcm, c->gcm_algorithm, NULL, NULL, NULL) != 1 ||
            EVP_EncryptInit_ex(c->ecb, c->ecb_algorithm, NULL, NULL, NULL) != 1)
                quic_crypto_free(&c);
        return c;
}

void quic_crypto_free(struct quic_crypto **crypto)
{
        struct quic_crypto *c = *crypto;

        if (!c)
                return;
        EVP_MAC_CTX_free(c->hmac);
        EVP_MAC_free(c->hmac_algorithm);
        EVP_CIPHER_CTX_free(c->gcm);
        EVP_CIPHER_free(c->gcm_algorithm);
        EVP_CIPHER_CTX_free(c->ecb);
        EVP_CIPHER_free(c->ecb_algorithm);
        free(c);
        *crypto = NULL;
}

/* ---- keys ---- */

static void hmac(struct quic_crypto *c, struct slice key, struct slice text,
                 uint8_t out[SECRET_SIZE])
{
        size_t len;

        CHECK(EVP_MAC_init(c->hmac, key.data, key.len, NULL) == 1);
        CHECK(EVP_MAC_update(c->hmac, text.data, text.len) == 1);
        CHECK(EVP_MAC_final(c->hmac, out, &len, SECRET_SIZE) == 1);
}

/*
 * HKDF-Expand-Label with an empty context, for up to one hash of output: the length
 * asked for, "tls13 " and the label behind their length, no context, block number 1.
 */
static void expand(struct quic_crypto *c, const uint8_t secret[SECRET_SIZE],
                   const char *label, void *out, size_t size)
{
        static const char prefix[] = "tls13 ";
        uint8_t info[64], block[SECRET_SIZE];
        size_t len = strlen(label), at = 3 + sizeof(prefix) - 1;

        CHECK(at + len + 2 <= sizeof(info) && size <= sizeof(block));
        info[0] = 0;
        info[1] = (uint8_t)size;
        info[2] = (uint8_t)(sizeof(prefix) - 1 + len);
        memcpy(info + 3, prefix, sizeof(prefix) - 1);
        memcpy(info + at, label, len);
        info[at + len] = 0;
        info[at + len + 1] = 1;
        hmac(c, slice_of(secret, SECRET_SIZE), slice_of(info, at + len + 2), block);
        memcpy(out, block, size);
}

void quic_keys_derive(struct quic_crypto *c, const struct quic_version *version,
                      struct slice destination_id, struct quic_keys *keys)
{
        uint8_t initial[SECRET_SIZE], client[SECRET_SIZE];

        hmac(c, slice_of(version->salt, QUIC_SALT_SIZE), destination_id, initial);
        expand(c, initial, "client in", client, sizeof(client));
        expand(c, client, version->key_label, keys->key, sizeof(keys->key));
        expand(c, client, version->iv_label, keys->iv, sizeof(keys->iv));
        expand(c, client, version->mask_label, keys->mask, sizeof(keys->mask));
}

/* ---- packets ---- */

/* What the protected header hides: its first byte and the packet number. */
struct header {
        uint8_t first;
        uint8_t number[NUMBER_MAX];
        size_t number_len;
};

static void unmask(struct quic_crypto *c, const struct quic_keys *keys,
                   const struct quic_packet *p, struct header *h)
{
        const uint8_t *number = p->bytes.data + p->number_at;
        uint8_t mask[SAMPLE_SIZE];
        int len;

        CHECK(EVP_EncryptInit_ex(c->ecb, NULL, NULL, keys->mask, NULL) == 1);
        CHECK(EVP_EncryptUpdate(c->ecb, mask, &len, number + NUMBER_MAX, SAMPLE_SIZE) ==
              1);
        h->first = p->bytes.data[0] ^ (mask[0] & 0x0f);
        h->number_len = (h->first & 3U) + 1;
        for (size_t i = 0; i < h->number_len; i++)
                h->number[i] = number[i] ^ mask[1 + i];
}

static void make_nonce(const struct quic_keys *keys, const struct header *h,
                       uint8_t nonce[12])
{
        memcpy(nonce, keys->iv, 12);
        for (size_t i = 0; i < h->number_len; i++)
                nonce[12 - h->number_len + i] ^= h->number[i];
}

static void authenticate(struct quic_crypto *c, const void *data, size_t size)
{
        int len;

        CHECK(EVP_DecryptUpdate(c->gcm, NULL, &len, data, (int)size) == 1);
}

struct slice quic_open(struct quic_crypto *c, const struct quic_keys *keys,
                       const struct quic_packet *p, uint8_t *plain)
{
        struct slice sealed = slice_from(p->bytes, p->number_at);
        struct header header;
        uint8_t nonce[12], tag[QUIC_TAG_SIZE];
        int len, last;

        if (sealed.len < NUMBER_MAX + SAMPLE_SIZE)
                return slice_none();
        unmask(c, keys, p, &header);
        make_nonce(keys, &header, nonce);
        sealed = slice_from(sealed, header.number_len);
        sealed.len -= QUIC_TAG_SIZE;
        memcpy(tag, sealed.data + sealed.len, QUIC_TAG_SIZE);
        CHECK(EVP_DecryptInit_ex(c->gcm, NULL, NULL, keys->key, nonce) == 1);
        authenticate(c, &header.first, 1);
        authenticate(c, p->bytes.data + 1, p->number_at - 1);
        authenticate(c, header.number, header.number_len);
        CHECK(EVP_DecryptUpdate(c->gcm, plain, &len, sealed.data, (int)sealed.len) == 1);
        CHECK(EVP_CIPHER_CTX_ctrl(c->gcm, EVP_CTRL_AEAD_SET_TAG, QUIC_TAG_SIZE, tag) ==
              1);
        if (EVP_DecryptFinal_ex(c->gcm, plain + len, &last) != 1)
                return slice_none();
        return slice_of(plain, (size_t)len);
}
