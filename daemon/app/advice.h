/* SPDX-License-Identifier: MIT */
/*
 * advice - why no request, or no packet, was found in the traffic, told by the counters.
 *
 * Reads counters, writes one sentence; says nothing when there is nothing to say.
 */
#ifndef APP_ADVICE_H
#define APP_ADVICE_H

#include "base/counters.h"

/* True when there was no request: `out` then has the sentence. `filter` may be NULL. */
bool advice(const struct counters *, const char *filter, struct buf *out);

#endif
