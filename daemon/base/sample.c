/* SPDX-License-Identifier: MIT */
#include "base/sample.h"

struct hash_key sample_key(const struct hash_key *from)
{
        static const char purpose[2][8] = { "sample 0", "sample 1" };

        return (struct hash_key){ hash_bytes(from, purpose[0], sizeof(purpose[0])),
                                  hash_bytes(from, purpose[1], sizeof(purpose[1])) };
}

uint8_t sample_rank(const struct hash_key *key, const struct ip *visitor)
{
        size_t len = ip_is_v4(visitor) ? 16 : 8;
        uint64_t hash = hash_bytes(key, visitor->bytes, len);

        return (uint8_t)__builtin_ctzll(hash | UINT64_C(1) << SAMPLE_SHIFT_MAX);
}
