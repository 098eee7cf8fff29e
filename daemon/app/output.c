/* SPDX-License-Identifier: MIT */
#include "app/output.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, FINISH_MS = 2000 };

static void on_writable(evutil_socket_t fd, short what, void *context);

/*
 * Non-blocking is a property of the open file, which a terminal's shell and standard
 * error share: so it is opened once more where the kernel lets us.
 */
static void make_nonblocking(struct output *o)
{
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

        if (fd >= 0) {
                o->fd = fd;
                o->is_reopened = true;
                return;
        }
        o->saved_flags = fcntl(o->fd, F_GETFL);
        if (o->saved_flags >= 0)
                fcntl(o->fd, F_SETFL, o->saved_flags | O_NONBLOCK);
}

void output_init(struct output *o, struct event_base *loop, struct counters *counters,
                 bool live)
{
        struct stat status;

        *o = (struct output){ .fd = STDOUT_FILENO,
                              .saved_flags = -1,
                              .is_live = live,
                              .loop = loop,
                              .counters = counters };
        if (fstat(o->fd, &status) != 0)
                return;
        o->is_socket = S_ISSOCK(status.st_mode);
        if (!o->is_socket && !S_ISFIFO(status.st_mode) && !isatty(o->fd))
                return;
        if (!o->is_socket)
                make_nonblocking(o);
        o->writable = event_new(loop, o->fd, EV_WRITE, on_writable, o);
        CHECK(o->writable);
}

void output_free(struct output *o)
{
        if (o->writable)
                event_free(o->writable);
        if (o->is_reopened)
                close(o->fd);
        else if (o->saved_flags >= 0)
                fcntl(o->fd, F_SETFL, o->saved_flags);
        buf_free(&o->lines);
        buf_free(&o->waiting);
        *o = (struct output){ 0 };
}

/* Whoever reads files ends then; `head` has what it wanted and is no trouble. */
static void fail(struct output *o, int error)
{
        o->error = error;
        if (o->is_live)
                log_warning(
                    "standard output: %s; nothing more is printed, the journal and "
                    "Redis get their alerts as before",
                    strerror(error));
        else if (error != EPIPE)
                log_error("standard output: %s", strerror(error));
}

static uint64_t count_lines(struct slice text)
{
        struct slice line;
        uint64_t count = 0;

        while (slice_next(&text, '\n', &line))
                count += line.len > 0;
        return count;
}

static void drop(struct output *o, struct slice lines)
{
        uint64_t count = count_lines(lines);

        o->counters->lines_dropped += count;
        if (count && log_limit_pass(&o->dropped_limit, clock_monotonic_ns()))
                log_warning("standard output stands still: %llu lines dropped since the "
                            "start; whoever reads it is too slow",
                            (unsigned long long)o->counters->lines_dropped);
}

/* Moves what finds room from `lines` behind what waits; no line is cut. */
static void take_lines(struct output *o)
{
        size_t unsent = o->waiting.len - o->sent, take = o->lines.len;
        struct slice lines = buf_slice(&o->lines);

        if (o->sent > unsent) {
                memmove(o->waiting.data, o->waiting.data + o->sent, unsent);
                o->waiting.len = unsent;
                o->sent = 0;
        }
        if (o->is_live && unsent + take > OUTPUT_MAX) {
                const uint8_t *end = memrchr(
                    lines.data, '\n', OUTPUT_MAX > unsent ? OUTPUT_MAX - unsent : 0);
                take = end ? (size_t)(end - lines.data) + 1 : 0;
        }
        buf_put(&o->waiting, lines.data, take);
        drop(o, slice_from(lines, take));
        buf_clear(&o->lines);
}

/* As much as is taken. */
static void write_waiting(struct output *o)
{
        while (o->sent < o->waiting.len && !o->error) {
                const uint8_t *from = o->waiting.data + o->sent;
                size_t len = o->waiting.len - o->sent;
                ssize_t n = o->is_socket
                                ? send(o->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : write(o->fd, from, len);
                if (n > 0) {
                        o->sent += (size_t)n;
                } else if (n < 0 && errno == EAGAIN && o->writable) {
                        event_add(o->writable, NULL);
                        if (o->is_live || o->is_hurried)
                                return;
                        CHECK(event_base_loop(o->loop, EVLOOP_ONCE) >= 0);
                } else if (n < 0 && errno != EINTR) {
                        fail(o, errno);
                }
        }
        buf_clear(&o->waiting);
        o->sent = 0;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct output *o = context;

        (void)fd, (void)what;
        if (o->is_live)
                write_waiting(o);
        /* Else write_waiting is what waits. */
}

void output_hurry(struct output *o)
{
        o->is_hurried = true;
}

void output_flush(struct output *o, bool all)
{
        if (o->lines.len == 0 || (o->lines.len < CHUNK && !all))
                return;
        if (o->error) {
                buf_clear(&o->lines);
                return;
        }
        take_lines(o);
        /* While it is full the loop says when to go on. */
        if (!o->writable || !event_pending(o->writable, EV_WRITE, NULL))
                write_waiting(o);
}

void output_finish(struct output *o)
{
        output_flush(o, true);
        while (o->sent < o->waiting.len && !o->error) {
                struct pollfd reader = { .fd = o->fd, .events = POLLOUT };
                if (poll(&reader, 1, FINISH_MS) == 0) {
                        drop(o, slice_from(buf_slice(&o->waiting), o->sent));
                        return;
                }
                write_waiting(o);
        }
}
