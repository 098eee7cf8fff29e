/* SPDX-License-Identifier: MIT */
#include "tls/quic.h"

#include "base/check.h"
#include "tls/crypto_stream.h"
#include "tls/quic_keys.h"

#include <stdlib.h>

enum {
        PORT_HTTPS = 443,
        CLIENT_ID_MIN = 8, /* RFC 9000 7.2 */
        CHAIN_MAX = 8,     /* connections of one bucket that are looked at */
        EXPIRE_MAX = 4,    /* looked at for each datagram: bounds the work */
        EVICT_MAX = 8,     /* forgotten for the block of one */
        LONG_HEADER = 0x80,
        DATAGRAM_MAX = 65536,
};

struct connection {
        struct endpoint client, server;
        struct quic_keys keys;
        struct crypto_stream crypto;
        const struct quic_version *version;
        int64_t since_ns;
        uint32_t bucket;
        uint32_t bucket_older, bucket_newer; /* the newest first */
        uint32_t older, newer;               /* in its queue */
        uint8_t id_len;
        uint8_t id[QUIC_ID_MAX];
        bool over; /* its hello was told, or will never be */
};

/* In the order of since_ns. */
struct queue {
        uint32_t oldest, newest;
};

struct quic {
        struct quic_options options;
        struct counters *counters;
        struct quic_crypto *crypto;
        struct slab connections;
        struct blocks blocks;
        uint32_t *buckets;
        uint32_t bucket_mask;
        struct queue waiting; /* for the rest of their hellos */
        struct queue over;
        int64_t now_ns;
        uint8_t plain[DATAGRAM_MAX];      /* the frames of one packet */
        uint8_t hello[CRYPTO_STREAM_MAX]; /* what the last call gave */
};

static struct connection *at(const struct quic *q, uint32_t number)
{
        return slab_at(&q->connections, number);
}

/* ---- beginning and end ---- */

static uint32_t bucket_count(uint32_t connections)
{
        uint32_t count = 16;

        while (count < connections && count < UINT32_C(1) << 30)
                count *= 2;
        return count;
}

struct quic *quic_new(const struct quic_options *options, struct counters *counters)
{
        struct quic *q = calloc(1, sizeof(*q));
        uint32_t buckets = bucket_count(options->connections_max);

        if (!q)
                return NULL;
        q->options = *options;
        q->counters = counters;
        q->now_ns = INT64_MIN;
        q->bucket_mask = buckets - 1;
        q->buckets = calloc(buckets, sizeof(*q->buckets));
        q->crypto = quic_crypto_new();
        if (!q->buckets || !q->crypto ||
            !slab_init(&q->connections, sizeof(struct connection),
                       options->connections_max) ||
            !blocks_init(&q->blocks, options->memory_max))
                quic_free(&q);
        return q;
}

void quic_free(struct quic **quic)
{
        struct quic *q = *quic;

        if (!q)
                return;
        quic_crypto_free(&q->crypto);
        slab_free(&q->connections);
        blocks_free(&q->blocks);
        free(q->buckets);
        free(q);
        *quic = NULL;
}

uint32_t quic_count(const struct quic *q)
{
        return q->connections.used;
}

uint64_t quic_memory(const struct quic *q)
{
        return q->blocks.used;
}

/* ---- the table ---- */

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
        return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

static uint32_t bucket_of(const struct quic *q, const struct endpoint *client,
                          const struct endpoint *server)
{
        struct {
                struct ip ip[2];
                uint32_t ports;
        } key = { { client->ip, server->ip },
                  (uint32_t)client->port << 16 | server->port };

        return (uint32_t)hash_bytes(&q->options.hash_key, &key, sizeof(key)) &
               q->bucket_mask;
}

static struct queue *queue_of(struct quic *q, const struct connection *c)
{
        return c->over ? &q->over : &q->waiting;
}

static void queue_append(struct quic *q, uint32_t number)
{
        struct connection *c = at(q, number);
        struct queue *queue = queue_of(q, c);

        c->since_ns = q->now_ns;
        c->older = queue->newest;
        c->newer = 0;
        *(c->older ? &at(q, c->older)->newer : &queue->oldest) = number;
        queue->newest = number;
}

static void queue_remove(struct quic *q, uint32_t number)
{
        const struct connection *c = at(q, number);
        struct queue *queue = queue_of(q, c);

        *(c->older ? &at(q, c->older)->newer : &queue->oldest) = c->newer;
        *(c->newer ? &at(q, c->newer)->older : &queue->newest) = c->older;
}

static void bucket_insert(struct quic *q, uint32_t number)
{
        struct connection *c = at(q, number);
        uint32_t *head = &q->buckets[c->bucket];

        c->bucket_newer = 0;
        c->bucket_older = *head;
        if (*head)
                at(q, *head)->bucket_newer = number;
        *head = number;
}

static void bucket_remove(struct quic *q, uint32_t number)
{
        const struct connection *c = at(q, number);

        *(c->bucket_newer ? &at(q, c->bucket_newer)->bucket_older
                          : &q->buckets[c->bucket]) = c->bucket_older;
        if (c->bucket_older)
                at(q, c->bucket_older)->bucket_newer = c->bucket_newer;
}

static void forget(struct quic *q, uint32_t number)
{
        struct connection *c = at(q, number);

        if (!c->over)
                q->counters->quic_incomplete++;
        queue_remove(q, number);
        bucket_remove(q, number);
        crypto_stream_release(&c->crypto, &q->blocks);
        slab_give(&q->connections, number);
}

static void expire(struct quic *q, const struct queue *queue)
{
        for (int i = 0; i < EXPIRE_MAX && queue->oldest; i++) {
                if (q->now_ns - at(q, queue->oldest)->since_ns < q->options.age_ns)
                        return;
                forget(q, queue->oldest);
        }
}

/* Nothing more is wanted of it but to know it again. */
static void set_over(struct quic *q, uint32_t number)
{
        struct connection *c = at(q, number);

        crypto_stream_release(&c->crypto, &q->blocks);
        queue_remove(q, number);
        c->over = true;
        queue_append(q, number);
}

static uint32_t add(struct quic *q, const struct connection *wanted)
{
        if (q->connections.used == q->options.connections_max) {
                q->counters->quic_full++;
                forget(q, q->over.oldest ? q->over.oldest : q->waiting.oldest);
        }
        uint32_t number = slab_take_raw(&q->connections);
        CHECK(number);
        *at(q, number) = *wanted;
        bucket_insert(q, number);
        queue_append(q, number);
        return number;
}

void quic_finish(struct quic *q)
{
        while (q->waiting.oldest)
                forget(q, q->waiting.oldest);
        while (q->over.oldest)
                forget(q, q->over.oldest);
        q->now_ns = INT64_MIN;
}

/* ---- whose packet it is ---- */

static bool is_to_server(const struct quic *q, const struct endpoint *from,
                         const struct endpoint *to)
{
        if (q->options.is_server)
                return q->options.is_server(q->options.context, from, to);
        if (to->port == PORT_HTTPS || from->port == PORT_HTTPS)
                return to->port == PORT_HTTPS;
        return to->port <= from->port;
}

static bool has_id(const struct connection *c, const struct quic_packet *p)
{
        return slice_equal(slice_of(c->id, c->id_len), p->destination_id) &&
               c->version == p->version;
}

/*
 * The connection of these endpoints and this id; in *newest the newest one of the
 * endpoints, whatever its id.
 */
static uint32_t find(const struct quic *q, const struct connection *wanted,
                     const struct quic_packet *p, uint32_t *newest)
{
        uint32_t number = q->buckets[wanted->bucket];

        *newest = 0;
        for (int i = 0; i < CHAIN_MAX && number;
             i++, number = at(q, number)->bucket_older) {
                const struct connection *c = at(q, number);
                if (!endpoint_equal(&c->client, &wanted->client) ||
                    !endpoint_equal(&c->server, &wanted->server))
                        continue;
                if (has_id(c, p))
                        return number;
                if (!*newest)
                        *newest = number;
        }
        return 0;
}

static struct slice open_with(struct quic *q, const struct connection *c,
                              const struct quic_packet *p)
{
        return quic_open(q->crypto, &c->keys, p, q->plain);
}

/* One that is not known yet: *wanted gets its keys, and a place when they fit. */
static uint32_t begin(struct quic *q, struct connection *wanted,
                      const struct quic_packet *p, struct slice *frames)
{
        wanted->version = p->version;
        wanted->id_len = (uint8_t)p->destination_id.len;
        memcpy(wanted->id, p->destination_id.data, wanted->id_len);
        quic_keys_derive(q->crypto, p->version, p->destination_id, &wanted->keys);
        *frames = open_with(q, wanted, p);
        return slice_is_none(*frames) ? 0 : add(q, wanted);
}

/*
 * The connection of a client's Initial and the frames in it. 0 when it is nobody's, or
 * of one that is over.
 */
static uint32_t match(struct quic *q, struct connection *wanted,
                      const struct quic_packet *p, struct slice *frames)
{
        uint32_t newest, number = find(q, wanted, p, &newest);

        if (number) {
                const struct connection *c = at(q, number);
                if (c->over)
                        return 0;
                *frames = open_with(q, c, p);
        } else {
                *frames = newest && at(q, newest)->version == p->version
                              ? open_with(q, at(q, newest), p)
                              : slice_none();
                if (!slice_is_none(*frames))
                        return at(q, newest)->over ? 0 : newest;
                number = begin(q, wanted, p, frames);
        }
        if (!slice_is_none(*frames))
                return number;
        q->counters->quic_undecryptable++;
        return 0;
}

/* ---- what is in it ---- */

/* A block for the hello of `number`: those that wait longer make room. */
static enum crypto_result push(struct quic *q, uint32_t number, uint64_t offset,
                               struct slice data, struct slice *hello)
{
        struct crypto_stream *crypto = &at(q, number)->crypto;
        enum crypto_result result =
            crypto_stream_push(crypto, &q->blocks, offset, data, hello);

        for (int i = 0;
             i < EVICT_MAX && result == CRYPTO_NO_ROOM && q->waiting.oldest != number;
             i++) {
                q->counters->quic_full++;
                forget(q, q->waiting.oldest);
                result = crypto_stream_push(crypto, &q->blocks, offset, data, hello);
        }
        return result;
}

static void give_up(struct quic *q, uint32_t number, enum crypto_result why)
{
        if (why == CRYPTO_NOT_HELLO)
                q->counters->hellos_malformed++;
        else if (why == CRYPTO_TOO_LONG)
                q->counters->hellos_too_long++;
        else
                q->counters->quic_full++;
        set_over(q, number);
}

static enum quic_result tell(struct quic *q, uint32_t number, struct slice *hello)
{
        memcpy(q->hello, hello->data, hello->len);
        *hello = slice_of(q->hello, hello->len);
        set_over(q, number);
        return QUIC_HELLO;
}

static enum quic_result read_frames(struct quic *q, uint32_t number, struct slice frames,
                                    unsigned *budget, struct slice *hello)
{
        enum quic_frame_result frame;
        struct slice data;
        uint64_t offset;

        for (; *budget; --*budget) {
                frame = quic_frame_next(&frames, &offset, &data);
                if (frame == QUIC_FRAME_OTHER)
                        continue;
                if (frame != QUIC_FRAME_CRYPTO)
                        return QUIC_MORE;
                enum crypto_result result = push(q, number, offset, data, hello);
                if (result == CRYPTO_DONE)
                        return tell(q, number, hello);
                if (result != CRYPTO_MORE) {
                        give_up(q, number, result);
                        return QUIC_IGNORED;
                }
        }
        return QUIC_MORE;
}

static bool is_client_initial(const struct quic_packet *p)
{
        return p->is_initial && p->destination_id.len >= CLIENT_ID_MIN;
}

/* All packets of a datagram are one connection's (RFC 9000 12.2). */
static enum quic_result read_packets(struct quic *q, struct connection *wanted,
                                     struct slice rest, struct slice *hello)
{
        enum quic_result result = QUIC_IGNORED;
        enum quic_packet_result packet;
        unsigned budget = QUIC_FRAMES_MAX;
        struct quic_packet p;
        struct slice frames;

        for (int i = 0; i < QUIC_PACKETS_MAX && result != QUIC_HELLO; i++) {
                packet = quic_packet_next(&rest, &p);
                if (packet == QUIC_PACKET_UNKNOWN_VERSION)
                        q->counters->quic_other_versions++;
                if (packet != QUIC_PACKET_LONG)
                        break;
                if (!is_client_initial(&p))
                        continue;
                uint32_t number = match(q, wanted, &p, &frames);
                if (!number)
                        break;
                result = read_frames(q, number, frames, &budget, hello);
        }
        return result;
}

enum quic_result quic_datagram(struct quic *q, const struct endpoint *from,
                               const struct endpoint *to, struct slice payload,
                               int64_t time_ns, struct slice *hello)
{
        if (payload.len < QUIC_DATAGRAM_MIN || payload.len > DATAGRAM_MAX ||
            !(payload.data[0] & LONG_HEADER) || !is_to_server(q, from, to))
                return QUIC_IGNORED;
        if (time_ns > q->now_ns)
                q->now_ns = time_ns;
        expire(q, &q->waiting);
        expire(q, &q->over);
        struct connection wanted = { .client = *from, .server = *to };
        wanted.bucket = bucket_of(q, from, to);
        return read_packets(q, &wanted, payload, hello);
}
