/* SPDX-License-Identifier: MIT */
#include "h2_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { PADDING = 3 };

/* One frame while it is written. */
struct frame {
        uint8_t type, flags;
        uint32_t stream;
        bool padded, prioritised;
        unsigned long numbers[2];
        unsigned number_count;
        struct buf payload;
};

static const struct {
        const char *name;
        uint8_t type;
} types[] = {
        { "data", 0 },     { "headers", 1 },      { "priority", 2 }, { "rst", 3 },
        { "settings", 4 }, { "push", 5 },         { "ping", 6 },     { "goaway", 7 },
        { "window", 8 },   { "continuation", 9 },
};

static void put_be(struct buf *out, uint32_t value, int bytes)
{
        while (bytes--)
                buf_put_byte(out, (uint8_t)(value >> 8 * bytes));
}

/* ---- HPACK (RFC 7541 5.1, 5.2, 6) ---- */

static void put_number(struct buf *out, uint8_t first, unsigned bits, unsigned long value)
{
        unsigned long most = (1UL << bits) - 1;

        if (value < most) {
                buf_put_byte(out, (uint8_t)(first | value));
                return;
        }
        buf_put_byte(out, (uint8_t)(first | most));
        for (value -= most; value >= 128; value >>= 7)
                buf_put_byte(out, (uint8_t)(128 | (value & 127)));
        buf_put_byte(out, (uint8_t)value);
}

static void put_string(struct buf *out, struct slice text)
{
        put_number(out, 0, 7, text.len);
        buf_put_slice(out, text);
}

static void put_field(struct buf *out, struct slice field)
{
        char number[16] = "";
        bool kept = field.data[0] == '+';

        snprintf(number, sizeof(number), "%.*s", (int)field.len - 1, field.data + 1);
        if (field.data[0] == '#') {
                put_number(out, 0x80, 7, strtoul(number, NULL, 10));
        } else if (field.data[0] == '^') {
                put_number(out, 0x20, 5, strtoul(number, NULL, 10));
        } else {
                field = slice_from(field, kept);
                size_t colon = 1 + slice_find(slice_from(field, 1), ':');
                buf_put_byte(out, kept ? 0x40 : 0x00);
                put_string(out, slice_first(field, colon));
                put_string(out, slice_trim(slice_from(field, colon + 1)));
        }
}

/* ---- frames ---- */

static void put_settings(struct buf *out, const char *word)
{
        unsigned long id, value;

        if (sscanf(word, "%lu:%lu", &id, &value) == 2) {
                put_be(out, (uint32_t)id, 2);
                put_be(out, (uint32_t)value, 4);
        }
}

static void read_word(struct frame *f, const char *word)
{
        if (strcmp(word, "end") == 0 || strcmp(word, "ack") == 0)
                f->flags |= 1;
        else if (strcmp(word, "more") == 0)
                f->flags &= (uint8_t)~4;
        else if (strcmp(word, "pad") == 0)
                f->padded = true;
        else if (strcmp(word, "prio") == 0)
                f->prioritised = true;
        else if (f->type == 4)
                put_settings(&f->payload, word);
        else if (f->number_count < 3 && word[0] >= '0' && word[0] <= '9') {
                unsigned long number = strtoul(word, NULL, 10);
                if (f->number_count++ == 0)
                        f->stream = (uint32_t)number;
                else
                        f->numbers[f->number_count - 2] = number;
        }
}

/* What comes before the header block or instead of one. */
static void put_start(struct frame *f)
{
        struct buf *out = &f->payload;

        if (f->padded)
                buf_put_byte(out, PADDING);
        if (f->type == 1 && f->prioritised)
                buf_put(out, "\x80\0\0\0\xff", 5);
        switch (f->type) {
        case 0:
                for (unsigned long i = 0; i < f->numbers[0]; i++)
                        buf_put_byte(out, 'd');
                break;
        case 2:
                put_be(out, (uint32_t)f->numbers[0], 4);
                buf_put_byte(out, (uint8_t)f->numbers[1]);
                break;
        case 3:
                put_be(out, 8, 4);
                break;
        case 5:
        case 8:
                put_be(out, (uint32_t)f->numbers[0], 4);
                break;
        case 6:
        case 7:
                buf_put(out, "\0\0\0\0\0\0\0\0", 8);
                break;
        }
}

static void put_frame(struct buf *out, struct frame *f)
{
        if (f->padded) {
                buf_put(&f->payload, "\0\0\0", PADDING);
                f->flags |= 8;
        }
        if (f->prioritised)
                f->flags |= 0x20;
        put_be(out, (uint32_t)f->payload.len, 3);
        put_be(out, f->type, 1);
        put_be(out, f->flags, 1);
        put_be(out, f->stream, 4);
        buf_put_slice(out, buf_slice(&f->payload));
        buf_free(&f->payload);
}

static bool put_raw(struct buf *out, const char *hex)
{
        unsigned byte;
        int used;

        for (; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
                buf_put_byte(out, (uint8_t)byte);
        return *hex == '\0';
}

/* The words up to the first bar. */
static bool read_words(struct frame *f, struct slice words)
{
        struct slice word;
        bool known = false, first = true;
        char text[64];

        while (slice_next(&words, ' ', &word)) {
                if (word.len == 0 || word.len >= sizeof(text))
                        continue;
                memcpy(text, word.data, word.len);
                text[word.len] = '\0';
                for (size_t i = 0; first && i < sizeof(types) / sizeof(types[0]); i++)
                        if (strcmp(text, types[i].name) == 0) {
                                f->type = types[i].type;
                                known = true;
                        }
                if (first && (f->type == 1 || f->type == 5 || f->type == 9))
                        f->flags = 4;
                if (!first)
                        read_word(f, text);
                first = false;
        }
        return known;
}

static bool put_one(struct buf *out, struct slice text)
{
        struct frame f = { 0 };
        struct slice part;
        char raw[4096];

        if (slice_is(text, "preface")) {
                buf_put_str(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
                return true;
        }
        if (text.len > 4 && memcmp(text.data, "raw ", 4) == 0 && text.len < sizeof(raw)) {
                snprintf(raw, sizeof(raw), "%.*s", (int)text.len - 4, text.data + 4);
                return put_raw(out, raw);
        }
        if (!slice_next(&text, '|', &part) || !read_words(&f, part)) {
                buf_free(&f.payload);
                return false;
        }
        put_start(&f);
        while (slice_next(&text, '|', &part)) {
                part = slice_trim(part);
                if (part.len && f.type == 0)
                        buf_put_slice(&f.payload, part);
                else if (part.len)
                        put_field(&f.payload, part);
        }
        put_frame(out, &f);
        return true;
}

bool h2_text_put(struct buf *out, const char *text)
{
        for (;;) {
                const char *end = strstr(text, " & ");
                if (!put_one(out, slice_trim(slice_of(text, end ? (size_t)(end - text)
                                                                : strlen(text)))))
                        return false;
                if (!end)
                        return true;
                text = end + 3;
        }
}
