/* SPDX-License-Identifier: MIT */
/*
 * rules - rule files, read and checked. Immutable after loading.
 *
 * The public contract is docs/rules.md. All mistakes of all files come out of
 * one run. Keys and functions that the contract names but this version does not
 * have yet are mistakes that say so.
 */
#ifndef DETECT_RULES_H
#define DETECT_RULES_H

#include "lang/diag.h"
#include "observe/site.h"

struct rules;

/*
 * Reads each path: a file, or a folder whose *.yaml are read in the order of
 * their names (not the folders below). `site` is consulted for page names and
 * told which headers rules read. NULL after at least one diag_error. No paths at
 * all give an empty set.
 */
struct rules *rules_read(const char *const *paths, unsigned count, struct site *site,
                         struct diag *);

/* The same from memory, for tests. */
struct rules *rules_parse(const char *name, struct slice text, struct site *site,
                          struct diag *);
void rules_free(struct rules **);

unsigned rules_count(const struct rules *);

/*
 * The names of those that are not off, one after the other; a rule with `per_each` comes
 * once for each key. NULL past the end.
 */
const char *rules_name(const struct rules *, unsigned i);

/*
 * All files as one rule file in canonical form: parses to the same plan, and prints the
 * same again. Lists from files stay in them.
 */
void rules_print(const struct rules *, struct buf *out);

/* Can any rule look at a transaction of this page? A page without one needs no record. */
bool rules_look_at(const struct rules *, unsigned page);

/*
 * Does any rule want to know when a session is changed into another? Transactions that
 * do so need a record whatever their page is.
 */
bool rules_follow_sessions(const struct rules *);

/* Does any expression read what the User-Agent claims to be? */
bool rules_read_agents(const struct rules *);
/* Does any rule, or an exemption, read the field of that name? */
bool rules_read_field(const struct rules *, const char *name);

/* The same, of transactions of this page. Costs a walk through all expressions. */
bool rules_read_field_on(const struct rules *, const char *name, unsigned page);

/* Does any rule put blocks? */
bool rules_block(const struct rules *);

#endif
