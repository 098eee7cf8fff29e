/* SPDX-License-Identifier: MIT */
/*
 * redis_tls - the TLS side of a connection to Redis: files, names, and what failed.
 *
 * TLS 1.2 and later. The server's certificate is always checked: its signature, its
 * time, and that it is for the host that was meant. Files are read anew for each
 * connection (0.3 ms with a CA of our own, 15 ms with the system's 140), so that a
 * renewed certificate needs no restart.
 */
#ifndef ALERT_REDIS_TLS_PRIV_H
#define ALERT_REDIS_TLS_PRIV_H

#include "alert/redis_url.h"

#define REDIS_WHY_MAX 512

struct ssl_st; /* OpenSSL's SSL */

/*
 * The client's side of one connection to `host`, a name or an address. NULL when a file
 * cannot be used: `why` says which, and what to do.
 */
struct ssl_st *redis_tls_new(const struct redis_tls_options *, const char *host,
                             char why[REDIS_WHY_MAX]);
void redis_tls_free(struct ssl_st **);

/*
 * What made a connection fail, with a remedy. `error` is OpenSSL's, 0 when there is
 * none. False when it was not TLS: a connection that was refused, or closed.
 */
bool redis_tls_why(const struct ssl_st *, unsigned long error, char why[REDIS_WHY_MAX]);

#endif
