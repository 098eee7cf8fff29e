/* SPDX-License-Identifier: MIT */
#include "detect/table.h"

#include "base/check.h"
#include "detect/table_ops.h"
#include "detect/table_priv.h"
#include "detect/twins.h"

#include <stdlib.h>

/* An entry has this many lives from so many transactions on. */
static const uint32_t lives_from[] = { 2, 8, 32, 128 };
#define LIVES_MAX   (sizeof(lives_from) / sizeof(*lives_from))
#define ENTRY_FIRST 192 /* bytes: what most entries have, and more */
#define HAND_LOOKS  24  /* entries, for one eviction */

_Static_assert(LAYOUTS_MAX <= 256, "a layout has eight bits");
_Static_assert(sizeof(lives_from) / sizeof(*lives_from) < 8, "lives have three bits");

/*
 * Rules that are changed again and again give entries ever new sizes, and there is an end
 * to the classes: later ones are steps of an eighth, which are few.
 */
static size_t class_size(const struct budget *budget, size_t size)
{
        size_t step = 16;

        if (budget->classes < BUDGET_CLASSES / 2)
                return size;
        while (step * 16 <= size)
                step *= 2;
        size = (size + step - 1) / step * step;
        return size < BUDGET_PAGE ? size : BUDGET_PAGE;
}

static void find_entry_class(struct table *t, unsigned layout)
{
        t->entry_classes[layout] =
            budget_class_of(t->budget, class_size(t->budget, t->layouts.sizes[layout]));
}

void table_find_classes(struct table *t)
{
        window_store_init(&t->windows, t->budget, t->counters);
        for (unsigned i = 0; i < t->layouts.count; i++)
                find_entry_class(t, i);
        if (t->plan->signal_count)
                t->signals_class = budget_class_of(
                    t->budget,
                    class_size(t->budget, signals_size(t->plan->signal_count)));
}

void *table_cells(const struct table *t, const struct entry *e, const struct slot *s)
{
        return has_group(t, e, s->group) ? cells_of(t, e, s) : NULL;
}

/* What a group's windows were last brought to; it may stand anywhere. */
static uint32_t time_of(const char *base, const struct slot_group *g)
{
        uint32_t time;

        memcpy(&time, base + g->time_offset, sizeof(time));
        return time;
}

static void set_time_of(char *base, const struct slot_group *g, int64_t unit)
{
        uint32_t time = (uint32_t)unit;

        memcpy(base + g->time_offset, &time, sizeof(time));
}

static void group_init(const struct table *t, struct entry *e, unsigned group)
{
        const struct slot_group *g = &t->plan->groups[group];
        char *base = base_of(t, e, group);

        if (g->window_count)
                set_time_of(base, g, t->group_units[group].pane);
        for (unsigned i = 0; i < g->slot_count; i++) {
                const struct slot *s = &t->plan->slots[g->slots[i]];
                struct slot_place place = place_in(t, e, base, s);
                if (slot_types[s->kind].init)
                        slot_types[s->kind].init(&place);
        }
}

/* Begins all that the entry has room for. */
static void groups_init(const struct table *t, struct entry *e)
{
        for (unsigned i = 0; i < t->plan->group_count; i++)
                if (has_group(t, e, i))
                        group_init(t, e, i);
}

bool table_init(struct table *t, const struct rules *rules, const struct table_plan *plan,
                const struct distinct_store *sets, const struct involved_store *involved,
                const struct sample_store *samples, const struct usual *usual,
                uint64_t index_bytes)
{
        *t = (struct table){ .plan = plan,
                             .rules = rules,
                             .budget = sets->budget,
                             .counters = sets->counters,
                             .sets = sets,
                             .involved = involved,
                             .samples = samples,
                             .usual = usual,
                             .same_panes_ns = INT64_MIN };
        t->blank = calloc(1, plan->entry_size);
        if (!layouts_init(&t->layouts, plan) || !t->blank)
                return false;
        table_find_classes(t);
        for (unsigned i = 0; i < plan->window_count; i++)
                window_clock_init(&t->clocks[i], plan->window_ns[i]);
        t->units = calloc(plan->family_count + 1, sizeof(*t->units));
        for (unsigned i = 0; t->units && i < plan->family_count; i++)
                window_clock_init(&t->units[i],
                                  plan->families[i].plan.unit_ns * WINDOW_NEWEST);
        t->group_units = calloc(plan->group_count + 1, sizeof(*t->group_units));
        for (unsigned i = 0; t->group_units && i < plan->group_count; i++)
                if (plan->groups[i].window_count)
                        window_clock_init(&t->group_units[i],
                                          plan->groups[i].unit_ns * WINDOW_NEWEST);
        t->surges = calloc(plan->surge_count + 1, sizeof(*t->surges));
        t->unfetched = calloc(plan->unfetched_count + 1, sizeof(*t->unfetched));
        t->began_ns = calloc(plan->slot_count + 1, sizeof(*t->began_ns));
        if (!t->units || !t->group_units || !t->surges || !t->unfetched || !t->began_ns)
                return false;
        groups_init(t, t->blank);
        t->memos = calloc(plan->slot_count + 1, sizeof(*t->memos));
        if (!t->memos || !table_ops_init(t) ||
            (!rules->is_plan && (!gates_init(&t->gates, rules, plan, TRANSACTIONS_MAX) ||
                                 !needs_init(&t->needs, rules, plan))))
                return false;
        return index_init(&t->index, index_bytes, &t->budget->index_room);
}

void table_free(struct table *t)
{
        index_free(&t->index);
        free(t->units);
        free(t->group_units);
        free(t->surges);
        free(t->unfetched);
        free(t->began_ns);
        table_ops_free(t);
        gates_free(&t->gates);
        needs_free(&t->needs);
        free(t->memos);
        t->memos = NULL;
        free(t->blank);
        layouts_free(&t->layouts);
        t->blank = NULL;
        t->units = NULL;
        t->group_units = NULL;
        t->surges = NULL;
        t->unfetched = NULL;
        t->began_ns = NULL;
}

static void set_clock(struct table *t, struct window_clock *c, int64_t now_ns)
{
        window_clock_set(c, now_ns);
        if (c->end_ns < t->same_panes_ns)
                t->same_panes_ns = c->end_ns;
}

void table_set_time(struct table *t, int64_t now_ns)
{
        bool same_panes = now_ns >= t->now_ns && now_ns < t->same_panes_ns;

        t->now_ns = now_ns;
        if (same_panes) {
                for (unsigned i = 0; i < t->plan->window_count; i++)
                        t->clocks[i].now_ns = now_ns;
                return;
        }
        t->same_panes_ns = INT64_MAX;
        for (unsigned i = 0; i < t->plan->window_count; i++)
                set_clock(t, &t->clocks[i], now_ns);
        for (unsigned i = 0; i < t->plan->family_count; i++)
                set_clock(t, &t->units[i], now_ns);
        for (unsigned i = 0; i < t->plan->group_count; i++)
                if (t->plan->groups[i].window_count)
                        set_clock(t, &t->group_units[i], now_ns);
}

uint64_t table_where_bit(const struct table *t, unsigned where)
{
        unsigned i = 0;

        while (i < t->plan->where_count && t->plan->wheres[i] != where)
                i++;
        CHECK(i < t->plan->where_count);
        return UINT64_C(1) << i;
}

bool table_key(const struct table *t, struct facts *facts, uint64_t *hash)
{
        uint64_t all = 1;

        for (unsigned i = 0; i < t->plan->parts; i++) {
                unsigned operand = t->plan->key[i];
                if (facts_operand(facts, operand)->value.type == VALUE_MISSING)
                        return false;
                uint64_t part = facts_hash(facts, operand);
                all = i ? hash_mix(all, part) : part;
        }
        *hash = all;
        return true;
}

bool table_signal(const struct table *t, struct entry *e, unsigned signal,
                  int64_t time_ns)
{
        uint32_t *block = samples_take_beside(t->samples, &e->samples);

        if (!block)
                return false;
        struct signals signals = { *block };
        bool held = signals_hold(&signals, t->budget, t->signals_class, signal, time_ns);
        *block = signals.block;
        return held;
}

void table_clear_signals(const struct table *t, struct entry *e)
{
        uint32_t *block = samples_beside(t->samples, &e->samples);

        if (!block)
                return;
        struct signals signals = { *block };
        signals_clear(&signals, t->budget);
        *block = 0;
}

int64_t table_signal_held(const struct table *t, const struct entry *e, unsigned signal)
{
        struct signals signals = signals_of(t, e);

        return signals_held(&signals, t->budget, signal);
}

static void group_clear(const struct table *t, struct entry *e, unsigned group)
{
        const struct slot_group *g = &t->plan->groups[group];
        char *base = base_of(t, e, group);

        for (unsigned i = 0; i < g->family_count; i++) {
                const struct family *f = &t->plan->families[g->families[i]];
                if (set_of(base, f)->kind != DISTINCT_TWIN)
                        distinct_clear(t->sets, &f->plan, set_of(base, f));
        }
        for (unsigned i = 0; i < g->slot_count; i++) {
                const struct slot *s = &t->plan->slots[g->slots[i]];
                struct slot_place place = place_in(t, e, base, s);
                if (slot_types[s->kind].clear)
                        slot_types[s->kind].clear(&place);
        }
}

static uint32_t entry_size(const struct table *t, unsigned layout)
{
        return t->budget->class[t->entry_classes[layout]].size;
}

/* Its block alone. */
static void entry_give(struct table *t, uint32_t handle)
{
        t->entry_bytes -= entry_size(t, table_at(t, handle)->layout);
        budget_give(t->budget, handle);
}

static void entry_free(struct table *t, uint32_t handle)
{
        struct entry *e = table_at(t, handle);

        for (unsigned i = 0; i < t->plan->group_count; i++)
                if (has_group(t, e, i))
                        group_clear(t, e, i);
        table_clear_signals(t, e);
        involved_clear(t->involved, &e->involved);
        samples_clear(t->samples, &e->samples);
        index_remove(&t->index, e->hash, handle);
        entry_give(t, handle);
}

/*
 * The next entry that may go: the first that the hand finds without lives, or after
 * HAND_LOOKS of them the one that had fewest. So one eviction is bounded work, whatever
 * all the others have. 0 when all that it saw have incidents.
 */
static uint32_t next_to_go(struct table *t)
{
        uint32_t least = 0;
        unsigned fewest = LIVES_MAX + 1;

        for (unsigned i = 0; i < HAND_LOOKS; i++) {
                uint32_t handle = index_next(&t->index, &t->hand);
                struct entry *e = table_at(t, handle);
                if (e->incidents)
                        continue;
                if (e->lives == 0)
                        return handle;
                if (e->lives < fewest) {
                        fewest = e->lives;
                        least = handle;
                }
                e->lives--;
        }
        return least;
}

unsigned table_evict(struct table *t, unsigned count)
{
        unsigned gone = 0;
        uint32_t handle;

        while (gone < count && t->index.count && (handle = next_to_go(t))) {
                entry_free(t, handle);
                t->counters->entries_evicted++;
                t->evicted++;
                gone++;
        }
        return gone;
}

void table_prefetch(const struct table *t, uint64_t hash)
{
        index_prefetch(&t->index, hash);
}

/* Where its groups stand is known only when its first bytes are there: so a fixed part.
 */
void table_prefetch_entry(const struct table *t, uint32_t handle)
{
        const char *entry = budget_at(t->budget, handle);
        uint32_t size =
            t->plan->entry_size < ENTRY_FIRST ? t->plan->entry_size : ENTRY_FIRST;

        for (uint32_t at = 0; at < size; at += 64)
                __builtin_prefetch(entry + at, 1);
}

void table_prefetch_lists(const struct table *t, uint32_t handle, uint32_t actor)
{
        const struct entry *e = table_at(t, handle);

        if (e->involved.size)
                involved_prefetch(t->involved, &e->involved, actor);
}

void table_prefetch_set(const struct table *t, uint32_t handle, unsigned family,
                        uint64_t hash)
{
        const struct family *f = &t->plan->families[family];
        const struct distinct *set =
            set_of(base_of(t, table_at(t, handle), f->group), f);

        if (set->kind != DISTINCT_TWIN)
                distinct_prefetch(t->sets, set, hash);
}

void table_prefetch_bytes(const struct table *t, uint32_t handle, unsigned slot)
{
        window_bytes_prefetch(&t->windows,
                              cells_of(t, table_at(t, handle), &t->plan->slots[slot]));
}

uint32_t table_find(const struct table *t, uint64_t hash)
{
        return index_find(&t->index, t->budget, hash);
}

static uint32_t entry_take(struct table *t, uint64_t groups,
                           enum budget_priority priority)
{
        unsigned count = t->layouts.count, layout = layouts_find(&t->layouts, groups);

        if (t->layouts.count > count)
                find_entry_class(t, layout);
        uint32_t handle = budget_take(t->budget, t->entry_classes[layout], priority);
        if (handle == 0)
                return 0;
        table_at(t, handle)->layout = layout & 255;
        t->entry_bytes += entry_size(t, layout);
        return handle;
}

uint32_t table_new(struct table *t, uint64_t hash, uint64_t groups)
{
        uint32_t handle = entry_take(t, groups, BUDGET_NEWCOMER);

        if (handle == 0)
                return 0;
        table_at(t, handle)->hash = hash;
        groups_init(t, table_at(t, handle));
        if (!index_put(&t->index, hash, handle)) {
                entry_give(t, handle);
                return 0;
        }
        return handle;
}

static void entry_move(const struct table *t, const struct entry *from, struct entry *to)
{
        unsigned layout = to->layout;

        memcpy(to, from, t->plan->head_size);
        to->layout = layout & 255;
        for (unsigned i = 0; i < t->plan->group_count; i++) {
                const struct slot_group *g = &t->plan->groups[i];
                if (has_group(t, from, i))
                        memcpy(base_of(t, to, i) + g->begin,
                               base_of(t, from, i) + g->begin, g->end - g->begin);
                else if (has_group(t, to, i))
                        group_init(t, to, i);
        }
}

uint32_t table_widen(struct table *t, uint32_t handle, uint64_t groups)
{
        struct entry *e = table_at(t, handle);
        uint64_t has = t->layouts.groups[e->layout];

        if (!(groups & ~has))
                return handle;
        uint32_t wider = entry_take(t, groups | has, BUDGET_GROWTH);
        if (wider == 0) {
                t->counters->windows_refused++;
                return handle;
        }
        entry_move(t, e, table_at(t, wider));
        index_move(&t->index, e->hash, handle, wider);
        entry_give(t, handle);
        return wider;
}

/* ---- what a transaction does to a group (table_ops) ---- */

static struct slot_place place_of(const struct table *t, struct entry *e, char *base,
                                  const struct table_op *op)
{
        return (struct slot_place){ t, op->slot,
                                    op->window == OP_WINDOWLESS ? NULL
                                                                : &t->clocks[op->window],
                                    e, base + op->offset };
}

/* Of sets that share their values only the longest window is turned. */
static void rotate_set(const struct table *t, const struct table_op *op,
                       struct distinct *set, int64_t from, int64_t to)
{
        const struct slot *s = op->slot;

        if (set->kind == DISTINCT_PARTED ||
            (s->member == 0 && set->kind != DISTINCT_EMPTY && set->kind != DISTINCT_TWIN))
                distinct_rotate(t->sets, &t->plan->families[s->family].plan, set,
                                s->member, from, to, t->units[s->family].pane);
}

/* Counts and bytes are nearly all that there is. */
static void rotate_op(const struct table *t, struct entry *e, char *base,
                      const struct table_op *op, int64_t from, int64_t to)
{
        void *cells = base + op->offset;
        struct slot_place place;

        switch (op->kind) {
        case SLOT_DISTINCT:
                rotate_set(t, op, cells, from, to);
                break;
        case SLOT_COUNT:
                window_counts_rotate(&t->windows, cells, from, to);
                break;
        case SLOT_BYTES:
                if (!window_bytes_are_twin(cells))
                        window_bytes_rotate(&t->windows, cells, from, to);
                break;
        default:
                place = place_of(t, e, base, op);
                slot_types[op->kind].rotate(
                    &place, to - from > WINDOW_PANES ? to - WINDOW_PANES : from, to);
        }
}

/* Which panes of a group's windows begin: those after `from` up to `to`. */
struct turn {
        unsigned windows;
        int64_t from[WINDOWS_MAX], to[WINDOWS_MAX];
};

static void turn_group(const struct table *t, struct entry *e, unsigned group,
                       const struct turn *turn)
{
        const struct table_ops *ops = &t->ops[group];
        char *base = base_of(t, e, group);

        for (unsigned w = 0, i = 0; w < turn->windows; w++) {
                for (; turn->from[w] != turn->to[w] && i < ops->rotate_end[w]; i++)
                        rotate_op(t, e, base, &ops->rotate[i], turn->from[w],
                                  turn->to[w]);
                i = ops->rotate_end[w];
        }
}

/* All of it that the entry has. `group` is a whole one. */
static void rotate_group(const struct table *t, struct entry *e, unsigned group)
{
        const struct slot_group *g = &t->plan->groups[group];
        struct turn turn;
        int64_t now = t->group_units[group].pane;

        if (g->window_count == 0)
                return;
        char *base = base_of(t, e, group);
        uint32_t behind = (uint32_t)now - time_of(base, g);
        if (behind == 0)
                return;
        set_time_of(base, g, now);
        turn.windows = g->window_count;
        for (unsigned w = 0; w < g->window_count; w++) {
                turn.from[w] = (now - behind) / g->panes[w];
                turn.to[w] = t->clocks[g->windows[w]].pane;
        }
        turn_group(t, e, group, &turn);
        for (uint64_t left = g->parts & t->layouts.groups[e->layout]; left;
             left &= left - 1)
                turn_group(t, e, (unsigned)__builtin_ctzll(left), &turn);
}

/* The pane that the transaction is counted in; false when it is too old. */
static bool find_pane(const struct window_clock *clock, int64_t time_ns, int64_t *pane)
{
        *pane = window_pane_of(clock, time_ns);
        return clock->pane - *pane < WINDOW_PANES;
}

static void count_op(const struct table *t, struct entry *e, char *base,
                     const struct table_op *op, struct facts *facts, uint64_t met)
{
        const struct record *r = facts->subject.record;
        struct slot_place place;
        int64_t pane = 0;

        if (!((op->where & met) || facts_condition(facts, op->condition)) ||
            (op->operand != OPERAND_NONE &&
             facts_operand(facts, op->operand)->value.type == VALUE_MISSING))
                return;
        if (op->window != OP_WINDOWLESS &&
            !find_pane(&t->clocks[op->window], r->end_ns, &pane))
                return;
        switch (op->kind) {
        case SLOT_COUNT:
                window_counts_add_some(&t->windows, (void *)(base + op->offset), pane,
                                       table_weight(t, r));
                break;
        case SLOT_BYTES:
                if (!window_bytes_are_twin((void *)(base + op->offset)))
                        window_bytes_add(&t->windows, (void *)(base + op->offset), pane,
                                         r->response_bytes);
                break;
        default:
                place = place_of(t, e, base, op);
                slot_types[op->kind].count(&place, facts, pane);
        }
}

static void count_family(const struct table *t, char *base, unsigned number, bool is_met,
                         struct facts *facts)
{
        const struct family *f = &t->plan->families[number];
        const struct window_clock *clock = &t->units[number];
        struct distinct *set = set_of(base, f);

        if (set->kind == DISTINCT_TWIN || !(is_met || facts_condition(facts, f->condition)) ||
            facts_operand(facts, f->operand)->value.type == VALUE_MISSING)
                return;
        distinct_add(t->sets, &f->plan, set, facts_hash(facts, f->operand),
                     window_pane_of(clock, facts->subject.record->end_ns), clock->pane);
}

static void count_group(const struct table *t, struct entry *e, char *base,
                        unsigned group, struct facts *facts, uint64_t met)
{
        const struct slot_group *g = &t->plan->groups[group];
        const struct table_ops *ops = &t->ops[group];

        for (unsigned i = 0; i < ops->count_count; i++)
                count_op(t, e, base, &ops->count[i], facts, met);
        for (unsigned i = 0; i < g->family_count; i++)
                count_family(t, base, g->families[i], ops->family_wheres[i] & met, facts);
}

void table_rotate_group(const struct table *t, struct entry *e, unsigned group)
{
        rotate_group(t, e, t->plan->groups[group].whole);
}

void table_rotate(const struct table *t, struct entry *e)
{
        for (unsigned i = 0; i < t->plan->group_count; i++)
                if (t->plan->groups[i].whole == i && has_group(t, e, i))
                        rotate_group(t, e, i);
}

void table_forget(struct table *t, uint32_t handle)
{
        entry_free(t, handle);
}

static void visit_group(const struct table *t, struct entry *e, unsigned group,
                        struct facts *facts, uint64_t met)
{
        if (t->plan->groups[group].whole == group)
                rotate_group(t, e, group);
        count_group(t, e, base_of(t, e, group), group, facts, met);
}

void table_count(const struct table *t, struct entry *e, struct facts *facts,
                 uint64_t met, uint64_t groups)
{
        twins_settle(t, e, facts, met);
        if (groups == LAYOUTS_ALL)
                for (unsigned i = 0; i < t->plan->group_count; i++)
                        if (t->plan->groups[i].met & met)
                                visit_group(t, e, i, facts, met);
        if (groups != LAYOUTS_ALL)
                for (uint64_t left = groups & t->layouts.groups[e->layout]; left;
                     left &= left - 1)
                        visit_group(t, e, (unsigned)__builtin_ctzll(left), facts, met);
        uint32_t weight = table_weight(t, facts->subject.record);
        uint32_t room = TRANSACTIONS_MAX - e->transactions;
        e->transactions += (weight < room ? weight : room) & TRANSACTIONS_MAX;
        while (e->lives < LIVES_MAX && e->transactions >= lives_from[e->lives])
                e->lives++;
}
