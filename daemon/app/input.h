/* SPDX-License-Identifier: MIT */
/*
 * input - a capture that comes through a pipe, in a process that has more to do.
 *
 * Whoever parses the capture asks for bytes and waits until they are there. While
 * it waits here, the event loop runs: what was found so far goes out, Redis is
 * served, signals are heard. Regular files never wait and are no business of
 * this module.
 *
 * Stands in for standard input between input_open and input_close; one at a time.
 * Costs a poll(2) for each read(2), of up to 256 KiB.
 */
#ifndef APP_INPUT_H
#define APP_INPUT_H

#include <stdbool.h>

struct event_base;
struct input;

/* All bytes that were there are used up. False: take the input as over. */
typedef bool input_idle_fn(void *context);

/*
 * For a pipe, a socket or a terminal at `path` ("-": standard input): from then on
 * the capture is to be read as "-". NULL for anything else, also for what cannot
 * be opened: it is read as any file.
 */
struct input *input_open(const char *path, struct event_base *, input_idle_fn *,
                         void *context);
void input_close(struct input **);

#endif
