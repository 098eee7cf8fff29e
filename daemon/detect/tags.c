/* SPDX-License-Identifier: MIT */
#include "detect/tags.h"

#include "base/hash.h"

#include <string.h>

#define HAND_LOOKS 16
#define SWEEP      2 /* looked at with each new tag, so that what ran out goes */

void tags_find_classes(struct tags *t)
{
        t->class = budget_class_of(t->budget, sizeof(struct tag));
}

bool tags_init(struct tags *t, struct budget *budget, uint64_t index_bytes, uint32_t max,
               uint64_t *evicted)
{
        *t = (struct tags){ .budget = budget, .evicted = evicted, .max = max ? max : 1 };
        tags_find_classes(t);
        return index_init(&t->index, index_bytes, &budget->kept_index_room);
}

void tags_free(struct tags *t)
{
        index_free(&t->index);
        *t = (struct tags){ 0 };
}

static struct tag *tag_at(const struct tags *t, uint32_t handle)
{
        return budget_at(t->budget, handle);
}

static uint64_t hash_of(uint64_t carrier, uint64_t name)
{
        return hash_mix(carrier, name);
}

static void forget(struct tags *t, uint32_t handle)
{
        index_remove(&t->index, tag_at(t, handle)->hash, handle);
        budget_give(t->budget, handle);
}

static bool is_over(const struct tag *tag, int64_t now_ns)
{
        return tag->until_ns <= now_ns;
}

static bool tells_less(const struct tag *a, const struct tag *b)
{
        return a->is_found != b->is_found ? b->is_found : a->until_ns < b->until_ns;
}

static void evict(struct tags *t, int64_t now_ns)
{
        uint32_t least = 0;

        for (unsigned i = 0; i < HAND_LOOKS && i < t->index.count; i++) {
                uint32_t handle = index_next(&t->index, &t->hand);
                if (is_over(tag_at(t, handle), now_ns)) {
                        forget(t, handle);
                        return;
                }
                if (least == 0 || tells_less(tag_at(t, handle), tag_at(t, least)))
                        least = handle;
        }
        if (least == 0)
                return;
        forget(t, least);
        ++*t->evicted;
}

static void sweep(struct tags *t, int64_t now_ns)
{
        for (unsigned i = 0; i < SWEEP && t->index.count; i++) {
                uint32_t handle = index_next(&t->index, &t->hand);
                if (is_over(tag_at(t, handle), now_ns))
                        forget(t, handle);
        }
}

static uint32_t take(struct tags *t, uint64_t hash)
{
        uint32_t handle =
            t->index.count < t->max ? budget_take(t->budget, t->class, BUDGET_KEPT) : 0;

        if (handle == 0)
                return 0;
        tag_at(t, handle)->hash = hash;
        if (index_put(&t->index, hash, handle))
                return handle;
        budget_give(t->budget, handle);
        return 0;
}

static struct tag *tag_new(struct tags *t, uint64_t hash, int64_t now_ns)
{
        sweep(t, now_ns);
        uint32_t handle = take(t, hash);
        if (handle == 0) {
                evict(t, now_ns);
                handle = take(t, hash);
        }
        return handle ? tag_at(t, handle) : NULL;
}

static struct tag *look_up(const struct tags *t, uint64_t hash)
{
        uint32_t handle = index_find(&t->index, t->budget, hash);

        return handle ? tag_at(t, handle) : NULL;
}

const struct tag *tags_find(struct tags *t, uint64_t carrier, uint64_t name,
                            int64_t now_ns)
{
        struct tag *tag = t->index.count ? look_up(t, hash_of(carrier, name)) : NULL;

        if (!tag || is_over(tag, now_ns))
                return NULL;
        tag->is_found = true;
        return tag;
}

bool tags_put(struct tags *t, uint64_t carrier, uint64_t name, const char *origin,
              int64_t until_ns, int64_t now_ns)
{
        uint64_t hash = hash_of(carrier, name);
        struct tag *tag = look_up(t, hash);

        if (tag && !is_over(tag, now_ns)) {
                tag->until_ns = until_ns > tag->until_ns ? until_ns : tag->until_ns;
                if (!tag->origin[0])
                        memcpy(tag->origin, origin, sizeof(tag->origin));
                return true;
        }
        if (!tag)
                tag = tag_new(t, hash, now_ns);
        if (!tag)
                return false;
        tag->until_ns = until_ns;
        tag->is_found = false;
        memcpy(tag->origin, origin, sizeof(tag->origin));
        return true;
}

void tags_carry(struct tags *t, uint64_t from, uint64_t to, uint64_t name, int64_t now_ns)
{
        const struct tag *tag = tags_find(t, from, name, now_ns);

        if (!tag)
                return;
        struct tag copy = *tag;
        tags_put(t, to, name, copy.origin, copy.until_ns, now_ns);
}
