/* SPDX-License-Identifier: MIT */
/*
 * target - the request target taken apart, in all four forms of RFC 9112 3.2.
 *
 *      /in/anna?x=1            origin
 *      http://host:80/in/anna  absolute: its host is believed, not the Host line
 *      host:443                authority, of CONNECT
 *      *                       of OPTIONS
 *
 * Owns nothing: all parts point into the target or the Host value.
 */
#ifndef OBSERVE_TARGET_H
#define OBSERVE_TARGET_H

#include "base/slice.h"

struct target {
        struct slice path;  /* as it came, without the query; none for an authority */
        struct slice query; /* without its question mark; none where there is none */
        struct slice host;  /* without port and user; none where nothing says it */
};

/* `host` is the value of the Host line, or none. */
struct target target_parse(struct slice method, struct slice target, struct slice host);

/* The host of "host", "host:port", "[::1]:port", "user@host"; brackets belong to it. */
struct slice target_host(struct slice authority);

/* The host of an absolute http or https URL, or none. */
struct slice target_url_host(struct slice url);

#endif
