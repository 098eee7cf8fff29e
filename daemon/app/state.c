/* SPDX-License-Identifier: MIT */
#include "app/state.h"

#include "alert/journal_cursor.h"
#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME   "engine.snapshot"
#define WEEK   (7LL * 24 * 3600 * NS_PER_SEC) /* as long as rungs are remembered */
#define MARGIN (600 * NS_PER_SEC) /* the file is younger than what stands in it */

void state_init(struct state *s, const char *folder, int64_t interval_ns,
                struct counters *counters)
{
        struct buf path = { 0 };

        *s = (struct state){ .interval_ns = interval_ns, .counters = counters };
        s->folder = strdup(folder);
        CHECK(s->folder);
        if (interval_ns == 0)
                return;
        buf_printf(&path, "%s/" NAME, folder);
        buf_put_byte(&path, 0);
        s->path = strdup((const char *)path.data);
        CHECK(s->path);
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

/* ---- what was told since ---- */

struct catch_up {
        struct told told;
        struct pipeline *pipeline;
};

static bool note_told(void *context, const struct alert *alert)
{
        struct catch_up *c = context;

        told_note(&c->told, alert->id, alert->n, slice_is(alert->action, "ended"));
        return true;
}

static void recall_blocks(struct pipeline *pipeline, const struct alert *alert)
{
        struct alert walk = *alert;
        struct block block;

        while (alert_block_next(&walk, &block))
                pipeline_recall_block(pipeline,
                                      &(struct told_block){ .rule = block.rule,
                                                            .type = block.type,
                                                            .value = block.value,
                                                            .since_ns = block.since_ns,
                                                            .until_ns = block.until_ns,
                                                            .level = block.level });
}

static const struct told_event *find_told(const struct told *told, struct slice id)
{
        char text[INCIDENT_ID_MAX] = "";

        if (id.len != sizeof(text) - 1)
                return NULL;
        memcpy(text, id.data, id.len);
        return told_find(told, text);
}

static bool adopt(void *context, const struct alert *alert)
{
        const struct catch_up *c = context;
        const struct told_event *last = find_told(&c->told, alert->id);

        recall_blocks(c->pipeline, alert);
        if (!last || last->is_known || last->has_ended || last->n != alert->n)
                return true;
        pipeline_adopt(c->pipeline,
                       &(struct told_incident){
                           .id = alert->id,
                           .group = alert->group,
                           .rule = alert->rule,
                           .subject_type = alert->subject_type,
                           .subject = alert->subject,
                           .n = alert->n,
                           .dry_run = alert->dry_run,
                           .severity = alert->severity,
                           .time_ns = alert->time_ns,
                           .start_ns = alert->start_ns,
                           .last_ns = alert->has_rest ? alert->last_ns : alert->time_ns,
                           .served_targets = alert->served_targets,
                           .served_bytes = alert->served_bytes },
                       c->told.now_ns);
        return true;
}

static void walk(const struct state *s, int64_t since_ns, alert_fn *visit,
                 struct catch_up *c)
{
        struct journal_cursor *cursor = journal_cursor_new(s->folder);

        journal_cursor_seek_time(cursor, since_ns);
        (void)journal_cursor_alerts(cursor, visit, c);
        journal_cursor_free(&cursor);
}

/* One that was not used is as none. */
static int64_t time_of(FILE *snapshot, const struct pipeline *pipeline, int64_t now_ns)
{
        struct stat st;

        if (!snapshot || !pipeline_goes_on(pipeline) || fstat(fileno(snapshot), &st) != 0)
                return now_ns - WEEK;
        return (int64_t)st.st_mtim.tv_sec * NS_PER_SEC - MARGIN;
}

/* The first walk finds what is open; only then the second needs to keep little. */
void state_catch_up(const struct state *s, FILE *snapshot, struct pipeline *pipeline)
{
        struct catch_up c = { .told = { .now_ns = clock_wall_ns() },
                              .pipeline = pipeline };
        int64_t since_ns = time_of(snapshot, pipeline, c.told.now_ns);

        walk(s, since_ns, note_told, &c);
        told_ready(&c.told);
        pipeline_catch_up(pipeline, &c.told);
        walk(s, since_ns, adopt, &c);
        told_free(&c.told);
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

/*
 * In a child. It does not outlive the engine: the next one begins with the snapshot that
 * it finds, and writes another to the same name.
 */
static int write_beside(const char *path, const struct pipeline *pipeline, pid_t engine)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return getppid() == engine ? replace(path, pipeline) : ECANCELED;
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
        pid_t engine = getpid(), child = fork();
        if (child == 0) {
                /* Locks and listening sockets are not to live on with the writer. */
                close_range(STDERR_FILENO + 1, ~0u, 0);
                _exit(write_beside(s->path, pipeline, engine));
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
