/* SPDX-License-Identifier: MIT */
/*
 * A series of datagrams, each with its length (two bytes) before it. The first byte of
 * the input says what they are: 0 UDP payloads as they come; else the frames of a packet,
 * sealed here with the right keys. Bit 1 gives each one an id of its own, bit 2 a client
 * of its own, bit 3 the second version of QUIC.
 */
#include "tls/quic.h"
#include "../unit/quic_maker.h"
#include "tls/crypto_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEALED = 1, OWN_ID = 2, OWN_CLIENT = 4, VERSION_2 = 8, MEMORY = 1 << 15 };

static struct quic *quic;

static void open_once(void)
{
        static struct counters counters;
        struct quic_options options = { .connections_max = 8,
                                        .memory_max = MEMORY,
                                        .age_ns = 16,
                                        .hash_key = hash_key_fixed() };

        if (!quic)
                quic = quic_new(&options, &counters);
        CHECK(quic);
}

static void seal(struct slice frames, uint8_t mode, uint8_t number, struct buf *out)
{
        uint8_t id[8] = { 'i', 'd', mode & OWN_ID ? number : 0 };
        struct quic_maker m = { .version =
                                    mode & VERSION_2 ? QUIC_MAKER_V2 : QUIC_MAKER_V1,
                                .key_id = slice_of(id, sizeof(id)),
                                .destination_id = slice_of(id, sizeof(id)),
                                .number = number,
                                .size = QUIC_DATAGRAM_MIN };

        make_initial(&m, slice_first(frames, 8000), out);
}

static void send_one(struct slice payload, uint8_t mode, uint8_t number)
{
        struct endpoint client = { .port = (uint16_t)(mode & OWN_CLIENT ? 2000 + number
                                                                        : 2000) };
        struct endpoint server = { .port = 443 };
        struct buf sealed = { 0 };
        struct slice hello;

        if (mode & SEALED) {
                seal(payload, mode, number, &sealed);
                payload = buf_slice(&sealed);
        }
        if (quic_datagram(quic, &client, &server, payload, number, &hello) == QUIC_HELLO)
                CHECK(hello.len <= CRYPTO_STREAM_MAX && hello.data[0] == 1);
        CHECK(quic_count(quic) <= 8 && quic_memory(quic) <= MEMORY);
        buf_free(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice rest = slice_from(slice_of(data, size), 1);

        open_once();
        for (uint8_t number = 0; rest.len >= 2 && number < 32; number++) {
                size_t len = (size_t)(rest.data[0] << 8 | rest.data[1]);
                rest = slice_from(rest, 2);
                send_one(slice_first(rest, len), data[0], number);
                rest = slice_from(rest, len);
        }
        quic_finish(quic);
        CHECK(quic_count(quic) == 0 && quic_memory(quic) == 0);
        return 0;
}
