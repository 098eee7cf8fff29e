/* SPDX-License-Identifier: MIT */
#include "detect/distinct.h"

#include <string.h>

enum { FLAG_SKETCH = 1, FLAG_HELD = 2 };

/*
 * A block of n values: n tags (upper half of the hash), then n rests (lower half,
 * the last four bits being the pane modulo 16). Apart, so that a search compares
 * one array of 32-bit words.
 */
struct values {
        uint32_t *tags, *rests;
        unsigned capacity;
};

#define PANE_BITS 15U

void distinct_store_init(struct distinct_store *s, struct budget *budget,
                         struct counters *counters)
{
        *s = (struct distinct_store){ .budget = budget, .counters = counters };
        for (unsigned i = 0; i < DISTINCT_SIZES; i++)
                s->classes[i] = budget_class_of(budget, (size_t)2 << i << 3);
        s->sketch_class = budget_class_of(budget, sizeof(struct sketch));
        s->registers_class = budget_class_of(budget, SKETCH_BYTES);
}

static struct values values_of(const struct distinct_store *s, const struct distinct *d)
{
        unsigned capacity = d->block ? 2U << d->size : 0;
        uint32_t *tags = d->block ? budget_at(s->budget, d->block) : NULL;

        return (struct values){ tags, tags ? tags + capacity : NULL, capacity };
}

static struct sketch *sketch_of(const struct distinct_store *s, const struct distinct *d)
{
        return budget_at(s->budget, d->block);
}

static uint32_t *words_of(const struct distinct_store *s, const struct sketch *sketch)
{
        return budget_at(s->budget, sketch->registers);
}

/* Where the value stands, or `count`. Eight at a time without a branch inside. */
static unsigned values_find(const struct values *v, unsigned count, uint32_t tag,
                            uint32_t rest)
{
        unsigned i = 0;

        while (i < count) {
                uint32_t any = 0;
                unsigned end = i + 8 <= count ? i + 8 : count;
                if (end == i + 8)
                        for (unsigned k = 0; k < 8; k++)
                                any |= v->tags[i + k] == tag;
                else
                        any = 1;
                for (; any && i < end; i++)
                        if (v->tags[i] == tag && ((v->rests[i] ^ rest) & ~PANE_BITS) == 0)
                                return i;
                i = end;
        }
        return count;
}

static unsigned age_of(uint32_t rest, int64_t now)
{
        return (unsigned)(now - rest) & PANE_BITS;
}

static void hold(const struct distinct_store *s, struct distinct *d)
{
        if (!(d->flags & FLAG_HELD))
                s->counters->sketches_refused++;
        d->flags |= FLAG_HELD;
}

static bool values_grow(const struct distinct_store *s, struct distinct *d)
{
        struct values old = values_of(s, d);
        struct distinct grown = *d;

        grown.size = d->block ? d->size + 1 : 0;
        grown.block = budget_take(s->budget, s->classes[grown.size], BUDGET_GROWTH);
        if (grown.block == 0)
                return false;
        struct values new = values_of(s, &grown);
        if (d->block) {
                memcpy(new.tags, old.tags, old.capacity * sizeof(uint32_t));
                memcpy(new.rests, old.rests, old.capacity * sizeof(uint32_t));
                budget_give(s->budget, d->block);
        }
        *d = grown;
        return true;
}

/* An empty sketch with its registers; 0 when the budget refuses. */
static uint32_t sketch_take(const struct distinct_store *s)
{
        uint32_t head = budget_take(s->budget, s->sketch_class, BUDGET_GROWTH);
        uint32_t registers = budget_take(s->budget, s->registers_class, BUDGET_GROWTH);

        if (head && registers) {
                struct sketch *sketch = budget_at(s->budget, head);
                sketch_init(sketch);
                sketch->registers = registers;
                return head;
        }
        if (head)
                budget_give(s->budget, head);
        if (registers)
                budget_give(s->budget, registers);
        return 0;
}

static bool become_sketch(const struct distinct_store *s, struct distinct *d, int64_t now)
{
        uint32_t head = sketch_take(s);

        if (!head)
                return false;
        struct values v = values_of(s, d);
        struct sketch *sketch = budget_at(s->budget, head);
        for (unsigned i = 0; i < d->count; i++)
                sketch_add(sketch, words_of(s, sketch), v.tags[i],
                           now - age_of(v.rests[i], now));
        budget_give(s->budget, d->block);
        *d = (struct distinct){ .block = head, .flags = FLAG_SKETCH };
        return true;
}

void distinct_add(const struct distinct_store *s, struct distinct *d, uint64_t hash,
                  int64_t pane, int64_t now)
{
        uint32_t tag = (uint32_t)(hash >> 32);
        uint32_t rest = ((uint32_t)hash & ~PANE_BITS) | (uint32_t)(pane & PANE_BITS);

        if (now - pane >= SKETCH_PANES)
                return;
        if (!(d->flags & FLAG_SKETCH)) {
                struct values v = values_of(s, d);
                unsigned at = values_find(&v, d->count, tag, rest);
                if (at < d->count) {
                        if (age_of(rest, now) < age_of(v.rests[at], now))
                                v.rests[at] = rest;
                        return;
                }
                bool room = d->count < v.capacity;
                if (!room && d->count < DISTINCT_EXACT)
                        room = values_grow(s, d);
                if (room) {
                        v = values_of(s, d);
                        v.tags[d->count] = tag;
                        v.rests[d->count++] = rest;
                        return;
                }
                if (d->count < DISTINCT_EXACT || !become_sketch(s, d, now)) {
                        hold(s, d);
                        return;
                }
        }
        struct sketch *sketch = sketch_of(s, d);
        sketch_add(sketch, words_of(s, sketch), tag, pane);
}

static void values_rotate(const struct distinct_store *s, struct distinct *d,
                          int64_t from, int64_t to)
{
        struct values v = values_of(s, d);
        unsigned kept = 0;

        for (unsigned i = 0; i < d->count; i++) {
                if ((int64_t)age_of(v.rests[i], from) + (to - from) >= SKETCH_PANES)
                        continue;
                v.tags[kept] = v.tags[i];
                v.rests[kept++] = v.rests[i];
        }
        d->count = (uint16_t)kept;
        if (kept == 0)
                distinct_clear(s, d);
}

void distinct_rotate(const struct distinct_store *s, struct distinct *d, int64_t from,
                     int64_t to)
{
        if (d->block == 0)
                return;
        if (to - from >= SKETCH_PANES) {
                distinct_clear(s, d);
        } else if (d->flags & FLAG_SKETCH) {
                struct sketch *sketch = sketch_of(s, d);
                sketch_rotate(sketch, words_of(s, sketch), from, to);
        } else {
                values_rotate(s, d, from, to);
        }
}

void distinct_clear(const struct distinct_store *s, struct distinct *d)
{
        if (d->block && d->flags & FLAG_SKETCH)
                budget_give(s->budget, sketch_of(s, d)->registers);
        if (d->block)
                budget_give(s->budget, d->block);
        *d = (struct distinct){ 0 };
}

void distinct_copy_flat(const struct distinct_store *s, const struct distinct *from,
                        struct distinct *to)
{
        *to = (struct distinct){ .flags = from->flags & FLAG_HELD };
        if (!(from->flags & FLAG_SKETCH)) {
                struct values v = values_of(s, from);
                for (unsigned i = 0; i < from->count; i++)
                        distinct_add(s, to, (uint64_t)v.tags[i] << 32 | v.rests[i], 0, 0);
                return;
        }
        uint32_t head = sketch_take(s);
        if (!head) {
                hold(s, to);
                return;
        }
        const struct sketch *source = sketch_of(s, from);
        struct sketch *sketch = budget_at(s->budget, head);
        uint32_t registers = sketch->registers;
        *sketch = *source;
        sketch->registers = registers;
        memcpy(words_of(s, sketch), words_of(s, source), SKETCH_BYTES);
        sketch_flatten(sketch, words_of(s, sketch));
        to->block = head;
        to->flags |= FLAG_SKETCH;
}

double distinct_value(const struct distinct_store *s, const struct distinct *d)
{
        if (d->flags & FLAG_SKETCH && d->block)
                return sketch_estimate(sketch_of(s, d));
        return d->count;
}
