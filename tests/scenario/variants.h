/* SPDX-License-Identifier: MIT */
/*
 * variants - each scenario, and what the network can make of it.
 *
 * Each must give the same transactions when its packets are carried by IPv6, wrapped in
 * tunnels, cut into fragments, and wrapped and cut. One that is not `as-is` must also do
 * so when its segments are cut in two at every byte, cut into single bytes, made to
 * overlap, swapped with their neighbours, shuffled and sent twice.
 */
#ifndef SCENARIO_VARIANTS_H
#define SCENARIO_VARIANTS_H

#include "base/counters.h"
#include "wire.h"

struct result {
        struct buf text; /* one transaction a line */
        struct counters counters;
        bool distrust; /* as the script says */
};

struct stream;

/* Hands the packets to a stream through frame and fragment, with a fake clock. */
void variants_play(const struct wire *, struct stream *, struct counters *);

/* Puts a wire through what is tested; `result` is empty but for `distrust`. */
typedef void run_fn(const struct wire *, struct result *);

/* Runs the files of the command line. What main returns. */
int variants_main(int argc, char **argv, run_fn *);

#endif
