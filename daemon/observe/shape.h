/* SPDX-License-Identifier: MIT */
/*
 * shape - http.shape: how a client writes its headers.
 *
 * Our own hash over the order of the header lines, the case of their names and
 * a few values that the software sets rather than the person: Accept-Encoding,
 * TE, Upgrade-Insecure-Requests, and Accept in navigations. Kept apart by kind of
 * request. headers.h says which lines are left out. Behind a trusted proxy, which
 * writes the connection's own headers anew, names count in lower case. Of a client that
 * is no such proxy the way it opens its connection of HTTP/2 counts as well.
 *
 * The hash is keyed: the same key gives the same shape on every sensor. At most
 * SHAPE_TEXT bytes of names and values are looked at.
 */
#ifndef OBSERVE_SHAPE_H
#define OBSERVE_SHAPE_H

#include "base/hash.h"
#include "observe/headers.h"

#define SHAPE_TEXT  1536
#define SHAPE_VALUE 128 /* of one value */

struct shape {
        bool behind_proxy;
        size_t len;
        uint32_t kind; /* of request, as a hash; set by shape_end */
        uint8_t text[SHAPE_TEXT + 1024]; /* past the cap: the last line, and the kind */
};

static inline void shape_begin(struct shape *s, bool behind_proxy)
{
        s->behind_proxy = behind_proxy;
        s->len = 0;
}

/* How it speaks HTTP/2, as a transaction says; none where it does not. Before the lines.
 */
void shape_http2(struct shape *, struct slice connection, uint32_t order);

/* Takes one line, `kind` as headers_find knows its name. */
void shape_line(struct shape *, const struct header_kind *kind, struct slice name,
                struct slice value);

/* What has been taken so far, whatever kind of request it is; before shape_end. Never 0.
 */
uint64_t shape_software(const struct shape *, const struct hash_key *);

/* `slots` holds the request's values by enum header_slot. Never 0. */
uint64_t shape_end(struct shape *, const struct hash_key *, struct slice method,
                   const struct slice *slots);

#endif
