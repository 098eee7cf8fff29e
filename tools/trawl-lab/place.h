/* SPDX-License-Identifier: MIT */
/*
 * place - addresses, and who shares them.
 *
 * Networks of six kinds, each of autonomous systems of their own: homes (an address for a
 * household), mobile carriers (CGNAT: hundreds of people behind one), companies (NAT of
 * 200 to 2 000 people), VPN exits, data centres, residential proxies (addresses out of
 * the homes, that people use at the same time). IPv6 for a part of homes and mobiles:
 * then a subscriber has a /64, and another address of it every day.
 */
#ifndef LAB_PLACE_H
#define LAB_PLACE_H

#include "dice.h"

struct address {
        uint8_t bytes[16]; /* IPv4: the first four */
        bool is_6;
};

enum place_kind {
        PLACE_HOME,
        PLACE_MOBILE,
        PLACE_COMPANY,
        PLACE_VPN,
        PLACE_HOSTING,
        PLACE_KINDS
};

struct places;

struct place_parameters;

/* `mobile_people` (about) are divided among the carriers' addresses. */
struct places *places_new(uint64_t seed, const struct place_parameters *,
                          uint64_t mobile_people);
void places_free(struct places **);

/*
 * The address of that subscriber, company or exit: the same for the same number and
 * `change` (of address: counts up when a mobile or a router reconnects; a home keeps its
 * /64 and has another address in it). Different homes, companies, exits and hosts have
 * different ones, for numbers below 4 million (homes), 500 000 (companies), 16 384
 * (exits) and 1 million (hosts).
 */
struct address place_address(const struct places *, enum place_kind, uint64_t number,
                             uint32_t change);

/* Whether that home or mobile comes by IPv6. */
bool place_is_6(const struct places *, enum place_kind, uint64_t number);

/* `count` different addresses of one network: a /24 (254 at most), or a /64's hosts when
 * is_6. Those of hosting are nobody else's. */
void place_neighbours(const struct places *, enum place_kind, uint64_t network, bool is_6,
                      uint32_t count, struct address *out);

/* Country (two letters) and autonomous system of it. */
void place_origin(const struct places *, const struct address *, char country[3],
                  uint32_t *asn);

void address_text(const struct address *, char text[46]);

#endif
