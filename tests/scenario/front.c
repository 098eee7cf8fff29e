/* SPDX-License-Identifier: MIT */
/* front - runs scenarios through frame, stream and http with a fake clock. */
#include "base/clock.h"
#include "http/http.h"
#include "packet/frame.h"
#include "stream/stream.h"
#include "variants.h"

#include <err.h>
#include <stdlib.h>

static const int64_t start_ns = INT64_C(1795431600) * NS_PER_SEC;

static void put_printable(struct buf *out, struct slice text)
{
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] < 0x20 || text.data[i] > 0x7e)
                        buf_printf(out, "\\x%02x", text.data[i]);
                else
                        buf_put_byte(out, text.data[i]);
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
        buf_put_byte(out, '\n');
}

static void run_wire(const struct wire *wire, struct result *result)
{
        struct http_options http_options = { 65536, 100, 32, 16 << 20 };
        struct stream_options stream_options = {
                .flows_max = 1000,
                .idle_ns = 300 * NS_PER_SEC,
                .half_open_ns = 30 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 16 << 20,
                .flow_memory = 256 << 10,
                .hash_key = hash_key_fixed(),
        };
        int64_t now_ns = start_ns;

        struct http *http =
            http_new(&http_options, on_transaction, &result->text, &result->counters);
        struct stream *stream =
            stream_new(&stream_options, http_handler(http), &result->counters);
        for (size_t i = 0; i < wire->count; i++) {
                /* As long as the packet, so that a sanitizer sees one byte too many. */
                size_t len = wire->packets[i].bytes.len;
                uint8_t *copy = malloc(len);
                struct segment segment;
                memcpy(copy, wire->packets[i].bytes.data, len);
                now_ns += NS_PER_MS + wire->packets[i].wait_ns;
                if (frame_decode(FRAME_LINK_RAW, slice_of(copy, len), (uint32_t)len,
                                 false, &segment) != FRAME_SEGMENT)
                        errx(1, "the runner made a packet that is none");
                stream_segment(stream, &segment, now_ns);
                free(copy);
        }
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
