/* SPDX-License-Identifier: MIT */
/*
 * redis_url - where Redis is.
 *
 *      redis://[[user]:password@]host[:port][/database]      port 6379, database 0
 *      unix:/path/of/socket[?db=N]
 *
 * A host may be a name, an IPv4 address or [an IPv6 address]. User and password
 * may be percent-encoded. Without a password in the URL the one in the environment
 * variable TRAWLWATCH_REDIS_PASSWORD is taken. redis_url_text never shows it.
 */
#ifndef ALERT_REDIS_URL_H
#define ALERT_REDIS_URL_H

#include "base/slice.h"

#define REDIS_URL_TEXT_MAX      320
#define REDIS_PASSWORD_VARIABLE "TRAWLWATCH_REDIS_PASSWORD"

struct redis_url {
        bool is_unix;
        uint16_t port;
        uint32_t database;
        char host[256]; /* or the path of the socket */
        char user[128]; /* empty: none */
        char password[512];
};

/* NULL when it is good; else what is wrong with it (a static text). */
const char *redis_url_parse(const char *text, struct redis_url *);

/* Without user and password, for messages. */
void redis_url_text(const struct redis_url *, char text[REDIS_URL_TEXT_MAX]);

#endif
