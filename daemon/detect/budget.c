/* SPDX-License-Identifier: MIT */
#include "detect/budget.h"

#include "base/check.h"

#include <string.h>
#include <sys/mman.h>

#define BUDGET_MIN_PAGES 16
#define BUDGET_MAX_PAGES ((UINT64_C(16) << 30) / BUDGET_PAGE)

bool budget_init(struct budget *p, uint64_t bytes)
{
        uint64_t pages = bytes / BUDGET_PAGE;

        if (pages < BUDGET_MIN_PAGES)
                pages = BUDGET_MIN_PAGES;
        if (pages > BUDGET_MAX_PAGES)
                pages = BUDGET_MAX_PAGES;
        *p = (struct budget){ .newcomer_pages = (uint32_t)(pages - pages / 4),
                              .growth_pages = (uint32_t)(pages - pages / 16),
                              .index_room = UINT64_MAX / 2,
                              .kept_index_room = UINT64_MAX / 2 };
        /* A page and its descriptor are taken and given together: one number for both. */
        if (!slab_init(&p->pages, BUDGET_PAGE, (uint32_t)pages))
                return false;
        if (!slab_init(&p->descriptors, sizeof(struct budget_page), (uint32_t)pages)) {
                slab_free(&p->pages);
                return false;
        }
        /* Keys are met in no order: with small pages every look-up misses the TLB. */
        madvise(p->pages.memory, (size_t)pages * BUDGET_PAGE, MADV_HUGEPAGE);
        return true;
}

void budget_free(struct budget *p)
{
        slab_free(&p->pages);
        slab_free(&p->descriptors);
        *p = (struct budget){ 0 };
}

unsigned budget_class_of(struct budget *p, size_t size)
{
        uint32_t rounded = (uint32_t)((size + 7) / 8 * 8);

        CHECK(size > 0 && rounded <= BUDGET_PAGE);
        for (unsigned i = 0; i < p->classes; i++)
                if (p->class[i].size == rounded)
                        return i;
        CHECK(p->classes < BUDGET_CLASSES);
        p->class[p->classes] =
            (struct budget_class){ .size = rounded,
                                   .per_page = (uint16_t)(BUDGET_PAGE / rounded) };
        return p->classes++;
}

static struct budget_page *page_at(const struct budget *p, uint32_t number)
{
        return slab_at(&p->descriptors, number);
}

static void page_link(struct budget *p, uint32_t number)
{
        struct budget_page *page = page_at(p, number);
        struct budget_class *class = &p->class[page->size_class];

        page->prev = 0;
        page->next = class->partial;
        if (class->partial)
                page_at(p, class->partial)->prev = number;
        class->partial = number;
}

static void page_unlink(struct budget *p, uint32_t number)
{
        struct budget_page *page = page_at(p, number);

        if (page->next)
                page_at(p, page->next)->prev = page->prev;
        if (page->prev)
                page_at(p, page->prev)->next = page->next;
        else
                p->class[page->size_class].partial = page->next;
}

static uint32_t pages_for(const struct budget *p, enum budget_priority priority)
{
        return priority == BUDGET_NEWCOMER ? p->newcomer_pages
               : priority == BUDGET_GROWTH ? p->growth_pages
                                           : UINT32_MAX;
}

static bool page_new(struct budget *p, unsigned size_class, enum budget_priority priority)
{
        if (p->pages.used >= pages_for(p, priority))
                return false;
        uint32_t number = slab_take_raw(&p->pages);
        if (number == 0)
                return false;
        CHECK(slab_take(&p->descriptors) == number);
        page_at(p, number)->size_class = (uint8_t)size_class;
        page_link(p, number);
        return true;
}

/* The block of the page that is taken next, so that its memory is there by then. */
static void prefetch_next(const struct budget *p, const struct budget_page *page,
                          const char *taken, uint32_t size)
{
        const char *next = page->free ? budget_at(p, page->free) : taken + size;

        __builtin_prefetch(next, 1);
}

uint32_t budget_take(struct budget *p, unsigned size_class, enum budget_priority priority)
{
        struct budget_class *class = &p->class[size_class];

        if (class->partial == 0 && !page_new(p, size_class, priority))
                return 0;
        uint32_t number = class->partial;
        struct budget_page *page = page_at(p, number);
        uint32_t handle = page->free;
        if (handle)
                memcpy(&page->free, budget_at(p, handle), sizeof(page->free));
        else
                handle = (uint32_t)(((size_t)number * BUDGET_PAGE +
                                     (size_t)page->cut++ * class->size) /
                                    8);
        if (++page->used == class->per_page)
                page_unlink(p, number);
        memset(budget_at(p, handle), 0, class->size);
        prefetch_next(p, page, budget_at(p, handle), class->size);
        return handle;
}

void budget_prefetch_give(const struct budget *p, uint32_t handle)
{
        __builtin_prefetch(page_at(p, (uint32_t)((size_t)handle * 8 / BUDGET_PAGE)), 1);
}

void budget_give(struct budget *p, uint32_t handle)
{
        uint32_t number = (uint32_t)((size_t)handle * 8 / BUDGET_PAGE);
        struct budget_page *page = page_at(p, number);

        CHECK(number > 0 && page->used > 0);
        if (page->used-- == p->class[page->size_class].per_page)
                page_link(p, number);
        if (page->used == 0) {
                page_unlink(p, number);
                slab_give(&p->pages, number);
                slab_give(&p->descriptors, number);
                return;
        }
        memcpy(budget_at(p, handle), &page->free, sizeof(page->free));
        page->free = handle;
}
