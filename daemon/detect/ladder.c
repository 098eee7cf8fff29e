/* SPDX-License-Identifier: MIT */
#include "detect/ladder.h"

#include "base/clock.h"

#define MEMORY     (7LL * 24 * 3600 * NS_PER_SEC)
#define HAND_LOOKS 16

struct step {
        uint64_t hash;
        struct ladder_block last;
        unsigned count;
        int64_t put_ns[BLOCK_RUNGS_MAX]; /* the newest ones, oldest first */
};

void ladder_find_classes(struct ladder *l)
{
        l->class = budget_class_of(l->budget, sizeof(struct step));
}

bool ladder_init(struct ladder *l, struct budget *budget, uint64_t index_bytes)
{
        *l = (struct ladder){ .budget = budget };
        ladder_find_classes(l);
        return index_init(&l->index, index_bytes, &budget->kept_index_room);
}

void ladder_free(struct ladder *l)
{
        index_free(&l->index);
}

static void forget_one(struct ladder *l)
{
        struct step *first = NULL;
        uint32_t number = 0;

        for (unsigned i = 0; i < HAND_LOOKS && i < l->index.count; i++) {
                uint32_t handle = index_next(&l->index, &l->hand);
                struct step *step = budget_at(l->budget, handle);
                if (first && step->last.until_ns >= first->last.until_ns)
                        continue;
                first = step;
                number = handle;
        }
        if (!first)
                return;
        index_remove(&l->index, first->hash, number);
        budget_give(l->budget, number);
}

static struct step *step_new(struct ladder *l, uint64_t hash)
{
        uint32_t handle = budget_take(l->budget, l->class, BUDGET_KEPT);

        if (handle == 0) {
                forget_one(l);
                handle = budget_take(l->budget, l->class, BUDGET_KEPT);
        }
        if (handle == 0)
                return NULL;
        struct step *step = budget_at(l->budget, handle);
        step->hash = hash;
        step->last.until_ns = INT64_MIN;
        if (index_put(&l->index, hash, handle))
                return step;
        forget_one(l);
        if (index_put(&l->index, hash, handle))
                return step;
        budget_give(l->budget, handle);
        return NULL;
}

/* Drops what is older than the memory, and the oldest when there is no place. */
static void forget_old(struct step *step, int64_t now_ns)
{
        unsigned drop = 0;

        while (drop < step->count && now_ns - step->put_ns[drop] > MEMORY)
                drop++;
        if (step->count - drop == BLOCK_RUNGS_MAX)
                drop++;
        step->count -= drop;
        memmove(step->put_ns, step->put_ns + drop, step->count * sizeof(*step->put_ns));
}

bool ladder_running(const struct ladder *l, uint64_t subject, int64_t now_ns,
                    struct ladder_block *block)
{
        uint32_t handle = index_find(&l->index, l->budget, subject);
        const struct step *step = handle ? budget_at(l->budget, handle) : NULL;

        if (!step || now_ns >= step->last.until_ns)
                return false;
        *block = step->last;
        return true;
}

bool ladder_recall(struct ladder *l, uint64_t subject, const struct ladder_block *block)
{
        uint32_t handle = index_find(&l->index, l->budget, subject);
        struct step *step = handle ? budget_at(l->budget, handle) : step_new(l, subject);

        if (!step || (step->count && block->since_ns <= step->last.since_ns))
                return false;
        forget_old(step, block->since_ns);
        /* Those before it count as put with it: they are not known. */
        while (step->count + 1 < block->level && step->count + 1 < BLOCK_RUNGS_MAX)
                step->put_ns[step->count++] = block->since_ns;
        step->put_ns[step->count++] = block->since_ns;
        step->last = *block;
        return true;
}

void ladder_name(struct ladder *l, uint64_t subject, uint64_t carrier)
{
        uint32_t handle = index_find(&l->index, l->budget, subject);
        struct step *step = handle ? budget_at(l->budget, handle) : NULL;

        if (step)
                step->last.carrier = carrier;
}

bool ladder_hold(struct ladder *l, uint64_t subject, int64_t now_ns, uint64_t *carrier)
{
        uint32_t handle = index_find(&l->index, l->budget, subject);
        struct step *step = handle ? budget_at(l->budget, handle) : NULL;

        if (!step || now_ns >= step->last.until_ns)
                return false;
        step->last.is_held = true;
        *carrier = step->last.carrier;
        return true;
}

enum ladder_result ladder_climb(struct ladder *l, uint64_t subject, uint64_t carrier,
                                const int64_t *rungs_ns, unsigned rungs, int64_t now_ns,
                                struct ladder_block *block)
{
        if (ladder_running(l, subject, now_ns, block))
                return LADDER_RUNNING;
        uint32_t handle = index_find(&l->index, l->budget, subject);
        struct step *step = handle ? budget_at(l->budget, handle) : step_new(l, subject);
        if (!step)
                return LADDER_FULL;
        forget_old(step, now_ns);
        unsigned rung = step->count < rungs ? step->count : rungs - 1;
        step->put_ns[step->count++] = now_ns;
        step->last = (struct ladder_block){ .since_ns = now_ns,
                                            .until_ns = now_ns + rungs_ns[rung],
                                            .level = rung + 1,
                                            .carrier = carrier };
        *block = step->last;
        return LADDER_NEW;
}
