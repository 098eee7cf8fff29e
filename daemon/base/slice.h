/* SPDX-License-Identifier: MIT */
/*
 * slice - a borrowed run of bytes.
 *
 * Never owns, never ends in a NUL. `data` is NULL for "there is none", which
 * is not the same as an empty slice. Valid as long as what it was cut from.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
        const uint8_t *data;
        size_t len;
};

/* For string literals, also in static initialisers. */
#define SLICE(literal)                                          \
        {                                                       \
                (const uint8_t *)(literal), sizeof(literal) - 1 \
        }

static inline struct slice slice_of(const void *data, size_t len)
{
        return (struct slice){ data, len };
}

static inline struct slice slice_none(void)
{
        return (struct slice){ NULL, 0 };
}

/* A NULL string gives no slice. */
static inline struct slice slice_str(const char *s)
{
        return s ? slice_of(s, strlen(s)) : slice_none();
}

static inline bool slice_is_none(struct slice s)
{
        return s.data == NULL;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
        return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
        return slice_equal(a, slice_str(s));
}

/* All that lies from `from` on; empty when `from` is past the end. */
static inline struct slice slice_from(struct slice s, size_t from)
{
        if (from > s.len)
                from = s.len;
        return s.data ? slice_of(s.data + from, s.len - from) : s;
}

/* At most the first `len` bytes. */
static inline struct slice slice_first(struct slice s, size_t len)
{
        return slice_of(s.data, len < s.len ? len : s.len);
}

/* Takes `len` bytes off the front of *rest; false when it has fewer. */
static inline bool slice_take(struct slice *rest, uint64_t len, struct slice *part)
{
        if (rest->len < len)
                return false;
        *part = slice_of(rest->data, (size_t)len);
        *rest = slice_from(*rest, (size_t)len);
        return true;
}

static inline bool slice_starts_with(struct slice s, struct slice head)
{
        return s.len >= head.len &&
               (head.len == 0 || !memcmp(s.data, head.data, head.len));
}

static inline bool slice_ends_with(struct slice s, struct slice tail)
{
        return s.len >= tail.len &&
               (tail.len == 0 || !memcmp(s.data + s.len - tail.len, tail.data, tail.len));
}

/* Index of the first `byte`, or s.len. */
static inline size_t slice_find(struct slice s, uint8_t byte)
{
        const uint8_t *at = s.len ? memchr(s.data, byte, s.len) : NULL;
        return at ? (size_t)(at - s.data) : s.len;
}

/* True for ASCII letters that differ only in case too. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Without the spaces and tabs at both ends (RFC 9110 OWS). */
struct slice slice_trim(struct slice s);

/*
 * Takes the part before `separator` off the front of *rest, and the separator
 * with it. False when nothing is left (*rest is none then). "a,,b" gives three.
 */
bool slice_next(struct slice *rest, uint8_t separator, struct slice *part);

/*
 * Digits only, no sign, no blanks. False when empty, not decimal or above
 * UINT64_MAX.
 */
bool slice_to_u64(struct slice s, uint64_t *value);

#endif
