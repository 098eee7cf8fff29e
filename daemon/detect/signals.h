/* SPDX-License-Identifier: MIT */
/*
 * signals - what weak rules have to say about one key.
 *
 * Hangs on the key's entry: for each signal rule of the table the last transaction at
 * which it held. Its weight counts in full there and halves every 30 minutes from then
 * on. score() is the sum over families of the largest that is left; families() counts
 * those of which some signal held within SIGNAL_STANDS.
 *
 * A block is taken from the budget when a first signal holds: 8 bytes for each rule.
 */
#ifndef DETECT_SIGNALS_H
#define DETECT_SIGNALS_H

#include "base/clock.h"
#include "detect/budget.h"

#define SIGNALS_MAX      64 /* of one table */
#define SIGNAL_HALF_LIFE (30 * 60 * NS_PER_SEC)
#define SIGNAL_STANDS    (4 * SIGNAL_HALF_LIFE) /* a sixteenth is left then */

/* A rule that is a signal; families are numbered within the table, from 0. */
struct signal_row {
        double weight; /* log-odds */
        unsigned family;
};

struct signals {
        uint32_t block; /* 0: none ever held */
};

/* Bytes of a block for so many signal rules: few different sizes. */
size_t signals_size(unsigned count);

/* Signal `number` held at `now_ns`. False when there is no room. */
bool signals_hold(struct signals *, struct budget *, unsigned size_class, unsigned number,
                  int64_t now_ns);
/* When it held last; -1: never. */
int64_t signals_held(const struct signals *, const struct budget *, unsigned number);
void signals_clear(struct signals *, struct budget *);

double signals_score(const struct signals *, const struct budget *,
                     const struct signal_row *, unsigned count, int64_t now_ns);
unsigned signals_families(const struct signals *, const struct budget *,
                          const struct signal_row *, unsigned count, int64_t now_ns);

#endif
