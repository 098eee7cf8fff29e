/* SPDX-License-Identifier: MIT */
/* front - runs scenarios through frame, stream and http with a fake clock. */
#include "base/bytes.h"
#include "base/clock.h"
#include "http/http.h"
#include "stream/stream.h"
#include "variants.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static void put_printable(struct buf *out, struct slice text)
{
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] < 0x20 || text.data[i] > 0x7e)
                        buf_printf(out, "\\x%02x", text.data[i]);
                else
                        buf_put_byte(out, text.data[i]);
}

static void put_announced(struct buf *out, const struct endpoint *client)
{
        char text[IP_TEXT_MAX];

        text[ip_format(&client->ip, text)] = '\0';
        buf_printf(out, " for %s %u", text, client->port);
}

/* PROXY headers are believed of everybody, but for scenarios that say otherwise. */
static bool believes(void *context, const struct ip *peer)
{
        (void)peer;
        return !((const struct result *)context)->distrust;
}

static bool may_be_foreign(struct slice first)
{
        return first.data[0] == 0x16 && (first.len < 2 || first.data[1] == 0);
}

/* Later segments of it may begin with \x17 as well. */
static bool may_go_on(struct slice segment)
{
        return segment.len >= 3 && (segment.data[0] & 0xfe) == 0x16 &&
               segment.data[1] == 0;
}

/* Stands for a protocol that is known: a type, a length of two bytes, so many bytes. */
static enum http_foreign on_foreign(void *context, const struct http_opening *opening)
{
        struct result *result = context;
        struct slice bytes = opening->bytes;

        if (bytes.data[0] != 0x16)
                return HTTP_FOREIGN_UNKNOWN;
        if (bytes.len < 3 || bytes.len < 3 + (size_t)load_be16(bytes.data + 1))
                return HTTP_FOREIGN_MORE;
        buf_put_str(&result->text, "FOREIGN ");
        put_printable(&result->text,
                      slice_first(slice_from(bytes, 3), load_be16(bytes.data + 1)));
        if (opening->client.port != flow_endpoint(opening->flow, FLOW_INITIATOR)->port)
                put_announced(&result->text, &opening->client);
        buf_put_byte(&result->text, '\n');
        return HTTP_FOREIGN_DONE;
}

static void on_transaction(void *context, const struct transaction *t)
{
        struct buf *out = context;

        put_printable(out, t->method);
        buf_put_byte(out, ' ');
        put_printable(out, t->target);
        if (t->status)
                buf_printf(out, " %u", t->status);
        else
                buf_put_str(out, " -");
        if (t->status && !t->response_complete)
                buf_put_str(out, " cut");
        if (t->unanswered)
                buf_put_str(out, " unanswered");
        if (t->is_announced)
                put_announced(out, &t->announced);
        buf_put_byte(out, '\n');
}

static void run_wire(const struct wire *wire, struct result *result)
{
        struct http_options http_options = {
                65536, 100,
                32,    16 << 20,
                8,     { believes, may_be_foreign, may_go_on, on_foreign, result },
        };
        struct stream_options stream_options = {
                .flows_max = 1000,
                .idle_ns = 300 * NS_PER_SEC,
                .half_open_ns = 30 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 16 << 20,
                .flow_memory = 256 << 10,
                .hash_key = hash_key_fixed(),
        };
        struct http *http =
            http_new(&http_options, on_transaction, &result->text, &result->counters);
        struct stream *stream =
            stream_new(&stream_options, http_handler(http), &result->counters);
        variants_play(wire, stream, &result->counters);
        if (result->counters.fragments_dropped + result->counters.fragments_overlapping +
                result->counters.fragments_malformed >
            0)
                errx(1, "fragments were not put together");
        stream_finish(stream);
        stream_free(&stream);
        if (http_memory(http) != 0)
                errx(1, "%llu bytes of heads were kept",
                     (unsigned long long)http_memory(http));
        http_free(&http);
}

int main(int argc, char **argv)
{
        return variants_main(argc, argv, run_wire);
}
