/* SPDX-License-Identifier: MIT */
#include "observe/crawlers.h"

#include "base/buf.h"
#include "base/check.h"
#include "lang/yaml.h"
#include "observe/agent_list.h"
#include "observe/domains.h"
#include "observe/ranges.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct crawler {
        char family[AGENT_FAMILY_MAX + 1];
        char *file; /* the first that its ranges came from, or NULL */
        struct ranges ranges;
        uint64_t host_bit;
        unsigned host_count;
        char *hosts[CRAWLER_HOSTS_MAX]; /* in lower case */
};

struct crawlers {
        struct crawler *list; /* by family */
        unsigned count, by_name;
};

/* ---- families ---- */

static bool is_family(struct slice s)
{
        if (s.len == 0 || s.len > AGENT_FAMILY_MAX)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                uint8_t c = s.data[i];
                bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                if (!plain && (i == 0 || (c != '.' && c != '_' && c != '-')))
                        return false;
        }
        return true;
}

static int compare_name(struct slice name, const char *family)
{
        int order = strncmp((const char *)name.data, family, name.len);

        return order ? order : -(family[name.len] != 0);
}

/* Its place among the families, or where it would be put. */
static unsigned place_of(const struct crawlers *c, struct slice family, bool *there)
{
        unsigned low = 0, high = c->count;

        *there = false;
        while (low < high) {
                unsigned middle = low + (high - low) / 2;
                int order = compare_name(family, c->list[middle].family);
                if (order == 0) {
                        *there = true;
                        return middle;
                }
                if (order > 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct crawler *crawlers_find(const struct crawlers *c, struct slice family)
{
        bool there;

        if (family.len == 0)
                return NULL;
        unsigned at = place_of(c, family, &there);
        return there ? &c->list[at] : NULL;
}

/* NULL after a diag_error. */
static struct crawler *take(struct crawlers *c, struct slice family, struct place place,
                            struct diag *diag)
{
        bool there;

        if (!is_family(family)) {
                diag_error(diag, place,
                           "'%.*s' is no family, as ua.family has them: small letters, "
                           "digits, . _ -",
                           (int)(family.len < 80 ? family.len : 80),
                           (const char *)family.data);
                return NULL;
        }
        unsigned at = place_of(c, family, &there);
        if (there)
                return &c->list[at];
        if (c->count == CRAWLERS_MAX) {
                diag_error(diag, place, "more than %d families", CRAWLERS_MAX);
                return NULL;
        }
        memmove(&c->list[at + 1], &c->list[at], (c->count - at) * sizeof(*c->list));
        c->count++;
        c->list[at] = (struct crawler){ 0 };
        memcpy(c->list[at].family, family.data, family.len);
        return &c->list[at];
}

/* ---- the folder of ranges ---- */

static struct slice family_of_file(const char *name)
{
        struct slice s = slice_str(name);

        if (slice_ends_with(s, slice_str(".txt")))
                s.len -= 4;
        else if (slice_ends_with(s, slice_str(".json")))
                s.len -= 5;
        return s;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_wanted(const struct dirent *entry)
{
        size_t len = strlen(entry->d_name);

        return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

static void read_ranges(struct crawlers *c, const char *folder, const char *name,
                        struct diag *diag)
{
        struct stat status;
        char *path;

        CHECK(asprintf(&path, "%s/%s", folder, name) >= 0);
        if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
                struct crawler *crawler =
                    take(c, family_of_file(name), (struct place){ .file = path }, diag);
                if (crawler) {
                        ranges_read(&crawler->ranges, path, diag);
                        if (!crawler->file)
                                crawler->file = strdup(path);
                }
        }
        free(path);
}

static void read_folder(struct crawlers *c, const char *folder, struct diag *diag)
{
        struct dirent **entries;
        int count = scandir(folder, &entries, is_wanted, by_name);

        if (count < 0) {
                diag_error(diag, (struct place){ .file = folder }, "cannot read: %s",
                           strerror(errno));
                return;
        }
        for (int i = 0; i < count; i++) {
                read_ranges(c, folder, entries[i]->d_name, diag);
                free(entries[i]);
        }
        free(entries);
        for (unsigned i = 0; i < c->count; i++)
                ranges_seal(&c->list[i].ranges);
}

/* ---- domains ---- */

/* Two labels at least: a top-level domain is everybody's. */
static bool is_domain(struct slice s)
{
        bool dotted = false;
        uint8_t before = '.';

        for (size_t i = 0; i < s.len; i++) {
                uint8_t c = s.data[i], lower = c | 0x20;
                bool part = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '_';
                if (c == '.' ? before == '.' : !part)
                        return false;
                dotted |= c == '.';
                before = c;
        }
        return dotted && before != '.' && s.len <= DOMAIN_LENGTH_MAX;
}

struct adding {
        struct crawler *crawler;
        struct diag *diag;
};

static void add_host(void *context, const struct yaml_node *node)
{
        struct adding *adding = context;
        struct crawler *crawler = adding->crawler;
        struct slice text;

        if (!yaml_text(node, "a domain", &text, adding->diag))
                return;
        if (!is_domain(text)) {
                diag_error(adding->diag, node->place,
                           "'%.*s' is no domain, as googlebot.com is",
                           (int)(text.len < 80 ? text.len : 80), (const char *)text.data);
                return;
        }
        if (crawler->host_count == CRAWLER_HOSTS_MAX) {
                diag_error(adding->diag, node->place, "more than %d domains of a family",
                           CRAWLER_HOSTS_MAX);
                return;
        }
        char *host = strndup((const char *)text.data, text.len);
        CHECK(host);
        for (char *at = host; *at; at++)
                if (*at >= 'A' && *at <= 'Z')
                        *at |= 0x20;
        crawler->hosts[crawler->host_count++] = host;
}

static void read_hosts(struct crawlers *c, const struct yaml *file, const char *name,
                       struct diag *diag)
{
        const struct yaml_node *root = yaml_root(file);

        if (root->kind != YAML_MAP) {
                diag_error(diag, (struct place){ .file = name },
                           "is no map from families to domains");
                return;
        }
        for (const struct yaml_node *node = root->child; node; node = node->next) {
                struct crawler *crawler =
                    take(c, slice_str(node->key), node->key_place, diag);
                struct adding adding = { crawler, diag };
                if (!crawler)
                        continue;
                if (c->by_name == CRAWLERS_BY_NAME) {
                        diag_error(diag, node->key_place,
                                   "more than %d families with domains",
                                   CRAWLERS_BY_NAME);
                        return;
                }
                crawler->host_bit = UINT64_C(1) << c->by_name++;
                yaml_one_or_list(node, node->key, add_host, &adding, diag);
        }
}

/* ---- the whole ---- */

static struct crawlers *crawlers_new(void)
{
        struct crawlers *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->list = calloc(CRAWLERS_MAX, sizeof(*c->list));
        CHECK(c->list);
        return c;
}

static struct crawlers *finish(struct crawlers *c, struct yaml *file, const char *name,
                               unsigned before, struct diag *diag)
{
        if (file)
                read_hosts(c, file, name, diag);
        yaml_free(&file);
        if (diag_errors(diag) > before)
                crawlers_free(&c);
        return c;
}

struct crawlers *crawlers_read(const char *folder, const char *hosts, struct diag *diag)
{
        unsigned before = diag_errors(diag);
        struct crawlers *c = crawlers_new();

        if (folder)
                read_folder(c, folder, diag);
        return finish(c, hosts ? yaml_read(hosts, diag) : NULL, hosts, before, diag);
}

struct crawlers *crawlers_parse(const char *name, struct slice hosts, struct diag *diag)
{
        unsigned before = diag_errors(diag);

        return finish(crawlers_new(), yaml_parse(name, hosts, diag), name, before, diag);
}

void crawlers_free(struct crawlers **crawlers)
{
        struct crawlers *c = *crawlers;

        if (!c)
                return;
        for (unsigned i = 0; i < c->count; i++) {
                struct crawler *crawler = &c->list[i];
                for (unsigned k = 0; k < crawler->host_count; k++)
                        free(crawler->hosts[k]);
                ranges_free(&crawler->ranges);
                free(crawler->file);
        }
        free(c->list);
        free(c);
        *crawlers = NULL;
}

bool crawler_has_ranges(const struct crawler *crawler)
{
        return crawler->ranges.count > 0;
}

bool crawler_owns(const struct crawler *crawler, const struct ip *ip)
{
        return ranges_contain(&crawler->ranges, ip);
}

uint64_t crawler_host_bit(const struct crawler *crawler)
{
        return crawler->host_bit;
}

static bool lies_in(struct slice name, struct slice domain)
{
        if (name.len < domain.len)
                return false;
        size_t rest = name.len - domain.len;
        return slice_equal_nocase(slice_from(name, rest), domain) &&
               (rest == 0 || name.data[rest - 1] == '.');
}

uint64_t crawlers_match_host(const struct crawlers *c, struct slice name)
{
        uint64_t families = 0;

        if (name.len && name.data[name.len - 1] == '.')
                name.len--;
        for (unsigned i = 0; i < c->count; i++)
                for (unsigned k = 0; k < c->list[i].host_count; k++)
                        if (lies_in(name, slice_str(c->list[i].hosts[k])))
                                families |= c->list[i].host_bit;
        return families;
}

bool crawlers_have_hosts(const struct crawlers *c)
{
        return c->by_name > 0;
}

static bool has_same_hosts(const struct crawler *a, const struct crawler *b)
{
        if (a->host_bit != b->host_bit || a->host_count != b->host_count)
                return false;
        for (unsigned i = 0; i < a->host_count; i++)
                if (strcmp(a->hosts[i], b->hosts[i]) != 0)
                        return false;
        return true;
}

bool crawlers_have_same_hosts(const struct crawlers *a, const struct crawlers *b)
{
        if (a->by_name != b->by_name)
                return false;
        for (unsigned i = 0; i < a->count; i++) {
                const struct crawler *other =
                    crawlers_find(b, slice_str(a->list[i].family));
                if (a->list[i].host_bit &&
                    (!other || !has_same_hosts(&a->list[i], other)))
                        return false;
        }
        return true;
}

struct slice crawlers_ranged(const struct crawlers *c, unsigned i, const char **file)
{
        for (unsigned k = 0; k < c->count; k++)
                if (c->list[k].file && i-- == 0) {
                        *file = c->list[k].file;
                        return slice_str(c->list[k].family);
                }
        return slice_none();
}
