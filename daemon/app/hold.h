/* SPDX-License-Identifier: MIT */
/*
 * hold - records wait a moment before the engine has them.
 *
 * Several interfaces are read one after the other, each by the block, so what happened
 * first may be seen last: a request on the inside before its ClientHello on the outside.
 * Hellos go to the engine at once, records wait here until packet time has moved on by
 * more than the interfaces can lie apart. In the order in which they came.
 *
 * Owns copies, at most `cap` bytes of them; when that is full the first need not wait
 * any longer. Cost: one copy of a record.
 */
#ifndef APP_HOLD_H
#define APP_HOLD_H

#include "base/buf.h"
#include "observe/record.h"

struct hold {
        struct buf records; /* from `first` on */
        size_t first, cap;
        int64_t wait_ns; /* 0: nothing waits here */
};

void hold_init(struct hold *, int64_t wait_ns, size_t cap);
void hold_free(struct hold *);

/* False when there is no room: take the first one, due or not (INT64_MAX), and try again.
 */
bool hold_put(struct hold *, const struct record *);

/* The first record if it has waited long enough at `now_ns`, else NULL. Valid until the
   next call with this hold. */
const struct record *hold_take(struct hold *, int64_t now_ns);

#endif
