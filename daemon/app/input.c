/* SPDX-License-Identifier: MIT */
#include "app/input.h"

#include "base/check.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct input {
        int fd;
        struct event_base *loop;
        struct event *readable;
        input_idle_fn *idle;
        void *context;
        FILE *replaced; /* what stdin was */
};

static bool has_bytes(const struct input *in)
{
        struct pollfd source = { .fd = in->fd, .events = POLLIN };

        return poll(&source, 1, 0) > 0;
}

/* Only there to end the wait of the loop. */
static void on_readable(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what, (void)context;
}

/* The read function of the stream. 0 is the end. */
static ssize_t read_more(void *cookie, char *into, size_t size)
{
        struct input *in = cookie;

        for (;;) {
                while (!has_bytes(in)) {
                        if (!in->idle(in->context))
                                return 0;
                        event_add(in->readable, NULL);
                        CHECK(event_base_loop(in->loop, EVLOOP_ONCE) >= 0);
                }
                ssize_t n = read(in->fd, into, size);
                if (n >= 0 || (errno != EINTR && errno != EAGAIN))
                        return n;
        }
}

static bool can_wait(const char *path, int *fd)
{
        bool is_stdin = strcmp(path, "-") == 0;
        struct stat status;

        if ((is_stdin ? fstat(STDIN_FILENO, &status) : stat(path, &status)) != 0)
                return false;
        if (is_stdin) {
                *fd = STDIN_FILENO;
                return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
                       isatty(STDIN_FILENO);
        }
        /* A named pipe that nobody writes yet would hold up a blocking open. */
        if (!S_ISFIFO(status.st_mode))
                return false;
        *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        return *fd >= 0;
}

struct input *input_open(const char *path, struct event_base *loop, input_idle_fn *idle,
                         void *context)
{
        const cookie_io_functions_t functions = { .read = read_more };
        struct input *in;
        int fd;

        if (!can_wait(path, &fd))
                return NULL;
        in = calloc(1, sizeof(*in));
        CHECK(in);
        *in = (struct input){ fd, loop, NULL, idle, context, stdin };
        in->readable = event_new(loop, fd, EV_READ, on_readable, NULL);
        /* An ordinary variable of the C library, meant to be set. */
        stdin = fopencookie(in, "rb", functions);
        CHECK(in->readable && stdin);
        return in;
}

void input_close(struct input **input)
{
        struct input *in = *input;

        if (!in)
                return;
        event_free(in->readable);
        fclose(stdin);
        stdin = in->replaced;
        if (in->fd != STDIN_FILENO)
                close(in->fd);
        free(in);
        *input = NULL;
}
