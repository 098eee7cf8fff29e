/* SPDX-License-Identifier: MIT */
/*
 * copy - copies a short text without a call.
 *
 * Texts of requests are 3 to 120 bytes long. For those a call of memcpy costs as
 * much as the copy, and what compilers put in its place (string instructions)
 * several times that. Never touches a byte outside of both ranges.
 */
#ifndef OBSERVE_COPY_H
#define OBSERVE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void copy_text(uint8_t *to, const uint8_t *from, size_t len)
{
        size_t at = 0;

        /* Fixed sizes become one load and one store; the last ones may overlap. */
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

#endif
