/* SPDX-License-Identifier: MIT */
#include "detect/involved.h"

#include <stdlib.h>
#include <string.h>

#define PART_BITS 30
#define PART_MASK ((1U << PART_BITS) - 1)
#define LINE      16 /* actors in a line of the cache */
#define NOWHERE   UINT32_MAX
#define SEARCHED  1 /* with a block: who was seen after this second stays for now */
#define EVICTED   (INVOLVED_MAX / 8)
#define FRESH     600 /* seconds: who was seen since keeps a place in a full list */
#define IN_A_ROW  40 /* so many places are looked through one after the other */

/*
 * How many actors a block of each size holds, in how many cells. Up to IN_A_ROW they
 * stand in a row. More of them stand in lines, of which the actor says one; where that
 * is full, it is put into the next that is not. Some cells stay free, so that there is
 * such a line nearby.
 */
static const struct {
        uint16_t room, cells;
} sizes[INVOLVED_SIZES] = {
        { 1, 1 },     { 2, 2 },     { 3, 3 },     { 4, 4 },     { 6, 6 },
        { 8, 8 },     { 12, 12 },   { 16, 16 },   { 24, 24 },   { 32, 32 },
        { 40, 40 },   { 42, 48 },   { 56, 64 },   { 72, 80 },   { 88, 96 },   { 118, 128 },
        { 160, 176 }, { 220, 240 }, { 296, 320 }, { 400, 432 }, { 552, 592 },
        { 752, 800 }, { INVOLVED_MAX, 1024 },
};

_Static_assert(INVOLVED_MAX < 1 << 10 && INVOLVED_SIZES <= 1 << 5, "as struct involved");
_Static_assert(CONDITIONS_MAX <= 4 * PART_BITS, "two bits say which part");

#define HITS_BITS  24
#define NAMED_MASK ((1U << (32 - HITS_BITS)) - 1)

/* n cells: n actors, so that a search reads few lines, then the rest of each. 0: free. */
struct rest {
        uint32_t met, seen;
        uint32_t hits : HITS_BITS;
        uint32_t named : 32 - HITS_BITS; /* kinds of which a message had its value */
};

_Static_assert(PARTICIPANT_KINDS <= 32 - HITS_BITS, "a bit for each kind");

struct places {
        uint32_t *actors;
        struct rest *rest;
        unsigned room, cells;
        unsigned end; /* all that are taken stand before it */
};

void involved_store_init(struct involved_store *s, struct actors *actors)
{
        s->actors = actors;
        for (unsigned i = 1; i < INVOLVED_SIZES; i++)
                s->classes[i] =
                    budget_class_of(actors->budget, (size_t)sizes[i].cells * 16);
}

static bool has_lines(const struct places *p)
{
        return p->cells > IN_A_ROW;
}

static struct places places_of(const struct involved_store *s, const struct involved *v)
{
        unsigned cells = sizes[v->size].cells;
        uint32_t *at =
            v->size ? budget_at(s->actors->budget, v->place[0]) : (uint32_t *)v->place;

        return (struct places){ at, (struct rest *)(at + cells), sizes[v->size].room,
                                cells, cells > IN_A_ROW ? cells : v->count };
}

/* The first cell of the actor's line. */
static unsigned line_of(const struct places *p, uint32_t actor)
{
        return (unsigned)((uint64_t)(actor * 0x9e3779b1U) * (p->cells / LINE) >> 32) *
               LINE;
}

static unsigned next_line(const struct places *p, unsigned line)
{
        return line + LINE == p->cells ? 0 : line + LINE;
}

/* Whether one of eight is it. */
static bool has_actor(const uint32_t actors[8], uint32_t actor)
{
        uint32_t any = 0;

        for (unsigned k = 0; k < 8; k++)
                any |= actors[k] == actor;
        return any;
}

/* Where it stands from `i` on, before `end`; or `end`. */
static unsigned find_in(const struct places *p, unsigned i, unsigned end, uint32_t actor,
                        uint32_t met)
{
        while (i < end) {
                if (i + 8 <= end && !has_actor(p->actors + i, actor)) {
                        i += 8;
                        continue;
                }
                unsigned some = i + 8 <= end ? i + 8 : end;
                for (; i < some; i++)
                        if (p->actors[i] == actor && p->rest[i].met == met)
                                return i;
        }
        return end;
}

static unsigned places_find(const struct places *p, uint32_t actor, uint32_t met)
{
        if (!has_lines(p)) {
                unsigned i = find_in(p, 0, p->end, actor, met);
                return i < p->end ? i : NOWHERE;
        }
        for (unsigned line = line_of(p, actor);; line = next_line(p, line)) {
                unsigned i = find_in(p, line, line + LINE, actor, met);
                if (i < line + LINE)
                        return i;
                if (p->actors[line + LINE - 1] == 0) /* not full: it is in no other */
                        return NOWHERE;
        }
}

/* Takes a cell; there is one. */
static unsigned places_put(struct places *p, uint32_t actor, const struct rest *rest)
{
        unsigned line = has_lines(p) ? line_of(p, actor) : 0, i = line;

        if (!has_lines(p)) {
                i = p->end++;
        } else {
                while (p->actors[line + LINE - 1])
                        line = next_line(p, line);
                for (i = line; p->actors[i];)
                        i++;
        }
        p->actors[i] = actor;
        p->rest[i] = *rest;
        return i;
}

static bool has_met(uint32_t met, uint64_t condition)
{
        return (uint64_t)(met & PART_MASK) << (met >> PART_BITS) * PART_BITS & condition;
}

/* Lets go of those that were last seen before `since` and met none of `but`; of so many
   at most. */
static void forget(const struct involved_store *s, struct involved *v, uint32_t since,
                   uint64_t but, unsigned most)
{
        struct places p = places_of(s, v);
        uint32_t actors[INVOLVED_MAX];
        struct rest rest[INVOLVED_MAX];
        unsigned kept = 0, end = p.end;

        for (unsigned i = 0; i < end; i++) {
                if (p.actors[i] == 0)
                        continue;
                if (p.rest[i].seen < since && !has_met(p.rest[i].met, but) && most) {
                        actors_drop(s->actors, p.actors[i]);
                        most--;
                        continue;
                }
                actors[kept] = p.actors[i];
                rest[kept++] = p.rest[i];
        }
        if (kept == v->count)
                return;
        v->count = kept & 1023;
        memset(p.actors, 0, end * sizeof(*p.actors));
        p.end = has_lines(&p) ? p.cells : 0;
        for (unsigned i = 0; i < kept; i++)
                places_put(&p, actors[i], &rest[i]);
}

/* When those that met none of `but` were seen; how many they are. */
static unsigned times_but(const struct places *p, uint64_t but,
                          uint32_t times[INVOLVED_MAX])
{
        unsigned count = 0;

        for (unsigned i = 0; i < p->end; i++)
                if (p->actors[i] && !has_met(p->rest[i].met, but))
                        times[count++] = p->rest[i].seen;
        return count;
}

/*
 * The time that would stand at `nth`, were they in order. Bit by bit, from the highest in
 * which any differ: those without it go before those with it. Moves them.
 */
static uint32_t nth_time(uint32_t *times, unsigned count, unsigned nth)
{
        uint32_t differ = 0;

        for (unsigned i = 1; i < count; i++)
                differ |= times[i] ^ times[0];
        while (differ && count > 1) {
                uint32_t bit = UINT32_C(1) << (31 - __builtin_clz(differ));
                unsigned without = 0;

                differ ^= bit;
                for (unsigned i = 0; i < count; i++) {
                        uint32_t t = times[i];
                        times[i] = times[without];
                        times[without] = t;
                        without += (t & bit) == 0;
                }
                if (nth < without) {
                        count = without;
                } else {
                        times += without;
                        count -= without;
                        nth -= without;
                }
        }
        return times[0];
}

/* Of a full list: an eighth leaves, so that the next ones need not look for a place. */
static void evict(const struct involved_store *s, struct involved *v, uint64_t few)
{
        struct places p = places_of(s, v);
        uint32_t times[INVOLVED_MAX];
        unsigned count = times_but(&p, few, times);

        if (count == 0) {
                few = 0;
                count = times_but(&p, few, times);
        }
        unsigned last = count < EVICTED ? count - 1 : EVICTED - 1;
        forget(s, v, nth_time(times, count, last) + 1, few, EVICTED);
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
        grown.place[SEARCHED] = v->size ? v->place[SEARCHED] : 0;
        struct places new = places_of(s, &grown);
        if (!has_lines(&new))
                new.end = 0;
        for (unsigned i = 0; i < old.end; i++)
                if (old.actors[i])
                        places_put(&new, old.actors[i], &old.rest[i]);
        if (v->size)
                budget_give(s->actors->budget, v->place[0]);
        *v = grown;
        return true;
}

static bool is_full(const struct involved *v)
{
        return v->count >= sizes[v->size].room;
}

/*
 * When it was searched for those of before `since`: who has to be old for the next
 * search. A list that cannot grow and is nearly full waits until an eighth of it is, or
 * each newcomer would have all of it searched for the few that got old meanwhile.
 */
static uint32_t next_search(const struct involved_store *s, const struct involved *v,
                            uint32_t since)
{
        struct places p = places_of(s, v);
        uint32_t times[INVOLVED_MAX];

        if (v->count <= INVOLVED_MAX - EVICTED)
                return since;
        return nth_time(times, times_but(&p, 0, times), EVICTED - 1);
}

static void forget_once(const struct involved_store *s, struct involved *v,
                        uint32_t since)
{
        if (v->size && v->place[SEARCHED] >= since)
                return;
        forget(s, v, since, 0, INVOLVED_MAX);
        if (v->size)
                v->place[SEARCHED] = next_search(s, v, since);
}

static bool make_room(const struct involved_store *s, struct involved *v, uint32_t since,
                      bool keep_all)
{
        if (is_full(v) && (!keep_all || v->count == INVOLVED_MAX))
                forget_once(s, v, since);
        return !is_full(v) || grow(s, v);
}

/* Whether the one that is to be put in gets a place. */
static bool has_place(const struct involved_store *s, struct involved *v,
                      const struct involvement *i, uint32_t met)
{
        uint32_t keep = v->count == INVOLVED_MAX && i->keep > FRESH ? FRESH : i->keep;
        uint32_t since = i->now > keep ? i->now - keep : 0;
        bool was_full = v->overflow && v->count == INVOLVED_MAX;

        if (i->actor == 0)
                return false;
        /* A list that is full of fresh ones is not searched again for old ones. */
        if (!(was_full && i->now % 8) && make_room(s, v, since, i->keep_all))
                return true;
        if (!has_met(met, i->few) || v->count < INVOLVED_MAX)
                return false;
        v->overflow = true;
        evict(s, v, i->few);
        return true;
}

static void add_part(const struct involved_store *s, struct involved *v,
                     const struct involvement *i, uint32_t met)
{
        struct places p = places_of(s, v);
        unsigned at = places_find(&p, i->actor, met);

        if (at == NOWHERE) {
                if (!has_place(s, v, i, met)) {
                        v->overflow = true;
                        return;
                }
                p = places_of(s, v);
                at = places_put(&p, i->actor,
                                &(struct rest){ .met = met, .seen = i->now });
                v->count++;
                actors_hold(s->actors, i->actor);
        }
        struct rest *rest = &p.rest[at];
        if (rest->hits < (1U << HITS_BITS) - 1)
                rest->hits++;
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

void involved_prefetch(const struct involved_store *s, const struct involved *v,
                       uint32_t actor)
{
        struct places p = places_of(s, v);

        if (has_lines(&p)) {
                unsigned line = line_of(&p, actor);
                __builtin_prefetch(p.actors + line, 1);
                __builtin_prefetch(p.rest + line, 1);
                return;
        }
        for (unsigned i = 0; i < v->count; i += 16)
                __builtin_prefetch(p.actors + i, 1);
        /* Where a new one would be put; where a known one stands is not known yet. */
        __builtin_prefetch(p.rest + v->count, 1);
}

void involved_clear(const struct involved_store *s, struct involved *v)
{
        forget(s, v, UINT32_MAX, 0, INVOLVED_MAX);
        if (v->size)
                budget_give(s->actors->budget, v->place[0]);
        *v = (struct involved){ 0 };
}

/* A place of those that are asked for. */
struct found {
        const struct actor *actor;
        struct rest *rest;
};

/* A value, and the places that have it. */
struct tally {
        const struct actor *actor; /* one that shows it */
        unsigned first, count;     /* of the places found */
        uint64_t hits;
        uint32_t seen;
        bool is_named;
};

struct by_value {
        const struct actors *actors;
        enum participant_kind kind;
};

static int found_by_value(const void *a, const void *b, void *context)
{
        const struct by_value *by = context;

        return actors_compare(by->actors, by->kind, ((const struct found *)a)->actor,
                              ((const struct found *)b)->actor);
}

static int tally_by_hits(const void *a, const void *b, void *context)
{
        const struct by_value *by = context;
        const struct tally *x = a, *y = b;

        if (x->hits != y->hits)
                return x->hits < y->hits ? 1 : -1;
        if (x->seen != y->seen)
                return x->seen < y->seen ? 1 : -1;
        return actors_compare(by->actors, by->kind, x->actor, y->actor);
}

static int tally_by_news(const void *a, const void *b, void *context)
{
        const struct tally *x = a, *y = b;

        if (x->is_named != y->is_named)
                return x->is_named ? 1 : -1;
        return tally_by_hits(a, b, context);
}

void involved_translate(const struct involved_store *s, struct involved *v,
                        uint64_t (*met)(void *context, uint64_t), void *context)
{
        struct places p = places_of(s, v);

        for (unsigned i = 0; i < p.end; i++) {
                uint32_t part = p.rest[i].met >> PART_BITS;
                uint64_t all = met(context, (uint64_t)(p.rest[i].met & PART_MASK)
                                                << part * PART_BITS);
                for (part = 0; all && !(all & PART_MASK); part++)
                        all >>= PART_BITS;
                p.rest[i].met = part << PART_BITS | (uint32_t)(all & PART_MASK);
        }
}

/* What there is to tell of one kind. */
struct tallies {
        struct by_value by;
        unsigned count; /* of values */
        struct found found[INVOLVED_MAX];
        struct tally tally[INVOLVED_MAX];
};

static unsigned find(const struct involved_store *s, const struct involved *v,
                     const struct involved_query *q, struct found found[])
{
        struct places p = places_of(s, v);
        unsigned count = 0;

        for (unsigned i = 0; i < p.end; i++) {
                const struct actor *actor = actors_at(s->actors, p.actors[i]);
                if (p.actors[i] && p.rest[i].seen >= q->since &&
                    has_met(p.rest[i].met, q->condition) && actor_has(actor, q->kind))
                        found[count++] = (struct found){ actor, &p.rest[i] };
        }
        return count;
}

static void take_stock(const struct involved_store *s, const struct involved *v,
                       const struct involved_query *q, struct tallies *t)
{
        unsigned found = find(s, v, q, t->found);
        struct tally *last = NULL;

        t->by = (struct by_value){ s->actors, q->kind };
        t->count = 0;
        qsort_r(t->found, found, sizeof(*t->found), found_by_value, &t->by);
        for (unsigned i = 0; i < found; i++) {
                const struct rest *rest = t->found[i].rest;
                if (i == 0 || found_by_value(&t->found[i - 1], &t->found[i], &t->by)) {
                        last = &t->tally[t->count++];
                        *last = (struct tally){ t->found[i].actor, i, 0, 0, 0, false };
                }
                last->count++;
                last->hits += rest->hits;
                last->seen = rest->seen > last->seen ? rest->seen : last->seen;
                last->is_named |= rest->named >> q->kind & 1;
        }
}

static unsigned give_first(const struct tallies *t, const struct actor *actors[],
                           unsigned max)
{
        unsigned count = t->count < max ? t->count : max;

        for (unsigned i = 0; i < count; i++)
                actors[i] = t->tally[i].actor;
        return count;
}

unsigned involved_values(const struct involved_store *s, const struct involved *v,
                         const struct involved_query *q, const struct actor *actors[],
                         unsigned max, uint64_t *total)
{
        struct tallies t;

        take_stock(s, v, q, &t);
        qsort_r(t.tally, t.count, sizeof(*t.tally), tally_by_hits, &t.by);
        *total = t.count;
        return give_first(&t, actors, max);
}

unsigned involved_name(const struct involved_store *s, struct involved *v,
                       const struct involved_query *q, bool anew,
                       const struct actor *actors[], unsigned max, uint64_t *total)
{
        uint32_t bit = 1U << q->kind;
        struct tallies t;

        take_stock(s, v, q, &t);
        qsort_r(t.tally, t.count, sizeof(*t.tally), anew ? tally_by_hits : tally_by_news,
                &t.by);
        *total = t.count;
        for (unsigned i = 0; i < t.count; i++)
                for (unsigned k = 0; k < t.tally[i].count; k++) {
                        struct rest *rest = t.found[t.tally[i].first + k].rest;
                        if (i < max)
                                rest->named |= bit & NAMED_MASK;
                        else if (anew)
                                rest->named &= ~bit & NAMED_MASK;
                }
        t.count = t.count < max ? t.count : max;
        qsort_r(t.tally, t.count, sizeof(*t.tally), tally_by_hits, &t.by);
        return give_first(&t, actors, max);
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

        for (unsigned i = 0; i < p.end; i++)
                if (p.actors[i] && p.rest[i].seen >= since &&
                    has_met(p.rest[i].met, condition))
                        handles[count++] = p.actors[i];
        qsort(handles, count, sizeof(*handles), by_place);
        for (unsigned i = 0; i < count && different < max; i++)
                if (i == 0 || handles[i] != handles[i - 1])
                        actors[different++] = actors_at(s->actors, handles[i]);
        return different;
}
