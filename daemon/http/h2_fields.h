/* SPDX-License-Identifier: MIT */
/*
 * h2_fields - a header list of HTTP/2 as the same struct head that HTTP/1 gives.
 *
 * Takes the fields of one block as they are decompressed and copies them, one behind
 * the other, into text of the caller; `head->length` is how much of it they take. The
 * pseudo-header fields become method, target and status. :authority stays as a line of
 * that name, in its place, since it is what Host is in HTTP/1; the others leave the list.
 *
 * Whether there is a request at all is judged strictly: pseudo-header fields that are
 * missing, unknown, twice or behind others make none (RFC 9113 8.1.1, 8.3). A single
 * field that must not be there is passed over and noted in `bad_lines`.
 */
#ifndef HTTP_H2_FIELDS_H
#define HTTP_H2_FIELDS_H

#include "http/head.h"

struct h2_fields {
        struct head *head;
        enum head_kind kind;
        uint8_t *text;
        size_t room;
        struct slice authority, path;
        uint32_t
            order; /* of the pseudo-header fields: four bits each, the last one lowest */
        uint32_t seen; /* pseudo-header fields, by bit */
        bool regular;  /* a field that is none has come */
        bool broken, too_long;
};

enum h2_fields_result {
        H2_FIELDS_MESSAGE,
        H2_FIELDS_TRAILERS, /* no pseudo-header field at all */
        H2_FIELDS_BROKEN,
        H2_FIELDS_TOO_LONG, /* did not fit into the text */
};

/* Set head->lines_max before. */
void h2_fields_begin(struct h2_fields *, enum head_kind, struct head *, uint8_t *text,
                     size_t room);

/* A hpack_field_fn; the context is a struct h2_fields. */
void h2_fields_add(void *fields, struct slice name, struct slice value);

enum h2_fields_result h2_fields_end(struct h2_fields *);

#endif
