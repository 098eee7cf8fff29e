/* SPDX-License-Identifier: MIT */
#include "base/slab.h"

#include "base/check.h"

#include <string.h>
#include <sys/mman.h>

/* Objects are met in random order: fewer, larger pages mean fewer misses. */
enum { HUGE_PAGE = 2 << 20 };

static size_t round_up(size_t size, size_t to)
{
        return (size + to - 1) / to * to;
}

static size_t mapping_size(const struct slab *s)
{
        return round_up(((size_t)s->capacity + 1) * s->object_size, 4096);
}

/* Address space that begins at a huge page where it is long enough to hold one. */
static void *reserve(size_t size)
{
        size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0;
        uint8_t *memory = mmap(NULL, size + slack, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
                return NULL;
        if (!slack)
                return memory;
        uint8_t *aligned = (uint8_t *)round_up((uintptr_t)memory, HUGE_PAGE);
        if (aligned > memory)
                munmap(memory, (size_t)(aligned - memory));
        munmap(aligned + size, slack - (size_t)(aligned - memory));
        madvise(aligned, size, MADV_HUGEPAGE); /* an advice: it may be refused */
        return aligned;
}

bool slab_init(struct slab *s, size_t object_size, uint32_t capacity)
{
        CHECK(capacity < UINT32_MAX && object_size >= sizeof(uint32_t));
        *s = (struct slab){ .object_size = (object_size + 7) / 8 * 8,
                            .capacity = capacity };
        s->memory = reserve(mapping_size(s));
        return s->memory;
}

void slab_free(struct slab *s)
{
        if (s->memory)
                munmap(s->memory, mapping_size(s));
        *s = (struct slab){ 0 };
}

uint32_t slab_take_raw(struct slab *s)
{
        uint32_t number = s->free;

        if (number) {
                memcpy(&s->free, slab_at(s, number), sizeof(s->free));
        } else {
                if (s->touched == s->capacity)
                        return 0;
                number = ++s->touched;
        }
        s->used++;
        return number;
}

uint32_t slab_take(struct slab *s)
{
        uint32_t number = slab_take_raw(s);

        if (number)
                memset(slab_at(s, number), 0, s->object_size);
        return number;
}

void slab_give(struct slab *s, uint32_t number)
{
        CHECK(number > 0 && number <= s->touched && s->used > 0);
        memcpy(slab_at(s, number), &s->free, sizeof(s->free));
        s->free = number;
        s->used--;
}
