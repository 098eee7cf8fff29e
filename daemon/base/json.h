/* SPDX-License-Identifier: MIT */
/*
 * json - writes one JSON object a line, whatever came over the wire.
 *
 * Strings are made valid UTF-8: each byte that is not part of a well-formed
 * sequence (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF) becomes
 * U+FFFD; control characters and DEL are escaped. Keys come out in the order of
 * the calls. Commas are put where they belong.
 *
 * Cost: one pass; runs of plain ASCII are copied whole.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/ip.h"

struct json {
        struct buf *out;
        bool comma; /* the next key or element needs one before it */
};

static inline struct json json_into(struct buf *out)
{
        return (struct json){ out, false };
}

/* `key` is one of ours: ASCII that needs no escape. NULL inside an array. */
void json_open(struct json *, const char *key);  /* { */
void json_close(struct json *);                  /* } */
void json_array(struct json *, const char *key); /* [ */
void json_array_close(struct json *);            /* ] */
void json_string(struct json *, const char *key, struct slice value);
void json_text(struct json *, const char *key, const char *value);
void json_u64(struct json *, const char *key, uint64_t value);
void json_bool(struct json *, const char *key, bool value);

/* The shortest text that reads back as the same number; not-a-number is null. */
void json_number(struct json *, const char *key, double value);

/* RFC 3339 in UTC with microseconds: 2026-11-23T11:00:00.123456Z. */
void json_time(struct json *, const char *key, int64_t time_ns);
void json_ip(struct json *, const char *key, const struct ip *ip);

/* An object key that comes from data, with its value still to be written. */
void json_key(struct json *, struct slice key);

/* The string with its quotes, on its own. */
void json_put_string(struct buf *out, struct slice value);

/* The same bytes made valid UTF-8 as above, without quotes or escapes. */
void json_put_utf8(struct buf *out, struct slice value);

#endif
