/* SPDX-License-Identifier: MIT */
/*
 * h2_driver - what test_vectors.py asks of hpack and h2_frame, one line each:
 *
 *      new             a header table as it is at the start     ok
 *      allow SIZE      the receiver allows so much              ok
 *      block HEX       a header block            NAME VALUE in hex, a line a field; ok or
 * bad frame HEX       a frame                   LENGTH TYPE FLAGS STREAM; ok or bad
 */
#include "base/buf.h"
#include "http/h2_frame.h"
#include "http/hpack.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static void print_hex(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                printf("%02x", bytes.data[i]);
}

static void on_field(void *context, struct slice name, struct slice value)
{
        (void)context;
        print_hex(name);
        putchar(' ');
        print_hex(value);
        putchar('\n');
}

static struct buf bytes_of(const char *hex)
{
        struct buf out = { 0 };
        unsigned byte;

        for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
                buf_put_byte(&out, (uint8_t)byte);
        return out;
}

static bool check_frame(struct slice bytes)
{
        struct h2_frame_reader reader = { 0 };
        struct h2_frame frame;
        struct slice fragment;

        if (!h2_frame_read(&reader, &bytes, &frame))
                errx(1, "less than the header of a frame");
        printf("%u %u %u %u\n", frame.length, frame.type, frame.flags, frame.stream);
        bool block = frame.type == H2_HEADERS || frame.type == H2_PUSH_PROMISE;
        return h2_frame_is_sound(&frame) &&
               (!block || h2_frame_fragment(&frame, bytes, &fragment, NULL));
}

static bool answer(const char *word, const char *rest, struct hpack **hpack,
                   struct blocks *blocks)
{
        struct buf bytes = bytes_of(rest);
        bool good = true;

        if (strcmp(word, "new") == 0) {
                hpack_free(hpack);
                *hpack = hpack_new(blocks);
        } else if (strcmp(word, "allow") == 0) {
                hpack_allow(*hpack, (uint32_t)strtoul(rest, NULL, 10));
        } else if (strcmp(word, "block") == 0) {
                good = hpack_decode(*hpack, buf_slice(&bytes), true, on_field, NULL) ==
                       HPACK_OK;
        } else if (strcmp(word, "frame") == 0) {
                good = check_frame(buf_slice(&bytes));
        } else {
                errx(1, "what is %s?", word);
        }
        buf_free(&bytes);
        return good;
}

int main(void)
{
        static char line[1 << 20];
        struct blocks blocks;
        struct hpack *hpack = NULL;

        if (!blocks_init(&blocks, 1 << 20))
                errx(1, "no memory");
        while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                char *rest = line + strcspn(line, " ");
                if (*rest)
                        *rest++ = '\0';
                puts(answer(line, rest, &hpack, &blocks) ? "ok" : "bad");
        }
        hpack_free(&hpack);
        blocks_free(&blocks);
        return 0;
}
