/* SPDX-License-Identifier: MIT */
/*
 * arena - memory that comes in pieces and goes as one.
 *
 * What belongs to one YAML tree or one expression lives in its arena. Out of
 * memory ends the process: arenas hold what operators write, and that is capped
 * before it gets here.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

/* All zero is an empty arena. */
struct arena {
        struct arena_block *blocks;
};

/* Zeroed, aligned for any type. */
void *arena_take(struct arena *, size_t size);

/* A copy that ends in a NUL, which its length does not count. */
struct slice arena_copy(struct arena *, struct slice);
void arena_free(struct arena *);

#endif
