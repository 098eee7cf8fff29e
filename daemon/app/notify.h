/* SPDX-License-Identifier: MIT */
/*
 * notify - what the service manager is told (sd_notify(3)): a line on a datagram socket.
 *
 * Where nobody asked ($NOTIFY_SOCKET is not set) nothing happens. Nothing here fails: a
 * manager that does not listen is no reason for the daemon to stop.
 */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

#include <stdint.h>

struct notify {
        int fd;              /* -1: nobody asked */
        int64_t interval_ns; /* how often to say WATCHDOG=1; 0: nobody asked */
};

/* Reads the environment and takes the socket's name out of it: children have none. */
void notify_open(struct notify *);
void notify_close(struct notify *);

/* One or more lines of sd_notify(3), such as "READY=1". */
void notify_send(const struct notify *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
