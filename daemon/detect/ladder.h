/* SPDX-License-Identifier: MIT */
/*
 * ladder - how long a subject is blocked this time.
 *
 * Remembers for each (rule, subject) when it was blocked in the last seven days:
 * the first block takes the first rung, the second the second, and from the last
 * rung on it stays there. Knows nothing of what a subject is but its keyed hash.
 *
 * When the memory is full, the subject whose block ran out first of those that
 * the hand sees is forgotten (it begins at the first rung again).
 */
#ifndef DETECT_LADDER_H
#define DETECT_LADDER_H

#include "detect/index.h"
#include "detect/rules_priv.h"

struct ladder {
        struct budget *budget;
        struct index index;
        unsigned class;
        uint32_t hand;
};

struct ladder_block {
        int64_t since_ns, until_ns;
        unsigned level;   /* rung, from 1 */
        bool is_held;     /* by a person: it was not put, and goes on as if it had been */
        uint64_t carrier; /* of the subject (carrier.h); 0: not known yet */
};

enum ladder_result {
        LADDER_NEW,     /* a block begins now */
        LADDER_RUNNING, /* one is running still */
        LADDER_FULL,    /* no memory: not blocked */
};

bool ladder_init(struct ladder *, struct budget *, uint64_t index_bytes);
void ladder_free(struct ladder *);

/* Finds its class of the budget again, when the budget's were read back. */
void ladder_find_classes(struct ladder *);
enum ladder_result ladder_climb(struct ladder *, uint64_t subject, uint64_t carrier,
                                const int64_t *rungs_ns, unsigned rungs, int64_t now_ns,
                                struct ladder_block *);

/*
 * A block that was put before a crash: the next one is on the rung after it. False when
 * it is known already, or there is no memory.
 */
bool ladder_recall(struct ladder *, uint64_t subject, const struct ladder_block *);

/* What the subject of a block that was recalled is watched as. */
void ladder_name(struct ladder *, uint64_t subject, uint64_t carrier);

/* The block that is running was not put. False when none is; else *carrier is its. */
bool ladder_hold(struct ladder *, uint64_t subject, int64_t now_ns, uint64_t *carrier);

/* The block of a subject that is running; false when none is. */
bool ladder_running(const struct ladder *, uint64_t subject, int64_t now_ns,
                    struct ladder_block *);

#endif
