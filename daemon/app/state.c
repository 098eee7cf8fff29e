/* SPDX-License-Identifier: MIT */
#include "app/state.h"

#include "alert/journal_cursor.h"
#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME   "engine.snapshot"
#define MARGIN (600 * NS_PER_SEC) /* the file is younger than what stands in it */

void state_init(struct state *s, const char *folder, int64_t interval_ns,
                struct counters *counters)
{
        struct buf path = { 0 };

        *s = (struct state){ .interval_ns = interval_ns, .counters = counters };
        if (interval_ns == 0)
                return;
        buf_printf(&path, "%s/" NAME, folder);
        buf_put_byte(&path, 0);
        s->path = strdup((const char *)path.data);
        s->folder = strdup(folder);
        CHECK(s->path && s->folder);
        buf_free(&path);
        s->due_ns = clock_monotonic_ns() + interval_ns;
}

void state_free(struct state *s)
{
        free(s->path);
        free(s->folder);
        *s = (struct state){ .path = NULL };
}

FILE *state_open(const struct state *s)
{
        FILE *file = s->path ? fopen(s->path, "rbe") : NULL;

        if (!file && s->path && errno != ENOENT)
                log_warning("%s: %s: windows begin empty", s->path, strerror(errno));
        return file;
}

static bool note_told(void *context, const struct alert *alert)
{
        told_note(context, alert->id, alert->n, slice_is(alert->action, "ended"));
        return true;
}

void state_catch_up(const struct state *s, FILE *snapshot, struct pipeline *pipeline)
{
        struct told told = { 0 };
        struct stat st;

        if (fstat(fileno(snapshot), &st) != 0)
                return;
        struct journal_cursor *cursor = journal_cursor_new(s->folder);
        journal_cursor_seek_time(cursor,
                                 (int64_t)st.st_mtim.tv_sec * NS_PER_SEC - MARGIN);
        (void)journal_cursor_alerts(cursor, note_told, &told);
        journal_cursor_free(&cursor);
        told_ready(&told);
        pipeline_catch_up(pipeline, &told);
        told_free(&told);
}

static bool write_to(const char *path, const struct pipeline *pipeline)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");

        if (!file)
                return false;
        bool good = pipeline_save(pipeline, file) && fsync(fd) == 0;
        int error = errno;
        good = fclose(file) == 0 && good;
        if (!good)
                errno = error;
        return good;
}

/* The status of the writer: 0, or the errno of what failed. */
static int replace(const char *path, const struct pipeline *pipeline)
{
        struct buf new = { 0 };
        int error = 0;

        buf_printf(&new, "%s.new", path);
        buf_put_byte(&new, 0);
        const char *name = (const char *)new.data;
        errno = 0;
        if (!write_to(name, pipeline) || rename(name, path) != 0) {
                error = errno ? errno : EIO;
                unlink(name);
        }
        buf_free(&new);
        return error;
}

static void account(struct state *s, int error)
{
        s->failed = error != 0;
        if (error == 0) {
                s->counters->snapshots++;
                return;
        }
        s->counters->snapshots_failed++;
        if (log_limit_pass(&s->limit, clock_monotonic_ns()))
                log_warning("%s cannot be written: %s: a restart would begin with empty "
                            "windows",
                            s->path, strerror(error));
}

/* False while it is still at work. */
static bool collect(struct state *s, int options)
{
        int status;

        if (s->writer == 0)
                return true;
        pid_t done = waitpid(s->writer, &status, options);
        if (done == 0 || (done < 0 && errno == EINTR))
                return false;
        s->writer = 0;
        account(s, done > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EIO);
        return true;
}

void state_tick(struct state *s, const struct pipeline *pipeline)
{
        int64_t now_ns = clock_monotonic_ns();

        if (!s->path || !collect(s, WNOHANG) || now_ns < s->due_ns)
                return;
        s->due_ns = now_ns + s->interval_ns;
        pid_t child = fork();
        if (child == 0) {
                /* Locks and listening sockets are not to live on with the writer. */
                close_range(STDERR_FILENO + 1, ~0u, 0);
                _exit(replace(s->path, pipeline));
        }
        if (child < 0)
                account(s, errno);
        else
                s->writer = child;
}

bool state_write(struct state *s, const struct pipeline *pipeline)
{
        if (!s->path)
                return false;
        while (!collect(s, 0))
                ;
        int error = replace(s->path, pipeline);
        account(s, error);
        return error == 0;
}
