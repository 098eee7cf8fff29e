/* SPDX-License-Identifier: MIT */
/*
 * held - blocks that Redis did not take, on their way back to the engine.
 *
 * Redis answers from the event loop, which may be turned while the engine is in the
 * middle of a record (a name that is waited for, with -r). So the notices wait here until
 * the engine is at rest. At most HELD_BYTES of them: what comes past that is dropped, and
 * its block stays named and watched as if it had been put.
 */
#ifndef APP_HELD_H
#define APP_HELD_H

#include "base/buf.h"
#include "detect/incident.h"

#define HELD_BYTES (1u << 20)

struct held {
        struct buf notices;
};

/* All texts are copied. */
void held_add(struct held *, const struct block_held *);

/* Hands over all, in order, and forgets them. */
void held_take(struct held *, block_held_fn *, void *context);
void held_free(struct held *);

#endif
