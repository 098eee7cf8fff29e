/* SPDX-License-Identifier: MIT */
/*
 * orphans - incidents that were open when the daemon died, and that no snapshot knows.
 *
 * The journal says who they are: rule, subject as published, id, and the number of the
 * last event. The key they hang on is known when their rule holds for it again.
 *
 *      journal ---- orphan ---- the rule holds for the same subject ---- a case, same id
 *                      \------- until_ns, and it did not ---- ended, same id
 *
 * At most `max`: when there are more, that one goes which was added first, and a journal
 * is read oldest first. They are part of a snapshot. No pointers in them.
 *
 * Cost: O(orphans) for each incident that is raised while there are any, nothing else;
 * 2 KiB each, for as long as there are any.
 */
#ifndef DETECT_ORPHANS_H
#define DETECT_ORPHANS_H

#include "detect/told.h"
#include "detect/transfer.h"

#define ORPHANS_MAX        4096
#define ORPHAN_RULE_MAX    65 /* of rules: 64 and a NUL */
#define ORPHAN_TYPE_MAX    256
#define ORPHAN_SUBJECT_MAX (3 * 512) /* made UTF-8, as it was published */

struct orphan {
        char id[INCIDENT_ID_MAX], group[INCIDENT_ID_MAX];
        char rule[ORPHAN_RULE_MAX], type[ORPHAN_TYPE_MAX];
        char subject[ORPHAN_SUBJECT_MAX];
        uint32_t subject_len;
        uint32_t n; /* of the last event */
        bool dry_run;
        enum severity severity;
        int64_t start_ns, raised_ns, last_ns;
        int64_t told_ns;  /* the last event */
        int64_t until_ns; /* ends then, when no rule took it up */
        uint64_t served_targets, served_bytes;
};

struct orphans {
        struct orphan *items; /* in no order */
        unsigned count, room, max;
        unsigned hand;  /* whose place the next one takes when there is no more */
        int64_t due_ns; /* none is due before */
};

/* `max` of them at most, and never more than ORPHANS_MAX. True. */
bool orphans_init(struct orphans *, uint32_t max);
void orphans_free(struct orphans *);

/*
 * One more, which ends at `until_ns`. False when a text of it is too long, or another
 * had to go: whoever it is, its end will not be told.
 */
bool orphans_add(struct orphans *, const struct told_incident *, int64_t until_ns);

/* Takes the one of that rule, type and subject out. False: there is none. */
bool orphans_take(struct orphans *, const char *rule, const char *type,
                  struct slice subject, struct orphan *);

/* Takes the one out that ends first, if it does so up to `now_ns`. */
bool orphans_due(struct orphans *, int64_t now_ns, struct orphan *);

/* As engine_catch_up. */
void orphans_catch_up(struct orphans *, struct told *);

void orphans_transfer(struct orphans *, struct transfer *);

#endif
