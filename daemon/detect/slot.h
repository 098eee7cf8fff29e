/* SPDX-License-Identifier: MIT */
/*
 * slot - what is kept of one aggregate for one key.
 *
 * A row for each kind: how many bytes of an entry it takes and what happens to them.
 * Cells begin as zeroes. A kind with a window has cells for its panes (window.h); one
 * without is told of every transaction and knows the time from that.
 *
 *      init    once, when zeroes are not what an empty cell is
 *      rotate  panes from + 1 to `to` begin: what they held before is forgotten
 *      count   one transaction that meets the slot's condition, in its pane
 *      value   what the function is now; NaN: missing
 *      clear   the key is forgotten: gives back what the cells own
 *
 * Any but `value` may be NULL. Sets of different values are not here but in families
 * (rules_priv.h), since several windows share them.
 */
#ifndef DETECT_SLOT_H
#define DETECT_SLOT_H

#include "detect/facts.h"
#include "detect/window.h"

struct table;
struct entry;

/* Which slot of which entry. */
struct slot_place {
        const struct table *table;
        const struct slot *slot;
        const struct window_clock *clock; /* NULL: it has no window */
        struct entry *entry;
        void *cells;
};

struct slot_type {
        uint32_t size, align; /* of the cells */
        bool windowless;
        void (*init)(const struct slot_place *);
        void (*rotate)(const struct slot_place *, int64_t from, int64_t to);
        void (*count)(const struct slot_place *, struct facts *, int64_t pane);
        double (*value)(const struct slot_place *);
        void (*clear)(const struct slot_place *);
};

/*
 * How many transactions of the key the one at hand stands for: of the visitors of a group
 * only a sample may be looked at, while one visitor is seen fully or not at all.
 */
unsigned slot_weight(const struct slot_place *, const struct facts *);

extern const struct slot_type slot_types[SLOT_KINDS];

#endif
