/* SPDX-License-Identifier: MIT */
/*
 * cases - the incidents that are open, and when each of them may end.
 *
 * A case is named by its slab number and hangs on the entry of its key. Its
 * deadline moves with every transaction that holds, so the heap keeps the one it
 * had when it was last looked at: a case that comes up early is put back. No
 * transaction touches the heap.
 *
 * Cost: nothing for a transaction; O(log n) once a window for each case.
 */
#ifndef DETECT_CASES_H
#define DETECT_CASES_H

#include "detect/distinct.h"
#include "detect/incident.h"
#include "detect/rules_priv.h"

#define CASE_EVIDENCE    16
#define CASE_SUBJECT_MAX 512

struct evidence_value {
        double value;
        bool missing, is_lower_bound;
};

struct incident_case {
        char id[INCIDENT_ID_MAX], group[INCIDENT_ID_MAX];
        uint8_t sample_count;
        bool key_is_private; /* or exempt: it may not be blocked, which is counted once */
        bool has_block;      /* one was put, and is or was watched */
        uint8_t sample_len[INCIDENT_SAMPLES];
        uint32_t rule, entry, next; /* next of the same entry */
        uint32_t n;                 /* events so far */
        int64_t start_ns, raised_ns;
        int64_t held_ns; /* last transaction that held */
        int64_t last_ns; /* last transaction that the rule looked at */
        int64_t update_ns;
        int64_t blocked_until_ns; /* of the key: not looked at before */
        uint64_t watched;         /* carrier of the key that is blocked (watch.h) */
        enum block_state told_state;
        struct enforcement enforcement; /* as told last */
        uint64_t joined;   /* hash of the actor that was seen to take part last */
        int64_t joined_ns; /* and when it was put among the group */
        int64_t apart_ns;  /* since when some may have taken part while it did not hold,
                              who have no tag yet; 0: none */
        int64_t taken_ns;  /* when such were last looked for */
        uint64_t served_bytes;
        struct distinct served;
        struct evidence_value evidence[CASE_EVIDENCE];
        uint16_t subject_len;
        char subject[CASE_SUBJECT_MAX];
        char samples[INCIDENT_SAMPLES][200];
};

struct case_deadline {
        int64_t time_ns;
        uint64_t order; /* of opening: what is due at one time ends in that order */
        uint32_t number;
};

struct cases {
        struct slab slab;
        struct case_deadline *heap;
        unsigned count;
        uint64_t opened;
};

bool cases_init(struct cases *, uint32_t max);
void cases_free(struct cases *);

static inline struct incident_case *cases_at(const struct cases *c, uint32_t number)
{
        return slab_at(&c->slab, number);
}

/* A new case whose deadline is given, zeroed; 0 when too many are open. */
uint32_t cases_open(struct cases *, int64_t deadline_ns);

/* The case whose (remembered) deadline is first and not after `now_ns`, or 0. */
uint32_t cases_due(const struct cases *, int64_t now_ns);

/* What to do with the one that cases_due gave: later, or gone. */
void cases_postpone(struct cases *, int64_t deadline_ns);
void cases_close(struct cases *);

/* Makes an open case the one that is due first. O(open cases). */
void cases_hurry(struct cases *, uint32_t number);

#endif
