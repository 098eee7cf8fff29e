/* SPDX-License-Identifier: MIT */
#include "observe/content.h"

#include "unit/unit.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <zlib.h>

enum { OUTPUT_MAX = 65536, ROOM = 1 << 20 };

static struct content *content;

static int set_up(void **state)
{
        (void)state;
        content = content_new(OUTPUT_MAX);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        content_free(&content);
        content_free(&content);
        return 0;
}

struct packed {
        uint8_t bytes[ROOM];
        size_t len;
};

enum { GZIP = 31, WRAPPED = 15, RAW = -15, BROTLI = 0 };

static void pack(struct packed *p, int kind, const void *data, size_t len)
{
        z_stream z = { 0 };

        p->len = ROOM;
        if (kind == BROTLI) {
                assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, len, data,
                                                  &p->len, p->bytes));
                return;
        }
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, kind, 8, Z_DEFAULT_STRATEGY),
                         Z_OK);
        z.next_in = (uint8_t *)(uintptr_t)data;
        z.avail_in = (unsigned)len;
        z.next_out = p->bytes;
        z.avail_out = ROOM;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        p->len = ROOM - z.avail_out;
        deflateEnd(&z);
}

/* From a copy of just its length. */
static enum content_result decode(const char *encoding, const uint8_t *data, size_t len,
                                  struct slice *out)
{
        uint8_t *copy = malloc(len ? len : 1);

        memcpy(copy, data, len);
        enum content_result result =
            content_decode(content, slice_str(encoding), slice_of(copy, len), out);
        free(copy);
        return result;
}

static const struct {
        const char *name;
        int kind;
} kinds[] = {
        { "gzip", GZIP },   { "X-GZip", GZIP }, { "deflate", WRAPPED },
        { "deflate", RAW }, { " br ", BROTLI }, { "identity, gzip,", GZIP },
};

static const char text[] = "email=anna%40example.org&password=secret&email=anna";

static void test_codings(void **state)
{
        static struct packed p;
        struct slice out;

        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                pack(&p, kinds[i].kind, text, sizeof(text) - 1);
                assert_int_equal(decode(kinds[i].name, p.bytes, p.len, &out), CONTENT_OK);
                assert_slice(out, text);
        }
}

static void test_plain(void **state)
{
        struct slice out, body = slice_str(text);

        (void)state;
        assert_int_equal(content_decode(content, slice_none(), body, &out), CONTENT_OK);
        assert_ptr_equal(out.data, body.data);
        assert_int_equal(content_decode(content, slice_str("identity"), body, &out),
                         CONTENT_OK);
        assert_ptr_equal(out.data, body.data);
        assert_int_equal(content_decode(content, slice_str("zstd"), body, &out),
                         CONTENT_UNKNOWN);
        assert_true(slice_is_none(out));
        assert_int_equal(content_decode(content, slice_str("gzip, br, gzip"), body, &out),
                         CONTENT_UNKNOWN);
}

static void test_stacked(void **state)
{
        static struct packed inner, outer;
        struct slice out;

        (void)state;
        pack(&inner, GZIP, text, sizeof(text) - 1);
        pack(&outer, BROTLI, inner.bytes, inner.len);
        assert_int_equal(decode("gzip, br", outer.bytes, outer.len, &out), CONTENT_OK);
        assert_slice(out, text);
        assert_int_equal(decode("br, gzip", outer.bytes, outer.len, &out), CONTENT_BAD);
        pack(&outer, GZIP, inner.bytes, inner.len);
        assert_int_equal(decode("gzip,gzip", outer.bytes, outer.len, &out), CONTENT_OK);
        assert_slice(out, text);
}

/* Behind every byte: a beginning of the text, never an answer of another kind. */
static void test_cut(void **state)
{
        static struct packed p;
        struct slice out;

        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                pack(&p, kinds[i].kind, text, sizeof(text) - 1);
                for (size_t len = 0; len < p.len; len++) {
                        assert_int_equal(decode(kinds[i].name, p.bytes, len, &out),
                                         CONTENT_CUT);
                        assert_true(slice_starts_with(slice_str(text), out));
                }
        }
}

/* Every byte changed: any answer, no harm. */
static void test_broken(void **state)
{
        static struct packed p;
        struct slice out;
        unsigned bad = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                pack(&p, kinds[i].kind, text, sizeof(text) - 1);
                for (size_t at = 0; at < p.len; at++) {
                        p.bytes[at] ^= 0x55;
                        bad += decode(kinds[i].name, p.bytes, p.len, &out) == CONTENT_BAD;
                        assert_true(out.len <= OUTPUT_MAX);
                        p.bytes[at] ^= 0x55;
                }
        }
        assert_true(bad > 50);
        pack(&p, GZIP, text, sizeof(text) - 1);
        assert_int_equal(decode("gzip", p.bytes, p.len, &out), CONTENT_OK);
        assert_slice(out, text);
}

/* However far it unfolds, the cap is the end; at the cap itself nothing is cut. */
static void test_bombs(void **state)
{
        static uint8_t zeroes[16 << 20];
        static struct packed p, outer;
        struct slice out;

        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                pack(&p, kinds[i].kind, zeroes, sizeof(zeroes));
                assert_int_equal(decode(kinds[i].name, p.bytes, p.len, &out),
                                 CONTENT_BOMB);
                assert_true(out.len <= OUTPUT_MAX);
                pack(&p, kinds[i].kind, zeroes, OUTPUT_MAX);
                assert_int_equal(decode(kinds[i].name, p.bytes, p.len, &out), CONTENT_OK);
                assert_int_equal(out.len, OUTPUT_MAX);
                pack(&p, kinds[i].kind, zeroes, OUTPUT_MAX + 1);
                assert_int_equal(decode(kinds[i].name, p.bytes, p.len, &out),
                                 CONTENT_BOMB);
                assert_int_equal(out.len, OUTPUT_MAX);
        }
        pack(&p, GZIP, zeroes, sizeof(zeroes));
        pack(&outer, GZIP, p.bytes, p.len);
        assert_int_equal(decode("gzip, gzip", outer.bytes, outer.len, &out),
                         CONTENT_BOMB);
        assert_int_equal(out.len, OUTPUT_MAX);
}

/* The decoders are used again and again out of the same memory. */
static void test_again(void **state)
{
        static uint8_t noise[60000];
        static struct packed p;
        struct slice out;

        (void)state;
        srand(1);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)(rand() >> 8 & (i % 7 ? 0x3f : 0xff));
        for (unsigned round = 0; round < 50; round++)
                for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                        size_t len = sizeof(noise) >> (round % 10);
                        pack(&p, kinds[i].kind, noise, len);
                        assert_int_equal(decode(kinds[i].name, p.bytes, p.len, &out),
                                         CONTENT_OK);
                        assert_int_equal(out.len, len);
                        assert_memory_equal(out.data, noise, len);
                }
}

static void test_forget(void **state)
{
        static struct packed p;
        struct slice out;

        (void)state;
        pack(&p, GZIP, text, sizeof(text) - 1);
        assert_int_equal(decode("gzip", p.bytes, p.len, &out), CONTENT_OK);
        assert_non_null(memmem(out.data, out.len, "secret", 6));
        content_forget(content);
        assert_null(memmem(out.data, out.len, "secret", 6));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_codings, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_plain, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stacked, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bombs, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
