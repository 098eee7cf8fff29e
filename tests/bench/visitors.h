/* SPDX-License-Identifier: MIT */
/*
 * visitors - who asks for what: the requests of a busy site of profiles.
 *
 * A few thousand visits are under way at any time. Most are people: some eight
 * requests over pages, profiles and assets with one address, browser and
 * session. A few are scrapers: hundreds of different profiles one after the
 * other. When a visit ends a new visitor comes, so the addresses, sessions and
 * profiles that the rules must remember keep growing, as they do on a real site.
 *
 * Everything follows from the seed: the same seed gives the same requests.
 */
#ifndef BENCH_VISITORS_H
#define BENCH_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISITORS_REQUEST_MAX  1024
#define VISITORS_RESPONSE_MAX 1024 /* of the head */

#define VISITORS_ACTIVE 3000 /* visits under way at a time */

struct visitors;

struct visitors_options {
        size_t body_len;      /* of every response; 0: small ones of different lengths */
        bool returning;       /* who has ended a visit begins another: nobody new comes */
        bool tells_no_client; /* requests without X-Forwarded-For */
};

struct exchange {
        char request[VISITORS_REQUEST_MAX];
        size_t request_len;
        char response[VISITORS_RESPONSE_MAX]; /* head; the body is body_len zeros */
        size_t response_len;
        size_t body_len;
        uint32_t client; /* who asks: an IPv4 address, host order */
        bool ends_visit;
};

struct visitors *visitors_new(uint64_t seed, const struct visitors_options *);
void visitors_free(struct visitors **);

/* The next request, of whichever visit is active, and its response. */
void visitors_next(struct visitors *, struct exchange *);

/* The same of that one of the VISITORS_ACTIVE visits. */
void visitors_next_of(struct visitors *, uint32_t which, struct exchange *);

uint64_t visitors_total(const struct visitors *);

#endif
