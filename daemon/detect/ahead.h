/* SPDX-License-Identifier: MIT */
/*
 * ahead - asks for the memory of the next few records before any of them is counted.
 *
 * A site has more visitors than fit into a cache, so each record's keys wait for memory:
 * first for the slots of indexes, then for the entries that these name, then for the sets
 * and lists that hang on them. Records are looked at some at a time, and each step is
 * taken for all of them before the next one, so that the waits overlap:
 *
 *      keys hashed -> index slots | entries, actors | sets, lists |  records counted
 *
 * What was read and hashed on the way is kept for the counting: only what depends on the
 * record alone. Everything else may have changed by then, so it is only asked for, never
 * believed.
 */
#ifndef DETECT_AHEAD_H
#define DETECT_AHEAD_H

#include "detect/actors.h"
#include "detect/facts.h"
#include "detect/statistics.h"
#include "detect/table.h"

#define AHEAD_RECORDS 16

struct ahead_key {
        uint64_t hash; /* 0: not known from the record alone */
        uint32_t handle;
};

struct ahead_record {
        const struct record *record;
        const struct page_kind *page;
        struct fact_operand *operands;    /* those of page->early */
        char (*scratch)[SUBJECT_SCRATCH]; /* of each, as texts may live there */
        struct ahead_key *keys;           /* of the page's tables */
        struct actor_key actor;           /* where the page has tables */
        uint32_t actor_handle;
        struct seen_early seen;
};

struct ahead {
        struct ahead_record records[AHEAD_RECORDS];
        struct fact_operand *operands;
        char (*scratch)[SUBJECT_SCRATCH];
        struct ahead_key *keys;
};

/* The hash of an operand that was read early; 0: it was not, or is missing. */
static inline uint64_t ahead_hash(const struct ahead_record *r, unsigned early)
{
        return early == EARLY_NONE ? 0 : r->operands[early].hash;
}

/* False when there is no memory. */
bool ahead_init(struct ahead *, const struct conditions *);
void ahead_free(struct ahead *);

/* The first step: what the record shows, and the slots of the indexes. */
void ahead_keys(struct ahead_record *, struct facts *, const struct table *tables,
                struct actors *, const struct statistics *, const struct record *,
                struct slice ja4);
/* The second: entries and the actor. */
void ahead_entries(struct ahead_record *, const struct table *tables,
                   const struct actors *);
/* The third: what hangs on the entries. */
void ahead_sets(const struct ahead_record *, const struct table *tables);

#endif
