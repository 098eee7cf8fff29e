/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *b)
{
        free(b->data);
        *b = (struct buf){ 0 };
}

void buf_reserve(struct buf *b, size_t more)
{
        size_t cap = b->cap ? b->cap : 64;

        if (b->cap - b->len >= more)
                return;
        while (cap - b->len < more)
                cap *= 2;
        b->data = realloc(b->data, cap);
        CHECK(b->data);
        b->cap = cap;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
        if (len == 0)
                return;
        buf_reserve(b, len);
        memcpy(b->data + b->len, data, len);
        b->len += len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
        va_list args, again;

        va_start(args, format);
        va_copy(again, args);
        int len = vsnprintf(NULL, 0, format, args);
        CHECK(len >= 0);
        buf_reserve(b, (size_t)len + 1);
        vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
        va_end(again);
        va_end(args);
}
