/* SPDX-License-Identifier: MIT */
#include "observe/site.h"

#include "base/check.h"
#include "observe/record.h"
#include "observe/site_read.h"

#include <stdlib.h>

_Static_assert(RECORD_HEADERS == sizeof(((struct site *)0)->wanted_slots),
               "one slot for each header a rule may ask for");

/* What a rule may name though the site has no such page. */
static const char *const well_known[] = { "home",  "asset",       "profile", "search",
                                          "login", "signup_form", "signup",  "feed",
                                          "api",   "health" };

static int find_page(const void *context, struct slice name)
{
        const struct site *site = context;

        for (unsigned i = 0; i < site->page_count; i++)
                if (slice_is(name, site->pages[i].name))
                        return (int)i;
        return -1;
}

static const char *page_name(const void *context, int i)
{
        const struct site *site = context;

        return i >= 0 && (unsigned)i < site->page_count ? site->pages[i].name : NULL;
}

unsigned site_add_page(struct site *site, const char *name, bool defined)
{
        site->pages = realloc(site->pages, (site->page_count + 1) * sizeof(*site->pages));
        CHECK(site->pages);
        site->pages[site->page_count] = (struct page){ .name = name, .defined = defined };
        return site->page_count++;
}

bool site_is_token(struct slice s)
{
        for (size_t i = 0; i < s.len; i++) {
                uint8_t c = s.data[i];
                if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
                        return false;
        }
        return s.len > 0;
}

static struct site *site_new(void)
{
        struct site *site = calloc(1, sizeof(*site));

        CHECK(site);
        site->routes = routes_new();
        site->prefix_v4 = 96 + 24;
        site->prefix_v6 = 64;
        site->names = (struct value_names){ "page", find_page, page_name, site };
        headers_init(&site->headers);
        site_add_page(site, "other", true);
        return site;
}

static void page_clear(struct page *page)
{
        expr_free(&page->accepted);
        free(page->form);
}

void site_free(struct site **site)
{
        struct site *s = *site;

        if (!s)
                return;
        for (unsigned i = 0; i < s->page_count; i++)
                page_clear(&s->pages[i]);
        free(s->pages);
        routes_free(&s->routes);
        trusted_free(&s->trusted);
        zone_free(&s->zone);
        yaml_free(&s->yaml);
        free(s);
        *site = NULL;
}

static void read_zone(struct site_reader *r, const struct yaml_node *node)
{
        struct slice text;

        if (!yaml_text(node, "timezone", &text, r->diag) ||
            zone_load(&r->site->zone, (const char *)text.data))
                return;
        diag_error(r->diag, node->place,
                   "timezone: this system does not know '%.*s' (a name as in "
                   "/usr/share/zoneinfo, from the package tzdata)",
                   SITE_TEXT(text));
}

static void read_block_private(struct site_reader *r, const struct yaml_node *node)
{
        yaml_truth(node, "block_private", &r->site->blocks_private, r->diag);
}

static const struct section {
        const char *key;
        void (*read)(struct site_reader *, const struct yaml_node *);
} sections[] = {
        { "client", site_read_client },
        { "session", site_read_session },
        { "account", site_read_account },
        { "proxy_headers", site_read_proxy_headers },
        { "proxy_protocol", site_read_proxy_protocol },
        { "block_private", read_block_private },
        { "timezone", read_zone },
        { "pages", site_read_pages },
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void read_map(struct site_reader *r, const struct yaml_node *root)
{
        const char *known[SECTIONS + 1] = { NULL };

        for (size_t i = 0; i < SECTIONS; i++)
                known[i] = sections[i].key;
        yaml_check_keys(root, known, "a site map", r->diag);
        for (size_t i = 0; i < SECTIONS; i++) {
                const struct yaml_node *node = yaml_get(root, sections[i].key);
                if (node)
                        sections[i].read(r, node);
        }
        for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++)
                if (find_page(r->site, slice_str(well_known[i])) < 0)
                        site_add_page(r->site, well_known[i], false);
}

/* Takes the tree over. `errors` is how many there were before it was read. */
static struct site *site_from(struct yaml *yaml, unsigned errors, struct diag *diag)
{
        struct site *site;

        if (!yaml)
                return NULL;
        site = site_new();
        site->yaml = yaml;
        read_map(&(struct site_reader){ site, diag }, yaml_root(yaml));
        if (diag_errors(diag) > errors)
                site_free(&site);
        return site;
}

struct site *site_read(const char *path, struct diag *diag)
{
        unsigned errors = diag_errors(diag);

        return site_from(yaml_read(path, diag), errors, diag);
}

struct site *site_parse(const char *name, struct slice text, struct diag *diag)
{
        unsigned errors = diag_errors(diag);

        return site_from(yaml_parse(name, text, diag), errors, diag);
}

const struct value_names *site_page_names(const struct site *site)
{
        return &site->names;
}

bool site_page_is_defined(const struct site *site, unsigned page)
{
        return page < site->page_count && site->pages[page].defined;
}

bool site_page_is_signup(const struct site *site, unsigned page)
{
        return page < site->page_count && site->pages[page].is_signup;
}

bool site_believes_proxy_header(const struct site *site, const struct ip *peer)
{
        return site->proxy_protocol != PROXY_PROTOCOL_NEVER &&
               trusted_has(&site->trusted, peer);
}

bool site_is_trusted_proxy(const struct site *site, const struct ip *ip)
{
        return trusted_has(&site->trusted, ip);
}

bool site_has_trusted_proxy(const struct site *site, const struct network *network)
{
        return trusted_overlaps(&site->trusted, network);
}

bool site_blocks_private(const struct site *site)
{
        return site->blocks_private;
}

int64_t site_utc_offset_ns(const struct site *site, int64_t time_ns)
{
        return zone_offset_ns(&site->zone, time_ns);
}

int site_want_header(struct site *site, struct slice name)
{
        uint8_t slot;

        if (!site_is_token(name) ||
            (slot = headers_add_slot(&site->headers, name)) == HEADER_SLOT_NONE)
                return -1;
        for (unsigned i = 0; i < site->wanted_count; i++)
                if (site->wanted_slots[i] == slot)
                        return (int)i;
        if (site->wanted_count == RECORD_HEADERS)
                return -1;
        site->wanted_slots[site->wanted_count] = slot;
        return (int)site->wanted_count++;
}

static struct slice slot_name(const struct headers *headers, uint8_t slot)
{
        for (unsigned i = 1; i <= headers->count; i++)
                if (headers->kinds[i].slot == slot)
                        return slice_of(headers->kinds[i].name, headers->kinds[i].len);
        return slice_none();
}

bool site_wants_same_headers(const struct site *a, const struct site *b)
{
        if (a->wanted_count != b->wanted_count)
                return false;
        for (unsigned i = 0; i < a->wanted_count; i++)
                if (!slice_equal(slot_name(&a->headers, a->wanted_slots[i]),
                                 slot_name(&b->headers, b->wanted_slots[i])))
                        return false;
        return true;
}
