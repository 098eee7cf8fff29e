/* SPDX-License-Identifier: MIT */
/* The bytes of a connection in one call, byte by byte, and in uneven pieces: the same. */
#include "tls/tls_record.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct blocks blocks;

static enum tls_record_result run(struct slice all, size_t step, size_t grow,
                                  uint8_t *copy, size_t *length)
{
        struct tls_record r = { .kept = NULL };
        enum tls_record_result result = TLS_RECORD_MORE;
        struct slice hello;

        *length = 0;
        for (size_t at = 0; at < all.len && result == TLS_RECORD_MORE; at += step) {
                step = at ? step + grow : step;
                result = tls_record_feed(&r, &blocks,
                                         slice_first(slice_from(all, at), step), &hello);
        }
        if (result == TLS_RECORD_DONE) {
                CHECK(hello.len <= CLIENT_HELLO_MAX);
                memcpy(copy, hello.data, hello.len);
                *length = hello.len;
        }
        tls_record_release(&r, &blocks);
        CHECK(blocks.used == 0);
        return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t whole[CLIENT_HELLO_MAX], pieces[CLIENT_HELLO_MAX];
        struct slice all = slice_of(data, size);
        size_t whole_length, length;

        if (!blocks.budget)
                CHECK(blocks_init(&blocks, 1 << 20));
        enum tls_record_result result =
            run(all, size ? size : 1, 0, whole, &whole_length);
        if (result != TLS_RECORD_MORE && result != TLS_RECORD_NOT_TLS)
                CHECK(tls_may_begin(all));
        for (size_t step = 1; step < 4; step++) {
                CHECK(run(all, step, step - 1, pieces, &length) == result);
                CHECK(length == whole_length && !memcmp(whole, pieces, length));
        }
        return 0;
}
