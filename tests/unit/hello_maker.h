/* SPDX-License-Identifier: MIT */
/*
 * hello_maker - ClientHellos for tests: made of lists of numbers, or read from files.
 */
#ifndef UNIT_HELLO_MAKER_H
#define UNIT_HELLO_MAKER_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"

/* What a hello is made of. Text: numbers in hexadecimal, separated by blanks. */
struct hello_parts {
        unsigned version; /* 0x0303 when 0 */
        const char *ciphers;
        const char *extensions;    /* types; bodies below, empty for all others */
        const char *groups;        /* body of 10 */
        const char *point_formats; /* 11 */
        const char *algorithms;    /* 13 */
        const char *versions;      /* 43 */
        const char *name;          /* 0 */
        const char *alpn;          /* 16: protocols, separated by blanks */
};

static inline void put_be(struct buf *b, size_t value, int width)
{
        while (width--)
                buf_put_byte(b, (uint8_t)(value >> 8 * width));
}

/* `content` behind its length. */
static inline void put_vector(struct buf *b, int width, const struct buf *content)
{
        put_be(b, content->len, width);
        buf_put_slice(b, buf_slice(content));
}

static inline void put_hex_list(struct buf *b, const char *text, int width)
{
        char *end;

        for (unsigned long value; text && *text; text = end) {
                value = strtoul(text, &end, 16);
                if (end == text)
                        break;
                put_be(b, value, width);
        }
}

static inline void put_list_body(struct buf *b, const char *text, int length, int width)
{
        struct buf list = { 0 };

        put_hex_list(&list, text, width);
        put_vector(b, length, &list);
        buf_free(&list);
}

static inline void put_name_body(struct buf *b, const char *name)
{
        put_be(b, strlen(name) + 3, 2);
        put_be(b, 0, 1);
        put_be(b, strlen(name), 2);
        buf_put_str(b, name);
}

static inline void put_alpn_body(struct buf *b, const char *protocols)
{
        struct slice rest = slice_str(protocols), one;
        struct buf list = { 0 };

        while (slice_next(&rest, ' ', &one)) {
                put_be(&list, one.len, 1);
                buf_put_slice(&list, one);
        }
        put_vector(b, 2, &list);
        buf_free(&list);
}

static inline void put_extension_body(struct buf *b, unsigned type,
                                      const struct hello_parts *p)
{
        if (type == 0 && p->name)
                put_name_body(b, p->name);
        else if (type == 10)
                put_list_body(b, p->groups, 2, 2);
        else if (type == 11)
                put_list_body(b, p->point_formats, 1, 1);
        else if (type == 13)
                put_list_body(b, p->algorithms, 2, 2);
        else if (type == 16 && p->alpn)
                put_alpn_body(b, p->alpn);
        else if (type == 43)
                put_list_body(b, p->versions, 1, 2);
}

static inline void put_extensions(struct buf *b, const struct hello_parts *p)
{
        struct buf types = { 0 }, all = { 0 };

        put_hex_list(&types, p->extensions, 2);
        for (size_t i = 0; i < types.len; i += 2) {
                struct buf body = { 0 };
                unsigned type = (unsigned)(types.data[i] << 8 | types.data[i + 1]);
                put_extension_body(&body, type, p);
                put_be(&all, type, 2);
                put_vector(&all, 2, &body);
                buf_free(&body);
        }
        put_vector(b, 2, &all);
        buf_free(&types);
        buf_free(&all);
}

/* The handshake message, at the end of `out`. */
static inline void make_hello(struct buf *out, const struct hello_parts *p)
{
        struct buf body = { 0 };

        put_be(&body, p->version ? p->version : 0x0303, 2);
        for (int i = 0; i < 32; i++)
                put_be(&body, (size_t)i, 1);
        put_be(&body, 0, 1); /* session id */
        put_list_body(&body, p->ciphers, 2, 2);
        put_be(&body, 0x0100, 2); /* compression: null */
        if (p->extensions)
                put_extensions(&body, p);
        put_be(out, 1, 1);
        put_vector(out, 3, &body);
        buf_free(&body);
}

/* A file below tests/captures/hellos. */
static inline void read_capture(const char *name, struct buf *out)
{
        char path[256], chunk[4096];
        size_t got;

        snprintf(path, sizeof(path), "captures/hellos/%s", name);
        FILE *file = fopen(path, "rb");
        CHECK(file);
        while ((got = fread(chunk, 1, sizeof(chunk), file)))
                buf_put(out, chunk, got);
        fclose(file);
}

/* The message in a recording that is one TLS record. */
static inline struct slice recorded_message(const struct buf *recording)
{
        return slice_from(buf_slice(recording), 5);
}

/* Takes the next datagram off a recording of QUIC. */
static inline bool next_datagram(struct slice *recording, struct slice *datagram)
{
        if (recording->len < 2)
                return false;
        size_t len = (size_t)(recording->data[0] << 8 | recording->data[1]);
        *recording = slice_from(*recording, 2);
        *datagram = slice_first(*recording, len);
        *recording = slice_from(*recording, len);
        return true;
}

static inline void put_hex(struct buf *out, const char *text)
{
        for (unsigned value; sscanf(text, "%2x", &value) == 1; text += 2)
                buf_put_byte(out, (uint8_t)value);
}

#endif
