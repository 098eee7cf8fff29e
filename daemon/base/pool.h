/* SPDX-License-Identifier: MIT */
/*
 * pool - blocks of a few sizes under one budget of bytes.
 *
 * For what lives from one packet to a later one and differs in size: message
 * heads, held segments. Sizes are powers of two from 256 bytes to 128 KiB; each
 * comes from a slab, so nothing is taken from the system while traffic runs.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/slab.h"

#define POOL_CLASSES   10
#define POOL_BLOCK_MIN 256
#define POOL_BLOCK_MAX (POOL_BLOCK_MIN << (POOL_CLASSES - 1))

struct pool {
        struct slab classes[POOL_CLASSES];
        uint64_t budget, used; /* bytes */
};

/* False when the address space cannot be had. */
bool pool_init(struct pool *, uint64_t budget);
void pool_free(struct pool *);

/*
 * A block of at least `size` bytes, not cleared; *room is how many it has.
 * NULL when the budget is used up or size is above POOL_BLOCK_MAX.
 */
void *pool_take(struct pool *, size_t size, size_t *room);

/* `room` is what pool_take gave. */
void pool_give(struct pool *, void *block, size_t room);

#endif
