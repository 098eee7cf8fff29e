/* SPDX-License-Identifier: MIT */
#include "detect/index.h"

#include "base/bytes.h"
#include "base/check.h"

#include <sys/mman.h>

#define INDEX_FIRST 1024

/* A slot: the upper half of the hash, then the handle. 0 is an empty one. */
static uint64_t slot_of(uint64_t hash, uint32_t handle)
{
        return (hash & 0xffffffff00000000ULL) | handle;
}

static uint32_t home_of(const struct index *ix, uint64_t slot)
{
        return (uint32_t)(slot >> 32) & ix->mask;
}

static size_t memory_size(const struct index *ix)
{
        /* INDEX_FIRST + twice that + ... + the largest is less than twice the largest. */
        return ((size_t)ix->mask_max + 1) * 2 * sizeof(uint64_t);
}

bool index_init(struct index *ix, uint64_t bytes_max, uint64_t *room)
{
        uint32_t size = INDEX_FIRST;

        while ((uint64_t)size * 2 * sizeof(uint64_t) <= bytes_max && size < (1U << 30))
                size *= 2;
        *ix =
            (struct index){ .mask = INDEX_FIRST - 1, .mask_max = size - 1, .room = room };
        void *memory = mmap(NULL, memory_size(ix), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
                return false;
        madvise(memory, memory_size(ix),
                MADV_HUGEPAGE); /* an advice: it may be refused */
        ix->memory = memory;
        ix->slots = memory;
        return true;
}

uint64_t index_bytes_for(uint32_t count)
{
        uint64_t size = INDEX_FIRST;

        while (size * 3 / 4 < count)
                size *= 2;
        return size * sizeof(uint64_t);
}

static uint64_t bytes_of(const struct index *ix)
{
        return ((uint64_t)ix->mask + 1) * sizeof(*ix->slots);
}

/* The smallest size is everybody's own. */
uint64_t index_taken(const struct index *ix)
{
        return ix->mask + 1 > INDEX_FIRST ? bytes_of(ix) : 0;
}

static bool has_room(const struct index *ix)
{
        return ix->mask < ix->mask_max && 2 * bytes_of(ix) - index_taken(ix) <= *ix->room;
}

static void enlarge(struct index *ix)
{
        *ix->room += index_taken(ix);
        ix->slots += (size_t)ix->mask + 1;
        ix->mask = ix->mask * 2 + 1;
        *ix->room -= index_taken(ix);
}

bool index_make_room(struct index *ix, uint32_t mask)
{
        CHECK(ix->count == 0);
        if (mask > ix->mask_max || (mask & (mask + 1)) != 0)
                return false;
        while (ix->mask < mask && has_room(ix))
                enlarge(ix);
        return ix->mask == mask;
}

void index_free(struct index *ix)
{
        if (ix->memory) {
                *ix->room += index_taken(ix);
                munmap(ix->memory, memory_size(ix));
        }
        *ix = (struct index){ 0 };
}

uint32_t index_find(const struct index *ix, const struct budget *budget, uint64_t hash)
{
        for (uint32_t i = (uint32_t)(hash >> 32) & ix->mask;; i = (i + 1) & ix->mask) {
                uint64_t slot = ix->slots[i];
                if (slot == 0)
                        return 0;
                if ((slot ^ hash) >> 32 == 0 &&
                    load_u64(budget_at(budget, (uint32_t)slot)) == hash)
                        return (uint32_t)slot;
        }
}

static void slot_put(struct index *ix, uint64_t slot)
{
        uint32_t i = home_of(ix, slot);

        while (ix->slots[i])
                i = (i + 1) & ix->mask;
        ix->slots[i] = slot;
}

static void grow(struct index *ix)
{
        uint64_t *old = ix->slots;
        size_t old_size = (size_t)ix->mask + 1;

        enlarge(ix);
        for (size_t i = 0; i < old_size; i++)
                if (old[i])
                        slot_put(ix, old[i]);
        /* From INDEX_FIRST on every size fills whole pages. */
        CHECK(madvise(old, old_size * sizeof(*old), MADV_DONTNEED) == 0);
}

bool index_put(struct index *ix, uint64_t hash, uint32_t handle)
{
        if (ix->count >= (uint64_t)(ix->mask + 1) * 3 / 4) {
                if (!has_room(ix))
                        return false;
                grow(ix);
        }
        slot_put(ix, slot_of(hash, handle));
        ix->count++;
        return true;
}

static uint32_t slot_find(const struct index *ix, uint64_t slot)
{
        uint32_t i = home_of(ix, slot);

        while (ix->slots[i] != slot) {
                CHECK(ix->slots[i] != 0);
                i = (i + 1) & ix->mask;
        }
        return i;
}

void index_move(struct index *ix, uint64_t hash, uint32_t from, uint32_t to)
{
        ix->slots[slot_find(ix, slot_of(hash, from))] = slot_of(hash, to);
}

void index_remove(struct index *ix, uint64_t hash, uint32_t handle)
{
        uint32_t hole = slot_find(ix, slot_of(hash, handle));

        for (uint32_t i = (hole + 1) & ix->mask; ix->slots[i]; i = (i + 1) & ix->mask) {
                /* Moves back what may stand in the hole: its home is not after it. */
                uint32_t from_home = (i - home_of(ix, ix->slots[i])) & ix->mask;
                if (from_home < ((i - hole) & ix->mask))
                        continue;
                ix->slots[hole] = ix->slots[i];
                hole = i;
        }
        ix->slots[hole] = 0;
        ix->count--;
}

uint32_t index_walk(const struct index *ix, uint32_t *position)
{
        uint32_t at = *position & ix->mask;

        if (ix->count == 0)
                return 0;
        while (ix->slots[at] == 0)
                at = (at + 1) & ix->mask;
        *position = at + 1;
        return (uint32_t)ix->slots[at];
}

uint32_t index_next(const struct index *ix, uint32_t *turn)
{
        if (ix->count <= ix->mask / 8) /* nothing is dense here */
                return index_walk(ix, turn);
        /* Odd, so that it comes to each slot once; near the golden ratio, to scatter. */
        uint64_t slot;
        do
                slot = ix->slots[(*turn)++ * UINT32_C(2654435769) & ix->mask];
        while (slot == 0);
        return (uint32_t)slot;
}
