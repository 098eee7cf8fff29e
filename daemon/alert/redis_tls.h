/* SPDX-License-Identifier: MIT */
/* redis_tls - the files of TLS, looked at before there is a connection. */
#ifndef ALERT_REDIS_TLS_H
#define ALERT_REDIS_TLS_H

#include "alert/redis_url.h"

#define REDIS_WHY_MAX 512

/* False when a connection would fail by them: `why` is for people, and begins with the
   key that is wrong, such as redis.tls_cert. */
bool redis_tls_check(const struct redis_tls_options *, char why[REDIS_WHY_MAX]);

#endif
