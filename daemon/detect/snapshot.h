/* SPDX-License-Identifier: MIT */
/*
 * snapshot - what the engine knows, as a file, and back.
 *
 *      magic | layout | key | plan | memory of the budget | indexes | cases | ... | CRC
 *
 * The engine's memory has handles in place of pointers, so it is written as it lies
 * there, and the plan of the rules beside it says what lies where. Read back, it is an
 * engine of the old plan, and the present rules take over from it as in a reload
 * (carry.h): what is written the same goes on.
 *
 * One function passes over everything in one order, whichever way the bytes go, so that
 * what is written and what is read cannot differ.
 *
 * Kept: windows, sets, incidents, own alerts, ladders, forms that were served, what was missed. Not
 * kept: ClientHellos, which belong to requests of the next seconds.
 *
 * Refused, with a reason: a file that is cut or damaged (CRC-32C over all of it, before
 * anything is believed), one of another version, of another key, or larger than the
 * memory limit.
 */
#ifndef DETECT_SNAPSHOT_H
#define DETECT_SNAPSHOT_H

#include "detect/engine.h"

#include <stdio.h>

#define SNAPSHOT_WHY 160

/* False when the file cannot take it. The engine goes on as it was. */
bool engine_save(const struct engine *, FILE *);

/*
 * A new engine that knows what is in the file; NULL, and `why`, when it is refused or
 * there is no memory. Options are those of engine_new.
 */
struct engine *engine_restore(const struct engine_options *, FILE *,
                              char why[SNAPSHOT_WHY]);

#endif
