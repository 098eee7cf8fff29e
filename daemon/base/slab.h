/* SPDX-License-Identifier: MIT */
/*
 * slab - objects of one size, named by a 32-bit number, under a cap.
 *
 * Address space for `capacity` objects is reserved at the start and filled by
 * the kernel page by page as it is touched, so objects never move and an idle
 * daemon stays small. Freed objects are handed out again, the last one first.
 * Number 0 is never handed out: it means "none".
 *
 * Cost: a few instructions for slab_take and slab_give; no system call.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab {
        uint8_t *memory;
        size_t object_size; /* a multiple of 8 */
        uint32_t capacity;  /* objects, number 0 not among them */
        uint32_t touched;   /* highest number ever handed out */
        uint32_t used;
        uint32_t free; /* head of the list of freed ones */
};

/* False when the address space cannot be had. */
bool slab_init(struct slab *, size_t object_size, uint32_t capacity);
void slab_free(struct slab *);

/* An object of zero bytes, or 0 when all `capacity` are in use. */
uint32_t slab_take(struct slab *);

/* The same without clearing it. */
uint32_t slab_take_raw(struct slab *);
void slab_give(struct slab *, uint32_t number);

static inline void *slab_at(const struct slab *s, uint32_t number)
{
        return s->memory + (size_t)number * s->object_size;
}

static inline uint32_t slab_number(const struct slab *s, const void *object)
{
        return (uint32_t)((size_t)((const uint8_t *)object - s->memory) / s->object_size);
}

/* Bytes that have been touched and so belong to the process. */
static inline size_t slab_bytes(const struct slab *s)
{
        return ((size_t)s->touched + 1) * s->object_size;
}

#endif
