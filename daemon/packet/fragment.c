/* SPDX-License-Identifier: MIT */
#include "packet/fragment.h"

#include "base/blocks.h"
#include "base/check.h"

#include <stdlib.h>

enum {
        PAYLOAD_MAX = 65535,
        BYTES_PER_PACKET = 1024, /* of the budget: how many packets may wait */
        PACKETS_MIN = 64,
        TRANSPORT_HEADER = 20, /* that a first fragment should hold */
        AGE_PER_FRAGMENT = 4,  /* packets looked at for each piece: bounds the work */
};

struct piece {
        struct piece *next, *before;
        uint32_t offset, len;
        uint32_t room; /* of the block that this lies in */
        uint8_t data[];
};

struct key {
        struct ip source, destination;
        uint32_t identification;
        uint8_t family, protocol;
        uint8_t zero[2];
};

_Static_assert(sizeof(struct key) == 40, "hashed as it lies: no padding");

/*
 * Those that are refused or done are kept for a while to know what else comes of them.
 * Within a queue all wait equally long, so the oldest is due first.
 */
enum queue_name { QUEUE_WAITING, QUEUE_REFUSED, QUEUE_DONE, QUEUES };

struct packet {
        struct key key;
        struct piece *first, *last;
        uint32_t chain; /* next of its bucket */
        uint32_t older, newer;
        uint32_t bytes, pieces;
        uint32_t total;   /* bytes of the payload; 0 while the last piece is missing */
        int64_t until_ns; /* when it is forgotten */
        uint8_t queue;
        uint8_t protocol, ttl; /* of the piece at offset 0 */
};

struct queue {
        uint32_t oldest, newest;
};

struct fragments {
        struct hash_key hash_key;
        struct counters *counters;
        struct slab packets;
        struct blocks blocks;
        struct queue queues[QUEUES];
        uint32_t *buckets;
        uint32_t bucket_mask;
        uint32_t waiting;
        int64_t now_ns;
        uint8_t whole[PAYLOAD_MAX];
};

static struct packet *packet_at(const struct fragments *f, uint32_t number)
{
        return slab_at(&f->packets, number);
}

/* ---- queues and index, by number ---- */

static void enqueue(struct fragments *f, uint32_t number, enum queue_name name)
{
        struct packet *p = packet_at(f, number);
        struct queue *q = &f->queues[name];

        p->queue = (uint8_t)name;
        p->until_ns = f->now_ns + (name == QUEUE_DONE ? FRAGMENT_ECHO : FRAGMENT_TIMEOUT);
        p->older = q->newest;
        p->newer = 0;
        *(q->newest ? &packet_at(f, q->newest)->newer : &q->oldest) = number;
        q->newest = number;
        f->waiting += name == QUEUE_WAITING;
}

static void dequeue(struct fragments *f, uint32_t number)
{
        struct packet *p = packet_at(f, number);
        struct queue *q = &f->queues[p->queue];

        *(p->older ? &packet_at(f, p->older)->newer : &q->oldest) = p->newer;
        *(p->newer ? &packet_at(f, p->newer)->older : &q->newest) = p->older;
        f->waiting -= p->queue == QUEUE_WAITING;
}

static uint32_t *bucket_of(struct fragments *f, const struct key *key)
{
        return &f->buckets[hash_bytes(&f->hash_key, key, sizeof(*key)) & f->bucket_mask];
}

static uint32_t find(struct fragments *f, const struct key *key)
{
        uint32_t number = *bucket_of(f, key);

        while (number && memcmp(&packet_at(f, number)->key, key, sizeof(*key)) != 0)
                number = packet_at(f, number)->chain;
        return number;
}

static void unlink_packet(struct fragments *f, uint32_t number)
{
        uint32_t *link = bucket_of(f, &packet_at(f, number)->key);

        while (*link != number)
                link = &packet_at(f, *link)->chain;
        *link = packet_at(f, number)->chain;
}

/* ---- life of a packet ---- */

static void drop_pieces(struct fragments *f, struct packet *p)
{
        for (struct piece *piece = p->first, *next; piece; piece = next) {
                next = piece->next;
                blocks_give(&f->blocks, piece, piece->room);
        }
        p->first = p->last = NULL;
        p->bytes = p->pieces = 0;
}

static void forget(struct fragments *f, uint32_t number)
{
        struct packet *p = packet_at(f, number);

        f->counters->fragments_dropped += p->pieces;
        drop_pieces(f, p);
        dequeue(f, number);
        unlink_packet(f, number);
        slab_give(&f->packets, number);
}

/* Its pieces are used up, or worth nothing; what still comes of it is not wanted. */
static void close_packet(struct fragments *f, uint32_t number, enum queue_name name)
{
        drop_pieces(f, packet_at(f, number));
        dequeue(f, number);
        enqueue(f, number, name);
}

static bool is_due(const struct fragments *f, uint32_t number)
{
        return number && f->now_ns >= packet_at(f, number)->until_ns;
}

static void advance(struct fragments *f, int64_t now_ns, int work)
{
        if (now_ns > f->now_ns)
                f->now_ns = now_ns;
        for (int name = 0; name < QUEUES; name++)
                for (int i = 0; i < work && is_due(f, f->queues[name].oldest); i++)
                        forget(f, f->queues[name].oldest);
}

/* The oldest of a queue that is not `kept`. False: there is none. */
static bool evict(struct fragments *f, enum queue_name name, uint32_t kept)
{
        uint32_t number = f->queues[name].oldest;

        if (number && number == kept)
                number = packet_at(f, number)->newer;
        if (number)
                forget(f, number);
        return number;
}

static bool evict_any(struct fragments *f)
{
        return evict(f, QUEUE_DONE, 0) || evict(f, QUEUE_REFUSED, 0) ||
               evict(f, QUEUE_WAITING, 0);
}

static uint32_t begin(struct fragments *f, const struct key *key)
{
        uint32_t number = slab_take(&f->packets);

        if (!number) {
                CHECK(evict_any(f));
                number = slab_take(&f->packets);
        }
        struct packet *p = packet_at(f, number);
        uint32_t *bucket = bucket_of(f, key);
        p->key = *key;
        p->chain = *bucket;
        *bucket = number;
        enqueue(f, number, QUEUE_WAITING);
        return number;
}

/* ---- pieces ---- */

enum place {
        PLACE_FREE, /* behind *before */
        PLACE_COPY, /* it is there already */
        PLACE_OVERLAP,
};

static enum place find_place(const struct packet *p, const struct fragment *piece,
                             struct piece **before)
{
        uint32_t end = piece->offset + piece->length;
        struct piece *at = p->last;

        while (at && at->offset > piece->offset)
                at = at->before;
        *before = at;
        if (at && at->offset == piece->offset && at->len == piece->length)
                return memcmp(at->data, piece->bytes.data, at->len) == 0 ? PLACE_COPY
                                                                         : PLACE_OVERLAP;
        struct piece *after = at ? at->next : p->first;
        if ((at && at->offset + at->len > piece->offset) ||
            (after && after->offset < end))
                return PLACE_OVERLAP;
        return PLACE_FREE;
}

/* The end that one piece claims and the bytes of the others must agree. */
static bool contradicts_end(const struct packet *p, const struct fragment *piece)
{
        uint32_t end = piece->offset + piece->length;

        if (p->total)
                return end > p->total || (piece->is_last && end != p->total);
        return piece->is_last && p->last && p->last->offset + p->last->len > end;
}

static struct piece *take_block(struct fragments *f, uint32_t number, size_t size,
                                size_t *room)
{
        struct piece *piece;

        while (!(piece = blocks_take(&f->blocks, sizeof(*piece) + size, room)))
                if (!evict(f, QUEUE_WAITING, number))
                        return NULL;
        return piece;
}

static bool insert(struct fragments *f, uint32_t number, struct piece *before,
                   const struct fragment *fragment)
{
        struct packet *p = packet_at(f, number);
        size_t room;

        if (p->pieces == FRAGMENT_PIECES)
                return false;
        struct piece *piece = take_block(f, number, fragment->length, &room);
        if (!piece)
                return false;
        *piece = (struct piece){ .next = before ? before->next : p->first,
                                 .before = before,
                                 .offset = fragment->offset,
                                 .len = fragment->length,
                                 .room = (uint32_t)room };
        memcpy(piece->data, fragment->bytes.data, fragment->length);
        *(before ? &before->next : &p->first) = piece;
        *(piece->next ? &piece->next->before : &p->last) = piece;
        p->bytes += piece->len;
        p->pieces++;
        if (fragment->is_last)
                p->total = fragment->offset + fragment->length;
        if (fragment->offset == 0) {
                p->protocol = fragment->protocol;
                p->ttl = fragment->ttl;
        }
        return true;
}

static void put_together(struct fragments *f, uint32_t number, uint8_t tunnels,
                         struct fragment *whole)
{
        const struct packet *p = packet_at(f, number);

        for (const struct piece *piece = p->first; piece; piece = piece->next)
                memcpy(f->whole + piece->offset, piece->data, piece->len);
        *whole = (struct fragment){
                .source = p->key.source,
                .destination = p->key.destination,
                .identification = p->key.identification,
                .is_last = true,
                .is_ipv6 = p->key.family == 6,
                .protocol = p->protocol,
                .ttl = p->ttl,
                .tunnels = tunnels,
                .length = p->total,
                .bytes = slice_of(f->whole, p->total),
        };
        f->counters->fragments_reassembled++;
        close_packet(f, number, QUEUE_DONE);
}

/* ---- the public face ---- */

struct fragments *fragment_new(uint64_t memory_max, struct hash_key key,
                               struct counters *counters)
{
        struct fragments *f = calloc(1, sizeof(*f));
        uint64_t packets = memory_max / BYTES_PER_PACKET;
        uint32_t buckets = PACKETS_MIN;

        CHECK(f);
        if (packets < PACKETS_MIN)
                packets = PACKETS_MIN;
        while (buckets < packets && buckets < UINT32_C(1) << 20)
                buckets *= 2;
        if (packets > buckets)
                packets = buckets;
        f->hash_key = key;
        f->counters = counters;
        f->now_ns = INT64_MIN / 2;
        f->bucket_mask = buckets - 1;
        f->buckets = calloc(buckets, sizeof(*f->buckets));
        if (!f->buckets ||
            !slab_init(&f->packets, sizeof(struct packet), (uint32_t)packets) ||
            !blocks_init(&f->blocks, memory_max))
                fragment_free(&f);
        return f;
}

void fragment_free(struct fragments **fragments)
{
        struct fragments *f = *fragments;

        if (!f)
                return;
        slab_free(&f->packets);
        blocks_free(&f->blocks);
        free(f->buckets);
        free(f);
        *fragments = NULL;
}

static struct key key_of(const struct fragment *piece)
{
        return (struct key){
                .source = piece->source,
                .destination = piece->destination,
                .identification = piece->identification,
                .family = piece->is_ipv6 ? 6 : 4,
                .protocol = piece->is_ipv6 ? 0 : piece->protocol,
        };
}

/* What no host sends, or no packet can hold. */
static bool is_absurd(const struct fragment *piece)
{
        return piece->length == 0 || piece->offset > PAYLOAD_MAX ||
               piece->length > PAYLOAD_MAX - piece->offset ||
               (!piece->is_last && piece->length % 8 != 0);
}

static bool is_tiny(const struct fragment *piece)
{
        return piece->offset == 0 && piece->length < TRANSPORT_HEADER;
}

/* The packet that this belongs to, a new one if need be. */
static uint32_t packet_for(struct fragments *f, const struct fragment *fragment)
{
        struct key key = key_of(fragment);
        uint32_t number = find(f, &key);

        if (number && is_due(f, number)) {
                forget(f, number);
                number = 0;
        }
        return number ? number : begin(f, &key);
}

/* False when it cannot be true together with the pieces that wait, or has no room. */
static bool take(struct fragments *f, uint32_t number, const struct fragment *fragment)
{
        struct packet *p = packet_at(f, number);
        struct piece *before;
        enum place place = find_place(p, fragment, &before);

        if (place == PLACE_COPY)
                return true;
        if (place == PLACE_OVERLAP || contradicts_end(p, fragment)) {
                f->counters->fragments_overlapping++;
                return false;
        }
        if (insert(f, number, before, fragment))
                return true;
        f->counters->fragments_dropped += p->pieces + 1;
        return false;
}

bool fragment_put(struct fragments *f, const struct fragment *fragment, int64_t time_ns,
                  struct fragment *whole)
{
        f->counters->fragments++;
        advance(f, time_ns, AGE_PER_FRAGMENT);
        if (is_absurd(fragment) || fragment->bytes.len < fragment->length) {
                f->counters->fragments_malformed++;
                return false;
        }
        f->counters->fragments_tiny += is_tiny(fragment);
        uint32_t number = packet_for(f, fragment);
        const struct packet *p = packet_at(f, number);
        if (p->queue != QUEUE_WAITING)
                return false;
        if (!take(f, number, fragment)) {
                close_packet(f, number, QUEUE_REFUSED);
                return false;
        }
        if (p->bytes != p->total)
                return false;
        put_together(f, number, fragment->tunnels, whole);
        return true;
}

enum frame_result fragment_resolve(struct fragments *f, enum frame_result result,
                                   const struct frame_options *options, int64_t time_ns,
                                   union frame *frame)
{
        struct fragment whole;

        while (result == FRAME_FRAGMENT &&
               fragment_put(f, &frame->fragment, time_ns, &whole))
                result = frame_resume(&whole, options, frame);
        return result;
}

void fragment_advance(struct fragments *f, int64_t now_ns)
{
        advance(f, now_ns, 1024);
}

void fragment_finish(struct fragments *f)
{
        while (evict_any(f))
                ;
        f->now_ns = INT64_MIN / 2;
}

uint32_t fragment_count(const struct fragments *f)
{
        return f->waiting;
}

uint64_t fragment_memory(const struct fragments *f)
{
        return f->blocks.used;
}
