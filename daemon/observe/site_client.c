/* SPDX-License-Identifier: MIT */
#include "observe/site_read.h"

#include "base/check.h"

#include <stdlib.h>

#define PROXIES_MAX       20000
#define PROXY_HEADERS_MAX 64

struct proxies {
        struct site_reader *reader;
        struct network *networks;
        unsigned count, cap;
};

static void read_proxy(void *context, const struct yaml_node *node)
{
        struct proxies *p = context;
        struct diag *diag = p->reader->diag;
        struct slice text;
        struct network network;
        char name[NETWORK_TEXT_MAX];
        bool host_bits;

        if (!yaml_text(node, "trusted_proxies", &text, diag))
                return;
        if (!network_parse(text, &network, &host_bits)) {
                diag_error(diag, node->place,
                           "trusted_proxies: '%.*s' is no address or network",
                           SITE_TEXT(text));
                return;
        }
        network_format(&network, name);
        if (host_bits)
                diag_warning(diag, node->place, "trusted_proxies: '%.*s' is read as %s",
                             SITE_TEXT(text), name);
        if (network.bits == 0 || (ip_is_v4(&network.ip) && network.bits == 96))
                diag_warning(
                    diag, node->place,
                    "trusted_proxies: with %s every visitor chooses his own address",
                    name);
        if (p->count == PROXIES_MAX) {
                diag_error(diag, node->place, "trusted_proxies: more than %d",
                           PROXIES_MAX);
                return;
        }
        if (p->count == p->cap) {
                p->cap = p->cap ? 2 * p->cap : 16;
                p->networks = realloc(p->networks, p->cap * sizeof(*p->networks));
                CHECK(p->networks);
        }
        p->networks[p->count++] = network;
}

static void read_proxies(struct site_reader *r, const struct yaml_node *node)
{
        struct proxies p = { .reader = r };

        yaml_one_or_list(node, "trusted_proxies", read_proxy, &p, r->diag);
        trusted_init(&r->site->trusted, p.networks, p.count);
        free(p.networks);
}

/* A header's name at a node; false after a mistake. */
static bool read_header_name(struct site_reader *r, const struct yaml_node *node,
                             const char *what, struct slice *name)
{
        if (!yaml_text(node, what, name, r->diag))
                return false;
        if (site_is_token(*name) && name->len <= HEADER_NAME_MAX)
                return true;
        diag_error(r->diag, node->place, "%s: '%.*s' cannot be the name of a header",
                   what, SITE_TEXT(*name));
        return false;
}

static void read_visitor_header(struct site_reader *r, const struct yaml_node *node)
{
        struct slice name;

        if (!read_header_name(r, node, "header", &name))
                return;
        struct header_kind *kind = headers_add(&r->site->headers, name);
        CHECK(kind);
        kind->roles |= HEADER_IS_VISITOR;
        kind->shape = HEADER_SHAPE_OUT;
        r->site->syntax = visitor_syntax_of(name);
}

static void read_prefix(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { "ipv4", "ipv6", NULL };
        const struct yaml_node *v4 = yaml_get(node, "ipv4"), *v6 = yaml_get(node, "ipv6");
        uint64_t bits;

        if (!yaml_check_keys(node, known, "prefix", r->diag))
                return;
        if (v4 && yaml_u64(v4, "prefix.ipv4", 1, 32, &bits, r->diag))
                r->site->prefix_v4 = (uint8_t)(bits + 96);
        if (v6 && yaml_u64(v6, "prefix.ipv6", 1, 128, &bits, r->diag))
                r->site->prefix_v6 = (uint8_t)bits;
}

void site_read_proxy_protocol(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { [PROXY_PROTOCOL_AUTO] = "auto",
                                             [PROXY_PROTOCOL_ALWAYS] = "always",
                                             [PROXY_PROTOCOL_NEVER] = "never",
                                             NULL };
        struct slice text;

        if (!yaml_text(node, "proxy_protocol", &text, r->diag))
                return;
        for (unsigned i = 0; known[i]; i++) {
                if (slice_is(text, known[i])) {
                        r->site->proxy_protocol = (enum proxy_protocol)i;
                        return;
                }
        }
        const char *near = diag_suggest(text, known);
        diag_error(r->diag, node->place,
                   "proxy_protocol: '%.*s' is not one of auto, always, never%s%s%s",
                   SITE_TEXT(text), near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
}

void site_read_client(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { "trusted_proxies", "header", "prefix",
                                             "proxy_protocol", NULL };

        yaml_check_keys(node, known, "client", r->diag);
        const struct yaml_node *proxies = yaml_get(node, "trusted_proxies");
        const struct yaml_node *header = yaml_get(node, "header");
        const struct yaml_node *prefix = yaml_get(node, "prefix");
        const struct yaml_node *protocol = yaml_get(node, "proxy_protocol");
        if (proxies)
                read_proxies(r, proxies);
        if (header)
                read_visitor_header(r, header);
        if (header && !proxies)
                diag_warning(r->diag, header->place,
                             "header is never read: there are no trusted_proxies");
        if (prefix)
                read_prefix(r, prefix);
        if (protocol)
                site_read_proxy_protocol(r, protocol);
}

struct identity_reader {
        struct site_reader *reader;
        struct identity *identity;
        enum identity_kind kind;
        const char *what;
};

/* The index of a cookie's name, given one when it is new. */
static uint8_t add_cookie(struct cookie_names *cookies, struct slice name)
{
        for (unsigned i = 0; i < cookies->count; i++)
                if (slice_equal(cookies->names[i], name))
                        return (uint8_t)i;
        CHECK(cookies->count < COOKIE_NAMES_MAX);
        cookies->names[cookies->count] = name;
        return (uint8_t)cookies->count++;
}

static bool is_credentials(struct slice name)
{
        return slice_equal_nocase(name, slice_str("authorization")) ||
               slice_equal_nocase(name, slice_str("proxy-authorization"));
}

static void read_source(void *context, const struct yaml_node *node)
{
        struct identity_reader *i = context;
        struct site *site = i->reader->site;
        struct identity_source source = { .kind = i->kind };

        if (i->kind != IDENTITY_COOKIE) {
                if (!read_header_name(i->reader, node, i->what, &source.name))
                        return;
        } else if (!yaml_text(node, i->what, &source.name, i->reader->diag)) {
                return;
        } else if (!site_is_token(source.name)) {
                diag_error(i->reader->diag, node->place,
                           "%s: '%.*s' cannot be the name of a cookie", i->what,
                           SITE_TEXT(source.name));
                return;
        }
        if (i->identity->count == IDENTITY_SOURCES) {
                diag_error(i->reader->diag, node->place, "%s: more than %d names",
                           i->what, IDENTITY_SOURCES);
                return;
        }
        if (i->kind == IDENTITY_COOKIE) {
                source.index = add_cookie(&site->cookies, source.name);
        } else if (i->kind == IDENTITY_HEADER) {
                source.index = headers_add_slot(&site->headers, source.name);
                source.credentials = is_credentials(source.name);
                /* There or not by who is logged in. */
                headers_add(&site->headers, source.name)->shape = HEADER_SHAPE_OUT;
        }
        i->identity->sources[i->identity->count++] = source;
}

static void read_identity(struct site_reader *r, const struct yaml_node *node,
                          const char *what, const char *const *known,
                          struct identity *identity)
{
        yaml_check_keys(node, known, what, r->diag);
        if (node->kind != YAML_MAP)
                return;
        if (!node->child)
                diag_error(r->diag, node->place, "%s names no cookie and no header",
                           what);
        for (const struct yaml_node *n = node->child; n; n = n->next) {
                struct identity_reader i = { r, identity, IDENTITY_COOKIE, n->key };
                if (strcmp(n->key, "header") == 0)
                        i.kind = IDENTITY_HEADER;
                else if (strcmp(n->key, "response_header") == 0)
                        i.kind = IDENTITY_RESPONSE_HEADER;
                else if (strcmp(n->key, "cookie") != 0)
                        continue;
                yaml_one_or_list(n, n->key, read_source, &i, r->diag);
        }
}

void site_read_session(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { "cookie", "header", NULL };

        read_identity(r, node, "session", known, &r->site->session);
}

void site_read_account(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { "cookie", "header", "response_header",
                                             NULL };

        read_identity(r, node, "account", known, &r->site->account);
}

struct proxy_headers {
        struct site_reader *reader;
        unsigned count;
};

static void read_proxy_header(void *context, const struct yaml_node *node)
{
        struct proxy_headers *p = context;
        struct slice name;

        if (!read_header_name(p->reader, node, "proxy_headers", &name))
                return;
        if (p->count++ < PROXY_HEADERS_MAX)
                headers_add(&p->reader->site->headers, name)->shape = HEADER_SHAPE_OUT;
        else
                diag_error(p->reader->diag, node->place, "proxy_headers: more than %d",
                           PROXY_HEADERS_MAX);
}

void site_read_proxy_headers(struct site_reader *r, const struct yaml_node *node)
{
        struct proxy_headers p = { r, 0 };

        yaml_one_or_list(node, "proxy_headers", read_proxy_header, &p, r->diag);
}
