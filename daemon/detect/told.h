/* SPDX-License-Identifier: MIT */
/*
 * told - the last event that was told of each incident, as a journal has it.
 *
 * An engine that goes on from a snapshot knows nothing of what it told since then, and
 * would give those numbers to other events, which whoever has had them takes for
 * repetitions; incidents that were raised since then it does not know at all. It catches
 * up with this (engine_catch_up), and is then given what a second look at the journal
 * finds of the latter (engine_adopt, engine_recall_block).
 *
 * told_note in any order, then told_ready, then told_find. O(log n) a question; 44 bytes
 * an incident, twice that at most.
 */
#ifndef DETECT_TOLD_H
#define DETECT_TOLD_H

#include "base/slice.h"
#include "detect/incident.h"

struct told_event {
        char id[INCIDENT_ID_MAX];
        uint32_t n;
        bool has_ended;
        bool is_known; /* engine_catch_up found it open */
};

struct told {
        struct told_event *events;
        size_t count, room;
        int64_t now_ns; /* the caller's: time at which the engine goes on */
};

/* An event as it was told. What is not known is none, or 0. */
struct told_incident {
        struct slice id, group, rule, subject_type, subject;
        uint32_t n;
        bool dry_run;
        enum severity severity;
        int64_t time_ns, start_ns, last_ns;
        uint64_t served_targets, served_bytes;
};

/* A block that was put. */
struct told_block {
        struct slice rule, type, value;
        int64_t since_ns, until_ns;
        unsigned level;
};

/* An id that is none of an incident's is passed over. */
void told_note(struct told *, struct slice id, uint32_t n, bool has_ended);

/* One event for each incident: the last number, and whether any of them was the end. */
void told_ready(struct told *);

/* NULL: nothing was told of it. */
struct told_event *told_find(const struct told *, const char id[INCIDENT_ID_MAX]);

void told_free(struct told *);

#endif
