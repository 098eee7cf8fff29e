/* SPDX-License-Identifier: MIT */
/*
 * The site map in one form: every key that has a value, in the order of the reference,
 * lists where there may be lists, defaults written out.
 */
#include "observe/site_read.h"

struct printing {
        struct buf *out;
        bool comma;
};

static void put_item(void *context, const struct yaml_node *node)
{
        struct printing *p = context;

        buf_put_str(p->out, p->comma ? ", " : "");
        yaml_put_text(node->text, p->out);
        p->comma = true;
}

/* `key: ['a', 'b']`, where the map has it. */
static void put_list(const struct yaml_node *map, const char *key, const char *indent,
                     struct buf *out)
{
        const struct yaml_node *node = map ? yaml_get(map, key) : NULL;
        struct printing p = { out, false };

        if (!node)
                return;
        buf_printf(out, "%s%s: [", indent, key);
        if (node->kind == YAML_SCALAR)
                put_item(&p, node);
        for (const struct yaml_node *n = node->kind == YAML_LIST ? node->child : NULL; n;
             n = n->next)
                put_item(&p, n);
        buf_put_str(out, "]\n");
}

static void put_network(void *context, const struct yaml_node *node)
{
        struct printing *p = context;
        char text[NETWORK_TEXT_MAX];
        struct network network;

        if (!network_parse(node->text, &network, NULL))
                return;
        buf_put_str(p->out, p->comma ? ", " : "");
        yaml_put_text(slice_of(text, network_format(&network, text)), p->out);
        p->comma = true;
}

static void put_proxies(const struct yaml_node *client, struct buf *out)
{
        const struct yaml_node *node =
            client ? yaml_get(client, "trusted_proxies") : NULL;
        struct printing p = { out, false };

        if (!node)
                return;
        buf_put_str(out, "  trusted_proxies: [");
        if (node->kind == YAML_SCALAR)
                put_network(&p, node);
        for (const struct yaml_node *n = node->kind == YAML_LIST ? node->child : NULL; n;
             n = n->next)
                put_network(&p, n);
        buf_put_str(out, "]\n");
}

static void put_client(const struct site *site, const struct yaml_node *root,
                       struct buf *out)
{
        static const char *const protocols[] = { "auto", "always", "never" };
        const struct yaml_node *client = yaml_get(root, "client");
        const struct yaml_node *header = client ? yaml_get(client, "header") : NULL;

        buf_put_str(out, "client:\n");
        put_proxies(client, out);
        if (header) {
                buf_put_str(out, "  header: ");
                yaml_put_text(header->text, out);
                buf_put_byte(out, '\n');
        }
        buf_printf(out, "  proxy_protocol: %s\n  prefix: { ipv4: %u, ipv6: %u }\n",
                   protocols[site->proxy_protocol], site->prefix_v4 - 96u,
                   site->prefix_v6);
}

/* Names of one kind stand together, as a map has each key once. */
static void put_identity(const char *key, const struct identity *identity,
                         struct buf *out)
{
        static const char *const kinds[] = {
                [IDENTITY_COOKIE] = "cookie",
                [IDENTITY_HEADER] = "header",
                [IDENTITY_RESPONSE_HEADER] = "response_header",
        };

        if (identity->count)
                buf_printf(out, "%s:\n", key);
        for (unsigned i = 0; i < identity->count; i++) {
                const struct identity_source *s = &identity->sources[i];
                bool begins = i == 0 || s[-1].kind != s->kind;
                bool ends = i + 1 == identity->count || s[1].kind != s->kind;
                if (begins)
                        buf_printf(out, "  %s: [", kinds[s->kind]);
                else
                        buf_put_str(out, ", ");
                yaml_put_text(s->name, out);
                buf_put_str(out, ends ? "]\n" : "");
        }
}

static void put_form(const struct yaml_node *form, struct buf *out)
{
        static const char *const keys[] = { "email", "name", "phone" };

        if (!form->child) {
                buf_put_str(out, "    form: {}\n");
                return;
        }
        buf_put_str(out, "    form:\n");
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                put_list(form, keys[i], "      ", out);
}

static void put_page(const struct page *page, const struct yaml_node *node,
                     struct buf *out)
{
        const struct yaml_node *form = yaml_get(node, "form");
        struct buf text = { 0 };

        buf_printf(out, "  - name: %s\n", page->name);
        put_list(node, "method", "    ", out);
        put_list(node, "path", "    ", out);
        if (form)
                put_form(form, out);
        if (!page->accepted)
                return;
        buf_put_str(out, "    accepted: ");
        expr_print(page->accepted, &text);
        yaml_put_text(buf_slice(&text), out);
        buf_put_byte(out, '\n');
        buf_free(&text);
}

void site_print(const struct site *site, struct buf *out)
{
        const struct yaml_node *root = yaml_root(site->yaml);
        const struct yaml_node *zone = yaml_get(root, "timezone");
        const struct yaml_node *pages = yaml_get(root, "pages");
        unsigned number = 1; /* behind `other` */

        put_client(site, root, out);
        put_identity("session", &site->session, out);
        put_identity("account", &site->account, out);
        put_list(root, "proxy_headers", "", out);
        buf_printf(out, "block_private: %s\ntimezone: ",
                   site->blocks_private ? "true" : "false");
        yaml_put_text(zone ? zone->text : slice_str("UTC"), out);
        buf_put_str(out, pages && pages->child ? "\npages:\n" : "\npages: []\n");
        for (const struct yaml_node *n = pages ? pages->child : NULL; n; n = n->next)
                put_page(&site->pages[number++], n, out);
}
