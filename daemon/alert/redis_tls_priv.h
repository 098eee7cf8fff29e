/* SPDX-License-Identifier: MIT */
/*
 * redis_tls - the TLS side of a connection to Redis: files, names, and what failed.
 *
 * TLS 1.2 and later. The server's certificate is always checked: its signature, its
 * time, and that it is for the host that was meant. Files are read for the first
 * connection (0.3 ms; with the 145 CAs of Debian 20 ms), and again for one before which
 * they changed, so that a renewed certificate needs no restart.
 */
#ifndef ALERT_REDIS_TLS_PRIV_H
#define ALERT_REDIS_TLS_PRIV_H

#include "alert/redis_tls.h"

struct redis_tls;
struct ssl_st; /* OpenSSL's SSL */

/* The options are copied. */
struct redis_tls *redis_tls_new(const struct redis_tls_options *);
void redis_tls_free(struct redis_tls **);

/*
 * The client's side of one connection to `host`, a name or an address; the caller's.
 * NULL when a file cannot be used: `why` says which, and what to do.
 */
struct ssl_st *redis_tls_connect(struct redis_tls *, const char *host,
                                 char why[REDIS_WHY_MAX]);

/*
 * What made a connection fail, with a remedy. `error` is OpenSSL's, 0 when there is
 * none. False when it was not TLS: a connection that was refused, or closed.
 */
bool redis_tls_why(const struct ssl_st *, unsigned long error, char why[REDIS_WHY_MAX]);

#endif
