/* SPDX-License-Identifier: MIT */
/*
 * output - JSON lines to standard output, which may be slow, full or gone.
 *
 * While files are read a slow reader makes the reading wait, in the event loop, until
 * output_hurry. Live nothing waits: what a pipe, terminal or socket does not take at once
 * stands in memory, at most OUTPUT_MAX bytes; lines past that are dropped, counted and
 * warned about.
 *
 * A write that fails ends the writing for good: whoever drives looks at `error`.
 */
#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include "base/buf.h"
#include "base/counters.h"
#include "base/log.h"

#include <stdbool.h>

#define OUTPUT_MAX (4u << 20)

struct event;
struct event_base;

struct output {
        struct buf lines; /* whole lines, put here by whoever has some */
        int error;        /* errno of the write that failed; 0: none did */

        struct buf waiting; /* taken from `lines`, of which `sent` bytes are out */
        size_t sent;
        int fd, saved_flags;
        bool is_live, is_hurried, is_socket, is_reopened;
        struct event_base *loop;
        struct event *writable; /* on what can stand still; else NULL */
        struct counters *counters;
        struct log_limit dropped_limit;
};

/* `loop` and `counters` are borrowed. */
void output_init(struct output *, struct event_base *loop, struct counters *, bool live);

/* Writes what stands in `lines` when it is much, or with `all` in any case. */
void output_flush(struct output *, bool all);

/* From now on no flush waits. */
void output_hurry(struct output *);

/* The last flush: gives a reader that stands still two seconds to go on. */
void output_finish(struct output *);

/* Before the loop is freed. */
void output_free(struct output *);

#endif
