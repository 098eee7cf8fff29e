/* SPDX-License-Identifier: MIT */
#include "h2.h"

#include <ctype.h>
#include <err.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELDS_MAX = 32, FRAME_HEAD = 9, MESSAGE_MAX = 2048 };
enum { DATA = 0, HEADERS = 1, SETTINGS = 4, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

struct h2 {
        nghttp2_hd_deflater *requests, *responses;
        uint32_t stream;
};

struct fields {
        nghttp2_nv each[FIELDS_MAX];
        size_t count;
};

struct out {
        char *at;
        size_t len, size;
};

struct h2 *h2_new(void)
{
        struct h2 *h = calloc(1, sizeof *h);

        if (!h || nghttp2_hd_deflate_new(&h->requests, 4096) ||
            nghttp2_hd_deflate_new(&h->responses, 4096))
                errx(1, "h2_new");
        return h;
}

void h2_free(struct h2 **h2)
{
        if (!*h2)
                return;
        nghttp2_hd_deflate_del((*h2)->requests);
        nghttp2_hd_deflate_del((*h2)->responses);
        free(*h2);
        *h2 = NULL;
}

static void put(struct out *out, const void *bytes, size_t len)
{
        if (len > out->size - out->len)
                errx(1, "a message does not fit into its buffer of %zu bytes", out->size);
        memcpy(out->at + out->len, bytes, len);
        out->len += len;
}

static void put_head(struct out *out, size_t len, int type, int flags, uint32_t stream)
{
        uint8_t head[FRAME_HEAD] = {
                (uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
                (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
                (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
        };

        put(out, head, sizeof head);
}

/* The texts stay where they are; they are compressed before they are written over. */
static void add(struct fields *fields, char *name, size_t name_len, char *value,
                size_t value_len)
{
        if (fields->count == FIELDS_MAX)
                errx(1, "too many header lines");
        for (size_t i = 0; i < name_len; i++)
                name[i] = (char)tolower((unsigned char)name[i]);
        fields->each[fields->count++] =
            (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, name_len, value_len, 0 };
}

static void add_text(struct fields *fields, const char *name, char *value, size_t len)
{
        static char names[8][16];
        static unsigned next;
        char *copy = names[next++ % 8];

        strcpy(copy, name);
        add(fields, copy, strlen(copy), value, len);
}

/* Header lines up to the blank one; returns where the body begins. */
static char *read_lines(struct fields *fields, char *at)
{
        while (*at != '\r') {
                char *colon = strchr(at, ':'), *end = strstr(at, "\r\n");
                size_t name = (size_t)(colon - at), value = (size_t)(end - colon - 2);
                if (name == 4 && strncasecmp(at, "Host", 4) == 0)
                        ; /* :authority, already there */
                else if (name != 10 || strncasecmp(at, "Connection", 10) != 0)
                        add(fields, at, name, colon + 2, value);
                at = end + 2;
        }
        return at + 2;
}

static void put_fields(struct out *out, nghttp2_hd_deflater *deflater,
                       const struct fields *fields, int flags, uint32_t stream)
{
        uint8_t block[MESSAGE_MAX];
        ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof block, fields->each,
                                            fields->count);

        if (len < 0)
                errx(1, "nghttp2_hd_deflate_hd: %s", nghttp2_strerror((int)len));
        put_head(out, (size_t)len, HEADERS, END_HEADERS | flags, stream);
        put(out, block, (size_t)len);
}

static void put_preface(struct out *out)
{
        static const uint8_t settings[] = { 0, 3, 0, 0, 0, 100, 0, 4, 0, 1, 0, 0 };

        put(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        put_head(out, sizeof settings, SETTINGS, 0, 0);
        put(out, settings, sizeof settings);
        put_head(out, 4, WINDOW_UPDATE, 0, 0);
        put(out, "\0\xff\0\0", 4);
}

static void translate_request(struct h2 *h, struct exchange *exchange, bool first)
{
        char text[VISITORS_REQUEST_MAX + 1], scheme[] = "http";
        struct out out = { exchange->request, 0, sizeof exchange->request };
        struct fields fields = { .count = 0 };
        size_t len = exchange->request_len;

        memcpy(text, exchange->request, len);
        text[len] = '\0';
        char *path = strchr(text, ' ') + 1, *version = strchr(path, ' ');
        char *host = strstr(text, "Host: ") + 6;
        add_text(&fields, ":method", text, (size_t)(path - text) - 1);
        add_text(&fields, ":scheme", scheme, 4);
        add_text(&fields, ":authority", host, (size_t)(strstr(host, "\r\n") - host));
        add_text(&fields, ":path", path, (size_t)(version - path));
        char *body = read_lines(&fields, strstr(version, "\r\n") + 2);
        size_t body_len = len - (size_t)(body - text);
        if (first)
                put_preface(&out);
        put_fields(&out, h->requests, &fields, body_len ? 0 : END_STREAM, h->stream);
        if (body_len) {
                put_head(&out, body_len, DATA, END_STREAM, h->stream);
                put(&out, body, body_len);
        }
        exchange->request_len = out.len;
}

static void translate_response(struct h2 *h, struct exchange *exchange, bool first)
{
        char text[VISITORS_RESPONSE_MAX + 1];
        struct out out = { exchange->response, 0, sizeof exchange->response };
        struct fields fields = { .count = 0 };

        memcpy(text, exchange->response, exchange->response_len);
        text[exchange->response_len] = '\0';
        add_text(&fields, ":status", strchr(text, ' ') + 1, 3);
        read_lines(&fields, strstr(text, "\r\n") + 2);
        if (first) {
                put_head(&out, 0, SETTINGS, 0, 0);
                put_head(&out, 0, SETTINGS, ACK, 0);
        }
        put_fields(&out, h->responses, &fields, 0, h->stream);
        put_head(&out, exchange->body_len, DATA, END_STREAM, h->stream);
        exchange->response_len = out.len;
}

void h2_translate(struct h2 *h, struct exchange *exchange)
{
        bool first = h->stream == 0;

        h->stream = first ? 1 : h->stream + 2;
        translate_request(h, exchange, first);
        translate_response(h, exchange, first);
}
