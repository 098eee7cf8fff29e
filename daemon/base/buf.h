/* SPDX-License-Identifier: MIT */
/*
 * buf - bytes that grow at the end.
 *
 * Owns its memory; grows by doubling. Out of memory ends the process: buffers
 * hold what we write ourselves, and whoever fills one from traffic caps it first.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

struct buf {
        uint8_t *data;
        size_t len, cap;
};

void buf_free(struct buf *);
void buf_reserve(struct buf *, size_t more);
void buf_put(struct buf *, const void *data, size_t len);
void buf_printf(struct buf *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void buf_put_byte(struct buf *b, uint8_t byte)
{
        if (b->len == b->cap)
                buf_reserve(b, 1);
        b->data[b->len++] = byte;
}

static inline void buf_put_slice(struct buf *b, struct slice s)
{
        buf_put(b, s.data, s.len);
}

static inline void buf_put_str(struct buf *b, const char *s)
{
        buf_put(b, s, strlen(s));
}

/* Drops the contents, keeps the memory. */
static inline void buf_clear(struct buf *b)
{
        b->len = 0;
}

static inline struct slice buf_slice(const struct buf *b)
{
        return slice_of(b->data ? b->data : (const uint8_t *)"", b->len);
}

#endif
