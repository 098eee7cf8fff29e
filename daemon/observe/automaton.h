/* SPDX-License-Identifier: MIT */
/*
 * automaton - many literals looked for at once, in one pass over a text.
 *
 * Aho and Corasick, CACM 18(6), 1975, with all transitions worked out at the
 * start: a byte costs two loads, whatever the number of literals. Bytes are
 * folded into classes first (those that no literal has are one class), so a
 * state is a row of a few dozen 16-bit numbers.
 *
 * Immutable once built. Capped at AUTOMATON_STATES_MAX states; 1500 crawlers'
 * names make 14 400 states of 76 classes, 2.2 MB, of which real texts touch
 * little.
 */
#ifndef OBSERVE_AUTOMATON_H
#define OBSERVE_AUTOMATON_H

#include "base/slice.h"

#define AUTOMATON_STATES_MAX   65535
#define AUTOMATON_LITERALS_MAX 16384

struct automaton;

/*
 * Literals are known by their place in the list; none may be empty. The same text
 * may stand there twice, and both are found. NULL when they are too many or too long.
 */
struct automaton *automaton_new(const struct slice *literals, unsigned count);
void automaton_free(struct automaton **);

/* A literal that ends before byte `end` of the text. */
typedef void automaton_hit_fn(void *context, unsigned literal, size_t end);

/* Reports every literal, by its end; of those with one end the longest first. */
void automaton_scan(const struct automaton *, struct slice text, automaton_hit_fn *,
                    void *context);

#endif
