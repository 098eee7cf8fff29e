/* SPDX-License-Identifier: MIT */
#include "tls/ja3.h"

#include "base/bytes.h"

static char *put_number(char *at, unsigned number)
{
        char digits[5];
        int len = 0;

        do {
                digits[len++] = (char)('0' + number % 10);
                number /= 10;
        } while (number);
        while (len)
                *at++ = digits[--len];
        return at;
}

/* A member of a list, with the `-` before it unless it is the first. */
static char *put_member(char *at, const char *start, uint16_t number)
{
        if (tls_is_grease(number))
                return at;
        if (at > start)
                *at++ = '-';
        return put_number(at, number);
}

static char *put_list(char *at, struct slice list)
{
        const char *start = at;

        for (size_t i = 0; i < list.len; i += 2)
                at = put_member(at, start, load_be16(list.data + i));
        return at;
}

static char *put_extensions(char *at, const struct client_hello *h)
{
        const char *start = at;

        for (unsigned i = 0; i < h->extension_count; i++)
                at = put_member(at, start, h->extensions[i]);
        return at;
}

static char *put_bytes(char *at, struct slice list)
{
        const char *start = at;

        for (size_t i = 0; i < list.len; i++)
                at = put_member(at, start, list.data[i]);
        return at;
}

size_t ja3_string(const struct client_hello *h, char text[JA3_STRING_MAX])
{
        char *at = put_number(text, h->version);

        *at++ = ',';
        at = put_list(at, h->ciphers);
        *at++ = ',';
        at = put_extensions(at, h);
        *at++ = ',';
        at = put_list(at, h->groups);
        *at++ = ',';
        at = put_bytes(at, h->point_formats);
        return (size_t)(at - text);
}

void ja3(struct digest *md5, const struct client_hello *h, char text[JA3_TEXT_SIZE])
{
        char string[JA3_STRING_MAX];

        text[0] = '\0';
        if (!md5)
                return;
        digest_hex(md5, slice_of(string, ja3_string(h, string)), 16, text);
        text[JA3_TEXT_SIZE - 1] = '\0';
}
