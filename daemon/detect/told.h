/* SPDX-License-Identifier: MIT */
/*
 * told - the last event that was told of each incident, as a journal has it.
 *
 * An engine that goes on from a snapshot knows nothing of what it told since then, and
 * would give those numbers to other events, which whoever has had them takes for
 * repetitions. It catches up with this (engine_catch_up).
 *
 * told_note in any order, then told_ready, then told_find. O(log n) a question.
 */
#ifndef DETECT_TOLD_H
#define DETECT_TOLD_H

#include "base/slice.h"
#include "detect/incident.h"

struct told_event {
        char id[INCIDENT_ID_MAX];
        uint32_t n;
        bool has_ended;
};

struct told {
        struct told_event *events;
        size_t count, room;
};

/* An id that is none of an incident's is passed over. */
void told_note(struct told *, struct slice id, uint32_t n, bool has_ended);

/* One event for each incident: the last number, and whether any of them was the end. */
void told_ready(struct told *);

/* NULL: nothing was told of it. */
const struct told_event *told_find(const struct told *, const char id[INCIDENT_ID_MAX]);

void told_free(struct told *);

#endif
