/* SPDX-License-Identifier: MIT */
/*
 * confine - a process gives up what its role does not need.
 *
 *      root --confine_user--> supervisor --confine--> fork --confine--> worker
 *                             opens captures           +---confine--> engine
 *                                                                       +--> snapshot
 *
 * In this order, the last step taking away the means of the others: no new privileges,
 * capabilities, limits, Landlock, seccomp. What a process has given up its children lack
 * too: the list of a parent holds those of its children, and so must its paths.
 *
 * A forbidden call kills the process (SIGSYS); the calls that libraries try and can do
 * without get an error instead. confine_calls.c has the table, with a reason for each
 * row; docs/confinement.md is the page for operators.
 *
 * A worker comes with everything made: captures, ring, descriptors, event loop (with its
 * signal handlers). It may write to what is open at that moment, captures excepted. An
 * engine may have no capture among its descriptors: the child closes them first.
 *
 * Anything that cannot be put on is a failure, with one exception: a kernel without
 * Landlock, which is said once. For processes of one thread. Cost: 1 to 2 ms, once; what
 * a call costs more was lost in the noise (poll: 300 to 600 ns with and without).
 */
#ifndef APP_CONFINE_H
#define APP_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CONFINE_ERROR_MAX 512

/* User that a daemon started by root becomes when no other is asked for. */
#define CONFINE_USER "trawlwatch"

enum confine_role {
        CONFINE_SUPERVISOR, /* opens captures, forks; keeps CAP_NET_RAW */
        CONFINE_WORKER,     /* parses packets; inherits all that it uses */
        CONFINE_ENGINE,     /* disk, Redis, DNS, status page, forks the snapshot */
        CONFINE_SNAPSHOT,   /* child of the engine that writes files */
        CONFINE_ROLES
};

enum confine_access {
        CONFINE_READ,
        CONFINE_WRITE, /* and create, rename, remove; read too */
};

/*
 * A folder with all below it. A file stands for the folder it is in: who replaces a file
 * makes another one under its name. What is to be read may be missing; what is to be
 * written may not.
 */
struct confine_path {
        const char *path;
        enum confine_access access;
};

struct confine_options {
        enum confine_role role;
        bool off;        /* admin.confine: false */
        bool core_dumps; /* admin.core_dumps: memory holds secrets and people's data */
        uint64_t memory; /* bytes of private memory, all in all; 0: no limit */
        const struct confine_path *paths; /* besides the system's; a worker has none */
        unsigned path_count;
};

/* What is on in this process. */
struct confine_status {
        bool confined;
        enum confine_role role;
        bool no_new_privileges, capabilities, limits, seccomp;
        int landlock; /* ABI that is used; 0: the kernel has none */
};

/*
 * Root becomes `user` for good, with CAP_NET_RAW and no other capability; called once,
 * before anything is opened or forked. NULL: CONFINE_USER when there is one, else root
 * stays, and whoever calls warns. Who is not root must be `user` already, where one is
 * given.
 */
bool confine_user(const char *user, char error[CONFINE_ERROR_MAX]);

/* False with a line for the operator: the process must not go on. Once in a process. */
bool confine(const struct confine_options *, char error[CONFINE_ERROR_MAX]);

struct confine_status confine_status(void);

/* "worker: capabilities, limits, Landlock (ABI 6), seccomp" */
void confine_print(const struct confine_status *, struct buf *out);

#endif
