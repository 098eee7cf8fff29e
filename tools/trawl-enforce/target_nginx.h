/* SPDX-License-Identifier: MIT */
/*
 * target_nginx - a file of lines "203.0.113.9 1;" for a geo block, and nginx's reload.
 *
 * Written beside the old one, forced to disk and renamed, so that nginx never reads half
 * of it. Then the command runs, without a shell and without our environment's password.
 * A reload that fails leaves the new file: nginx goes on with the old lines, and it is
 * reloaded again later.
 *
 * Waits for the command, at most 30 s.
 */
#ifndef ENFORCE_TARGET_NGINX_H
#define ENFORCE_TARGET_NGINX_H

#include "target.h"

#include "base/clock.h"

#define NGINX_RELOAD       "nginx -s reload"
#define NGINX_RELOAD_WORDS 15
#define NGINX_RELOAD_TIME  (30 * NS_PER_SEC)

struct target_nginx;

extern const struct target_kind target_nginx_kind;

/* `reload`: words between blanks. NULL when there are none or more than
   NGINX_RELOAD_WORDS. It is killed when it has not ended after `timeout_ns`. */
struct target_nginx *target_nginx_open(const char *file, const char *reload,
                                       int64_t timeout_ns);
void target_nginx_close(struct target_nginx **);

#endif
