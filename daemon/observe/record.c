/* SPDX-License-Identifier: MIT */
#include "observe/record.h"

#include "base/json.h"
#include "observe/record_build.h"
#include "observe/text.h"

#include <stdio.h>

void record_begin(struct record_builder *b)
{
        text_clear(b->record, sizeof(*b->record));
        b->used = sizeof(*b->record);
        b->cut = false;
}

static struct record_span put(struct record_builder *b, struct slice text)
{
        uint32_t room = RECORD_SIZE_MAX - b->used;

        if (slice_is_none(text))
                return (struct record_span){ 0, 0 };
        if (room > RECORD_TEXT_CAP)
                room = RECORD_TEXT_CAP;
        uint32_t len = text.len < room ? (uint32_t)text.len : room;
        struct record_span span = { b->used, len };
        text_copy((uint8_t *)b->record + b->used, text.data, len);
        b->used += len;
        b->cut |= len < text.len;
        return span;
}

void record_put(struct record_builder *b, enum record_text which, struct slice text)
{
        b->record->texts[which] = put(b, text);
}

void record_put_header(struct record_builder *b, unsigned number, struct slice text)
{
        b->record->headers[number] = put(b, text);
}

void record_end(struct record_builder *b)
{
        /* RECORD_SIZE_MAX is a multiple of 8, so there is room. */
        while (b->used % 8)
                ((uint8_t *)b->record)[b->used++] = 0;
        b->record->size = b->used;
}

/* A text under `key`, or nothing at all. */
static void print_text(struct json *j, const char *key, struct slice text)
{
        if (!slice_is_none(text))
                json_string(j, key, text);
}

static void print_endpoint(struct json *j, const char *key, const struct ip *ip,
                           uint16_t port)
{
        json_open(j, key);
        json_ip(j, "ip", ip);
        json_u64(j, "port", port);
        json_close(j);
}

static void print_http(struct json *j, const struct record *r)
{
        char version[] = { '1', '.', (char)('0' + r->version_minor % 10), '\0' };

        json_open(j, "http");
        json_text(j, "version", r->version_major == 2 ? "2" : version);
        json_open(j, "request");
        print_text(j, "method", record_text(r, RECORD_METHOD));
        json_u64(j, "bytes", r->request_bytes);
        print_text(j, "referrer", record_text(r, RECORD_REFERER));
        json_close(j);
        if (r->status) {
                json_open(j, "response");
                json_u64(j, "status_code", r->status);
                json_u64(j, "bytes", r->response_bytes);
                json_close(j);
        }
        json_close(j);
}

static void print_url(struct json *j, const struct record *r)
{
        json_open(j, "url");
        print_text(j, "domain", record_text(r, RECORD_DOMAIN));
        print_text(j, "path", record_text(r, RECORD_RAW_PATH));
        print_text(j, "query", record_text(r, RECORD_QUERY));
        json_close(j);
}

static void print_identity(struct json *j, const char *key, struct slice raw,
                           pseudonym_fn *pseudonym, void *context)
{
        char text[256];

        if (slice_is_none(raw))
                return;
        if (pseudonym)
                raw = slice_of(text, pseudonym(context, key, raw, text));
        json_string(j, key, raw);
}

static void print_shape(struct json *j, uint64_t shape)
{
        char text[17];

        if (shape == 0)
                return;
        snprintf(text, sizeof(text), "%016llx", (unsigned long long)shape);
        json_text(j, "http_shape", text);
}

void record_print(const struct record *r, const char *page_name, pseudonym_fn *pseudonym,
                  void *context, struct slice ja4, struct buf *out)
{
        struct json j = json_into(out);
        struct slice agent = record_text(r, RECORD_USER_AGENT);

        json_open(&j, NULL);
        json_time(&j, "@timestamp", r->end_ns);
        print_endpoint(&j, "source", &r->peer, r->peer_port);
        print_endpoint(&j, "destination", &r->server, r->server_port);
        json_open(&j, "client");
        json_ip(&j, "ip", &r->client);
        json_close(&j);
        print_http(&j, r);
        print_url(&j, r);
        if (!slice_is_none(agent)) {
                json_open(&j, "user_agent");
                json_string(&j, "original", agent);
                json_close(&j);
        }
        if (r->duration_ns >= 0) {
                json_open(&j, "event");
                json_u64(&j, "duration", (uint64_t)r->duration_ns);
                json_close(&j);
        }
        json_open(&j, "trawlwatch");
        json_text(&j, "page", page_name);
        print_text(&j, "target", record_text(r, RECORD_TARGET));
        print_identity(&j, "session", record_text(r, RECORD_SESSION), pseudonym, context);
        print_identity(&j, "account", record_text(r, RECORD_ACCOUNT), pseudonym, context);
        print_shape(&j, r->http_shape);
        print_text(&j, "ja4", ja4);
        if (r->flags & RECORD_CLIENT_UNCERTAIN)
                json_bool(&j, "client_uncertain", true);
        json_close(&j);
        json_close(&j);
        buf_put_byte(out, '\n');
}
