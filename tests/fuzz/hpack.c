/* SPDX-License-Identifier: MIT */
/*
 * Header blocks of one direction, each after a byte of its length; whole and in pieces of
 * one byte: both must give the same fields. The first byte is the budget. Nothing may be
 * left over.
 */
#include "http/hpack.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
        uint64_t sum, fields, bytes;
};

static void on_field(void *context, struct slice name, struct slice value)
{
        struct seen *seen = context;

        seen->fields++;
        seen->bytes += name.len + value.len;
        for (size_t i = 0; i < name.len; i++)
                seen->sum = seen->sum * 31 + name.data[i];
        for (size_t i = 0; i < value.len; i++)
                seen->sum = seen->sum * 37 + value.data[i];
}

static enum hpack_result decode(struct hpack *h, struct slice block, size_t step,
                                struct seen *seen)
{
        enum hpack_result result;
        bool last;

        do {
                struct slice piece = slice_first(block, step);
                block = slice_from(block, piece.len);
                last = block.len == 0;
                result = hpack_decode(h, piece, last, on_field, seen);
        } while (result == HPACK_OK && !last);
        return result;
}

static enum hpack_result run(struct slice rest, size_t step, uint64_t budget,
                             struct seen *seen)
{
        struct blocks blocks;
        enum hpack_result result = HPACK_FULL;

        CHECK(blocks_init(&blocks, budget));
        struct hpack *h = hpack_new(&blocks);
        if (h) {
                result = HPACK_OK;
                while (rest.len && result == HPACK_OK) {
                        if (rest.data[0] == 0)
                                hpack_allow(h, HPACK_TABLE_MAX);
                        struct slice block =
                            slice_first(slice_from(rest, 1), rest.data[0]);
                        result = decode(h, block, step, seen);
                        rest = slice_from(rest, 1 + block.len);
                }
        }
        hpack_free(&h);
        CHECK(blocks.used == 0);
        blocks_free(&blocks);
        return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct seen whole = { 0 }, pieces = { 0 };

        if (size == 0)
                return 0;
        uint64_t budget = data[0] >= 128 ? 1 << 20 : 64 * (uint64_t)data[0] + 1024;
        struct slice rest = slice_of(data + 1, size - 1);
        enum hpack_result one = run(rest, SIZE_MAX, budget, &whole);
        enum hpack_result two = run(rest, 1, budget, &pieces);
        /* What comes in pieces may need memory for one of them. */
        if (one != HPACK_FULL && two != HPACK_FULL) {
                CHECK(one == two);
                CHECK(whole.sum == pieces.sum && whole.fields == pieces.fields &&
                      whole.bytes == pieces.bytes);
        }
        return 0;
}
