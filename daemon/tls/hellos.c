/* SPDX-License-Identifier: MIT */
#include "tls/hellos.h"

#include <stdlib.h>

struct hellos {
        hello_fn *hello;
        void *context;
        struct counters *counters;
        struct digest *md5, *sha256;
        struct quic *quic;
        struct blocks blocks;
};

struct hellos *hellos_new(const struct hellos_options *options, struct counters *counters)
{
        struct hellos *h = calloc(1, sizeof(*h));

        if (!h)
                return NULL;
        h->hello = options->hello;
        h->context = options->context;
        h->counters = counters;
        h->md5 = digest_new("MD5"); /* may be forbidden here: then there is no JA3 */
        h->sha256 = digest_new("SHA256");
        h->quic = quic_new(&options->quic, counters);
        if (!h->sha256 || !h->quic || !blocks_init(&h->blocks, options->tcp_memory))
                hellos_free(&h);
        return h;
}

void hellos_free(struct hellos **hellos)
{
        struct hellos *h = *hellos;

        if (!h)
                return;
        digest_free(&h->md5);
        digest_free(&h->sha256);
        quic_free(&h->quic);
        blocks_free(&h->blocks);
        free(h);
        *hellos = NULL;
}

static void tell(struct hellos *h, const struct client_hello *c,
                 enum hello_transport transport, const struct hello_place *place)
{
        struct hello hello = {
                .time_ns = place->time_ns,
                .client = place->client,
                .server = place->server,
                .transport = transport,
                .ech = c->ech,
                .server_name = slice_first(c->server_name, HELLO_NAME_MAX),
                .alpn = c->alpn,
                .ciphers = c->ciphers,
        };

        ja3(h->md5, c, hello.ja3);
        ja4(h->sha256, c, transport == HELLO_QUIC ? 'q' : 't', hello.ja4);
        h->counters->hellos++;
        h->counters->hellos_quic += transport == HELLO_QUIC;
        h->hello(h->context, &hello);
}

static void read_message(struct hellos *h, struct slice message,
                         enum hello_transport transport, const struct hello_place *place)
{
        struct client_hello c;

        switch (client_hello_parse(message, &c)) {
        case CLIENT_HELLO_OK:
                tell(h, &c, transport, place);
                break;
        case CLIENT_HELLO_MALFORMED:
                h->counters->hellos_malformed++;
                break;
        case CLIENT_HELLO_TOO_MANY:
                h->counters->hellos_too_long++;
                break;
        }
}

bool hellos_bytes(struct hellos *h, struct tls_record *r, const struct hello_place *place,
                  struct slice bytes)
{
        struct slice message;

        switch (tls_record_feed(r, &h->blocks, bytes, &message)) {
        case TLS_RECORD_MORE:
                return true;
        case TLS_RECORD_DONE:
                read_message(h, message, HELLO_TCP, place);
                break;
        case TLS_RECORD_NOT_TLS:
                h->counters->hellos_malformed++;
                break;
        case TLS_RECORD_TOO_LONG:
                h->counters->hellos_too_long++;
                break;
        case TLS_RECORD_NO_ROOM:
                h->counters->hellos_memory_full++;
                break;
        }
        return false;
}

void hellos_release(struct hellos *h, struct tls_record *r)
{
        tls_record_release(r, &h->blocks);
}

void hellos_datagram(struct hellos *h, const struct hello_place *place,
                     struct slice payload)
{
        struct slice message;

        if (quic_datagram(h->quic, &place->client, &place->server, payload,
                          place->time_ns, &message) == QUIC_HELLO)
                read_message(h, message, HELLO_QUIC, place);
}

void hellos_finish(struct hellos *h)
{
        quic_finish(h->quic);
}

uint64_t hellos_memory(const struct hellos *h)
{
        return h->blocks.used + quic_memory(h->quic);
}
