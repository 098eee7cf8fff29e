/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"
#include "tls/hellos.h"
#include "unit/hello_maker.h"

static const char rfc_line[] = "quic example.com alpn 41bc9ae914d6cb3bd0bd0a5453ab7d7f "
                               "q13d0211an_62ed6f6ca7ad_4d634acda6c0\n";
static const char chromium_line[] =
    "quic shop.example h3 af0142015d4f0bf15464d207451e3ab5 "
    "q13d0312h3_55b375c5d22e_178839b6cec1 ech\n";

struct world {
        struct hellos *hellos;
        struct counters counters;
        struct hello_place place;
        struct buf lines; /* server name, ALPN, JA3, JA4 of each hello */
};

static void on_hello(void *context, const struct hello *h)
{
        struct world *w = context;

        assert_int_equal(h->time_ns, w->place.time_ns);
        assert_int_equal(h->client.port, w->place.client.port);
        assert_int_equal(h->server.port, w->place.server.port);
        buf_printf(&w->lines, "%s %.*s %.*s %s %s%s\n",
                   h->transport == HELLO_QUIC ? "quic" : "tcp", (int)h->server_name.len,
                   (const char *)h->server_name.data, (int)h->alpn.len,
                   (const char *)h->alpn.data, h->ja3, h->ja4, h->ech ? " ech" : "");
}

static void world_open(struct world *w)
{
        struct hellos_options options = {
                .quic = { .connections_max = 16,
                          .memory_max = 1 << 16,
                          .age_ns = NS_PER_SEC,
                          .hash_key = hash_key_fixed() },
                .tcp_memory = 4096,
                .hello = on_hello,
                .context = w,
        };

        *w = (struct world){ .place = { .client.port = 50000,
                                        .server.port = 443,
                                        .time_ns = 7 * NS_PER_SEC } };
        w->hellos = hellos_new(&options, &w->counters);
        assert_non_null(w->hellos);
}

static void world_close(struct world *w)
{
        hellos_finish(w->hellos);
        assert_int_equal(hellos_memory(w->hellos), 0);
        hellos_free(&w->hellos);
        buf_free(&w->lines);
}

/* Whether more bytes were wanted at the end. */
static bool send_tcp(struct world *w, struct slice bytes, size_t step)
{
        struct tls_record r = { .kept = NULL };
        bool more = true;

        for (size_t at = 0; at < bytes.len && more; at += step)
                more = hellos_bytes(w->hellos, &r, &w->place,
                                    slice_first(slice_from(bytes, at), step));
        hellos_release(w->hellos, &r);
        return more;
}

static void test_tcp(void **state)
{
        static const size_t steps[] = { 1, 3, 1448, 100000 };
        struct buf file = { 0 };
        struct world w;

        (void)state;
        read_capture("chromium.tls", &file);
        for (size_t i = 0; i < 4; i++) {
                world_open(&w);
                assert_false(send_tcp(&w, buf_slice(&file), steps[i]));
                assert_slice(buf_slice(&w.lines),
                             "tcp shop.example h2 253b80039dce39c1c9fe81249fcdf598 "
                             "t13d1517h2_8daaf6152771_cb7bf5808d99 ech\n");
                assert_int_equal(w.counters.hellos, 1);
                assert_int_equal(w.counters.hellos_quic, 0);
                world_close(&w);
        }
        buf_free(&file);
}

static void send_quic(struct world *w, const char *name)
{
        struct buf file = { 0 };
        struct slice rest, datagram;

        read_capture(name, &file);
        rest = buf_slice(&file);
        while (next_datagram(&rest, &datagram))
                hellos_datagram(w->hellos, &w->place, datagram);
        buf_free(&file);
}

static void test_quic(void **state)
{
        struct world w;

        (void)state;
        world_open(&w);
        send_quic(&w, "rfc9001.quic");
        assert_slice(buf_slice(&w.lines), rfc_line);
        buf_clear(&w.lines);
        w.place.client.port++;
        send_quic(&w, "rfc9369.quic"); /* the same hello under version 2 */
        assert_slice(buf_slice(&w.lines), rfc_line);
        buf_clear(&w.lines);
        w.place.client.port++;
        send_quic(&w, "chromium.quic");
        assert_slice(buf_slice(&w.lines), chromium_line);
        assert_int_equal(w.counters.hellos, 3);
        assert_int_equal(w.counters.hellos_quic, 3);
        world_close(&w);
}

static void test_counters(void **state)
{
        struct buf file = { 0 };
        struct world w;

        (void)state;
        world_open(&w);
        read_capture("openssl.tls", &file);
        assert_true(send_tcp(&w, slice_first(buf_slice(&file), 100), 10));
        assert_int_equal(w.counters.hellos, 0);
        file.data[5 + 4 + 2 + 32] = 77; /* a session id that is too long */
        assert_false(send_tcp(&w, buf_slice(&file), 100));
        assert_int_equal(w.counters.hellos_malformed, 1);
        assert_false(send_tcp(&w, slice_str("\x16\x03\x01 GET /"), 100));
        assert_int_equal(w.counters.hellos_malformed, 2);
        file.data[6] = 1; /* 64 KiB and more */
        assert_false(send_tcp(&w, buf_slice(&file), 100));
        assert_int_equal(w.counters.hellos_too_long, 1);
        assert_int_equal(w.lines.len, 0);
        buf_free(&file);
        world_close(&w);
}

static void test_memory(void **state)
{
        struct tls_record waiting[17] = { { .kept = NULL } };
        struct buf file = { 0 };
        struct world w;

        (void)state;
        world_open(&w); /* sixteen blocks of 256 bytes */
        read_capture("openssl.tls", &file);
        struct slice part = slice_first(buf_slice(&file), 200);
        for (int i = 0; i < 16; i++)
                assert_true(hellos_bytes(w.hellos, &waiting[i], &w.place, part));
        assert_int_equal(hellos_memory(w.hellos), 4096);
        assert_false(hellos_bytes(w.hellos, &waiting[16], &w.place, part));
        assert_int_equal(w.counters.hellos_memory_full, 1);
        for (int i = 0; i < 17; i++)
                hellos_release(w.hellos, &waiting[i]);
        buf_free(&file);
        world_close(&w);
}

static void test_long_name_is_cut(void **state)
{
        struct buf message = { 0 }, record = { 0 };
        struct world w;
        char name[400];

        (void)state;
        world_open(&w);
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        make_hello(&message, &(struct hello_parts){
                                 .ciphers = "1301", .extensions = "0", .name = name });
        put_be(&record, 0x160301, 3);
        put_vector(&record, 2, &message);
        assert_false(send_tcp(&w, buf_slice(&record), 100000));
        assert_int_equal(slice_find(slice_from(buf_slice(&w.lines), 4), ' '), 255);
        buf_free(&message);
        buf_free(&record);
        world_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tcp),
                cmocka_unit_test(test_quic),
                cmocka_unit_test(test_counters),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_long_name_is_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
