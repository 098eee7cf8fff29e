/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/crypto_stream.h"
#include "unit/hello_maker.h"

static struct blocks blocks;

/* A message of `length` bytes that begins like a ClientHello. */
static void make_message(struct buf *out, size_t length)
{
        put_be(out, 1, 1);
        put_be(out, length - 4, 3);
        for (size_t i = 4; i < length; i++)
                buf_put_byte(out, (uint8_t)(i * 7));
}

static enum crypto_result push(struct crypto_stream *s, struct slice all, size_t from,
                               size_t to, struct slice *hello)
{
        return crypto_stream_push(s, &blocks, from,
                                  slice_first(slice_from(all, from), to - from), hello);
}

static void assert_done(struct crypto_stream *s, enum crypto_result result,
                        struct slice hello, struct slice expected)
{
        assert_int_equal(result, CRYPTO_DONE);
        assert_true(slice_equal(hello, expected));
        crypto_stream_release(s, &blocks);
        assert_int_equal(blocks.used, 0);
}

static void test_two_pieces_in_any_order(void **state)
{
        struct buf message = { 0 };

        (void)state;
        make_message(&message, 300);
        struct slice all = buf_slice(&message), hello;
        for (size_t cut = 1; cut < all.len; cut++) {
                struct crypto_stream s = { .bytes = NULL };
                assert_int_equal(push(&s, all, 0, cut, &hello), CRYPTO_MORE);
                assert_done(&s, push(&s, all, cut, all.len, &hello), hello, all);
                assert_int_equal(push(&s, all, cut, all.len, &hello), CRYPTO_MORE);
                assert_done(&s, push(&s, all, 0, cut, &hello), hello, all);
        }
        buf_free(&message);
}

/* Pieces of random places and sizes, many of them overlapping, until all is there. */
static void test_random_pieces(void **state)
{
        struct buf message = { 0 };
        unsigned seed = 1;

        (void)state;
        make_message(&message, 1900);
        struct slice all = buf_slice(&message), hello;
        for (int round = 0; round < 300; round++) {
                struct crypto_stream s = { .bytes = NULL };
                enum crypto_result result = CRYPTO_MORE;
                bool there[1900] = { 0 };
                for (int piece = 0; piece < 5000 && result == CRYPTO_MORE; piece++) {
                        size_t from = (seed = seed * 1103515245 + 12345) >> 8;
                        size_t len = (seed = seed * 1103515245 + 12345) >> 8;
                        /* Some begin before the first byte, so that it comes as often. */
                        from %= all.len + 200;
                        len = from < 200 ? from + 1 : 1 + len % 200;
                        from = from < 200 ? 0 : from - 200;
                        if (len > all.len - from)
                                len = all.len - from;
                        result = push(&s, all, from, from + len, &hello);
                        memset(there + from, 1, len);
                        assert_int_equal(result == CRYPTO_DONE,
                                         memchr(there, 0, sizeof(there)) == NULL);
                }
                assert_done(&s, result, hello, all);
        }
        buf_free(&message);
}

static void test_first_copy_wins(void **state)
{
        struct crypto_stream s = { .bytes = NULL };
        struct buf message = { 0 }, other = { 0 };
        struct slice hello;

        (void)state;
        make_message(&message, 100);
        make_message(&other, 100);
        struct slice all = buf_slice(&message);
        memset(other.data + 20, 'x', 60);
        assert_int_equal(push(&s, all, 20, 40, &hello), CRYPTO_MORE);
        assert_int_equal(push(&s, all, 60, 80, &hello), CRYPTO_MORE);
        memcpy(other.data + 40, all.data + 40, 20); /* what only the second one has */
        assert_done(&s, push(&s, buf_slice(&other), 0, 100, &hello), hello, all);
        buf_free(&message);
        buf_free(&other);
}

static void test_bounds(void **state)
{
        struct crypto_stream s = { .bytes = NULL };
        struct slice one = slice_str("x"), hello;

        (void)state;
        assert_int_equal(
            crypto_stream_push(&s, &blocks, CRYPTO_STREAM_MAX - 1, one, &hello),
            CRYPTO_MORE);
        assert_int_equal(crypto_stream_push(&s, &blocks, CRYPTO_STREAM_MAX, one, &hello),
                         CRYPTO_TOO_LONG);
        assert_int_equal(crypto_stream_push(&s, &blocks, UINT64_MAX, one, &hello),
                         CRYPTO_TOO_LONG);
        assert_int_equal(blocks.used, CRYPTO_STREAM_MAX);
        crypto_stream_release(&s, &blocks);
        assert_int_equal(
            crypto_stream_push(&s, &blocks, 0, slice_of("\x01\x00\x3f\xfd", 4), &hello),
            CRYPTO_TOO_LONG);
        crypto_stream_release(&s, &blocks);
        assert_int_equal(
            crypto_stream_push(&s, &blocks, 0, slice_of("\x02\x00\x00", 3), &hello),
            CRYPTO_NOT_HELLO);
        crypto_stream_release(&s, &blocks);
}

static void test_too_many_pieces(void **state)
{
        struct crypto_stream s = { .bytes = NULL };
        struct buf message = { 0 };
        struct slice hello;

        (void)state;
        make_message(&message, 2 * CRYPTO_RANGES_MAX + 2);
        struct slice all = buf_slice(&message);
        for (size_t i = 0; i < CRYPTO_RANGES_MAX; i++)
                assert_int_equal(push(&s, all, 2 * i + 1, 2 * i + 2, &hello),
                                 CRYPTO_MORE);
        assert_int_equal(push(&s, all, all.len - 1, all.len, &hello), CRYPTO_TOO_LONG);
        /* What joins pieces is still taken. */
        assert_int_equal(push(&s, all, 2, 3, &hello), CRYPTO_MORE);
        assert_done(&s, push(&s, all, 0, all.len, &hello), hello, all);
        buf_free(&message);
}

static void test_no_room(void **state)
{
        struct crypto_stream s = { .bytes = NULL };
        struct blocks small;
        struct slice hello;

        (void)state;
        assert_true(blocks_init(&small, 256));
        assert_int_equal(crypto_stream_push(&s, &small, 300, slice_str("x"), &hello),
                         CRYPTO_NO_ROOM);
        assert_int_equal(crypto_stream_push(&s, &small, 200, slice_str("x"), &hello),
                         CRYPTO_MORE);
        crypto_stream_release(&s, &small);
        blocks_free(&small);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_two_pieces_in_any_order),
                cmocka_unit_test(test_random_pieces),
                cmocka_unit_test(test_first_copy_wins),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_too_many_pieces),
                cmocka_unit_test(test_no_room),
        };
        if (!blocks_init(&blocks, 1 << 16))
                return 1;
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        blocks_free(&blocks);
        return failed;
}
