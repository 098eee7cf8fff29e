/* SPDX-License-Identifier: MIT */
/*
 * blocks - memory of a few sizes under one budget of bytes.
 *
 * For what lives from one packet to a later one and differs in size: message
 * heads, held segments, entries of header tables. Sizes are powers of two from 64 bytes
 * to 128 KiB; each comes from a slab, so nothing is taken from the system while
 * traffic runs.
 */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include "base/slab.h"

#define BLOCKS_CLASSES  12
#define BLOCKS_SIZE_MIN 64
#define BLOCKS_SIZE_MAX (BLOCKS_SIZE_MIN << (BLOCKS_CLASSES - 1))

struct blocks {
        struct slab classes[BLOCKS_CLASSES];
        uint64_t budget, used; /* bytes */
};

/* False when the address space cannot be had. */
bool blocks_init(struct blocks *, uint64_t budget);
void blocks_free(struct blocks *);

/*
 * A block of at least `size` bytes, not cleared; *room is how many it has.
 * NULL when the budget is used up or size is above BLOCKS_SIZE_MAX.
 */
void *blocks_take(struct blocks *, size_t size, size_t *room);

/* `room` is what blocks_take gave. */
void blocks_give(struct blocks *, void *block, size_t room);

#endif
