/* SPDX-License-Identifier: MIT */
/*
 * bytes - integers in network order and in the other one, from any alignment.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t load_be16(const uint8_t *p)
{
        return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t load_le32(const uint8_t *p)
{
        return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t load_le64(const uint8_t *p)
{
        return (uint64_t)load_le32(p + 4) << 32 | load_le32(p);
}

/* In the order of the machine: for hashing and comparing only. */
static inline uint64_t load_u64(const void *p)
{
        uint64_t value;
        memcpy(&value, p, sizeof(value));
        return value;
}

#endif
