/* SPDX-License-Identifier: MIT */
#include "detect/distinct.h"

#include <string.h>

/*
 * A value is a tag (the upper half of its hash) and a rest: 12 more bits, and the unit
 * in which it was last seen, modulo 4096. A block of n has n tags and then n rests:
 * apart, so that a search compares one array of 32-bit words.
 */
struct values {
        uint32_t *tags, *rests;
        unsigned count, capacity;
};

#define UNIT_BITS 0xfffU
#define HASH_BITS 0xfff000U

_Static_assert(2 * DISTINCT_SPAN_MAX == UNIT_BITS + 1, "ages are told apart");

const struct distinct_plan distinct_flat = { .unit_ns = 1, .windows = 1, .pane = { 1 } };

void distinct_store_init(struct distinct_store *s, struct budget *budget,
                         struct counters *counters)
{
        *s = (struct distinct_store){ .budget = budget, .counters = counters };
        for (unsigned i = 0; i < DISTINCT_SIZES; i++)
                s->classes[i] = budget_class_of(budget, (size_t)2 << i << 3);
        s->sketch_class = budget_class_of(budget, sizeof(struct sketch));
        s->registers_class = budget_class_of(budget, SKETCH_BYTES);
}

/* ---- the plan ---- */

static int64_t common_unit(int64_t a, int64_t b)
{
        while (b) {
                int64_t rest = a % b;
                a = b;
                b = rest;
        }
        return a;
}

/*
 * When its pane has just begun a window reaches back 7/8 of its length, and one that is
 * hardly shorter may reach further at that moment: such a one is no view of it.
 */
static bool are_views(const int64_t pane_ns[], unsigned windows)
{
        for (unsigned i = 1; i < windows; i++)
                if (pane_ns[i - 1] * (SKETCH_PANES - 1) < pane_ns[i] * SKETCH_PANES)
                        return false;
        return true;
}

bool distinct_plan_add(struct distinct_plan *p, int64_t window_ns)
{
        int64_t pane_ns[DISTINCT_WINDOWS + 1], unit_ns = window_ns / SKETCH_PANES;
        unsigned at = p->windows;

        if (p->windows == DISTINCT_WINDOWS)
                return false;
        for (unsigned i = 0; i < p->windows; i++) {
                pane_ns[i] = p->pane[i] * p->unit_ns;
                unit_ns = common_unit(unit_ns, pane_ns[i]);
        }
        for (; at && pane_ns[at - 1] < window_ns / SKETCH_PANES; at--)
                pane_ns[at] = pane_ns[at - 1];
        pane_ns[at] = window_ns / SKETCH_PANES;
        if (pane_ns[0] * SKETCH_PANES / unit_ns > DISTINCT_SPAN_MAX ||
            !are_views(pane_ns, p->windows + 1))
                return false;
        p->unit_ns = unit_ns;
        p->windows++;
        for (unsigned i = 0; i < p->windows; i++)
                p->pane[i] = (uint32_t)(pane_ns[i] / unit_ns);
        return true;
}

/* ---- values, held one by one ---- */

/* `one` is where a set of one value is laid out as others are. */
static struct values values_of(const struct distinct_store *s, const struct distinct *d,
                               uint32_t one[2])
{
        if (d->kind == DISTINCT_EMPTY)
                return (struct values){ 0 };
        if (d->kind == DISTINCT_ONE) {
                one[0] = d->head;
                one[1] = d->detail;
                return (struct values){ one, one + 1, 1, 1 };
        }
        unsigned capacity = 2U << d->size;
        uint32_t *tags = budget_at(s->budget, d->head);
        return (struct values){ tags, tags + capacity, d->detail, capacity };
}

typedef uint32_t four_tags __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/* Whether one of eight is it: compared four at a time, which compilers do not find. */
static bool has_tag(const uint32_t tags[8], uint32_t tag)
{
        four_tags wanted = { tag, tag, tag, tag }, a, b;

        memcpy(&a, tags, sizeof(a));
        memcpy(&b, tags + 4, sizeof(b));
        two_words any = (two_words)((a == wanted) | (b == wanted));
        return (any[0] | any[1]) != 0;
}

/* Where the value stands, or `count`. Eight at a time without a branch inside. */
static unsigned values_find(const struct values *v, uint32_t tag, uint32_t rest)
{
        unsigned i = 0;

        while (i < v->count) {
                unsigned end = i + 8 <= v->count ? i + 8 : v->count;
                bool any = end < i + 8 || has_tag(&v->tags[i], tag);
                for (; any && i < end; i++)
                        if (v->tags[i] == tag && ((v->rests[i] ^ rest) & HASH_BITS) == 0)
                                return i;
                i = end;
        }
        return v->count;
}

/* When a value was seen, as full number of its unit. */
static int64_t unit_of(uint32_t rest, int64_t now)
{
        return now - ((now - rest) & UNIT_BITS);
}

/* The first unit of the window's newest eight panes. */
static int64_t begin_of(int64_t now, uint32_t pane)
{
        return (now / pane - (SKETCH_PANES - 1)) * pane;
}

static void hold(const struct distinct_store *s, struct distinct *d)
{
        if (!d->held)
                s->counters->sketches_refused++;
        d->held = true;
}

static bool grow(const struct distinct_store *s, struct distinct *d)
{
        uint32_t one[2];
        struct values old = values_of(s, d, one);
        struct distinct grown = *d;

        grown.kind = DISTINCT_VALUES;
        grown.detail = old.count;
        grown.size = d->kind == DISTINCT_VALUES ? d->size + 1U : 0;
        grown.head = budget_take(s->budget, s->classes[grown.size], BUDGET_GROWTH);
        if (grown.head == 0)
                return false;
        struct values new = values_of(s, &grown, one);
        memcpy(new.tags, old.tags, old.count * sizeof(uint32_t));
        memcpy(new.rests, old.rests, old.count * sizeof(uint32_t));
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = grown;
        return true;
}

enum put { PUT_DONE, PUT_FULL, PUT_REFUSED };

static enum put put_new(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                        uint32_t rest)
{
        uint32_t one[2];

        if (d->kind == DISTINCT_EMPTY) {
                d->kind = DISTINCT_ONE;
                d->head = tag;
                d->detail = rest;
                return PUT_DONE;
        }
        struct values v = values_of(s, d, one);
        if (v.count == DISTINCT_EXACT)
                return PUT_FULL;
        if (v.count == v.capacity && !grow(s, d))
                return PUT_REFUSED;
        v = values_of(s, d, one);
        v.tags[v.count] = tag;
        v.rests[v.count] = rest;
        d->detail++;
        return PUT_DONE;
}

static enum put put_value(const struct distinct_store *s, struct distinct *d,
                          uint32_t tag, uint32_t rest, int64_t now)
{
        uint32_t one[2];
        struct values v = values_of(s, d, one);
        unsigned at = values_find(&v, tag, rest);

        if (at == v.count)
                return put_new(s, d, tag, rest);
        if (unit_of(rest, now) > unit_of(v.rests[at], now)) {
                v.rests[at] = rest;
                if (d->kind == DISTINCT_ONE)
                        d->detail = rest;
        }
        return PUT_DONE;
}

/* Drops what was seen eight panes ago or earlier. */
static void values_rotate(const struct distinct_store *s, struct distinct *d,
                          uint32_t pane, int64_t now)
{
        uint32_t one[2];
        struct values v = values_of(s, d, one);
        int64_t begin = begin_of(now, pane);
        unsigned kept = 0;

        for (unsigned i = 0; i < v.count; i++) {
                if (unit_of(v.rests[i], now) < begin)
                        continue;
                v.tags[kept] = v.tags[i];
                v.rests[kept++] = v.rests[i];
        }
        if (kept == v.count)
                return;
        if (kept) {
                d->detail = kept;
                return;
        }
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = (struct distinct){ .parted = d->parted };
}

static unsigned values_count(const struct distinct_store *s, const struct distinct *d,
                             uint32_t pane, int64_t now)
{
        uint32_t one[2];
        struct values v = values_of(s, d, one);
        int64_t begin = begin_of(now, pane);
        unsigned count = 0;

        for (unsigned i = 0; i < v.count; i++)
                count += unit_of(v.rests[i], now) >= begin;
        return count;
}

/* ---- sketches ---- */

static struct sketch *sketch_of(const struct distinct_store *s, const struct distinct *d)
{
        return budget_at(s->budget, d->head);
}

static uint32_t *words_of(const struct distinct_store *s, const struct sketch *sketch)
{
        return budget_at(s->budget, sketch->registers);
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

static bool become_sketch(const struct distinct_store *s, struct distinct *d,
                          uint32_t pane, int64_t now)
{
        uint32_t head = sketch_take(s), one[2];

        if (!head)
                return false;
        struct values v = values_of(s, d, one);
        struct sketch *sketch = budget_at(s->budget, head);
        for (unsigned i = 0; i < v.count; i++)
                sketch_add(sketch, words_of(s, sketch), v.tags[i],
                           unit_of(v.rests[i], now) / pane);
        budget_give(s->budget, d->head);
        *d = (struct distinct){ .head = head,
                                .kind = DISTINCT_SKETCH,
                                .parted = d->parted };
        return true;
}

/* ---- sets ---- */

static void add_to_one(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                       uint32_t rest, uint32_t pane, int64_t now)
{
        int64_t unit = unit_of(rest, now);

        if (unit < begin_of(now, pane))
                return;
        if (d->kind != DISTINCT_SKETCH) {
                enum put put = put_value(s, d, tag, rest, now);
                if (put == PUT_DONE)
                        return;
                if (put == PUT_REFUSED || !become_sketch(s, d, pane, now)) {
                        hold(s, d);
                        return;
                }
        }
        struct sketch *sketch = sketch_of(s, d);
        sketch_add(sketch, words_of(s, sketch), tag, unit / pane);
}

/* From here on every window has a set of its own. */
static void part(const struct distinct_store *s, const struct distinct_plan *p,
                 struct distinct sets[], int64_t now)
{
        uint32_t one[2];
        struct values v = values_of(s, &sets[0], one);

        sets[0].parted = true;
        for (unsigned k = 1; k < p->windows; k++)
                for (unsigned i = 0; i < v.count; i++)
                        add_to_one(s, &sets[k], v.tags[i], v.rests[i], p->pane[k], now);
}

void distinct_add(const struct distinct_store *s, const struct distinct_plan *p,
                  struct distinct sets[], uint64_t hash, int64_t unit, int64_t now)
{
        uint32_t tag = (uint32_t)(hash >> 32);
        uint32_t rest = ((uint32_t)hash & HASH_BITS) | ((uint32_t)unit & UNIT_BITS);

        if (unit < begin_of(now, p->pane[0]))
                return;
        if (p->windows > 1 && !sets[0].parted) {
                enum put put = put_value(s, &sets[0], tag, rest, now);
                if (put == PUT_REFUSED)
                        hold(s, &sets[0]);
                if (put != PUT_FULL)
                        return;
                part(s, p, sets, now);
        }
        for (unsigned k = 0; k < p->windows; k++)
                add_to_one(s, &sets[k], tag, rest, p->pane[k], now);
}

static void clear_one(const struct distinct_store *s, struct distinct *d)
{
        if (d->kind == DISTINCT_SKETCH)
                budget_give(s->budget, sketch_of(s, d)->registers);
        if (d->kind >= DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = (struct distinct){ .parted = d->parted };
}

static bool all_empty(const struct distinct_plan *p, const struct distinct sets[])
{
        for (unsigned k = 0; k < p->windows; k++)
                if (sets[k].kind != DISTINCT_EMPTY)
                        return false;
        return true;
}

void distinct_rotate(const struct distinct_store *s, const struct distinct_plan *p,
                     struct distinct sets[], unsigned window, int64_t from, int64_t to,
                     int64_t now)
{
        struct distinct *d = &sets[window];

        if (d->kind == DISTINCT_EMPTY)
                return;
        if (to - from >= SKETCH_PANES) {
                clear_one(s, d);
        } else if (d->kind == DISTINCT_SKETCH) {
                struct sketch *sketch = sketch_of(s, d);
                sketch_rotate(sketch, words_of(s, sketch), from, to);
        } else {
                values_rotate(s, d, p->pane[window], now);
        }
        if (sets[0].parted && d->kind == DISTINCT_EMPTY && all_empty(p, sets))
                sets[0] = (struct distinct){ 0 };
}

void distinct_clear(const struct distinct_store *s, const struct distinct_plan *p,
                    struct distinct sets[])
{
        for (unsigned k = 0; k < p->windows; k++) {
                clear_one(s, &sets[k]);
                sets[k] = (struct distinct){ 0 };
        }
}

double distinct_value(const struct distinct_store *s, const struct distinct_plan *p,
                      const struct distinct sets[], unsigned window, int64_t now)
{
        const struct distinct *d = sets[0].parted ? &sets[window] : &sets[0];

        if (d->kind == DISTINCT_SKETCH)
                return sketch_estimate(sketch_of(s, d));
        if (window && d == &sets[0])
                return values_count(s, d, p->pane[window], now);
        return d->kind == DISTINCT_VALUES ? d->detail : d->kind == DISTINCT_ONE;
}

static void copy_values(const struct distinct_store *s, const struct distinct *from,
                        uint32_t pane, int64_t now, struct distinct *to)
{
        uint32_t one[2];
        struct values v = values_of(s, from, one);
        int64_t begin = begin_of(now, pane);

        for (unsigned i = 0; i < v.count; i++) {
                if (unit_of(v.rests[i], now) < begin)
                        continue;
                if (put_new(s, to, v.tags[i], v.rests[i] & HASH_BITS) != PUT_DONE) {
                        hold(s, to);
                        return;
                }
        }
}

void distinct_copy_flat(const struct distinct_store *s, const struct distinct_plan *p,
                        const struct distinct sets[], unsigned window, int64_t now,
                        struct distinct *to)
{
        const struct distinct *from = sets[0].parted ? &sets[window] : &sets[0];

        *to = (struct distinct){ .held = from->held };
        if (from->kind != DISTINCT_SKETCH) {
                copy_values(s, from, p->pane[window], now, to);
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
        to->head = head;
        to->kind = DISTINCT_SKETCH;
}

/*
 * Takes the window's values over one by one, with their times in the other unit. Sets
 * that meet there may have told the time in panes of their own: the later of the
 * beginnings of the two panes that a value was in lies in both.
 */
static void carry_values(const struct distinct_store *s, const struct distinct *from,
                         int64_t begin, int64_t from_now, int64_t unit_ns,
                         const struct distinct_plan *p, struct distinct to[],
                         unsigned window, int64_t now)
{
        uint32_t one[2];
        struct values v = values_of(s, from, one);

        for (unsigned i = 0; i < v.count; i++) {
                int64_t unit = unit_of(v.rests[i], from_now);
                if (unit < begin)
                        continue;
                uint64_t hash = (uint64_t)v.tags[i] << 32 | (v.rests[i] & HASH_BITS);
                int64_t other = unit * unit_ns / p->unit_ns;
                if (!to[0].parted) {
                        distinct_add(s, p, to, hash, other, now);
                        continue;
                }
                add_to_one(s, &to[window], v.tags[i],
                           (v.rests[i] & HASH_BITS) | ((uint32_t)other & UNIT_BITS),
                           p->pane[window], now);
        }
}

void distinct_carry(const struct distinct_store *s, const struct distinct_plan *from_plan,
                    struct distinct from[], unsigned from_window, int64_t from_now,
                    const struct distinct_plan *to_plan, struct distinct to[],
                    unsigned to_window, int64_t to_now)
{
        struct distinct *source = from[0].parted ? &from[from_window] : &from[0];

        if (source->kind == DISTINCT_EMPTY)
                return;
        if (source->kind == DISTINCT_SKETCH || from[0].parted) {
                if (to_plan->windows > 1 && !to[0].parted) {
                        part(s, to_plan, to, to_now);
                }
        }
        if (source->kind == DISTINCT_SKETCH) {
                bool parted = to[0].parted;
                clear_one(s, &to[to_window]);
                to[to_window] = *source;
                to[to_window].parted = to_window == 0 && parted;
                bool from_parted = from[0].parted;
                *source = (struct distinct){ 0 };
                from[0].parted = from_parted;
                return;
        }
        carry_values(s, source, begin_of(from_now, from_plan->pane[from_window]),
                     from_now, from_plan->unit_ns, to_plan, to, to_window, to_now);
}
