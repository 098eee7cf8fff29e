/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)1 << 20)
#define FRAME_MAX   ((size_t)66 << 10) /* with all headers */
#define SYN_OPTIONS 12
#define PORT_FIRST  1024
#define BLOCK       256 /* connections that are taken from the system at once */

enum {
        RECORD = 16,
        ETHERNET = 14,
        IPV4 = 20,
        IPV6 = 40,
        TCP = 20,
};

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

enum direction { FROM_CLIENT, FROM_SERVER };

struct connection {
        struct connection *previous, *next; /* idle ones, the newest first */
        struct connection *seat_previous, *seat_next;
        struct wire_seat *seat; /* NULL: it is a terminator's, or the seat has gone */
        struct pool *pool;
        int64_t idle_since;
        struct address visitor;
        uint8_t end[2][16]; /* addresses of client and server */
        uint16_t port[2];
        uint32_t sent[2]; /* next sequence number */
        uint8_t ttl;
        bool is_6, is_busy, closes;
        uint64_t requests;
};

/* The idle connections of one terminator, or of all visitors. */
struct pool {
        struct connection *newest, *oldest;
        uint8_t address[4];
        uint64_t ports[65536 / 64]; /* in use */
        uint16_t port;              /* the last one given */
};

struct wire {
        const struct wire_parameters *p;
        int file;
        bool has_failed;
        const char *path;
        uint8_t *buffer;
        size_t len;
        struct wire_counts counts;
        struct pool pools[SHARES_MAX];
        unsigned pool_count;
        uint8_t server[4], server_6[16];
        struct connection *unused;
        void **blocks;
        unsigned block_count;
        uint32_t visitor_ports;
        uint16_t ip_id;
        int64_t idle_ns;
};

/* ---- bytes ---- */

static void put16(uint8_t *at, uint32_t value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
        value = htonl(value);
        memcpy(at, &value, 4);
}

static void fail(struct wire *w)
{
        if (!w->has_failed)
                fprintf(stderr, "trawl-lab: %s: %s\n", w->path, strerror(errno));
        w->has_failed = true;
}

static void flush(struct wire *w)
{
        size_t done = 0;

        while (done < w->len && !w->has_failed) {
                ssize_t n = write(w->file, w->buffer + done, w->len - done);
                if (n >= 0)
                        done += (size_t)n;
                else if (errno != EINTR)
                        fail(w);
        }
        w->len = 0;
}

/* ---- frames ---- */

static uint8_t *put_record(uint8_t *at, int64_t now_ns, size_t captured, size_t length)
{
        uint32_t record[4] = { (uint32_t)(now_ns / 1000000000),
                               (uint32_t)(now_ns % 1000000000), (uint32_t)captured,
                               (uint32_t)length };

        memcpy(at, record, RECORD);
        return at + RECORD;
}

static uint8_t *put_ethernet(uint8_t *at, enum direction from, bool is_6)
{
        static const uint8_t to_server[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
        static const uint8_t to_client[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

        memcpy(at, from == FROM_CLIENT ? to_server : to_client, 12);
        put16(at + 12, is_6 ? 0x86dd : 0x0800);
        return at + ETHERNET;
}

static uint8_t *put_ipv4(struct wire *w, uint8_t *at, const struct connection *c,
                         enum direction from, size_t tcp_len)
{
        static const uint8_t begin[IPV4] = { 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6 };

        memcpy(at, begin, 12);
        put16(at + 2, (uint32_t)(IPV4 + tcp_len));
        put16(at + 4, w->ip_id++);
        at[8] = from == FROM_CLIENT ? c->ttl : 64;
        memcpy(at + 12, c->end[from], 4);
        memcpy(at + 16, c->end[!from], 4);
        return at + IPV4;
}

static uint8_t *put_ipv6(uint8_t *at, const struct connection *c, enum direction from,
                         size_t tcp_len)
{
        put32(at, 0x60000000);
        put16(at + 4, (uint32_t)tcp_len);
        at[6] = 6;
        at[7] = from == FROM_CLIENT ? c->ttl : 64;
        memcpy(at + 8, c->end[from], 16);
        memcpy(at + 24, c->end[!from], 16);
        return at + IPV6;
}

static uint8_t *put_tcp(uint8_t *at, const struct connection *c, enum direction from,
                        unsigned flags)
{
        static const uint8_t options[SYN_OPTIONS] = { 2, 4, 1460 >> 8, 1460 & 255, 1, 3,
                                                      3, 8, 1,         1,          4, 2 };
        size_t header = TCP + (flags & SYN ? SYN_OPTIONS : 0);

        put16(at, c->port[from]);
        put16(at + 2, c->port[!from]);
        put32(at + 4, c->sent[from]);
        put32(at + 8, flags & ACK ? c->sent[!from] : 0);
        at[12] = (uint8_t)(header / 4 << 4);
        at[13] = (uint8_t)flags;
        put16(at + 14, 64240);
        put32(at + 16, 0); /* checksum and urgent pointer */
        if (flags & SYN)
                memcpy(at + TCP, options, SYN_OPTIONS);
        return at + header;
}

/* One frame; `length` bytes of payload went over the wire, the slice was captured. */
static void put_frame(struct wire *w, int64_t now_ns, struct connection *c,
                      enum direction from, unsigned flags, struct slice payload,
                      uint32_t length)
{
        size_t tcp = TCP + (flags & SYN ? SYN_OPTIONS : 0);
        size_t headers = ETHERNET + (c->is_6 ? IPV6 : IPV4) + tcp;

        if (BUFFER_SIZE - w->len < FRAME_MAX)
                flush(w);
        uint8_t *start = w->buffer + w->len;
        uint8_t *at = put_record(start, now_ns, headers + payload.len, headers + length);
        at = put_ethernet(at, from, c->is_6);
        at = c->is_6 ? put_ipv6(at, c, from, tcp + length)
                     : put_ipv4(w, at, c, from, tcp + length);
        at = put_tcp(at, c, from, flags);
        if (payload.len)
                memcpy(at, payload.data, payload.len);
        w->len += (size_t)(at - start) + payload.len;
        w->counts.packets++;
        w->counts.bytes += RECORD + headers + payload.len;
        c->sent[from] += length + !!(flags & (SYN | FIN));
}

static void put_bare(struct wire *w, int64_t now_ns, struct connection *c,
                     enum direction from, unsigned flags)
{
        put_frame(w, now_ns, c, from, flags, slice_none(), 0);
}

/* Whole bytes, in as many frames as they need. */
static void put_bytes(struct wire *w, int64_t now_ns, struct connection *c,
                      enum direction from, struct slice bytes)
{
        while (bytes.len) {
                struct slice part = slice_first(bytes, w->p->segment);
                put_frame(w, now_ns, c, from, PSH | ACK, part, (uint32_t)part.len);
                bytes = slice_from(bytes, part.len);
        }
}

/* ---- idle connections ---- */

static void put_idle(struct connection *c, int64_t now_ns)
{
        struct pool *pool = c->pool;

        c->idle_since = now_ns;
        c->previous = NULL;
        c->next = pool->newest;
        if (pool->newest)
                pool->newest->previous = c;
        else
                pool->oldest = c;
        pool->newest = c;
}

static void take_idle(struct connection *c)
{
        struct pool *pool = c->pool;

        if (c->previous)
                c->previous->next = c->next;
        else
                pool->newest = c->next;
        if (c->next)
                c->next->previous = c->previous;
        else
                pool->oldest = c->previous;
        c->previous = c->next = NULL;
}

static void join_seat(struct wire_seat *seat, struct connection *c)
{
        c->seat = seat;
        c->seat_previous = NULL;
        c->seat_next = seat->first;
        if (seat->first)
                seat->first->seat_previous = c;
        seat->first = c;
}

static void leave_seat(struct connection *c)
{
        if (!c->seat)
                return;
        if (c->seat_previous)
                c->seat_previous->seat_next = c->seat_next;
        else
                c->seat->first = c->seat_next;
        if (c->seat_next)
                c->seat_next->seat_previous = c->seat_previous;
        c->seat = NULL;
        c->seat_previous = c->seat_next = NULL;
}

/* ---- opening and closing ---- */

static struct connection *take_unused(struct wire *w)
{
        if (!w->unused) {
                struct connection *block = calloc(BLOCK, sizeof(*block));
                w->blocks = realloc(w->blocks, (w->block_count + 1) * sizeof(void *));
                CHECK(block && w->blocks);
                w->blocks[w->block_count++] = block;
                for (unsigned i = 0; i < BLOCK; i++) {
                        block[i].next = w->unused;
                        w->unused = &block[i];
                }
        }
        struct connection *c = w->unused;
        w->unused = c->next;
        memset(c, 0, sizeof(*c));
        return c;
}

/* A terminator's next port that is free. */
static uint16_t take_port(struct wire *w, struct pool *pool)
{
        for (unsigned tries = 0; tries < 65536; tries++) {
                uint16_t port = ++pool->port;
                uint64_t bit = UINT64_C(1) << (port & 63);
                if (port < PORT_FIRST || pool->ports[port >> 6] & bit)
                        continue;
                pool->ports[port >> 6] |= bit;
                return port;
        }
        fprintf(stderr,
                "trawl-lab: %s: a terminator has no port left for another "
                "connection; name more in wire.terminators\n",
                w->path);
        exit(1);
}

/* Visitors' ports in an order that looks like none; the same one 64 512 connections on.
 */
static uint16_t visitor_port(struct wire *w)
{
        for (;;) {
                uint16_t port = (uint16_t)(w->visitor_ports++ * 40503U);
                if (port >= PORT_FIRST)
                        return port;
        }
}

static void set_ends(struct wire *w, struct connection *c)
{
        if (w->p->way == WAY_DIRECT) {
                c->is_6 = c->visitor.is_6;
                memcpy(c->end[0], c->visitor.bytes, 16);
                c->port[0] = visitor_port(w);
                c->ttl = (uint8_t)(44 + (c->visitor.bytes[3] ^ c->visitor.bytes[7]) % 12);
        } else {
                memcpy(c->end[0], c->pool->address, 4);
                c->port[0] = take_port(w, c->pool);
                c->ttl = 64;
        }
        memcpy(c->end[1], c->is_6 ? w->server_6 : w->server, c->is_6 ? 16 : 4);
        c->port[1] = (uint16_t)w->p->server_port;
}

/* Version 2 of the PROXY protocol: whose connection this is, and where it went. */
static void put_proxy_header(struct wire *w, int64_t now_ns, struct connection *c)
{
        static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";
        size_t size = c->visitor.is_6 ? 16 : 4;
        uint8_t header[16 + 36], *at = header + 16;

        memcpy(header, signature, 12);
        header[12] = 0x21; /* version 2, PROXY */
        header[13] = c->visitor.is_6 ? 0x21 : 0x11;
        put16(header + 14, (uint32_t)(2 * size + 4));
        memcpy(at, c->visitor.bytes, size);
        memcpy(at + size, c->visitor.is_6 ? w->server_6 : w->server, size);
        put16(at + 2 * size, visitor_port(w));
        put16(at + 2 * size + 2, 443);
        put_bytes(w, now_ns, c, FROM_CLIENT, slice_of(header, 16 + 2 * size + 4));
}

static struct connection *open_connection(struct wire *w, int64_t now_ns,
                                          struct pool *pool,
                                          const struct address *visitor)
{
        struct connection *c = take_unused(w);

        c->pool = pool;
        c->visitor = *visitor;
        set_ends(w, c);
        c->sent[0] = (uint32_t)(++w->counts.connections * 0x9e3779b1U);
        c->sent[1] = c->sent[0] * 0x85ebca6bU + 1;
        put_bare(w, now_ns, c, FROM_CLIENT, SYN);
        put_bare(w, now_ns, c, FROM_SERVER, SYN | ACK);
        put_bare(w, now_ns, c, FROM_CLIENT, ACK);
        if (w->p->way == WAY_PROXY)
                put_proxy_header(w, now_ns, c);
        return c;
}

static void close_connection(struct wire *w, int64_t now_ns, struct connection *c)
{
        enum direction first = w->p->way == WAY_FORWARDED ? FROM_CLIENT : FROM_SERVER;

        put_bare(w, now_ns, c, first, FIN | ACK);
        put_bare(w, now_ns, c, !first, FIN | ACK);
        put_bare(w, now_ns, c, first, ACK);
        leave_seat(c);
        if (w->p->way != WAY_DIRECT)
                c->pool->ports[c->port[0] >> 6] &= ~(UINT64_C(1) << (c->port[0] & 63));
        c->next = w->unused;
        w->unused = c;
}

/* ---- requests ---- */

static bool is_same(const struct address *a, const struct address *b)
{
        return a->is_6 == b->is_6 && memcmp(a->bytes, b->bytes, a->is_6 ? 16 : 4) == 0;
}

static struct pool *pool_for(struct wire *w, const struct address *from)
{
        unsigned sum = 0;

        if (w->p->way == WAY_DIRECT)
                return &w->pools[0];
        for (unsigned i = 0; i < (from->is_6 ? 8 : 4); i++)
                sum = sum * 31 + from->bytes[i];
        return &w->pools[sum % w->pool_count];
}

/* An idle one of the seat that came from the same address. */
static struct connection *idle_of_seat(const struct wire_seat *seat,
                                       const struct address *from)
{
        for (struct connection *c = seat->first; c; c = c->seat_next)
                if (!c->is_busy && is_same(&c->visitor, from))
                        return c;
        return NULL;
}

struct connection *wire_request(struct wire *w, int64_t now_ns, struct wire_seat *seat,
                                const struct address *from, struct slice head,
                                struct slice body, bool closes)
{
        bool is_shared = w->p->way == WAY_FORWARDED;
        struct pool *pool = pool_for(w, from);
        struct connection *c = is_shared ? pool->newest : idle_of_seat(seat, from);

        if (c) {
                take_idle(c);
        } else {
                c = open_connection(w, now_ns, pool, from);
                if (!is_shared)
                        join_seat(seat, c);
        }
        c->is_busy = true;
        c->requests++;
        c->closes |= is_shared ? c->requests >= w->p->upstream_requests : closes;
        put_bytes(w, now_ns, c, FROM_CLIENT, head);
        put_bytes(w, now_ns, c, FROM_CLIENT, body);
        return c;
}

/* What a body consists of, where it is in the capture. */
static void put_body(struct wire *w, int64_t now_ns, struct connection *c, uint32_t body)
{
        static uint8_t filler[65536];

        if (!filler[0])
                memset(filler, ' ', sizeof(filler));
        while (body) {
                uint32_t part = body < w->p->segment ? body : (uint32_t)w->p->segment;
                size_t seen = w->p->has_bodies ? part : 0;
                put_frame(w, now_ns, c, FROM_SERVER, PSH | ACK, slice_of(filler, seen),
                          part);
                body -= part;
        }
}

void wire_answer(struct wire *w, int64_t now_ns, struct connection *c, struct slice head,
                 uint32_t body)
{
        size_t room = w->p->segment > head.len ? w->p->segment - head.len : 0;
        uint32_t beside = body < room ? body : (uint32_t)room;

        if (w->p->has_bodies || head.len > w->p->segment) {
                put_bytes(w, now_ns, c, FROM_SERVER, head);
                put_body(w, now_ns, c, body);
        } else { /* the head's frame has what fits of the body */
                put_frame(w, now_ns, c, FROM_SERVER, PSH | ACK, head,
                          (uint32_t)head.len + beside);
                put_body(w, now_ns, c, body - beside);
        }
        c->is_busy = false;
        if (c->closes)
                close_connection(w, now_ns, c);
        else
                put_idle(c, now_ns);
}

void wire_hang_up(struct wire *w, int64_t now_ns, struct wire_seat *seat)
{
        for (struct connection *c = seat->first, *next; c; c = next) {
                next = c->seat_next;
                if (c->is_busy) {
                        c->closes = true;
                        leave_seat(c);
                } else {
                        take_idle(c);
                        close_connection(w, now_ns, c);
                }
        }
}

void wire_leave(struct wire_seat *seat)
{
        while (seat->first)
                leave_seat(seat->first);
}

void wire_tick(struct wire *w, int64_t now_ns)
{
        for (unsigned i = 0; i < w->pool_count; i++) {
                struct connection *c;
                while ((c = w->pools[i].oldest) && c->idle_since + w->idle_ns <= now_ns) {
                        take_idle(c);
                        close_connection(w, now_ns, c);
                }
        }
}

/* ---- the file ---- */

static bool set_addresses(struct wire *w)
{
        bool good = inet_pton(AF_INET, w->p->server, w->server) == 1 &&
                    inet_pton(AF_INET6, w->p->server_6, w->server_6) == 1;

        w->pool_count = w->p->way == WAY_DIRECT ? 1 : w->p->terminators.count;
        for (unsigned i = 0; i < w->p->terminators.count; i++)
                good &=
                    inet_pton(AF_INET, w->p->terminators.of[i], w->pools[i].address) == 1;
        return good;
}

static void put_file_header(struct wire *w)
{
        /* magic (nanoseconds), version 2.4, zone, accuracy, snaplen, Ethernet */
        const uint32_t header[6] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 262144, 1 };

        memcpy(w->buffer, header, sizeof(header));
        w->len = sizeof(header);
        w->counts.bytes = sizeof(header);
}

struct wire *wire_open(const struct parameters *p, const char *path)
{
        struct wire *w = calloc(1, sizeof(*w));

        CHECK(w);
        w->p = &p->wire;
        w->path = path;
        w->idle_ns =
            p->wire.way == WAY_FORWARDED ? p->wire.upstream_idle : p->wire.visitor_idle;
        w->file = STDOUT_FILENO;
        if (strcmp(path, "-") != 0)
                w->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        w->buffer = malloc(BUFFER_SIZE);
        CHECK(w->buffer && set_addresses(w));
        put_file_header(w);
        if (w->file < 0) {
                fail(w);
                wire_close(&w);
        }
        return w;
}

bool wire_close(struct wire **link)
{
        struct wire *w = *link;

        if (!w)
                return true;
        flush(w);
        if (w->file > STDERR_FILENO && close(w->file) != 0)
                fail(w);
        bool good = !w->has_failed;
        for (unsigned i = 0; i < w->block_count; i++)
                free(w->blocks[i]);
        free(w->blocks);
        free(w->buffer);
        free(w);
        *link = NULL;
        return good;
}

bool wire_has_failed(const struct wire *w)
{
        return w->has_failed;
}

struct wire_counts wire_counts(const struct wire *w)
{
        return w->counts;
}
