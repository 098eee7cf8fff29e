/* SPDX-License-Identifier: MIT */
#include "rule_test.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

/* 2026-11-23 11:00:00 UTC, a Monday: any time would do. */
#define BEGIN (INT64_C(1795431600) * NS_PER_SEC)
#define SEED  1

static const char *const file_keys[] = {
        "rules", "site", "data", "about", "cases", NULL
};
/* Settings of [data] that name files. */
static const char *const data_keys[] = { "agents",   "asn",           "country",
                                         "crawlers", "crawler_hosts", "disposable",
                                         NULL };
static const char *const case_keys[] = { "name", "about",   "also",    "spares", "start",
                                         "seed", "traffic", "capture", "expect", NULL };

struct test_reader {
        struct rule_test *test;
        struct diag *diag;
        struct names *names;
        struct rule_case *sparing; /* whose spares are read */
        struct text_list *paths;
        const struct names *about; /* the file's */
};

bool rule_test_is(const struct yaml_node *root)
{
        return root->kind == YAML_MAP && yaml_get(root, "cases");
}

bool names_have(const struct names *names, const char *name)
{
        for (unsigned i = 0; i < names->count; i++)
                if (strcmp(names->at[i], name) == 0)
                        return true;
        return false;
}

bool rule_case_expects(const struct rule_case *c, const char *rule)
{
        for (unsigned i = 0; i < c->expected_count; i++)
                if (strcmp(c->expected[i].rule, rule) == 0)
                        return true;
        return false;
}

/* Paths are relative to the file that names them. */
static char *path_beside(const char *file, struct slice path)
{
        const char *slash = strrchr(file, '/');
        struct buf whole = { 0 };

        if (slash && path.len && path.data[0] != '/')
                buf_put(&whole, file, (size_t)(slash - file) + 1);
        buf_put_slice(&whole, path);
        buf_put_byte(&whole, 0);
        return (char *)whole.data;
}

/* The rules' own text of a name, or NULL after a mistake. */
static const char *known_rule(struct test_reader *r, const struct yaml_node *node)
{
        const struct rules *rules = r->test->setup.rules;
        const char *names[512] = { NULL }, *name, *near;
        struct slice text;

        if (!yaml_text(node, "rule", &text, r->diag))
                return NULL;
        for (unsigned i = 0; (name = rules_name(rules, i)); i++) {
                if (slice_is(text, name))
                        return name;
                if (i < 511)
                        names[i] = name;
        }
        near = diag_suggest(text, names);
        diag_error(r->diag, node->place,
                   "the rules have no rule '%.*s' that is not off%s%s%s", (int)text.len,
                   (const char *)text.data, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "");
        return NULL;
}

static void add_name(void *context, const struct yaml_node *node)
{
        struct test_reader *r = context;
        const char *name = known_rule(r, node);

        if (!name)
                return;
        if (r->names->count == NAMES_MAX) {
                diag_error(r->diag, node->place, "more than %d rules", NAMES_MAX);
                return;
        }
        r->names->places[r->names->count] = node->place;
        r->names->at[r->names->count++] = name;
}

static void read_names(struct test_reader *r, const struct yaml_node *map,
                       const char *key, struct names *names)
{
        const struct yaml_node *node = yaml_get(map, key);

        r->names = names;
        if (node)
                yaml_one_or_list(node, key, add_name, r, r->diag);
}

/* 130 requests, 1 request, 10m */
static void read_within(struct test_reader *r, const struct yaml_node *node,
                        struct expected *expected)
{
        struct slice text, word;

        if (!yaml_text(node, "within", &text, r->diag))
                return;
        size_t blank = slice_find(text, ' ');
        word = slice_trim(slice_from(text, blank));
        if (slice_is(word, "requests") || slice_is(word, "request")) {
                if (slice_to_u64(slice_first(text, blank), &expected->within_requests) &&
                    expected->within_requests > 0)
                        return;
        } else if (text_duration_ns(text, &expected->within_ns) &&
                   expected->within_ns > 0) {
                return;
        }
        diag_error(r->diag, node->place,
                   "within: '%.*s' is neither like '130 requests' nor like '10m'",
                   (int)text.len, (const char *)text.data);
}

static void read_value(struct test_reader *r, const struct yaml_node *node,
                       struct expected *expected)
{
        unsigned kind = 0;
        bool host_bits = false;

        while (kind < PARTICIPANT_KINDS && strcmp(node->key, participant_name(kind)) != 0)
                kind++;
        if (kind == PARTICIPANT_KINDS && strcmp(node->key, "subject") != 0)
                return; /* has been told */
        if (!yaml_text(node, node->key, &expected->values[kind], r->diag))
                return;
        struct slice text = expected->values[kind];
        if (kind == PARTICIPANT_CLIENT_IP &&
            (!network_parse(text, &expected->client, &host_bits) || host_bits))
                diag_error(r->diag, node->place, "client.ip: '%.*s' is no address",
                           (int)text.len, (const char *)text.data);
}

static void read_expected(struct test_reader *r, const struct yaml_node *node,
                          struct expected *expected)
{
        const char *known[PARTICIPANT_KINDS + 4] = { "rule", "within", "subject" };
        const struct yaml_node *rule;

        for (unsigned i = 0; i < PARTICIPANT_KINDS; i++)
                known[3 + i] = participant_name(i);
        expected->place = node->place;
        expected->rule = "?";
        yaml_check_keys(node, known, "what is expected", r->diag);
        if (node->kind != YAML_MAP)
                return;
        rule = yaml_get(node, "rule");
        if (!rule)
                diag_error(r->diag, node->place, "what is expected needs 'rule'");
        else if ((rule = yaml_get(node, "rule")) && known_rule(r, rule))
                expected->rule = known_rule(r, rule);
        for (const struct yaml_node *n = node->child; n; n = n->next) {
                if (strcmp(n->key, "within") == 0)
                        read_within(r, n, expected);
                else if (strcmp(n->key, "rule") != 0)
                        read_value(r, n, expected);
        }
}

static void read_expect(struct test_reader *r, const struct yaml_node *map,
                        struct rule_case *c)
{
        const struct yaml_node *node = yaml_get(map, "expect");
        bool none = node && node->kind == YAML_SCALAR && slice_is(node->text, "none");

        c->expected = calloc(EXPECTED_MAX, sizeof(*c->expected));
        CHECK(c->expected);
        if (!node) {
                diag_error(r->diag, map->place, "a case needs 'expect'");
                return;
        }
        if (none)
                return;
        if (node->kind != YAML_LIST || !node->child) {
                diag_error(r->diag, node->place,
                           "'expect' is 'none' or a list like [{ rule: NAME }]");
                return;
        }
        for (const struct yaml_node *n = node->child; n; n = n->next) {
                if (c->expected_count == EXPECTED_MAX) {
                        diag_error(r->diag, n->place, "more than %d expected",
                                   EXPECTED_MAX);
                        return;
                }
                read_expected(r, n, &c->expected[c->expected_count++]);
        }
}

static void add_spare(void *context, const struct yaml_node *node)
{
        struct test_reader *r = context;
        struct rule_case *c = r->sparing;
        struct slice text;
        bool host_bits = false;

        if (!yaml_text(node, "spares", &text, r->diag))
                return;
        if (c->spare_count == SPARES_MAX) {
                diag_error(r->diag, node->place, "more than %d spared", SPARES_MAX);
                return;
        }
        struct spare *spare = &c->spares[c->spare_count];
        *spare = (struct spare){ .text = text };
        if (!network_parse(text, &spare->network, &host_bits) || host_bits)
                diag_error(r->diag, node->place,
                           "spares: '%.*s' is neither an address nor a network",
                           (int)text.len, (const char *)text.data);
        else
                c->spare_count++;
}

/* 2026-11-23T11:00:00Z */
static void read_start(struct test_reader *r, const struct yaml_node *node,
                       int64_t *begin_ns)
{
        struct slice text;
        struct tm time = { 0 };
        const char *end = NULL;

        if (!yaml_text(node, "start", &text, r->diag))
                return;
        if (text.len == strlen("2026-11-23T11:00:00Z"))
                end = strptime((const char *)text.data, "%Y-%m-%dT%H:%M:%SZ", &time);
        if (!end || *end || time.tm_year < 70 || time.tm_year > 300)
                diag_error(r->diag, node->place,
                           "start is a time like 2026-11-23T11:00:00Z, not '%.*s'",
                           (int)text.len, (const char *)text.data);
        else
                *begin_ns = (int64_t)timegm(&time) * NS_PER_SEC;
}

/* What the case is about: as it says, or its file, or else what it expects. */
static void settle_about(struct test_reader *r, const struct yaml_node *node,
                         struct rule_case *c)
{
        read_names(r, node, "about", &c->about);
        if (yaml_get(node, "about"))
                return;
        c->about = *r->about;
        for (unsigned i = 0; i < c->expected_count && c->about.count < NAMES_MAX; i++) {
                const struct expected *e = &c->expected[i];
                if (names_have(&c->about, e->rule))
                        continue;
                c->about.places[c->about.count] = e->place;
                c->about.at[c->about.count++] = e->rule;
        }
}

static void read_traffic(struct test_reader *r, const struct yaml_node *node,
                         struct rule_case *c)
{
        const struct yaml_node *traffic = yaml_get(node, "traffic");
        const struct yaml_node *capture = yaml_get(node, "capture");
        struct slice text;

        if (!traffic == !capture) {
                diag_error(r->diag, traffic ? capture->key_place : node->place,
                           "a case needs either 'traffic' or 'capture'");
        } else if (traffic) {
                c->traffic = traffic_read(traffic, r->diag);
        } else if (yaml_text(capture, "capture", &text, r->diag)) {
                c->capture = path_beside(r->test->path, text);
                c->capture_place = capture->place;
        }
}

static void read_case(struct test_reader *r, const struct yaml_node *node,
                      struct rule_case *c)
{
        const struct yaml_node *name, *start, *seed, *spares;
        struct slice text;

        c->begin_ns = BEGIN;
        c->seed = SEED;
        c->place = node->place;
        yaml_check_keys(node, case_keys, "a case", r->diag);
        if (node->kind != YAML_MAP)
                return;
        name = yaml_get(node, "name");
        start = yaml_get(node, "start");
        seed = yaml_get(node, "seed");
        spares = yaml_get(node, "spares");
        if (!name)
                diag_error(r->diag, node->place, "a case needs a name");
        else if (yaml_text(name, "name", &text, r->diag))
                c->name = (const char *)text.data;
        if (start)
                read_start(r, start, &c->begin_ns);
        if (seed)
                yaml_u64(seed, "seed", 0, UINT32_MAX, &c->seed, r->diag);
        read_traffic(r, node, c);
        read_expect(r, node, c);
        settle_about(r, node, c);
        read_names(r, node, "also", &c->also);
        r->sparing = c;
        if (spares)
                yaml_one_or_list(spares, "spares", add_spare, r, r->diag);
}

static void read_cases(struct test_reader *r, const struct yaml_node *list)
{
        struct rule_test *test = r->test;
        unsigned count = 0;

        if (list->kind != YAML_LIST || !list->child) {
                diag_error(r->diag, list->place, "'cases' is a list of cases");
                return;
        }
        for (const struct yaml_node *n = list->child; n; n = n->next)
                count++;
        test->cases = calloc(count, sizeof(*test->cases));
        CHECK(test->cases);
        for (const struct yaml_node *n = list->child; n; n = n->next)
                read_case(r, n, &test->cases[test->case_count++]);
}

/* tests/profile-harvest.yaml is about the rule profile-harvest, where there is one. */
static void about_by_name(struct test_reader *r, struct names *about)
{
        const char *slash = strrchr(r->test->path, '/'), *name;
        struct slice stem = slice_str(slash ? slash + 1 : r->test->path);

        if (slice_ends_with(stem, slice_str(".yaml")))
                stem.len -= strlen(".yaml");
        for (unsigned i = 0; (name = rules_name(r->test->setup.rules, i)); i++)
                if (slice_is(stem, name) && about->count == 0)
                        about->at[about->count++] = name;
}

static void add_path(void *context, const struct yaml_node *node)
{
        struct test_reader *r = context;
        struct slice text;

        if (!yaml_text(node, "rules", &text, r->diag))
                return;
        char *path = path_beside(r->test->path, text);
        text_list_add(r->paths, path);
        free(path);
}

/* data: { crawlers: FOLDER } is the setting data.crawlers, beside the test. */
static void add_data(struct test_reader *r, const struct yaml_node *map,
                     struct text_list *settings)
{
        struct slice text;
        struct buf setting = { 0 };

        if (!map || !yaml_check_keys(map, data_keys, "data", r->diag))
                return;
        for (const struct yaml_node *n = map->child; n; n = n->next) {
                if (!yaml_text(n, n->key, &text, r->diag))
                        continue;
                char *path = path_beside(r->test->path, text);
                buf_clear(&setting);
                buf_printf(&setting, "data.%s=%s", n->key, path);
                buf_put_byte(&setting, 0);
                text_list_add(settings, (const char *)setting.data);
                free(path);
        }
        buf_free(&setting);
}

/* Rules and site map as the daemon would load them. */
static bool load(struct test_reader *r, const struct yaml_node *root,
                 struct buf *messages)
{
        const struct yaml_node *rules = yaml_get(root, "rules");
        const struct yaml_node *site = yaml_get(root, "site");
        struct check_request request = { .rules.given = true, .no_geo_said = true };
        struct slice text;
        char *site_path = NULL;

        r->paths = &request.rules;
        if (!rules)
                diag_error(r->diag, root->place,
                           "a test needs 'rules', the files that it tests");
        else
                yaml_one_or_list(rules, "rules", add_path, r, r->diag);
        if (!site)
                diag_error(r->diag, root->place, "a test needs 'site', its site map");
        else if (yaml_text(site, "site", &text, r->diag))
                site_path = path_beside(r->test->path, text);
        request.site = site_path;
        add_data(r, yaml_get(root, "data"), &request.settings);
        bool good =
            diag_errors(r->diag) == 0 && check_load(&request, &r->test->setup, messages);
        free(site_path);
        check_request_free(&request);
        return good;
}

static bool read_file(struct test_reader *r, struct buf *messages)
{
        const struct yaml_node *root = yaml_root(r->test->file), *cases;
        struct names about = { .count = 0 };

        yaml_check_keys(root, file_keys, "a test of rules", r->diag);
        if (root->kind != YAML_MAP || !load(r, root, messages))
                return false;
        read_names(r, root, "about", &about);
        if (!yaml_get(root, "about"))
                about_by_name(r, &about);
        r->about = &about;
        cases = yaml_get(root, "cases");
        if (cases)
                read_cases(r, cases);
        else
                diag_error(r->diag, root->place, "a test needs 'cases'");
        return true;
}

struct rule_test *rule_test_read(const char *path, struct buf *messages)
{
        struct diag *diag = diag_new();
        struct rule_test *test = calloc(1, sizeof(*test));
        struct test_reader r = { .test = test, .diag = diag };

        CHECK(test);
        test->path = path;
        test->file = yaml_read(path, diag);
        bool good = test->file && read_file(&r, messages);
        diag_print(diag, messages);
        if (!good || diag_errors(diag) > 0)
                rule_test_free(&test);
        diag_free(&diag);
        return test;
}

static void free_case(struct rule_case *c)
{
        for (unsigned i = 0; i < c->came_count; i++) {
                free(c->came[i].subject);
                free(c->came[i].spared);
        }
        free(c->came);
        free(c->expected);
        free(c->capture);
        traffic_free(&c->traffic);
}

void rule_test_free(struct rule_test **pointer)
{
        struct rule_test *test = *pointer;

        if (!test)
                return;
        for (unsigned i = 0; i < test->case_count; i++)
                free_case(&test->cases[i]);
        free(test->cases);
        check_free(&test->setup);
        yaml_free(&test->file);
        free(test);
        *pointer = NULL;
}
