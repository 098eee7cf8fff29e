/* SPDX-License-Identifier: MIT */
/*
 * ip - addresses and networks of both families as one value.
 *
 * IPv4 is held as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so ::ffff:192.0.2.1 and
 * 192.0.2.1 are the same address. Network lengths are those of IPv6: an IPv4
 * /24 has `bits` 120.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/slice.h"

#define IP_TEXT_MAX      46 /* INET6_ADDRSTRLEN */
#define NETWORK_TEXT_MAX (IP_TEXT_MAX + 4)

struct ip {
        uint8_t bytes[16]; /* network order */
};

struct network {
        struct ip ip; /* bits after the prefix are zero */
        uint8_t bits; /* 0..128 */
};

struct endpoint {
        struct ip ip;
        uint16_t port;
};

struct ip ip_from_v4(const uint8_t bytes[4]);
struct ip ip_from_v6(const uint8_t bytes[16]);
bool ip_is_v4(const struct ip *);

static inline bool ip_equal(const struct ip *a, const struct ip *b)
{
        return memcmp(a->bytes, b->bytes, 16) == 0;
}

/* "192.0.2.1", "2001:db8::1"; no brackets, port, zone or blanks. */
bool ip_parse(struct slice text, struct ip *ip);

/* As RFC 5952; IPv4 as dotted quad. `text` gets IP_TEXT_MAX at most. Returns length. */
size_t ip_format(const struct ip *ip, char *text);

/* Loopback, RFC 1918, RFC 4193, link-local, RFC 6598, unspecified. */
bool ip_is_private(const struct ip *ip);

/* The network of an address; `bits` as above. */
struct network network_of(const struct ip *ip, uint8_t bits);

/*
 * "10.0.0.0/8", "2001:db8::/32", or a single address. Bits set after the prefix
 * are cleared; *host_bits (may be NULL) tells that there were some.
 */
bool network_parse(struct slice text, struct network *network, bool *host_bits);
bool network_contains(const struct network *network, const struct ip *ip);

/* Whether they have an address in common: networks nest or are apart. */
bool networks_overlap(const struct network *a, const struct network *b);

/* Whether it has an address that ip_is_private: some of a wide network may not be. */
bool network_has_private(const struct network *network);
bool network_equal(const struct network *a, const struct network *b);

/* "203.0.113.0/24"; a single address stands without its length. Returns length. */
size_t network_format(const struct network *network, char *text);

#endif
