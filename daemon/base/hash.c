/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include "base/bytes.h"
#include "base/check.h"

#include <sys/random.h>

struct sip {
        uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int by)
{
        return x << by | x >> (64 - by);
}

static inline void sip_round(struct sip *s)
{
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
}

static inline struct sip sip_start(const struct hash_key *key)
{
        return (struct sip){ key->k0 ^ 0x736f6d6570736575ULL,
                             key->k1 ^ 0x646f72616e646f6dULL,
                             key->k0 ^ 0x6c7967656e657261ULL,
                             key->k1 ^ 0x7465646279746573ULL };
}

static inline void sip_word(struct sip *s, uint64_t word)
{
        s->v3 ^= word;
        sip_round(s);
        s->v0 ^= word;
}

static inline uint64_t sip_end(struct sip *s, uint64_t last)
{
        sip_word(s, last);
        s->v2 ^= 0xff;
        sip_round(s);
        sip_round(s);
        sip_round(s);
        return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
        struct sip s = sip_start(key);
        const uint8_t *p = data;
        size_t left = len;

        for (; left >= 8; p += 8, left -= 8)
                sip_word(&s, load_le64(p));
        uint64_t last = (uint64_t)len << 56;
        for (size_t i = 0; i < left; i++)
                last |= (uint64_t)p[i] << (8 * i);
        return sip_end(&s, last);
}

uint64_t hash_u64(const struct hash_key *key, uint64_t value)
{
        struct sip s = sip_start(key);

        sip_word(&s, value);
        return sip_end(&s, (uint64_t)8 << 56);
}

struct hash_key hash_key_random(void)
{
        struct hash_key key;

        /* Up to 256 bytes getrandom is never interrupted and never short. */
        CHECK(getrandom(&key, sizeof(key), 0) == sizeof(key));
        return key;
}

struct hash_key hash_key_fixed(void)
{
        return (struct hash_key){ 0x5452415754434857ULL, 0x4f46464c494e4531ULL };
}
