/* SPDX-License-Identifier: MIT */
/*
 * redis_secret - a password that stands in a file.
 *
 * One line, without its newline. The password is in no message.
 */
#ifndef ALERT_REDIS_SECRET_H
#define ALERT_REDIS_SECRET_H

#include "alert/redis_url.h"

#define REDIS_SECRET_ERROR_MAX 4400

/* False when it cannot be read or is none: `error` is for people. `key` is the name of
   the option, for messages. `warning`, which may be empty: others than the owner and the
   group can read it. */
bool redis_secret_read(const char *key, const char *path, char secret[REDIS_SECRET_MAX],
                       char error[REDIS_SECRET_ERROR_MAX],
                       char warning[REDIS_SECRET_ERROR_MAX]);

/* Zeroes it, whatever the compiler thinks of that. */
void redis_secret_wipe(char *secret, size_t size);

#endif
