/* SPDX-License-Identifier: MIT */
/*
 * hpack - the header compression of HTTP/2, one direction of one connection.
 *
 * The only user of libnghttp2. Owns the dynamic table; all of its memory comes from
 * the blocks that it is given, so that it is counted and capped with the rest.
 *
 * A block may come in pieces. Fields are handed on as they are found and borrowed for
 * the call; a field that refers to the table costs no copy, so a block that unfolds to
 * a thousand times its size costs what its own bytes cost.
 *
 * After anything but HPACK_OK the table is no longer that of the sender: nothing that
 * follows in this direction can be known.
 *
 * Sources: RFC 7541.
 */
#ifndef HTTP_HPACK_H
#define HTTP_HPACK_H

#include "base/blocks.h"
#include "base/slice.h"

/* What a table may hold before anybody said otherwise (RFC 9113 6.5.2), and at most. */
#define HPACK_TABLE_DEFAULT 4096U
#define HPACK_TABLE_MAX     65536U

struct hpack;

typedef void hpack_field_fn(void *context, struct slice name, struct slice value);

enum hpack_result {
        HPACK_OK,
        HPACK_BAD,  /* breaks the grammar, or refers to an entry that is not there */
        HPACK_FULL, /* the memory is used up */
};

/* NULL when the memory is used up. `blocks` is borrowed. */
struct hpack *hpack_new(struct blocks *);
void hpack_free(struct hpack **);

/*
 * The largest table that the receiver allows, from the next block on. Never takes back:
 * the sender says itself when it uses less, and must (RFC 7541 4.2). At most
 * HPACK_TABLE_MAX.
 */
void hpack_allow(struct hpack *, uint32_t table_size);

/* The next piece of a header block; `last` is the end of it. `field` may be NULL. */
enum hpack_result hpack_decode(struct hpack *, struct slice piece, bool last,
                               hpack_field_fn *field, void *context);

#endif
