/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"

#include "base/check.h"

#include <string.h>

static int class_of(size_t size)
{
        if (size <= BLOCKS_SIZE_MIN)
                return 0;
        int class = __builtin_clzll(BLOCKS_SIZE_MIN) - __builtin_clzll(size - 1) + 1;
        return class < BLOCKS_CLASSES ? class : BLOCKS_CLASSES;
}

bool blocks_init(struct blocks *p, uint64_t budget)
{
        *p = (struct blocks){ .budget = budget };
        for (int i = 0; i < BLOCKS_CLASSES; i++) {
                size_t size = (size_t)BLOCKS_SIZE_MIN << i;
                uint64_t count = budget / size;
                if (count >= UINT32_MAX)
                        count = UINT32_MAX - 1;
                if (!slab_init(&p->classes[i], size, (uint32_t)count)) {
                        blocks_free(p);
                        return false;
                }
        }
        return true;
}

void blocks_free(struct blocks *p)
{
        for (int i = 0; i < BLOCKS_CLASSES; i++)
                slab_free(&p->classes[i]);
        p->used = 0;
}

void *blocks_take(struct blocks *p, size_t size, size_t *room)
{
        int class = class_of(size);

        if (class == BLOCKS_CLASSES)
                return NULL;
        size_t bytes = (size_t)BLOCKS_SIZE_MIN << class;
        if (p->used + bytes > p->budget)
                return NULL;
        uint32_t number = slab_take_raw(&p->classes[class]);
        if (!number)
                return NULL;
        p->used += bytes;
        *room = bytes;
        return slab_at(&p->classes[class], number);
}

void blocks_give(struct blocks *p, void *block, size_t room)
{
        struct slab *slab = &p->classes[class_of(room)];

        CHECK(p->used >= room);
        p->used -= room;
        slab_give(slab, slab_number(slab, block));
}
