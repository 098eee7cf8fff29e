/* SPDX-License-Identifier: MIT */
/*
 * bench-hellos [FOLDER] - how many hellos a second one core reads.
 *
 * TCP: the recorded hellos, each whole in one segment: collected, parsed, JA3, JA4.
 * QUIC: one hello in 4096 packets with ids of their own, so that each costs its keys;
 * and the same packets again, which are known and cost nothing but a look-up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/quic_maker.h"
#include "base/check.h"
#include "base/clock.h"
#include "tls/hellos.h"

enum { PACKETS = 4096, MEMORY = 1 << 24, HEADER = 5 };

#define BENCH_NS (2 * NS_PER_SEC)

static uint64_t told;

static void on_hello(void *context, const struct hello *h)
{
        (void)context;
        told += h->ja4[0] != '\0';
}

static void read_file(const char *folder, const char *name, struct buf *out)
{
        char path[512];
        int byte;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "rb");
        CHECK(file);
        while ((byte = fgetc(file)) != EOF)
                buf_put_byte(out, (uint8_t)byte);
        fclose(file);
}

static void report(const char *what, uint64_t count, int64_t ns)
{
        double each = (double)ns / (double)count;

        printf("%-24s %8.0f ns  %10.0f/s\n", what, each, 1e9 / each);
}

static void bench_tcp(struct hellos *hellos, const char *folder, const char *name)
{
        struct hello_place place = { .client.port = 50000, .server.port = 443 };
        struct buf bytes = { 0 };
        uint64_t count = 0;

        read_file(folder, name, &bytes);
        int64_t start = clock_monotonic_ns();
        told = 0;
        while (clock_monotonic_ns() - start < BENCH_NS) {
                for (int i = 0; i < 1000; i++, count++) {
                        struct tls_record r = { .kept = NULL };
                        hellos_bytes(hellos, &r, &place, buf_slice(&bytes));
                        hellos_release(hellos, &r);
                }
        }
        report(name, count, clock_monotonic_ns() - start);
        CHECK(told == count);
        buf_free(&bytes);
}

static void make_packets(struct buf *packets, struct slice message)
{
        struct buf frames = { 0 };

        put_crypto_frame(&frames, 0, message);
        for (int i = 0; i < PACKETS; i++) {
                uint8_t id[8] = { (uint8_t)i, (uint8_t)(i >> 8) };
                struct quic_maker m = { .version = QUIC_MAKER_V1,
                                        .key_id = slice_of(id, sizeof(id)),
                                        .destination_id = slice_of(id, sizeof(id)),
                                        .size = QUIC_DATAGRAM_MIN };
                make_initial(&m, buf_slice(&frames), packets);
        }
        buf_free(&frames);
}

static void send_all(struct hellos *hellos, const struct buf *packets)
{
        struct hello_place place = { .server.port = 443 };

        for (uint16_t i = 0; i < PACKETS; i++) {
                place.client.port = (uint16_t)(1000 + i);
                hellos_datagram(hellos, &place,
                                slice_of(packets->data + (size_t)i * QUIC_DATAGRAM_MIN,
                                         QUIC_DATAGRAM_MIN));
        }
}

static void bench_quic(struct hellos *hellos, const char *folder, bool again)
{
        struct buf file = { 0 }, packets = { 0 };
        uint64_t rounds = 0;
        int64_t start, spent = 0;

        read_file(folder, "openssl.tls", &file);
        make_packets(&packets, slice_from(buf_slice(&file), HEADER));
        send_all(hellos, &packets);
        told = 0;
        for (; spent < BENCH_NS; rounds++) {
                if (!again)
                        hellos_finish(hellos);
                start = clock_monotonic_ns();
                send_all(hellos, &packets);
                spent += clock_monotonic_ns() - start;
        }
        report(again ? "QUIC, known" : "QUIC, new", rounds * PACKETS, spent);
        CHECK(told == (again ? 0 : rounds * PACKETS));
        hellos_finish(hellos);
        buf_free(&file);
        buf_free(&packets);
}

int main(int argc, char **argv)
{
        static const char *const names[] = { "openssl-plain.tls", "openssl.tls",
                                             "curl.tls", "chromium.tls" };
        const char *folder = argc > 1 ? argv[1] : "tests/captures/hellos";
        struct hellos_options options = {
                .quic = { .connections_max = 2 * PACKETS,
                          .memory_max = MEMORY,
                          .age_ns = NS_PER_SEC,
                          .hash_key = hash_key_fixed() },
                .tcp_memory = MEMORY,
                .hello = on_hello,
        };
        struct counters counters = { 0 };
        struct hellos *hellos = hellos_new(&options, &counters);

        CHECK(hellos);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                bench_tcp(hellos, folder, names[i]);
        bench_quic(hellos, folder, false);
        bench_quic(hellos, folder, true);
        hellos_free(&hellos);
        return 0;
}
