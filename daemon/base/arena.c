/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/check.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE ((size_t)4096)

struct arena_block {
        struct arena_block *next;
        size_t used, size;
        alignas(max_align_t) uint8_t bytes[];
};

static struct arena_block *block_new(size_t size)
{
        struct arena_block *block = calloc(1, sizeof(*block) + size);

        CHECK(block);
        block->size = size;
        return block;
}

void *arena_take(struct arena *arena, size_t size)
{
        struct arena_block *block = arena->blocks;
        size_t align = alignof(max_align_t);

        size = (size + align - 1) / align * align;
        if (!block || block->size - block->used < size) {
                block = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE);
                block->next = arena->blocks;
                arena->blocks = block;
        }
        void *taken = block->bytes + block->used;
        block->used += size;
        return taken;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
        uint8_t *copy = arena_take(arena, s.len + 1);

        if (s.len)
                memcpy(copy, s.data, s.len);
        return slice_of(copy, s.len);
}

void arena_free(struct arena *arena)
{
        while (arena->blocks) {
                struct arena_block *block = arena->blocks;
                arena->blocks = block->next;
                free(block);
        }
}
