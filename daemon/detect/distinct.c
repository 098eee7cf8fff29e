/* SPDX-License-Identifier: MIT */
#include "detect/distinct.h"

#include <string.h>

/*
 * A value is a tag (the upper half of its hash) and a rest: 12 more bits, and the unit
 * in which it was last seen, modulo 4096. That is seven bytes, and a block of n has n of
 * each part, so that a search compares one array of words and a count reads another:
 *
 *      tag, tag, ..  4 n | low, low, ..  2 n | high, high, ..  n     rest = high, low
 */
struct values {
        uint32_t *tags;
        uint16_t *lows;
        uint8_t *highs;
        unsigned count, capacity;
};

/* Where a set of one value is laid out as others are. */
struct one {
        uint32_t tag;
        uint16_t low;
        uint8_t high;
};

static const uint16_t capacities[DISTINCT_SIZES] = {
        2, 3, 5, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, DISTINCT_EXACT
};

#define UNIT_BITS 0xfffU
#define HASH_BITS 0xfff000U

#define VALUE_BYTES (sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t))

_Static_assert(2 * DISTINCT_SPAN_MAX == UNIT_BITS + 1, "ages are told apart");

const struct distinct_plan distinct_flat = { .unit_ns = 1, .windows = 1, .pane = { 1 } };

void distinct_store_init(struct distinct_store *s, struct budget *budget,
                         struct counters *counters)
{
        *s = (struct distinct_store){ .budget = budget, .counters = counters };
        for (unsigned i = 0; i < DISTINCT_SIZES; i++)
                s->classes[i] = budget_class_of(budget, capacities[i] * VALUE_BYTES);
        for (unsigned i = 0; i < DISTINCT_WINDOWS - 1; i++)
                s->parted_classes[i] =
                    budget_class_of(budget, (i + 2) * sizeof(struct distinct));
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

static struct values values_of(const struct distinct_store *s, const struct distinct *d,
                               struct one *one)
{
        if (d->kind == DISTINCT_EMPTY)
                return (struct values){ .count = 0 };
        if (d->kind == DISTINCT_ONE) {
                *one = (struct one){ d->head, (uint16_t)d->detail,
                                     (uint8_t)(d->detail >> 16) };
                return (struct values){ &one->tag, &one->low, &one->high, 1, 1 };
        }
        unsigned capacity = capacities[d->size];
        uint32_t *tags = budget_at(s->budget, d->head);
        uint16_t *lows = (uint16_t *)(tags + capacity);
        return (struct values){ tags, lows, (uint8_t *)(lows + capacity), d->detail,
                                capacity };
}

static uint32_t rest_at(const struct values *v, unsigned i)
{
        return (uint32_t)v->highs[i] << 16 | v->lows[i];
}

static void put_at(const struct values *v, unsigned i, uint32_t tag, uint32_t rest)
{
        v->tags[i] = tag;
        v->lows[i] = (uint16_t)rest;
        v->highs[i] = (uint8_t)(rest >> 16);
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

/* `count` of them, a multiple of 8 that is known to the compiler. */
static inline bool is_among(const uint32_t *tags, unsigned count, uint32_t tag)
{
        bool any = false;

        for (unsigned k = 0; k < count; k += 8)
                any |= has_tag(tags + k, tag);
        return any;
}

/* Where the value stands, or `count`: in long strides, then short ones, then steps. */
static unsigned values_find(const struct values *v, uint32_t tag, uint32_t rest)
{
        unsigned i = 0, end;

        while (i < v->count) {
                bool may_be = true;
                if (v->count - i >= 32) {
                        end = i + 32;
                        may_be = is_among(v->tags + i, 32, tag);
                } else if (v->count - i >= 8) {
                        end = i + 8;
                        may_be = is_among(v->tags + i, 8, tag);
                } else {
                        end = v->count;
                }
                for (; may_be && i < end; i++)
                        if (v->tags[i] == tag &&
                            ((rest_at(v, i) ^ rest) & HASH_BITS) == 0)
                                return i;
                i = end;
        }
        return v->count;
}

/* When a value was seen, as full number of its unit. */
static int64_t unit_of(uint32_t rest, int64_t now)
{
        return now - (((uint32_t)now - rest) & UNIT_BITS);
}

/* The first unit of the window's newest eight panes. */
static int64_t begin_of(int64_t now, uint32_t pane)
{
        return (now / pane - (SKETCH_PANES - 1)) * pane;
}

/* In units; and how old the oldest is that a window's newest eight panes hold. */
static unsigned age_of(uint32_t rest, int64_t now)
{
        return ((uint32_t)now - rest) & UNIT_BITS;
}

static unsigned oldest_in(int64_t now, uint32_t pane)
{
        return (unsigned)(now - begin_of(now, pane));
}

static void hold(const struct distinct_store *s, struct distinct *d)
{
        if (!d->held)
                s->counters->sketches_refused++;
        d->held = true;
}

static bool grow(const struct distinct_store *s, struct distinct *d)
{
        struct one one;
        struct values old = values_of(s, d, &one);
        struct distinct grown = *d;

        grown.kind = DISTINCT_VALUES;
        grown.detail = old.count;
        grown.size = d->kind == DISTINCT_VALUES ? d->size + 1U : 0;
        grown.head = budget_take(s->budget, s->classes[grown.size], BUDGET_GROWTH);
        if (grown.head == 0)
                return false;
        struct values new = values_of(s, &grown, NULL);
        memcpy(new.tags, old.tags, old.count * sizeof(*old.tags));
        memcpy(new.lows, old.lows, old.count * sizeof(*old.lows));
        memcpy(new.highs, old.highs, old.count * sizeof(*old.highs));
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = grown;
        return true;
}

enum put { PUT_DONE, PUT_FULL, PUT_REFUSED };

static enum put put_new(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                        uint32_t rest)
{
        struct one one;

        if (d->kind == DISTINCT_EMPTY) {
                d->kind = DISTINCT_ONE;
                d->head = tag;
                d->detail = rest;
                return PUT_DONE;
        }
        struct values v = values_of(s, d, &one);
        if (v.count == DISTINCT_EXACT)
                return PUT_FULL;
        if (v.count == v.capacity && !grow(s, d))
                return PUT_REFUSED;
        v = values_of(s, d, &one);
        put_at(&v, v.count, tag, rest);
        d->detail++;
        return PUT_DONE;
}

static enum put put_value(const struct distinct_store *s, struct distinct *d,
                          uint32_t tag, uint32_t rest, int64_t now)
{
        struct one one;
        struct values v = values_of(s, d, &one);
        unsigned at = values_find(&v, tag, rest);

        if (at == v.count)
                return put_new(s, d, tag, rest);
        if (unit_of(rest, now) > unit_of(rest_at(&v, at), now)) {
                put_at(&v, at, tag, rest);
                if (d->kind == DISTINCT_ONE)
                        d->detail = rest;
        }
        return PUT_DONE;
}

/* Drops what was seen eight panes ago or earlier. */
static void values_rotate(const struct distinct_store *s, struct distinct *d,
                          uint32_t pane, int64_t now)
{
        struct one one;
        struct values v = values_of(s, d, &one);
        unsigned kept = 0, oldest = oldest_in(now, pane);

        for (unsigned i = 0; i < v.count; i++)
                if (age_of(v.lows[i], now) <= oldest)
                        put_at(&v, kept++, v.tags[i], rest_at(&v, i));
        if (kept == v.count)
                return;
        if (kept) {
                d->detail = kept;
                return;
        }
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = (struct distinct){ .kind = DISTINCT_EMPTY };
}

static unsigned values_count(const struct distinct_store *s, const struct distinct *d,
                             uint32_t pane, int64_t now)
{
        struct one one;
        struct values v = values_of(s, d, &one);
        unsigned count = 0, oldest = oldest_in(now, pane);

        for (unsigned i = 0; i < v.count; i++)
                count += age_of(v.lows[i], now) <= oldest;
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
        uint32_t head = sketch_take(s);
        struct one one;

        if (!head)
                return false;
        struct values v = values_of(s, d, &one);
        struct sketch *sketch = budget_at(s->budget, head);
        for (unsigned i = 0; i < v.count; i++)
                sketch_add(sketch, words_of(s, sketch), v.tags[i],
                           unit_of(v.lows[i], now) / pane);
        budget_give(s->budget, d->head);
        *d = (struct distinct){ .head = head, .kind = DISTINCT_SKETCH };
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

static struct distinct *members_of(const struct distinct_store *s,
                                   const struct distinct *set)
{
        return budget_at(s->budget, set->head);
}

/* What shows a window: a set of its own, or the one that all share. */
static struct distinct *shown_by(const struct distinct_store *s,
                                 const struct distinct *set, unsigned window)
{
        return set->kind == DISTINCT_PARTED ? &members_of(s, set)[window]
                                            : (struct distinct *)set;
}

/* From here on every window has a set of its own. False when the budget refuses. */
static bool part(const struct distinct_store *s, const struct distinct_plan *p,
                 struct distinct *set, int64_t now)
{
        struct distinct parted = { .kind = DISTINCT_PARTED };
        struct one one;

        parted.head =
            budget_take(s->budget, s->parted_classes[p->windows - 2], BUDGET_GROWTH);
        if (parted.head == 0)
                return false;
        struct distinct *members = members_of(s, &parted);
        struct values v = values_of(s, set, &one);
        members[0] = *set;
        *set = parted;
        for (unsigned k = 1; k < p->windows; k++)
                for (unsigned i = 0; i < v.count; i++)
                        add_to_one(s, &members[k], v.tags[i], rest_at(&v, i), p->pane[k],
                                   now);
        return true;
}

static void add_to_all(const struct distinct_store *s, const struct distinct_plan *p,
                       struct distinct *set, uint32_t tag, uint32_t rest, int64_t now)
{
        for (unsigned k = 0; k < p->windows; k++)
                add_to_one(s, shown_by(s, set, k), tag, rest, p->pane[k], now);
}

void distinct_add(const struct distinct_store *s, const struct distinct_plan *p,
                  struct distinct *set, uint64_t hash, int64_t unit, int64_t now)
{
        uint32_t tag = (uint32_t)(hash >> 32);
        uint32_t rest = ((uint32_t)hash & HASH_BITS) | ((uint32_t)unit & UNIT_BITS);

        if (unit < begin_of(now, p->pane[0]))
                return;
        if (p->windows > 1 && set->kind != DISTINCT_PARTED) {
                enum put put = put_value(s, set, tag, rest, now);
                if (put == PUT_DONE)
                        return;
                if (put == PUT_REFUSED || !part(s, p, set, now)) {
                        hold(s, set);
                        return;
                }
        }
        add_to_all(s, p, set, tag, rest, now);
}

static void clear_one(const struct distinct_store *s, struct distinct *d)
{
        if (d->kind == DISTINCT_SKETCH)
                budget_give(s->budget, sketch_of(s, d)->registers);
        if (d->kind >= DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = (struct distinct){ .kind = DISTINCT_EMPTY };
}

/* When all windows are empty they share again. */
static void join(const struct distinct_store *s, const struct distinct_plan *p,
                 struct distinct *set)
{
        for (unsigned k = 0; k < p->windows; k++)
                if (members_of(s, set)[k].kind != DISTINCT_EMPTY)
                        return;
        clear_one(s, set);
}

void distinct_rotate(const struct distinct_store *s, const struct distinct_plan *p,
                     struct distinct *set, unsigned window, int64_t from, int64_t to,
                     int64_t now)
{
        bool parted = set->kind == DISTINCT_PARTED;
        struct distinct *d = shown_by(s, set, window);

        if (d->kind == DISTINCT_EMPTY || (window && !parted))
                return;
        if (to - from >= SKETCH_PANES) {
                clear_one(s, d);
        } else if (d->kind == DISTINCT_SKETCH) {
                struct sketch *sketch = sketch_of(s, d);
                sketch_rotate(sketch, words_of(s, sketch), from, to);
        } else {
                values_rotate(s, d, p->pane[window], now);
        }
        if (parted && d->kind == DISTINCT_EMPTY)
                join(s, p, set);
}

void distinct_clear(const struct distinct_store *s, const struct distinct_plan *p,
                    struct distinct *set)
{
        for (unsigned k = 0; set->kind == DISTINCT_PARTED && k < p->windows; k++)
                clear_one(s, &members_of(s, set)[k]);
        clear_one(s, set);
}

double distinct_value(const struct distinct_store *s, const struct distinct_plan *p,
                      const struct distinct *set, unsigned window, int64_t now)
{
        const struct distinct *d = shown_by(s, set, window);

        if (d->kind == DISTINCT_SKETCH)
                return sketch_estimate(sketch_of(s, d));
        if (window && d == set)
                return values_count(s, d, p->pane[window], now);
        return d->kind == DISTINCT_VALUES ? d->detail : d->kind == DISTINCT_ONE;
}

static void copy_values(const struct distinct_store *s, const struct distinct *from,
                        uint32_t pane, int64_t now, struct distinct *to)
{
        struct one one;
        struct values v = values_of(s, from, &one);
        unsigned oldest = oldest_in(now, pane);

        for (unsigned i = 0; i < v.count; i++) {
                if (age_of(v.lows[i], now) > oldest)
                        continue;
                if (put_new(s, to, v.tags[i], rest_at(&v, i) & HASH_BITS) != PUT_DONE) {
                        hold(s, to);
                        return;
                }
        }
}

void distinct_copy_flat(const struct distinct_store *s, const struct distinct_plan *p,
                        const struct distinct *set, unsigned window, int64_t now,
                        struct distinct *to)
{
        const struct distinct *from = shown_by(s, set, window);

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
                         const struct distinct_plan *p, struct distinct *to,
                         unsigned window, int64_t now)
{
        struct one one;
        struct values v = values_of(s, from, &one);

        for (unsigned i = 0; i < v.count; i++) {
                int64_t unit = unit_of(v.lows[i], from_now);
                if (unit < begin)
                        continue;
                uint32_t more = rest_at(&v, i) & HASH_BITS;
                int64_t other = unit * unit_ns / p->unit_ns;
                if (to->kind == DISTINCT_PARTED)
                        add_to_one(s, shown_by(s, to, window), v.tags[i],
                                   more | ((uint32_t)other & UNIT_BITS), p->pane[window],
                                   now);
                else
                        distinct_add(s, p, to, (uint64_t)v.tags[i] << 32 | more, other,
                                     now);
        }
}

void distinct_carry(const struct distinct_store *s, const struct distinct_plan *from_plan,
                    struct distinct *from, unsigned from_window, int64_t from_now,
                    const struct distinct_plan *to_plan, struct distinct *to,
                    unsigned to_window, int64_t to_now)
{
        struct distinct *source = shown_by(s, from, from_window);

        if (source->kind == DISTINCT_EMPTY)
                return;
        if ((source->kind == DISTINCT_SKETCH || source != from) && to_plan->windows > 1 &&
            to->kind != DISTINCT_PARTED && !part(s, to_plan, to, to_now)) {
                hold(s, to);
                return;
        }
        if (source->kind != DISTINCT_SKETCH) {
                carry_values(s, source, begin_of(from_now, from_plan->pane[from_window]),
                             from_now, from_plan->unit_ns, to_plan, to, to_window,
                             to_now);
                return;
        }
        struct distinct *target = shown_by(s, to, to_window);
        clear_one(s, target);
        *target = *source;
        *source = (struct distinct){ .kind = DISTINCT_EMPTY };
}
