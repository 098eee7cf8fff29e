/* SPDX-License-Identifier: MIT */
/*
 * body - the bytes of one message body that somebody asked for.
 *
 * Grows with what has come, never with what a length promises, up to the cap it was
 * given; what lies past the cap, or behind lost bytes, is not taken, so the bytes
 * that are there are always the first of the body and in their places.
 *
 * Owns one block. Bodies hold passwords: a block is wiped before it is given back, and so
 * is one of connection_priv.h's partial heads, which may hold the beginning of a body.
 * They give way to heads: none grows while half of the budget is used.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/blocks.h"
#include "base/slice.h"

#define BODY_MAX BLOCKS_SIZE_MAX /* the largest cap */

/* All zero is a body that nobody wants. */
struct body {
        uint8_t *bytes;
        uint32_t len, room;
        uint32_t max; /* 0: not wanted */
        bool cut;     /* more of it passed than was kept */
};

/* From now on the first `max` bytes are kept (at most BODY_MAX). */
void body_want(struct body *, size_t max);

static inline bool body_is_wanted(const struct body *body)
{
        return body->max && !body->cut;
}

/* Appends a copy; afterwards body_is_wanted says whether more may follow. */
void body_add(struct body *, struct blocks *, struct slice bytes);

/* None when it was not wanted; empty when nothing came. */
struct slice body_slice(const struct body *);
void body_free(struct body *, struct blocks *);

#endif
