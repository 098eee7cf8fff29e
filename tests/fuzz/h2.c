/* SPDX-License-Identifier: MIT */
/*
 * A connection of HTTP/2, both directions interleaved: pieces of two bytes (direction,
 * whether it is lost, repetitions; length) and the bytes themselves. The first byte says
 * how the connection begins, and how small the limits are. Whatever comes, every request
 * that was counted comes out once, and nothing is left over.
 */
#include "base/check.h"
#include "base/clock.h"
#include "http/http.h"
#include "packet/frame.h"
#include "stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 2048, LINES_MAX = 20, STREAMS_MAX = 4, BODY_CAP = 40 };

struct totals {
        uint64_t sum, transactions;
};

struct wire {
        struct stream *stream;
        uint32_t seq[2];
        int64_t now_ns;
};

static void add(uint64_t *sum, const struct http_headers *headers)
{
        CHECK(headers->count <= LINES_MAX);
        for (uint32_t i = 0; i < headers->count; i++)
                for (size_t k = 0; k < headers->lines[i].value.len; k++)
                        *sum += headers->lines[i].value.data[k];
}

static void add_body(uint64_t *sum, struct slice body)
{
        CHECK(body.len <= BODY_CAP);
        for (size_t i = 0; i < body.len; i++)
                *sum += body.data[i];
}

/* Some bodies are wanted, of requests and of responses, and some not. */
static size_t body_wanted(void *context, const struct transaction *t, enum body_of of)
{
        (void)context;
        CHECK(t->method.len > 0 && t->target.len > 0);
        CHECK((of == BODY_OF_RESPONSE) == (t->status >= 200));
        return t->target.len % 3 == (of == BODY_OF_REQUEST) ? 0 : BODY_CAP;
}

static void on_transaction(void *context, const struct transaction *t)
{
        struct totals *totals = context;

        totals->transactions++;
        CHECK(t->method.len > 0 && t->target.len > 0);
        CHECK(t->version_major == 1 || t->version_major == 2);
        CHECK(t->version_major == 2 || slice_is_none(t->h2_shape));
        CHECK(t->request_last_ns >= t->request_first_ns);
        CHECK(t->status || !t->response_complete);
        for (size_t i = 0; i < t->h2_shape.len; i++)
                totals->sum += t->h2_shape.data[i];
        add(&totals->sum, &t->request_headers);
        add(&totals->sum, &t->response_headers);
        CHECK(!t->request_body_cut || !slice_is_none(t->request_body));
        CHECK(!t->response_body_cut || !slice_is_none(t->response_body));
        add_body(&totals->sum, t->request_body);
        add_body(&totals->sum, t->response_body);
}

static void send(struct wire *w, unsigned from, struct slice bytes, unsigned flags,
                 bool lost)
{
        struct segment segment = {
                .source_port = from ? 80 : 4000,
                .destination_port = from ? 4000 : 80,
                .seq = w->seq[from],
                .ack = w->seq[!from],
                .flags = (uint8_t)flags,
                .length = (uint32_t)bytes.len,
                .payload = bytes,
        };

        segment.source.bytes[15] = (uint8_t)from;
        segment.destination.bytes[15] = (uint8_t)!from;
        w->now_ns += NS_PER_MS;
        if (!lost)
                stream_segment(w->stream, &segment, w->now_ns);
        w->seq[from] += segment.length + (flags & SEGMENT_SYN ? 1 : 0);
}

static void send_text(struct wire *w, unsigned from, const char *text, size_t len)
{
        send(w, from, slice_of(text, len), SEGMENT_ACK, false);
}

static void begin(struct wire *w, unsigned how)
{
        static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
        static const char settings[] = "\0\0\6\4\0\0\0\0\0\0\1\0\0\x20"; /* table: 8192 */
        static const char ask[] =
            "GET /u HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAACAA"
            "\r\n\r\n";
        static const char answer[] = "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n";

        if (!(how & 4)) {
                send(w, 0, slice_none(), SEGMENT_SYN, false);
                send(w, 1, slice_none(), SEGMENT_SYN | SEGMENT_ACK, false);
        }
        if (how & 2) {
                send_text(w, 0, ask, sizeof(ask) - 1);
                send_text(w, 1, answer, sizeof(answer) - 1);
        }
        if (how & 1) {
                send_text(w, 0, preface, sizeof(preface)); /* its NUL is the last byte */
                send_text(w, 1, settings, sizeof(settings));
        }
}

static void play(struct wire *w, const uint8_t *data, size_t size)
{
        while (size >= 2) {
                size_t len = data[1] < size - 2 ? data[1] : size - 2;
                unsigned times = 1 + (data[0] >> 4);
                struct slice bytes = slice_of(data + 2, len);
                for (unsigned i = 0; i < times; i++)
                        send(w, data[0] & 1, bytes, SEGMENT_ACK, data[0] & 2);
                if (data[0] & 4)
                        w->now_ns += NS_PER_SEC;
                data += 2 + len;
                size -= 2 + len;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        unsigned how = size ? data[0] : 0;
        struct http_options http_options = {
                HEAD_MAX,    LINES_MAX, 4, how & 0x80 ? 1 << 13 : 1 << 18,
                STREAMS_MAX, { 0 },
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
        struct totals totals = { 0 };
        struct wire w = { .seq = { 0xfffffff0, 1000 } };
        struct http *http = http_new(&http_options, on_transaction, &totals, &counters);

        http_want_bodies(http, body_wanted);
        w.stream = stream_new(&stream_options, http_handler(http), &counters);
        begin(&w, how);
        if (size)
                play(&w, data + 1, size - 1);
        stream_finish(w.stream);
        CHECK(stream_flow_count(w.stream) == 0);
        CHECK(http_memory(http) == 0);
        /* One joined in the middle may have been asked for in vain. */
        CHECK(how & 4 ? totals.transactions <= counters.requests
                      : totals.transactions == counters.requests);
        CHECK(counters.responses + counters.requests_unanswered == totals.transactions);
        stream_free(&w.stream);
        http_free(&http);
        return 0;
}
