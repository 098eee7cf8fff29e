/* SPDX-License-Identifier: MIT */
/*
 * domains - a set of domain names, to be asked for a name or one above it.
 *
 * Read from a file: one domain a line, in any case; empty lines and those that begin
 * with `#` do not count. Immutable after that. The names lie in one block behind an
 * open-addressing table of their offsets: about 30 bytes a name.
 *
 * Cost: one hash for each label of the name that is asked for, 127 at the most.
 */
#ifndef OBSERVE_DOMAINS_H
#define OBSERVE_DOMAINS_H

#include "lang/diag.h"

#define DOMAIN_LENGTH_MAX 253

struct domains;

/* NULL after at least one diag_error. */
struct domains *domains_read(const char *path, struct diag *);
struct domains *domains_parse(const char *name, struct slice text, struct diag *);
void domains_free(struct domains **);

unsigned domains_count(const struct domains *);

/* Whether the set has `domain`, which is in lower case, or a domain that it lies in. */
bool domains_cover(const struct domains *, struct slice domain);

#endif
