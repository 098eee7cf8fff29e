/* SPDX-License-Identifier: MIT */
#include "observe/headers.h"

#include "base/bytes.h"
#include "base/check.h"

static const struct {
        const char *name;
        uint8_t slot, shape, roles;
} known[] = {
        { "host", HEADER_HOST, HEADER_SHAPE_OWN, 0 },
        { ":authority", HEADER_HOST, HEADER_SHAPE_OUT, 0 }, /* HTTP/2 */
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
        { "content-encoding", HEADER_CONTENT_ENCODING, HEADER_SHAPE_OUT, 0 },
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

/* Up to seven bytes as load_u64 would see them with zeroes behind. */
static inline uint64_t load_few(const uint8_t *data, size_t len)
{
        uint64_t word = 0;

        if (len >= 4)
                word = (uint64_t)load_le32(data + len - 4) << (8 * (len - 4)) |
                       load_le32(data);
        else
                for (size_t i = 0; i < len; i++)
                        word |= (uint64_t)data[i] << (8 * i);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word;
}

size_t headers_lower(struct slice name, uint8_t *out)
{
        size_t len = name.len < HEADER_NAME_MAX ? name.len : HEADER_NAME_MAX;
        uint64_t word;

        for (size_t at = 0; at + 8 <= len; at += 8) {
                word = lower_word(load_u64(name.data + at));
                memcpy(out + at, &word, 8);
        }
        if (len % 8 == 0)
                return len;
        /* The last eight bytes, some of them for the second time. */
        word = lower_word(len < 8 ? load_few(name.data, len)
                                  : load_u64(name.data + len - 8));
        memcpy(len < 8 ? out : out + len - 8, &word, 8);
        return len;
}

#define CASE_BITS 0x2020202020202020ULL

/*
 * The first and the last eight bytes, as they came. They tell nearly all names
 * apart: sec-fetch-mode and sec-fetch-dest share the first and the length,
 * accept-encoding and content-encoding the last.
 */
struct ends {
        uint64_t first, last;
};

static inline struct ends ends_of(struct slice name)
{
        struct ends e;

        if (name.len < 8) {
                e.first = e.last = load_few(name.data, name.len);
        } else {
                e.first = load_u64(name.data);
                e.last = load_u64(name.data + name.len - 8);
        }
        return e;
}

/* The same for all cases of a name; that other bytes mix as well does no harm. */
static inline unsigned bucket_of(struct ends e)
{
        uint64_t first = e.first | CASE_BITS, last = e.last | CASE_BITS;

        return (unsigned)(((first ^ (last << 13 | last >> 51)) * 0x9e3779b97f4a7c15ULL) >>
                          56);
}

/* Whether eight bytes differ in nothing but the case of letters. */
static inline bool is_same_word(const struct header_kind *kind, size_t at, uint64_t word)
{
        return ((load_u64(kind->name + at) ^ word) & ~load_u64(kind->letters + at)) == 0;
}

static bool is_same(const struct header_kind *kind, struct slice name, struct ends e)
{
        if (kind->len != name.len || !is_same_word(kind, 0, e.first))
                return false;
        if (name.len <= 8)
                return true;
        for (size_t at = 8; at + 8 < name.len; at += 8)
                if (!is_same_word(kind, at, load_u64(name.data + at)))
                        return false;
        return is_same_word(kind, name.len - 8, e.last);
}

const struct header_kind *headers_find(const struct headers *h, struct slice name)
{
        if (name.len == 0 || name.len > HEADER_NAME_MAX)
                return NULL;
        struct ends e = ends_of(name);
        for (uint8_t at = h->buckets[bucket_of(e)]; at; at = h->kinds[at].next)
                if (is_same(&h->kinds[at], name, e))
                        return &h->kinds[at];
        return NULL;
}

static bool starts(struct slice name, const char *prefix)
{
        struct slice head = slice_str(prefix);

        return name.len >= head.len &&
               slice_equal_nocase(slice_first(name, head.len), head);
}

enum header_shape headers_shape_unknown(struct slice name)
{
        bool out = false;

        switch (name.len ? name.data[0] | 0x20 : 0) {
        case 'c':
                out = starts(name, "content-");
                break;
        case 'i':
                out = starts(name, "if-");
                break;
        case 'x':
                out = starts(name, "x-forwarded-");
                break;
        }
        return out ? HEADER_SHAPE_OUT : HEADER_SHAPE_NAME;
}

struct header_kind *headers_add(struct headers *h, struct slice name)
{
        if (name.len == 0 || name.len > HEADER_NAME_MAX)
                return NULL;
        const struct header_kind *found = headers_find(h, name);
        if (found)
                return &h->kinds[found - h->kinds];
        if (h->count == HEADER_NAMES_MAX)
                return NULL;
        struct header_kind *kind = &h->kinds[++h->count];
        uint8_t *bucket = &h->buckets[bucket_of(ends_of(name))];
        *kind = (struct header_kind){ .len = (uint8_t)name.len,
                                      .slot = HEADER_SLOT_NONE,
                                      .shape = (uint8_t)headers_shape_unknown(name),
                                      .next = *bucket };
        headers_lower(name, kind->name);
        for (size_t i = 0; i < name.len; i++)
                if (kind->name[i] >= 'a' && kind->name[i] <= 'z')
                        kind->letters[i] = 0x20;
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
