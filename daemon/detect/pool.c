/* SPDX-License-Identifier: MIT */
#include "detect/pool.h"

#include "base/check.h"

#include <string.h>

#define POOL_MIN_PAGES 16
#define POOL_MAX_PAGES ((UINT64_C(16) << 30) / POOL_PAGE)

bool pool_init(struct pool *p, uint64_t bytes)
{
        uint64_t pages = bytes / POOL_PAGE;

        if (pages < POOL_MIN_PAGES)
                pages = POOL_MIN_PAGES;
        if (pages > POOL_MAX_PAGES)
                pages = POOL_MAX_PAGES;
        *p = (struct pool){ .newcomer_pages = (uint32_t)(pages - pages / 4) };
        /* A page and its descriptor are taken and given together: one number for both. */
        if (!slab_init(&p->pages, POOL_PAGE, (uint32_t)pages))
                return false;
        if (!slab_init(&p->descriptors, sizeof(struct pool_page), (uint32_t)pages)) {
                slab_free(&p->pages);
                return false;
        }
        return true;
}

void pool_free(struct pool *p)
{
        slab_free(&p->pages);
        slab_free(&p->descriptors);
        *p = (struct pool){ 0 };
}

unsigned pool_class_of(struct pool *p, size_t size)
{
        uint32_t rounded = (uint32_t)((size + 7) / 8 * 8);

        CHECK(size > 0 && rounded <= POOL_PAGE);
        for (unsigned i = 0; i < p->classes; i++)
                if (p->class[i].size == rounded)
                        return i;
        CHECK(p->classes < POOL_CLASSES);
        p->class[p->classes] =
            (struct pool_class){ .size = rounded, .per_page = (uint16_t)(POOL_PAGE / rounded) };
        return p->classes++;
}

static struct pool_page *page_at(const struct pool *p, uint32_t number)
{
        return slab_at(&p->descriptors, number);
}

static void page_link(struct pool *p, uint32_t number)
{
        struct pool_page *page = page_at(p, number);
        struct pool_class *class = &p->class[page->size_class];

        page->prev = 0;
        page->next = class->partial;
        if (class->partial)
                page_at(p, class->partial)->prev = number;
        class->partial = number;
}

static void page_unlink(struct pool *p, uint32_t number)
{
        struct pool_page *page = page_at(p, number);

        if (page->next)
                page_at(p, page->next)->prev = page->prev;
        if (page->prev)
                page_at(p, page->prev)->next = page->next;
        else
                p->class[page->size_class].partial = page->next;
}

static bool page_new(struct pool *p, unsigned size_class, enum pool_priority priority)
{
        if (priority == POOL_NEWCOMER && p->pages.used >= p->newcomer_pages)
                return false;
        uint32_t number = slab_take_raw(&p->pages);
        if (number == 0)
                return false;
        CHECK(slab_take(&p->descriptors) == number);
        page_at(p, number)->size_class = (uint8_t)size_class;
        page_link(p, number);
        return true;
}

uint32_t pool_take(struct pool *p, unsigned size_class, enum pool_priority priority)
{
        struct pool_class *class = &p->class[size_class];

        if (class->partial == 0 && !page_new(p, size_class, priority))
                return 0;
        uint32_t number = class->partial;
        struct pool_page *page = page_at(p, number);
        uint32_t handle = page->free;
        if (handle)
                memcpy(&page->free, pool_at(p, handle), sizeof(page->free));
        else
                handle = (uint32_t)(((size_t)number * POOL_PAGE +
                                     (size_t)page->cut++ * class->size) / 8);
        if (++page->used == class->per_page)
                page_unlink(p, number);
        memset(pool_at(p, handle), 0, class->size);
        return handle;
}

void pool_give(struct pool *p, uint32_t handle)
{
        uint32_t number = (uint32_t)((size_t)handle * 8 / POOL_PAGE);
        struct pool_page *page = page_at(p, number);

        CHECK(number > 0 && page->used > 0);
        if (page->used-- == p->class[page->size_class].per_page)
                page_link(p, number);
        if (page->used == 0) {
                page_unlink(p, number);
                slab_give(&p->pages, number);
                slab_give(&p->descriptors, number);
                return;
        }
        memcpy(pool_at(p, handle), &page->free, sizeof(page->free));
        page->free = handle;
}
