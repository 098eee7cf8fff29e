/* SPDX-License-Identifier: MIT */
/*
 * A connection, or two, as segments: each takes four bytes (direction and flags,
 * how far to move the sequence number, the acknowledgement's lag, a length) and
 * then its payload. Reassembly and HTTP together; nothing may be left over.
 */
#include "http/http.h"
#include "base/check.h"
#include "base/clock.h"
#include "packet/frame.h"
#include "stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_transaction(void *context, const struct transaction *t)
{
        uint64_t *sum = context;

        CHECK(t->method.len > 0 && t->target.len > 0);
        CHECK(t->request_headers.count <= 20);
        CHECK(t->request_body.len <= 40 && t->response_body.len <= 40);
        for (size_t i = 0; i < t->request_body.len; i++)
                *sum += t->request_body.data[i];
        for (size_t i = 0; i < t->response_body.len; i++)
                *sum += t->response_body.data[i];
        for (uint32_t i = 0; i < t->request_headers.count; i++)
                for (size_t k = 0; k < t->request_headers.lines[i].value.len; k++)
                        *sum += t->request_headers.lines[i].value.data[k];
        for (uint32_t i = 0; i < t->response_headers.count; i++)
                for (size_t k = 0; k < t->response_headers.lines[i].value.len; k++)
                        *sum += t->response_headers.lines[i].value.data[k];
}

static bool believes(void *context, const struct ip *peer)
{
        (void)context, (void)peer;
        return true;
}

static bool may_be_foreign(struct slice first)
{
        return first.data[0] == 0x16;
}

static bool may_go_on(struct slice segment)
{
        return (segment.data[segment.len - 1] & 0xfe) == 0x16;
}

/* Says all that can be said, by the bytes there are. */
static enum http_foreign on_foreign(void *context, const struct http_opening *opening)
{
        struct slice bytes = opening->bytes;

        CHECK(bytes.len > 0 && bytes.len <= 2048);
        *(uint64_t *)context += bytes.data[bytes.len - 1];
        if (bytes.data[0] != 0x16)
                return HTTP_FOREIGN_UNKNOWN;
        return bytes.len < 40 ? HTTP_FOREIGN_MORE : HTTP_FOREIGN_DONE;
}

/* Some are wanted, some not, some but for a few bytes. */
static size_t body_wanted(void *context, const struct transaction *t, enum body_of of)
{
        (void)context;
        return (t->target.len + of) % 3 * 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t sum = 0;
        struct http_options http_options = {
                2048,    20, 4,
                1 << 16, 4,  { believes, may_be_foreign, may_go_on, on_foreign, &sum },
        };
        struct stream_options stream_options = {
                .flows_max = 4,
                .idle_ns = 60 * NS_PER_SEC,
                .half_open_ns = 10 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 1 << 16,
                .flow_memory = 1 << 14,
                .hash_key = hash_key_fixed(),
        };
        struct counters counters = { 0 };
        struct http *http = http_new(&http_options, on_transaction, &sum, &counters);
        http_want_bodies(http, body_wanted);
        struct stream *stream =
            stream_new(&stream_options, http_handler(http), &counters);
        uint32_t seq[2] = { 0xfffffff0, 1000 };
        int64_t now_ns = 0;

        while (size >= 4) {
                unsigned what = data[0], from = what & 1;
                uint32_t start =
                    seq[from] + (uint32_t)(int8_t)data[1] * (what & 0x40 ? 16 : 1);
                size_t len = data[3] < size - 4 ? data[3] : size - 4;
                struct segment segment = {
                        .source_port = from ? 80 : (uint16_t)(4000 + (what >> 7)),
                        .destination_port = from ? (uint16_t)(4000 + (what >> 7)) : 80,
                        .seq = start,
                        .ack = seq[!from] - data[2],
                        .flags =
                            (what & 2 ? SEGMENT_SYN : 0) | (what & 4 ? SEGMENT_FIN : 0) |
                            (what & 8 ? SEGMENT_RST : 0) | (what & 16 ? 0 : SEGMENT_ACK),
                        .length = (uint32_t)len + (what & 32 ? data[2] : 0),
                        .payload = slice_of(data + 4, len),
                };
                segment.source.bytes[15] = (uint8_t)from;
                segment.destination.bytes[15] = (uint8_t)!from;
                now_ns += (int64_t)data[2] * NS_PER_MS;
                stream_segment(stream, &segment, now_ns);
                seq[from] = start + segment.length + (what & 2 ? 1 : 0);
                data += 4 + len;
                size -= 4 + len;
        }
        stream_finish(stream);
        CHECK(stream_flow_count(stream) == 0);
        CHECK(http_memory(http) == 0);
        stream_free(&stream);
        http_free(&http);
        return 0;
}
