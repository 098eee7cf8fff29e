/* SPDX-License-Identifier: MIT */
/*
 * advice - why no request was found in the traffic, told by the counters.
 *
 * Reads counters, writes one sentence; says nothing when there is nothing to say.
 */
#ifndef APP_ADVICE_H
#define APP_ADVICE_H

#include "base/counters.h"

/* True when there were packets but no request: `out` then has the sentence. */
bool advice(const struct counters *, struct buf *out);

#endif
