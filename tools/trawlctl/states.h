/* SPDX-License-Identifier: MIT */
/*
 * states - what is seen of each block, as the newest alert of its incident says.
 *
 * Blocks name their incident by its id. Of those ids that were added the alerts are
 * looked through once, from the source that the blocks came from; the newest with a state
 * counts. Redis is read from its newest alert back, no further than to the alert that
 * gives the last state that is missing, or to the begin of the oldest block without one.
 */
#ifndef TRAWLCTL_STATES_H
#define TRAWLCTL_STATES_H

#include "source.h"

struct state_row {
        char id[INCIDENT_ID_MAX];
        char state[12];   /* empty: not known */
        int64_t since_ns; /* of the block; of several the first */
};

struct states {
        struct state_row *rows;
        unsigned count;
        struct state_row **by_since; /* oldest first, */
        unsigned settled;            /* of which so many have their state */
        bool goes_back;
};

/* Ids that cannot be an incident's, as that of a block by hand, are passed over. */
void states_add(struct states *, const char *id, int64_t since_ns);

/* Reads the alerts. Call it when all are added. */
enum exit_status states_read(struct states *, struct source *);

/* silent, refused, ignored, or "". */
const char *states_find(const struct states *, const char *id);
void states_free(struct states *);

#endif
