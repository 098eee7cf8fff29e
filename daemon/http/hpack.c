/* SPDX-License-Identifier: MIT */
#include "http/hpack.h"

#include "base/check.h"

#include <nghttp2/nghttp2.h>

struct hpack {
        struct blocks *blocks;
        nghttp2_hd_inflater *inflater;
        nghttp2_mem
            memory; /* the library keeps pointing at it, whatever its manual says */
        uint32_t room;
        uint32_t allowed, told; /* the library takes it between blocks only */
        bool inside;
};

/* ---- the library's memory ---- */

/* Before each piece of memory: the library does not say how long it was. */
struct prefix {
        _Alignas(16) uint32_t room;
};

static void *take(size_t size, void *blocks)
{
        struct prefix *prefix;
        size_t room;

        if (size > BLOCKS_SIZE_MAX)
                return NULL;
        prefix = blocks_take(blocks, size + sizeof(*prefix), &room);
        if (!prefix)
                return NULL;
        prefix->room = (uint32_t)room;
        return prefix + 1;
}

static void give(void *memory, void *blocks)
{
        if (!memory)
                return;
        struct prefix *prefix = (struct prefix *)memory - 1;
        blocks_give(blocks, prefix, prefix->room);
}

static void *take_zeroed(size_t count, size_t size, void *blocks)
{
        void *memory =
            count && size > BLOCKS_SIZE_MAX / count ? NULL : take(count * size, blocks);

        return memory ? memset(memory, 0, count * size) : NULL;
}

static void *take_again(void *memory, size_t size, void *blocks)
{
        void *other = take(size, blocks);

        if (!memory || !other)
                return other;
        size_t held = ((struct prefix *)memory - 1)->room - sizeof(struct prefix);
        memcpy(other, memory, held < size ? held : size);
        give(memory, blocks);
        return other;
}

/* ---- a direction ---- */

struct hpack *hpack_new(struct blocks *blocks)
{
        size_t room;
        struct hpack *h = blocks_take(blocks, sizeof(*h), &room);

        if (!h)
                return NULL;
        *h = (struct hpack){ .blocks = blocks,
                             .memory = { blocks, take, give, take_zeroed, take_again },
                             .room = (uint32_t)room,
                             .allowed = HPACK_TABLE_DEFAULT,
                             .told = HPACK_TABLE_DEFAULT };
        if (nghttp2_hd_inflate_new2(&h->inflater, &h->memory) != 0) {
                blocks_give(blocks, h, h->room);
                return NULL;
        }
        return h;
}

void hpack_free(struct hpack **hpack)
{
        struct hpack *h = *hpack;

        if (!h)
                return;
        nghttp2_hd_inflate_del(h->inflater);
        blocks_give(h->blocks, h, h->room);
        *hpack = NULL;
}

void hpack_allow(struct hpack *h, uint32_t table_size)
{
        if (table_size > HPACK_TABLE_MAX)
                table_size = HPACK_TABLE_MAX;
        if (table_size > h->allowed)
                h->allowed = table_size;
}

static bool begin_block(struct hpack *h)
{
        h->inside = true;
        if (h->told == h->allowed)
                return true;
        h->told = h->allowed;
        return nghttp2_hd_inflate_change_table_size(h->inflater, h->allowed) == 0;
}

enum hpack_result hpack_decode(struct hpack *h, struct slice piece, bool last,
                               hpack_field_fn *field, void *context)
{
        nghttp2_nv nv;
        int flags;

        if (!h->inside && !begin_block(h))
                return HPACK_FULL;
        for (;;) {
                ssize_t used = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags,
                                                      piece.data, piece.len, last);
                if (used < 0)
                        return used == NGHTTP2_ERR_NOMEM ? HPACK_FULL : HPACK_BAD;
                piece = slice_from(piece, (size_t)used);
                if (flags & NGHTTP2_HD_INFLATE_EMIT) {
                        if (field)
                                field(context, slice_of(nv.name, nv.namelen),
                                      slice_of(nv.value, nv.valuelen));
                        continue;
                }
                if (flags & NGHTTP2_HD_INFLATE_FINAL) {
                        nghttp2_hd_inflate_end_headers(h->inflater);
                        h->inside = false;
                        return HPACK_OK;
                }
                if (piece.len == 0)
                        return last ? HPACK_BAD : HPACK_OK;
        }
}
