/* SPDX-License-Identifier: MIT */
/*
 * daemon - asks the running daemon, through its control socket.
 *
 * One line goes out, one line of JSON comes back. Where the socket is says admin.socket,
 * else it is in /run/trawlwatch or in the state folder. Waits for an answer for some
 * seconds at most.
 */
#ifndef TRAWLCTL_DAEMON_H
#define TRAWLCTL_DAEMON_H

#include <jansson.h>

#include "ctl.h"

/* Where it listens, or NULL after a message. Free it. */
char *daemon_path(const struct ctl *, enum exit_status *status);

/*
 * The answer to one line, without its end. False when there is none: `why` then says so,
 * with the remedy.
 */
bool daemon_ask(const char *path, const char *line, struct buf *answer, struct buf *why);

/* Shows an answer, as it came and as what it is; of the socket at `path`. */
typedef enum exit_status daemon_tell_fn(const struct ctl *, const char *path,
                                        const struct buf *answer, json_t *object);

/* A command that has no options or arguments of its own: asks the line `name`. */
enum exit_status daemon_command(struct ctl *, int argc, char **argv, const char *name,
                                daemon_tell_fn *tell);

/* Its object; NULL when it is none, or an error of the daemon, which is put in `why`. */
json_t *daemon_parse(const struct buf *answer, struct buf *why);

#endif
