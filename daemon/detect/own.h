/* SPDX-License-Identifier: MIT */
/*
 * own - alerts of the daemon itself, which no rule wrote.
 *
 * They are told like any other incident, through the same callback: raised once,
 * updated every ten minutes while somebody says that they hold, ended when told or when
 * nobody has said so for ten minutes. All events of one carry one id, which comes from
 * the kind, the subject and the time, so that a capture read twice gives the same.
 *
 *      own_hold ---- raised --- (10 min, still told) --- updated --- own_end: ended
 *                                                             \--- 10 min silence: ended
 *
 * One is open for each (kind, subject type, subject); OWN_OPEN_MAX are, and one more is
 * not raised and is counted as incidents_dropped (block-limit always finds room). What
 * the caller gives (evidence, block) is copied; the last that was given goes out with the
 * next event.
 *
 * A reload of rules leaves them alone. A snapshot has them: after a restart they go on
 * under their id, and end by themselves when nobody says any more that they hold. Those
 * that no snapshot knows are opened again from the journal (own_adopt). The end of the
 * input ends them all.
 *
 * An event never puts a block: the block given is only named, as one that is running.
 *
 * Cost: O(open) for a call of own_hold or own_end; nothing for a transaction while none
 * is due.
 */
#ifndef DETECT_OWN_H
#define DETECT_OWN_H

#include "base/counters.h"
#include "detect/incident.h"
#include "detect/missed.h"
#include "detect/told.h"
#include "detect/transfer.h"

#define OWN_OPEN_MAX     256
#define OWN_EVIDENCE_MAX 8
#define OWN_SUBJECT_MAX  256
#define OWN_TYPE_MAX     32
#define OWN_TEXT_MAX     80 /* of an expression */

/* A row of the table in own.c each; its name is no name for a rule. */
enum own_kind {
        OWN_BLOCK_LIMIT,   /* the circuit breaker is open: no more blocks are put */
        OWN_BLOCK_IGNORED, /* a block was put, and its subject is still served */
        OWN_KINDS
};

/* Whom it is about, and what speaks for it. All is borrowed for the call. */
struct own_state {
        const char *subject_type; /* cut at OWN_TYPE_MAX - 1 bytes */
        struct slice subject;     /* as published; cut at OWN_SUBJECT_MAX bytes */
        const struct incident_evidence *evidence;
        unsigned evidence_count;            /* those after OWN_EVIDENCE_MAX are dropped */
        const struct incident_block *block; /* or NULL */
};

struct own_case;

struct own {
        struct own_case *cases; /* in no order */
        unsigned count;
        int64_t due_ns; /* nothing is due before */
        const uint8_t *id_key;
        const struct missed *missed;
        struct counters *counters;
        incident_fn *incident; /* or NULL */
        void *incident_context;
};

/* Keeps the pointers. False when there is no memory. */
bool own_init(struct own *, const uint8_t id_key[32], const struct missed *,
              struct counters *, incident_fn *, void *context);
void own_free(struct own *);

/* It holds at `now_ns`: raised, or updated when the last event is ten minutes ago. */
void own_hold(struct own *, enum own_kind, const struct own_state *, int64_t now_ns);

/*
 * It holds no more: ended at `now_ns`, with the evidence and the block of `state` (those
 * given last when it has none). Nothing happens when none is open.
 */
void own_end(struct own *, enum own_kind, const struct own_state *state, int64_t now_ns);

/* Whether one is open. */
bool own_is_open(const struct own *, enum own_kind, const char *subject_type,
                 struct slice subject);

/* Ends those that nobody spoke of for ten minutes, in the order in which they end. */
void own_advance(struct own *, int64_t now_ns);

/* Ends all. */
void own_finish(struct own *, int64_t now_ns);

/* As engine_catch_up. */
void own_catch_up(struct own *, struct told *);

/*
 * One that was told before a crash, and is not known: open again under its id. Nothing
 * happens when the rule is none of the table, or one is open for the subject.
 */
void own_adopt(struct own *, const struct told_incident *, int64_t now_ns);

/* Those that are open, to a file or from it. */
void own_transfer(struct own *, struct transfer *);

const char *own_name(enum own_kind);
bool own_is_name(struct slice);

#endif
