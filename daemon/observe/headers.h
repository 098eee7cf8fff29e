/* SPDX-License-Identifier: MIT */
/*
 * headers - what a header line is to us, found with one look-up.
 *
 * A table of the names that mean something: those of the program and those that
 * the site map and the rules add. Each has a slot, a small number under which
 * one pass over a request keeps the value of the first such line, and says what
 * part it has in http.shape.
 *
 * Built at start, then only read. Names are compared without case (RFC 9110
 * 5.1); those longer than HEADER_NAME_MAX are never found. About 7 ns a line.
 */
#ifndef OBSERVE_HEADERS_H
#define OBSERVE_HEADERS_H

#include "base/slice.h"

#define HEADER_NAME_MAX  64
#define HEADER_NAMES_MAX 250

/* What headers_lower may write: it works in words. */
#define HEADER_LOWER_ROOM (HEADER_NAME_MAX + 8)

enum header_slot {
        HEADER_HOST,
        HEADER_USER_AGENT,
        HEADER_REFERER,
        HEADER_ACCEPT,
        HEADER_CONTENT_TYPE,
        HEADER_CONTENT_ENCODING,
        HEADER_X_REQUESTED_WITH,
        HEADER_SEC_FETCH_MODE,
        HEADER_SEC_FETCH_DEST,
        HEADER_SLOTS_FIXED, /* names that are added come after these */
        HEADER_SLOT_NONE = 255,
};

enum header_shape {
        HEADER_SHAPE_NAME,  /* its name and place count */
        HEADER_SHAPE_VALUE, /* and its value */
        HEADER_SHAPE_OWN,   /* its name, but not behind a proxy, which has its own */
        HEADER_SHAPE_OUT,   /* left out: a proxy's, or depends on state */
};

enum header_role {
        HEADER_IS_COOKIE = 1 << 0,
        HEADER_IS_VISITOR = 1 << 1, /* where the proxies name the visitor */
};

struct header_kind {
        _Alignas(8) uint8_t name[HEADER_LOWER_ROOM]; /* in lower case, zeroes behind it */
        uint8_t letters[HEADER_LOWER_ROOM];          /* 0x20 where it has a letter */
        uint8_t len, slot, shape, roles;
        uint8_t next; /* in the same bucket; 0 is the end */
};

struct headers {
        uint8_t buckets[256];
        unsigned count; /* kinds[0] is not used */
        unsigned slots;
        struct header_kind kinds[HEADER_NAMES_MAX + 1];
};

void headers_init(struct headers *);

/* The row of a name, made when it is new. NULL: too long, empty, or table full. */
struct header_kind *headers_add(struct headers *, struct slice name);

/* The same, and it has a slot afterwards. HEADER_SLOT_NONE where there is no row. */
uint8_t headers_add_slot(struct headers *, struct slice name);

/* NULL for a name that means nothing special. */
const struct header_kind *headers_find(const struct headers *, struct slice name);

/*
 * Writes the name with its ASCII letters in lower case, at most HEADER_NAME_MAX
 * of it, into `out`, which has HEADER_LOWER_ROOM. Returns its length.
 */
size_t headers_lower(struct slice name, uint8_t *out);

/* The part in http.shape of a name that headers_find does not know. */
enum header_shape headers_shape_unknown(struct slice name);

#endif
