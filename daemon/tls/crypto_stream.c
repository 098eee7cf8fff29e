/* SPDX-License-Identifier: MIT */
#include "tls/crypto_stream.h"

#include "base/bytes.h"
#include "tls/client_hello.h"

enum { TYPE_CLIENT_HELLO = 1 };

_Static_assert(CRYPTO_STREAM_MAX <= CLIENT_HELLO_MAX, "a hello that is kept can be read");
_Static_assert(CRYPTO_STREAM_MAX <= UINT16_MAX, "offsets fit in a range");

static bool make_room(struct crypto_stream *s, struct blocks *blocks, uint32_t need)
{
        size_t room;

        if (need <= s->room)
                return true;
        uint8_t *block = blocks_take(blocks, need, &room);
        if (!block)
                return false;
        if (s->bytes) {
                memcpy(block, s->bytes, s->room);
                blocks_give(blocks, s->bytes, s->room);
        }
        s->bytes = block;
        s->room = (uint32_t)room;
        return true;
}

/* First range that ends at `from` or behind it, and the first that begins behind `to`. */
static void find_touching(const struct crypto_stream *s, uint16_t from, uint16_t to,
                          unsigned *first, unsigned *end)
{
        for (*first = 0; *first < s->count && s->ranges[*first].to < from;)
                ++*first;
        for (*end = *first; *end < s->count && s->ranges[*end].from <= to;)
                ++*end;
}

/* Copies what none of the ranges first..end has. */
static void copy_missing(struct crypto_stream *s, unsigned first, unsigned end,
                         uint16_t from, struct slice data)
{
        size_t at = from, to = from + data.len;

        for (unsigned i = first; i <= end; i++) {
                size_t stop = i < end && s->ranges[i].from < to ? s->ranges[i].from : to;
                if (at < stop)
                        memcpy(s->bytes + at, data.data + (at - from), stop - at);
                if (i < end && s->ranges[i].to > at)
                        at = s->ranges[i].to;
        }
}

/* Puts `range` in the place of the ranges first..end, which it touches. */
static void join(struct crypto_stream *s, unsigned first, unsigned end,
                 struct crypto_range range)
{
        if (first < end) {
                if (s->ranges[first].from < range.from)
                        range.from = s->ranges[first].from;
                if (s->ranges[end - 1].to > range.to)
                        range.to = s->ranges[end - 1].to;
        }
        memmove(s->ranges + first + 1, s->ranges + end,
                (s->count - end) * sizeof(s->ranges[0]));
        s->count = (uint16_t)(s->count - (end - first) + 1);
        s->ranges[first] = range;
}

static enum crypto_result judge(const struct crypto_stream *s, struct slice *hello)
{
        if (s->count == 0 || s->ranges[0].from > 0)
                return CRYPTO_MORE;
        if (s->bytes[0] != TYPE_CLIENT_HELLO)
                return CRYPTO_NOT_HELLO;
        if (s->ranges[0].to < CLIENT_HELLO_HEADER)
                return CRYPTO_MORE;
        uint32_t length = CLIENT_HELLO_HEADER + (load_be32(s->bytes) & 0xffffff);
        if (length > CRYPTO_STREAM_MAX)
                return CRYPTO_TOO_LONG;
        if (s->ranges[0].to < length)
                return CRYPTO_MORE;
        *hello = slice_of(s->bytes, length);
        return CRYPTO_DONE;
}

enum crypto_result crypto_stream_push(struct crypto_stream *s, struct blocks *blocks,
                                      uint64_t offset, struct slice data,
                                      struct slice *hello)
{
        unsigned first, end;

        if (data.len == 0)
                return judge(s, hello);
        if (offset > CRYPTO_STREAM_MAX || data.len > CRYPTO_STREAM_MAX - offset)
                return CRYPTO_TOO_LONG;
        struct crypto_range range = { (uint16_t)offset, (uint16_t)(offset + data.len) };
        find_touching(s, range.from, range.to, &first, &end);
        if (first == end && s->count == CRYPTO_RANGES_MAX)
                return CRYPTO_TOO_LONG;
        if (!make_room(s, blocks, range.to))
                return CRYPTO_NO_ROOM;
        copy_missing(s, first, end, range.from, data);
        join(s, first, end, range);
        return judge(s, hello);
}

void crypto_stream_release(struct crypto_stream *s, struct blocks *blocks)
{
        if (s->bytes)
                blocks_give(blocks, s->bytes, s->room);
        s->bytes = NULL;
        s->room = s->count = 0;
}
