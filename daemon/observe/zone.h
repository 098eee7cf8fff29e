/* SPDX-License-Identifier: MIT */
/*
 * zone - how far a place's clock is from UTC, from 1970 to 2100.
 *
 * The rules of the system's time zone data are looked through once, at loading,
 * and only the moments of change are kept: afterwards neither files nor the
 * process's own time zone matter. Needs /usr/share/zoneinfo for all but UTC.
 */
#ifndef OBSERVE_ZONE_H
#define OBSERVE_ZONE_H

#include "base/slice.h"

#define ZONE_CHANGES 400

struct zone {
        unsigned count; /* 0: UTC */
        struct zone_change {
                int64_t from_s; /* seconds since 1970 */
                int32_t offset_s;
        } * changes;
};

/*
 * "Europe/Berlin", "UTC". False when the system does not know the name. Sets
 * TZ for the time of the call: no other thread may run.
 */
bool zone_load(struct zone *, const char *name);
void zone_free(struct zone *);

int64_t zone_offset_ns(const struct zone *, int64_t time_ns);

#endif
