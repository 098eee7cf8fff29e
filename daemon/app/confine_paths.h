/* SPDX-License-Identifier: MIT */
/*
 * confine_paths - which folders a setup has business in, for confine.h.
 *
 * To write: the folders of the journal and of the daemon's state, which are made when
 * they are missing. To read: every file that the command line and the configuration
 * name, and the shipped ones, so that a reload can read them again.
 *
 * Owns its texts.
 */
#ifndef APP_CONFINE_PATHS_H
#define APP_CONFINE_PATHS_H

#include "app/command_line.h"
#include "app/confine.h"

#define CONFINE_PATHS 256

struct confine_paths {
        struct confine_path paths[CONFINE_PATHS];
        unsigned count;
};

/* False after a line when a folder cannot be made, or there are too many. */
bool confine_paths_make(struct confine_paths *, const struct command_line *,
                        const struct setup *);

/* Also all that may be read by whoever we are: a reload may name other files. */
void confine_paths_add_all(struct confine_paths *);
void confine_paths_free(struct confine_paths *);

/* Whether the second has a path that the first has not. */
bool confine_paths_grow(const struct confine_paths *, const struct confine_paths *);

#endif
