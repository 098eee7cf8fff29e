/* SPDX-License-Identifier: MIT */
/*
 * watch - what is seen of those who are blocked: refused, still served, or nothing.
 *
 * A block that is put is watched until its end, by its subject (carrier.h). Of each
 * request and each attempt to connect that shows the subject it is told how it ended;
 * what began before the block is not counted, however late its response comes.
 *
 *   silent    nothing was seen that tells: the block may work out of sight, or the
 *             visitor may have gone
 *   refused   some were refused, and none was served that began later than `after_ns`
 *             from the block on, which is the time that it may take to reach a blocker
 *   ignored   one that began after that was served; stays so until the block ends
 *
 *      block              since + after_ns                         until
 *   -----+--------------------+---------------------------------------+----
 *        |  served: in flight |  served: ignored
 *        |  refused: refused, when nothing else is said above
 *
 * A subject whose block is extended, or put by another rule too, stays one and is watched
 * from the first to the last end. What was seen is kept for a while after the end, for
 * the last word of the incident.
 *
 * At most `max` subjects, in blocks of the budget. When there is no room, that one of
 * those that the hand sees goes whose block ends first; it is counted, when it had not
 * ended.
 *
 * All of it is part of a snapshot. What passed between a snapshot and the restart was not
 * seen: a subject may be called silent or refused that was ignored then, never the other
 * way round. Blocks that are older than the oldest snapshot are not watched.
 *
 * Cost: none while nobody is blocked; else one look-up for each kind, and each length of
 * network, of which somebody is. 80 bytes a subject.
 */
#ifndef DETECT_WATCH_H
#define DETECT_WATCH_H

#include "detect/incident.h"
#include "detect/index.h"

struct watched {
        uint64_t hash; /* the carrier */
        int64_t since_ns, until_ns;
        int64_t refusal_ns; /* begin of the first one that was refused; INT64_MAX: none */
        uint64_t requests, refused;
        char id[INCIDENT_ID_MAX]; /* the incident that put the block */
        bool is_ignored;
        uint16_t level; /* of the block */
        uint16_t told;  /* the caller's: minute of the block, when it said so last */
};

_Static_assert(sizeof(struct watched) == 80, "what is said of a subject's cost");

struct watch {
        struct budget *budget;
        uint64_t *evicted; /* counts those that were forgotten before their end */
        struct index index;
        int64_t live_until_ns; /* no block ends later */
        uint64_t lengths[3];   /* bits: the lengths of networks that were put */
        uint32_t kinds;        /* bits: enum field_kind, of the others */
        uint32_t max, hand;
        unsigned class;
};

enum watch_outcome {
        WATCH_UNKNOWN, /* how it ended was not seen */
        WATCH_REFUSED,
        WATCH_SERVED,
};

/* `index_bytes` as index_init has it. False when there is no address space. */
bool watch_init(struct watch *, struct budget *, uint64_t index_bytes, uint32_t max,
                uint64_t *evicted);
void watch_free(struct watch *);

/* Finds its class of the budget again, when the budget's were read back. */
void watch_find_classes(struct watch *);

/* A block begins, or one that runs is extended. False when there is no room at all. */
bool watch_put(struct watch *, uint64_t carrier, const char *id, int64_t since_ns,
               int64_t until_ns, unsigned level);

/* It is not blocked after all; nothing happens when it is not watched. */
void watch_drop(struct watch *, uint64_t carrier);

/* That of a length, or of another kind than networks, is worth looking for from now on.
 */
void watch_note_length(struct watch *, unsigned bits);
void watch_note_kind(struct watch *, unsigned kind);

/* Whether somebody may be blocked at `now_ns`. */
static inline bool watch_is_on(const struct watch *w, int64_t now_ns)
{
        return now_ns < w->live_until_ns;
}

/* What is known of the subject, also for a while after its block; NULL: nothing. */
struct watched *watch_find(const struct watch *, uint64_t carrier);

/* The one whose block runs at `now_ns`, or NULL. */
struct watched *watch_running(const struct watch *, uint64_t carrier, int64_t now_ns);

/* One that began at `begin_ns`. True when the subject's state is another one now. */
bool watched_note(struct watched *, int64_t begin_ns, int64_t after_ns,
                  enum watch_outcome);

enum block_state watched_state(const struct watched *);

/* Adds what is known of one more subject: sums, the first refusal, the worst state. */
void watched_add(const struct watched *, struct enforcement *);

#endif
