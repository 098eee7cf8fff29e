/* SPDX-License-Identifier: MIT */
/*
 * histogram - how long something took, by how often.
 *
 * Edges are the same for all: 100 ns to 10 s, three a decade. What took longer than the
 * last one is only in `count` and the sum. Plain additions, one writer.
 *
 * Cost: a look at a few edges for each value; 216 bytes.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_EDGES 25

extern const int64_t histogram_edges_ns[HISTOGRAM_EDGES];

struct histogram {
        uint64_t counts[HISTOGRAM_EDGES]; /* above the edge before, up to this one */
        uint64_t count;
        int64_t sum_ns;
};

/* One value; what is below zero counts as zero. */
void histogram_add(struct histogram *, int64_t time_ns);

#endif
