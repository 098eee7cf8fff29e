/* SPDX-License-Identifier: MIT */
/*
 * ranges - the networks of a published list, to be asked for an address.
 *
 * Two forms are read, told apart by the first character that is no blank:
 *
 *   text   one network a line; empty lines and what follows a `#` do not count
 *   JSON   {"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": ...}]}, as
 *          search engines publish it; other keys are passed over
 *
 * A list is not believed when it has a mistake, has no network at all, or has one that
 * no crawler owns (shorter than /8, of IPv6 /16): everybody would be in it.
 *
 * Lists may be added to until ranges_seal; then it is immutable. Cost of a question: a
 * binary search; 17 bytes for each network that lies in no other.
 */
#ifndef OBSERVE_RANGES_H
#define OBSERVE_RANGES_H

#include "base/ip.h"
#include "lang/diag.h"

#define RANGES_MAX      (1 << 20)  /* networks */
#define RANGES_FILE_MAX (16 << 20) /* bytes */

struct ranges {
        struct network *networks;
        uint32_t count, room;
};

/* False after at least one diag_error; `name` is what places call the file. */
bool ranges_add(struct ranges *, const char *name, struct slice text, struct diag *);

/* The same from a regular file. */
bool ranges_read(struct ranges *, const char *path, struct diag *);

/* Sorts, and drops what lies in another. Once, before the first question. */
void ranges_seal(struct ranges *);

bool ranges_contain(const struct ranges *, const struct ip *);
void ranges_free(struct ranges *);

#endif
