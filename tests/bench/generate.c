/* SPDX-License-Identifier: MIT */
/*
 * generate - writes the captures that the benchmark reads.
 *
 *      bench-generate small|large|flows|h2|proxy|scale REQUESTS FILE
 *
 * What a sensor sees between a proxy and an application: keep-alive
 * connections, opened and closed with their handshakes, thousands at a time,
 * interleaved by the time at which each packet would have been sent. The
 * receiver acknowledges every second full segment at once and a single one
 * after 40 ms, unless its own next segment carries the acknowledgement.
 *
 * small   bodies of 32 to 128 bytes: one segment each way
 * large   bodies of 20 KB: 15 segments and their acknowledgements
 * flows   one request a connection, and the connection stays open
 * h2      as small, over HTTP/2, which needs fewer connections
 * proxy   as small, but each visit has a connection of its own, whose client a PROXY
 *         header (version 2) names; requests do not
 * scale   as small, but visitors return, nobody new comes, and 31 requests a second let
 *         the shorter of the two captures fill every window of the shipped rules
 */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2.h"
#include "random.h"
#include "visitors.h"
#include "wire.h"

#define US 1000LL
#define MS 1000000LL
#define S  1000000000LL

#define DELAYED_ACK (40 * MS)
#define START_TIME  (1795431600 * S) /* Monday 23 November 2026, 11:00 UTC */
#define SERVER      0x0a000a01U      /* 10.0.10.1, and the addresses after it */
#define PROXY       0x0a000001U      /* 10.0.0.1, and the addresses after it */
#define FIRST_PORT  10000U
#define PORTS       50000U

struct kind {
        const char *name;
        uint32_t connections; /* at a time; 0: one for each request */
        uint32_t keep_alive;  /* requests on one connection; 0: it stays open */
        size_t body_len;
        int64_t spacing_ns; /* between two requests of the whole site */
        bool http2, proxied, returning;
};

static const struct kind kinds[] = {
        { "small", 4096, 100, 0, 400 * US, false, false, false },
        { "large", 4096, 100, 20480, 1600 * US, false, false, false },
        { "flows", 0, 0, 0, 100 * US, false, false, false },
        { "h2", 256, 4000, 0, 400 * US, true, false, false },
        { "proxy", VISITORS_ACTIVE, UINT32_MAX, 0, 400 * US, false, true, false },
        { "scale", 256, 100, 0, 32 * MS, false, false, true },
};

enum step { SYN, SYN_ACK, ESTABLISHED, REQUEST, RESPONSE, ACK, FIN, FIN_ACK, LAST_ACK };

struct connection {
        struct wire_link link;
        enum step step;
        uint32_t requests;      /* made on this connection */
        bool over;              /* no further one comes on it */
        uint32_t unsent;        /* bytes of the response still to send */
        uint32_t head_unsent;   /* of those, of its head */
        uint8_t unacknowledged; /* segments the client has not acknowledged */
        int64_t next_request_ns;
        struct exchange *exchange; /* while a response is under way */
        struct h2 *h2;             /* while the connection is open, if it speaks HTTP/2 */
};

/* The connections in order of their next packet: a binary heap. */
struct event {
        int64_t time_ns;
        uint32_t connection;
};

struct generator {
        const struct kind *kind;
        struct wire *wire;
        struct visitors *visitors;
        uint64_t random, requests_left, opened, proxy_headers;
        struct connection *connections;
        struct event *heap;
        size_t heap_len;
        char segment[WIRE_MSS];
};

static void heap_push(struct generator *g, int64_t time_ns, uint32_t connection)
{
        size_t at = g->heap_len++;
        while (at && g->heap[(at - 1) / 2].time_ns > time_ns) {
                g->heap[at] = g->heap[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        g->heap[at] = (struct event){ time_ns, connection };
}

static struct event heap_pop(struct generator *g)
{
        struct event first = g->heap[0], last = g->heap[--g->heap_len];
        size_t at = 0, child;
        while ((child = 2 * at + 1) < g->heap_len) {
                if (child + 1 < g->heap_len &&
                    g->heap[child + 1].time_ns < g->heap[child].time_ns)
                        child++;
                if (g->heap[child].time_ns >= last.time_ns)
                        break;
                g->heap[at] = g->heap[child];
                at = child;
        }
        g->heap[at] = last;
        return first;
}

/* Between half and one and a half of the mean. */
static int64_t around(struct generator *g, int64_t mean_ns)
{
        return mean_ns / 2 + (int64_t)random_below(&g->random, (uint64_t)mean_ns);
}

/* How long a connection waits between two requests, so that all keep the pace. */
static int64_t think_time(struct generator *g)
{
        return around(g, g->kind->spacing_ns * (int64_t)g->kind->connections);
}

static void open_link(struct generator *g, struct wire_link *link)
{
        uint64_t number = g->opened++;
        link->address[WIRE_CLIENT] = PROXY + (uint32_t)(number / PORTS % 200);
        link->address[WIRE_SERVER] = SERVER + (uint32_t)(number % 8);
        link->port[WIRE_CLIENT] = (uint16_t)(FIRST_PORT + number % PORTS);
        link->port[WIRE_SERVER] = 8080;
        link->next[WIRE_CLIENT] = (uint32_t)random_next(&g->random);
        link->next[WIRE_SERVER] = (uint32_t)random_next(&g->random);
}

static void send_one(struct generator *g, int64_t now, struct connection *c,
                     enum wire_side from, unsigned flags, size_t len)
{
        wire_segment(g->wire, now, &c->link, from, flags, g->segment, len);
}

/* Puts a PROXY header, version 2, in front of the connection's first request. */
static void put_proxy_header(struct generator *g, struct connection *c)
{
        struct exchange *e = c->exchange;
        uint32_t server = c->link.address[WIRE_SERVER];
        uint16_t port = c->link.port[WIRE_CLIENT];
        const uint8_t header[] = {
                '\r',
                '\n',
                '\r',
                '\n',
                0,
                '\r',
                '\n',
                'Q',
                'U',
                'I',
                'T',
                '\n',
                0x21,
                0x11,
                0,
                12, /* version 2, PROXY; TCP over IPv4; 12 bytes follow */
                (uint8_t)(e->client >> 24),
                (uint8_t)(e->client >> 16),
                (uint8_t)(e->client >> 8),
                (uint8_t)e->client,
                (uint8_t)(server >> 24),
                (uint8_t)(server >> 16),
                (uint8_t)(server >> 8),
                (uint8_t)server,
                (uint8_t)(port >> 8),
                (uint8_t)port,
                443 >> 8,
                443 & 255,
        };

        if (sizeof header + e->request_len > sizeof e->request)
                errx(1, "a PROXY header does not fit before the request");
        memmove(e->request + sizeof header, e->request, e->request_len);
        memcpy(e->request, header, sizeof header);
        e->request_len += sizeof header;
        g->proxy_headers++;
}

static int64_t send_request(struct generator *g, int64_t now, struct connection *c)
{
        c->exchange = malloc(sizeof *c->exchange);
        if (!c->exchange)
                err(1, "send_request");
        if (g->kind->proxied)
                visitors_next_of(g->visitors, (uint32_t)(c - g->connections),
                                 c->exchange);
        else
                visitors_next(g->visitors, c->exchange);
        if (c->h2)
                h2_translate(c->h2, c->exchange);
        if (g->kind->proxied && c->requests == 0)
                put_proxy_header(g, c);
        wire_segment(g->wire, now, &c->link, WIRE_CLIENT, WIRE_PSH | WIRE_ACK,
                     c->exchange->request, c->exchange->request_len);
        c->unacknowledged = 0;
        c->requests++;
        c->over = g->kind->proxied ? c->exchange->ends_visit
                                   : c->requests >= g->kind->keep_alive;
        g->requests_left--;
        c->head_unsent = (uint32_t)c->exchange->response_len;
        c->unsent = c->head_unsent + (uint32_t)c->exchange->body_len;
        c->step = RESPONSE;
        return now + around(g, 8 * MS);
}

/* What follows a response: the acknowledgement, or what comes before it is due. */
static int64_t after_response(struct generator *g, int64_t now, struct connection *c)
{
        bool last = g->kind->keep_alive && c->over;
        bool none = !g->kind->keep_alive;

        free(c->exchange);
        c->exchange = NULL;
        c->next_request_ns = now + (none ? S : think_time(g));
        if (c->unacknowledged &&
            (last || none || c->next_request_ns > now + DELAYED_ACK)) {
                c->step = ACK;
                return now + DELAYED_ACK;
        }
        c->step = last ? FIN : REQUEST;
        return c->next_request_ns;
}

static int64_t send_response(struct generator *g, int64_t now, struct connection *c)
{
        if (c->unacknowledged == 2) {
                send_one(g, now, c, WIRE_CLIENT, WIRE_ACK, 0);
                c->unacknowledged = 0;
                return c->unsent ? now + 2 * US : after_response(g, now, c);
        }
        size_t len = c->unsent < WIRE_MSS ? c->unsent : WIRE_MSS;
        size_t head = c->head_unsent < len ? c->head_unsent : len;
        memcpy(g->segment,
               c->exchange->response + c->exchange->response_len - c->head_unsent, head);
        memset(g->segment + head, 'x', len - head);
        c->head_unsent -= (uint32_t)head;
        c->unsent -= (uint32_t)len;
        send_one(g, now, c, WIRE_SERVER, c->unsent ? WIRE_ACK : WIRE_PSH | WIRE_ACK, len);
        c->unacknowledged++;
        return c->unsent || c->unacknowledged == 2 ? now + 12 * US
                                                   : after_response(g, now, c);
}

/* One packet of one connection; returns when its next is due, or 0 for never. */
static int64_t advance(struct generator *g, int64_t now, struct connection *c)
{
        switch (c->step) {
        case SYN:
                open_link(g, &c->link);
                c->requests = 0;
                if (g->kind->http2)
                        c->h2 = h2_new();
                send_one(g, now, c, WIRE_CLIENT, WIRE_SYN, 0);
                c->step = SYN_ACK;
                return now + 90 * US;
        case SYN_ACK:
                send_one(g, now, c, WIRE_SERVER, WIRE_SYN | WIRE_ACK, 0);
                c->step = ESTABLISHED;
                return now + 90 * US;
        case ESTABLISHED:
                send_one(g, now, c, WIRE_CLIENT, WIRE_ACK, 0);
                c->step = REQUEST;
                return now + 20 * US;
        case REQUEST:
                if (g->requests_left == 0) {
                        c->step = FIN;
                        return now + 20 * US;
                }
                return send_request(g, now, c);
        case RESPONSE:
                return send_response(g, now, c);
        case ACK:
                send_one(g, now, c, WIRE_CLIENT, WIRE_ACK, 0);
                c->unacknowledged = 0;
                if (!g->kind->keep_alive)
                        return 0;
                c->step = c->over ? FIN : REQUEST;
                return c->next_request_ns > now ? c->next_request_ns : now;
        case FIN:
                h2_free(&c->h2);
                send_one(g, now, c, WIRE_CLIENT, WIRE_FIN | WIRE_ACK, 0);
                c->step = FIN_ACK;
                return now + 90 * US;
        case FIN_ACK:
                send_one(g, now, c, WIRE_SERVER, WIRE_FIN | WIRE_ACK, 0);
                c->step = LAST_ACK;
                return now + 90 * US;
        case LAST_ACK:
                send_one(g, now, c, WIRE_CLIENT, WIRE_ACK, 0);
                c->step = SYN;
                return g->requests_left ? now + think_time(g) : 0;
        }
        return 0;
}

static void run(struct generator *g, uint64_t requests)
{
        uint64_t connections = g->kind->connections ? g->kind->connections : requests;
        int64_t stagger = g->kind->spacing_ns * (g->kind->keep_alive ? 2 : 1);

        g->requests_left = requests;
        g->connections = calloc(connections, sizeof *g->connections);
        g->heap = calloc(connections, sizeof *g->heap);
        if (!g->connections || !g->heap)
                err(1, "run");
        for (uint32_t i = 0; i < connections; i++)
                heap_push(g, START_TIME + i * stagger, i);
        while (g->heap_len) {
                struct event event = heap_pop(g);
                int64_t next =
                    advance(g, event.time_ns, &g->connections[event.connection]);
                if (next)
                        heap_push(g, next, event.connection);
        }
        free(g->heap);
        free(g->connections);
}

int main(int argc, char **argv)
{
        struct generator g = { .random = 1 };
        char *end;

        if (argc != 4)
                errx(2, "usage: bench-generate small|large|flows|h2|proxy|scale REQUESTS "
                        "FILE");
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (strcmp(kinds[i].name, argv[1]) == 0)
                        g.kind = &kinds[i];
        uint64_t requests = strtoull(argv[2], &end, 10);
        if (!g.kind || *end || requests == 0 || requests > UINT32_MAX)
                errx(2, "usage: bench-generate small|large|flows|h2|proxy|scale REQUESTS "
                        "FILE");
        struct visitors_options options = { g.kind->body_len, g.kind->returning,
                                            g.kind->proxied };
        g.visitors = visitors_new(2, &options);
        g.wire = wire_open(argv[3]);
        run(&g, requests);
        printf("{\"requests\":%" PRIu64 ",\"packets\":%" PRIu64
               ",\"connections\":%" PRIu64 ",\"visitors\":%" PRIu64
               ",\"proxy_headers\":%" PRIu64 "}\n",
               requests, wire_packets(g.wire), g.opened, visitors_total(g.visitors),
               g.proxy_headers);
        wire_close(&g.wire);
        visitors_free(&g.visitors);
        return 0;
}
