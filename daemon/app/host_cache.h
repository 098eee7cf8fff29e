/* SPDX-License-Identifier: MIT */
/*
 * host_cache - what is known of the names of addresses, for as long as it is good.
 *
 * Sets of HOST_CACHE_WAYS entries of a fixed number, taken at the start. In a full set
 * one that is over goes, else the one that is over first; an entry whose question is
 * still open stays. Asks nobody: app/reverse_dns.c does.
 *
 * Cost: a hash and a look at HOST_CACHE_WAYS entries; 48 bytes an entry.
 */
#ifndef APP_HOST_CACHE_H
#define APP_HOST_CACHE_H

#include "base/counters.h"
#include "base/hash.h"
#include "base/ip.h"

#define HOST_CACHE_WAYS 8

enum host_state { HOST_EMPTY, HOST_PENDING, HOST_KNOWN, HOST_FAILED };

struct host_entry {
        struct ip ip;
        int64_t asked_ns, until_ns;
        uint64_t families;
        enum host_state state;
};

struct host_cache;

/* `capacity` is rounded up to a multiple of HOST_CACHE_WAYS. */
struct host_cache *host_cache_new(uint32_t capacity, const struct hash_key *,
                                  struct counters *);
void host_cache_free(struct host_cache **);

/*
 * The entry of an address, or NULL: none, or it is over. One that is good from a time far
 * before `now_ns` or far behind it is over as well: the packets' clock was set.
 */
struct host_entry *host_cache_find(const struct host_cache *, const struct ip *,
                                   int64_t now_ns);

/* One for it that is pending; NULL when all that it could be are. It has none yet. */
struct host_entry *host_cache_take(struct host_cache *, const struct ip *,
                                   int64_t now_ns);

#endif
