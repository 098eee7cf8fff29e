/* SPDX-License-Identifier: MIT */
#include "tls/hello_pack.h"

#include "base/check.h"

enum { CIPHERS_MAX = 2 * CLIENT_HELLO_CIPHERS_MAX, NONE = UINT16_MAX };

#define TIME_MAX                                                              \
        (INT64_MAX / 4) /* sums with what it is compared with do not overflow \
                         */

/* Then the bytes of server name, ALPN and ciphers, one behind the other. */
struct packed {
        int64_t time_ns;
        struct endpoint client, server;
        struct tcp_shape syn;
        uint16_t server_name, alpn, ciphers; /* lengths; NONE: there is none */
        uint8_t transport, ech;
        char ja3[JA3_TEXT_SIZE], ja4[JA4_TEXT_SIZE];
        uint8_t zeroes[6];
};

_Static_assert(sizeof(struct packed) == 152, "no holes: every byte is one of a field");

_Static_assert(sizeof(struct packed) + HELLO_NAME_MAX + UINT8_MAX + CIPHERS_MAX <=
                   HELLO_PACKED_MAX,
               "the longest fits");

/* ---- there ---- */

static uint16_t length_of(struct slice s, size_t max)
{
        CHECK(s.len <= max);
        return slice_is_none(s) ? NONE : (uint16_t)s.len;
}

void hello_pack(const struct hello *h, const struct tcp_shape *syn, struct buf *out)
{
        struct packed p = {
                .time_ns = h->time_ns,
                .client = h->client,
                .server = h->server,
                .syn = *syn,
                .server_name = length_of(h->server_name, HELLO_NAME_MAX),
                .alpn = length_of(h->alpn, UINT8_MAX),
                .ciphers = length_of(h->ciphers, CIPHERS_MAX),
                .transport = (uint8_t)h->transport,
                .ech = h->ech,
        };

        memcpy(p.ja3, h->ja3, sizeof(p.ja3));
        memcpy(p.ja4, h->ja4, sizeof(p.ja4));
        buf_put(out, &p, sizeof(p));
        buf_put_slice(out, h->server_name);
        buf_put_slice(out, h->alpn);
        buf_put_slice(out, h->ciphers);
}

/* ---- and back ---- */

static bool is_hexadecimal(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* First and last character of an ALPN, and an underscore between the parts. */
static bool is_of_ja4(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z') || c == '_';
}

/* As long as it can be, or empty; zeroes behind it: whole fields are hashed. */
static bool is_text(const char *text, size_t size, bool (*is_of)(uint8_t))
{
        for (size_t i = 0; i < size; i++)
                if (text[0] == '\0' || i + 1 == size ? text[i] != '\0'
                                                     : !is_of((uint8_t)text[i]))
                        return false;
        return true;
}

static bool is_sound(const struct packed *p, int64_t newest_ns)
{
        static const uint8_t zeroes[sizeof(p->zeroes)] = { 0 };

        return p->time_ns >= 0 && p->time_ns <= newest_ns && p->time_ns <= TIME_MAX &&
               p->transport <= HELLO_QUIC && p->ech <= 1 && tcp_shape_is_sound(&p->syn) &&
               is_text(p->ja3, sizeof(p->ja3), is_hexadecimal) &&
               is_text(p->ja4, sizeof(p->ja4), is_of_ja4) &&
               memcmp(p->zeroes, zeroes, sizeof(zeroes)) == 0;
}

static bool take_bytes(struct slice *rest, uint16_t len, size_t max, struct slice *part)
{
        *part = slice_none();
        return len == NONE || (len <= max && slice_take(rest, len, part));
}

bool hello_unpack(struct slice bytes, int64_t newest_ns, struct hello *h,
                  struct tcp_shape *syn)
{
        struct slice fixed;
        struct packed p;

        if (!slice_take(&bytes, sizeof(p), &fixed))
                return false;
        memcpy(&p, fixed.data, sizeof(p));
        if (!is_sound(&p, newest_ns))
                return false;
        *h = (struct hello){ .time_ns = p.time_ns,
                             .client = p.client,
                             .server = p.server,
                             .transport = (enum hello_transport)p.transport,
                             .ech = p.ech };
        memcpy(h->ja3, p.ja3, sizeof(h->ja3));
        memcpy(h->ja4, p.ja4, sizeof(h->ja4));
        *syn = p.syn;
        return take_bytes(&bytes, p.server_name, HELLO_NAME_MAX, &h->server_name) &&
               take_bytes(&bytes, p.alpn, UINT8_MAX, &h->alpn) &&
               take_bytes(&bytes, p.ciphers, CIPHERS_MAX, &h->ciphers) &&
               h->ciphers.len % 2 == 0 && bytes.len == 0;
}
