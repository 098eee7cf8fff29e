/* SPDX-License-Identifier: MIT */
/*
 * table - all keys of one kind (each client.host, each session) and what is
 * counted for them.
 *
 *   entry | hash, lives, involved, samples | group: panes, sums, sets, counts | group ..
 *
 * An entry is one block of the budget, with room for those groups of slots that the key
 * has met (layouts.h); what is not there reads as empty. Sets and the list of who was
 * involved hang on it and grow with the key.
 *
 * When the budget or the index is full, a hand goes round the table: an entry that
 * it finds without lives is forgotten, any other loses one; when all that it looked at
 * have some, the one with the fewest goes. A key that was seen
 * once has none; the more it was seen, the more it has, and each new transaction
 * gives them back. An entry with an open incident is passed over.
 */
#ifndef DETECT_TABLE_H
#define DETECT_TABLE_H

#include "detect/distinct.h"
#include "detect/facts.h"
#include "detect/gates.h"
#include "detect/involved.h"
#include "detect/layouts.h"
#include "detect/needs.h"
#include "detect/samples.h"
#include "detect/slot.h"
#include "detect/surge.h"
#include "detect/unfetched.h"
#include "detect/usual.h"
#include "detect/window.h"

#define TRANSACTIONS_MAX ((1U << 18) - 1)
#define RECENT_MAX       127

#define ENTRY_INCIDENTS  ((1U << 24) - 1) /* more are never open: limits.incidents */

struct entry {
        uint64_t hash;
        int64_t since_ns; /* first transaction after a silence of the longest window */
        uint32_t seen;    /* last one, in seconds */
        uint32_t transactions : 18; /* those that were not in the sample are guessed;
                                       stops at TRANSACTIONS_MAX */
        uint32_t recent : 7;        /* since since_ns; stops at RECENT_MAX */
        uint32_t lives : 3;
        uint32_t layout : 8;
        uint32_t incidents : 24; /* head of the list of those that are open */
        struct samples samples;
        struct involved involved;
};

/* Bytes of it that are used: what is counted begins after them. */
#define ENTRY_HEAD (offsetof(struct entry, involved) + sizeof(struct involved))

struct statistics;

/* What is done with a slot, as much of it as there is to know before: table_ops.c. */
struct table_op {
        const struct slot *slot;
        uint64_t where; /* the condition's bit, when it is the `where` of some rule */
        uint32_t offset;
        unsigned condition, operand;
        uint16_t kind, window; /* enum slot_kind; of the table, or OP_WINDOWLESS */
};

#define OP_WINDOWLESS UINT16_MAX

/* Of a group: one after the other in memory, in the order of the entry. */
struct table_ops {
        struct table_op *count;  /* what a transaction is counted in, but for sets */
        struct table_op *rotate; /* those of its first window, of its second .. */
        uint64_t *family_wheres; /* of the group's families, as `where` above */
        unsigned count_count;
        unsigned rotate_end[WINDOWS_MAX]; /* of each window of the group, or of its whole */
};

/* A family, or a slot with bytes, that has an elder (twins.h). */
struct twin {
        unsigned number;
        uint64_t met; /* of its group, or of its elder's */
};

/* What a slot is, for all rules that ask during one visit. */
struct slot_memo {
        uint64_t visit;
        double value;
};

struct table {
        const struct table_plan *plan;
        const struct rules *rules;
        struct budget *budget;
        struct counters *counters;
        const struct distinct_store *sets;
        const struct involved_store *involved;
        const struct sample_store *samples;
        const struct usual *usual;
        struct window_store windows;
        const struct statistics *statistics; /* of the site, set by the engine */
        const struct missed *missed;         /* likewise */
        struct index index;
        struct layouts layouts;
        unsigned entry_classes[LAYOUTS_MAX];
        struct entry *blank; /* has all groups, and nothing in them */
        uint32_t hand;
        uint64_t entry_bytes; /* blocks of all entries */
        uint64_t evicted;     /* also of the table that it took the place of */
        unsigned signals_class;
        struct table_ops *ops; /* of each group */
        struct twin *twins; /* families, then bytes */
        unsigned twin_families, twin_count;
        struct gates gates;
        struct needs needs;
        struct slot_memo *memos;      /* by slot */
        uint64_t visit;               /* number of the one that these are of */
        uint64_t met[CONDITIONS_MAX]; /* how often each condition was true */
        int64_t now_ns;
        int64_t same_panes_ns; /* until then all clocks stay in their panes */
        struct window_clock clocks[WINDOWS_MAX];
        struct window_clock *units; /* of the families: a unit is a pane of these */
        struct window_clock *group_units; /* of the groups with windows: likewise */
        struct surge_usual *surges; /* of the surges: what all keys have in common */
        struct unfetched_usual *unfetched; /* likewise */
        int64_t *began_ns; /* of the slots: when rules that were swapped in began them;
                              else 0 */
};

bool table_init(struct table *, const struct rules *, const struct table_plan *,
                const struct distinct_store *, const struct involved_store *,
                const struct sample_store *, const struct usual *, uint64_t index_bytes);
void table_free(struct table *);

/* Finds its classes of the budget again, when the budget's were read back. */
void table_find_classes(struct table *);
void table_set_time(struct table *, int64_t now_ns);

/* How many of the key's transactions one stands for (slot.h). */
static inline unsigned table_weight(const struct table *t, const struct record *r)
{
        return t->plan->is_of_one ? 1 : 1U << r->sample_shift;
}

/* The bit of a condition in masks of which conditions of the table a transaction met. */
uint64_t table_where_bit(const struct table *, unsigned where);

/* The key of a transaction; false when a part of it is missing. */
bool table_key(const struct table *, struct facts *, uint64_t *hash);

/*
 * The memory of a key is rarely in a cache. What a transaction will need of all its
 * tables is asked for before any of it is used, so that the waits overlap.
 */
void table_prefetch(const struct table *, uint64_t hash);
void table_prefetch_entry(const struct table *, uint32_t handle);
/* What hangs on the entry: for all transactions; a set, with the hash of the value that
   will be looked for, or 0; bytes. */
void table_prefetch_lists(const struct table *, uint32_t handle, uint32_t actor);
void table_prefetch_set(const struct table *, uint32_t handle, unsigned family,
                        uint64_t hash);
void table_prefetch_bytes(const struct table *, uint32_t handle, unsigned slot);

/* Handle of the key's entry, or 0. */
uint32_t table_find(const struct table *, uint64_t hash);

/*
 * Makes one for a key that has none, with room for these groups (layouts_met); 0 when
 * there is no room for it.
 */
uint32_t table_new(struct table *, uint64_t hash, uint64_t groups);

/*
 * Gives an entry room for these groups as well, which may move it. Returns where it is
 * then; where the budget refuses, nothing is counted in them (and a counter says so).
 */
uint32_t table_widen(struct table *, uint32_t handle, uint64_t groups);

/* The cells of a slot; NULL when the entry has no room for its group. */
void *table_cells(const struct table *, const struct entry *, const struct slot *);

static inline struct entry *table_at(const struct table *t, uint32_t handle)
{
        return budget_at(t->budget, handle);
}

/*
 * Counts the transaction in all slots whose condition is true, after their windows were
 * brought to the table's time. `met`: which conditions of the table it met, which is to
 * say which rules look at it; `groups`: what layouts_met says of that. What only other
 * rules read is left alone.
 */
void table_count(const struct table *, struct entry *, struct facts *, uint64_t met,
                 uint64_t groups);

/* Forgets when its signals held. */
void table_clear_signals(const struct table *, struct entry *);

/* A signal rule of the table holds for the key; false when there is no room to say so. */
bool table_signal(const struct table *, struct entry *, unsigned signal, int64_t time_ns);

/* When it held last; -1: never. */
int64_t table_signal_held(const struct table *, const struct entry *, unsigned signal);

/*
 * What an aggregate of a rule of this table is now. The rule looked at the transaction
 * that table_count counted last for this entry. A quotient of which one side was counted
 * before the rules were swapped, and the other is since, is missing for a window.
 */
struct value table_value(const struct table *, const struct entry *,
                         const struct rule_aggregate *);

/*
 * The same of the entry that was counted in last: slots that several rules read are
 * looked at once. table_visit() begins anew; after that no other entry is asked for.
 */
void table_visit(struct table *);
struct value table_value_here(struct table *, const struct entry *,
                              const struct rule_aggregate *);

/*
 * Whether a rule (its number in the plan's list) may hold for that entry, by its needs
 * alone; and whether it does. In between the tree has to be asked.
 */
bool table_may_hold(struct table *, const struct entry *, unsigned rule, bool *holds);

/* What one slot holds; its windows are at the table's time. */
double table_slot(const struct table *, const struct entry *, unsigned slot);

/* Copies the values of a distinct slot; `to` is empty, and of distinct_flat. */
void table_copy_set(const struct table *, const struct entry *, unsigned slot,
                    struct distinct *to);
uint64_t table_bytes(const struct table *, const struct entry *, unsigned slot);

/* Brings all that is counted for the key to the table's time; or one group, which the
   entry has. */
void table_rotate(const struct table *, struct entry *);
void table_rotate_group(const struct table *, struct entry *, unsigned group);

/* Forgets one key, which has no incident. */
void table_forget(struct table *, uint32_t handle);

/* Forgets up to `count` entries, the least telling first. Returns how many. */
unsigned table_evict(struct table *, unsigned count);

#endif
