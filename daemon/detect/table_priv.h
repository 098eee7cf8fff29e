/* SPDX-License-Identifier: MIT */
/*
 * table_priv - where things stand in an entry.
 *
 *   table.c        entries: made, found, counted in, forgotten
 *   table_ops.c    what a transaction does to a group, as flat lists
 *   table_value.c  what the slots say
 */
#ifndef DETECT_TABLE_PRIV_H
#define DETECT_TABLE_PRIV_H

#include "detect/table.h"

static inline bool has_group(const struct table *t, const struct entry *e, unsigned group)
{
        return layouts_shift(&t->layouts, e->layout, group) != LAYOUT_ABSENT;
}

/*
 * A group in an entry: the plan's offsets point into it from here. Of one that is absent
 * the blank is shown.
 */
static inline char *base_of(const struct table *t, const struct entry *e, unsigned group)
{
        int32_t shift = layouts_shift(&t->layouts, e->layout, group);

        return shift == LAYOUT_ABSENT ? (char *)t->blank : (char *)e + shift;
}

static inline void *cells_of(const struct table *t, const struct entry *e, const struct slot *s)
{
        return base_of(t, e, s->group) + s->offset;
}

static inline struct distinct *set_of(char *base, const struct family *f)
{
        return (struct distinct *)(base + f->offset);
}

static inline struct slot_place place_in(const struct table *t, struct entry *e, char *base,
                                  const struct slot *s)
{
        return (struct slot_place){ t, s,
                                    s->window == WINDOW_NONE ? NULL
                                                             : &t->clocks[s->window],
                                    e, base + s->offset };
}

static inline struct signals signals_of(const struct table *t, const struct entry *e)
{
        const uint32_t *block = samples_beside(t->samples, &e->samples);

        return (struct signals){ block ? *block : 0 };
}

#endif
