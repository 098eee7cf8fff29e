/* SPDX-License-Identifier: MIT */
/*
 * supervisor - the process that has opened the captures, and then only waits.
 *
 *      supervisor ---- fork ----> engine    reads the rings
 *            |  `----- fork ----> worker    of one capture; writes one ring
 *            |                    worker
 *            `- opens captures, starts anew what ends, is told of signals
 *
 * A worker that ends, hangs or is not believed gets a successor: the new capture joins
 * the interface's group before the old one leaves it, so that connections stay with their
 * workers. The first time at once; one that dies again soon waits longer each time, up to
 * half a minute, and the others go on. An interface that is gone is looked for until it
 * is back, by its name or, if it was renamed, by its index; one that is down is waited
 * for, as the kernel lets captures go on once it is up. An engine goes on from its last
 * snapshot, and reads the rings on from where the last one was.
 *
 * A reload (SIGHUP) reads all files first. What concerns the captures gets new workers,
 * which read on from the packet at which the old ones stop; what concerns the engine
 * beyond its rules, a new engine. A mistake leaves everything as it is; when no engine
 * begins with what was read, what was before comes back.
 *
 * What the captures leave out for want of time (load.h) it brings to one level, that of
 * the one which wants most, for a visitor may come to several.
 *
 * It never looks at a packet. What the children say is not trusted: the worst that they
 * can do is to be replaced.
 */
#ifndef APP_SUPERVISOR_H
#define APP_SUPERVISOR_H

#include "app/command_line.h"

/* -i or -c, with capture.workers of 1 or more. Returns the exit status. */
int supervisor_run(const struct command_line *, const struct setup *);

#endif
