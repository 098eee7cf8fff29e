/* SPDX-License-Identifier: MIT */
/*
 * path - one spelling for each path, and its segments.
 *
 * Normal form (RFC 3986 6.2.2): percent codes of unreserved characters decoded,
 * the others in capitals; bytes that a URL cannot have, and a percent sign that
 * begins no code, are percent codes; doubled
 * slashes are one; then dot segments are resolved, never above the root.
 *
 * Owns nothing. Cost: one pass; a path that is in normal form already is not copied.
 */
#ifndef OBSERVE_PATH_H
#define OBSERVE_PATH_H

#include "base/slice.h"

#define PATH_MAX_RAW      8192 /* what is longer is cut here first */
#define PATH_MAX_NORMAL   (3 * PATH_MAX_RAW + 1)
#define PATH_MAX_SEGMENTS 64 /* the last one holds all that is left, with its slashes */

/*
 * Normal form of `raw`, or `raw` itself where that is it already. Always begins
 * with a slash, but for what did not in the first place, which is left as it is
 * (`*`, an authority). A `#` and what follows is no part of it.
 */
struct slice path_normalise(struct slice raw, uint8_t out[PATH_MAX_NORMAL]);

struct path {
        unsigned count;
        struct slice segments[PATH_MAX_SEGMENTS];
};

/* Segments of a path in normal form; a slash at its end makes none. */
void path_split(struct slice normal, struct path *);

/*
 * Decodes percent codes (and `+` to a space where `plus`) into `out`, as far as
 * `cap` goes; `text` itself where nothing is coded and it fits. Codes that are
 * none stand for themselves.
 */
struct slice path_decode(struct slice text, bool plus, uint8_t *out, size_t cap);

/*
 * The raw value of the first parameter in a query whose decoded name is `name`.
 * False when there is none; a parameter without `=` has an empty value.
 */
bool path_parameter(struct slice query, struct slice name, struct slice *value);

#endif
