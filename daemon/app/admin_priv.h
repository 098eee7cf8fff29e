/* SPDX-License-Identifier: MIT */
/*
 * admin_priv - what the files of admin share.
 */
#ifndef APP_ADMIN_PRIV_H
#define APP_ADMIN_PRIV_H

#include "app/admin.h"
#include "app/rates.h"

#define ADMIN_CONNECTIONS 16 /* at a time, of each of the two */
#define ADMIN_SECONDS     10 /* for one connection, from its first byte to its last */

struct admin_http;
struct admin_control;
struct event;

struct admin {
        struct admin_options options; /* without its config */
        struct text_list names;       /* hosts that may be asked for, beside addresses */
        int64_t redis_grace_ns;
        struct figures figures; /* of the answer at hand */
        struct rates rates;
        struct event *second;
        struct admin_http *http;       /* NULL: off */
        struct admin_control *control; /* the same */
};

/* The answers. */
void admin_put_metrics(struct admin *, struct buf *out);
void admin_put_status(struct admin *, struct buf *out);

/* `ok`, or reasons; whether all is well. */
bool admin_put_health(struct admin *, struct buf *out);

/*
 * `listen` is ADDRESS:PORT. Where that cannot be had: NULL after an error line when it
 * `is_wanted`; else it warns and tries again by itself.
 */
struct admin_http *admin_http_new(struct admin *, const char *listen, bool is_wanted);
void admin_http_free(struct admin_http **);

/* Whether a Host header (with its port, if any) names us: an address, localhost, a name.
 */
bool admin_http_host_is_ours(const struct text_list *names, const char *host);

/* `path` NULL: the default. Where that cannot be had: NULL after a line. */
struct admin_control *admin_control_new(struct admin *, const char *path, bool is_wanted);
void admin_control_free(struct admin_control **);
void admin_control_reloaded(struct admin_control *, enum admin_reload, struct slice);

struct admin_top;

/* `done` is called when what admin_top_begin began has come to its end. */
struct admin_top *admin_top_new(struct admin *, void (*done)(void *context),
                                void *context);
void admin_top_free(struct admin_top **);

/* Begins to look for the busiest keys; nothing when it is under way. */
void admin_top_begin(struct admin_top *);

/* Within `done`: one line of JSON with up to `keys` of each table. */
void admin_top_put(struct admin_top *, unsigned keys, struct buf *out);

#endif
