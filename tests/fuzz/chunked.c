/* SPDX-License-Identifier: MIT */
/* A chunked body whole and byte by byte: both must end at the same place. */
#include "http/chunked.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum chunked_result run(struct slice all, size_t step, size_t *end)
{
        struct chunked chunked = { 0 };
        size_t at = 0;

        while (at < all.len) {
                struct slice bytes = slice_first(slice_from(all, at), step);
                size_t given = bytes.len;
                enum chunked_result result = chunked_feed(&chunked, &bytes);
                CHECK(bytes.len < given);
                at += given - bytes.len;
                *end = at;
                if (result == CHUNKED_DATA)
                        at += chunked.size < all.len - at ? (size_t)chunked.size
                                                          : all.len - at;
                else if (result != CHUNKED_MORE)
                        return result;
        }
        return CHUNKED_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t whole_end = 0, bytes_end = 0;
        struct slice all = slice_of(data, size);
        enum chunked_result whole = run(all, size ? size : 1, &whole_end);
        enum chunked_result bytes = run(all, 1, &bytes_end);

        CHECK(whole == bytes);
        CHECK(whole == CHUNKED_MORE || whole_end == bytes_end);
        return 0;
}
