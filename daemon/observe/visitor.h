/* SPDX-License-Identifier: MIT */
/*
 * visitor - whose request it is, behind proxies that are believed.
 *
 * Starts from the peer and goes on while the address is a trusted proxy: to the
 * last address of the header, then the one before it. What a visitor writes
 * into the header himself stands to the left of what the proxies add, so the
 * list is read from its right end and nothing left of the answer is looked at,
 * however broken. At most VISITOR_HOPS elements are read.
 *
 * Cost: nothing for a peer that is not trusted; else one look-up for each hop, at most 32.
 */
#ifndef OBSERVE_VISITOR_H
#define OBSERVE_VISITOR_H

#include "base/ip.h"

#define VISITOR_HOPS 32

/* Networks as sorted ranges that do not touch: one binary search an address. */
struct trusted {
        struct ip_range {
                uint64_t first[2], last[2]; /* the two halves, in the machine's order */
        } * ranges;
        unsigned count;
};

/* `networks` may overlap and come in any order. */
void trusted_init(struct trusted *, const struct network *networks, unsigned count);
void trusted_free(struct trusted *);
bool trusted_has(const struct trusted *, const struct ip *);

/* Whether an address of the network is trusted; one search, however wide it is. */
bool trusted_overlaps(const struct trusted *, const struct network *);

enum visitor_syntax {
        VISITOR_NO_HEADER,
        VISITOR_LIST,      /* X-Forwarded-For and its like */
        VISITOR_FORWARDED, /* RFC 7239 */
        VISITOR_SINGLE,    /* one line with one address: X-Real-IP and the rest */
};

/* How a header of that name is read. */
enum visitor_syntax visitor_syntax_of(struct slice header_name);

struct visitor {
        struct ip ip;
        uint16_t port;  /* 0: not known */
        bool uncertain; /* no good answer: `ip` is the last good address */
        bool trusted;   /* `ip` is itself a trusted proxy */
};

/*
 * `lines` are the values of the header's lines in wire order, the last ones if
 * there are more than fit; they make one list (RFC 9110 5.3).
 */
struct visitor visitor_find(const struct trusted *, enum visitor_syntax,
                            const struct ip *peer, uint16_t port,
                            const struct slice *lines, unsigned count);

#endif
