/* SPDX-License-Identifier: MIT */
/*
 * route - from method, path and query to the page.
 *
 * Templates are looked at in the order of the site map; the first that matches
 * wins. Those that begin with a fixed segment lie in buckets by that segment,
 * those that end in a fixed byte in buckets by that, the others in one list; the
 * three are walked together in order, so a look-up touches the templates that
 * could match and few more.
 *
 * Owns the templates. Immutable once built.
 */
#ifndef OBSERVE_ROUTE_H
#define OBSERVE_ROUTE_H

#include "observe/pattern.h"

#define ROUTE_ENTRIES_MAX 16000
#define ROUTE_METHODS_MAX 31

struct routes;

struct routes *routes_new(void);
void routes_free(struct routes **);

/*
 * The bit of a method (GET includes HEAD), to be or-ed into a page's set. 0 when
 * there are ROUTE_METHODS_MAX already.
 */
uint32_t routes_method(struct routes *, struct slice name);

/*
 * Adds one template behind all others; takes it over. `methods` 0 is any. False
 * when there are too many, and the template is freed.
 */
bool routes_add_take(struct routes *, struct pattern *, uint32_t methods, uint16_t page);

struct route_query {
        struct slice method;
        const struct path *path;
        struct slice query;
};

/* The page, 0 when no template matches; *target as pattern_match leaves it. */
uint16_t routes_find(const struct routes *, const struct route_query *,
                     struct pattern_target *target);

#endif
