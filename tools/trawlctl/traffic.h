/* SPDX-License-Identifier: MIT */
/*
 * traffic - HTTP requests that nobody sent, for tests of rules.
 *
 * A line says what one client, or many alike, ask for and how often; lines run side by
 * side from the begin of the case. What comes out are transactions as the http layer
 * would hand them up, in the order in which their responses end. docs/rule-tests.md is
 * the contract. Owns its lines; their texts are borrowed from the YAML file.
 */
#ifndef TRAWLCTL_TRAFFIC_H
#define TRAWLCTL_TRAFFIC_H

#include "http/transaction.h"
#include "lang/yaml.h"

struct traffic;

/* A list of lines. NULL after at least one mistake. */
struct traffic *traffic_read(const struct yaml_node *list, struct diag *);
void traffic_free(struct traffic **);

uint64_t traffic_requests(const struct traffic *); /* of all lines together */

/* From the first request again; the same seed gives the same traffic. */
void traffic_begin(struct traffic *, int64_t begin_ns, uint64_t seed);

/* One request and its response, with the client's JA4 where a line names one. */
struct traffic_event {
        struct transaction transaction; /* bodies whole: whoever takes it cuts them */
        struct slice ja4;               /* or none */
};

/* NULL when all have come. Valid until the next call. */
const struct traffic_event *traffic_next(struct traffic *);

#endif
