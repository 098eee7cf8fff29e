/* SPDX-License-Identifier: MIT */
#include "detect/involved.h"

#include <stdlib.h>

#define PART_BITS 30
#define PART_MASK ((1U << PART_BITS) - 1)

static const uint16_t capacities[INVOLVED_SIZES] = { 1,   2,   3,   4,   6,
                                                     8,   12,  16,  24,  32,
                                                     48,  64,  96,  128, 192,
                                                     256, 384, 512, 768, INVOLVED_MAX };

_Static_assert(INVOLVED_MAX < 1 << 10 && INVOLVED_SIZES <= 1 << 5, "as struct involved");
_Static_assert(CONDITIONS_MAX <= 4 * PART_BITS, "two bits say which part");

/* n places: n actors, so that a search reads few lines, then the rest of each. */
struct rest {
        uint32_t met, seen, hits;
};

struct places {
        uint32_t *actors;
        struct rest *rest;
        unsigned capacity;
};

void involved_store_init(struct involved_store *s, struct actors *actors)
{
        s->actors = actors;
        for (unsigned i = 1; i < INVOLVED_SIZES; i++)
                s->classes[i] =
                    budget_class_of(actors->budget, (size_t)capacities[i] * 16);
}

static struct places places_of(const struct involved_store *s, const struct involved *v)
{
        unsigned capacity = capacities[v->size];
        uint32_t *at =
            v->size ? budget_at(s->actors->budget, v->place[0]) : (uint32_t *)v->place;

        return (struct places){ at, (struct rest *)(at + capacity), capacity };
}

/* Whether one of eight is it. */
static bool has_actor(const uint32_t actors[8], uint32_t actor)
{
        uint32_t any = 0;

        for (unsigned k = 0; k < 8; k++)
                any |= actors[k] == actor;
        return any;
}

static unsigned places_find(const struct places *p, unsigned count, uint32_t actor,
                            uint32_t met)
{
        for (unsigned i = 0; i < count;) {
                if (i + 8 <= count && !has_actor(p->actors + i, actor)) {
                        i += 8;
                        continue;
                }
                unsigned end = i + 8 <= count ? i + 8 : count;
                for (; i < end; i++)
                        if (p->actors[i] == actor && p->rest[i].met == met)
                                return i;
        }
        return count;
}

/* Lets go of those that were last seen before `since`. */
static void forget(const struct involved_store *s, struct involved *v, uint32_t since)
{
        struct places p = places_of(s, v);
        unsigned kept = 0;

        for (unsigned i = 0; i < v->count; i++) {
                if (p.rest[i].seen < since) {
                        actors_drop(s->actors, p.actors[i]);
                        continue;
                }
                p.actors[kept] = p.actors[i];
                p.rest[kept++] = p.rest[i];
        }
        v->count = kept & 1023;
}

static bool grow(const struct involved_store *s, struct involved *v)
{
        struct places old = places_of(s, v);
        struct involved grown = *v;

        if (v->size + 1U == INVOLVED_SIZES)
                return false;
        grown.size = (v->size + 1U) & 31;
        grown.place[0] =
            budget_take(s->actors->budget, s->classes[grown.size], BUDGET_GROWTH);
        if (grown.place[0] == 0)
                return false;
        struct places new = places_of(s, &grown);
        memcpy(new.actors, old.actors, v->count * sizeof(uint32_t));
        memcpy(new.rest, old.rest, v->count * sizeof(*new.rest));
        if (v->size)
                budget_give(s->actors->budget, v->place[0]);
        *v = grown;
        return true;
}

static bool make_room(const struct involved_store *s, struct involved *v, uint32_t since,
                      bool keep_all)
{
        struct places p = places_of(s, v);

        if (v->count < INVOLVED_MAX && v->count < p.capacity)
                return true;
        if (!keep_all)
                forget(s, v, since);
        if (v->count < INVOLVED_MAX && v->count < p.capacity)
                return true;
        return v->count < INVOLVED_MAX && grow(s, v);
}

static bool has_met(uint32_t met, uint64_t condition)
{
        return (uint64_t)(met & PART_MASK) << (met >> PART_BITS) * PART_BITS & condition;
}

/* The one seen longest ago: of those that are none of the few, or else of these. */
static unsigned least_telling(const struct places *p, unsigned count, uint64_t few)
{
        unsigned least = 0;
        bool is_few = has_met(p->rest[0].met, few);

        for (unsigned i = 1; i < count; i++) {
                bool this_is = has_met(p->rest[i].met, few);
                if (this_is == is_few ? p->rest[i].seen >= p->rest[least].seen : this_is)
                        continue;
                least = i;
                is_few = this_is;
        }
        return least;
}

/* A place to fill, or INVOLVED_MAX when there is none. */
static unsigned place_for(const struct involved_store *s, struct involved *v,
                          const struct involvement *i, uint32_t met)
{
        uint32_t since = i->now > i->keep ? i->now - i->keep : 0;
        bool is_full = v->overflow && v->count == INVOLVED_MAX;

        /* A list that is full of fresh ones is not searched again for old ones. */
        if (!(is_full && i->now % 8) && make_room(s, v, since, i->keep_all))
                return v->count++;
        v->overflow = true;
        if (!has_met(met, i->few))
                return INVOLVED_MAX;
        struct places p = places_of(s, v);
        unsigned at = least_telling(&p, v->count, i->few);
        actors_drop(s->actors, p.actors[at]);
        return at;
}

static void add_part(const struct involved_store *s, struct involved *v,
                     const struct involvement *i, uint32_t met)
{
        struct places p = places_of(s, v);
        unsigned at = places_find(&p, v->count, i->actor, met);

        if (at == v->count) {
                if (i->actor == 0) {
                        v->overflow = true;
                        return;
                }
                unsigned place = place_for(s, v, i, met);
                if (place == INVOLVED_MAX)
                        return;
                p = places_of(s, v);
                at = place;
                p.actors[at] = i->actor;
                p.rest[at] = (struct rest){ .met = met, .seen = i->now };
                actors_hold(s->actors, i->actor);
        }
        struct rest *rest = &p.rest[at];
        rest->hits += rest->hits < UINT32_MAX;
        rest->seen = i->now > rest->seen ? i->now : rest->seen;
}

void involved_add(const struct involved_store *s, struct involved *v,
                  const struct involvement *i)
{
        uint64_t met = i->met;

        if (met && met <= PART_MASK) { /* nearly always */
                add_part(s, v, i, (uint32_t)met);
                return;
        }
        for (uint32_t part = 0; met; part++, met >>= PART_BITS)
                if (met & PART_MASK)
                        add_part(s, v, i,
                                 part << PART_BITS | (uint32_t)(met & PART_MASK));
}

void involved_prefetch(const struct involved_store *s, const struct involved *v)
{
        struct places p = places_of(s, v);

        for (unsigned i = 0; i < v->count; i += 16)
                __builtin_prefetch(p.actors + i, 1);
        /* Where a new one would be put; where a known one stands is not known yet. */
        __builtin_prefetch(p.rest + v->count, 1);
}

void involved_clear(const struct involved_store *s, struct involved *v)
{
        forget(s, v, UINT32_MAX);
        if (v->size)
                budget_give(s->actors->budget, v->place[0]);
        *v = (struct involved){ 0 };
}

struct tally {
        const struct actor *actor;
        uint64_t hits;
};

struct by_value {
        const struct actors *actors;
        enum participant_kind kind;
};

static int tally_by_value(const void *a, const void *b, void *context)
{
        const struct by_value *by = context;

        return actors_compare(by->actors, by->kind, ((const struct tally *)a)->actor,
                              ((const struct tally *)b)->actor);
}

static int tally_by_hits(const void *a, const void *b, void *context)
{
        const struct tally *x = a, *y = b;

        if (x->hits != y->hits)
                return x->hits < y->hits ? 1 : -1;
        return tally_by_value(a, b, context);
}

void involved_translate(const struct involved_store *s, struct involved *v,
                        uint64_t (*met)(void *context, uint64_t), void *context)
{
        struct places p = places_of(s, v);

        for (unsigned i = 0; i < v->count; i++) {
                uint32_t part = p.rest[i].met >> PART_BITS;
                uint64_t all = met(context, (uint64_t)(p.rest[i].met & PART_MASK)
                                                << part * PART_BITS);
                for (part = 0; all && !(all & PART_MASK); part++)
                        all >>= PART_BITS;
                p.rest[i].met = part << PART_BITS | (uint32_t)(all & PART_MASK);
        }
}

unsigned involved_values(const struct involved_store *s, const struct involved *v,
                         enum participant_kind kind, uint64_t condition, uint32_t since,
                         const struct actor *actors[], unsigned max, uint64_t *total)
{
        struct places p = places_of(s, v);
        struct by_value by = { s->actors, kind };
        struct tally tallies[INVOLVED_MAX];
        unsigned count = 0, different = 0;

        for (unsigned i = 0; i < v->count; i++) {
                const struct actor *actor = actors_at(s->actors, p.actors[i]);
                if (p.rest[i].seen >= since && has_met(p.rest[i].met, condition) &&
                    actor_has(actor, kind))
                        tallies[count++] = (struct tally){ actor, p.rest[i].hits };
        }
        qsort_r(tallies, count, sizeof(*tallies), tally_by_value, &by);
        for (unsigned i = 0; i < count; i++)
                if (different &&
                    !tally_by_value(&tallies[different - 1], &tallies[i], &by))
                        tallies[different - 1].hits += tallies[i].hits;
                else
                        tallies[different++] = tallies[i];
        qsort_r(tallies, different, sizeof(*tallies), tally_by_hits, &by);
        *total = different;
        for (unsigned i = 0; i < different && i < max; i++)
                actors[i] = tallies[i].actor;
        return different < max ? different : max;
}

static int by_place(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

unsigned involved_actors(const struct involved_store *s, const struct involved *v,
                         uint64_t condition, uint32_t since, const struct actor *actors[],
                         unsigned max)
{
        struct places p = places_of(s, v);
        uint32_t handles[INVOLVED_MAX];
        unsigned count = 0, different = 0;

        for (unsigned i = 0; i < v->count; i++)
                if (p.rest[i].seen >= since && has_met(p.rest[i].met, condition))
                        handles[count++] = p.actors[i];
        qsort(handles, count, sizeof(*handles), by_place);
        for (unsigned i = 0; i < count && different < max; i++)
                if (i == 0 || handles[i] != handles[i - 1])
                        actors[different++] = actors_at(s->actors, handles[i]);
        return different;
}
