/* SPDX-License-Identifier: MIT */
/*
 * admin - what the running daemon tells those who look after it, and what they ask of it.
 *
 *      admin.listen   HTTP: /healthz, /metrics, /api/v1/status        (admin_http.c)
 *      admin.socket   a unix socket: status, reload, top              (admin_control.c)
 *
 * Lives on the event loop of whoever runs the daemon, and knows of it only what the
 * options say. Answers are made when they are asked for; a turn of the loop that answers
 * costs some milliseconds at most. Nothing that comes in is trusted: connections, heads,
 * lines and the time for them are bounded.
 */
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include "app/figures.h"

struct admin;
struct event_base;

enum admin_reload {
        ADMIN_RELOAD_TAKEN,    /* taken up; there may be warnings */
        ADMIN_RELOAD_MISTAKES, /* in the files: everything stays as it was */
        ADMIN_RELOAD_FAILED,   /* no key, no memory: the same */
        ADMIN_RELOAD_HANDED,   /* a new engine takes over, which will know */
};

struct admin_options {
        struct event_base *loop;     /* borrowed */
        const struct config *config; /* only read during admin_new */
        struct counters *counters;   /* borrowed */
        figures_fn *figures;
        /* Does what SIGHUP does. Whoever has done it calls admin_reloaded, in here or
         * later. */
        void (*reload)(void *context);
        void *context; /* of both */
};

/*
 * NULL after a line: an address or a socket that the operator wrote cannot be had. Of
 * the defaults a warning is enough; the address is tried again every few seconds.
 */
struct admin *admin_new(const struct admin_options *);

/* Before the loop is freed, which then forgets what is left of the connections. */
void admin_free(struct admin **);

/*
 * A reload is over, whoever asked for it; those who wait for it on the socket are told.
 * `messages` are lines: mistakes with their places, warnings. NULL has nobody to tell.
 */
void admin_reloaded(struct admin *, enum admin_reload, struct slice messages);

#endif
