/* SPDX-License-Identifier: MIT */
/*
 * template - texts of made-up traffic that differ from request to request.
 *
 *   {n}         the number of the request in its line, from 1
 *   {n%40}      its remainder: 0 to 39
 *   {n/40}      whole parts: 0 for the first 39
 *   {client}    the number of the client, from 1
 *   {random}    8 hex digits
 *   {random:40} a number from 1 to 40
 *   {random:100-139} one from 100 to 139
 *
 * What is random comes from the caller's state, so the same seed gives the same text.
 * A template borrows the text it was read from.
 */
#ifndef TRAWLCTL_TEMPLATE_H
#define TRAWLCTL_TEMPLATE_H

#include "base/buf.h"
#include "lang/yaml.h"

struct template
{
        struct slice text; /* none: there is no template */
};

struct template_values {
        uint64_t n, client;
        uint64_t *random; /* state of random_next */
};

/* The next number of a sequence (splitmix64); any state will do. */
uint64_t random_next(uint64_t *state);

/* From 0 to 1, 1 never. */
double random_part(uint64_t *state);

/* The scalar as a template; a mistake at its column, and false, when it is none. */
bool template_read(const struct yaml_node *, const char *what, struct template *,
                   struct diag *);

void template_put(const struct template *, const struct template_values *,
                  struct buf *out);

#endif
