/* SPDX-License-Identifier: MIT */
/*
 * target_haproxy - maps of a running HAProxy, through its runtime socket.
 *
 * One map for addresses and networks (asked with map_ip), and where they are named one
 * each for sessions, accounts, JA4s and shapes, with the keys as they are published.
 * The value is always 1. What is in the maps is what was put there over the socket:
 * the files that HAProxy read at its start are not written.
 *
 * A whole batch is a version of its own beside the one in use (prepare map, add map
 * @VERSION, commit map): HAProxy 2.4 and later. A restart is noticed by the process id
 * and the uptime in `show info`.
 *
 * Waits for HAProxy, for each command at most 5 s.
 */
#ifndef ENFORCE_TARGET_HAPROXY_H
#define ENFORCE_TARGET_HAPROXY_H

#include "target.h"

#define HAPROXY_MAP_MAX 200

struct target_haproxy;

extern const struct target_kind target_haproxy_kind;

/* The name of a map as it stands in HAProxy's configuration: no blanks, no ; # " or \. */
bool target_haproxy_map_is_good(const char *map);

/* `socket` is a path, at most 107 bytes. `maps` by kind; NULL: not kept. Copied. */
struct target_haproxy *target_haproxy_open(const char *socket,
                                           const char *const maps[SUBJECT_KINDS]);
void target_haproxy_close(struct target_haproxy **);

#endif
