/* SPDX-License-Identifier: MIT */
/*
 * health - does the daemon do what it is there for?
 *
 * A table of questions to the figures; one that is answered badly is a reason. What
 * costs no alert for good and mends itself in a moment is none: Redis may be away for
 * `redis_grace_ns`.
 */
#ifndef APP_HEALTH_H
#define APP_HEALTH_H

#include "app/figures.h"

/*
 * True when all is well. Else `reasons` gets a line for each that is not, which says
 * what and, where there is one, the remedy. `now_ns` is monotonic.
 */
bool health_check(const struct figures *, int64_t redis_grace_ns, int64_t now_ns,
                  struct buf *reasons);

#endif
