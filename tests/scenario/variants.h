/* SPDX-License-Identifier: MIT */
/*
 * variants - each scenario, and what the network can make of it.
 *
 * Each scenario that is not `as-is` must give the same transactions when its
 * segments are cut in two at every byte, cut into single bytes, swapped with
 * their neighbours, shuffled, sent twice, and carried by IPv6.
 */
#ifndef SCENARIO_VARIANTS_H
#define SCENARIO_VARIANTS_H

#include "base/counters.h"
#include "wire.h"

struct result {
        struct buf text; /* one transaction a line */
        struct counters counters;
};

/* Puts a wire through what is tested; `result` is empty. */
typedef void run_fn(const struct wire *, struct result *);

/* Runs the files of the command line. What main returns. */
int variants_main(int argc, char **argv, run_fn *);

#endif
