/* SPDX-License-Identifier: MIT */
#include "detect/distinct.h"

#include "detect/window.h"

#include <string.h>

/*
 * A value is a tag (the upper half of its hash) and a rest: 10 more bits, and the unit
 * in which it was last seen, modulo 16384. That is seven bytes. Up to 12 values stand in
 * one run, each part by itself; more of them in runs of nine, each of which is a line of
 * the cache:
 *
 *      tag, tag, ..  4 n | low, low, ..  2 n | high, high, ..  n     rest = high, low
 *
 * The tag says in which run a value belongs; where that is full, it goes into the next
 * one that is not, and those that it passed say so. So a search reads one line, or a few,
 * of however many there are.
 */
struct run {
        uint32_t *tags;
        uint16_t *lows;
        uint8_t *highs;
        unsigned count;
};

/* Where a set of one value is laid out as others are. */
struct one {
        uint32_t tag;
        uint16_t low;
        uint8_t high;
};

#define LINE_VALUES 9
#define LINE_COUNT  0x0f /* of `used` */
#define LINE_PASSED 0x80 /* some value that belongs here stands further on */

struct line {
        uint32_t tags[LINE_VALUES];
        uint16_t lows[LINE_VALUES];
        uint8_t highs[LINE_VALUES];
        uint8_t used;
};

_Static_assert(sizeof(struct line) == 64, "a line of the cache");

/* How many values a block of each size has, and how many lines; 0: it is one run. */
/* In a full block: some room is left in the lines, or all of them would be passed. */
#define FULL_LINE 8
static const struct {
        uint16_t values, lines;
} sizes[DISTINCT_SIZES] = { { 3, 0 },    { 5, 0 },    { 8, 0 },
                            { 12, 0 },   { 16, 2 },   { 24, 3 },
                            { 32, 4 },   { 40, 5 },   { 48, 6 },   { 64, 8 },
                            { 96, 12 },  { 128, 16 }, { 192, 24 },
                            { 256, 32 }, { 384, 48 }, { DISTINCT_EXACT, 64 } };

_Static_assert(DISTINCT_EXACT == 64 * FULL_LINE, "the last size has room for all");

#define UNIT_BITS 0x3fffU
#define HASH_BITS 0xffc000U

#define VALUE_BYTES (sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t))

_Static_assert(2 * DISTINCT_SPAN_MAX == UNIT_BITS + 1, "ages are told apart");

const struct distinct_plan distinct_flat = { .unit_ns = 1, .windows = 1, .pane = { 1 } };

void distinct_store_init(struct distinct_store *s, struct budget *budget,
                         struct counters *counters)
{
        *s = (struct distinct_store){ .budget = budget, .counters = counters };
        for (unsigned i = 0; i < DISTINCT_SIZES; i++)
                s->classes[i] = budget_class_of(
                    budget, sizes[i].lines ? sizes[i].lines * sizeof(struct line)
                                           : sizes[i].values * VALUE_BYTES);
        for (unsigned i = 0; i < DISTINCT_WINDOWS - 1; i++)
                s->parted_classes[i] =
                    budget_class_of(budget, (i + 2) * sizeof(struct distinct));
        s->sketch_class = budget_class_of(budget, sizeof(struct sketch));
        s->registers_class = budget_class_of(budget, SKETCH_BYTES);
}

/* ---- the plan ---- */

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
                unit_ns = window_common_unit(unit_ns, pane_ns[i]);
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

static struct line *lines_of(const struct distinct_store *s, const struct distinct *d)
{
        return budget_at(s->budget, d->head);
}

/* How many lines it has; 0: its values are one run. */
static unsigned line_count(const struct distinct *d)
{
        return d->kind == DISTINCT_VALUES ? sizes[d->size].lines : 0;
}

/* All of a set that has no lines. */
static struct run run_of(const struct distinct_store *s, const struct distinct *d,
                         struct one *one)
{
        if (d->kind == DISTINCT_EMPTY)
                return (struct run){ .count = 0 };
        if (d->kind == DISTINCT_ONE) {
                *one = (struct one){ d->head, (uint16_t)d->detail,
                                     (uint8_t)(d->detail >> 16) };
                return (struct run){ &one->tag, &one->low, &one->high, 1 };
        }
        unsigned capacity = sizes[d->size].values;
        uint32_t *tags = budget_at(s->budget, d->head);
        uint16_t *lows = (uint16_t *)(tags + capacity);
        return (struct run){ tags, lows, (uint8_t *)(lows + capacity), d->detail };
}

static struct run run_of_line(struct line *line)
{
        return (struct run){ line->tags, line->lows, line->highs,
                             line->used & LINE_COUNT };
}

/* For going through all values: how many runs, and each of them. */
static unsigned run_count(const struct distinct *d)
{
        unsigned lines = line_count(d);

        return lines ? lines : 1;
}

static struct run run_at(const struct distinct_store *s, const struct distinct *d,
                         unsigned i, struct one *one)
{
        return line_count(d) ? run_of_line(lines_of(s, d) + i) : run_of(s, d, one);
}

/* Of those that are held one by one. */
static unsigned held_values(const struct distinct *d)
{
        return d->kind == DISTINCT_VALUES ? d->detail : d->kind == DISTINCT_ONE;
}

static uint32_t rest_at(const struct run *r, unsigned i)
{
        return (uint32_t)r->highs[i] << 16 | r->lows[i];
}

static void put_at(const struct run *r, unsigned i, uint32_t tag, uint32_t rest)
{
        r->tags[i] = tag;
        r->lows[i] = (uint16_t)rest;
        r->highs[i] = (uint8_t)(rest >> 16);
}

static unsigned line_of(uint32_t tag, unsigned lines)
{
        return (unsigned)((uint64_t)tag * lines >> 32);
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

/* Where the value stands, or the run's count. */
static unsigned run_find(const struct run *r, uint32_t tag, uint32_t rest)
{
        for (unsigned i = 0; i < r->count; i++)
                if (r->tags[i] == tag && ((rest_at(r, i) ^ rest) & HASH_BITS) == 0)
                        return i;
        return r->count;
}

/* The same in a line. */
static unsigned line_find(const struct line *line, const struct run *r, uint32_t tag,
                          uint32_t rest)
{
        if (!has_tag(line->tags, tag) && line->tags[LINE_VALUES - 1] != tag)
                return r->count;
        return run_find(r, tag, rest);
}

/* Where a value stands: i is the count of its run when it is nowhere. */
struct found {
        struct run run;
        unsigned i;
};

static struct found lines_find(struct line *lines, unsigned count, uint32_t tag,
                               uint32_t rest)
{
        unsigned at = line_of(tag, count);

        for (unsigned k = 1;; k++) {
                struct run r = run_of_line(&lines[at]);
                unsigned i = line_find(&lines[at], &r, tag, rest);
                if (i < r.count || !(lines[at].used & LINE_PASSED) || k == count)
                        return (struct found){ r, i };
                at = at + 1 == count ? 0 : at + 1;
        }
}

/* There is room, and it is not among them. */
static void lines_put(struct line *lines, unsigned count, uint32_t tag, uint32_t rest)
{
        unsigned at = line_of(tag, count);

        while ((lines[at].used & LINE_COUNT) == LINE_VALUES) {
                lines[at].used |= LINE_PASSED;
                at = at + 1 == count ? 0 : at + 1;
        }
        struct run r = run_of_line(&lines[at]);
        put_at(&r, r.count, tag, rest);
        lines[at].used++;
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

/* Puts all of `from` into `to`, which has room for them and is empty. */
static void move_values(const struct distinct_store *s, const struct distinct *from,
                        const struct distinct *to)
{
        unsigned lines = line_count(to), at = 0;
        struct distinct full = *to;
        struct one one;

        full.detail = sizes[to->size].values;
        struct run all = lines ? (struct run){ .count = 0 } : run_of(s, &full, NULL);
        for (unsigned k = 0; k < run_count(from); k++) {
                struct run r = run_at(s, from, k, &one);
                for (unsigned i = 0; i < r.count; i++)
                        if (lines)
                                lines_put(lines_of(s, to), lines, r.tags[i],
                                          rest_at(&r, i));
                        else
                                put_at(&all, at++, r.tags[i], rest_at(&r, i));
        }
}

/* Rare, and not to be in the way of what is not. */
static bool grow(const struct distinct_store *s, struct distinct *d)
    __attribute__((noinline));

static bool grow(const struct distinct_store *s, struct distinct *d)
{
        struct distinct grown = *d;

        grown.kind = DISTINCT_VALUES;
        grown.detail = held_values(d);
        grown.size = d->kind == DISTINCT_VALUES ? d->size + 1U : 0;
        grown.head = budget_take(s->budget, s->classes[grown.size], BUDGET_GROWTH);
        if (grown.head == 0)
                return false;
        move_values(s, d, &grown);
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = grown;
        return true;
}

enum put { PUT_DONE, PUT_FULL, PUT_REFUSED };

static void append(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                   uint32_t rest)
{
        if (line_count(d)) {
                lines_put(lines_of(s, d), line_count(d), tag, rest);
        } else {
                struct run r = run_of(s, d, NULL);
                put_at(&r, r.count, tag, rest);
        }
        d->detail++;
}

static enum put put_new(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                        uint32_t rest)
{
        if (d->kind == DISTINCT_EMPTY) {
                d->kind = DISTINCT_ONE;
                d->head = tag;
                d->detail = rest & 0xffffff;
                return PUT_DONE;
        }
        if (d->kind == DISTINCT_ONE || d->detail == sizes[d->size].values) {
                if (held_values(d) == DISTINCT_EXACT)
                        return PUT_FULL;
                if (!grow(s, d))
                        return PUT_REFUSED;
        }
        append(s, d, tag, rest);
        return PUT_DONE;
}

static bool is_later(uint32_t rest, uint32_t than, int64_t now)
{
        return age_of(rest, now) < age_of(than, now);
}

/* Of a set with a block. False: it is not there. */
static bool see_again(const struct distinct_store *s, const struct distinct *d,
                      uint32_t tag, uint32_t rest, int64_t now)
{
        unsigned lines = line_count(d);
        struct found f;

        if (lines) {
                f = lines_find(lines_of(s, d), lines, tag, rest);
        } else {
                f.run = run_of(s, d, NULL);
                f.i = run_find(&f.run, tag, rest);
        }
        if (f.i == f.run.count)
                return false;
        if (is_later(rest, rest_at(&f.run, f.i), now))
                put_at(&f.run, f.i, tag, rest);
        return true;
}

static enum put put_value(const struct distinct_store *s, struct distinct *d,
                          uint32_t tag, uint32_t rest, int64_t now)
{
        if (d->kind == DISTINCT_VALUES)
                return see_again(s, d, tag, rest, now) ? PUT_DONE
                                                       : put_new(s, d, tag, rest);
        if (d->kind == DISTINCT_EMPTY || d->head != tag || (d->detail ^ rest) & HASH_BITS)
                return put_new(s, d, tag, rest);
        if (is_later(rest, d->detail, now))
                d->detail = rest & 0xffffff;
        return PUT_DONE;
}

static unsigned run_count_young(const struct run *r, int64_t now, unsigned oldest)
{
        unsigned count = 0;

        for (unsigned i = 0; i < r->count; i++)
                count += age_of(r->lows[i], now) <= oldest;
        return count;
}

#define ONE_OF_FOUR UINT64_C(0x0001000100010001) /* 16 bits each */
typedef uint16_t eight_lows __attribute__((vector_size(16)));

/* The same in a line, but for its last place eight at a time. */
static unsigned line_count_young(const struct line *line, int64_t now, unsigned oldest)
{
        static const eight_lows place = { 0, 1, 2, 3, 4, 5, 6, 7 };
        unsigned used = line->used & LINE_COUNT;
        eight_lows lows;

        memcpy(&lows, line->lows, sizeof(lows));
        eight_lows age = ((uint16_t)now - lows) & (uint16_t)UNIT_BITS;
        two_words young = (two_words)((eight_lows)(age <= (uint16_t)oldest) &
                                      (eight_lows)(place < (uint16_t)used));
        uint64_t four = (young[0] & ONE_OF_FOUR) + (young[1] & ONE_OF_FOUR);
        unsigned last = used == LINE_VALUES &&
                        age_of(line->lows[LINE_VALUES - 1], now) <= oldest;
        return (unsigned)(four * ONE_OF_FOUR >> 48) + last;
}

static unsigned values_count(const struct distinct_store *s, const struct distinct *d,
                             uint32_t pane, int64_t now)
{
        unsigned count = 0, oldest = oldest_in(now, pane), lines = line_count(d);
        struct one one;

        if (lines == 0) {
                struct run r = run_of(s, d, &one);
                return run_count_young(&r, now, oldest);
        }
        for (unsigned k = 0; k < lines; k++)
                count += line_count_young(lines_of(s, d) + k, now, oldest);
        return count;
}

/* Drops those of a run that are older. Returns how many it keeps. */
static unsigned run_keep_young(const struct run *r, int64_t now, unsigned oldest)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < r->count; i++)
                if (age_of(r->lows[i], now) <= oldest)
                        put_at(r, kept++, r->tags[i], rest_at(r, i));
        return kept;
}

/*
 * After some of them have gone: all go where they belong, so that no more lines are
 * passed than must be. Through a copy, since they may not pass one another.
 */
static void lines_settle(struct line *lines, unsigned count)
{
        struct line copy[DISTINCT_EXACT / FULL_LINE];

        memcpy(copy, lines, count * sizeof(*lines));
        for (unsigned k = 0; k < count; k++)
                lines[k].used = 0;
        for (unsigned k = 0; k < count; k++) {
                struct run r = run_of_line(&copy[k]);
                for (unsigned i = 0; i < r.count; i++)
                        lines_put(lines, count, r.tags[i], rest_at(&r, i));
        }
}

static unsigned lines_keep_young(struct line *lines, unsigned count, int64_t now,
                                 unsigned oldest)
{
        unsigned kept = 0;
        uint8_t passed = 0;

        for (unsigned k = 0; k < count; k++) {
                struct run r = run_of_line(&lines[k]);
                unsigned left = run_keep_young(&r, now, oldest);
                passed |= lines[k].used & LINE_PASSED;
                lines[k].used = (uint8_t)(left | (lines[k].used & LINE_PASSED));
                kept += left;
        }
        if (passed && kept)
                lines_settle(lines, count);
        return kept;
}

/* Drops what was seen eight panes ago or earlier. */
static void values_rotate(const struct distinct_store *s, struct distinct *d,
                          uint32_t pane, int64_t now)
{
        unsigned lines = line_count(d), kept = values_count(s, d, pane, now);
        unsigned oldest = oldest_in(now, pane);
        struct one one;

        if (kept == held_values(d))
                return;
        if (kept) {
                if (lines)
                        lines_keep_young(lines_of(s, d), lines, now, oldest);
                else {
                        struct run r = run_of(s, d, &one);
                        run_keep_young(&r, now, oldest);
                }
                d->detail = kept & 0xffffff;
                return;
        }
        if (d->kind == DISTINCT_VALUES)
                budget_give(s->budget, d->head);
        *d = (struct distinct){ .kind = DISTINCT_EMPTY };
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

/* One that has what that set's has; 0 when the budget refuses. */
static uint32_t sketch_copy(const struct distinct_store *s, const struct distinct *from)
{
        uint32_t head = sketch_take(s);

        if (!head)
                return 0;
        const struct sketch *source = sketch_of(s, from);
        struct sketch *sketch = budget_at(s->budget, head);
        uint32_t registers = sketch->registers;
        *sketch = *source;
        sketch->registers = registers;
        memcpy(words_of(s, sketch), words_of(s, source), SKETCH_BYTES);
        return head;
}

static bool become_sketch(const struct distinct_store *s, struct distinct *d,
                          uint32_t pane, int64_t now)
{
        uint32_t head = sketch_take(s);
        struct one one;

        if (!head)
                return false;
        struct sketch *sketch = budget_at(s->budget, head);
        for (unsigned k = 0; k < run_count(d); k++) {
                struct run r = run_at(s, d, k, &one);
                for (unsigned i = 0; i < r.count; i++)
                        sketch_add(sketch, words_of(s, sketch), r.tags[i],
                                   unit_of(r.lows[i], now) / pane);
        }
        budget_give(s->budget, d->head);
        *d = (struct distinct){ .head = head, .kind = DISTINCT_SKETCH };
        return true;
}

/* ---- sets ---- */

static void add_to_one(const struct distinct_store *s, struct distinct *d, uint32_t tag,
                       uint32_t rest, uint32_t pane, int64_t now)
{
        int64_t unit = unit_of(rest, now);

        if (unit != now && unit < begin_of(now, pane))
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
        members[0] = *set;
        for (unsigned w = 1; w < p->windows; w++)
                for (unsigned k = 0; k < run_count(set); k++) {
                        struct run r = run_at(s, set, k, &one);
                        for (unsigned i = 0; i < r.count; i++)
                                add_to_one(s, &members[w], r.tags[i], rest_at(&r, i),
                                           p->pane[w], now);
                }
        *set = parted;
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

        if (unit != now && unit < begin_of(now, p->pane[0]))
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
        return held_values(d);
}

static bool copy_run(const struct distinct_store *s, const struct run *r, int64_t now,
                     unsigned oldest, struct distinct *to)
{
        for (unsigned i = 0; i < r->count; i++)
                if (age_of(r->lows[i], now) <= oldest &&
                    put_new(s, to, r->tags[i], rest_at(r, i) & HASH_BITS) != PUT_DONE)
                        return false;
        return true;
}

static void copy_values(const struct distinct_store *s, const struct distinct *from,
                        uint32_t pane, int64_t now, struct distinct *to)
{
        unsigned oldest = oldest_in(now, pane);
        struct one one;

        for (unsigned k = 0; k < run_count(from); k++) {
                struct run r = run_at(s, from, k, &one);
                if (!copy_run(s, &r, now, oldest, to)) {
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
        uint32_t head = sketch_copy(s, from);
        if (!head) {
                hold(s, to);
                return;
        }
        struct sketch *sketch = budget_at(s->budget, head);
        sketch_flatten(sketch, words_of(s, sketch));
        to->head = head;
        to->kind = DISTINCT_SKETCH;
}

static void carry_value(const struct distinct_store *s, uint32_t tag, uint32_t more,
                        int64_t unit, const struct distinct_plan *p, struct distinct *to,
                        unsigned window, int64_t now)
{
        if (to->kind == DISTINCT_PARTED)
                add_to_one(s, shown_by(s, to, window), tag,
                           more | ((uint32_t)unit & UNIT_BITS), p->pane[window], now);
        else
                distinct_add(s, p, to, (uint64_t)tag << 32 | more, unit, now);
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

        for (unsigned k = 0; k < run_count(from); k++) {
                struct run r = run_at(s, from, k, &one);
                for (unsigned i = 0; i < r.count; i++) {
                        int64_t unit = unit_of(r.lows[i], from_now);
                        if (unit >= begin)
                                carry_value(s, r.tags[i], rest_at(&r, i) & HASH_BITS,
                                            unit * unit_ns / p->unit_ns, p, to, window,
                                            now);
                }
        }
}

/* What is held one by one is copied; NULL: all was. Else the sketch that is to follow. */
static struct distinct *carry_held(const struct distinct_store *s,
                                   const struct distinct_plan *from_plan,
                                   const struct distinct *from, unsigned from_window,
                                   int64_t from_now, const struct distinct_plan *to_plan,
                                   struct distinct *to, unsigned to_window,
                                   int64_t to_now)
{
        struct distinct *source = shown_by(s, from, from_window);

        if (source->kind == DISTINCT_EMPTY)
                return NULL;
        if ((source->kind == DISTINCT_SKETCH || source != from) && to_plan->windows > 1 &&
            to->kind != DISTINCT_PARTED && !part(s, to_plan, to, to_now)) {
                hold(s, to);
                return NULL;
        }
        if (source->kind == DISTINCT_SKETCH)
                return source;
        carry_values(s, source, begin_of(from_now, from_plan->pane[from_window]),
                     from_now, from_plan->unit_ns, to_plan, to, to_window, to_now);
        return NULL;
}

void distinct_carry(const struct distinct_store *s, const struct distinct_plan *from_plan,
                    struct distinct *from, unsigned from_window, int64_t from_now,
                    const struct distinct_plan *to_plan, struct distinct *to,
                    unsigned to_window, int64_t to_now)
{
        struct distinct *source = carry_held(s, from_plan, from, from_window, from_now,
                                             to_plan, to, to_window, to_now);

        if (!source)
                return;
        struct distinct *target = shown_by(s, to, to_window);
        clear_one(s, target);
        *target = *source;
        *source = (struct distinct){ .kind = DISTINCT_EMPTY };
}

void distinct_copy(const struct distinct_store *s, const struct distinct_plan *from_plan,
                   const struct distinct *from, unsigned from_window, int64_t from_now,
                   const struct distinct_plan *to_plan, struct distinct *to,
                   unsigned to_window, int64_t to_now)
{
        const struct distinct *source =
            carry_held(s, from_plan, from, from_window, from_now, to_plan, to, to_window,
                       to_now);

        if (!source)
                return;
        struct distinct *target = shown_by(s, to, to_window);
        uint32_t head = sketch_copy(s, source);
        if (!head) {
                hold(s, target);
                return;
        }
        clear_one(s, target);
        target->head = head;
        target->kind = DISTINCT_SKETCH;
        target->held = source->held & 1;
}

void distinct_prefetch(const struct distinct_store *s, const struct distinct *set,
                       uint64_t hash)
{
        if (set->kind < DISTINCT_VALUES)
                return;
        const char *block = budget_at(s->budget, set->head);
        unsigned lines = line_count(set);
        if (lines && hash)
                block += line_of((uint32_t)(hash >> 32), lines) * sizeof(struct line);
        __builtin_prefetch(block, 1);
        if (set->kind != DISTINCT_VALUES)
                return;
        /* Blocks of less than a line begin anywhere. */
        if (!lines)
                __builtin_prefetch(block + sizes[set->size].values * VALUE_BYTES - 1, 1);
        if (set->detail == sizes[set->size].values) /* it may grow, and give this back */
                budget_prefetch_give(s->budget, set->head);
}
