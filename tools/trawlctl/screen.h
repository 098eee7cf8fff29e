/* SPDX-License-Identifier: MIT */
/*
 * screen - tables for people.
 *
 * Cells come from the wire in the end: control characters and what is not UTF-8
 * are shown as `?`, so that nothing a client sends reaches the terminal as a
 * command. Colours only on a terminal, and not when NO_COLOR is set.
 *
 * A grid holds its rows until grid_print, which sizes the columns by them. It
 * can be printed again after more rows: columns then only get wider.
 */
#ifndef TRAWLCTL_SCREEN_H
#define TRAWLCTL_SCREEN_H

#include "base/buf.h"
#include "detect/incident.h"

enum paint { PAINT_PLAIN, PAINT_STRONG, PAINT_ALARM, PAINT_WARNING, PAINT_FAINT };

struct screen {
        bool colour;
        unsigned width; /* columns of the terminal; 0: not one */
};

struct screen screen_of_stdout(void);

/* The start and end of a paint: empty texts without colour. */
const char *screen_on(const struct screen *, enum paint);
const char *screen_off(const struct screen *, enum paint);

enum paint paint_of_severity(enum severity);

/* `text` as it may go to a terminal. */
void put_printable(struct buf *out, struct slice text);

struct grid;

/* The last column is cut at the edge of the terminal. `titles` ends with a NULL. */
struct grid *grid_new(const char *const *titles);
void grid_free(struct grid **);

/* The next cell, row by row. */
void grid_cell(struct grid *, struct slice text, enum paint);
void grid_text(struct grid *, const char *text, enum paint);

/* Prints and forgets the rows; the titles come once, with the first row. */
void grid_print(struct grid *, const struct screen *);

#endif
