/* SPDX-License-Identifier: MIT */
/*
 * clock - the one file that reads the clock, and the text of times.
 *
 * A time is an int64_t in nanoseconds since 1970-01-01 UTC, in variables that
 * end in _ns. Nearly everything gets it as an argument, from the packet.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

#define CLOCK_TEXT_MAX 32

int64_t clock_wall_ns(void);
int64_t clock_monotonic_ns(void);
int64_t clock_boot_ns(void); /* the monotonic one, with the time that the machine slept */

/* 2026-11-23T11:00:00.123456Z (RFC 3339), ends in a NUL. Returns its length. */
size_t clock_format(int64_t time_ns, char text[CLOCK_TEXT_MAX]);

/* The same back, with a fraction or without; 0 when it is something else, or after 2199.
 */
int64_t clock_parse(struct slice text);

#endif
