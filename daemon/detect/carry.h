/* SPDX-License-Identifier: MIT */
/*
 * carry - takes what the engine knows over to another set of rules.
 *
 * A table goes on when its key is written the same, a slot when its function, condition,
 * field and window are (canonical texts decide), an incident when its rule's name and key
 * are. Whatever is not found again is forgotten; its incidents end. What is new begins
 * empty, but a set over a new window shows what the sets beside it know. A share or a mean
 * of which only one side is found again is missing until it has seen a window (table.h).
 *
 *      old entry | panes | a | b | c |      all brought to the present first
 *                          |       |
 *      new entry | panes | a | d | c |      d begins empty, b is given back
 *
 * The budget stays; entries are moved one at a time, so that it need not hold both.
 *
 * Cost: one pass over all keys.
 */
#ifndef DETECT_CARRY_H
#define DETECT_CARRY_H

#include "detect/table.h"

#define CARRY_NONE UINT32_MAX

/* Which number of the old rules is which of the new ones, or CARRY_NONE. */
struct carry {
        const struct rules *from, *to;
        unsigned *tables; /* by old number, as the next */
        unsigned *rules;
};

/* False when the memory cannot be had. Borrows both. */
bool carry_init(struct carry *, const struct rules *from, const struct rules *to);
void carry_free(struct carry *);

/*
 * Moves all keys of an old table to the new one, which is empty. Both have the same time.
 * Keys for which the budget has no room are forgotten and counted. `moved` is told where
 * each one is now, before the old place is given back; 0: nowhere.
 */
typedef void carry_moved_fn(void *context, struct entry *from, uint32_t to);
void carry_table(const struct carry *, struct table *from, struct table *to,
                 carry_moved_fn *moved, void *context);

#endif
