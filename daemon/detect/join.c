/* SPDX-License-Identifier: MIT */
#include "detect/join.h"

#include "base/clock.h"

#include <stdlib.h>

enum {
        WAYS = 8,
        FINGERPRINTS = 16384, /* different ones that are kept */
        ALIGNMENT = 64,
};

/* A connection may be used for long, but ports come round. */
#define EXACT_AGE (24 * 3600 * NS_PER_SEC)

/* A hello may be stamped a little after what follows from it, by another worker. */
#define AHEAD NS_PER_SEC

struct join_entry {
        uint64_t hash; /* 0: empty */
        int64_t seen_ns;
        uint32_t number; /* of the fingerprint: its place and its generation */
};

struct join_bucket {
        struct join_entry entries[WAYS];
};

_Static_assert(sizeof(struct join_bucket) == 3 * ALIGNMENT, "three cache lines");

#define GENERATION_BITS 18
#define GENERATION_MASK ((1U << GENERATION_BITS) - 1)

_Static_assert((uint64_t)FINGERPRINTS << GENERATION_BITS == UINT64_C(1) << 32,
               "a number holds both");

static bool table_init(struct join_table *t, uint32_t hellos)
{
        uint32_t buckets = 1;

        while (buckets < (hellos + WAYS - 1) / WAYS)
                buckets *= 2;
        size_t size = buckets * sizeof(struct join_bucket);
        t->mask = buckets - 1;
        t->buckets = aligned_alloc(ALIGNMENT, size);
        if (t->buckets)
                memset(t->buckets, 0, size);
        return t->buckets;
}

bool join_init(struct join *j, const struct hash_key *key, uint32_t hellos,
               int64_t address_ns)
{
        *j = (struct join){ .key = *key, .address_ns = address_ns };
        j->fingerprints = calloc(FINGERPRINTS, sizeof(*j->fingerprints));
        j->fingerprint_mask = FINGERPRINTS / WAYS - 1;
        return table_init(&j->exact, hellos) && table_init(&j->by_address, hellos) &&
               j->fingerprints;
}

void join_free(struct join *j)
{
        free(j->exact.buckets);
        free(j->by_address.buckets);
        free(j->fingerprints);
        *j = (struct join){ 0 };
}

/* ---- keys ---- */

static uint64_t never_zero(uint64_t hash)
{
        return hash ? hash : 1;
}

static uint64_t exact_hash(const struct join *j, const struct ip *ip, uint16_t port)
{
        uint8_t bytes[18];

        memcpy(bytes, ip->bytes, 16);
        memcpy(bytes + 16, &port, 2);
        return never_zero(hash_bytes(&j->key, bytes, sizeof(bytes)));
}

static uint64_t address_hash(const struct join *j, const struct ip *ip)
{
        return never_zero(hash_bytes(&j->key, ip->bytes, 16));
}

static struct join_bucket *bucket_of(const struct join_table *t, uint64_t hash)
{
        return &t->buckets[(hash >> 32) & t->mask];
}

/* ---- fingerprints ---- */

static struct fingerprint *at_number(const struct join *j, uint32_t number)
{
        struct fingerprint *f = &j->fingerprints[number >> GENERATION_BITS];

        return f->generation == (number & GENERATION_MASK) ? f : NULL;
}

/* Texts and shape, by which fingerprints are told apart. */
static uint64_t fingerprint_hash(const struct join *j, const struct fingerprint *f)
{
        uint64_t texts = hash_bytes(&j->key, f->ja4,
                                    sizeof(f->ja4) + sizeof(f->ja3) + sizeof(f->alpn));

        return never_zero(
            hash_mix(texts, hash_bytes(&j->key, &f->tcp_shape, sizeof(f->tcp_shape))));
}

_Static_assert(offsetof(struct fingerprint, ja3) ==
                       offsetof(struct fingerprint, ja4) + JA4_TEXT_SIZE &&
                   offsetof(struct fingerprint, alpn) ==
                       offsetof(struct fingerprint, ja3) + JA3_TEXT_SIZE,
               "the texts follow each other");

static struct fingerprint describe(const struct join *j, const struct hello *hello,
                                   const struct tcp_shape *syn)
{
        struct fingerprint f = { .seen_ns = hello->time_ns };
        struct slice alpn = slice_first(hello->alpn, JOIN_ALPN_MAX);

        memcpy(f.ja4, hello->ja4, sizeof(f.ja4));
        memcpy(f.ja3, hello->ja3, sizeof(f.ja3));
        if (alpn.len)
                memcpy(f.alpn, alpn.data, alpn.len);
        f.tcp_shape = *syn;
        f.hash = fingerprint_hash(j, &f);
        return f;
}

/* The number of the fingerprint; in a full set the one unseen for longest goes. */
static uint32_t intern(struct join *j, const struct hello *hello,
                       const struct tcp_shape *syn)
{
        struct fingerprint new = describe(j, hello, syn);
        uint32_t set = (uint32_t)(new.hash >> 32) & j->fingerprint_mask;
        struct fingerprint *ways = &j->fingerprints[(size_t)set * WAYS], *victim = ways;

        for (struct fingerprint *f = ways; f < ways + WAYS; f++) {
                if (f->hash == new.hash) {
                        victim = f;
                        break;
                }
                if (f->generation == 0 || f->seen_ns < victim->seen_ns)
                        victim = f;
        }
        if (victim->hash != new.hash) {
                new.generation = (victim->generation & GENERATION_MASK) + 1;
                if (new.generation > GENERATION_MASK)
                        new.generation = 1;
                *victim = new;
        }
        victim->seen_ns = new.seen_ns > victim->seen_ns ? new.seen_ns : victim->seen_ns;
        return (uint32_t)(victim - j->fingerprints) << GENERATION_BITS |
               victim->generation;
}

/* ---- hellos ---- */

/*
 * An entry of the same hash that the new one replaces: any, where a key has one hello;
 * that of the same fingerprint, where it may have several. Else the oldest.
 */
static struct join_entry *place_for(struct join_bucket *b, uint64_t hash, uint32_t number,
                                    bool several)
{
        struct join_entry *oldest = &b->entries[0];

        for (unsigned i = 0; i < WAYS; i++) {
                struct join_entry *e = &b->entries[i];
                if (e->hash == hash && (!several || e->number == number))
                        return e;
                if (oldest->hash && (e->hash == 0 || e->seen_ns < oldest->seen_ns))
                        oldest = e;
        }
        return oldest;
}

static void put(struct join_table *t, uint64_t hash, uint32_t number, int64_t seen_ns,
                bool several)
{
        struct join_entry *e = place_for(bucket_of(t, hash), hash, number, several);

        *e = (struct join_entry){ hash, seen_ns, number };
}

void join_hello(struct join *j, const struct hello *hello, const struct tcp_shape *syn)
{
        uint32_t number = intern(j, hello, syn);

        j->has_hellos = true;

        put(&j->exact, exact_hash(j, &hello->client.ip, hello->client.port), number,
            hello->time_ns, false);
        put(&j->by_address, address_hash(j, &hello->client.ip), number, hello->time_ns,
            true);
}

/* ---- requests ---- */

static bool is_within(const struct join_entry *e, int64_t time_ns, int64_t age_ns)
{
        return e->seen_ns <= time_ns + AHEAD && time_ns - e->seen_ns <= age_ns;
}

static const struct fingerprint *find_exact(const struct join *j, const struct record *r)
{
        uint64_t hash = exact_hash(j, &r->client, r->client_port);
        const struct join_bucket *b = bucket_of(&j->exact, hash);

        for (unsigned i = 0; i < WAYS; i++)
                if (b->entries[i].hash == hash &&
                    is_within(&b->entries[i], r->start_ns, EXACT_AGE))
                        return at_number(j, b->entries[i].number);
        return NULL;
}

static const struct fingerprint *find_by_address(const struct join *j,
                                                 const struct record *r, bool *uncertain)
{
        uint64_t hash = address_hash(j, &r->client);
        const struct join_bucket *b = bucket_of(&j->by_address, hash);
        const struct join_entry *newest = NULL;

        for (unsigned i = 0; i < WAYS; i++) {
                const struct join_entry *e = &b->entries[i];
                if (e->hash != hash || !is_within(e, r->start_ns, j->address_ns) ||
                    !at_number(j, e->number))
                        continue;
                *uncertain |= newest != NULL;
                if (!newest || e->seen_ns > newest->seen_ns)
                        newest = e;
        }
        return newest ? at_number(j, newest->number) : NULL;
}

const struct fingerprint *join_find(const struct join *j, const struct record *r,
                                    bool *uncertain)
{
        const struct fingerprint *found = NULL;

        *uncertain = false;
        /* Where nobody stood between it was no TLS. */
        if (!j->has_hellos || ip_equal(&r->client, &r->peer))
                return NULL;
        if (r->client_port)
                found = find_exact(j, r);
        return found ? found : find_by_address(j, r, uncertain);
}
