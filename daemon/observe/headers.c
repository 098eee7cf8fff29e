/* SPDX-License-Identifier: MIT */
#include "observe/headers.h"

#include "base/bytes.h"
#include "base/check.h"

static const struct {
        const char *name;
        uint8_t slot, shape, roles;
} known[] = {
        { "host", HEADER_HOST, HEADER_SHAPE_OWN, 0 },
        { "connection", HEADER_SLOT_NONE, HEADER_SHAPE_OWN, 0 },
        { "upgrade", HEADER_SLOT_NONE, HEADER_SHAPE_OWN, 0 },
        { "user-agent", HEADER_USER_AGENT, HEADER_SHAPE_NAME, 0 },
        { "accept", HEADER_ACCEPT, HEADER_SHAPE_NAME, 0 },
        { "x-requested-with", HEADER_X_REQUESTED_WITH, HEADER_SHAPE_NAME, 0 },
        { "sec-fetch-mode", HEADER_SEC_FETCH_MODE, HEADER_SHAPE_NAME, 0 },
        { "sec-fetch-dest", HEADER_SEC_FETCH_DEST, HEADER_SHAPE_NAME, 0 },
        { "accept-encoding", HEADER_SLOT_NONE, HEADER_SHAPE_VALUE, 0 },
        { "te", HEADER_SLOT_NONE, HEADER_SHAPE_VALUE, 0 },
        { "upgrade-insecure-requests", HEADER_SLOT_NONE, HEADER_SHAPE_VALUE, 0 },
        /* Depend on state. */
        { "cookie", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, HEADER_IS_COOKIE },
        { "referer", HEADER_REFERER, HEADER_SHAPE_OUT, 0 },
        { "content-type", HEADER_CONTENT_TYPE, HEADER_SHAPE_OUT, 0 },
        { "content-length", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "origin", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "authorization", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "if-none-match", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "if-modified-since", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "range", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "cache-control", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        /* Added by proxies. */
        { "forwarded", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "via", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "x-forwarded-for", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "x-forwarded-proto", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "x-real-ip", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "x-request-id", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
        { "traceparent", HEADER_SLOT_NONE, HEADER_SHAPE_OUT, 0 },
};

/* Sets 0x20 in each byte of the word that is A to Z, all eight at once. */
static inline uint64_t lower_word(uint64_t word)
{
        const uint64_t ones = 0x0101010101010101ULL, high = 0x80 * ones;
        uint64_t seven = word & ~high;
        uint64_t from_a = seven + (0x80 - 'A') * ones;
        uint64_t past_z = seven + (0x7f - 'Z') * ones;

        return word | ((from_a ^ past_z) & ~word & high) >> 2;
}

size_t headers_lower(struct slice name, uint8_t *out)
{
        size_t len = name.len < HEADER_NAME_MAX ? name.len : HEADER_NAME_MAX;
        size_t at = 0;
        uint64_t word = 0;

        for (; at + 8 <= len; at += 8) {
                word = lower_word(load_u64(name.data + at));
                memcpy(out + at, &word, 8);
        }
        if (at == len)
                return len;
        if (len >= 8) {
                /* The last eight bytes again, some of them for the second time. */
                word = lower_word(load_u64(name.data + len - 8));
                memcpy(out + len - 8, &word, 8);
                return len;
        }
        uint8_t rest[8] = { 0 };
        for (size_t i = 0; i < len; i++)
                rest[i] = name.data[i];
        memcpy(&word, rest, 8);
        word = lower_word(word);
        memcpy(out, &word, 8);
        return len;
}

/*
 * By the first and the last eight bytes: sec-fetch-mode and sec-fetch-dest
 * share the first and the length, accept-encoding and content-encoding the last.
 */
static inline unsigned bucket_of(const uint8_t *lower, size_t len)
{
        uint64_t first = load_u64(lower);

        if (len < 8)
                return (unsigned)((first * 0x9e3779b97f4a7c15ULL) >> 56);
        uint64_t last = load_u64(lower + len - 8);
        return (unsigned)(((first ^ (last << 13 | last >> 51)) * 0x9e3779b97f4a7c15ULL) >> 56);
}

const struct header_kind *headers_find(const struct headers *h, const uint8_t *lower,
                                       size_t len)
{
        uint8_t at;

        if (len == 0)
                return NULL;
        for (at = h->buckets[bucket_of(lower, len)]; at; at = h->kinds[at].next) {
                const struct header_kind *kind = &h->kinds[at];
                if (kind->len == len && memcmp(kind->name, lower, len) == 0)
                        return kind;
        }
        return NULL;
}

static bool starts(const uint8_t *lower, size_t len, const char *prefix)
{
        return slice_starts_with(slice_of(lower, len), slice_str(prefix));
}

enum header_shape headers_shape_unknown(const uint8_t *lower, size_t len)
{
        bool out = false;

        switch (len ? lower[0] : 0) {
        case 'c':
                out = starts(lower, len, "content-");
                break;
        case 'i':
                out = starts(lower, len, "if-");
                break;
        case 'x':
                out = starts(lower, len, "x-forwarded-");
                break;
        }
        return out ? HEADER_SHAPE_OUT : HEADER_SHAPE_NAME;
}

struct header_kind *headers_add(struct headers *h, struct slice name)
{
        uint8_t lower[HEADER_LOWER_ROOM];

        if (name.len == 0 || name.len > HEADER_NAME_MAX)
                return NULL;
        size_t len = headers_lower(name, lower);
        const struct header_kind *found = headers_find(h, lower, len);
        if (found)
                return &h->kinds[found - h->kinds];
        if (h->count == HEADER_NAMES_MAX)
                return NULL;
        struct header_kind *kind = &h->kinds[++h->count];
        uint8_t *bucket = &h->buckets[bucket_of(lower, len)];
        *kind = (struct header_kind){ .len = (uint8_t)len, .slot = HEADER_SLOT_NONE,
                                      .shape = (uint8_t)headers_shape_unknown(lower, len),
                                      .next = *bucket };
        memcpy(kind->name, lower, len);
        *bucket = (uint8_t)h->count;
        return kind;
}

uint8_t headers_add_slot(struct headers *h, struct slice name)
{
        struct header_kind *kind = headers_add(h, name);

        if (!kind)
                return HEADER_SLOT_NONE;
        if (kind->slot == HEADER_SLOT_NONE)
                kind->slot = (uint8_t)h->slots++;
        return kind->slot;
}

void headers_init(struct headers *h)
{
        memset(h, 0, sizeof(*h));
        h->slots = HEADER_SLOTS_FIXED;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                struct header_kind *kind = headers_add(h, slice_str(known[i].name));
                CHECK(kind);
                kind->slot = known[i].slot;
                kind->shape = known[i].shape;
                kind->roles = known[i].roles;
        }
}
