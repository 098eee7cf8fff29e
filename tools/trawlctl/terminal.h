/* SPDX-License-Identifier: MIT */
/*
 * terminal - the whole screen for a live table, and keys as they are pressed.
 *
 * Whatever ends the program, by a signal that can be caught too, the terminal is as it
 * was before: signals only end terminal_wait, and the caller leaves. A stop (^Z) gives
 * the screen back until it goes on.
 */
#ifndef TRAWLCTL_TERMINAL_H
#define TRAWLCTL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Both standard output and standard input are a terminal's. */
bool terminal_is_there(void);

/* Takes the screen. */
void terminal_enter(void);

/* Gives it back; once more does nothing. */
void terminal_leave(void);

/* Clears the screen for the next picture, and how many lines and columns it has. */
void terminal_begin(unsigned *lines, unsigned *columns);

enum terminal_event {
        TERMINAL_TIME, /* it is over, or the window has another size */
        TERMINAL_QUIT, /* q, or the terminal is gone */
        TERMINAL_SIGNAL,
};

/* Waits for any of these. */
enum terminal_event terminal_wait(int64_t time_ns);

/* After TERMINAL_SIGNAL and terminal_leave: ends the program as the signal would have. */
void terminal_die(void);

#endif
