/* SPDX-License-Identifier: MIT */
/*
 * load - how much is left out when there is more traffic than a capture can read.
 *
 *      level   0            1                2      3      ..  7
 *      left    nothing      sign-up bodies,  half of the visitors, 3/4, .. 63/64,
 *      out                  shapes           and what level 1 leaves out
 *
 * The level rises at once when packets or messages are lost, and then every 200 ms for as
 * long as they are. It falls by one after two seconds without a loss and with time to
 * spare. When a loss follows within ten seconds of a fall, that level is too low: the
 * next fall to it waits twice as long as the last one did, two minutes at most (a quarter
 * of it while the capture is nearly idle), until it has been there for ten seconds and
 * all went well. So under a load that stays there is a try every half a minute or two,
 * and after its end the level is down within one such wait and two seconds for each
 * level.
 *
 * Each capture finds a level of its own; what counts is the highest of all, for a visitor
 * may come to several (supervisor.h).
 *
 * Reads no clock; a few comparisons a tick.
 */
#ifndef APP_LOAD_H
#define APP_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sample.h"

#define LOAD_LEVELS (SAMPLE_SHIFT_MAX + 2) /* 0 to 7 */

/* What was seen since the tick before. */
struct load_seen {
        uint64_t lost;     /* packets that the kernel dropped, messages without room */
        unsigned ring;     /* how full it is, in 1/1000 */
        unsigned busy;     /* part of the time that went into reading, in 1/1000 */
        bool is_behind;    /* the last read left packets for the next one */
        unsigned in_force; /* the level that counts, of all captures */
};

struct load {
        unsigned level; /* at first 0 */
        int64_t rose_ns, fell_ns;
        int64_t
            eager_ns; /* since when there is hardly time for anything else; 0: not so */
        int64_t calm_ns;  /* since when there is time to spare; 0: there is none */
        int64_t wait_ns;  /* before a fall to `too_low`; 0: as before any other */
        unsigned too_low; /* the level that a fall led to too early */
};

/* Times are monotonic and above 0. Returns the level. */
unsigned load_tick(struct load *, const struct load_seen *, int64_t now_ns);

/* What a level is. */
static inline bool load_is_reduced(unsigned level)
{
        return level >= 1;
}

static inline uint8_t load_sample_shift(unsigned level)
{
        return level >= 2 ? (uint8_t)(level - 1) : 0;
}

/* "1 in 4 visitors" and so on, for people. */
const char *load_level_text(unsigned level);

#endif
