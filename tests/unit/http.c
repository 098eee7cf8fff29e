/* SPDX-License-Identifier: MIT */
/* What scenarios do not show: a request's place on its connection, and who opened it. */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/connection_priv.h"
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

static void begin_with(struct world *w, uint32_t pipeline_max, transaction_fn *handler)
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
        w->http = http_new(&http, handler, &w->told, &w->counters);
        w->stream = stream_new(&stream, http_handler(w->http), &w->counters);
}

static void begin(struct world *w, uint32_t pipeline_max)
{
        begin_with(w, pipeline_max, on_transaction);
}

static void send_bytes(struct world *w, bool from_server, uint8_t flags,
                       struct slice bytes)
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
                .length = (uint32_t)bytes.len,
                .payload = bytes,
        };

        w->seq[from_server] += segment.length + !!(flags & SEGMENT_SYN);
        w->now_ns += NS_PER_MS;
        stream_segment(w->stream, &segment, w->now_ns);
}

static void send(struct world *w, bool from_server, uint8_t flags, const char *text)
{
        send_bytes(w, from_server, flags, slice_str(text));
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

/* ---- bodies over HTTP/2 ---- */

static void on_bodies(void *context, const struct transaction *t)
{
        struct slice request = t->request_body, response = t->response_body;

        buf_printf(context, "%.*s [%.*s]%s [%.*s]%s, ", (int)t->target.len,
                   t->target.data, (int)request.len, request.data,
                   t->request_body_cut ? " cut" : "", (int)response.len, response.data,
                   t->response_body_cut ? " cut" : "");
}

/* Eight bytes of requests, four of responses; none of /c. */
static size_t body_wanted(void *context, const struct transaction *t, enum body_of of)
{
        (void)context;
        if (slice_is(t->target, "/c"))
                return 0;
        assert_int_equal(t->status, of == BODY_OF_RESPONSE ? 200 : 0);
        return of == BODY_OF_REQUEST ? 8 : 4;
}

#define FRAME(len, type, flags, stream) "\0\0" len type flags "\0\0\0" stream
#define POST(stream, path)              FRAME("\6", "\1", "\4", stream) "\x83\x86\4\2" path

static const char client_words[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" FRAME(
    "\0", "\4", "\0", "\0") POST("\1", "/a") POST("\3", "/b") POST("\5", "/c")
    FRAME("\3", "\0", "\0", "\3") "123" FRAME("\7", "\0", "\x8", "\1") "\2abcd\0\0" FRAME(
        "\2", "\0", "\0",
        "\3") "45" FRAME("\2", "\0", "\1",
                         "\5") "zz" FRAME("\4", "\0", "\1",
                                          "\3") "6789" FRAME("\4", "\0", "\1",
                                                             "\1") "efgh";
static const char server_words[] = FRAME("\0", "\4", "\0", "\0")
    FRAME("\1", "\1", "\4", "\1") "\x88" FRAME("\1", "\1", "\4", "\3") "\x88" FRAME(
        "\1", "\1", "\4",
        "\5") "\x88" FRAME("\5", "\0", "\1",
                           "\5") "other" FRAME("\4", "\0", "\x9",
                                               "\1") "\1hi\0" FRAME("\5", "\0", "\1",
                                                                    "\3") "hello";

static void send_in_two(struct world *w, bool from_server, const char *text, size_t len,
                        size_t at)
{
        if (at && at < len)
                send_bytes(w, from_server, SEGMENT_ACK, slice_of(text, at));
        at = at < len ? at : 0;
        send_bytes(w, from_server, SEGMENT_ACK, slice_of(text + at, len - at));
}

/* Whole, and in two pieces at every byte. */
static void test_bodies_http2(void **state)
{
        (void)state;
        for (size_t at = 0; at < sizeof(client_words); at++) {
                struct world w;
                begin_with(&w, 32, on_bodies);
                http_want_bodies(w.http, body_wanted);
                shake_hands(&w);
                send_in_two(&w, false, client_words, sizeof(client_words) - 1, at);
                send_in_two(&w, true, server_words, sizeof(server_words) - 1, at);
                assert_int_equal(w.counters.http2_blind, 0);
                finish(&w, "/c [] [], /a [abcdefgh] [hi], "
                           "/b [12345678] cut [hell] cut, ");
        }
}

/* ---- what is left behind ---- */

static bool believes(void *context, const struct ip *peer)
{
        (void)context, (void)peer;
        return true;
}

/* Looks through all memory that heads and bodies ever lay in. */
static bool memory_has(const struct http *h, const char *text)
{
        for (int i = 0; i < BLOCKS_CLASSES; i++) {
                const struct slab *s = &h->blocks.classes[i];
                if (memmem(s->memory, slab_bytes(s), text, strlen(text)))
                        return true;
        }
        return false;
}

/* Secrets come in the packet that ends a head whose beginning came before. */
static void test_bodies_are_wiped(void **state)
{
        static const struct {
                const char *first, *second, *told;
        } rows[] = {
                { "POST /a HTTP/1.1\r\nContent-Length: 8\r\n", "\r\nmysecret",
                  "/a [mysecret] [], " },
                { "POST /a HTTP/1.1\r\nContent-Length: 8\r\n",
                  "X-Long: ..................................\r\n\r\nmysecret",
                  "/a [mysecret] [], " },
                { "\r\n", "POST /a HTTP/1.1\r\nContent-Length: 8\r\n\r\nmysecret",
                  "/a [mysecret] [], " },
                { "PROXY TCP4 203.0.113.9 192.0.2.1 4321",
                  " 80\r\nPOST /a HTTP/1.1\r\nContent-Length: 8\r\n\r\nmysecret",
                  "/a [mysecret] [], " },
                { "POST /a\r\n", "\r\nmysecret", "" }, /* and no head at all */
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct world w;
                begin_with(&w, 32, on_bodies);
                w.http->options.opening.believes = believes;
                http_want_bodies(w.http, body_wanted);
                shake_hands(&w);
                send(&w, false, SEGMENT_ACK, rows[i].first);
                send(&w, false, SEGMENT_ACK, rows[i].second);
                stream_finish(w.stream);
                assert_false(memory_has(w.http, "mysecret"));
                finish(&w, rows[i].told);
        }
}

/* ---- transactions that nobody wants ---- */

static bool wants_no_b(void *context, const struct transaction *t)
{
        struct buf *told = context;

        buf_printf(told, "%.*s? ", (int)t->target.len, t->target.data);
        assert_int_equal(t->client.port, 4000);
        return !slice_equal(t->target, slice_str("/b"));
}

/* Each answer stays with its request, with bodies and heads in all pieces. */
static void test_unwanted_ones_are_passed_over(void **state)
{
        struct world w;
        uint64_t memory;

        (void)state;
        begin(&w, 32);
        http_want_only(w.http, wants_no_b);
        http_want_bodies(w.http, body_wanted);
        shake_hands(&w);
        send(&w, false, SEGMENT_ACK, REQUEST("/a"));
        memory = http_memory(w.http);
        send(&w, false, SEGMENT_ACK,
             "POST /b HTTP/1.1\r\nA: 1\r\nB: 2\r\nContent-Length: 40\r\n\r\nmysecret");
        assert_true(http_memory(w.http) <= 2 * memory);
        assert_false(memory_has(w.http, "mysecret"));
        send(&w, false, SEGMENT_ACK, "12345678901234567890123456789012" REQUEST("/c"));
        send(&w, true, SEGMENT_ACK, RESPONSE "HTTP/1.1 200 OK\r\nContent-Le");
        send(&w, true, SEGMENT_ACK, "ngth: 3\r\nX-Y: z\r\n\r\nb");
        send(&w, true, SEGMENT_ACK, "od" RESPONSE);
        assert_int_equal(w.counters.responses, 3);
        assert_int_equal(http_memory(w.http), 0);
        http_want_only(w.http, NULL);
        send(&w, false, SEGMENT_ACK, REQUEST("/b"));
        send(&w, true, SEGMENT_ACK, RESPONSE);
        finish(&w, "/a? /b? /c? /a 1 w1000, /c 3+ w1000, /b 4 w1000, ");
}

/* To HEAD there is no body, and a tunnel is no HTTP. */
static void test_unwanted_ones_are_understood(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 32);
        http_want_only(w.http, wants_no_b);
        shake_hands(&w);
        send(&w, false, SEGMENT_ACK, "HEAD /b HTTP/1.1\r\n\r\n" REQUEST("/c"));
        send(&w, true, SEGMENT_ACK,
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" RESPONSE);
        assert_int_equal(w.counters.responses, 2);
        finish(&w, "/b? /c? /c 2+ w1000, ");
}

/* One that asks for HTTP/2 is needed for how the connection goes on. */
static void test_an_unwanted_upgrade(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 32);
        http_want_only(w.http, wants_no_b);
        shake_hands(&w);
        send(&w, false, SEGMENT_ACK,
             "GET /b HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
        send(&w, true, SEGMENT_ACK,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
        assert_int_equal(w.counters.http_upgrades, 0);
        assert_int_equal(w.counters.responses_interim, 1);
        finish(&w, "/b? ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_after_another),
                cmocka_unit_test(test_pipelined),
                cmocka_unit_test(test_pipeline_full),
                cmocka_unit_test(test_joined_in_the_middle),
                cmocka_unit_test(test_bodies_http2),
                cmocka_unit_test(test_bodies_are_wiped),
                cmocka_unit_test(test_unwanted_ones_are_passed_over),
                cmocka_unit_test(test_unwanted_ones_are_understood),
                cmocka_unit_test(test_an_unwanted_upgrade),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
