/* SPDX-License-Identifier: MIT */
/* The examples of RFC 7541, appendix C, and what hostile blocks do. */
#include "unit/unit.h"

#include "base/buf.h"
#include "http/hpack.h"

#include <stdio.h>

static void on_field(void *context, struct slice name, struct slice value)
{
        struct buf *out = context;

        buf_printf(out, "%.*s=%.*s;", (int)name.len, name.data, (int)value.len,
                   value.data);
}

static struct buf bytes_of(const char *hex)
{
        struct buf out = { 0 };
        unsigned byte;
        int used;

        for (; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
                buf_put_byte(&out, (uint8_t)byte);
        return out;
}

/* In pieces of `step` bytes. */
static enum hpack_result decode(struct hpack *h, const char *hex, size_t step,
                                struct buf *out)
{
        struct buf block = bytes_of(hex);
        enum hpack_result result = HPACK_OK;
        size_t at = 0;

        do {
                struct slice piece = slice_first(slice_from(buf_slice(&block), at), step);
                at += piece.len;
                result = hpack_decode(h, piece, at == block.len, on_field, out);
        } while (result == HPACK_OK && at < block.len);
        buf_free(&block);
        return result;
}

struct row {
        const char *hex, *fields;
};

static void assert_story(const struct row *rows, size_t count)
{
        for (size_t step = 1; step < 80; step += 1) {
                struct blocks blocks;
                assert_true(blocks_init(&blocks, 1 << 16));
                struct hpack *h = hpack_new(&blocks);
                assert_non_null(h);
                for (size_t i = 0; i < count; i++) {
                        struct buf out = { 0 };
                        assert_int_equal(decode(h, rows[i].hex, step, &out), HPACK_OK);
                        assert_slice(buf_slice(&out), rows[i].fields);
                        buf_free(&out);
                }
                hpack_free(&h);
                assert_null(h);
                assert_int_equal(blocks.used, 0);
                blocks_free(&blocks);
        }
}

static void test_requests(void **state)
{
        static const struct row plain[] = {
                { "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                  ":method=GET;:scheme=http;:path=/;:authority=www.example.com;" },
                { "8286 84be 5808 6e6f 2d63 6163 6865",
                  ":method=GET;:scheme=http;:path=/;:authority=www.example.com;"
                  "cache-control=no-cache;" },
                { "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 "
                  "65",
                  ":method=GET;:scheme=https;:path=/index.html;"
                  ":authority=www.example.com;custom-key=custom-value;" },
        };
        static const struct row huffman[] = {
                { "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
                  ":method=GET;:scheme=http;:path=/;:authority=www.example.com;" },
                { "8286 84be 5886 a8eb 1064 9cbf",
                  ":method=GET;:scheme=http;:path=/;:authority=www.example.com;"
                  "cache-control=no-cache;" },
                { "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                  ":method=GET;:scheme=https;:path=/index.html;"
                  ":authority=www.example.com;custom-key=custom-value;" },
        };

        (void)state;
        assert_story(plain, 3);
        assert_story(huffman, 3);
}

static void test_bad(void **state)
{
        static const char *const bad[] = {
                "80",                      /* index 0 */
                "be",                      /* nothing is in the table yet */
                "ff ff ff ff ff ff ff ff", /* a number without end */
                "00 01",                   /* cut short */
                "00 81 00 00",             /* Huffman: padding that is none */
                "82 3f e1 1f",             /* a size update that is not at the start */
                "3f e2 1f",                /* 4097 bytes are more than allowed */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct blocks blocks;
                struct buf out = { 0 };
                assert_true(blocks_init(&blocks, 1 << 16));
                struct hpack *h = hpack_new(&blocks);
                if (decode(h, bad[i], 100, &out) != HPACK_BAD)
                        fail_msg("%s", bad[i]);
                hpack_free(&h);
                assert_int_equal(blocks.used, 0);
                blocks_free(&blocks);
                buf_free(&out);
        }
}

static void test_limit_grows_between_blocks(void **state)
{
        struct blocks blocks;
        struct buf out = { 0 };

        (void)state;
        assert_true(blocks_init(&blocks, 1 << 16));
        struct hpack *h = hpack_new(&blocks);
        assert_int_equal(decode(h, "3fe11f 82", 100, &out), HPACK_OK); /* 4096 */
        /* Told inside of a block it holds from the next one on. */
        assert_int_equal(hpack_decode(h, slice_of("\x82", 1), false, on_field, &out),
                         HPACK_OK);
        hpack_allow(h, 4097);
        assert_int_equal(hpack_decode(h, slice_of("\x84", 1), true, on_field, &out),
                         HPACK_OK);
        assert_int_equal(decode(h, "3fe21f 82", 100, &out), HPACK_OK); /* 4097 */
        hpack_allow(h, 100); /* nothing is taken back */
        assert_int_equal(decode(h, "3fe21f 82", 100, &out), HPACK_OK);
        hpack_allow(h, UINT32_MAX);
        assert_int_equal(decode(h, "3fe1ff03 82", 100, &out), HPACK_OK); /* 65536 */
        assert_int_equal(decode(h, "3fe2ff03 82", 100, &out), HPACK_BAD);
        hpack_free(&h);
        blocks_free(&blocks);
        buf_free(&out);
}

/* 62 fields of 4000 bytes each from a block of 4100 bytes: counted in no memory of ours.
 */
static void count_field(void *context, struct slice name, struct slice value)
{
        *(size_t *)context += name.len + value.len;
}

static void test_bomb_costs_its_own_bytes(void **state)
{
        struct blocks blocks;
        struct buf block = { 0 };
        size_t seen = 0;

        (void)state;
        assert_true(blocks_init(&blocks, 1 << 16));
        struct hpack *h = hpack_new(&blocks);
        buf_put(&block, "\x40\1x\x7f\xa1\x1e", 6); /* a value of 4000 bytes */
        for (int i = 0; i < 4000; i++)
                buf_put_byte(&block, 'v');
        for (int i = 0; i < 10000; i++)
                buf_put_byte(&block, 0xbe);
        assert_int_equal(hpack_decode(h, buf_slice(&block), true, count_field, &seen),
                         HPACK_OK);
        assert_int_equal(seen, 10001 * 4001);
        assert_true(blocks.used < 3 * 8192);
        hpack_free(&h);
        assert_int_equal(blocks.used, 0);
        blocks_free(&blocks);
        buf_free(&block);
}

/* At every budget: it works, or it says that there is no memory; nothing is left over. */
static void test_no_memory(void **state)
{
        bool full = false, worked = false;

        (void)state;
        for (uint64_t budget = 64; budget < 8192; budget += 64) {
                struct blocks blocks;
                struct buf out = { 0 };
                assert_true(blocks_init(&blocks, budget));
                struct hpack *h = hpack_new(&blocks);
                if (h) {
                        enum hpack_result result = decode(
                            h,
                            "400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 "
                            "6c75 65 be",
                            100, &out);
                        assert_true(result == HPACK_OK || result == HPACK_FULL);
                        full |= result == HPACK_FULL;
                        worked |= result == HPACK_OK;
                        hpack_free(&h);
                }
                assert_int_equal(blocks.used, 0);
                blocks_free(&blocks);
                buf_free(&out);
        }
        assert_true(full && worked);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requests),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_limit_grows_between_blocks),
                cmocka_unit_test(test_bomb_costs_its_own_bytes),
                cmocka_unit_test(test_no_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
