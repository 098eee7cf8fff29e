/* SPDX-License-Identifier: MIT */
/*
 * steady - the wall clock without its jumps.
 *
 * Packets carry the machine's wall clock. When somebody sets it, an hour that never was
 * would end all windows, or an hour that was already would stop them. So the wall clock
 * is compared with the one that nobody can set, and a jump is taken out again, then let
 * in slowly: a tenth of the time that passes.
 *
 *      wall    ------------+                 +1 h            believed time runs a tenth
 *                          |_________------- - - - -         faster (after a jump back:
 *      believed  ----------'----------------------------     slower) until it is level
 *
 * A jump of more than a day is believed at once: what went before it was no time at all
 * (a machine that started without a clock). Steps of less than a second are left to
 * whoever reads the time; NTP makes such ones all the time.
 *
 * Owns nothing, reads no clock. Cost: a comparison for each packet.
 */
#ifndef BASE_STEADY_H
#define BASE_STEADY_H

#include <stdbool.h>
#include <stdint.h>

struct steady {
        int64_t wall_ns, boot_ns; /* at the last tick; boot_ns 0: there was none */
        int64_t skew_ns;          /* the wall clock minus what is believed */
        int64_t skew_before_ns;   /* before the last jump */
        int64_t jumped_ns;        /* on the clock that nobody sets; 0: never */
};

/*
 * At least every few seconds: what the two clocks show (clock_wall_ns, clock_boot_ns).
 * True when the wall clock has jumped since.
 */
bool steady_tick(struct steady *, int64_t wall_ns, int64_t boot_ns);

/* What is believed when the wall clock shows `wall_ns`. */
int64_t steady_time(const struct steady *, int64_t wall_ns);

/*
 * The same of a packet's stamp. For a while after a jump stamps of before it come, too:
 * of the two times that are possible that one is taken which is nearer to now.
 */
int64_t steady_stamp(const struct steady *, int64_t stamp_ns);

#endif
