/* SPDX-License-Identifier: MIT */
/*
 * engine_process - the process that counts, decides and tells.
 *
 *      rings -> merge -> pipeline (without a front) -> alerts -> journal, Redis
 *
 * Its loop is woken by the rings, the supervisor's messages (control.h) and a timer. It
 * ends when it is told to, or when the supervisor is gone, with what is in the rings
 * counted and a snapshot written; the next one goes on from there.
 */
#ifndef APP_ENGINE_PROCESS_H
#define APP_ENGINE_PROCESS_H

#include "app/admin.h"
#include "app/command_line.h"
#include "app/confine_paths.h"
#include "app/merge.h"
#include "base/steady.h"

#define COMMON_SLOTS 128 /* workers at most */

struct common_slot {
        char name[64];         /* of the interface */
        unsigned of_interface; /* which of its workers */
        unsigned ring;         /* number of its ring */
        bool is_open;
        uint64_t restarts;
        uint64_t kernel_drops,
            interface_drops; /* of all of the interface; of_interface 0 */
};

/* In memory that supervisor and engine share; each field has one writer. */
struct common_page {
        _Atomic int64_t engine_beat_ns; /* monotonic; 0: it has not begun yet */
        struct counters engine;         /* the engine's own; the next one goes on */
        struct counters ended;          /* of workers that ended; the engine's too */
        struct counters supervisor;
        unsigned slot_count; /* these two too */
        struct common_slot slots[COMMON_SLOTS];
};

struct engine_process_options {
        const struct command_line *line;
        const struct setup *setup;
        unsigned generation; /* of the setup */
        int control;         /* the engine's end; taken */
        struct common_page *common;
        struct steady steady;
        const struct confine_paths *paths; /* of the setup; borrowed */
};

/* In the child. Returns its exit status. */
int engine_process_run(const struct engine_process_options *);

#endif
