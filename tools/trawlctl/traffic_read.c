/* SPDX-License-Identifier: MIT */
/* Lines of traffic, from YAML. Each key is a row: what it is called and who reads it. */
#include "traffic_priv.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

#define LONGEST     (400LL * 24 * 3600 * NS_PER_SEC)
#define CLIENTS_MAX 1000000
#define BODY_MAX    (1U << 30)

struct line_reader {
        struct traffic_line *line;
        struct diag *diag;
        const char *what;
        struct pairs *pairs;
        bool has_clients;
};

typedef void line_fn(struct line_reader *, const struct yaml_node *);

static void read_duration(struct line_reader *r, const struct yaml_node *node,
                          int64_t *ns)
{
        int64_t read;

        if (!yaml_duration_ns(node, node->key, &read, r->diag))
                return;
        if (read < 0 || read > LONGEST)
                diag_error(r->diag, node->place, "%s is at most 400d", node->key);
        else
                *ns = read;
}

static void read_at(struct line_reader *r, const struct yaml_node *node)
{
        read_duration(r, node, &r->line->at_ns);
}

static void read_every(struct line_reader *r, const struct yaml_node *node)
{
        read_duration(r, node, &r->line->every_ns);
}

static void read_jitter(struct line_reader *r, const struct yaml_node *node)
{
        read_duration(r, node, &r->line->jitter_ns);
}

static void read_latency(struct line_reader *r, const struct yaml_node *node)
{
        read_duration(r, node, &r->line->latency_ns);
}

static void read_times(struct line_reader *r, const struct yaml_node *node)
{
        yaml_u64(node, node->key, 1, TIMES_MAX, &r->line->times, r->diag);
}

static void read_from(struct line_reader *r, const struct yaml_node *node)
{
        yaml_u64(node, node->key, 0, UINT32_MAX, &r->line->from, r->diag);
}

static void read_size(struct line_reader *r, const struct yaml_node *node)
{
        yaml_size(node, node->key, &r->line->size, r->diag);
        if (r->line->size > BODY_MAX)
                diag_error(r->diag, node->place, "size is at most 1G");
}

static void add_network(void *context, const struct yaml_node *node)
{
        struct line_reader *r = context;
        struct traffic_line *line = r->line;
        struct slice text;
        bool host_bits = false;

        if (!yaml_text(node, "client", &text, r->diag))
                return;
        if (line->network_count == NETWORKS_MAX)
                diag_error(r->diag, node->place, "client: more than %d", NETWORKS_MAX);
        else if (!network_parse(text, &line->networks[line->network_count], &host_bits) ||
                 host_bits)
                diag_error(r->diag, node->place,
                           "client: '%.*s' is no address or network", (int)text.len,
                           (const char *)text.data);
        else
                line->network_count++;
}

static void read_client(struct line_reader *r, const struct yaml_node *node)
{
        yaml_one_or_list(node, "client", add_network, r, r->diag);
}

static void read_clients(struct line_reader *r, const struct yaml_node *node)
{
        r->has_clients = true;
        yaml_u64(node, node->key, 1, CLIENTS_MAX, &r->line->clients, r->diag);
}

static void add_status(void *context, const struct yaml_node *node)
{
        struct line_reader *r = context;
        uint64_t status;

        if (!yaml_u64(node, "status", 100, 999, &status, r->diag))
                return;
        if (r->line->status_count == STATUSES_MAX)
                diag_error(r->diag, node->place, "status: more than %d", STATUSES_MAX);
        else
                r->line->statuses[r->line->status_count++] = (uint16_t)status;
}

static void read_status(struct line_reader *r, const struct yaml_node *node)
{
        yaml_one_or_list(node, "status", add_status, r, r->diag);
}

static void add_agent(void *context, const struct yaml_node *node)
{
        struct line_reader *r = context;
        struct line_agent *agent = &r->line->agents[r->line->agent_count];

        if (r->line->agent_count == AGENTS_MAX) {
                diag_error(r->diag, node->place, "ua: more than %d", AGENTS_MAX);
                return;
        }
        if (!template_read(node, "ua", &agent->ua, r->diag))
                return;
        r->line->agent_count++;
        struct slice text = agent->ua.text;
        if (text.len == 0 || text.data[0] != '@')
                return;
        agent->agent = agent_find(text);
        if (agent->agent)
                return;
        const char *near = diag_suggest(text, agent_names());
        struct buf all = { 0 };
        for (const char *const *name = agent_names(); *name; name++)
                buf_printf(&all, "%s%s", all.len ? ", " : "", *name);
        diag_error(r->diag, node->place, "ua: no agent '%.*s'%s%s%s: there are %.*s",
                   (int)text.len, (const char *)text.data, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "", (int)all.len,
                   (const char *)all.data);
        buf_free(&all);
}

static void read_ua(struct line_reader *r, const struct yaml_node *node)
{
        yaml_one_or_list(node, "ua", add_agent, r, r->diag);
}

static void read_host(struct line_reader *r, const struct yaml_node *node)
{
        template_read(node, node->key, &r->line->host, r->diag);
}

static void read_ja4(struct line_reader *r, const struct yaml_node *node)
{
        template_read(node, node->key, &r->line->ja4, r->diag);
}

static void read_response(struct line_reader *r, const struct yaml_node *node)
{
        template_read(node, node->key, &r->line->response, r->diag);
}

static void read_pairs(struct line_reader *r, const struct yaml_node *node,
                       struct pairs *pairs)
{
        if (node->kind != YAML_MAP) {
                diag_error(r->diag, node->place,
                           "%s takes names and values: %s: { name: "
                           "value }",
                           node->key, node->key);
                return;
        }
        for (const struct yaml_node *n = node->child; n; n = n->next) {
                struct pair *pair = &pairs->at[pairs->count];
                if (pairs->count == PAIRS_MAX) {
                        diag_error(r->diag, n->place, "%s: more than %d", node->key,
                                   PAIRS_MAX);
                        return;
                }
                pair->name = slice_str(n->key);
                if (template_read(n, n->key, &pair->value, r->diag))
                        pairs->count++;
        }
}

static void read_header(struct line_reader *r, const struct yaml_node *node)
{
        read_pairs(r, node, &r->line->headers);
}

static void read_cookie(struct line_reader *r, const struct yaml_node *node)
{
        read_pairs(r, node, &r->line->cookies);
}

static void read_response_header(struct line_reader *r, const struct yaml_node *node)
{
        read_pairs(r, node, &r->line->response_headers);
}

static void read_set_cookie(struct line_reader *r, const struct yaml_node *node)
{
        read_pairs(r, node, &r->line->set_cookies);
}

static void read_body(struct line_reader *r, const struct yaml_node *node,
                      enum body_kind kind)
{
        if (r->line->body_kind != BODY_NONE)
                diag_error(r->diag, node->key_place, "either 'form' or 'json', not both");
        r->line->body_kind = kind;
        read_pairs(r, node, &r->line->body);
}

static void read_form(struct line_reader *r, const struct yaml_node *node)
{
        read_body(r, node, BODY_FORM);
}

static void read_json(struct line_reader *r, const struct yaml_node *node)
{
        read_body(r, node, BODY_JSON);
}

/* A path stands under its method. */
static const struct {
        const char *key, *method;
} methods[] = {
        { "get", "GET" },         { "head", "HEAD" },   { "post", "POST" },
        { "put", "PUT" },         { "patch", "PATCH" }, { "delete", "DELETE" },
        { "options", "OPTIONS" },
};

static void read_request(struct line_reader *r, const struct yaml_node *node)
{
        if (r->line->method)
                diag_error(r->diag, node->key_place, "a line asks for one thing only");
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
                if (strcmp(node->key, methods[i].key) == 0)
                        r->line->method = methods[i].method;
        if (template_read(node, node->key, &r->line->path, r->diag) &&
            (r->line->path.text.len == 0 || r->line->path.text.data[0] != '/'))
                diag_error(r->diag, node->place, "%s: a path begins with '/'", node->key);
}

static const struct line_key {
        const char *key;
        line_fn *read;
} keys[] = {
        { "times", read_times },
        { "every", read_every },
        { "jitter", read_jitter },
        { "at", read_at },
        { "from", read_from },
        { "client", read_client },
        { "clients", read_clients },
        { "get", read_request },
        { "head", read_request },
        { "post", read_request },
        { "put", read_request },
        { "patch", read_request },
        { "delete", read_request },
        { "options", read_request },
        { "status", read_status },
        { "ua", read_ua },
        { "host", read_host },
        { "header", read_header },
        { "cookie", read_cookie },
        { "form", read_form },
        { "json", read_json },
        { "latency", read_latency },
        { "size", read_size },
        { "response", read_response },
        { "response_header", read_response_header },
        { "set_cookie", read_set_cookie },
        { "ja4", read_ja4 },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* How many addresses a network gives: of wide IPv6 ones, how many /64. */
static double addresses_in(const struct network *network)
{
        unsigned end = network->bits < 64 && !ip_is_v4(&network->ip) ? 64 : 128;
        double all = 1;

        for (unsigned bits = network->bits; bits < end; bits++)
                all *= 2;
        return all;
}

/* All addresses, where it was not said how many of them. */
static void count_clients(struct line_reader *r, const struct yaml_node *node)
{
        struct traffic_line *line = r->line;
        const struct yaml_node *client = yaml_get(node, "client");
        const struct yaml_node *clients = yaml_get(node, "clients");
        double all = 0;

        for (unsigned i = 0; i < line->network_count; i++)
                all += addresses_in(&line->networks[i]);
        if (!client) {
                diag_error(r->diag, node->place, "a line needs 'client'");
        } else if (r->has_clients) {
                if (line->network_count && (double)line->clients > all)
                        diag_error(r->diag, clients->place,
                                   "clients: 'client' has but %.0f addresses", all);
        } else if (all > CLIENTS_MAX) {
                diag_error(r->diag, client->place,
                           "client: a network so wide needs 'clients', how many of it");
        } else {
                line->clients = (uint64_t)all;
        }
}

static void check_line(struct line_reader *r, const struct yaml_node *node)
{
        const struct yaml_node *jitter = yaml_get(node, "jitter");
        const struct traffic_line *line = r->line;

        count_clients(r, node);
        if (!line->method)
                diag_error(r->diag, node->place,
                           "a line needs what is asked for: get, post, ...");
        if (jitter && line->jitter_ns > line->every_ns)
                diag_error(r->diag, jitter->place,
                           "jitter is at most as long as 'every', or requests change "
                           "places");
}

static void read_line(struct traffic_line *line, const struct yaml_node *node,
                      struct diag *diag)
{
        struct line_reader r = { .line = line, .diag = diag };
        const char *known[KEYS + 1] = { NULL };

        *line = (struct traffic_line){ .times = 1,
                                       .from = 1,
                                       .every_ns = NS_PER_SEC,
                                       .latency_ns = 50 * NS_PER_MS,
                                       .size = 2000 };
        for (size_t i = 0; i < KEYS; i++)
                known[i] = keys[i].key;
        yaml_check_keys(node, known, "a line of traffic", diag);
        if (node->kind != YAML_MAP)
                return;
        for (const struct yaml_node *n = node->child; n; n = n->next)
                for (size_t i = 0; i < KEYS; i++)
                        if (strcmp(n->key, keys[i].key) == 0)
                                keys[i].read(&r, n);
        if (line->status_count == 0)
                line->statuses[line->status_count++] = 200;
        check_line(&r, node);
}

struct traffic *traffic_read(const struct yaml_node *list, struct diag *diag)
{
        unsigned before = diag_errors(diag);
        struct traffic *traffic = calloc(1, sizeof(*traffic));

        CHECK(traffic);
        traffic->lines = calloc(LINES_MAX, sizeof(*traffic->lines));
        CHECK(traffic->lines);
        if (list->kind != YAML_LIST || !list->child)
                diag_error(diag, list->place, "'traffic' is a list of lines");
        for (const struct yaml_node *n = list->kind == YAML_LIST ? list->child : NULL; n;
             n = n->next) {
                if (traffic->count == LINES_MAX) {
                        diag_error(diag, n->place, "more than %d lines of traffic",
                                   LINES_MAX);
                        break;
                }
                read_line(&traffic->lines[traffic->count++], n, diag);
        }
        if (diag_errors(diag) > before)
                traffic_free(&traffic);
        return traffic;
}
