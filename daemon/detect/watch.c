/* SPDX-License-Identifier: MIT */
#include "detect/watch.h"

#include "base/clock.h"

#include <string.h>

#define HAND_LOOKS 16
#define SWEEP      2 /* looked at with each new one, so that what is over goes */
#define KEEP       (3600 * NS_PER_SEC) /* after the end, for the incident's last event */

void watch_find_classes(struct watch *w)
{
        w->class = budget_class_of(w->budget, sizeof(struct watched));
}

bool watch_init(struct watch *w, struct budget *budget, uint64_t index_bytes,
                uint32_t max, uint64_t *evicted)
{
        *w = (struct watch){ .budget = budget,
                             .evicted = evicted,
                             .live_until_ns = INT64_MIN,
                             .max = max ? max : 1 };
        watch_find_classes(w);
        return index_init(&w->index, index_bytes, &budget->kept_index_room);
}

void watch_free(struct watch *w)
{
        index_free(&w->index);
        *w = (struct watch){ 0 };
}

static struct watched *watched_at(const struct watch *w, uint32_t handle)
{
        return budget_at(w->budget, handle);
}

static void forget(struct watch *w, uint32_t handle)
{
        index_remove(&w->index, watched_at(w, handle)->hash, handle);
        budget_give(w->budget, handle);
}

static void evict(struct watch *w, int64_t now_ns)
{
        uint32_t first = 0;

        for (unsigned i = 0; i < HAND_LOOKS && i < w->index.count; i++) {
                uint32_t handle = index_next(&w->index, &w->hand);
                if (!first ||
                    watched_at(w, handle)->until_ns < watched_at(w, first)->until_ns)
                        first = handle;
        }
        if (!first)
                return;
        *w->evicted += watched_at(w, first)->until_ns > now_ns;
        forget(w, first);
}

static void sweep(struct watch *w, int64_t now_ns)
{
        for (unsigned i = 0; i < SWEEP && w->index.count; i++) {
                uint32_t handle = index_next(&w->index, &w->hand);
                if (watched_at(w, handle)->until_ns + KEEP <= now_ns)
                        forget(w, handle);
        }
}

static uint32_t take(struct watch *w, uint64_t carrier)
{
        uint32_t handle =
            w->index.count < w->max ? budget_take(w->budget, w->class, BUDGET_KEPT) : 0;

        if (handle == 0)
                return 0;
        watched_at(w, handle)->hash = carrier;
        if (index_put(&w->index, carrier, handle))
                return handle;
        budget_give(w->budget, handle);
        return 0;
}

static struct watched *watched_new(struct watch *w, uint64_t carrier, int64_t now_ns)
{
        sweep(w, now_ns);
        uint32_t handle = take(w, carrier);
        if (handle == 0) {
                evict(w, now_ns);
                handle = take(w, carrier);
        }
        return handle ? watched_at(w, handle) : NULL;
}

struct watched *watch_find(const struct watch *w, uint64_t carrier)
{
        uint32_t handle = carrier ? index_find(&w->index, w->budget, carrier) : 0;

        return handle ? watched_at(w, handle) : NULL;
}

struct watched *watch_running(const struct watch *w, uint64_t carrier, int64_t now_ns)
{
        struct watched *watched = watch_is_on(w, now_ns) ? watch_find(w, carrier) : NULL;

        return watched && now_ns < watched->until_ns ? watched : NULL;
}

bool watch_put(struct watch *w, uint64_t carrier, const char *id, int64_t since_ns,
               int64_t until_ns, unsigned level)
{
        struct watched *watched = watch_find(w, carrier);
        bool goes_on = watched && since_ns < watched->until_ns;

        if (!watched)
                watched = watched_new(w, carrier, since_ns);
        if (!watched)
                return false;
        if (until_ns > w->live_until_ns)
                w->live_until_ns = until_ns;
        if (goes_on) {
                watched->until_ns =
                    until_ns > watched->until_ns ? until_ns : watched->until_ns;
                return true;
        }
        *watched = (struct watched){ .hash = carrier,
                                     .since_ns = since_ns,
                                     .until_ns = until_ns,
                                     .refusal_ns = INT64_MAX,
                                     .level = (uint16_t)level };
        memcpy(watched->id, id, sizeof(watched->id));
        return true;
}

void watch_drop(struct watch *w, uint64_t carrier)
{
        uint32_t handle = carrier ? index_find(&w->index, w->budget, carrier) : 0;

        if (handle)
                forget(w, handle);
}

void watch_note_length(struct watch *w, unsigned bits)
{
        w->lengths[bits / 64] |= UINT64_C(1) << bits % 64;
}

void watch_note_kind(struct watch *w, unsigned kind)
{
        w->kinds |= 1U << kind;
}

bool watched_note(struct watched *w, int64_t begin_ns, int64_t after_ns,
                  enum watch_outcome outcome)
{
        enum block_state before = watched_state(w);

        if (begin_ns <= w->since_ns || begin_ns >= w->until_ns)
                return false;
        w->requests++;
        w->refused += outcome == WATCH_REFUSED;
        if (outcome == WATCH_REFUSED && begin_ns < w->refusal_ns)
                w->refusal_ns = begin_ns;
        w->is_ignored |= outcome == WATCH_SERVED && begin_ns - w->since_ns > after_ns;
        return watched_state(w) != before;
}

enum block_state watched_state(const struct watched *w)
{
        if (w->is_ignored)
                return BLOCK_IGNORED;
        return w->refused ? BLOCK_REFUSED : BLOCK_SILENT;
}

void watched_add(const struct watched *w, struct enforcement *e)
{
        int64_t ms = w->refused ? (w->refusal_ns - w->since_ns) / NS_PER_MS : -1;

        if (!e->is_known)
                *e = (struct enforcement){ .is_known = true,
                                           .state = BLOCK_SILENT,
                                           .first_refusal_ms = -1 };
        if (watched_state(w) < e->state)
                e->state = watched_state(w);
        e->requests += w->requests;
        e->refused += w->refused;
        if (ms >= 0 && (e->first_refusal_ms < 0 || ms < e->first_refusal_ms))
                e->first_refusal_ms = ms;
}
