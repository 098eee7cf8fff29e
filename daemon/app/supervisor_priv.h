/* SPDX-License-Identifier: MIT */
/*
 * supervisor_priv - the supervisor's parts, for supervisor*.c only.
 *
 *   supervisor.c           its loop: signals, messages, the service manager
 *   supervisor_children.c  what is told of workers and the engine; ends, signs of life
 *   supervisor_slots.c     the places for workers: captures, starts, ends
 *   supervisor_engine.c    the engine's start and end
 *   supervisor_fork.c      what a child does before it is a worker or an engine
 *   supervisor_links.c     interfaces that go, come back, or have another name
 *   supervisor_reload.c    other files, without a gap
 */
#ifndef APP_SUPERVISOR_PRIV_H
#define APP_SUPERVISOR_PRIV_H

#include "app/control.h"
#include "app/engine_process.h"
#include "app/notify.h"
#include "app/run.h"
#include "app/worker.h"
#include "base/log.h"

#include <net/if.h>
#include <signal.h>
#include <stdatomic.h>

enum {
        SLOTS = COMMON_SLOTS,
        CHILDREN = 2 * SLOTS, /* those that leave, while a reload replaces them */
        HOW_ENDED_MAX = 64,
        ENGINE_ENDS_SECONDS = 12, /* how long one takes at most: Redis, and a snapshot */
};

/* When something that ends is started again. */
struct patience {
        int64_t started_ns, due_ns, wait_ns;
};

/* A worker, as long as its process or its ring is there. */
struct child {
        pid_t pid;       /* 0: it has ended */
        unsigned number; /* of its ring; names it for the engine */
        unsigned generation;
        struct ring *ring;
        int held; /* its capture's descriptor, which keeps its place in the group */
        int64_t kill_ns; /* 0: it is not told to end */
        bool is_killed;
        bool is_told;       /* the engine knows its ring */
        char interface[64]; /* as configured when it began */
};

/* Frames that were lost before a worker saw them. */
struct drops {
        uint64_t kernel, interface;
};

/* A place for a worker: one of those of an interface. */
struct slot {
        const char *interface; /* as configured; the setup's */
        unsigned index;        /* of the interface, when last opened; 0: never */
        unsigned first;        /* number of the interface's first slot */
        int group;             /* of its captures, kept in that first one; -1: none yet */
        struct capture *capture; /* open, and its worker is not there yet; else NULL */
        struct child *child;     /* NULL: nobody reads it now */
        struct patience patience;
        char link[IF_NAMESIZE];   /* the name that the interface was last seen with */
        bool is_missing, is_down; /* said so already */
        int64_t doubted_ns; /* when its worker said that it is gone, which is looked at;
                               0: it did not */
        uint64_t restarts;
        struct drops drops; /* of the interface's workers that ended; in the first slot */
};

struct slots {
        struct slot slots[SLOTS];
        unsigned count;
        bool share; /* several workers an interface */
};

struct engine_child {
        pid_t pid;       /* 0: there is none */
        int control;     /* our end; -1: there is none */
        bool is_ready;   /* it can be told of rings */
        bool was_ready;  /* it, or one before it, was */
        int64_t kill_ns; /* 0: it is not told to end */
        int64_t left_ns; /* when it closed its end of the line; 0: it did not */
        bool is_killed;
        enum control_stop told; /* with kill_ns */
        bool owes;    /* none is there, and the last one has not told Redis all */
        bool is_last; /* began while the daemon ends: no other one follows */
        struct patience patience;
};

/* What was taken up before, until an engine has begun with what came after it. */
struct before {
        const struct setup *setup; /* NULL: there is none */
        struct setup *own;         /* the same, when it is of a reload */
        struct confine_paths paths;
};

struct supervisor {
        const struct command_line *line;
        pid_t pid; /* our own */
        const struct setup *setup;
        struct setup *own_setup; /* the same, when it is of a reload; else NULL */
        struct common_page *common;
        struct confine_paths paths; /* of the setup: the engine's */
        struct hash_key observe_key;
        struct steady steady;
        struct notify notify;
        unsigned generation, last_number;
        struct slots slots;
        struct child children[CHILDREN];
        struct engine_child engine;

        struct confine_paths next_paths; /* of a setup that is being taken up */
        int64_t offered_ns;              /* when */
        struct setup *offered;           /* that the engine was asked to take up */
        struct slots next;               /* of its workers, when they are replaced */
        bool replaces_workers;
        bool changes_records; /* what old workers write means something else then */
        struct before before;
        const struct setup *leaving; /* while workers of the next one begin; else NULL */
        bool reload_again;           /* one was asked for while another is under way */

        int64_t watchdog_ns, status_ns, links_ns;
        uint64_t requests, packets, drops; /* at the last status line */
        unsigned level;                    /* load.h: the highest that a worker wants */
        struct log_limit level_limit;
        bool level_told; /* that it is not 0 */
        bool stopping, is_done;
        int status;
};

/* Signals that the loop waits for, and that children do not have blocked. */
sigset_t supervisor_signals(void);

/* What the engine says, so many messages at most. */
void engine_listen(struct supervisor *, unsigned most, int64_t now_ns);

/* ---- supervisor_children.c ---- */

void patience_begins(struct patience *, int64_t now_ns);

/* It has ended by itself: sets when it may begin again. */
void patience_ends(struct patience *, int64_t now_ns);
long long patience_left_ms(const struct patience *, int64_t now_ns);

void children_init(struct supervisor *);
void children_free(struct supervisor *);

/* Those that ended, those that give no sign of life, and those that are due. */
void children_look_after(struct supervisor *, int64_t now_ns);

/* Tells the engine what it has not been told yet: of rings, and of their ends. */
void children_tell(struct supervisor *);
void child_tell_ring(struct supervisor *, struct child *);

/* NULL when there are too many already. */
struct child *child_free_one(struct supervisor *);
void child_drop(struct child *);

/* As waitpid() says. Returns `text`. */
const char *how_ended(int status, char text[HOW_ENDED_MAX]);

bool child_is_hung(const struct supervisor *, int64_t beat_ns, int64_t started_ns,
                   int64_t now_ns);

/* Gives no sign of life, or was told to end and takes too long: once. */
void child_end_hung(struct supervisor *, pid_t, bool *is_killed, const char *what);

/* The writer of that ring is not to be believed. */
void worker_refused(struct supervisor *, unsigned number);
unsigned workers_running(const struct supervisor *);
void workers_kill(struct supervisor *);

/* Brings what the workers leave out to what the one that has least time must. */
void workers_agree(struct supervisor *, int64_t now_ns);

/* ---- supervisor_slots.c ---- */

/* A slot for each worker of the setup, which is borrowed. False after a line. */
bool slots_make(struct slots *, const struct setup *);

/* The same slots by the names of another setup, which has the same interfaces. */
void slots_rename(struct slots *, const struct setup *);

/*
 * Opens a capture for each slot. What the slots of `now` (NULL: there are none) know of
 * the same interfaces is taken over: another name, what was lost, that one is missing,
 * which then may stay so. False after a line; none is open then.
 */
bool slots_open(struct slots *, const struct setup *, struct slots *now);
void slots_close(struct slots *);

/* In a child: the captures are of no use here, but for one (or NULL). */
void slots_forget(struct slots *, const struct capture *keeps);

/* A worker for each open capture of the supervisor's, for packets with a later stamp. */
void slots_start(struct supervisor *, int64_t after_ns, int64_t now_ns);

/* All workers of the slots read up to `until_ns` and end; there is no slot then. */
void slots_end(struct slots *, int64_t until_ns, int64_t now_ns);

/* Another worker for it, if that is due. */
void slot_again(struct supervisor *, struct slot *, int64_t now_ns);

/* Its worker has ended by itself. */
void slot_worker_ended(struct supervisor *, struct slot *, int status, int64_t now_ns);

/* Its interface is gone: what the worker has seen of it is the last; it is looked for. */
void slot_lost(struct slots *, struct slot *, int64_t now_ns);

/* What a worker that ends has counted stays that of its interface, also after a reload.
 */
void slots_add_drops(struct slots *, const struct child *);

/* For those who ask the engine. */
void slots_share(struct supervisor *);

/* ---- supervisor_engine.c ---- */

void engine_start(struct supervisor *, int64_t now_ns);
void engine_is_there(struct supervisor *);

/* Its line is closed: it ends, or will be ended when it does not. */
void engine_hangs_up(struct supervisor *, int64_t now_ns);
void engine_ended(struct supervisor *, int status, int64_t now_ns);
void engine_look_after(struct supervisor *, int64_t now_ns);

/* One that has not begun yet cannot be told: to be called again. */
void engine_end(struct supervisor *, enum control_stop, int64_t now_ns);

/* False when it is not there, or does not take it now. */
bool engine_tell(struct supervisor *, const struct control_message *, const int fds[2]);

/* ---- supervisor_fork.c ---- */

/* As fork(); the child does not come back. Of `pair` the second end is the engine's. */
pid_t fork_worker(struct supervisor *, struct child *, struct capture *,
                  int64_t after_ns);
pid_t fork_engine(struct supervisor *, const int pair[2]);

/* ---- supervisor_links.c ---- */

/*
 * The interfaces themselves, a few times a second: a capture is not told by the kernel
 * that its interface was removed while it was down, and would wait for it for ever.
 */
void links_look_after(struct supervisor *, int64_t now_ns);

/* ---- supervisor_reload.c ---- */

/* Reads the files again. Nothing happens before all is known to be good. */
void reload_begin(struct supervisor *, int64_t now_ns);

/* What the engine said of it. */
void reload_answered(struct supervisor *, bool is_taken_up, int64_t now_ns);

/* An engine that gives no answer for a minute is given up, and the reload with it. */
void reload_look_after(struct supervisor *, int64_t now_ns);

/* It comes to nothing: everything stays as it was. */
void reload_drop(struct supervisor *, const char *why);

/* An engine has begun with it; or has ended before that, and what was before comes back.
   Only then the service manager hears of its end. */
void reload_settled(struct supervisor *);
void reload_undo(struct supervisor *, int64_t now_ns);

/* At the end: neither will happen any more. */
void reload_forget(struct supervisor *);

#endif
