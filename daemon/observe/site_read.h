/* SPDX-License-Identifier: MIT */
/*
 * site_read - the parts of the loader of site.yaml. Only for site*.c.
 *
 * Each reads one section into the site and reports all its mistakes.
 */
#ifndef OBSERVE_SITE_READ_H
#define OBSERVE_SITE_READ_H

#include "observe/site_priv.h"

struct site_reader {
        struct site *site;
        struct diag *diag;
};

/* client:, session:, account:, proxy_headers: (site_client.c). */
void site_read_client(struct site_reader *, const struct yaml_node *);
void site_read_session(struct site_reader *, const struct yaml_node *);
void site_read_account(struct site_reader *, const struct yaml_node *);
void site_read_proxy_headers(struct site_reader *, const struct yaml_node *);
void site_read_proxy_protocol(struct site_reader *, const struct yaml_node *);

/* pages: (site_pages.c). */
void site_read_pages(struct site_reader *, const struct yaml_node *);

/* Takes room for one more page; its number. */
unsigned site_add_page(struct site *, const char *name, bool defined);

/* Whether every byte may stand in a token (RFC 9110 5.6.2), and there is one. */
bool site_is_token(struct slice);

/* Formats a slice with "%.*s". */
#define SITE_TEXT(slice) \
        (int)((slice).len < 80 ? (slice).len : 80), (const char *)(slice).data

#endif
