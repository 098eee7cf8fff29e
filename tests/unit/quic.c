/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/blocks.h"
#include "base/clock.h"
#include "tls/crypto_stream.h"
#include "tls/quic.h"
#include "unit/hello_maker.h"
#include "unit/quic_maker.h"

enum { AGE = 10 };

struct world {
        struct quic *quic;
        struct counters counters;
        struct endpoint client, server;
        struct buf message;
        int64_t now_ns;
};

static void world_open_with(struct world *w, uint32_t connections, uint64_t memory)
{
        struct quic_options options = { .connections_max = connections,
                                        .memory_max = memory,
                                        .age_ns = AGE * NS_PER_SEC,
                                        .hash_key = hash_key_fixed() };

        *w = (struct world){ .now_ns = NS_PER_SEC };
        w->quic = quic_new(&options, &w->counters);
        assert_non_null(w->quic);
        w->client = (struct endpoint){ ip_from_v4((uint8_t[]){ 192, 0, 2, 1 }), 50000 };
        w->server = (struct endpoint){ ip_from_v4((uint8_t[]){ 192, 0, 2, 2 }), 443 };
        make_hello(&w->message, &(struct hello_parts){ .ciphers = "1301 1302",
                                                       .extensions = "0 10 15",
                                                       .name = "shop.example",
                                                       .alpn = "h3" });
}

static void world_open(struct world *w)
{
        world_open_with(w, 16, 1 << 20);
}

static void world_close(struct world *w)
{
        quic_finish(w->quic);
        assert_int_equal(quic_count(w->quic), 0);
        assert_int_equal(quic_memory(w->quic), 0);
        quic_free(&w->quic);
        buf_free(&w->message);
}

static const struct slice id_1 = SLICE("first id"), id_2 = SLICE("second id");

static struct quic_maker maker(struct slice key_id, struct slice destination_id)
{
        return (struct quic_maker){ .version = QUIC_MAKER_V1,
                                    .key_id = key_id,
                                    .destination_id = destination_id,
                                    .size = 1200 };
}

static enum quic_result send_bytes(struct world *w, struct slice payload,
                                   struct slice *hello)
{
        return quic_datagram(w->quic, &w->client, &w->server, payload, w->now_ns, hello);
}

static enum quic_result send_frames(struct world *w, const struct quic_maker *m,
                                    const struct buf *frames, struct slice *hello)
{
        struct buf datagram = { 0 };

        make_initial(m, buf_slice(frames), &datagram);
        enum quic_result result = send_bytes(w, buf_slice(&datagram), hello);
        buf_free(&datagram);
        return result;
}

/* A datagram with the bytes from..to of the message in one frame. */
static enum quic_result send_part(struct world *w, const struct quic_maker *m,
                                  size_t from, size_t to, struct slice *hello)
{
        struct buf frames = { 0 };

        put_crypto_frame(
            &frames, from,
            slice_first(slice_from(buf_slice(&w->message), from), to - from));
        enum quic_result result = send_frames(w, m, &frames, hello);
        buf_free(&frames);
        return result;
}

static enum quic_result send_whole(struct world *w, const struct quic_maker *m,
                                   struct slice *hello)
{
        return send_part(w, m, 0, w->message.len, hello);
}

static void assert_message(const struct world *w, struct slice hello)
{
        assert_true(slice_equal(hello, buf_slice(&w->message)));
}

/* ---- recorded and published ---- */

static void assert_recording(const char *name, size_t datagrams, size_t length)
{
        struct buf file = { 0 };
        struct slice rest, datagram, hello;
        struct world w;
        size_t count = 0;

        world_open(&w);
        read_capture(name, &file);
        rest = buf_slice(&file);
        while (next_datagram(&rest, &datagram)) {
                enum quic_result result = send_bytes(&w, datagram, &hello);
                assert_int_equal(result, ++count < datagrams ? QUIC_MORE : QUIC_HELLO);
        }
        assert_int_equal(count, datagrams);
        assert_int_equal(hello.len, length);
        assert_memory_equal(hello.data, "\x01\x00", 2);
        assert_int_equal(w.counters.quic_undecryptable, 0);
        buf_free(&file);
        world_close(&w);
}

static void test_recorded(void **state)
{
        (void)state;
        assert_recording("rfc9001.quic", 1, 241);
        assert_recording("rfc9369.quic", 1, 241);
        assert_recording("chromium.quic", 2, 1974);
}

/* ---- frames ---- */

static void test_split_at_each_byte(void **state)
{
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        for (size_t cut = 1; cut < w.message.len; cut++) {
                for (int backwards = 0; backwards < 2; backwards++) {
                        struct quic_maker m = maker(id_1, id_1);
                        w.client.port++;
                        size_t a = backwards ? cut : 0,
                               b = backwards ? w.message.len : cut;
                        assert_int_equal(send_part(&w, &m, a, b, &hello), QUIC_MORE);
                        a = backwards ? 0 : cut, b = backwards ? cut : w.message.len;
                        m.number = 1;
                        assert_int_equal(send_part(&w, &m, a, b, &hello), QUIC_HELLO);
                        assert_message(&w, hello);
                }
        }
        world_close(&w);
}

/* As Chromium does: pieces of a packet shuffled, PING and PADDING between them. */
static void test_shuffled_pieces(void **state)
{
        static const uint8_t order[] = { 6, 1, 9, 0, 4, 8, 2, 7, 3, 5 };
        struct world w;
        struct slice hello, all;
        struct buf frames = { 0 };

        (void)state;
        world_open(&w);
        all = buf_slice(&w.message);
        for (size_t i = 0; i < sizeof(order); i++) {
                size_t from = all.len * order[i] / 10, to = all.len * (order[i] + 1) / 10;
                put_crypto_frame(&frames, from,
                                 slice_first(slice_from(all, from), to - from));
                buf_put(&frames, "\0\0\1\0", i % 5);
        }
        struct quic_maker m = maker(id_1, id_1);
        assert_int_equal(send_frames(&w, &m, &frames, &hello), QUIC_HELLO);
        assert_message(&w, hello);
        buf_free(&frames);
        world_close(&w);
}

static void test_coalesced_initials(void **state)
{
        struct buf frames[2] = { { 0 } }, datagram = { 0 };
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello, all;

        (void)state;
        world_open(&w);
        all = buf_slice(&w.message);
        put_crypto_frame(&frames[0], 0, slice_first(all, 30));
        put_crypto_frame(&frames[1], 30, slice_from(all, 30));
        m.size = 0;
        make_initial(&m, buf_slice(&frames[0]), &datagram);
        put_hex(&datagram, "e000000001"
                           "00"
                           "00"
                           "02"
                           "f4f5"); /* Handshake */
        m.number = 1;
        m.size = 1200;
        make_initial(&m, buf_slice(&frames[1]), &datagram);
        assert_int_equal(send_bytes(&w, buf_slice(&datagram), &hello), QUIC_HELLO);
        assert_message(&w, hello);
        buf_free(&frames[0]);
        buf_free(&frames[1]);
        buf_free(&datagram);
        world_close(&w);
}

/* ---- which connection ---- */

static void test_told_once(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        /* An ACK under the id that the server chose, with the same keys. */
        m.destination_id = id_2;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(quic_count(w.quic), 1);
        assert_int_equal(w.counters.quic_undecryptable, 0);
        assert_int_equal(quic_memory(w.quic), 0);
        world_close(&w);
}

/* The rest of a hello under the server's id still belongs to it. */
static void test_new_id_same_keys(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        m.destination_id = id_2;
        assert_int_equal(send_part(&w, &m, 40, w.message.len, &hello), QUIC_HELLO);
        assert_message(&w, hello);
        assert_int_equal(quic_count(w.quic), 1);
        world_close(&w);
}

static void test_retry(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        m = maker(id_2, id_2);
        m.token = slice_str("a token of the server");
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        assert_message(&w, hello);
        assert_int_equal(quic_count(w.quic), 2);
        world_close(&w);
}

static void test_direction(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        struct endpoint client = w.client;
        w.client = w.server;
        w.server = client;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED); /* from 443 */
        w.client.port = 8443;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED); /* to the higher */
        w.client.port = 60000;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        world_close(&w);
}

/* ---- what is no hello ---- */

static void test_cheap_refusals(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        m.size = 1199;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        m = maker(slice_str("7 bytes"), slice_str("7 bytes"));
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.quic_undecryptable, 0);
        m = maker(id_1, id_2); /* other keys than its id says */
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.quic_undecryptable, 1);
        assert_int_equal(quic_count(w.quic), 0);
        uint8_t other[1200] = { 0xc0, 0x1a, 0x2a, 0x3a, 0x4a };
        assert_int_equal(send_bytes(&w, slice_of(other, sizeof(other)), &hello),
                         QUIC_IGNORED);
        assert_int_equal(w.counters.quic_other_versions, 1);
        world_close(&w);
}

static void test_no_client_hello(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        w.message.data[0] = 2;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.hellos_malformed, 1);
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.hellos_malformed, 1); /* it is over */
        m = maker(id_2, id_2);
        w.message.data[0] = 1;
        w.message.data[1] = 1; /* 64 KiB and more */
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.hellos_too_long, 1);
        assert_int_equal(quic_memory(w.quic), 0);
        world_close(&w);
}

static void test_changed_bytes(void **state)
{
        struct buf file = { 0 };
        struct slice hello;
        struct world w;

        (void)state;
        world_open(&w);
        read_capture("rfc9001.quic", &file);
        for (size_t i = 2; i < file.len; i++) {
                file.data[i] ^= 0x41;
                assert_int_not_equal(
                    send_bytes(&w, slice_from(buf_slice(&file), 2), &hello), QUIC_HELLO);
                file.data[i] ^= 0x41;
        }
        assert_int_equal(quic_count(w.quic), 0);
        buf_free(&file);
        world_close(&w);
}

/* ---- bounds ---- */

static void test_age(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        w.client.port++;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        assert_int_equal(quic_count(w.quic), 2);
        w.now_ns += AGE * NS_PER_SEC;
        w.client.port++;
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        assert_int_equal(quic_count(w.quic), 1);
        assert_int_equal(w.counters.quic_incomplete, 1);
        w.now_ns -= 5 * NS_PER_SEC; /* a clock that goes back changes nothing */
        assert_int_equal(send_part(&w, &m, 40, w.message.len, &hello), QUIC_HELLO);
        world_close(&w);
}

/* Those whose hello was told go first, then the oldest. */
static void test_full_of_connections(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;
        uint16_t first;

        (void)state;
        world_open_with(&w, 4, 1 << 20);
        first = w.client.port;
        for (int i = 0; i < 3; i++, w.client.port++)
                assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        w.client.port++;
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        assert_int_equal(w.counters.quic_full, 1);
        assert_int_equal(w.counters.quic_incomplete, 0);
        w.client.port++;
        assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
        assert_int_equal(w.counters.quic_incomplete, 1); /* the oldest */
        assert_int_equal(quic_count(w.quic), 4);
        w.client.port = (uint16_t)(first + 1);
        assert_int_equal(send_part(&w, &m, 40, w.message.len, &hello), QUIC_HELLO);
        world_close(&w);
}

static void test_full_of_bytes(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct world w;
        struct slice hello;

        (void)state;
        world_open_with(&w, 64, 4 * BLOCKS_SIZE_MIN);
        for (int i = 0; i < 40; i++, w.client.port++) {
                assert_int_equal(send_part(&w, &m, 0, 40, &hello), QUIC_MORE);
                assert_in_range(quic_memory(w.quic), 1, 4 * BLOCKS_SIZE_MIN);
        }
        assert_int_equal(w.counters.quic_full, 36);
        w.client.port--;
        assert_int_equal(send_part(&w, &m, 40, w.message.len, &hello), QUIC_HELLO);
        world_close(&w);
}

/* One byte far ahead asks for all the memory there is: only its own hello is lost. */
static void test_no_room_for_one(void **state)
{
        struct quic_maker m = maker(id_1, id_1);
        struct buf frames = { 0 };
        struct world w;
        struct slice hello;

        (void)state;
        world_open_with(&w, 64, 4 * BLOCKS_SIZE_MIN);
        put_crypto_frame(&frames, CRYPTO_STREAM_MAX - 1, slice_str("x"));
        assert_int_equal(send_frames(&w, &m, &frames, &hello), QUIC_IGNORED);
        assert_int_equal(w.counters.quic_full, 1);
        w.client.port++;
        assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        buf_free(&frames);
        world_close(&w);
}

/* What lies behind QUIC_FRAMES_MAX frames of a datagram is not read. */
static void test_many_frames(void **state)
{
        struct world w;
        struct slice hello;

        (void)state;
        world_open(&w);
        for (int pings = QUIC_FRAMES_MAX - 1; pings <= QUIC_FRAMES_MAX; pings++) {
                struct quic_maker m = maker(id_1, id_1);
                struct buf frames = { 0 };
                w.client.port++;
                for (int i = 0; i < pings; i++)
                        put_be(&frames, 1, 1);
                put_crypto_frame(&frames, 0, buf_slice(&w.message));
                assert_int_equal(send_frames(&w, &m, &frames, &hello),
                                 pings < QUIC_FRAMES_MAX ? QUIC_HELLO : QUIC_MORE);
                buf_free(&frames);
        }
        world_close(&w);
}

/* Many connections on one pair of endpoints: each packet still costs a bounded walk. */
static void test_one_pair(void **state)
{
        struct world w;
        struct slice hello;
        char id[32];

        (void)state;
        world_open_with(&w, 64, 1 << 20);
        for (int i = 0; i < 200; i++) {
                snprintf(id, sizeof(id), "id number %d", i);
                struct quic_maker m = maker(slice_str(id), slice_str(id));
                assert_int_equal(send_whole(&w, &m, &hello), QUIC_HELLO);
        }
        assert_int_equal(quic_count(w.quic), 64);
        world_close(&w);
}

/*
 * Connections of one pair of endpoints are one chain. One that is forgotten in its middle
 * and then one at its end take no other with them.
 */
static void test_forgotten_in_the_middle(void **state)
{
        static const struct slice ids[] = { SLICE("oldest id"), SLICE("middle id"),
                                            SLICE("newest id"), SLICE("next id!"),
                                            SLICE("last id!") };
        struct quic_maker m[5];
        struct slice hello;
        struct world w;

        (void)state;
        world_open_with(&w, 3, 1 << 20);
        size_t end = w.message.len, half = end / 2;
        for (int i = 0; i < 5; i++)
                m[i] = maker(ids[i], ids[i]);
        assert_int_equal(send_part(&w, &m[0], 0, half, &hello), QUIC_MORE);
        assert_int_equal(send_whole(&w, &m[1], &hello), QUIC_HELLO);
        assert_int_equal(send_part(&w, &m[2], 0, half, &hello), QUIC_MORE);
        /* In the place of the one that was told. */
        assert_int_equal(send_part(&w, &m[3], 0, half, &hello), QUIC_MORE);
        assert_int_equal(w.counters.quic_full, 1);
        assert_int_equal(send_part(&w, &m[0], half, end, &hello), QUIC_HELLO);
        assert_message(&w, hello);
        assert_int_equal(send_part(&w, &m[4], 0, half, &hello), QUIC_MORE);
        assert_int_equal(w.counters.quic_full, 2);
        for (int i = 2; i < 5; i++) {
                assert_int_equal(send_part(&w, &m[i], half, end, &hello), QUIC_HELLO);
                assert_message(&w, hello);
        }
        assert_int_equal(w.counters.quic_full, 2);
        assert_int_equal(w.counters.quic_incomplete, 0);
        world_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recorded),
                cmocka_unit_test(test_split_at_each_byte),
                cmocka_unit_test(test_shuffled_pieces),
                cmocka_unit_test(test_coalesced_initials),
                cmocka_unit_test(test_told_once),
                cmocka_unit_test(test_new_id_same_keys),
                cmocka_unit_test(test_retry),
                cmocka_unit_test(test_direction),
                cmocka_unit_test(test_cheap_refusals),
                cmocka_unit_test(test_no_client_hello),
                cmocka_unit_test(test_changed_bytes),
                cmocka_unit_test(test_age),
                cmocka_unit_test(test_full_of_connections),
                cmocka_unit_test(test_full_of_bytes),
                cmocka_unit_test(test_no_room_for_one),
                cmocka_unit_test(test_many_frames),
                cmocka_unit_test(test_one_pair),
                cmocka_unit_test(test_forgotten_in_the_middle),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
