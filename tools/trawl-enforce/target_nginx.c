/* SPDX-License-Identifier: MIT */
#include "target_nginx.h"

#include "alert/redis_url.h"
#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_STEP_MS 2

struct target_nginx {
        char *file, *beside, *folder;
        char *reload; /* its words, each ends in a NUL */
        char *argv[NGINX_RELOAD_WORDS + 1];
        int64_t timeout_ns;
        struct buf lines;
        struct buf output; /* the last line that the command wrote */
};

static bool split_words(struct target_nginx *t)
{
        unsigned count = 0;

        for (char *at = strtok(t->reload, " \t"); at; at = strtok(NULL, " \t")) {
                if (count == NGINX_RELOAD_WORDS)
                        return false;
                t->argv[count++] = at;
        }
        return count > 0;
}

struct target_nginx *target_nginx_open(const char *file, const char *reload,
                                       int64_t timeout_ns)
{
        struct target_nginx *t = calloc(1, sizeof(*t));
        struct buf name = { 0 };

        CHECK(t);
        t->timeout_ns = timeout_ns;
        t->file = strdup(file);
        t->folder = strdup(file);
        t->reload = strdup(reload);
        CHECK(t->file && t->folder && t->reload);
        dirname(t->folder);
        if (!strchr(file, '/'))
                CHECK((t->folder = (free(t->folder), strdup("."))));
        buf_printf(&name, "%s.new", file);
        buf_put_byte(&name, '\0');
        t->beside = (char *)name.data;
        if (!split_words(t))
                target_nginx_close(&t);
        return t;
}

void target_nginx_close(struct target_nginx **target)
{
        struct target_nginx *t = *target;

        if (!t)
                return;
        free(t->file);
        free(t->beside);
        free(t->folder);
        free(t->reload);
        buf_free(&t->lines);
        buf_free(&t->output);
        free(t);
        *target = NULL;
}

static void begin(void *target, bool is_whole)
{
        struct target_nginx *t = target;

        CHECK(is_whole);
        buf_clear(&t->lines);
        buf_put_str(&t->lines, "# Written by trawl-enforce; changes here are lost.\n");
}

static void add(void *target, const struct subject *s, int64_t left_ms)
{
        struct target_nginx *t = target;

        (void)left_ms;
        subject_put(s, &t->lines);
        buf_put_str(&t->lines, " 1;\n");
}

static void drop(void *target, const struct subject *s)
{
        (void)target;
        (void)s;
}

/* --- the file --- */

static bool write_all(int fd, struct slice bytes)
{
        while (bytes.len) {
                ssize_t n = write(fd, bytes.data, bytes.len);
                if (n < 0 && errno != EINTR)
                        return false;
                if (n > 0)
                        bytes = slice_from(bytes, (size_t)n);
        }
        return true;
}

static bool sync_folder(const char *folder)
{
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool ok = fd >= 0 && fsync(fd) == 0;

        if (fd >= 0)
                close(fd);
        return ok;
}

static bool write_file(struct target_nginx *t)
{
        int fd = -1;

        /* What a killed run left, or somebody's link, is not written through. */
        if (unlink(t->beside) == 0 || errno == ENOENT)
                fd = open(t->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          0644);
        if (fd < 0)
                return false;
        bool ok = write_all(fd, buf_slice(&t->lines)) && fsync(fd) == 0;
        ok = close(fd) == 0 && ok;
        return ok && rename(t->beside, t->file) == 0 && sync_folder(t->folder);
}

/* --- the command --- */

static pid_t start(struct target_nginx *t, int *output)
{
        int ends[2];
        pid_t child;

        if (pipe2(ends, O_CLOEXEC) != 0)
                return -1;
        child = fork();
        if (child == 0) {
                sigset_t none;
                int nothing = open("/dev/null", O_RDONLY);
                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
                signal(SIGPIPE, SIG_DFL);
                unsetenv(REDIS_PASSWORD_VARIABLE);
                dup2(nothing, STDIN_FILENO);
                dup2(ends[1], STDOUT_FILENO);
                dup2(ends[1], STDERR_FILENO);
                close_range(3, ~0U, 0);
                execvp(t->argv[0], t->argv);
                dprintf(STDERR_FILENO, "%s: %s\n", t->argv[0], strerror(errno));
                _exit(127);
        }
        close(ends[1]);
        *output = ends[0];
        if (child < 0)
                close(ends[0]);
        return child;
}

/* Keeps the last line that is not empty. */
static void take_output(struct buf *line, bool *is_over, struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++) {
                uint8_t c = bytes.data[i];
                if (c == '\n' || c == '\r') {
                        *is_over = true;
                        continue;
                }
                if (*is_over)
                        buf_clear(line);
                *is_over = false;
                if (line->len < 160)
                        buf_put_byte(line, c >= ' ' && c < 0x7f ? c : '?');
        }
}

/* Until there is no more, or the time is up. */
static void read_output(struct target_nginx *t, int output, int64_t end_ns)
{
        bool is_over = false;
        uint8_t bytes[1024];

        buf_clear(&t->output);
        for (;;) {
                struct pollfd p = { .fd = output, .events = POLLIN };
                int64_t left = end_ns - clock_monotonic_ns();
                if (left <= 0)
                        return;
                if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) <= 0)
                        continue;
                ssize_t n = read(output, bytes, sizeof(bytes));
                if (n == 0 || (n < 0 && errno != EINTR))
                        return;
                if (n > 0)
                        take_output(&t->output, &is_over, slice_of(bytes, (size_t)n));
        }
}

/*
 * A command that leaves a process behind which keeps our pipe is not waited for longer
 * than the command itself, nor is one that closed the pipe and goes on. False: killed.
 */
static bool wait_end(pid_t child, int64_t end_ns, int *status)
{
        pid_t ended;

        while ((ended = waitpid(child, status, WNOHANG)) == 0) {
                if (clock_monotonic_ns() >= end_ns) {
                        kill(child, SIGKILL);
                        (void)waitpid(child, status, 0);
                        return false;
                }
                (void)poll(NULL, 0, WAIT_STEP_MS);
        }
        return ended == child;
}

static bool reload(struct target_nginx *t, char why[TARGET_WHY_MAX])
{
        int output = -1, status = 0;
        pid_t child = start(t, &output);

        if (child < 0) {
                snprintf(why, TARGET_WHY_MAX, "%.80s cannot be started: %s", t->argv[0],
                         strerror(errno));
                return false;
        }
        int64_t end_ns = clock_monotonic_ns() + t->timeout_ns;
        read_output(t, output, end_ns);
        bool has_ended = wait_end(child, end_ns, &status);
        close(output);
        if (has_ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return true;
        snprintf(why, TARGET_WHY_MAX, "%.60s %s: %.*s", t->argv[0],
                 has_ended ? "failed" : "did not end in time", (int)t->output.len,
                 t->output.len ? (const char *)t->output.data : "");
        return false;
}

static enum target_result commit(void *target, char why[TARGET_WHY_MAX])
{
        struct target_nginx *t = target;

        if (!write_file(t)) {
                snprintf(why, TARGET_WHY_MAX, "%.160s cannot be written: %s", t->file,
                         strerror(errno));
                return TARGET_FAILED;
        }
        return reload(t, why) ? TARGET_OK : TARGET_FAILED;
}

/* nginx reads the file at its start by itself: it has to be there. */
static enum target_result check(void *target, char why[TARGET_WHY_MAX])
{
        struct target_nginx *t = target;

        (void)why;
        return access(t->file, F_OK) == 0 ? TARGET_OK : TARGET_LOST;
}

const struct target_kind target_nginx_kind = {
        .name = "nginx",
        .kinds = SUBJECT_BIT(SUBJECT_ADDRESS),
        .is_whole = true,
        .begin = begin,
        .add = add,
        .remove = drop,
        .commit = commit,
        .check = check,
};
