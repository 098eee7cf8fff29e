/* SPDX-License-Identifier: MIT */
#include "alert/redis_lookup_priv.h"

#include "base/check.h"
#include "base/clock.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#define HOSTS    16
#define INTERVAL (30 * NS_PER_SEC)

struct entry {
        struct redis_host host;
        struct redis_address addresses[REDIS_ADDRESSES];
        unsigned count;
        const char *why;  /* there is none */
        int64_t again_ns; /* not before; where there is none */
};

struct redis_lookup {
        struct entry entries[HOSTS];
        unsigned next; /* that is given to another host */
};

struct redis_lookup *redis_lookup_new(void)
{
        struct redis_lookup *lookup = calloc(1, sizeof(*lookup));

        CHECK(lookup);
        return lookup;
}

void redis_lookup_free(struct redis_lookup **lookup)
{
        free(*lookup);
        *lookup = NULL;
}

static unsigned of_socket(const char *path, struct redis_address *to)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        /* The URL's parser has refused one that is longer. */
        memcpy(address.sun_path, path, strnlen(path, sizeof(address.sun_path) - 1));
        memcpy(&to->socket, &address, sizeof(address));
        to->len = sizeof(address);
        return 1;
}

static void ask(struct entry *e)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
        char port[8];

        snprintf(port, sizeof(port), "%u", e->host.port);
        int failed = getaddrinfo(e->host.name, port, &hints, &found);
        e->count = 0;
        e->why = failed ? gai_strerror(failed) : "it has no address";
        if (failed)
                return;
        for (struct addrinfo *at = found; at && e->count < REDIS_ADDRESSES;
             at = at->ai_next) {
                struct redis_address *address = &e->addresses[e->count++];
                memcpy(&address->socket, at->ai_addr, at->ai_addrlen);
                address->len = at->ai_addrlen;
        }
        freeaddrinfo(found);
}

/* Its entry; an older one is given up for a host that was not looked up before. */
static struct entry *entry_of(struct redis_lookup *lookup, const struct redis_host *host)
{
        for (unsigned i = 0; i < HOSTS; i++) {
                struct entry *e = &lookup->entries[i];
                if (e->host.port == host->port && strcmp(e->host.name, host->name) == 0)
                        return e;
        }
        struct entry *e = &lookup->entries[lookup->next++ % HOSTS];
        *e = (struct entry){ .host = *host };
        return e;
}

unsigned redis_lookup_find(struct redis_lookup *lookup, const struct redis_host *host,
                           int64_t now_ns, struct redis_address *to, const char **why)
{
        if (host->port == 0)
                return of_socket(host->name, to);
        struct entry *e = entry_of(lookup, host);
        if (e->count == 0 && (!e->why || now_ns >= e->again_ns)) {
                ask(e);
                e->again_ns = now_ns + INTERVAL;
        }
        *why = e->why;
        memcpy(to, e->addresses, e->count * sizeof(*to));
        return e->count;
}
