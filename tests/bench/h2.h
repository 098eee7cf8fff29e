/* SPDX-License-Identifier: MIT */
/*
 * h2 - the messages of visitors.h as frames of HTTP/2.
 *
 * Owns the two header compressors of one connection (libnghttp2's, with the tables that
 * both ends have by default, so that what repeats is sent as an index). A request is
 * HEADERS and, where it has a body, DATA; a response HEADERS and DATA. The first of each
 * side follows the connection's preface and SETTINGS. Streams come one after the other.
 */
#ifndef BENCH_H2_H
#define BENCH_H2_H

#include "visitors.h"

struct h2;

struct h2 *h2_new(void);
void h2_free(struct h2 **);

/*
 * Writes both messages anew, in place: the response up to the header of its DATA frame,
 * which body_len bytes must follow.
 */
void h2_translate(struct h2 *, struct exchange *);

#endif
