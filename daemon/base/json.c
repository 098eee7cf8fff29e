/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put_key(struct json *j, const char *key)
{
        if (j->comma)
                buf_put_byte(j->out, ',');
        j->comma = true;
        if (key) {
                buf_put_byte(j->out, '"');
                buf_put_str(j->out, key);
                buf_put(j->out, "\":", 2);
        }
}

void json_open(struct json *j, const char *key)
{
        put_key(j, key);
        buf_put_byte(j->out, '{');
        j->comma = false;
}

void json_close(struct json *j)
{
        buf_put_byte(j->out, '}');
        j->comma = true;
}

void json_array(struct json *j, const char *key)
{
        put_key(j, key);
        buf_put_byte(j->out, '[');
        j->comma = false;
}

void json_array_close(struct json *j)
{
        buf_put_byte(j->out, ']');
        j->comma = true;
}

/* Plain: printable ASCII but for the quote and the backslash. */
static bool is_plain(uint8_t c)
{
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static bool is_continuation(uint8_t c)
{
        return (c & 0xc0) == 0x80;
}

/* Length of the well-formed sequence at the start of s, or 0 (RFC 3629 section 4). */
static size_t utf8_length(struct slice s)
{
        uint8_t c = s.data[0];
        size_t len = c < 0x80   ? 1
                     : c < 0xc2 ? 0
                     : c < 0xe0 ? 2
                     : c < 0xf0 ? 3
                     : c < 0xf5 ? 4
                                : 0;

        if (len == 0 || len > s.len)
                return 0;
        for (size_t i = 1; i < len; i++)
                if (!is_continuation(s.data[i]))
                        return 0;
        if (len < 3)
                return len;
        uint8_t second = s.data[1];
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
            (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
                return 0;
        return len;
}

static void put_escape(struct buf *out, uint8_t c)
{
        static const char hex[] = "0123456789abcdef";
        static const char named[] = "\"\\\b\f\n\r\t";
        static const char letter[] = "\"\\bfnrt";
        const char *at = c ? strchr(named, c) : NULL;

        if (at) {
                buf_put_byte(out, '\\');
                buf_put_byte(out, (uint8_t)letter[at - named]);
                return;
        }
        buf_put(out, "\\u00", 4);
        buf_put_byte(out, (uint8_t)hex[c >> 4]);
        buf_put_byte(out, (uint8_t)hex[c & 15]);
}

/* Puts the sequence at the front of *s, or U+FFFD for a byte that begins none. */
static void put_beyond_ascii(struct buf *out, struct slice *s)
{
        size_t len = utf8_length(*s);

        if (len)
                buf_put(out, s->data, len);
        else
                buf_put_str(out, "\xef\xbf\xbd");
        *s = slice_from(*s, len ? len : 1);
}

void json_put_string(struct buf *out, struct slice s)
{
        buf_put_byte(out, '"');
        while (s.len) {
                size_t plain = 0;
                while (plain < s.len && is_plain(s.data[plain]))
                        plain++;
                buf_put(out, s.data, plain);
                s = slice_from(s, plain);
                if (s.len == 0)
                        break;
                if (s.data[0] < 0x80) {
                        put_escape(out, s.data[0]);
                        s = slice_from(s, 1);
                } else {
                        put_beyond_ascii(out, &s);
                }
        }
        buf_put_byte(out, '"');
}

void json_put_utf8(struct buf *out, struct slice s)
{
        while (s.len) {
                size_t ascii = 0;
                while (ascii < s.len && s.data[ascii] < 0x80)
                        ascii++;
                buf_put(out, s.data, ascii);
                s = slice_from(s, ascii);
                if (s.len)
                        put_beyond_ascii(out, &s);
        }
}

void json_string(struct json *j, const char *key, struct slice value)
{
        put_key(j, key);
        json_put_string(j->out, value);
}

void json_text(struct json *j, const char *key, const char *value)
{
        json_string(j, key, slice_str(value));
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
        char digits[20];
        size_t at = sizeof(digits);

        put_key(j, key);
        do
                digits[--at] = (char)('0' + value % 10);
        while (value /= 10);
        buf_put(j->out, digits + at, sizeof(digits) - at);
}

void json_bool(struct json *j, const char *key, bool value)
{
        put_key(j, key);
        buf_put_str(j->out, value ? "true" : "false");
}

void json_number(struct json *j, const char *key, double value)
{
        char text[32];

        put_key(j, key);
        if (!isfinite(value)) {
                buf_put_str(j->out, "null");
                return;
        }
        if (value == floor(value) && fabs(value) < 1e15) {
                buf_printf(j->out, "%.0f", value);
                return;
        }
        for (int digits = 6; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, value);
                if (strtod(text, NULL) == value)
                        break;
        }
        buf_put_str(j->out, text);
}

void json_time(struct json *j, const char *key, int64_t time_ns)
{
        char text[CLOCK_TEXT_MAX];

        put_key(j, key);
        size_t len = clock_format(time_ns, text);
        buf_put_byte(j->out, '"');
        buf_put(j->out, text, len);
        buf_put_byte(j->out, '"');
}

void json_ip(struct json *j, const char *key, const struct ip *ip)
{
        char text[IP_TEXT_MAX];
        size_t len = ip_format(ip, text);

        put_key(j, key);
        buf_put_byte(j->out, '"');
        buf_put(j->out, text, len);
        buf_put_byte(j->out, '"');
}

void json_key(struct json *j, struct slice key)
{
        put_key(j, NULL);
        json_put_string(j->out, key);
        buf_put_byte(j->out, ':');
        j->comma = false;
}
