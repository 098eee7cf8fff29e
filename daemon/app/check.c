/* SPDX-License-Identifier: MIT */
#include "app/check.h"

#include <errno.h>
#include <event2/util.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/privacy.h"
#include "app/paths.h"
#include "app/reach.h"
#include "base/check.h"
#include "base/hash.h"
#include "capture/capture.h"
#include "lang/yaml.h"

void check_add_rules(struct check_request *request, const char *path)
{
        request->rules.given = true;
        if (strcmp(path, "none") != 0)
                text_list_add(&request->rules, path);
}

/* Kinds of files */

enum file_kind { FILE_CONFIG, FILE_SITE, FILE_RULES, FILE_RULE_TEST, FILE_UNKNOWN };

/* What only one kind of file has at its top. `rules` is a map in a configuration. */
static enum file_kind kind_of_key(const struct yaml_node *node)
{
        static const char *const site[] = { "client",        "session",        "account",
                                            "pages",         "block_private",  "timezone",
                                            "proxy_headers", "proxy_protocol", NULL };
        static const char *const rules[] = { "rules", "lists", "defaults", "exempt",
                                             NULL };
        const char *const *sections = config_sections();

        if (strcmp(node->key, "cases") == 0)
                return FILE_RULE_TEST;
        for (int i = 0; site[i]; i++)
                if (strcmp(node->key, site[i]) == 0)
                        return FILE_SITE;
        if (strcmp(node->key, "rules") != 0 || node->kind == YAML_MAP)
                for (int i = 0; sections[i]; i++)
                        if (strcmp(node->key, sections[i]) == 0)
                                return FILE_CONFIG;
        for (int i = 0; rules[i]; i++)
                if (strcmp(node->key, rules[i]) == 0)
                        return FILE_RULES;
        return FILE_UNKNOWN;
}

/* The kind most of the keys speak for; a rule test also names rules and a site. */
static enum file_kind kind_of_file(const struct yaml_node *root)
{
        unsigned votes[FILE_UNKNOWN + 1] = { 0 };
        enum file_kind best = FILE_UNKNOWN;

        if (root->kind != YAML_MAP)
                return FILE_UNKNOWN;
        for (const struct yaml_node *node = root->child; node; node = node->next)
                votes[kind_of_key(node)]++;
        if (votes[FILE_RULE_TEST])
                return FILE_RULE_TEST;
        for (int kind = FILE_CONFIG; kind < FILE_UNKNOWN; kind++)
                if (votes[kind] > (best == FILE_UNKNOWN ? 0 : votes[best]))
                        best = (enum file_kind)kind;
        return best;
}

/* Only one of them can be checked at a time. */
static bool put_once(const char **slot, const char *path, const char *what,
                     struct buf *messages)
{
        if (*slot) {
                buf_printf(messages, "%s: %s is %s already: check one at a time\n", path,
                           *slot, what);
                return false;
        }
        *slot = path;
        return true;
}

static bool is_folder(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool check_add_file(struct check_request *request, const char *path, struct buf *messages)
{
        enum file_kind kind = FILE_RULES;
        struct diag *diag;
        struct yaml *file;

        if (!is_folder(path)) {
                diag = diag_new();
                file = yaml_read(path, diag);
                if (!file)
                        diag_print(diag, messages);
                kind = file ? kind_of_file(yaml_root(file)) : FILE_UNKNOWN;
                diag_free(&diag);
                if (!file)
                        return false;
                yaml_free(&file);
        }
        switch (kind) {
        case FILE_CONFIG:
                return put_once(&request->config, path, "the configuration", messages);
        case FILE_SITE:
                return put_once(&request->site, path, "the site map", messages);
        case FILE_RULES:
                check_add_rules(request, path);
                return true;
        case FILE_RULE_TEST:
                buf_printf(messages, "%s: a test of rules: trawlctl test runs it\n",
                           path);
                return false;
        case FILE_UNKNOWN:
                break;
        }
        buf_printf(messages,
                   "%s:1:1: neither a configuration (redis:, capture:, ...), a site map "
                   "(pages:, client:, ...) nor rules (rules: as a list)\n",
                   path);
        return false;
}

void check_request_free(struct check_request *request)
{
        text_list_clear(&request->settings);
        text_list_clear(&request->rules);
        text_list_clear(&request->interfaces);
}

/* Loading */

static void copy_list(struct text_list *to, const struct text_list *from)
{
        text_list_clear(to);
        for (unsigned i = 0; i < from->count; i++)
                text_list_add(to, from->items[i]);
        to->given = from->given;
}

/* Configuration file, then -o, then the options that have a letter of their own. */
static void load_config(const struct check_request *request, struct config *config,
                        struct diag *diag)
{
        config_init(config);
        if (request->config)
                config_read(config, request->config, diag);
        for (unsigned i = 0; i < request->settings.count; i++)
                config_set(config, request->settings.items[i], diag);
        config_check(config, diag);
        if (request->interfaces.given)
                copy_list(&config->capture.interfaces, &request->interfaces);
        if (request->rules.given)
                copy_list(&config->rules.paths, &request->rules);
        if (request->filter) {
                free(config->capture.filter);
                config->capture.filter = strdup(request->filter);
        }
        if (request->site) {
                free(config->site.file);
                config->site.file = strdup(request->site);
        }
}

/* What the daemon would refuse only when it opens its captures and its key. */
static void check_filter(const struct check_request *request, const struct config *config,
                         struct diag *diag)
{
        const char *filter = config->capture.filter;
        char error[CAPTURE_ERROR_MAX];

        if (filter && *filter && !capture_check_filter(filter, error))
                diag_error(diag,
                           request->filter ? (struct place){ .file = "-f" }
                                           : config_place(config, "capture.filter"),
                           "%s", error);
}

static void check_key_file(const struct config *config, struct diag *diag)
{
        const char *path = config->privacy.key_file;
        char error[PRIVACY_ERROR_MAX];

        if (path && !privacy_check_key(path, error))
                diag_error(diag, config_place(config, "privacy.key_file"),
                           "privacy key %s", error);
}

/* Reading files takes the place of Redis from -o alone. */
static void check_redis(const struct check_request *request, const struct config *config,
                        struct diag *diag)
{
        if (config->redis.url &&
            (!request->is_offline || config_is_from_option(config, "redis.url")))
                reach_check(config, diag);
}

static void load_site(struct setup *setup, struct diag *diag)
{
        const char *file = setup->config.site.file;

        setup->site_is_default = file == NULL;
        setup->site_path = file ? strdup(file) : paths_shipped_site();
        if (setup->site_path && !file)
                diag_warning(
                    diag, (struct place){ .file = setup->site_path },
                    "no site map was named, so this example is used: write your own "
                    "and name it with -s FILE or site.file");
        if (setup->site_path)
                setup->site = site_read(setup->site_path, diag);
        else
                diag_error(diag, (struct place){ .file = "site.file" },
                           "no site map is given and the shipped one is not installed: "
                           "name one with -s FILE or site.file");
}

static void load_rules(struct setup *setup, struct diag *diag)
{
        const struct text_list *paths = &setup->config.rules.paths;
        char *shipped = paths->given ? NULL : paths_shipped_rules();

        if (paths->given)
                copy_list(&setup->rule_paths, paths);
        else if (shipped)
                text_list_add(&setup->rule_paths, shipped);
        else
                diag_error(diag, (struct place){ .file = "rules.paths" },
                           "no rules are given and the shipped ones are not installed: "
                           "name some with -R PATH, or -R none");
        free(shipped);
        if (!paths->given && setup->rule_paths.count == 0)
                return;
        if (!setup->site) {
                if (setup->rule_paths.count)
                        diag_warning(diag,
                                     (struct place){ .file = setup->rule_paths.items[0] },
                                     "rules are looked at once the site map, whose pages "
                                     "they name, is right");
                return;
        }
        setup->rules = rules_read((const char *const *)setup->rule_paths.items,
                                  setup->rule_paths.count, setup->site, diag);
}

/* Read where a rule asks for it, and where one was named: mistakes are to be found. */
/* `any` and `none` leave nothing for others to say. */
static void check_tunnel_sources(const struct config *config, struct diag *diag)
{
        const struct text_list *sources = &config->capture.tunnel_sources;

        if (sources->count == 0)
                diag_error(diag, config_place(config, "capture.tunnel_sources"),
                           "an empty list: write none, any, or networks");
        for (unsigned i = 0; sources->count > 1 && i < sources->count; i++)
                if (strcmp(sources->items[i], "any") == 0 ||
                    strcmp(sources->items[i], "none") == 0)
                        diag_error(diag, config_place(config, "capture.tunnel_sources"),
                                   "'%s' stands alone, without networks beside it",
                                   sources->items[i]);
}

/* What the file holds goes into setup->lists_hash. */
static void note_list(struct setup *setup, const char *path)
{
        const struct hash_key key = hash_key_fixed();
        FILE *file = fopen(path, "rbe");
        uint8_t bytes[4096];
        size_t len;

        if (!file)
                return;
        while ((len = fread(bytes, 1, sizeof(bytes), file)) > 0)
                setup->lists_hash =
                    hash_mix(setup->lists_hash, hash_slice(&key, slice_of(bytes, len)));
        fclose(file);
}

static void load_agents(struct setup *setup, struct diag *diag)
{
        const char *file = setup->config.data.agents;
        char *path;

        if (!file && !(setup->rules && rules_read_agents(setup->rules)))
                return;
        path = file ? strdup(file) : paths_shipped_agents();
        if (path)
                setup->agents = agent_list_read(path, diag);
        if (path)
                note_list(setup, path);
        else
                diag_error(diag, (struct place){ .file = "data.agents" },
                           "a rule asks what a User-Agent says (ua.family, bot.claimed "
                           "...), no list "
                           "of bots is given and the shipped one is not installed");
        free(path);
}

/* Only where a rule asks: it is long. */
static void load_disposable(struct setup *setup, struct diag *diag)
{
        const char *file = setup->config.data.disposable;

        if (!setup->rules || !rules_read_field(setup->rules, "email.disposable"))
                return;
        char *path = file ? strdup(file) : paths_shipped_disposable();
        if (path)
                setup->disposable = domains_read(path, diag);
        if (path)
                note_list(setup, path);
        else
                diag_error(diag, (struct place){ .file = "data.disposable" },
                           "a rule reads email.disposable, and the shipped list of "
                           "domains is not installed: name one");
        free(path);
}

bool check_wants_crawlers(const struct setup *setup)
{
        return setup->rules && (rules_read_field(setup->rules, "bot.verified") ||
                                rules_read_field(setup->rules, "bot.check"));
}

static bool is_agent_family(const struct agent_list *list, struct slice family)
{
        struct slice known;

        for (uint16_t i = 1; !slice_is_none(known = agent_list_family(list, i)); i++)
                if (slice_equal(known, family))
                        return true;
        return false;
}

/* A file that nobody would ever be checked by has a wrong name, most likely. */
static void check_families(const struct setup *setup, struct diag *diag)
{
        struct slice family;
        const char *file;

        for (unsigned i = 0;
             !slice_is_none(family = crawlers_ranged(setup->crawlers, i, &file)); i++)
                if (!is_agent_family(setup->agents, family))
                        diag_warning(diag, (struct place){ .file = file },
                                     "the list of bots has no family '%.*s', so these "
                                     "ranges are not used",
                                     (int)family.len, (const char *)family.data);
}

static void load_crawlers(struct setup *setup, struct diag *diag)
{
        const char *hosts = setup->config.data.crawler_hosts;
        const char *folder = setup->config.data.crawlers;

        if (!folder && !hosts && !check_wants_crawlers(setup))
                return;
        char *path = hosts ? strdup(hosts) : paths_shipped_crawler_hosts();
        setup->crawlers = crawlers_read(folder, path, diag);
        free(path);
        if (setup->crawlers && setup->agents)
                check_families(setup, diag);
}

/* The shipped rules are told nothing: they are written for both cases. */
static void load_geo(struct setup *setup, const char *file, enum geo_kind kind,
                     bool is_said, struct geo **geo, struct diag *diag)
{
        const char *field = kind == GEO_ASN ? "client.asn" : "client.country";

        if (file)
                *geo = geo_read(file, kind, diag);
        else if (is_said && setup->config.rules.paths.given && setup->rules &&
                 rules_read_field(setup->rules, field))
                diag_warning(diag,
                             (struct place){ .file = kind == GEO_ASN ? "data.asn"
                                                                     : "data.country" },
                             "a rule reads %s, and no database is named: it is missing "
                             "everywhere",
                             field);
}

/* `any` is libpcap's word for all of them. */
static void check_interfaces(const struct check_request *request,
                             const struct config *config, struct diag *diag)
{
        struct place place = request->interfaces.given
                                 ? (struct place){ .file = "-i" }
                                 : config_place(config, "capture.interfaces");
        const struct text_list *interfaces = &config->capture.interfaces;

        for (unsigned i = 0; i < interfaces->count; i++) {
                const char *name = interfaces->items[i];
                if (strcmp(name, "any") == 0 || if_nametoindex(name) != 0)
                        continue;
                diag_error(diag, place,
                           "there is no interface %s; 'ip link' lists those there are",
                           name);
        }
}

static void check_user(const struct config *config, struct diag *diag)
{
        const char *user = config->admin.user;

        if (user && !getpwnam(user))
                diag_error(diag, config_place(config, "admin.user"),
                           "there is no user %s; 'useradd --system %s' makes one", user,
                           user);
}

/* Made when it is missing, as far as there is a folder to make it in. */
static void check_folder(const struct config *config, const char *key, const char *path,
                         struct diag *diag)
{
        char *part = strdup(path);
        struct stat status;

        CHECK(part);
        while (stat(part, &status) != 0 && errno == ENOENT) {
                char *slash = strrchr(part, '/');
                if (!slash) {
                        strcpy(part, ".");
                        continue;
                }
                slash[slash == part] = '\0';
        }
        if (stat(part, &status) != 0)
                diag_error(diag, config_place(config, key), "%s: %s: %s", key, part,
                           strerror(errno));
        else if (!S_ISDIR(status.st_mode))
                diag_error(diag, config_place(config, key),
                           "%s: %s is no folder; name another place", key, part);
        free(part);
}

/* Whose folder has to be there: nobody makes that one. */
static void check_socket(const struct config *config, struct diag *diag)
{
        const char *path = config->admin.socket;
        struct stat status;

        if (!path || !*path || strcmp(path, "none") == 0)
                return;
        char *folder = strdup(path);
        CHECK(folder);
        char *slash = strrchr(folder, '/');
        if (slash)
                slash[slash == folder] = '\0';
        if (slash && (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)))
                diag_error(diag, config_place(config, "admin.socket"),
                           "admin.socket: there is no folder %s; make it, or name "
                           "another place",
                           folder);
        free(folder);
}

/* One that another program has is seen later: it may be the daemon that runs. */
static void check_listen(const struct config *config, struct diag *diag)
{
        const char *text = config->admin.listen;
        struct place place = config_place(config, "admin.listen");
        struct sockaddr_storage address;
        int len = sizeof(address);

        if (!place.file || !*text || strcmp(text, "none") == 0 ||
            evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &len) != 0)
                return;
        if (address.ss_family == AF_INET)
                ((struct sockaddr_in *)&address)->sin_port = 0;
        else
                ((struct sockaddr_in6 *)&address)->sin6_port = 0;
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && bind(fd, (struct sockaddr *)&address, (socklen_t)len) != 0)
                diag_error(diag, place,
                           "admin.listen: %s: %s; 'ip address' lists the addresses of "
                           "this machine",
                           text, strerror(errno));
        if (fd >= 0)
                close(fd);
}

static void check_machine(const struct check_request *request,
                          const struct config *config, struct diag *diag)
{
        check_interfaces(request, config, diag);
        check_user(config, diag);
        if (config->journal.dir)
                check_folder(config, "journal.dir", config->journal.dir, diag);
        check_socket(config, diag);
        check_listen(config, diag);
}

static bool load(const struct check_request *request, bool starts, struct setup *setup,
                 struct buf *messages)
{
        struct diag *diag = diag_new();
        bool ok;

        *setup = (struct setup){ 0 };
        load_config(request, &setup->config, diag);
        check_filter(request, &setup->config, diag);
        check_key_file(&setup->config, diag);
        check_redis(request, &setup->config, diag);
        load_site(setup, diag);
        load_rules(setup, diag);
        check_tunnel_sources(&setup->config, diag);
        load_agents(setup, diag);
        load_disposable(setup, diag);
        load_crawlers(setup, diag);
        load_geo(setup, setup->config.data.asn, GEO_ASN, !request->no_geo_said,
                 &setup->asn, diag);
        load_geo(setup, setup->config.data.country, GEO_COUNTRY, !request->no_geo_said,
                 &setup->country, diag);
        if (starts && !request->is_offline)
                check_machine(request, &setup->config, diag);
        diag_print(diag, messages);
        ok = diag_errors(diag) == 0;
        /* Nothing that was not reported may be missing. */
        CHECK(!ok || (setup->site && setup->rules));
        diag_free(&diag);
        if (!ok)
                check_free(setup);
        return ok;
}

bool check_load(const struct check_request *request, struct setup *setup,
                struct buf *messages)
{
        return load(request, false, setup, messages);
}

bool check_start(const struct check_request *request, struct setup *setup,
                 struct buf *messages)
{
        return load(request, true, setup, messages);
}

void check_free(struct setup *setup)
{
        agent_list_free(&setup->agents);
        rules_free(&setup->rules);
        domains_free(&setup->disposable);
        crawlers_free(&setup->crawlers);
        geo_free(&setup->asn);
        geo_free(&setup->country);
        site_free(&setup->site);
        text_list_clear(&setup->rule_paths);
        free(setup->site_path);
        config_free(&setup->config);
        *setup = (struct setup){ 0 };
}

void check_summary(const struct check_request *request, const struct setup *setup,
                   struct buf *out)
{
        buf_printf(out, "configuration: %s\n",
                   request->config ? request->config : "defaults");
        buf_printf(out, "site map: %s\n", setup->site_path);
        buf_printf(out, "rules: %u", rules_count(setup->rules));
        for (unsigned i = 0; i < setup->rule_paths.count; i++)
                buf_printf(out, "%s%s", i ? ", " : " from ", setup->rule_paths.items[i]);
        buf_put_byte(out, '\n');
}
