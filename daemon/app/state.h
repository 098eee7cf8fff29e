/* SPDX-License-Identifier: MIT */
/*
 * state - what the rules know, kept beside the journal over a restart.
 *
 * Every journal.snapshot a child process writes `engine.snapshot`: it has the memory as
 * it was when it was made, and the daemon goes on. At the end the daemon writes it
 * itself. The file is written under another name and then renamed, so what is there is
 * whole.
 *
 * What cannot be written is said once a minute at the most and counted; the daemon goes
 * on.
 */
#ifndef APP_STATE_H
#define APP_STATE_H

#include "app/pipeline.h"
#include "base/log.h"

#include <sys/types.h>

struct state {
        char *path; /* NULL: nothing is kept */
        char *folder;
        int64_t interval_ns, due_ns;
        pid_t writer; /* 0: none is at work */
        struct counters *counters;
        bool failed; /* the last one could not be written */
        struct log_limit limit;
};

/* `folder` is the journal's. An interval of 0 keeps nothing. */
void state_init(struct state *, const char *folder, int64_t interval_ns,
                struct counters *);
void state_free(struct state *);

/* What was kept, or NULL when there is nothing; to be closed with fclose. */
FILE *state_open(const struct state *);

/*
 * Tells the pipeline what the journal says was told since this snapshot that it goes on
 * from; without one (NULL), within the last week.
 */
void state_catch_up(const struct state *, FILE *snapshot, struct pipeline *);

/* Time passes: begins a snapshot when one is due, and looks after the last one. */
void state_tick(struct state *, const struct pipeline *);

/* Writes it now. False when that did not work or nothing is kept. */
bool state_write(struct state *, const struct pipeline *);

#endif
