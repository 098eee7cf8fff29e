/* SPDX-License-Identifier: MIT */
#include "traffic_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

#define FIRST_PORT 20000
#define PORTS      40000
#define BODY_TIME  NS_PER_MS /* from the first byte of a response to its last */

void traffic_free(struct traffic **traffic)
{
        struct traffic *t = *traffic;

        if (!t)
                return;
        arena_free(&t->arena);
        buf_free(&t->text);
        free(t->lines);
        free(t);
        *traffic = NULL;
}

uint64_t traffic_requests(const struct traffic *t)
{
        uint64_t all = 0;

        for (unsigned i = 0; i < t->count; i++)
                all += t->lines[i].times;
        return all;
}

void traffic_begin(struct traffic *t, int64_t begin_ns, uint64_t seed)
{
        t->begin_ns = begin_ns;
        for (unsigned i = 0; i < t->count; i++) {
                struct traffic_line *line = &t->lines[i];
                line->done = 0;
                /* By its place, so that a change in one line leaves the others alone. */
                line->random = seed + ((uint64_t)i << 32);
                line->next_ns = begin_ns + line->at_ns;
        }
}

/* Address number `which` of a network, from .1 on; of a wide IPv6 one, the ::1 of that
 * /64. */
static struct ip address_in(const struct network *network, uint64_t which)
{
        bool wide = network->bits < 64 && !ip_is_v4(&network->ip);
        struct ip ip = network->ip;

        if (network->bits == 128)
                return ip;
        for (int at = wide ? 7 : 15; which && at >= 0; at--, which >>= 8)
                ip.bytes[at] |= which & 0xff;
        if (wide)
                ip.bytes[15] |= 1;
        return ip;
}

static uint64_t size_of(const struct network *network)
{
        unsigned end = network->bits < 64 && !ip_is_v4(&network->ip) ? 64 : 128;
        unsigned free_bits = end - network->bits;

        return free_bits > 40 ? UINT64_C(1) << 40 : UINT64_C(1) << free_bits;
}

static struct ip client_of(const struct traffic_line *line, uint64_t client)
{
        const struct network *network = line->networks;

        for (; client >= size_of(network); network++)
                client -= size_of(network);
        return address_in(network, (client + 1) % size_of(network));
}

/* The template's text; it lasts as long as the event. */
static struct slice text_of(struct traffic *t, const struct template *template,
                            const struct template_values *values)
{
        buf_clear(&t->text);
        template_put(template, values, &t->text);
        return arena_copy(&t->arena, buf_slice(&t->text));
}

static struct slice copy(struct traffic *t)
{
        return arena_copy(&t->arena, buf_slice(&t->text));
}

static void add(struct http_headers *headers, const char *name, struct slice value)
{
        struct http_header *lines = (struct http_header *)headers->lines;

        lines[headers->count++] = (struct http_header){ slice_str(name), value };
}

static void add_agent(struct http_headers *headers, const struct agent *agent,
                      struct slice host)
{
        for (const char *const *line = agent->lines; *line; line++) {
                struct slice whole = slice_str(*line);
                size_t colon = slice_find(whole, ':');
                struct slice name = slice_first(whole, colon);
                struct slice value = slice_from(whole, colon + 2);
                struct http_header *lines = (struct http_header *)headers->lines;
                lines[headers->count++] =
                    (struct http_header){ name, slice_is(name, "Host") ? host : value };
        }
}

/* In place of a line of that name, or behind all others. */
static void set(struct http_headers *headers, struct slice name, struct slice value)
{
        struct http_header *lines = (struct http_header *)headers->lines;
        uint32_t i = 0;

        while (i < headers->count && !slice_equal_nocase(lines[i].name, name))
                i++;
        lines[i] = (struct http_header){ name, value };
        headers->count += i == headers->count;
}

static void put_urlencoded(struct slice text, struct buf *out)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-._*";

        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] && strchr(plain, text.data[i]))
                        buf_put_byte(out, text.data[i]);
                else
                        buf_printf(out, "%%%02X", text.data[i]);
}

static struct slice cookies_of(struct traffic *t, const struct pairs *pairs,
                               const struct template_values *values)
{
        buf_clear(&t->text);
        for (unsigned i = 0; i < pairs->count; i++) {
                buf_put_str(&t->text, i ? "; " : "");
                buf_put_slice(&t->text, pairs->at[i].name);
                buf_put_byte(&t->text, '=');
                template_put(&pairs->at[i].value, values, &t->text);
        }
        return copy(t);
}

static struct slice body_of(struct traffic *t, const struct traffic_line *line,
                            const struct template_values *values)
{
        struct buf value = { 0 }, body = { 0 };

        for (unsigned i = 0; i < line->body.count; i++) {
                const struct pair *pair = &line->body.at[i];
                buf_clear(&value);
                template_put(&pair->value, values, &value);
                if (line->body_kind == BODY_JSON) {
                        buf_put_str(&body, i ? "," : "{");
                        json_put_string(&body, pair->name);
                        buf_put_byte(&body, ':');
                        json_put_string(&body, buf_slice(&value));
                } else {
                        buf_put_str(&body, i ? "&" : "");
                        put_urlencoded(pair->name, &body);
                        buf_put_byte(&body, '=');
                        put_urlencoded(buf_slice(&value), &body);
                }
        }
        if (line->body_kind == BODY_JSON)
                buf_put_str(&body, line->body.count ? "}" : "{}");
        struct slice kept = arena_copy(&t->arena, buf_slice(&body));
        buf_free(&value);
        buf_free(&body);
        return kept;
}

static struct slice decimal(struct traffic *t, uint64_t number)
{
        buf_clear(&t->text);
        buf_printf(&t->text, "%llu", (unsigned long long)number);
        return copy(t);
}

static uint64_t bytes_of(const struct http_headers *headers)
{
        uint64_t bytes = 0;

        for (uint32_t i = 0; i < headers->count; i++)
                bytes += headers->lines[i].name.len + headers->lines[i].value.len + 4;
        return bytes + 2;
}

static void make_request(struct traffic *t, const struct traffic_line *line,
                         const struct template_values *v)
{
        struct transaction *x = &t->event.transaction;
        struct http_headers *headers = &x->request_headers;
        struct slice host = slice_is_none(line->host.text) ? slice_str("www.example.org")
                                                           : text_of(t, &line->host, v);
        /* One client has one browser. */
        const struct line_agent *agent =
            line->agent_count ? &line->agents[(v->client - 1) % line->agent_count] : NULL;

        *headers = (struct http_headers){ t->request, 0 };
        x->method = slice_str(line->method);
        x->target = text_of(t, &line->path, v);
        x->version_major = x->version_minor = 1;
        if (agent && agent->agent) {
                add_agent(headers, agent->agent, host);
        } else {
                add(headers, "Host", host);
                if (agent)
                        add(headers, "User-Agent", text_of(t, &agent->ua, v));
                add(headers, "Accept", slice_str("*/*"));
        }
        for (unsigned i = 0; i < line->headers.count; i++)
                set(headers, line->headers.at[i].name,
                    text_of(t, &line->headers.at[i].value, v));
        if (line->cookies.count)
                add(headers, "Cookie", cookies_of(t, &line->cookies, v));
        if (line->body_kind != BODY_NONE) {
                x->request_body = body_of(t, line, v);
                set(headers, slice_str("Content-Type"),
                    slice_str(line->body_kind == BODY_JSON
                                  ? "application/json"
                                  : "application/x-www-form-urlencoded"));
                set(headers, slice_str("Content-Length"),
                    decimal(t, x->request_body.len));
        }
        x->request_bytes = x->method.len + x->target.len + strlen("  HTTP/1.1\r\n") +
                           bytes_of(headers) + x->request_body.len;
}

static void make_response(struct traffic *t, const struct traffic_line *line,
                          const struct template_values *v)
{
        struct transaction *x = &t->event.transaction;
        struct http_headers *headers = &x->response_headers;
        uint64_t size = line->size;

        *headers = (struct http_headers){ t->response, 0 };
        x->status = line->statuses[line->done % line->status_count];
        x->response_complete = true;
        if (!slice_is_none(line->response.text)) {
                x->response_body = text_of(t, &line->response, v);
                size = x->response_body.len;
        }
        add(headers, "Content-Type", slice_str("text/html; charset=utf-8"));
        add(headers, "Content-Length", decimal(t, size));
        for (unsigned i = 0; i < line->response_headers.count; i++)
                set(headers, line->response_headers.at[i].name,
                    text_of(t, &line->response_headers.at[i].value, v));
        for (unsigned i = 0; i < line->set_cookies.count; i++) {
                struct pairs one = { 1, { line->set_cookies.at[i] } };
                add(headers, "Set-Cookie", cookies_of(t, &one, v));
        }
        x->response_bytes = strlen("HTTP/1.1 200 OK\r\n") + bytes_of(headers) + size;
}

static void make_event(struct traffic *t, struct traffic_line *line)
{
        struct transaction *x = &t->event.transaction;
        struct template_values values = { .n = line->from + line->done,
                                          .client = line->done % line->clients + 1,
                                          .random = &line->random };
        static const uint8_t server[4] = { 192, 0, 2, 80 };

        arena_free(&t->arena);
        *x = (struct transaction){ .connection_request = 1 };
        x->client.ip = client_of(line, values.client - 1);
        x->client.port = (uint16_t)(FIRST_PORT + line->done % PORTS);
        x->server = (struct endpoint){ ip_from_v4(server), 80 };
        x->request_first_ns = x->request_last_ns = line->next_ns;
        x->response_first_ns = line->next_ns + line->latency_ns;
        x->response_last_ns = x->response_first_ns + BODY_TIME;
        make_request(t, line, &values);
        make_response(t, line, &values);
        t->event.ja4 = slice_is_none(line->ja4.text) ? slice_none()
                                                     : text_of(t, &line->ja4, &values);
}

static void step(struct traffic_line *line)
{
        double moved = (2 * random_part(&line->random) - 1) * (double)line->jitter_ns;

        line->done++;
        line->next_ns += line->every_ns + (int64_t)moved;
}

const struct traffic_event *traffic_next(struct traffic *t)
{
        struct traffic_line *first = NULL;

        for (unsigned i = 0; i < t->count; i++) {
                struct traffic_line *line = &t->lines[i];
                if (line->done < line->times &&
                    (!first || line->next_ns + line->latency_ns <
                                   first->next_ns + first->latency_ns))
                        first = line;
        }
        if (!first)
                return NULL;
        make_event(t, first);
        step(first);
        return &t->event;
}
