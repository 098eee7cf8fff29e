/* SPDX-License-Identifier: MIT */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct ip ip_from_v4(const uint8_t bytes[4])
{
        struct ip ip;

        memcpy(ip.bytes, mapped, 12);
        memcpy(ip.bytes + 12, bytes, 4);
        return ip;
}

struct ip ip_from_v6(const uint8_t bytes[16])
{
        struct ip ip;

        memcpy(ip.bytes, bytes, 16);
        return ip;
}

bool ip_is_v4(const struct ip *ip)
{
        return memcmp(ip->bytes, mapped, 12) == 0;
}

bool ip_parse(struct slice text, struct ip *ip)
{
        char copy[IP_TEXT_MAX];
        uint8_t bytes[16];

        if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, 0, text.len))
                return false;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        if (inet_pton(AF_INET, copy, bytes) == 1) {
                *ip = ip_from_v4(bytes);
                return true;
        }
        if (inet_pton(AF_INET6, copy, bytes) == 1) {
                *ip = ip_from_v6(bytes);
                return true;
        }
        return false;
}

static char *put_decimal(char *at, unsigned value)
{
        char digits[10];
        int n = 0;

        do
                digits[n++] = (char)('0' + value % 10);
        while (value /= 10);
        while (n)
                *at++ = digits[--n];
        return at;
}

size_t ip_format(const struct ip *ip, char *text)
{
        if (!ip_is_v4(ip)) {
                inet_ntop(AF_INET6, ip->bytes, text, IP_TEXT_MAX);
                return strlen(text);
        }
        char *at = text;
        for (int i = 12; i < 16; i++) {
                if (i > 12)
                        *at++ = '.';
                at = put_decimal(at, ip->bytes[i]);
        }
        *at = '\0';
        return (size_t)(at - text);
}

bool ip_is_private(const struct ip *ip)
{
        struct network one = { *ip, 128 };

        return network_has_private(&one);
}

bool network_has_private(const struct network *network)
{
        static const struct network ranges[] = {
                { { { [10] = 0xff, 0xff, 10 } }, 104 },
                { { { [10] = 0xff, 0xff, 127 } }, 104 },
                { { { [10] = 0xff, 0xff, 172, 16 } }, 108 },
                { { { [10] = 0xff, 0xff, 192, 168 } }, 112 },
                { { { [10] = 0xff, 0xff, 169, 254 } }, 112 },
                { { { [10] = 0xff, 0xff, 100, 64 } }, 106 },
                { { { [10] = 0xff, 0xff, 0 } }, 104 },
                { { { 0 } }, 127 }, /* :: and ::1 */
                { { { 0xfc } }, 7 },
                { { { 0xfe, 0x80 } }, 10 },
        };

        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
                if (networks_overlap(&ranges[i], network))
                        return true;
        return false;
}

struct network network_of(const struct ip *ip, uint8_t bits)
{
        struct network network = { *ip, bits };
        unsigned whole = bits / 8;

        if (whole < 16) {
                network.ip.bytes[whole] &= (uint8_t)(0xff00 >> (bits % 8));
                memset(network.ip.bytes + whole + 1, 0, 15 - whole);
        }
        return network;
}

bool network_parse(struct slice text, struct network *network, bool *host_bits)
{
        size_t slash = slice_find(text, '/');
        uint64_t bits = 128;
        struct ip ip;

        if (!ip_parse(slice_first(text, slash), &ip))
                return false;
        if (slash < text.len) {
                if (!slice_to_u64(slice_from(text, slash + 1), &bits))
                        return false;
                bool v4 = slice_find(text, ':') == text.len;
                if (bits > (v4 ? 32 : 128))
                        return false;
                bits += v4 ? 96 : 0;
        }
        *network = network_of(&ip, (uint8_t)bits);
        if (host_bits)
                *host_bits = !ip_equal(&network->ip, &ip);
        return true;
}

bool network_contains(const struct network *network, const struct ip *ip)
{
        unsigned whole = network->bits / 8;

        if (memcmp(network->ip.bytes, ip->bytes, whole) != 0)
                return false;
        if (network->bits % 8 == 0)
                return true;
        uint8_t mask = (uint8_t)(0xff00 >> (network->bits % 8));
        return ((network->ip.bytes[whole] ^ ip->bytes[whole]) & mask) == 0;
}

bool networks_overlap(const struct network *a, const struct network *b)
{
        return a->bits <= b->bits ? network_contains(a, &b->ip)
                                  : network_contains(b, &a->ip);
}

bool network_equal(const struct network *a, const struct network *b)
{
        return a->bits == b->bits && ip_equal(&a->ip, &b->ip);
}

size_t network_format(const struct network *network, char *text)
{
        size_t len = ip_format(&network->ip, text);

        if (network->bits == 128)
                return len;
        unsigned bits = network->bits;
        if (ip_is_v4(&network->ip) && bits >= 96)
                bits -= 96;
        text[len++] = '/';
        char *end = put_decimal(text + len, bits);
        *end = '\0';
        return (size_t)(end - text);
}
