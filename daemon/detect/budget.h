/* SPDX-License-Identifier: MIT */
/*
 * budget - all memory that traffic can make the engine take, under one budget.
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
 * The last quarter of the pages is a reserve that newcomers may not touch: what is followed
 * already can grow while they fill the rest. And its last quarter is for what has a limit of
 * its own and is kept for days (BUDGET_KEPT: tags, births, blocks): however many visitors
 * there are, the few that were found are remembered.
 *
 * Address space is reserved at the start; nothing is asked of the system later.
 * Cost: a few instructions; a new page costs one clearing of 16 KiB.
 */
#ifndef DETECT_BUDGET_H
#define DETECT_BUDGET_H

#include "base/slab.h"

#define BUDGET_PAGE    16384
#define BUDGET_CLASSES 240

enum budget_priority { BUDGET_NEWCOMER, BUDGET_GROWTH, BUDGET_KEPT };

struct budget_page {
        uint32_t next, prev; /* among the pages of its class that have a free block */
        uint32_t free;       /* head of the list of free blocks, as handles */
        uint16_t used;
        uint16_t cut; /* blocks handed out at least once */
        uint8_t size_class;
};

struct budget_class {
        uint32_t size; /* a multiple of 8 */
        uint16_t per_page;
        uint32_t partial; /* head of the list of pages with a free block */
};

struct budget {
        struct slab pages;
        struct slab descriptors; /* struct budget_page, by page number */
        uint32_t newcomer_pages; /* newcomers get no new page past this many */
        uint32_t growth_pages;   /* nor does what grows past this many */
        uint64_t index_room;     /* bytes for the indexes of its blocks (index.h) */
        uint64_t kept_index_room; /* for those of what is kept */
        unsigned classes;
        struct budget_class class[BUDGET_CLASSES];
};

/* `bytes` is the budget, at most 16 GiB. False when the address space cannot be had. */
bool budget_init(struct budget *, uint64_t bytes);
void budget_free(struct budget *);

/* The class for blocks of `size` bytes (8 to BUDGET_PAGE); equal sizes share one. */
unsigned budget_class_of(struct budget *, size_t size);

/* A block of zero bytes, or 0 when the budget is used up. */
uint32_t budget_take(struct budget *, unsigned size_class, enum budget_priority);
void budget_give(struct budget *, uint32_t handle);

/* Has the processor fetch what budget_give will look at, but for the block itself. */
void budget_prefetch_give(const struct budget *, uint32_t handle);

static inline uint32_t budget_handle(const struct budget *p, const void *block)
{
        return (uint32_t)((size_t)((const char *)block - (const char *)p->pages.memory) /
                          8);
}

static inline void *budget_at(const struct budget *p, uint32_t handle)
{
        return p->pages.memory + (size_t)handle * 8;
}

#endif
