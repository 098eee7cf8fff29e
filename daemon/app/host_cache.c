/* SPDX-License-Identifier: MIT */
#include "app/host_cache.h"

#include "base/check.h"
#include "base/clock.h"

#include <stdlib.h>

/* Interfaces that are read in turn are apart by less. */
#define CLOCK_SLACK (60 * NS_PER_SEC)

struct host_cache {
        struct hash_key key;
        struct counters *counters;
        uint32_t sets;
        struct host_entry *entries;
};

struct host_cache *host_cache_new(uint32_t capacity, const struct hash_key *key,
                                  struct counters *counters)
{
        struct host_cache *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->key = *key;
        c->counters = counters;
        c->sets = (capacity + HOST_CACHE_WAYS - 1) / HOST_CACHE_WAYS;
        c->sets += c->sets == 0;
        c->entries = calloc(c->sets, HOST_CACHE_WAYS * sizeof(*c->entries));
        CHECK(c->entries);
        return c;
}

void host_cache_free(struct host_cache **cache)
{
        if (*cache)
                free((*cache)->entries);
        free(*cache);
        *cache = NULL;
}

static struct host_entry *set_of(const struct host_cache *c, const struct ip *ip)
{
        uint64_t hash = hash_bytes(&c->key, ip->bytes, sizeof(ip->bytes));

        return c->entries + ((hash >> 32) * c->sets >> 32) * HOST_CACHE_WAYS;
}

static bool is_good(const struct host_entry *e, int64_t now_ns)
{
        return e->state == HOST_PENDING ||
               (e->state != HOST_EMPTY && now_ns < e->until_ns &&
                now_ns > e->asked_ns - CLOCK_SLACK);
}

struct host_entry *host_cache_find(const struct host_cache *c, const struct ip *ip,
                                   int64_t now_ns)
{
        struct host_entry *set = set_of(c, ip);

        for (unsigned i = 0; i < HOST_CACHE_WAYS; i++)
                if (is_good(&set[i], now_ns) && ip_equal(&set[i].ip, ip))
                        return &set[i];
        return NULL;
}

struct host_entry *host_cache_take(struct host_cache *c, const struct ip *ip,
                                   int64_t now_ns)
{
        struct host_entry *set = set_of(c, ip), *victim = NULL;

        for (unsigned i = 0; i < HOST_CACHE_WAYS; i++) {
                struct host_entry *e = &set[i];
                if (e->state == HOST_PENDING)
                        continue;
                if (!is_good(e, now_ns)) {
                        victim = e;
                        break;
                }
                if (!victim || e->until_ns < victim->until_ns)
                        victim = e;
        }
        if (!victim)
                return NULL;
        c->counters->dns_evicted += is_good(victim, now_ns);
        *victim =
            (struct host_entry){ .ip = *ip, .asked_ns = now_ns, .state = HOST_PENDING };
        return victim;
}
