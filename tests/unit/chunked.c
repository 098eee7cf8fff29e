/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/buf.h"
#include "http/chunked.h"

/* Feeds in pieces of `step` bytes, passes over data; what was data, and the result. */
static enum chunked_result run(const char *text, size_t step, struct buf *data,
                               size_t *left)
{
        struct chunked chunked = { 0 };
        struct slice all = slice_str(text);
        uint64_t skip = 0;

        for (size_t at = 0; at < all.len; at += step) {
                struct slice bytes = slice_first(slice_from(all, at), step);
                while (bytes.len) {
                        size_t pass = skip < bytes.len ? (size_t)skip : bytes.len;
                        buf_put(data, bytes.data, pass);
                        bytes = slice_from(bytes, pass);
                        skip -= pass;
                        if (bytes.len == 0)
                                break;
                        enum chunked_result result = chunked_feed(&chunked, &bytes);
                        if (result == CHUNKED_DATA)
                                skip = chunked.size;
                        else if (result != CHUNKED_MORE) {
                                *left = bytes.len +
                                        (all.len - at -
                                         slice_first(slice_from(all, at), step).len);
                                return result;
                        }
                }
        }
        *left = 0;
        return CHUNKED_MORE;
}

static void assert_runs(const char *text, enum chunked_result expected, const char *data,
                        size_t left)
{
        for (size_t step = 1; step <= strlen(text) + 1; step++) {
                struct buf seen = { 0 };
                size_t rest;
                assert_int_equal(run(text, step, &seen, &rest), expected);
                if (expected != CHUNKED_BAD) {
                        assert_slice(buf_slice(&seen), data);
                        assert_int_equal(rest, left);
                }
                buf_free(&seen);
        }
}

static void test_good(void **state)
{
        (void)state;
        assert_runs("5\r\nhello\r\n0\r\n\r\n", CHUNKED_DONE, "hello", 0);
        assert_runs("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nnext", CHUNKED_DONE, "hello!", 4);
        assert_runs("a;name=\"v\"\r\n0123456789\r\n0\r\n\r\n", CHUNKED_DONE, "0123456789",
                    0);
        assert_runs("0A \r\n0123456789\r\n000\r\n\r\n", CHUNKED_DONE, "0123456789", 0);
        assert_runs("1\nx\n0\n\n", CHUNKED_DONE, "x", 0);
        assert_runs("0\r\nTrailer: a\r\nOther: b\r\n\r\n", CHUNKED_DONE, "", 0);
        assert_runs("2\r\n\r\n\r\n0\r\n\r\n", CHUNKED_DONE, "\r\n", 0);
        assert_runs("5\r\nhel", CHUNKED_MORE, "hel", 0);
}

static void test_bad(void **state)
{
        (void)state;
        assert_runs("\r\n", CHUNKED_BAD, "", 0);
        assert_runs("x\r\n", CHUNKED_BAD, "", 0);
        assert_runs("-1\r\n", CHUNKED_BAD, "", 0);
        assert_runs("0x5\r\n", CHUNKED_BAD, "", 0);
        assert_runs(";ext\r\n", CHUNKED_BAD, "", 0);
        assert_runs("5\rhello", CHUNKED_BAD, "", 0);
        assert_runs("5\r\nhelloX", CHUNKED_BAD, "", 0);
        assert_runs("5\r\nhello\rX", CHUNKED_BAD, "", 0);
        assert_runs("FFFFFFFFFFFFFFFFF\r\n", CHUNKED_BAD, "", 0);
        assert_runs("0\r\n\rX", CHUNKED_BAD, "", 0);
}

static void test_endless_extensions_and_trailers_end(void **state)
{
        static const char *const starts[] = { "5;", "0\r\nT: " };

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct chunked chunked = { 0 };
                struct slice start = slice_str(starts[i]);
                enum chunked_result result = chunked_feed(&chunked, &start);
                size_t fed = 0;
                while (result == CHUNKED_MORE && fed < 10 * CHUNKED_OVERHEAD_MAX) {
                        struct slice more = slice_str("xxxxxxxxxxxxxxxx");
                        result = chunked_feed(&chunked, &more);
                        fed += 16;
                }
                assert_int_equal(result, CHUNKED_BAD);
                assert_true(fed <= CHUNKED_OVERHEAD_MAX + 16);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_endless_extensions_and_trailers_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
