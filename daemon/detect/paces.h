/* SPDX-License-Identifier: MIT */
/*
 * paces - how fast the people of a site go from one page to the next.
 *
 * A pace is the mean of log2 of eight times between requests, one after the other, in
 * milliseconds; a gap of more than ten minutes ends a visit, and the eight begin anew.
 * Kept to a quarter of an octave: 80 bins from 1 ms to 15 minutes.
 *
 * Of the site's visitors (by session, else client.host) a sample is measured: up to 4096
 * at a time, by a place that the hash gives. Each counts once, and again when it has been
 * away for an hour. What is old fades over 16384 visitors. Known once 200 were measured.
 *
 * Cost: one place looked at, and a logarithm. Memory: 64 KiB for each set of pages,
 * plain.
 */
#ifndef DETECT_PACES_H
#define DETECT_PACES_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define PACES_GAPS   8
#define PACES_BINS   80
#define PACES_VISIT  (600 * 1000) /* ms: a longer gap ends a visit */
#define PACES_PLACES 4096
#define PACES_NEEDED 200
#define PACES_FADE   16384 /* visitors */

/* One visitor who is being measured. Begins as zeroes, but for `last_ms`. */
struct pace {
        uint32_t last_ms; /* of the last request, modulo 2^32 */
        uint16_t sum;     /* sixteenths of octaves, of `gaps` gaps */
        uint8_t gaps;
};

struct paces_place {
        uint32_t visitor; /* 0: nobody */
        struct pace pace;
        bool is_measured;
};

struct paces {
        struct paces_place *places;
        double weight; /* of the next visitor; grows, so that older ones fade */
        double bins[PACES_BINS], all;
};

struct transfer; /* transfer.h */

bool paces_init(struct paces *);
void paces_free(struct paces *);

/* To a snapshot, or from one. */
void paces_transfer(struct paces *, struct transfer *);

static inline uint32_t paces_ms(int64_t time_ns)
{
        return (uint32_t)(time_ns / NS_PER_MS);
}

/* The next request. The bin of its pace where this ends eight gaps; else -1. */
int pace_add(struct pace *, uint32_t now_ms);

/* A request of anybody, by a keyed hash. */
void paces_note(struct paces *, uint64_t visitor, int64_t time_ns);

/*
 * Share of the site's visitors whose pace is in this bin or the next, with a pseudo-count
 * of one; NaN while it is not known.
 */
double paces_share(const struct paces *, unsigned bin);

#endif
