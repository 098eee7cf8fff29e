/* SPDX-License-Identifier: MIT */
#include "observe/content.h"

#include "base/check.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>

#define ZLIB_MEMORY   (64 << 10) /* of one stream: its state, and a window of 32 KiB */
#define BROTLI_MEMORY (1 << 20)

/* Memory that is only ever given back as a whole. */
struct pool {
        uint8_t *bytes;
        size_t used, size;
};

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_NONE };

struct content {
        size_t output_max;
        uint8_t *output[2];
        size_t filled[2]; /* bytes to be wiped */
        struct pool zlib_pool[2], brotli_pool;
        z_stream wrapped, raw; /* gzip or zlib; neither */
};

static void *pool_take(struct pool *pool, size_t size)
{
        void *at = pool->bytes + pool->used;

        size = (size + 15) & ~(size_t)15;
        if (size > pool->size - pool->used)
                return NULL;
        pool->used += size;
        return at;
}

static void *zlib_take(void *pool, unsigned items, unsigned size)
{
        return pool_take(pool, (size_t)items * size);
}

static void zlib_give(void *pool, void *memory)
{
        (void)pool;
        (void)memory;
}

static void *brotli_take(void *pool, size_t size)
{
        return pool_take(pool, size);
}

static void brotli_give(void *pool, void *memory)
{
        (void)pool;
        (void)memory;
}

static uint8_t *need(size_t size)
{
        uint8_t *memory = calloc(1, size);

        CHECK(memory);
        return memory;
}

static void zlib_begin(z_stream *z, struct pool *pool, int window_bits)
{
        *pool = (struct pool){ need(ZLIB_MEMORY), 0, ZLIB_MEMORY };
        z->zalloc = zlib_take;
        z->zfree = zlib_give;
        z->opaque = pool;
        CHECK(inflateInit2(z, window_bits) == Z_OK);
}

struct content *content_new(size_t output_max)
{
        struct content *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->output_max = output_max;
        for (unsigned i = 0; i < 2; i++)
                c->output[i] = need(output_max + 1);
        c->brotli_pool = (struct pool){ need(BROTLI_MEMORY), 0, BROTLI_MEMORY };
        zlib_begin(&c->wrapped, &c->zlib_pool[0], MAX_WBITS + 32);
        zlib_begin(&c->raw, &c->zlib_pool[1], -MAX_WBITS);
        return c;
}

void content_free(struct content **content)
{
        struct content *c = *content;

        if (!c)
                return;
        inflateEnd(&c->wrapped);
        inflateEnd(&c->raw);
        for (unsigned i = 0; i < 2; i++) {
                free(c->output[i]);
                free(c->zlib_pool[i].bytes);
        }
        free(c->brotli_pool.bytes);
        free(c);
        *content = NULL;
}

/* ---- one coding ---- */

static enum content_result zlib_result(int status, const z_stream *z)
{
        if (status == Z_STREAM_END)
                return CONTENT_OK;
        if (status != Z_OK && status != Z_BUF_ERROR)
                return CONTENT_BAD;
        return z->avail_out == 0 ? CONTENT_BOMB : CONTENT_CUT;
}

static enum content_result zlib_decode(z_stream *z, struct slice in, uint8_t *out,
                                       size_t *len)
{
        size_t room = *len;

        inflateReset(z);
        z->next_in = (uint8_t *)(uintptr_t)in.data; /* only read */
        z->avail_in = (unsigned)in.len;
        z->next_out = out;
        z->avail_out = (unsigned)room;
        int status = inflate(z, Z_SYNC_FLUSH);
        *len = room - z->avail_out;
        return zlib_result(status, z);
}

/* RFC 9110 8.4.1.2 says with zlib's wrapper; some leave it out. */
static enum content_result deflate_decode(struct content *c, struct slice in,
                                          uint8_t *out, size_t *len)
{
        bool wrapped = in.len >= 2 && (in.data[0] & 0x0f) == Z_DEFLATED &&
                       (in.data[0] << 8 | in.data[1]) % 31 == 0;

        return zlib_decode(wrapped ? &c->wrapped : &c->raw, in, out, len);
}

static enum content_result brotli_result(BrotliDecoderState *state,
                                         BrotliDecoderResult result)
{
        switch (result) {
        case BROTLI_DECODER_RESULT_SUCCESS:
                return CONTENT_OK;
        case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
                return CONTENT_CUT;
        case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
                return CONTENT_BOMB;
        case BROTLI_DECODER_RESULT_ERROR:
                break;
        }
        /* Memory errors are those from -21 to -30. */
        int code = (int)BrotliDecoderGetErrorCode(state);
        return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                       code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
                   ? CONTENT_BOMB
                   : CONTENT_BAD;
}

static enum content_result brotli_decode(struct content *c, struct slice in, uint8_t *out,
                                         size_t *len)
{
        size_t left = in.len, room = *len;
        const uint8_t *from = in.data;

        c->brotli_pool.used = 0;
        BrotliDecoderState *state =
            BrotliDecoderCreateInstance(brotli_take, brotli_give, &c->brotli_pool);
        CHECK(state);
        BrotliDecoderResult result =
            BrotliDecoderDecompressStream(state, &left, &from, &room, &out, NULL);
        *len -= room;
        enum content_result answer = brotli_result(state, result);
        BrotliDecoderDestroyInstance(state);
        return answer;
}

/* *len is the room, and then what came out. */
static enum content_result decode_one(struct content *c, enum coding coding,
                                      struct slice in, uint8_t *out, size_t *len)
{
        switch (coding) {
        case CODING_GZIP:
                return zlib_decode(&c->wrapped, in, out, len);
        case CODING_DEFLATE:
                return deflate_decode(c, in, out, len);
        default:
                return brotli_decode(c, in, out, len);
        }
}

/* ---- the list ---- */

static enum coding coding_of(struct slice name)
{
        static const struct {
                const char *name;
                enum coding coding;
        } codings[] = {
                { "gzip", CODING_GZIP },         { "x-gzip", CODING_GZIP },
                { "deflate", CODING_DEFLATE },   { "br", CODING_BROTLI },
                { "identity", CODING_IDENTITY }, { "", CODING_IDENTITY },
        };

        for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
                if (slice_equal_nocase(name, slice_str(codings[i].name)))
                        return codings[i].coding;
        return CODING_NONE;
}

/* In the order in which they were put on. False: not ours, or too many. */
static bool read_codings(struct slice list, enum coding codings[CONTENT_CODINGS_MAX],
                         unsigned *count)
{
        struct slice part;

        *count = 0;
        while (slice_next(&list, ',', &part)) {
                enum coding coding = coding_of(slice_trim(part));
                if (coding == CODING_IDENTITY)
                        continue;
                if (coding == CODING_NONE || *count == CONTENT_CODINGS_MAX)
                        return false;
                codings[(*count)++] = coding;
        }
        return true;
}

enum content_result content_decode(struct content *c, struct slice encoding,
                                   struct slice body, struct slice *out)
{
        enum coding codings[CONTENT_CODINGS_MAX];
        enum content_result answer = CONTENT_OK;
        unsigned count;

        content_forget(c);
        *out = slice_none();
        if (!read_codings(encoding, codings, &count))
                return CONTENT_UNKNOWN;
        *out = body;
        while (count > 0) {
                unsigned which = --count & 1;
                size_t len = c->output_max + 1; /* one more shows that it went on */
                enum content_result one =
                    decode_one(c, codings[count], *out, c->output[which], &len);
                c->filled[which] = len;
                if (len > c->output_max) {
                        len = c->output_max;
                        one = CONTENT_BOMB;
                }
                *out = slice_of(c->output[which], len);
                if (answer == CONTENT_OK)
                        answer = one;
        }
        return answer;
}

void content_forget(struct content *c)
{
        for (unsigned i = 0; i < 2; i++) {
                explicit_bzero(c->output[i], c->filled[i]);
                c->filled[i] = 0;
        }
}
