/* SPDX-License-Identifier: MIT */
/* traffic_priv - a line of traffic as traffic_read.c fills it in for traffic.c. */
#ifndef TRAWLCTL_TRAFFIC_PRIV_H
#define TRAWLCTL_TRAFFIC_PRIV_H

#include "base/arena.h"
#include "template.h"
#include "traffic.h"

#define LINES_MAX    256
#define TIMES_MAX    1000000
#define NETWORKS_MAX 64
#define STATUSES_MAX 32
#define AGENTS_MAX   16
#define PAIRS_MAX    32

struct pair {
        struct slice name;
        struct template value;
};

struct pairs {
        unsigned count;
        struct pair at[PAIRS_MAX];
};

/* A program that asks for pages: its header lines in the order in which it sends them. */
struct agent {
        const char *name;         /* "@firefox" */
        const char *const *lines; /* "Name: value"; ends with a NULL */
};

const struct agent *agent_find(struct slice name);
const char *const *agent_names(void); /* ends with a NULL */

/* What `ua` names: one of the agents, or else a User-Agent of its own. */
struct line_agent {
        const struct agent *agent; /* NULL: `ua` as it stands */
        struct template ua;
};

enum body_kind { BODY_NONE, BODY_FORM, BODY_JSON };

struct traffic_line {
        uint64_t times, from;
        int64_t at_ns, every_ns, jitter_ns, latency_ns;
        unsigned network_count;
        struct network networks[NETWORKS_MAX];
        uint64_t clients; /* different ones at most */
        const char *method;
        struct template path;
        unsigned status_count, agent_count;
        uint16_t statuses[STATUSES_MAX];
        struct line_agent agents[AGENTS_MAX];
        struct template host, ja4, response;
        struct pairs headers, cookies, response_headers, set_cookies, body;
        enum body_kind body_kind;
        uint64_t size; /* of the response's body */

        /* Where it is. */
        uint64_t done, random;
        int64_t next_ns; /* of the next request's first byte */
};

struct traffic {
        unsigned count;
        struct traffic_line *lines;
        int64_t begin_ns;
        struct traffic_event event;
        struct arena arena; /* texts of the event */
        struct buf text;
        struct http_header request[2 * PAIRS_MAX + 8], response[2 * PAIRS_MAX + 8];
};

#endif
