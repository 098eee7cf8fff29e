/* SPDX-License-Identifier: MIT */
/*
 * sketch - how many different values the last eight panes saw, in 8 KiB.
 *
 * HyperLogLog with 2048 registers of 4 bits for each pane. A register's eight
 * panes stand in one word, so an insert touches one word:
 *
 *      word[i] | pane 7 | pane 6 | ... | pane 1 | pane 0 |   4 bits each
 *
 * The histogram of the registers' maxima over the panes (that is, of the union)
 * is kept while inserting; the estimate needs nothing else and is cached until
 * it changes. Estimator: O. Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches" (arXiv 1702.01284), with its corrections at both ends,
 * so there is no switch between methods. q = 14: counts up to some 30 million.
 *
 * Standard error 1.04/sqrt(2048) = 2.3 %; measured 2.3 % at 1 k to 1 M, less below.
 * Cost: an insert that changes nothing 2 ns; a rotation rebuilds the histogram.
 */
#ifndef DETECT_SKETCH_H
#define DETECT_SKETCH_H

#include <stdint.h>

#define SKETCH_REGISTERS 2048
#define SKETCH_PANES     8
#define SKETCH_VALUES    16
#define SKETCH_BYTES     (SKETCH_REGISTERS * 4)

struct sketch {
        double estimate;    /* below 0: to be computed */
        uint32_t registers; /* whoever owns it: where its words are */
        uint16_t histogram[SKETCH_VALUES];
};

/* All words are zero. */
void sketch_init(struct sketch *);

/* The upper 32 bits of the value's keyed hash. */
void sketch_add(struct sketch *, uint32_t *words, uint32_t hash, int64_t pane);

/* Panes `from` + 1 to `to` begin: what they held eight panes ago is forgotten. */
void sketch_rotate(struct sketch *, uint32_t *words, int64_t from, int64_t to);

/* Folds all panes into pane 0: what was seen in any of them. */
void sketch_flatten(struct sketch *, uint32_t *words);
double sketch_estimate(struct sketch *);

#endif
