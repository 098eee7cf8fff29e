/* SPDX-License-Identifier: MIT */
#include "tls/ja4.h"

#include "base/bytes.h"

enum {
        NUMBER_SIZE = 5, /* four digits and a separator */
        HASH_BYTES = 6,
        NUMBERS_MAX = CLIENT_HELLO_CIPHERS_MAX,
        STRING_MAX =
            NUMBER_SIZE * (CLIENT_HELLO_EXTENSIONS_MAX + CLIENT_HELLO_LIST_MAX) + 1,
        EXTENSION_SERVER_NAME = 0,
        EXTENSION_ALPN = 16,
};

static const char digits[] = "0123456789abcdef";

struct numbers {
        unsigned count;
        uint16_t values[NUMBERS_MAX];
};

static void add(struct numbers *n, uint16_t value)
{
        if (!tls_is_grease(value))
                n->values[n->count++] = value;
}

static void add_list(struct numbers *n, struct slice list)
{
        n->count = 0;
        for (size_t i = 0; i < list.len; i += 2)
                add(n, load_be16(list.data + i));
}

/* Two passes over bytes: time linear in the count, whatever order a client chose. */
static void sort(struct numbers *n)
{
        uint16_t other[NUMBERS_MAX], *from = n->values, *to = other;

        for (int shift = 0; shift < 16; shift += 8) {
                unsigned at[257] = { 0 };
                for (unsigned i = 0; i < n->count; i++)
                        at[(from[i] >> shift & 255) + 1]++;
                for (int i = 0; i < 256; i++)
                        at[i + 1] += at[i];
                for (unsigned i = 0; i < n->count; i++)
                        to[at[from[i] >> shift & 255]++] = from[i];
                uint16_t *swap = from;
                from = to;
                to = swap;
        }
}

static char *put_numbers(char *at, const struct numbers *n)
{
        for (unsigned i = 0; i < n->count; i++) {
                if (i)
                        *at++ = ',';
                for (int shift = 12; shift >= 0; shift -= 4)
                        *at++ = digits[n->values[i] >> shift & 15];
        }
        return at;
}

static char *put_hash(char *at, struct digest *sha256, const char *string,
                      const char *end)
{
        if (end == string)
                memset(at, '0', 2 * HASH_BYTES);
        else
                digest_hex(sha256, slice_of(string, (size_t)(end - string)), HASH_BYTES,
                           at);
        return at + 2 * HASH_BYTES;
}

static char *put_count(char *at, unsigned count)
{
        if (count > 99)
                count = 99;
        *at++ = digits[count / 10];
        *at++ = digits[count % 10];
        return at;
}

static char *put_version(char *at, uint16_t version)
{
        static const struct {
                uint16_t version;
                char text[3];
        } names[] = {
                { 0x0304, "13" }, { 0x0303, "12" }, { 0x0302, "11" },
                { 0x0301, "10" }, { 0x0300, "s3" }, { 0x0002, "s2" },
        };
        const char *text = "00";

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (names[i].version == version)
                        text = names[i].text;
        *at++ = text[0];
        *at++ = text[1];
        return at;
}

static bool is_alphanumeric(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static char *put_alpn(char *at, struct slice alpn)
{
        uint8_t first = alpn.len ? alpn.data[0] : '0';
        uint8_t last = alpn.len ? alpn.data[alpn.len - 1] : '0';
        bool plain = is_alphanumeric(first) && is_alphanumeric(last);

        *at++ = plain ? (char)first : digits[first >> 4];
        *at++ = plain ? (char)last : digits[last & 15];
        return at;
}

static char *put_ciphers(char *at, struct digest *sha256, struct numbers *ciphers)
{
        char string[NUMBER_SIZE * CLIENT_HELLO_CIPHERS_MAX];

        sort(ciphers);
        return put_hash(at, sha256, string, put_numbers(string, ciphers));
}

static char *put_extensions(char *at, struct digest *sha256, const struct client_hello *h)
{
        char string[STRING_MAX], *end;
        struct numbers n;

        n.count = 0;
        for (unsigned i = 0; i < h->extension_count; i++)
                if (h->extensions[i] != EXTENSION_SERVER_NAME &&
                    h->extensions[i] != EXTENSION_ALPN)
                        add(&n, h->extensions[i]);
        sort(&n);
        end = put_numbers(string, &n);
        add_list(&n, h->signature_algorithms);
        if (n.count) {
                *end++ = '_';
                end = put_numbers(end, &n);
        }
        return put_hash(at, sha256, string, end);
}

static unsigned count_extensions(const struct client_hello *h)
{
        unsigned count = 0;

        for (unsigned i = 0; i < h->extension_count; i++)
                count += !tls_is_grease(h->extensions[i]);
        return count;
}

void ja4(struct digest *sha256, const struct client_hello *h, char transport,
         char text[JA4_TEXT_SIZE])
{
        struct numbers ciphers;
        char *at = text;

        add_list(&ciphers, h->ciphers);
        *at++ = transport;
        at = put_version(at, h->version_highest);
        *at++ = h->has_server_name ? 'd' : 'i';
        at = put_count(at, ciphers.count);
        at = put_count(at, count_extensions(h));
        at = put_alpn(at, h->alpn);
        *at++ = '_';
        at = put_ciphers(at, sha256, &ciphers);
        *at++ = '_';
        at = put_extensions(at, sha256, h);
        *at = '\0';
}
