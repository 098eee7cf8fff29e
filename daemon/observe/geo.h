/* SPDX-License-Identifier: MIT */
/*
 * geo - autonomous system and country of an address, from the operator's databases.
 *
 * Files in the MaxMind DB format, version 2: `autonomous_system_number` and
 * `country.iso_code` are read. A file is read whole and checked whole at the start: every
 * node of its tree and every record that one leads to, so that a damaged one is refused
 * with a message and not found out by traffic. It is kept in memory of our own; a file
 * that is overwritten in place later changes nothing here.
 *
 * Immutable. An IPv6 address in a database of IPv4 is not known. Cost of a look-up: a
 * walk of up to 128 nodes and the decoding of one record.
 */
#ifndef OBSERVE_GEO_H
#define OBSERVE_GEO_H

#include "base/ip.h"
#include "lang/diag.h"

#define GEO_FILE_MAX (UINT64_C(1) << 30) /* bytes */

struct geo;

enum geo_kind { GEO_ASN, GEO_COUNTRY };

/*
 * NULL after a diag_error: no such database, damaged, or one without a single record of
 * the kind.
 */
struct geo *geo_read(const char *path, enum geo_kind, struct diag *);
void geo_free(struct geo **);

/* False: not known. */
bool geo_asn(const struct geo *, const struct ip *, uint32_t *asn);

/* Two capital letters that live as long as the database, or none. */
struct slice geo_country(const struct geo *, const struct ip *);

#endif
