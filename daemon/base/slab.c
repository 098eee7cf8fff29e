/* SPDX-License-Identifier: MIT */
#include "base/slab.h"

#include "base/check.h"
#include "base/huge.h"

#include <string.h>

static size_t size_of(const struct slab *s)
{
        return ((size_t)s->capacity + 1) * s->object_size;
}

bool slab_init(struct slab *s, size_t object_size, uint32_t capacity)
{
        CHECK(capacity < UINT32_MAX && object_size >= sizeof(uint32_t));
        *s = (struct slab){ .object_size = (object_size + 7) / 8 * 8,
                            .capacity = capacity };
        s->memory = huge_take(size_of(s));
        return s->memory;
}

void slab_free(struct slab *s)
{
        huge_give(s->memory, size_of(s));
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
