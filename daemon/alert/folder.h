/* SPDX-License-Identifier: MIT */
/*
 * folder - makes the folders of the state that this daemon keeps.
 */
#ifndef ALERT_FOLDER_H
#define ALERT_FOLDER_H

#include <stdbool.h>

/* Makes `path` and what is missing above it, mode 0750. False with errno. */
bool folder_make(const char *path);

#endif
