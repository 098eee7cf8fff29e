/* SPDX-License-Identifier: MIT */
/*
 * reach - how Redis is reached, from the keys of the configuration.
 *
 * The URL, the login and the files of TLS. Of several passwords the one in the URL
 * counts, then redis.password_file, then the environment.
 */
#ifndef APP_REACH_H
#define APP_REACH_H

#include "alert/redis_secret.h"
#include "app/config.h"

#define REACH_ERROR_MAX REDIS_SECRET_ERROR_MAX

/* Where redis.url is set. Its texts are borrowed from the configuration. False when a
   password cannot be read: `error` is for people. `warns`: log_warning when others can
   read it. */
bool reach_redis(const struct config *, struct redis_url *, bool warns,
                 char error[REACH_ERROR_MAX]);

/* Where redis.url is set: opens what reach_redis and TLS would, and says what is wrong.
 */
void reach_check(const struct config *, struct diag *);

#endif
