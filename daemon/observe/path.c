/* SPDX-License-Identifier: MIT */
#include "observe/path.h"

enum byte_class {
        BYTE_PLAIN, /* stands for itself */
        BYTE_SLASH,
        BYTE_PERCENT,
        BYTE_ENCODE, /* may not stand in a URL */
};

/* Controls, the space, DEL and what is not ASCII. */
static inline enum byte_class class_of(uint8_t c)
{
        if (c == '/')
                return BYTE_SLASH;
        if (c == '%')
                return BYTE_PERCENT;
        return c <= 0x20 || c >= 0x7f ? BYTE_ENCODE : BYTE_PLAIN;
}

static bool is_unreserved(uint8_t c)
{
        uint8_t letter = c | 0x20;

        return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_' || c == '~';
}

static int hex_digit(uint8_t c)
{
        uint8_t letter = c | 0x20;

        if (c >= '0' && c <= '9')
                return c - '0';
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The byte that the three characters at `at` stand for, or -1. */
static int percent_byte(struct slice s, size_t at)
{
        if (at + 2 >= s.len || s.data[at] != '%')
                return -1;
        int high = hex_digit(s.data[at + 1]), low = hex_digit(s.data[at + 2]);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Slashes in front of a slash or a dot are suspects; the slow way decides. */
static bool is_normal(struct slice s)
{
        for (size_t i = 0; i < s.len; i++) {
                enum byte_class class = class_of(s.data[i]);
                if (class == BYTE_PLAIN)
                        continue;
                if (class != BYTE_SLASH)
                        return false;
                if (i + 1 < s.len && (s.data[i + 1] == '/' || s.data[i + 1] == '.'))
                        return false;
        }
        return true;
}

static uint8_t *put_code(uint8_t *at, uint8_t byte)
{
        static const char hex[] = "0123456789ABCDEF";

        *at++ = '%';
        *at++ = (uint8_t)hex[byte >> 4];
        *at++ = (uint8_t)hex[byte & 15];
        return at;
}

/* Writes the segment at the start of `s` in normal form; *taken is its raw length. */
static uint8_t *put_segment(struct slice s, uint8_t *at, size_t *taken)
{
        size_t i = 0;

        while (i < s.len && s.data[i] != '/') {
                int byte = percent_byte(s, i);
                i += byte >= 0 ? 3 : 1;
                if (byte >= 0 && is_unreserved((uint8_t)byte))
                        *at++ = (uint8_t)byte;
                else if (byte >= 0)
                        at = put_code(at, (uint8_t)byte);
                else if (class_of(s.data[i - 1]) != BYTE_PLAIN)
                        at = put_code(at, s.data[i - 1]);
                else
                        *at++ = s.data[i - 1];
        }
        *taken = i;
        return at;
}

static struct slice normalise_slowly(struct slice s, uint8_t *out)
{
        uint8_t *at = out; /* behind a slash, always */
        size_t taken;

        *at++ = '/';
        while (s.len) {
                if (s.data[0] == '/') {
                        s = slice_from(s, 1);
                        continue;
                }
                uint8_t *segment = at;
                at = put_segment(s, at, &taken);
                s = slice_from(s, taken);
                size_t len = (size_t)(at - segment);
                if (len == 1 && segment[0] == '.') {
                        at = segment;
                } else if (len == 2 && segment[0] == '.' && segment[1] == '.') {
                        at = segment;
                        if (at > out + 1)
                                at--;
                        while (at > out + 1 && at[-1] != '/')
                                at--;
                } else if (s.len) {
                        *at++ = '/';
                }
        }
        return slice_of(out, (size_t)(at - out));
}

struct slice path_normalise(struct slice raw, uint8_t out[PATH_MAX_NORMAL])
{
        struct slice s = slice_first(raw, PATH_MAX_RAW);

        if (s.len == 0 || s.data[0] != '/')
                return s;
        s.len = slice_find(s, '#');
        return is_normal(s) ? s : normalise_slowly(s, out);
}

void path_split(struct slice normal, struct path *p)
{
        p->count = 0;
        if (normal.len && normal.data[normal.len - 1] == '/')
                normal.len--;
        while (normal.len) {
                normal = slice_from(normal, normal.data[0] == '/');
                size_t end = slice_find(normal, '/');
                if (p->count + 1 == PATH_MAX_SEGMENTS)
                        end = normal.len;
                p->segments[p->count++] = slice_first(normal, end);
                normal = slice_from(normal, end);
        }
}

struct slice path_decode(struct slice text, bool plus, uint8_t *out, size_t cap)
{
        size_t len = 0;

        if (text.len <= cap && slice_find(text, '%') == text.len &&
            !(plus && slice_find(text, '+') < text.len))
                return text;
        for (size_t i = 0; i < text.len && len < cap; i++) {
                int byte = percent_byte(text, i);
                if (byte >= 0)
                        i += 2;
                else
                        byte = plus && text.data[i] == '+' ? ' ' : text.data[i];
                out[len++] = (uint8_t)byte;
        }
        return slice_of(out, len);
}

static bool is_coded_name(struct slice text, struct slice name)
{
        size_t at = 0;

        for (size_t i = 0; i < text.len; i++, at++) {
                int byte = percent_byte(text, i);
                if (byte >= 0)
                        i += 2;
                else
                        byte = text.data[i] == '+' ? ' ' : text.data[i];
                if (at == name.len || name.data[at] != byte)
                        return false;
        }
        return at == name.len;
}

bool path_parameter(struct slice query, struct slice name, struct slice *value)
{
        struct slice pair;

        while (slice_next(&query, '&', &pair)) {
                size_t equals = slice_find(pair, '=');
                if (!is_coded_name(slice_first(pair, equals), name))
                        continue;
                *value = slice_from(pair, equals + 1);
                return true;
        }
        return false;
}
