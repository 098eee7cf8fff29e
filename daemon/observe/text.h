/* SPDX-License-Identifier: MIT */
/*
 * text - copies, compares and clears short runs of bytes without a call.
 *
 * The texts of a request are 3 to 120 bytes long. For those a call of memcpy or
 * memcmp costs as much as the work, and the string instructions that compilers
 * put in their place several times that. Never touches a byte outside of what
 * it is given; last words overlap those before them.
 */
#ifndef OBSERVE_TEXT_H
#define OBSERVE_TEXT_H

#include "base/bytes.h"
#include "base/slice.h"

static inline void text_copy(uint8_t *to, const uint8_t *from, size_t len)
{
        size_t at = 0;

        /* Fixed sizes become one load and one store. */
        for (; at + 16 <= len; at += 16)
                memcpy(to + at, from + at, 16);
        if (at == len)
                return;
        if (len >= 16) {
                memcpy(to + len - 16, from + len - 16, 16);
        } else if (len >= 8) {
                memcpy(to, from, 8);
                memcpy(to + len - 8, from + len - 8, 8);
        } else if (len >= 4) {
                memcpy(to, from, 4);
                memcpy(to + len - 4, from + len - 4, 4);
        } else {
                to[0] = from[0];
                to[len / 2] = from[len / 2];
                to[len - 1] = from[len - 1];
        }
}

static inline bool text_same(const uint8_t *a, const uint8_t *b, size_t len)
{
        size_t at = 0;

        for (; at + 8 <= len; at += 8)
                if (load_u64(a + at) != load_u64(b + at))
                        return false;
        if (len >= 8)
                return load_u64(a + len - 8) == load_u64(b + len - 8);
        for (; at < len; at++)
                if (a[at] != b[at])
                        return false;
        return true;
}

static inline bool text_equal(struct slice a, struct slice b)
{
        return a.len == b.len && text_same(a.data, b.data, a.len);
}

/* `len` is at least 64. */
static inline void text_clear(void *to, size_t len)
{
        uint8_t *bytes = to;

        for (size_t at = 0; at + 64 <= len; at += 64)
                memset(bytes + at, 0, 64);
        memset(bytes + len - 64, 0, 64);
}

#endif
