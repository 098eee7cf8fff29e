/* SPDX-License-Identifier: MIT */
/*
 * index - finds a block of the budget by its 64-bit keyed hash.
 *
 * Open addressing with linear probing; a slot holds half of the hash beside the
 * handle, so a probe rarely touches a block that is not the one. The block's
 * first eight bytes are its whole hash. Removal closes the run: no tombstones.
 *
 * Doubles as it fills, up to the cap given at the start; the address space of
 * all sizes is reserved then. Doubling moves all keys at once.
 */
#ifndef DETECT_INDEX_H
#define DETECT_INDEX_H

#include "detect/budget.h"

struct index {
        uint64_t *slots;
        uint32_t mask, count;
        uint32_t mask_max;
        uint8_t *memory; /* of all sizes, the smallest first */
        uint64_t *room;  /* bytes that all indexes together may still take */
};

/*
 * At most `bytes_max` for the largest size, as far as the `room` that is shared with
 * others lasts (budget.h). False when there is no address space.
 */
bool index_init(struct index *, uint64_t bytes_max, uint64_t *room);

/* The bytes_max that so many blocks need. */
uint64_t index_bytes_for(uint32_t count);

/* What it has of the room now. */
uint64_t index_taken(const struct index *);
void index_free(struct index *);

/* Gives an empty index that many slots, less one; false when it cannot have them. */
bool index_make_room(struct index *, uint32_t mask);

/* Has the processor fetch the slot that index_find will look at first. */
static inline void index_prefetch(const struct index *ix, uint64_t hash)
{
        __builtin_prefetch(&ix->slots[(uint32_t)(hash >> 32) & ix->mask]);
}

/*
 * A block that looks like it from the index alone, or 0: without looking at the block,
 * and at a few slots at most. For asking for its memory.
 */
static inline uint32_t index_guess(const struct index *ix, uint64_t hash)
{
        uint32_t home = (uint32_t)(hash >> 32);

        for (uint32_t i = 0; i < 8; i++) {
                uint64_t slot = ix->slots[(home + i) & ix->mask];
                if (slot == 0)
                        return 0;
                if ((slot ^ hash) >> 32 == 0)
                        return (uint32_t)slot;
        }
        return 0;
}

/* Handle of the block with that hash, or 0. */
uint32_t index_find(const struct index *, const struct budget *, uint64_t hash);

/* False when the index is full at its cap. The hash is not in it yet. */
bool index_put(struct index *, uint64_t hash, uint32_t handle);
void index_remove(struct index *, uint64_t hash, uint32_t handle);

/* The block with that hash, which is in the index, moved. */
void index_move(struct index *, uint64_t hash, uint32_t from, uint32_t to);

/* The handle in the first used slot at or after *position, which moves past it; 0: none.
 */
uint32_t index_walk(const struct index *, uint32_t *position);

/*
 * The same for evicting: comes to all in turn, but not to neighbours one after the other.
 * Who evicts along the slots leaves a sparse stretch behind and a dense one ahead, in
 * which runs have no end.
 */
uint32_t index_next(const struct index *, uint32_t *turn);

#endif
