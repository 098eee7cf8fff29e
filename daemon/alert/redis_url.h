/* SPDX-License-Identifier: MIT */
/*
 * redis_url - where Redis is.
 *
 *      redis://[[user][:password]@]host[:port][,host[:port]...][/database]
 *      redis+sentinel://[[user][:password]@]host[:port][,...]/master[/database]
 *      unix:/path/of/socket[?db=N]
 *
 * rediss:// and rediss+sentinel:// are the same over TLS. Several hosts are nodes of
 * one Redis Cluster, or its sentinels. Ports are 6379, for sentinels 26379, and the
 * database 0 where none is named. A host may be a name, an IPv4 address or
 * [an IPv6 address]. User and password may be percent-encoded. Without a password in
 * the URL the one in the environment variable TRAWLWATCH_REDIS_PASSWORD is taken.
 * redis_url_text never shows it.
 */
#ifndef ALERT_REDIS_URL_H
#define ALERT_REDIS_URL_H

#include "base/buf.h"
#include "base/slice.h"

#define REDIS_URL_HOSTS         8
#define REDIS_URL_TEXT_MAX      2560
#define REDIS_SECRET_MAX        512
#define REDIS_PASSWORD_VARIABLE "TRAWLWATCH_REDIS_PASSWORD"

struct redis_host {
        char name[256];
        uint16_t port;
};

/* Files in PEM; a folder is possible for `ca`. Borrowed texts; NULL: none. */
struct redis_tls_options {
        const char *ca;   /* who may have signed its certificate; NULL: the system's */
        const char *cert; /* ours, followed by those between it and its CA */
        const char *key;  /* NULL: it stands in `cert` */
        const char *name; /* that its certificate must have; NULL: the host's */
};

struct redis_url {
        bool is_unix, is_tls, is_sentinel;
        unsigned host_count;
        struct redis_host hosts[REDIS_URL_HOSTS]; /* or the path of the socket */
        char master[128];                         /* what sentinels call it */
        uint32_t database;
        char user[128]; /* empty: none */
        char password[REDIS_SECRET_MAX];
        /* What no URL says; the caller may set it. */
        char sentinel_user[128]; /* empty: none */
        char sentinel_password[REDIS_SECRET_MAX];
        struct redis_tls_options tls;
};

/* NULL when it is good; else what is wrong with it (a static text). */
const char *redis_url_parse(const char *text, struct redis_url *);

/* HOST[:PORT] as it stands in a URL; NULL or what is wrong. The port must be set to its
   default before. */
const char *redis_host_parse(struct slice text, struct redis_host *);
void redis_host_put(const struct redis_host *, struct buf *out);

/* Without user and password, for messages. */
void redis_url_text(const struct redis_url *, char text[REDIS_URL_TEXT_MAX]);

/* `text`, a URL or not, without the password that it may hold, so that it reads back.
   False when it holds none. */
bool redis_url_hide_password(const char *text, struct buf *out);

#endif
