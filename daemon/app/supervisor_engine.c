/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENGINE_ENDS   (ENGINE_ENDS_SECONDS * NS_PER_SEC)
#define ENGINE_LEAVES (5 * NS_PER_SEC) /* its line is the last that it closes */

bool engine_tell(struct supervisor *s, const struct control_message *message,
                 const int fds[2])
{
        return s->engine.is_ready && control_send(s->engine.control, message, fds);
}

void engine_start(struct supervisor *s, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        int pair[2];

        patience_begins(&e->patience, now_ns);
        if (!control_pair(pair)) {
                log_error("there are no sockets for the engine: %s", strerror(errno));
                patience_ends(&e->patience, now_ns);
                return;
        }
        atomic_store(&s->common->engine_beat_ns, 0);
        e->pid = fork_engine(s, pair);
        close(pair[1]);
        e->control = pair[0];
        e->is_ready = e->is_killed = e->owes = false;
        e->kill_ns = e->left_ns = 0;
        e->is_last = s->stopping;
        if (e->pid > 0)
                return;
        log_error("there is no process for the engine: %s", strerror(errno));
        close(e->control);
        e->control = -1;
        e->pid = 0;
        patience_ends(&e->patience, now_ns);
}

/* It knows of no ring: of those that are written, and those that are over but not read.
 */
void engine_is_there(struct supervisor *s)
{
        s->engine.is_ready = s->engine.was_ready = true;
        for (unsigned i = 0; i < CHILDREN; i++)
                s->children[i].is_told = false;
        children_tell(s);
}

void engine_hangs_up(struct supervisor *s, int64_t now_ns)
{
        struct engine_child *e = &s->engine;

        e->is_ready = false;
        e->left_ns = now_ns;
        if (e->control >= 0)
                close(e->control);
        e->control = -1;
}

void engine_end(struct supervisor *s, enum control_stop how, int64_t now_ns)
{
        struct control_message stop = { .kind = CONTROL_STOP, .number = how };

        if (s->engine.pid == 0 || s->engine.kill_ns || !s->engine.is_ready)
                return;
        if (!control_send(s->engine.control, &stop, NULL))
                log_warning("the engine cannot be told to end: %s", strerror(errno));
        s->engine.kill_ns = now_ns + ENGINE_ENDS;
        s->engine.told = how;
}

void engine_ended(struct supervisor *s, int status, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        bool was_told = e->kill_ns, has_begun = e->is_ready;
        char how[HOW_ENDED_MAX];

        e->pid = 0;
        e->owes = !was_told || e->told != STOP_FOR_GOOD;
        engine_hangs_up(s, now_ns);
        if (s->stopping || !e->was_ready) {
                s->is_done = !e->was_ready || !e->owes || e->is_last;
                s->status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
                if (WIFSIGNALED(status))
                        log_error("the engine %s", how_ended(status, how));
                return;
        }
        if (s->offered)
                reload_drop(s, "the engine ended meanwhile");
        e->patience.due_ns = now_ns;
        if (was_told)
                return;
        s->common->supervisor.engine_restarts++;
        patience_ends(&e->patience, now_ns);
        log_warning("the engine %s; the next one begins in %lld ms and goes on from the "
                    "last snapshot",
                    how_ended(status, how), patience_left_ms(&e->patience, now_ns));
        if (!has_begun)
                reload_undo(s, now_ns);
}

void engine_look_after(struct supervisor *s, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        int64_t beat_ns = atomic_load(&s->common->engine_beat_ns);

        if (e->pid == 0)
                return;
        if (e->kill_ns ? now_ns > e->kill_ns
                       : (e->left_ns && now_ns - e->left_ns > ENGINE_LEAVES) ||
                             child_is_hung(s, beat_ns, e->patience.started_ns, now_ns))
                child_end_hung(s, e->pid, &e->is_killed, "the engine");
}
