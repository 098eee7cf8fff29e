/* SPDX-License-Identifier: MIT */
/*
 * What scenarios do not show: resets, reused ports, limits, ageing, memory.
 * The handler writes down what it is told; a test compares the text.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "packet/frame.h"
#include "stream/stream.h"

#include <stdlib.h>

struct world {
        struct stream *stream;
        struct stream_handler handler;
        struct counters counters;
        struct buf told;
        int64_t now_ns;
        uint16_t window;        /* of the segments that are sent */
        struct tcp_shape shape; /* of the flow whose bytes came last */
};

static void on_bytes(void *context, struct flow *flow, enum flow_side side,
                     const struct flow_bytes *bytes)
{
        struct world *w = context;

        w->shape = flow_tcp_shape(flow);
        buf_printf(&w->told, "%c%.*s ", side == FLOW_INITIATOR ? '>' : '<',
                   (int)bytes->bytes.len, bytes->bytes.data);
}

static void on_gap(void *context, struct flow *flow, enum flow_side side, int64_t time_ns)
{
        struct world *w = context;

        (void)time_ns;
        buf_printf(&w->told, "gap%c@%ld ", side == FLOW_INITIATOR ? '>' : '<',
                   (long)flow_position(flow, side));
}

static void on_skipped(void *context, struct flow *flow, enum flow_side side,
                       int64_t time_ns)
{
        (void)context, (void)flow, (void)side, (void)time_ns;
}

static void on_ended(void *context, struct flow *flow, enum flow_side side,
                     int64_t time_ns)
{
        struct world *w = context;

        (void)flow, (void)time_ns;
        buf_printf(&w->told, "end%c ", side == FLOW_INITIATOR ? '>' : '<');
}

static void on_unanswered(void *context, const struct flow *flow, int64_t begin_ns)
{
        struct world *w = context;

        buf_printf(&w->told, "unanswered:%u@-%ldms ", flow_endpoint(flow, 0)->port,
                   (long)((w->now_ns - begin_ns) / NS_PER_MS));
}

static void on_closed(void *context, struct flow *flow, int64_t time_ns)
{
        struct world *w = context;

        (void)flow, (void)time_ns;
        buf_put_str(&w->told, "closed ");
}

static void begin(struct world *w, uint32_t flows_max)
{
        struct stream_options options = {
                .flows_max = flows_max,
                .idle_ns = 60 * NS_PER_SEC,
                .half_open_ns = 10 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 1 << 20,
                .flow_memory = 64 << 10,
                .hash_key = hash_key_fixed(),
        };

        *w = (struct world){ .now_ns = INT64_C(1795431600) * NS_PER_SEC };
        options.unanswered = on_unanswered;
        options.unanswered_context = w;
        w->handler = (struct stream_handler){ 8,        on_bytes,  on_gap, on_skipped,
                                              on_ended, on_closed, w };
        w->stream = stream_new(&options, &w->handler, &w->counters);
        assert_non_null(w->stream);
}

static void end(struct world *w)
{
        stream_finish(w->stream);
        assert_int_equal(stream_flow_count(w->stream), 0);
        stream_free(&w->stream);
        buf_free(&w->told);
}

static void send(struct world *w, uint16_t port, bool from_server, uint8_t flags,
                 uint32_t seq, uint32_t ack, const char *text)
{
        static const uint8_t client[4] = { 198, 51, 100, 7 },
                             server[4] = { 192, 0, 2, 1 };
        struct segment segment = {
                .source = ip_from_v4(from_server ? server : client),
                .destination = ip_from_v4(from_server ? client : server),
                .source_port = from_server ? 80 : port,
                .destination_port = from_server ? port : 80,
                .seq = seq,
                .ack = ack,
                .flags = flags,
                .ttl = 60,
                .window = w->window,
                .options = slice_of("\2\4\5\264", 4),
                .length = (uint32_t)strlen(text),
                .payload = slice_str(text),
        };

        w->now_ns += 10 * NS_PER_US;
        stream_segment(w->stream, &segment, w->now_ns);
}

#define SYN SEGMENT_SYN
#define ACK SEGMENT_ACK
#define FIN SEGMENT_FIN
#define RST SEGMENT_RST

static void shake_hands(struct world *w, uint16_t port, uint32_t client, uint32_t server)
{
        send(w, port, false, SYN, client, 0, "");
        send(w, port, true, SYN | ACK, server, client + 1, "");
        send(w, port, false, ACK, client + 1, server + 1, "");
}

static void assert_told(struct world *w, const char *text)
{
        assert_slice(buf_slice(&w->told), text);
        buf_clear(&w->told);
}

static void test_both_directions(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "ask");
        send(&w, 4000, true, ACK, 901, 104, "answer");
        send(&w, 4000, false, FIN | ACK, 104, 907, "");
        send(&w, 4000, true, FIN | ACK, 907, 105, "");
        assert_told(&w, ">ask <answer end> end< closed ");
        /* Stragglers of a closed connection say nothing. */
        send(&w, 4000, true, ACK, 901, 104, "answer");
        assert_told(&w, "");
        end(&w);
}

static void test_attempts_without_an_answer(void **state)
{
        struct world w;
        (void)state;

        begin(&w, 100);
        send(&w, 4000, false, SYN, 100, 0, ""); /* refused, twice; told once each */
        send(&w, 4000, true, RST | ACK, 0, 101, "");
        send(&w, 4000, false, SYN, 200, 0, "");
        send(&w, 4000, true, RST | ACK, 0, 201, "");
        send(&w, 4001, false, SYN, 100, 0, ""); /* given up by the client itself */
        send(&w, 4001, false, RST, 101, 0, "");
        send(&w, 4002, false, SYN, 100, 0, ""); /* not the answer to this one */
        send(&w, 4002, true, RST | ACK, 0, 77, "");
        send(&w, 4003, false, SYN, 100, 0, "");
        send(&w, 4003, false, SYN, 100, 0, ""); /* a copy */
        send(&w, 4004, false, SYN, 100, 0, "");
        send(&w, 4004, true, SYN | ACK, 900, 101, "");
        w.now_ns += 1000 * NS_PER_MS;
        send(&w, 4004, false, SYN, 100, 0, ""); /* the answer got lost on its way */
        send(&w, 4003, false, SYN, 100, 0, "");
        w.now_ns += 2000 * NS_PER_MS;
        send(&w, 4003, false, SYN, 100, 0, "");
        send(&w, 4005, false, SYN, 100, 0, ""); /* seen once: who knows */
        w.now_ns += 200 * NS_PER_SEC;
        stream_advance(w.stream, w.now_ns);
        assert_true(w.told.len > 0);
        buf_put_byte(&w.told, 0);
        const char *told = (const char *)w.told.data;
        assert_non_null(strstr(told, "unanswered:4000@-0ms closed unanswered:4000@-0ms"));
        assert_null(strstr(told, "unanswered:4001"));
        assert_null(strstr(told, "unanswered:4002"));
        const char *third = strstr(told, "unanswered:4003");
        assert_non_null(third);
        assert_null(strstr(third + 1, "unanswered:4003"));
        assert_in_range(atoi(strchr(third, '-') + 1), 980, 1020);
        assert_null(strstr(told, "unanswered:4004"));
        assert_null(strstr(told, "unanswered:4005"));
        w.told.len--;
        end(&w);
}

static void test_an_answer_never_overtakes_its_question(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, true, ACK, 901, 104, "answer");
        assert_told(&w, "");
        send(&w, 4000, false, ACK, 101, 901, "ask");
        assert_told(&w, ">ask <answer ");
        end(&w);
}

static void test_a_hole_waits_for_its_time(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 104, 901, "def");
        assert_told(&w, "");
        /* Not acknowledged: the network may bring it still. */
        stream_advance(w.stream, w.now_ns += NS_PER_SEC);
        assert_told(&w, "");
        send(&w, 4000, true, ACK, 901, 107, "");
        assert_told(&w, "");
        stream_advance(w.stream, w.now_ns += NS_PER_SEC);
        assert_told(&w, "gap>@3 >def ");
        assert_int_equal(w.counters.gap_bytes, 3);
        end(&w);
}

static void test_what_nobody_acknowledges_waits_longer(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 104, 901, "def");
        for (int i = 0; i < 8; i++)
                stream_advance(w.stream, w.now_ns += NS_PER_SEC);
        assert_told(&w, "");
        for (int i = 0; i < 8; i++)
                stream_advance(w.stream, w.now_ns += NS_PER_SEC);
        assert_told(&w, "gap>@3 >def ");
        end(&w);
}

/* A busy connection cannot wait 200 ms for a hole that was acknowledged long ago. */
static void test_no_room_for_patience(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        for (uint32_t i = 1; i < 1000; i++) {
                send(&w, 4000, false, ACK, 101 + 4 * i, 901, "next");
                send(&w, 4000, true, ACK, 901, 105 + 4 * i, "");
        }
        assert_int_equal(w.counters.gap_bytes, 4);
        assert_int_equal(w.counters.reassembly_full, 0);
        assert_int_equal(w.told.len, strlen("gap>@4 ") + 999 * strlen(">next "));
        end(&w);
}

/* A copy 10 us later is a mirror's, delivered or held; one a second later is the host's.
 */
static void test_copies(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "abc");
        send(&w, 4000, false, ACK, 101, 901, "abc");
        assert_int_equal(w.counters.packets_duplicated, 1);
        /* Behind a hole, and a burst of copies after a burst. */
        send(&w, 4000, false, ACK, 107, 901, "ghi");
        send(&w, 4000, false, ACK, 110, 901, "jkl");
        send(&w, 4000, false, ACK, 107, 901, "ghi");
        send(&w, 4000, false, ACK, 110, 901, "jkl");
        assert_int_equal(w.counters.packets_duplicated, 3);
        assert_int_equal(w.counters.segments_retransmitted, 0);
        /* The same bytes in other segments are none. */
        send(&w, 4000, false, ACK, 107, 901, "gh");
        assert_int_equal(w.counters.segments_retransmitted, 1);
        send(&w, 4000, false, ACK, 104, 901, "def");
        assert_told(&w, ">abc >def >ghi >jkl ");
        w.now_ns += NS_PER_SEC;
        send(&w, 4000, false, ACK, 110, 901, "jkl");
        send(&w, 4000, false, ACK, 110, 901, "jkl");
        assert_int_equal(w.counters.packets_duplicated, 3);
        assert_int_equal(w.counters.segments_retransmitted, 3);
        assert_told(&w, "");
        end(&w);
}

static void test_resets(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "ask");
        /* Blind: far from what comes next (RFC 5961 3.2). */
        send(&w, 4000, false, RST, 0x80000000, 0, "");
        assert_told(&w, ">ask ");
        assert_int_equal(w.counters.resets_ignored, 1);
        send(&w, 4000, false, RST, 104, 0, "");
        assert_told(&w, "closed ");
        end(&w);
}

static void test_ports_are_reused(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "old");
        /* A SYN alone proves nothing: it may be forged (RFC 5961 4.2). */
        send(&w, 4000, false, SYN, 7000, 0, "");
        send(&w, 4000, true, ACK, 901, 104, "still");
        assert_told(&w, ">old <still ");
        /* The server's answer to it does. */
        send(&w, 4000, true, SYN | ACK, 50000, 7001, "");
        send(&w, 4000, false, ACK, 7001, 50001, "new");
        assert_told(&w, "closed >new ");
        assert_int_equal(w.counters.flows_reused, 1);
        end(&w);
}

static void test_a_new_connection_after_the_old_one_closed(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, RST, 101, 0, "");
        shake_hands(&w, 4000, 7000, 50000);
        send(&w, 4000, false, ACK, 7001, 50001, "new");
        assert_told(&w, "closed >new ");
        end(&w);
}

/* The shape is that of the SYN that began the connection, or none. */
static void test_the_shape_of_a_syn(void **state)
{
        struct world w;
        char text[TCP_SHAPE_TEXT_MAX];

        (void)state;
        begin(&w, 100);
        w.window = 1000;
        send(&w, 4000, false, SYN, 100, 0, "");
        w.window = 2000; /* sent again, answered, acknowledged */
        send(&w, 4000, false, SYN, 100, 0, "");
        send(&w, 4000, true, SYN | ACK, 900, 101, "");
        send(&w, 4000, false, ACK, 101, 901, "a");
        tcp_shape_format(&w.shape, text);
        assert_string_equal(text, "mss1460/1000/64");
        send(&w, 4000, true, ACK, 901, 102, "b");
        assert_int_equal(w.shape.window, 1000);
        /* A new one on the ports of one that has ended. */
        send(&w, 4000, false, RST, 102, 0, "");
        shake_hands(&w, 4000, 7000, 50000);
        send(&w, 4000, false, ACK, 7001, 50001, "c");
        assert_int_equal(w.shape.window, 2000);
        /* And of one that has not: nobody knows who sent that SYN. */
        w.window = 3000;
        shake_hands(&w, 4000, 90000, 70000);
        send(&w, 4000, false, ACK, 90001, 70001, "d");
        assert_told(&w, ">a <b closed >c closed >d ");
        assert_true(tcp_shape_is_none(&w.shape));
        /* A connection joined in the middle. */
        send(&w, 4001, false, ACK, 5, 6, "e");
        assert_true(tcp_shape_is_none(&w.shape));
        end(&w);
}

/* RFC 5961 4: the server still has an old connection of these ports; RST ends that one.
 */
static void test_a_challenge_before_the_answer(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 10);
        send(&w, 4000, false, SEGMENT_SYN, 999, 0, "");
        send(&w, 4000, true, SEGMENT_ACK, 77777, 700000000, "");
        send(&w, 4000, false, SEGMENT_RST, 700000000, 0, "");
        send(&w, 4000, false, SEGMENT_SYN, 999, 0, "");
        send(&w, 4000, true, SEGMENT_SYN | SEGMENT_ACK, 4999, 1000, "");
        send(&w, 4000, false, SEGMENT_ACK, 1000, 5000, "hello");
        send(&w, 4000, true, SEGMENT_ACK, 5000, 1005, "answer");
        w.now_ns += 5 * NS_PER_SEC;
        stream_advance(w.stream, w.now_ns);
        buf_put_byte(&w.told, '\0');
        assert_string_equal((char *)w.told.data, ">hello <answer ");
        assert_int_equal(w.counters.gaps, 0);
        end(&w);
}

static void test_data_in_the_syn(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        send(&w, 4000, false, SYN, 100, 0, "early ");
        send(&w, 4000, true, SYN | ACK, 900, 107, "");
        send(&w, 4000, false, ACK, 107, 901, "late");
        assert_told(&w, ">early  >late ");
        end(&w);
}

static void test_far_ahead_is_not_true(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101 + 0x50000000, 901, "far");
        assert_int_equal(w.counters.segments_out_of_window, 1);
        send(&w, 4000, false, ACK, 101, 901, "near");
        assert_told(&w, ">near ");
        end(&w);
}

static void test_a_full_table_forgets_half_open_flows_first(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 3);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "talks");
        for (uint16_t port = 5000; port < 5100; port++)
                send(&w, port, false, SYN, 1, 0, "");
        assert_int_equal(stream_flow_count(w.stream), 3);
        assert_int_equal(w.counters.flows_evicted, 98);
        buf_clear(&w.told);
        send(&w, 4000, true, ACK, 901, 106, "on");
        assert_told(&w, "<on ");
        end(&w);
}

static void test_ageing(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        shake_hands(&w, 4000, 100, 900);
        send(&w, 4000, false, ACK, 101, 901, "busy");
        shake_hands(&w, 4001, 100, 900);
        send(&w, 4001, false, ACK, 101, 901, "silent");
        send(&w, 4002, false, SYN, 1, 0, "");
        assert_told(&w, ">busy >silent ");
        for (uint32_t i = 0; i < 7; i++) {
                w.now_ns += 9 * NS_PER_SEC;
                send(&w, 4000, false, ACK, 105 + i, 901, "x");
        }
        assert_told(&w, ">x closed >x >x >x >x >x closed >x ");
        assert_int_equal(stream_flow_count(w.stream), 1);
        assert_int_equal(w.counters.flows_timed_out, 2);
        end(&w);
}

static void test_many_flows_are_found_again(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 60000);
        for (uint16_t port = 1; port < 50000; port++)
                send(&w, port, false, ACK, 1, 1, "a");
        buf_clear(&w.told);
        w.counters = (struct counters){ 0 };
        for (uint16_t port = 1; port < 50000; port += 3)
                send(&w, port, false, RST, 2, 0, "");
        for (uint16_t port = 1; port < 50000; port++)
                send(&w, port, true, ACK, 1, 2, "b");
        assert_int_equal(w.counters.flows, 0);
        end(&w);
}

static void test_a_flow_costs_little(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 20000);
        for (uint16_t port = 1; port <= 10000; port++)
                send(&w, port, false, ACK, 1, 1, "a");
        /* http adds its own; tests/bench measures the whole. */
        assert_true(stream_memory(w.stream) / 10000 < 320);
        end(&w);
}

/* ---- only some visitors are looked at ---- */

/* Our client's rank is 2. */
static uint8_t rank_of(void *context, const struct ip *ip)
{
        (void)context;
        return ip->bytes[12] == 198 ? 2 : 9;
}

static void begin_ranked(struct world *w)
{
        begin(w, 100);
        struct stream_options options = { .flows_max = 100,
                                          .idle_ns = 60 * NS_PER_SEC,
                                          .half_open_ns = 10 * NS_PER_SEC,
                                          .reorder_ns = 200 * NS_PER_MS,
                                          .memory_max = 1 << 20,
                                          .flow_memory = 64 << 10,
                                          .rank = rank_of,
                                          .hash_key = hash_key_fixed() };
        stream_free(&w->stream);
        w->stream = stream_new(&options, &w->handler, &w->counters);
}

static void test_who_is_in_the_sample_is_seen_whole(void **state)
{
        struct world w;

        (void)state;
        begin_ranked(&w);
        stream_sample(w.stream, 2);
        shake_hands(&w, 1000, 1, 5001);
        send(&w, 1000, false, ACK, 2, 5002, "a");
        send(&w, 1000, true, ACK, 5002, 3, "b");
        assert_told(&w, ">a <b ");
        assert_int_equal(w.counters.flows_sampled_out, 0);
        end(&w);
}

/* Whatever the connection sends, and whatever the rank of its server is. */
static void test_who_is_not_costs_no_memory(void **state)
{
        struct world w;

        (void)state;
        begin_ranked(&w);
        stream_sample(w.stream, 3);
        shake_hands(&w, 1000, 1, 5001);
        send(&w, 1000, false, ACK, 2, 5002, "a");
        send(&w, 1000, true, ACK, 5002, 3, "b");
        send(&w, 1000, false, ACK | FIN, 3, 5003, "");
        send(&w, 1001, true, SYN | ACK, 5001, 1, "");
        assert_told(&w, "");
        assert_int_equal(stream_flow_count(w.stream), 0);
        assert_int_equal(w.counters.flows_sampled_out, 1);
        assert_int_equal(w.counters.flows, 0);
        end(&w);
}

/* Open when the share falls: closed; when it rises again: joined in the middle. */
static void test_the_sample_changes(void **state)
{
        struct world w;

        (void)state;
        begin_ranked(&w);
        shake_hands(&w, 1000, 1, 5001);
        send(&w, 1000, false, ACK, 2, 5002, "a");
        stream_sample(w.stream, 2);
        send(&w, 1000, true, ACK, 5002, 3, "b");
        assert_told(&w, ">a <b ");
        stream_sample(w.stream, 4);
        send(&w, 1000, false, ACK, 3, 5003, "c");
        assert_told(&w, "closed ");
        assert_int_equal(stream_flow_count(w.stream), 0);
        assert_int_equal(w.counters.flows_sampled_out, 1);
        send(&w, 1000, true, ACK, 5003, 4, "d");
        stream_sample(w.stream, 0);
        send(&w, 1000, false, ACK, 4, 5004, "e");
        assert_told(&w, ">e ");
        assert_int_equal(w.counters.flows_midstream, 1);
        end(&w);
}

/* Who spoke first was the server: its client is still the one with the higher port. */
static void test_joined_in_the_middle_by_its_server(void **state)
{
        struct world w;

        (void)state;
        begin_ranked(&w);
        send(&w, 1000, true, ACK, 5002, 3, "b");
        assert_told(&w, ">b ");
        stream_sample(w.stream, 3);
        send(&w, 1000, true, ACK, 5003, 3, "c");
        assert_told(&w, "closed ");
        end(&w);
}

static void test_shapes_are_left_out(void **state)
{
        struct world w;

        (void)state;
        begin(&w, 100);
        stream_take_shapes(w.stream, false);
        shake_hands(&w, 1000, 1, 5001);
        send(&w, 1000, false, ACK, 2, 5002, "a");
        assert_true(tcp_shape_is_none(&w.shape));
        stream_take_shapes(w.stream, true);
        shake_hands(&w, 1001, 1, 5001);
        send(&w, 1001, false, ACK, 2, 5002, "a");
        assert_false(tcp_shape_is_none(&w.shape));
        end(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_directions),
                cmocka_unit_test(test_an_answer_never_overtakes_its_question),
                cmocka_unit_test(test_attempts_without_an_answer),
                cmocka_unit_test(test_a_hole_waits_for_its_time),
                cmocka_unit_test(test_what_nobody_acknowledges_waits_longer),
                cmocka_unit_test(test_no_room_for_patience),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_resets),
                cmocka_unit_test(test_ports_are_reused),
                cmocka_unit_test(test_a_new_connection_after_the_old_one_closed),
                cmocka_unit_test(test_the_shape_of_a_syn),
                cmocka_unit_test(test_a_challenge_before_the_answer),
                cmocka_unit_test(test_data_in_the_syn),
                cmocka_unit_test(test_far_ahead_is_not_true),
                cmocka_unit_test(test_a_full_table_forgets_half_open_flows_first),
                cmocka_unit_test(test_ageing),
                cmocka_unit_test(test_many_flows_are_found_again),
                cmocka_unit_test(test_a_flow_costs_little),
                cmocka_unit_test(test_who_is_in_the_sample_is_seen_whole),
                cmocka_unit_test(test_who_is_not_costs_no_memory),
                cmocka_unit_test(test_the_sample_changes),
                cmocka_unit_test(test_joined_in_the_middle_by_its_server),
                cmocka_unit_test(test_shapes_are_left_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
