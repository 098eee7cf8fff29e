/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "app/load.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF     (100 * NS_PER_MS) /* after the second death; doubles */
#define BACKOFF_MAX (30 * NS_PER_SEC)
#define LIVES_WELL  (60 * NS_PER_SEC) /* who lived so long may die once more at once */
#define STARTS      (60 * NS_PER_SEC) /* until the first sign of life: a snapshot is read */

/* ---- patience ---- */

void patience_begins(struct patience *p, int64_t now_ns)
{
        p->started_ns = now_ns;
}

/* It has ended by itself: when may it begin again? */
void patience_ends(struct patience *p, int64_t now_ns)
{
        if (now_ns - p->started_ns > LIVES_WELL)
                p->wait_ns = 0;
        p->due_ns = now_ns + p->wait_ns;
        p->wait_ns = p->wait_ns ? 2 * p->wait_ns : BACKOFF;
        if (p->wait_ns > BACKOFF_MAX)
                p->wait_ns = BACKOFF_MAX;
}

long long patience_left_ms(const struct patience *p, int64_t now_ns)
{
        return (p->due_ns - now_ns) / NS_PER_MS;
}

/* ---- children ---- */

static bool is_free(const struct child *c)
{
        return c->pid == 0 && !c->ring;
}

struct child *child_free_one(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (is_free(&s->children[i]))
                        return &s->children[i];
        return NULL;
}

static void leave_group(struct child *c)
{
        if (c->held >= 0)
                close(c->held);
        c->held = -1;
}

void child_drop(struct child *c)
{
        ring_free(&c->ring);
        if (c->number)
                leave_group(c);
        *c = (struct child){ .held = -1 };
}

/* The engine reads the ring to its end; we need it no more. */
static void tell_over(struct supervisor *s, struct child *c)
{
        struct control_message over = { .kind = CONTROL_OVER, .number = c->number };

        if (s->engine.kill_ns && s->engine.told == STOP_AT_ONCE &&
            c->generation == s->generation) /* the next one reads it to the end */
                return;
        if (c->pid == 0 && c->is_told && engine_tell(s, &over, NULL))
                child_drop(c);
}

void child_tell_ring(struct supervisor *s, struct child *c)
{
        struct control_message message = { CONTROL_RING, c->number, c->generation };
        int fds[2] = { ring_memory_fd(c->ring), ring_wake_fd(c->ring) };

        if (!c->is_told)
                c->is_told = engine_tell(s, &message, fds);
}

/* What an engine that is busy, or a new one, has not been told yet. */
void children_tell(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++) {
                struct child *c = &s->children[i];
                if (is_free(c))
                        continue;
                child_tell_ring(s, c);
                tell_over(s, c);
        }
}

void worker_refused(struct supervisor *s, unsigned number)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (s->children[i].pid && s->children[i].number == number &&
                    !s->children[i].is_killed) {
                        s->children[i].is_killed = true;
                        log_warning("a capture's process is not to be believed any more "
                                    "and is replaced");
                        kill(s->children[i].pid, SIGKILL);
                }
}

unsigned workers_running(const struct supervisor *s)
{
        unsigned count = 0;

        for (unsigned i = 0; i < CHILDREN; i++)
                count += s->children[i].pid != 0;
        return count;
}

void workers_kill(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (s->children[i].pid)
                        kill(s->children[i].pid, SIGKILL);
}

/* ---- what is left out for want of time ---- */

static unsigned level_wanted(const struct supervisor *s)
{
        struct worker_page page;
        uint64_t most = 0;

        for (unsigned i = 0; i < CHILDREN; i++) {
                if (!s->children[i].pid)
                        continue;
                ring_shared_copy(s->children[i].ring, &page);
                if (page.level_wanted > most)
                        most = page.level_wanted;
        }
        return most < LOAD_LEVELS ? (unsigned)most : LOAD_LEVELS - 1;
}

static void tell_level(struct supervisor *s, unsigned level, int64_t now_ns)
{
        if (level && !s->level_told && log_limit_pass(&s->level_limit, now_ns)) {
                s->level_told = true;
                log_warning(
                    "more traffic than %u captures have time for: %s from now on, "
                    "and less if need be; raise capture.workers or narrow "
                    "capture.filter, and see limits.ring where ring_full_total "
                    "grows",
                    workers_running(s), load_level_text(level));
        }
        if (!level && s->level_told) {
                s->level_told = false;
                log_info("the captures keep up again: %s", load_level_text(0));
        }
}

void workers_agree(struct supervisor *s, int64_t now_ns)
{
        unsigned level = level_wanted(s);

        for (unsigned i = 0; i < CHILDREN; i++)
                if (s->children[i].pid)
                        ((struct worker_page *)ring_shared(s->children[i].ring))->level =
                            level;
        s->common->supervisor.overloads += level && !s->level;
        tell_level(s, level, now_ns);
        s->level = level;
}

/* ---- ends ---- */

const char *how_ended(int status, char text[HOW_ENDED_MAX])
{
        if (WIFSIGNALED(status))
                snprintf(text, HOW_ENDED_MAX, "was killed by signal %d (%s)",
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
        else
                snprintf(text, HOW_ENDED_MAX, "ended with status %d",
                         WEXITSTATUS(status));
        return text;
}

static struct slot *slot_of(struct supervisor *s, const struct child *c)
{
        for (unsigned i = 0; i < s->slots.count; i++)
                if (s->slots.slots[i].child == c)
                        return &s->slots.slots[i];
        return NULL;
}

static void worker_ended(struct supervisor *s, struct child *c, int status,
                         int64_t now_ns)
{
        struct slot *slot = slot_of(s, c);

        slots_add_drops(&s->slots, c);
        c->pid = 0;
        if (slot && !s->stopping)
                slot_worker_ended(s, slot, status, now_ns);
        leave_group(c); /* the next one has joined it, when it began at once */
        tell_over(s, c);
}

static void reap(struct supervisor *s, int64_t now_ns)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                if (pid == s->engine.pid) {
                        engine_ended(s, status, now_ns);
                        continue;
                }
                for (unsigned i = 0; i < CHILDREN; i++)
                        if (s->children[i].pid == pid)
                                worker_ended(s, &s->children[i], status, now_ns);
        }
}

/* ---- signs of life ---- */

bool child_is_hung(const struct supervisor *s, int64_t beat_ns, int64_t started_ns,
                   int64_t now_ns)
{
        if (beat_ns == 0)
                return now_ns - started_ns > STARTS;
        return beat_ns <
               now_ns - s->setup->config.limits.hung_ns; /* it may be any number */
}

/* Gives no sign of life, or was told to end and takes too long. */
void child_end_hung(struct supervisor *s, pid_t pid, bool *is_killed, const char *what)
{
        if (*is_killed)
                return;
        *is_killed = true;
        s->common->supervisor.children_hung++;
        log_warning("%s gives no sign of life and is killed", what);
        kill(pid, SIGKILL);
}

static void look_after_workers(struct supervisor *s, int64_t now_ns)
{
        for (unsigned i = 0; i < CHILDREN; i++) {
                struct child *c = &s->children[i];
                if (c->pid && c->kill_ns && now_ns > c->kill_ns)
                        child_end_hung(s, c->pid, &c->is_killed,
                                       "a capture that was to end");
        }
        for (unsigned i = 0; i < s->slots.count; i++) {
                struct slot *slot = &s->slots.slots[i];
                struct child *c = slot->child;
                if (c && c->pid &&
                    child_is_hung(s, ring_heartbeat(c->ring), slot->patience.started_ns,
                                  now_ns))
                        child_end_hung(s, c->pid, &c->is_killed, slot->interface);
        }
}

static void start_what_is_due(struct supervisor *s, int64_t now_ns)
{
        if (s->engine.pid == 0 && now_ns >= s->engine.patience.due_ns)
                engine_start(s, now_ns);
        if (!s->engine.was_ready)
                return;
        for (unsigned i = 0; i < s->slots.count; i++) {
                struct slot *slot = &s->slots.slots[i];
                if (!slot->child && now_ns >= slot->patience.due_ns)
                        slot_again(s, slot, now_ns);
        }
}

void children_look_after(struct supervisor *s, int64_t now_ns)
{
        reap(s, now_ns);
        look_after_workers(s, now_ns);
        engine_look_after(s, now_ns);
        if (!s->stopping) {
                links_look_after(s, now_ns);
                start_what_is_due(s, now_ns);
        }
        children_tell(s);
        slots_share(s);
}

void children_init(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                s->children[i].held = -1;
        s->engine.control = -1;
        s->pid = getpid();
}

/* Those that are over are of no use to anybody any more. */
void children_free(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                child_drop(&s->children[i]);
}
