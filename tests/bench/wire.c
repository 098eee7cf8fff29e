/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE (4U << 20)

enum {
        RECORD_HEADER = 16,
        ETHERNET = 14,
        IP_HEADER = 20,
        TCP_HEADER = 32,     /* with timestamps */
        TCP_HEADER_SYN = 40, /* and MSS, SACK permitted, window scale */
};

struct wire {
        FILE *file;
        const char *path;
        uint64_t packets;
        uint16_t ip_id;
        char buffer[BUFFER_SIZE];
};

static void put16(uint8_t *at, uint16_t value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
        put16(at, (uint16_t)(value >> 16));
        put16(at + 2, (uint16_t)value);
}

/* The ones' complement sum of RFC 1071, on words as they lie in memory. */
static uint64_t sum_words(const uint8_t *at, size_t len, uint64_t sum)
{
        for (; len >= 4; at += 4, len -= 4) {
                uint32_t word;
                memcpy(&word, at, 4);
                sum += word;
        }
        uint32_t tail = 0;
        memcpy(&tail, at, len);
        return sum + tail;
}

static uint16_t fold(uint64_t sum)
{
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

struct wire *wire_open(const char *path)
{
        struct wire *wire = calloc(1, sizeof *wire);
        if (!wire)
                err(1, "wire_open");
        wire->path = path;
        wire->file = fopen(path, "wb");
        if (!wire->file)
                err(1, "%s", path);
        setvbuf(wire->file, wire->buffer, _IOFBF, sizeof wire->buffer);
        /* magic (microseconds), version 2.4, zone, accuracy, snaplen, Ethernet */
        const uint32_t header[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1 };
        if (fwrite(header, sizeof header, 1, wire->file) != 1)
                err(1, "%s", path);
        return wire;
}

void wire_close(struct wire **link)
{
        struct wire *wire = *link;
        if (!wire)
                return;
        if (fclose(wire->file) != 0)
                err(1, "%s", wire->path);
        free(wire);
        *link = NULL;
}

static void put_ethernet(uint8_t *at, enum wire_side from)
{
        static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
        memcpy(at, macs[!from], 6);
        memcpy(at + 6, macs[from], 6);
        put16(at + 12, 0x0800);
}

static void put_ip(uint8_t *at, uint16_t id, const struct wire_link *link,
                   enum wire_side from, size_t tcp_len)
{
        memset(at, 0, IP_HEADER);
        at[0] = 0x45;
        put16(at + 2, (uint16_t)(IP_HEADER + tcp_len));
        put16(at + 4, id);
        at[6] = 0x40; /* do not fragment */
        at[8] = 64;
        at[9] = 6;
        put32(at + 12, link->address[from]);
        put32(at + 16, link->address[!from]);
        uint16_t sum = fold(sum_words(at, IP_HEADER, 0));
        memcpy(at + 10, &sum, 2);
}

/* The options in the order of Linux. */
static void put_options(uint8_t *at, int64_t time_ns, unsigned flags)
{
        uint8_t *timestamps = at + 2;
        if (flags & WIRE_SYN) {
                memcpy(at, (uint8_t[]){ 2, 4, 1460 >> 8, 1460 & 255, 4, 2 }, 6);
                memcpy(at + 16, (uint8_t[]){ 1, 3, 3, 7 }, 4);
                timestamps = at + 6;
        } else {
                memcpy(at, (uint8_t[]){ 1, 1 }, 2);
        }
        memcpy(timestamps, (uint8_t[]){ 8, 10 }, 2);
        put32(timestamps + 2, (uint32_t)(time_ns / 1000000));
        put32(timestamps + 6, flags & WIRE_ACK ? (uint32_t)(time_ns / 1000000) - 1 : 0);
}

static void put_tcp(uint8_t *at, size_t header, int64_t time_ns,
                    const struct wire_link *link, enum wire_side from, unsigned flags)
{
        memset(at, 0, header);
        put16(at, link->port[from]);
        put16(at + 2, link->port[!from]);
        put32(at + 4, link->next[from]);
        put32(at + 8, flags & WIRE_ACK ? link->next[!from] : 0);
        at[12] = (uint8_t)(header / 4 << 4);
        at[13] = (uint8_t)flags;
        put16(at + 14, flags & WIRE_SYN ? 64240 : 502); /* scaled by 2^7 after the SYN */
        put_options(at + 20, time_ns, flags);
}

/* The checksum covers addresses, protocol and length besides the segment. */
static void seal_tcp(uint8_t *ip, size_t tcp_len)
{
        uint8_t pseudo[4] = { 0, 6 };
        put16(pseudo + 2, (uint16_t)tcp_len);
        uint64_t sum = sum_words(ip + 12, 8, sum_words(pseudo, 4, 0));
        uint16_t sealed = fold(sum_words(ip + IP_HEADER, tcp_len, sum));
        memcpy(ip + IP_HEADER + 16, &sealed, 2);
}

void wire_segment(struct wire *wire, int64_t time_ns, struct wire_link *link,
                  enum wire_side from, unsigned flags, const void *payload, size_t len)
{
        uint8_t record[RECORD_HEADER + ETHERNET + IP_HEADER + TCP_HEADER_SYN + WIRE_MSS];
        uint8_t *ip = record + RECORD_HEADER + ETHERNET, *tcp = ip + IP_HEADER;
        size_t header = flags & WIRE_SYN ? TCP_HEADER_SYN : TCP_HEADER;
        uint32_t captured = (uint32_t)(ETHERNET + IP_HEADER + header + len);
        const uint32_t record_header[4] = { (uint32_t)(time_ns / 1000000000),
                                            (uint32_t)(time_ns % 1000000000 / 1000),
                                            captured, captured };

        if (len > WIRE_MSS)
                errx(1, "a segment of %zu bytes is longer than %d", len, WIRE_MSS);
        memcpy(record, record_header, sizeof record_header);
        put_ethernet(record + RECORD_HEADER, from);
        put_ip(ip, wire->ip_id++, link, from, header + len);
        put_tcp(tcp, header, time_ns, link, from, flags);
        if (len)
                memcpy(tcp + header, payload, len);
        seal_tcp(ip, header + len);
        if (fwrite(record, RECORD_HEADER + captured, 1, wire->file) != 1)
                err(1, "%s", wire->path);
        link->next[from] += (uint32_t)len + !!(flags & (WIRE_SYN | WIRE_FIN));
        wire->packets++;
}

uint64_t wire_packets(const struct wire *wire)
{
        return wire->packets;
}
