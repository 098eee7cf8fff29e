/* SPDX-License-Identifier: MIT */
/*
 * gaps - how regular the times between a key's requests are.
 *
 * A gap is the time from the first byte of one request to the first byte of the next.
 * Requests come here in the order in which they ended:
 *
 *   - one that began before the newest so far makes no gap and stays without effect
 *     (several connections, or a record that came late);
 *   - one that began at the same moment makes a gap of zero;
 *   - one whose predecessor has left the newest eight panes makes none: the key was
 *     silent, and begins anew.
 *
 * A gap is in the pane of its later request, by that one's end as everything else.
 *
 * gap_entropy: Shannon's, in bits, of the gaps' shares in 24 bins, each an octave:
 *
 *      bin   0         1          2          ...  22            23
 *      from  0 ms      16 ms      32 ms           9.3 h         18.6 h
 *
 * What is shorter than 16 ms is one request after the other as the network brings them,
 * and differs with the network. Octaves see the relative spread: people's think times
 * fill five and more, a timer fills one or two, whatever its period and jitter.
 *
 * modal_gap_share: share of the commonest whole second, to which gaps are rounded, since
 * timers are whole seconds and networks add to them or take from them. Of the eight
 * kept: topk.h says how exact, and that it is never too high.
 *
 * Both are missing below 20 gaps. Entropy is at most log2 of the number of gaps, and
 * estimates of it are low while there are few: with 10 gaps one person in a hundred is
 * below 1.36 bits, with 20 below 1.95, with 50 below 2.36, with 200 below 2.64, where a
 * timer with 50 % jitter has 1.37 at most. With 50 gaps and at 1 % of people the entropy
 * catches all timers, with and without jitter, the modal second all without and half of
 * those with it. Requests at random (exponential gaps) look like people to the entropy:
 * 2 % are caught. (Simulated: think times lognormal, sigma 1.2, personal medians around
 * 12 s; timers of 0.5 to 60 s. tests/unit/gaps.c prints these.)
 *
 * Memory: 24 bytes in the entry, from the tenth gap on 768 more; for modal_gap_share 16,
 * from the first gap on 64 more, and 96 for each pane with several whole seconds.
 * Cost: to ask 0.1 us for the entropy; else as bins.h and topk.h say.
 */
#ifndef DETECT_GAPS_H
#define DETECT_GAPS_H

#include "detect/bins.h"
#include "detect/slot.h"

#define GAPS_BINS        24
#define GAPS_NEEDED      20
#define GAPS_ENTROPY_MAX 4.585 /* bits: log2 of GAPS_BINS, rounded up */

/* The newest request. */
struct gaps_newest {
        int64_t start_ns; /* INT64_MIN: there is none */
        uint32_t pane;    /* its number, as much of it as fits */
} __attribute__((packed, aligned(4)));

struct gaps {
        struct gaps_newest newest;
        struct bins bins;
};

struct gap_seconds {
        struct gaps_newest newest;
        uint32_t block; /* of a struct topk; 0 while there was no gap */
};

unsigned gaps_bin(int64_t gap_ns);
uint32_t gaps_second(int64_t gap_ns);

/* In bits, of `count` bins that sum to `all` > 0. */
double gaps_entropy(const uint64_t bins[], unsigned count, uint64_t all);

/* SLOT_GAPS: gap_entropy([cond,] w) */
void gaps_slot_init(const struct slot_place *);
void gaps_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void gaps_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double gaps_slot_value(const struct slot_place *);
void gaps_slot_clear(const struct slot_place *);

/* SLOT_GAP_SECONDS: modal_gap_share([cond,] w); begins as SLOT_GAPS does */
void gap_seconds_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void gap_seconds_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double gap_seconds_slot_value(const struct slot_place *);
void gap_seconds_slot_clear(const struct slot_place *);

#endif
