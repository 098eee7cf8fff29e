/* SPDX-License-Identifier: MIT */
#include "tls/digest.h"

#include "base/check.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
        EVP_MD *algorithm;
        EVP_MD_CTX *context;
};

struct digest *digest_new(const char *algorithm)
{
        struct digest *d = calloc(1, sizeof(*d));

        if (!d)
                return NULL;
        d->algorithm = EVP_MD_fetch(NULL, algorithm, NULL);
        d->context = EVP_MD_CTX_new();
        if (!d->algorithm || !d->context)
                digest_free(&d);
        return d;
}

void digest_free(struct digest **digest)
{
        struct digest *d = *digest;

        if (!d)
                return;
        EVP_MD_CTX_free(d->context);
        EVP_MD_free(d->algorithm);
        free(d);
        *digest = NULL;
}

void digest_hex(struct digest *d, struct slice s, size_t bytes, char *text)
{
        static const char digits[] = "0123456789abcdef";
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned len;

        CHECK(EVP_DigestInit_ex(d->context, d->algorithm, NULL) == 1);
        CHECK(EVP_DigestUpdate(d->context, s.data, s.len) == 1);
        CHECK(EVP_DigestFinal_ex(d->context, hash, &len) == 1);
        CHECK(bytes <= len);
        for (size_t i = 0; i < bytes; i++) {
                *text++ = digits[hash[i] >> 4];
                *text++ = digits[hash[i] & 15];
        }
}
