/* SPDX-License-Identifier: MIT */
/*
 * cookies - the values of a few named cookies, from Cookie and Set-Cookie.
 *
 * Values are as sent (RFC 6265): quotes belong to them, nothing is decoded.
 * Names are case-sensitive. Owns nothing; slices point into the lines.
 * Cost: one pass over a line.
 */
#ifndef OBSERVE_COOKIES_H
#define OBSERVE_COOKIES_H

#include "base/slice.h"

#define COOKIE_NAMES_MAX 16

struct cookie_names {
        struct slice names[COOKIE_NAMES_MAX];
        unsigned count;
};

/*
 * Reads one Cookie line: values[i] becomes the value of names[i] where it has
 * none yet, so the first of several counts. Empty values are none. Returns how
 * many cookies the line has, whatever their names.
 */
unsigned cookies_read(struct slice line, const struct cookie_names *,
                      struct slice *values);

/*
 * Reads one Set-Cookie line. A later line for the same name replaces the value,
 * and one that deletes the cookie takes it away: empty, Max-Age of 0 or less, or
 * else Expires that is not after `now_ns`.
 */
void cookies_read_set(struct slice line, const struct cookie_names *, int64_t now_ns,
                      struct slice *values);

/*
 * A date as user agents read it (RFC 6265 5.1.1), in seconds since 1970. False
 * when it is none.
 */
bool cookies_date(struct slice text, int64_t *seconds);

#endif
