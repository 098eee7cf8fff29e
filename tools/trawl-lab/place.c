/* SPDX-License-Identifier: MIT */
/*
 * Each kind of place has blocks of addresses, one for each of its autonomous systems. A
 * number is first divided among the blocks, then put somewhere in its block by a
 * permutation, so that neighbours in number are no neighbours in address.
 *
 * Which networks they are is made up: no block stands for who has it outside.
 */
#include "place.h"

#include "parameters.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 32

/* Changes of address after which a subscriber has the first one again. */
#define HOME_CHANGES    8
#define COMPANY_CHANGES 4
#define MOBILE_CHANGES  32

static const struct layout {
        unsigned blocks, bits;     /* bits of an address in its block */
        uint8_t first[BLOCKS_MAX]; /* byte of each block's addresses */
        uint32_t asn;              /* of block 0 */
        uint8_t first_6;           /* second byte of its IPv6 addresses */
} layouts[PLACE_KINDS] = {
        [PLACE_HOME] = { 32,
                         20,
                         { 5,  24, 31, 37,  46,  62,  77,  78,  79,  80, 81,
                           82, 83, 84, 85,  86,  87,  88,  89,  90,  91, 92,
                           93, 94, 95, 109, 176, 178, 188, 212, 213, 217 },
                         64600,
                         0x02 },
        [PLACE_MOBILE] = { 8, 16, { 2, 27, 39, 42, 49, 101, 106, 110 }, 64700, 0x01 },
        [PLACE_COMPANY] = { 8,
                            18,
                            { 193, 194, 195, 131, 134, 141, 145, 149 },
                            64720,
                            0x05 },
        [PLACE_VPN] = { 4, 12, { 45, 146, 185, 191 }, 64740, 0x0c },
        [PLACE_HOSTING] = { 8, 18, { 3, 18, 34, 35, 51, 52, 54, 65 }, 64760, 0x07 },
};

static const char countries[][3] = { "DE", "US", "GB", "FR", "ES", "NL", "PL", "IT" };

struct places {
        uint64_t key[PLACE_KINDS];
        double ipv6;
        uint32_t carrier_exits; /* of each carrier */
};

struct places *places_new(uint64_t seed, const struct place_parameters *p,
                          uint64_t mobile_people)
{
        struct places *places = calloc(1, sizeof(*places));
        double exits = ceil((double)mobile_people / (double)p->mobile_sharing);

        CHECK(places);
        for (unsigned kind = 0; kind < PLACE_KINDS; kind++)
                places->key[kind] = dice_name(seed, "place", kind);
        places->ipv6 = p->ipv6;
        places->carrier_exits = (uint32_t)ceil(exits / layouts[PLACE_MOBILE].blocks);
        if (places->carrier_exits < 1)
                places->carrier_exits = 1;
        if (places->carrier_exits > 1U << layouts[PLACE_MOBILE].bits)
                places->carrier_exits = 1U << layouts[PLACE_MOBILE].bits;
        return places;
}

void places_free(struct places **places)
{
        free(*places);
        *places = NULL;
}

/* Where in its first byte's network a block begins: somewhere, by the seed. */
static uint32_t block_base(const struct places *p, enum place_kind kind, unsigned block)
{
        const struct layout *l = &layouts[kind];
        uint32_t in_eight = (uint32_t)dice_mix(p->key[kind], block) & 0xffffff;

        return (uint32_t)l->first[block] << 24 | (in_eight >> l->bits << l->bits);
}

static struct address address_4(uint32_t value)
{
        struct address a = { .is_6 = false };

        for (unsigned i = 0; i < 4; i++)
                a.bytes[i] = (uint8_t)(value >> (24 - 8 * i));
        return a;
}

/* The i-th of a block, in an order of its own. */
static struct address in_block(const struct places *p, enum place_kind kind,
                               unsigned block, uint32_t size, uint32_t i)
{
        uint64_t key = dice_mix(p->key[kind], 1000 + block);

        return address_4(block_base(p, kind, block) + dice_permute(key, size, i % size));
}

static void put_64(uint8_t *at, uint64_t value)
{
        for (unsigned i = 0; i < 8; i++)
                at[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* 2aKK:BBxx:NNNN:NNNN, and a host in it. `network` below 2^32, each another one. */
static struct address address_6(const struct places *p, enum place_kind kind,
                                unsigned block, uint32_t network, uint64_t host)
{
        struct address a = { .is_6 = true };
        uint32_t mixed = network * 0x9e3779b1U ^ (uint32_t)p->key[kind];

        put_64(a.bytes, (uint64_t)0x2a << 56 | (uint64_t)layouts[kind].first_6 << 48 |
                            (uint64_t)(0x10 + block) << 40 | mixed);
        put_64(a.bytes + 8, host);
        return a;
}

bool place_is_6(const struct places *p, enum place_kind kind, uint64_t number)
{
        if (kind != PLACE_HOME && kind != PLACE_MOBILE)
                return false;
        return dice_unit_of(dice_mix(p->key[kind] + 6, number)) < p->ipv6;
}

static struct address home(const struct places *p, uint64_t number, uint32_t change)
{
        const struct layout *l = &layouts[PLACE_HOME];
        unsigned block = (unsigned)(number % l->blocks);
        uint64_t i = number / l->blocks;

        if (place_is_6(p, PLACE_HOME, number))
                return address_6(p, PLACE_HOME, block, (uint32_t)i & INT32_MAX,
                                 dice_mix(dice_mix(p->key[PLACE_HOME], number), change));
        return in_block(p, PLACE_HOME, block, 1U << l->bits,
                        (uint32_t)(i * HOME_CHANGES + change % HOME_CHANGES));
}

static struct address mobile(const struct places *p, uint64_t number, uint32_t change)
{
        uint64_t key = dice_mix(p->key[PLACE_MOBILE], number);
        unsigned block = (unsigned)(number % layouts[PLACE_MOBILE].blocks);

        if (place_is_6(p, PLACE_MOBILE, number)) {
                uint64_t i = number / layouts[PLACE_MOBILE].blocks * MOBILE_CHANGES +
                             change % MOBILE_CHANGES;
                return address_6(p, PLACE_MOBILE, block, (uint32_t)i & INT32_MAX,
                                 dice_mix(key, change));
        }
        return in_block(p, PLACE_MOBILE, block, 1U << layouts[PLACE_MOBILE].bits,
                        (uint32_t)(dice_mix(key, change) % p->carrier_exits));
}

struct address place_address(const struct places *p, enum place_kind kind,
                             uint64_t number, uint32_t change)
{
        const struct layout *l = &layouts[kind];
        unsigned block = (unsigned)(number % l->blocks);
        uint32_t i = (uint32_t)(number / l->blocks), size = 1U << l->bits;

        switch (kind) {
        case PLACE_HOME:
                return home(p, number, change);
        case PLACE_MOBILE:
                return mobile(p, number, change);
        case PLACE_COMPANY:
                return in_block(p, kind, block, size,
                                i * COMPANY_CHANGES + change % COMPANY_CHANGES);
        case PLACE_HOSTING: /* the upper half is rented by whole networks */
                return in_block(p, kind, block, size / 2, i);
        default:
                return in_block(p, kind, block, size, i);
        }
}

static void neighbours_4(const struct places *p, enum place_kind kind, uint64_t network,
                         uint32_t count, struct address *out)
{
        const struct layout *l = &layouts[kind];
        unsigned block = (unsigned)(network % l->blocks);
        uint32_t first = kind == PLACE_HOSTING ? 1U << (l->bits - 9) : 0;
        uint32_t networks = (1U << (l->bits - 8)) - first;
        uint64_t key = dice_mix(p->key[kind], 2000 + block);
        uint32_t which =
            dice_permute(key, networks, (uint32_t)(network / l->blocks % networks));
        uint32_t base = block_base(p, kind, block) + ((first + which) << 8);

        CHECK(count <= 254);
        for (uint32_t i = 0; i < count; i++)
                out[i] =
                    address_4(base + 1 + dice_permute(dice_mix(key, network), 254, i));
}

void place_neighbours(const struct places *p, enum place_kind kind, uint64_t network,
                      bool is_6, uint32_t count, struct address *out)
{
        const struct layout *l = &layouts[kind];

        if (!is_6) {
                neighbours_4(p, kind, network, count, out);
                return;
        }
        uint32_t index = (uint32_t)(network / l->blocks) | 1U << 31;
        for (uint32_t i = 0; i < count; i++)
                out[i] = address_6(p, kind, (unsigned)(network % l->blocks), index,
                                   dice_mix(dice_mix(p->key[kind], network), i));
}

static bool is_in(const struct places *p, enum place_kind kind, unsigned block,
                  const struct address *a)
{
        if (a->is_6)
                return a->bytes[1] == layouts[kind].first_6 &&
                       a->bytes[2] == 0x10 + block;
        uint32_t value = (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
                         (uint32_t)a->bytes[2] << 8 | a->bytes[3];
        return (value ^ block_base(p, kind, block)) >> layouts[kind].bits == 0;
}

void place_origin(const struct places *p, const struct address *a, char country[3],
                  uint32_t *asn)
{
        for (unsigned kind = 0; kind < PLACE_KINDS; kind++)
                for (unsigned block = 0; block < layouts[kind].blocks; block++)
                        if (is_in(p, (enum place_kind)kind, block, a)) {
                                memcpy(country, countries[block % 8], 3);
                                *asn = layouts[kind].asn + block;
                                return;
                        }
        memcpy(country, "ZZ", 3);
        *asn = 0;
}

static char *put_byte(char *at, uint8_t value)
{
        if (value >= 100)
                *at++ = (char)('0' + value / 100);
        if (value >= 10)
                *at++ = (char)('0' + value / 10 % 10);
        *at++ = (char)('0' + value % 10);
        return at;
}

void address_text(const struct address *a, char text[46])
{
        if (a->is_6) {
                CHECK(inet_ntop(AF_INET6, a->bytes, text, 46));
                return;
        }
        for (unsigned i = 0; i < 4; i++) {
                text = put_byte(text, a->bytes[i]);
                *text++ = i < 3 ? '.' : '\0';
        }
}
