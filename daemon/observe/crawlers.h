/* SPDX-License-Identifier: MIT */
/*
 * crawlers - by what the crawlers of each family can be known: address ranges and names.
 *
 * A folder has the ranges, a file or more for each family: FAMILY, FAMILY.txt or
 * FAMILY.json (ranges.h), where FAMILY is what ua.family says. Files that begin with a
 * dot or end in `~` are passed over, as are folders. A second file is a YAML map from
 * families to the domains in which their machines have names:
 *
 *   googlebot: [googlebot.com, google.com]
 *
 * A name belongs to a family when it is such a domain or lies below one: whole labels
 * are compared, in any case, so notgooglebot.com and googlebot.com.example do not.
 *
 * Immutable. Says nothing about an address by itself but for the ranges: which names it
 * has is found out elsewhere (app/reverse_dns.h). Cost: a binary search over the
 * families, and one over the ranges.
 */
#ifndef OBSERVE_CRAWLERS_H
#define OBSERVE_CRAWLERS_H

#include "base/ip.h"
#include "lang/diag.h"

#define CRAWLERS_MAX      1024 /* families */
#define CRAWLERS_BY_NAME  64   /* of them, with domains: a bit each */
#define CRAWLER_HOSTS_MAX 16   /* domains of one family */

struct crawlers;
struct crawler;

/* Either path may be NULL: then there are none. NULL after at least one diag_error. */
struct crawlers *crawlers_read(const char *folder, const char *hosts, struct diag *);
/* Domains from memory, no ranges; for tests. */
struct crawlers *crawlers_parse(const char *name, struct slice hosts, struct diag *);
void crawlers_free(struct crawlers **);

/* NULL: nothing is known by which one could be told. */
const struct crawler *crawlers_find(const struct crawlers *, struct slice family);

bool crawler_has_ranges(const struct crawler *);
bool crawler_owns(const struct crawler *, const struct ip *);

/* The bit of the family in what crawlers_match_host answers; 0: it has no domains. */
uint64_t crawler_host_bit(const struct crawler *);

/* The families that a host's name belongs to. A dot at its end does not matter. */
uint64_t crawlers_match_host(const struct crawlers *, struct slice name);

/* Whether any family has domains. */
bool crawlers_have_hosts(const struct crawlers *);

/* Whether names are told from one another by the same bits in both. */
bool crawlers_have_same_hosts(const struct crawlers *, const struct crawlers *);

/* The family number `i` that has ranges, or none behind the last; and its file. */
struct slice crawlers_ranged(const struct crawlers *, unsigned i, const char **file);

#endif
