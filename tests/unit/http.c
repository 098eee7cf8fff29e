/* SPDX-License-Identifier: MIT */
/* What scenarios do not show: a request's place on its connection, and who opened it. */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/http.h"
#include "packet/frame.h"
#include "stream/stream.h"

struct world {
        struct http *http;
        struct stream *stream;
        struct counters counters;
        struct buf told; /* "GET /a 1 ", "GET /b 2+ ": pipelined */
        int64_t now_ns;
        uint32_t seq[2]; /* of client and server */
};

static void on_transaction(void *context, const struct transaction *t)
{
        struct buf *told = context;

        buf_printf(told, "%.*s %u%s", (int)t->target.len, t->target.data,
                   t->connection_request, t->pipelined ? "+" : "");
        if (!tcp_shape_is_none(&t->tcp_shape))
                buf_printf(told, " w%u", t->tcp_shape.window);
        buf_put_str(told, ", ");
}

static void begin(struct world *w, uint32_t pipeline_max)
{
        struct http_options http = { 65536, 100, pipeline_max, 16 << 20, 8, { 0 } };
        struct stream_options stream = {
                .flows_max = 100,
                .idle_ns = 60 * NS_PER_SEC,
                .half_open_ns = 10 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 1 << 20,
                .flow_memory = 64 << 10,
                .hash_key = hash_key_fixed(),
        };

        *w = (struct world){ .now_ns = INT64_C(1795431600) * NS_PER_SEC };
        w->http = http_new(&http, on_transaction, &w->told, &w->counters);
        w->stream = stream_new(&stream, http_handler(w->http), &w->counters);
}

static void send(struct world *w, bool from_server, uint8_t flags, const char *text)
{
        static const uint8_t client[4] = { 198, 51, 100, 7 },
                             server[4] = { 192, 0, 2, 1 };
        struct segment segment = {
                .source = ip_from_v4(from_server ? server : client),
                .destination = ip_from_v4(from_server ? client : server),
                .source_port = from_server ? 80 : 4000,
                .destination_port = from_server ? 4000 : 80,
                .seq = w->seq[from_server],
                .ack = w->seq[!from_server],
                .flags = flags,
                .ttl = 64,
                .window = from_server ? 2000 : 1000,
                .length = (uint32_t)strlen(text),
                .payload = slice_str(text),
        };

        w->seq[from_server] += segment.length + !!(flags & SEGMENT_SYN);
        w->now_ns += NS_PER_MS;
        stream_segment(w->stream, &segment, w->now_ns);
}

static void finish(struct world *w, const char *expected)
{
        stream_finish(w->stream);
        assert_slice(buf_slice(&w->told), expected);
        stream_free(&w->stream);
        http_free(&w->http);
        buf_free(&w->told);
}

static void shake_hands(struct world *w)
{
        send(w, false, SEGMENT_SYN, "");
        send(w, true, SEGMENT_SYN | SEGMENT_ACK, "");
        send(w, false, SEGMENT_ACK, "");
}

#define REQUEST(path) "GET " path " HTTP/1.1\r\n\r\n"
#define RESPONSE      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void test_one_after_another(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 32);
        shake_hands(&w);
        for (int i = 0; i < 3; i++) {
                send(&w, false, SEGMENT_ACK, REQUEST("/a"));
                send(&w, true, SEGMENT_ACK, RESPONSE);
        }
        finish(&w, "/a 1 w1000, /a 2 w1000, /a 3 w1000, ");
}

static void test_pipelined(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 32);
        shake_hands(&w);
        send(&w, false, SEGMENT_ACK, REQUEST("/a") REQUEST("/b"));
        /* The first response is half here: the third request did not wait either. */
        send(&w, true, SEGMENT_ACK, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
        send(&w, false, SEGMENT_ACK, REQUEST("/c"));
        send(&w, true, SEGMENT_ACK, "i" RESPONSE RESPONSE);
        send(&w, false, SEGMENT_ACK, REQUEST("/d"));
        send(&w, true, SEGMENT_ACK, RESPONSE);
        finish(&w, "/a 1 w1000, /b 2+ w1000, /c 3+ w1000, /d 4 w1000, ");
}

/* More than may wait: those are handed on at once, with their numbers. */
static void test_pipeline_full(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 1);
        shake_hands(&w);
        send(&w, false, SEGMENT_ACK, REQUEST("/a") REQUEST("/b"));
        finish(&w, "/a 1 w1000, /b 2+ w1000, ");
}

/* Numbers count what was seen; nothing is known of a SYN that was not. */
static void test_joined_in_the_middle(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 32);
        send(&w, false, SEGMENT_ACK, REQUEST("/a"));
        finish(&w, "/a 1, ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_after_another),
                cmocka_unit_test(test_pipelined),
                cmocka_unit_test(test_pipeline_full),
                cmocka_unit_test(test_joined_in_the_middle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
