/* SPDX-License-Identifier: MIT */
#include "app/notify.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or a name of the abstract kind that is written with an @. */
static int connect_to(const char *name)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t len = strlen(name);

        if (len == 0 || len >= sizeof(address.sun_path) ||
            (name[0] != '/' && name[0] != '@'))
                return -1;
        memcpy(address.sun_path, name, len);
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0)
                return fd;
        if (fd >= 0)
                close(fd);
        return -1;
}

/* Twice in the time after which the manager loses patience. */
static int64_t watchdog_interval(void)
{
        const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

        if (!us || (pid && strtol(pid, NULL, 10) != getpid()))
                return 0;
        return strtoll(us, NULL, 10) * NS_PER_US / 2;
}

void notify_open(struct notify *n)
{
        const char *name = getenv("NOTIFY_SOCKET");

        *n = (struct notify){ name ? connect_to(name) : -1, 0 };
        if (n->fd >= 0)
                n->interval_ns = watchdog_interval();
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
        if (n->fd >= 0)
                close(n->fd);
        n->fd = -1;
}

void notify_send(const struct notify *n, const char *format, ...)
{
        char text[512];
        va_list arguments;

        if (n->fd < 0)
                return;
        va_start(arguments, format);
        int len = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (len > 0 && (size_t)len < sizeof(text))
                send(n->fd, text, (size_t)len, MSG_NOSIGNAL);
}
