/* SPDX-License-Identifier: MIT */
/*
 * The first byte is the budget, then come header blocks of one direction, each after
 * three bytes: its length, how often it comes once more, and how many KiB the table may
 * hold from there on. Whole, in pieces of one byte and of some: all must give the same
 * fields. Nothing may be left over.
 */
#include "http/hpack.h"
#include "base/check.h"

enum { BLOCK_HEAD = 3, REPEAT = 128 };

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

/* The next block, as often as it comes. */
static enum hpack_result decode_next(struct hpack *h, struct slice *rest, size_t step,
                                     struct seen *seen)
{
        enum hpack_result result = HPACK_OK;
        struct slice head, block = slice_none();

        if (!slice_take(rest, BLOCK_HEAD, &head) ||
            !slice_take(rest, head.data[0], &block)) {
                *rest = slice_none();
                return HPACK_OK;
        }
        hpack_allow(h, head.data[2] * 1024U);
        for (int times = 0; times <= head.data[1] % REPEAT && result == HPACK_OK; times++)
                result = decode(h, block, step, seen);
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
                while (rest.len && result == HPACK_OK)
                        result = decode_next(h, &rest, step, seen);
        }
        CHECK(blocks.used <= budget);
        hpack_free(&h);
        CHECK(blocks.used == 0);
        blocks_free(&blocks);
        return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct seen whole = { 0 };

        if (size == 0)
                return 0;
        uint64_t budget = data[0] >= 128 ? 1 << 20 : 64 + 128 * (uint64_t)data[0];
        struct slice rest = slice_of(data + 1, size - 1);
        enum hpack_result one = run(rest, SIZE_MAX, budget, &whole);
        const size_t steps[] = { 1, 2 + data[0] % 30 };
        for (int i = 0; i < 2; i++) {
                struct seen pieces = { 0 };
                enum hpack_result result = run(rest, steps[i], budget, &pieces);
                /* What comes in pieces may need memory for one of them. */
                if (one == HPACK_FULL || result == HPACK_FULL)
                        continue;
                CHECK(one == result);
                CHECK(whole.sum == pieces.sum && whole.fields == pieces.fields &&
                      whole.bytes == pieces.bytes);
        }
        return 0;
}
