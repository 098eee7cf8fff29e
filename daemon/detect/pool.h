/* SPDX-License-Identifier: MIT */
/*
 * pool - all memory that traffic can make the engine take, under one budget.
 *
 * Blocks of a few sizes (classes) are cut from pages of 16 KiB. A page belongs
 * to one class while a block of it is in use and goes back when the last one is
 * given back, so memory that a flood took in one size serves another later.
 * Blocks are named by a 32-bit handle (their offset in units of 8 bytes); 0 is
 * "none". They never move.
 *
 *      pages   | class 1 | class 4 | free | class 1 | ...
 *                 |
 *                 +- blocks of one size, the free ones in a list
 *
 * The last quarter of the pages is a reserve that only POOL_GROWTH may touch:
 * what is followed already can grow while newcomers fill the rest.
 *
 * Address space is reserved at the start; nothing is asked of the system later.
 * Cost: a few instructions; a new page costs one clearing of 16 KiB.
 */
#ifndef DETECT_POOL_H
#define DETECT_POOL_H

#include "base/slab.h"

#define POOL_PAGE    16384
#define POOL_CLASSES 64

enum pool_priority { POOL_NEWCOMER, POOL_GROWTH };

struct pool_page {
        uint32_t next, prev; /* among the pages of its class that have a free block */
        uint32_t free;       /* head of the list of free blocks, as handles */
        uint16_t used;
        uint16_t cut; /* blocks handed out at least once */
        uint8_t size_class;
};

struct pool_class {
        uint32_t size;     /* a multiple of 8 */
        uint16_t per_page;
        uint32_t partial;  /* head of the list of pages with a free block */
};

struct pool {
        struct slab pages;
        struct slab descriptors; /* struct pool_page, by page number */
        uint32_t newcomer_pages; /* newcomers get no new page past this many */
        unsigned classes;
        struct pool_class class[POOL_CLASSES];
};

/* `bytes` is the budget, at most 16 GiB. False when the address space cannot be had. */
bool pool_init(struct pool *, uint64_t bytes);
void pool_free(struct pool *);

/* The class for blocks of `size` bytes (8 to POOL_PAGE); equal sizes share one. */
unsigned pool_class_of(struct pool *, size_t size);

/* A block of zero bytes, or 0 when the budget is used up. */
uint32_t pool_take(struct pool *, unsigned size_class, enum pool_priority);
void pool_give(struct pool *, uint32_t handle);

static inline void *pool_at(const struct pool *p, uint32_t handle)
{
        return p->pages.memory + (size_t)handle * 8;
}

static inline uint32_t pool_block_size(const struct pool *p, uint32_t handle)
{
        uint32_t page = (uint32_t)((size_t)handle * 8 / POOL_PAGE);
        const struct pool_page *d = slab_at(&p->descriptors, page);
        return p->class[d->size_class].size;
}

/* Bytes of pages in use now, and those ever touched. */
static inline uint64_t pool_bytes(const struct pool *p)
{
        return (uint64_t)p->pages.used * POOL_PAGE;
}

static inline uint64_t pool_bytes_touched(const struct pool *p)
{
        return slab_bytes(&p->pages);
}

#endif
