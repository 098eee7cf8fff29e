/* SPDX-License-Identifier: MIT */
/*
 * site - the site map: what the pages of a site are and who a visitor is.
 *
 * Loaded from site.yaml (the public contract is the site map chapter of
 * docs/rules.md). Immutable after loading. Page 0 is always `other`; the pages
 * of the file follow in its order. Well-known names that the file does not
 * define have numbers after those and match nothing.
 */
#ifndef OBSERVE_SITE_H
#define OBSERVE_SITE_H

#include "lang/expr.h"

struct site;

/* NULL after at least one diag_error. */
struct site *site_read(const char *path, struct diag *);
struct site *site_parse(const char *name, struct slice text, struct diag *);
void site_free(struct site **);

/* A site map in canonical form: parses to the same, and prints the same again. */
void site_print(const struct site *, struct buf *out);

/* For `page == profile` in rules: names, misspellings, numbers. Lives as long as site. */
const struct value_names *site_page_names(const struct site *);

/* True for pages that the file defines, false for well-known ones it does not. */
bool site_page_is_defined(const struct site *, unsigned page);

/* Whether signup.accepted is asked for its requests. */
bool site_page_is_signup(const struct site *, unsigned page);

/* Whether a PROXY header at the start of a connection from there is believed. */
bool site_believes_proxy_header(const struct site *, const struct ip *peer);

bool site_is_trusted_proxy(const struct site *, const struct ip *);

/* Whether any address of the network is one. */
bool site_has_trusted_proxy(const struct site *, const struct network *);
bool site_blocks_private(const struct site *); /* block_private: true */
int64_t site_utc_offset_ns(const struct site *, int64_t time_ns); /* timezone: */

/*
 * Makes `header('name')` of the rules available: the number under which the
 * record carries it. -1 when RECORD_HEADERS different names are taken.
 */
int site_want_header(struct site *, struct slice name);

/* Whether records carry the same ones under the same numbers. */
bool site_wants_same_headers(const struct site *, const struct site *);

#endif
