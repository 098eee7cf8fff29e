/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "app/load.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF       (100 * NS_PER_MS) /* after the second death; doubles */
#define BACKOFF_MAX   (30 * NS_PER_SEC)
#define LIVES_WELL    (60 * NS_PER_SEC) /* who lived so long may die once more at once */
#define LOOKS_FOR     (200 * NS_PER_MS) /* an interface that is gone */
#define WORKER_ENDS   (5 * NS_PER_SEC)  /* how long one may take to end */
#define ENGINE_ENDS   (12 * NS_PER_SEC) /* it drains to Redis, and writes a snapshot */
#define ENGINE_LEAVES (5 * NS_PER_SEC)  /* its line is the last that it closes */
#define STARTS        (60 * NS_PER_SEC) /* until the first sign of life: a snapshot is read */

/* ---- patience ---- */

static void begins(struct patience *p, int64_t now_ns)
{
        p->started_ns = now_ns;
}

/* It has ended by itself: when may it begin again? */
static void ends(struct patience *p, int64_t now_ns)
{
        if (now_ns - p->started_ns > LIVES_WELL)
                p->wait_ns = 0;
        p->due_ns = now_ns + p->wait_ns;
        p->wait_ns = p->wait_ns ? 2 * p->wait_ns : BACKOFF;
        if (p->wait_ns > BACKOFF_MAX)
                p->wait_ns = BACKOFF_MAX;
}

/* ---- children ---- */

static bool is_free(const struct child *c)
{
        return c->pid == 0 && !c->ring;
}

static struct child *free_child(struct supervisor *s)
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

static void child_drop(struct child *c)
{
        ring_free(&c->ring);
        if (c->number)
                leave_group(c);
        *c = (struct child){ .held = -1 };
}

bool engine_tell(struct supervisor *s, const struct control_message *message,
                 const int fds[2])
{
        return s->engine.is_ready && control_send(s->engine.control, message, fds);
}

/* The engine reads the ring to its end; we need it no more. */
static void tell_over(struct supervisor *s, struct child *c)
{
        struct control_message over = { .kind = CONTROL_OVER, .number = c->number };

        if (c->pid == 0 && c->is_told && engine_tell(s, &over, NULL))
                child_drop(c);
}

static void tell_ring(struct supervisor *s, struct child *c)
{
        struct control_message message = { CONTROL_RING, c->number, c->generation };
        int fds[2] = { ring_memory_fd(c->ring), ring_wake_fd(c->ring) };

        if (!c->is_told)
                c->is_told = engine_tell(s, &message, fds);
}

/* What an engine that is busy, or a new one, has not been told yet. */
static void tell_all(struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++) {
                struct child *c = &s->children[i];
                if (is_free(c))
                        continue;
                tell_ring(s, c);
                tell_over(s, c);
        }
}

/* ---- in a child ---- */

/* Those of a terminal's keys, and of who reloads, are for the supervisor. */
static void forget_signals(bool is_worker)
{
        sigset_t set = supervisor_signals();

        signal(SIGCHLD, SIG_DFL);
        signal(SIGHUP, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, is_worker ? SIG_DFL : SIG_IGN);
        if (is_worker) /* once it can do what it is told (worker_run) */
                sigdelset(&set, SIGTERM);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int compare_fds(const void *a, const void *b)
{
        int x = *(const int *)a, y = *(const int *)b;

        return (x > y) - (x < y);
}

/* Only what it works with: its capture, its ring, and where to complain. */
static void keep_descriptors(const struct capture *capture, const struct ring *ring)
{
        int kept[CAPTURE_FDS + 3] = { STDERR_FILENO, ring_memory_fd(ring),
                                      ring_wake_fd(ring) };
        unsigned count = 3 + capture_fds(capture, kept + 3);

        dup2(STDERR_FILENO, STDIN_FILENO);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        qsort(kept, count, sizeof(kept[0]), compare_fds);
        for (unsigned i = 0; i + 1 < count; i++)
                if (kept[i] + 1 < kept[i + 1])
                        close_range((unsigned)kept[i] + 1, (unsigned)kept[i + 1] - 1, 0);
        close_range((unsigned)kept[count - 1] + 1, ~0u, 0);
}

static void forget_captures(struct slots *slots, const struct capture *keeps)
{
        for (unsigned i = 0; i < slots->count; i++)
                if (slots->slots[i].capture != keeps)
                        capture_close(&slots->slots[i].capture);
}

/* What the other workers share with the supervisor is not for this one. */
static void forget_others(struct supervisor *s, const struct child *own,
                          const struct capture *keeps)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (&s->children[i] != own)
                        ring_free(&s->children[i].ring);
        forget_captures(&s->slots, keeps);
        forget_captures(&s->next, keeps);
        munmap(s->common, sizeof(*s->common));
}

/* Of all setups that there are at this moment; those that were are wiped already. */
static void forget_secrets(struct supervisor *s)
{
        const struct setup *const setups[] = { s->setup, s->offered, s->before.setup,
                                               s->leaving };
        char *password = getenv("TRAWLWATCH_REDIS_PASSWORD");

        for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
                if (setups[i]) /* in a child: nobody else has these pages */
                        config_forget_secrets((struct config *)&setups[i]->config);
        if (password)
                explicit_bzero(password, strlen(password));
}

static int in_worker(struct supervisor *s, struct child *c, struct capture *capture,
                     int64_t after_ns)
{
        struct worker_options options = {
                .setup = s->setup,
                .capture = capture,
                .ring = c->ring,
                .observe_key = s->observe_key,
                .takes_all = s->line->print == PRINT_REQUESTS,
                .steady = s->steady,
                .after_ns = after_ns,
        };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != s->pid) /* it was gone before */
                return EXIT_FAILED;
        prctl(PR_SET_NAME, "trawl-capture");
        forget_signals(true);
        forget_others(s, c, capture);
        forget_secrets(s);
        keep_descriptors(capture, c->ring);
        return worker_run(&options);
}

static int in_engine(struct supervisor *s, int control)
{
        struct engine_process_options options = {
                .line = s->line,
                .setup = s->setup,
                .generation = s->generation,
                .control = control,
                .common = s->common,
                .steady = s->steady,
                .paths = &s->paths,
        };

        prctl(PR_SET_NAME, "trawl-engine");
        forget_signals(false);
        notify_close(&s->notify);
        for (unsigned i = 0; i < CHILDREN; i++)
                child_drop(&s->children[i]);
        forget_captures(&s->slots, NULL);
        forget_captures(&s->next, NULL);
        return engine_process_run(&options);
}

/* ---- workers ---- */

/* The interface under its name, or under the one that it has now. */
static bool slot_open(struct slots *slots, struct slot *slot, const struct setup *setup,
                      char error[CAPTURE_ERROR_MAX])
{
        struct capture_options options = run_capture_options(&setup->config);
        char renamed[IF_NAMESIZE];
        const char *name = slot->interface;

        if (slot->index && if_nametoindex(name) == 0 &&
            if_indextoname(slot->index, renamed))
                name = renamed;
        slot->capture = capture_open_live(name, &options, error);
        if (!slot->capture)
                return false;
        if (!run_link_is_known(slot->capture, error) ||
            (slots->share &&
             !capture_fan_out(slot->capture, &slots->slots[slot->first].group, error))) {
                capture_close(&slot->capture);
                return false;
        }
        slot->index = if_nametoindex(name);
        if (!slot->link[0])
                snprintf(slot->link, sizeof(slot->link), "%s", name);
        return true;
}

bool slots_make(struct slots *slots, const struct setup *setup)
{
        const struct text_list *interfaces = &setup->config.capture.interfaces;
        uint64_t workers = setup->config.capture.workers;

        *slots = (struct slots){ .share = workers > 1 };
        if (interfaces->count == 0) {
                log_error("no interface to capture on: name one with "
                          "capture.interfaces in the configuration, or with -i");
                return false;
        }
        if (interfaces->count * workers > SLOTS) {
                log_error(
                    "capture.interfaces names %u interfaces with %llu workers each; "
                    "at most %d workers are possible",
                    interfaces->count, (unsigned long long)workers, SLOTS);
                return false;
        }
        for (unsigned i = 0; i < interfaces->count; i++)
                for (unsigned w = 0; w < workers; w++) {
                        slots->slots[slots->count] =
                            (struct slot){ .interface = interfaces->items[i],
                                           .first = slots->count - w,
                                           .group = -1 };
                        slots->count++;
                }
        return true;
}

void slots_rename(struct slots *slots, const struct setup *setup)
{
        const struct config *config = &setup->config;

        for (unsigned i = 0; i < slots->count; i++)
                slots->slots[i].interface =
                    config->capture.interfaces.items[i / config->capture.workers];
}

void slots_close(struct slots *slots)
{
        forget_captures(slots, NULL);
        slots->count = 0;
}

bool slots_open(struct slots *slots, const struct setup *setup)
{
        char error[CAPTURE_ERROR_MAX];

        for (unsigned i = 0; i < slots->count; i++)
                if (!slot_open(slots, &slots->slots[i], setup, error)) {
                        log_error("%s", error);
                        slots_close(slots);
                        return false;
                }
        return true;
}

static struct ring *new_ring(const struct setup *setup)
{
        size_t bytes = RING_BYTES_MIN;

        while (bytes < setup->config.limits.ring)
                bytes *= 2;
        struct ring *ring = ring_new(bytes, sizeof(struct worker_page));

        if (ring)
                atomic_store(&((struct worker_page *)ring_shared(ring))->until_ns,
                             INT64_MAX);
        return ring;
}

/* A worker for the slot's capture, which it takes. NULL after a line. */
static struct child *start_worker(struct supervisor *s, struct slot *slot,
                                  int64_t after_ns)
{
        struct child *c = free_child(s);

        if (c)
                c->ring = new_ring(s->setup);
        if (!c || !c->ring) {
                log_error("%s",
                          c ? "there is no memory for a capture's ring; lower "
                              "limits.ring"
                            : "no capture can begin before those that end are over");
                capture_close(&slot->capture);
                return NULL;
        }
        c->number = ++s->last_number;
        c->generation = s->generation;
        c->kill_ns = 0;
        c->is_killed = c->is_told = false;
        c->held = fcntl(capture_fd(slot->capture), F_DUPFD_CLOEXEC, 3);
        pid_t pid = fork();
        if (pid == 0)
                _exit(in_worker(s, c, slot->capture, after_ns));
        capture_close(&slot->capture);
        if (pid < 0) {
                log_error("there is no process for a capture: %s", strerror(errno));
                child_drop(c);
                return NULL;
        }
        c->pid = pid;
        tell_ring(s, c);
        return c;
}

static void slot_start(struct supervisor *s, struct slot *slot, int64_t after_ns,
                       int64_t now_ns)
{
        begins(&slot->patience, now_ns);
        slot->child = start_worker(s, slot, after_ns);
        if (!slot->child)
                ends(&slot->patience, now_ns);
}

void slots_start(struct supervisor *s, int64_t after_ns, int64_t now_ns)
{
        for (unsigned i = 0; i < s->slots.count; i++)
                if (s->slots.slots[i].capture)
                        slot_start(s, &s->slots.slots[i], after_ns, now_ns);
}

/* Again, after its worker has ended. One that is gone is said once. */
static void slot_again(struct supervisor *s, struct slot *slot, int64_t now_ns)
{
        char error[CAPTURE_ERROR_MAX];

        if (!slot_open(&s->slots, slot, s->setup, error)) {
                if (!slot->is_missing)
                        log_warning("%s; looking for it until it is there", error);
                slot->is_missing = true;
                slot->patience.due_ns = now_ns + LOOKS_FOR;
                return;
        }
        if (slot->is_missing)
                log_info("%s: capturing again", capture_name(slot->capture));
        slot->is_missing = false;
        slot_start(s, slot, 0, now_ns);
}

static void end_worker(struct child *c, int64_t until_ns, int64_t now_ns)
{
        if (c->pid == 0 || c->kill_ns)
                return;
        atomic_store(&((struct worker_page *)ring_shared(c->ring))->until_ns, until_ns);
        c->kill_ns = now_ns + WORKER_ENDS;
        kill(c->pid, SIGTERM);
}

/* At once, but for one that was there for a moment only. */
static void is_due_when_found(struct slot *slot, int64_t now_ns)
{
        if (now_ns - slot->patience.started_ns < NS_PER_SEC)
                ends(&slot->patience, now_ns);
        else
                slot->patience.due_ns = now_ns;
}

void slot_lost(struct slot *slot, int64_t now_ns)
{
        log_warning("interface %s: it is gone; looking for it until it is there",
                    slot->link);
        slot->link[0] = '\0';
        slot->is_missing = true;
        slot->is_down = false;
        if (slot->child)
                end_worker(slot->child, INT64_MAX, now_ns);
        slot->child = NULL;
        is_due_when_found(slot, now_ns);
}

void slots_end(struct slots *slots, int64_t until_ns, int64_t now_ns)
{
        for (unsigned i = 0; i < slots->count; i++) {
                if (slots->slots[i].child)
                        end_worker(slots->slots[i].child, until_ns, now_ns);
                slots->slots[i].child = NULL;
        }
        slots_close(slots);
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

/* ---- the engine ---- */

void engine_start(struct supervisor *s, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        int pair[2];

        begins(&e->patience, now_ns);
        if (!control_pair(pair)) {
                log_error("there are no sockets for the engine: %s", strerror(errno));
                ends(&e->patience, now_ns);
                return;
        }
        atomic_store(&s->common->engine_beat_ns, 0);
        e->pid = fork();
        if (e->pid == 0) {
                close(pair[0]);
                _exit(in_engine(s, pair[1]));
        }
        close(pair[1]);
        e->control = pair[0];
        e->is_ready = e->is_killed = false;
        e->kill_ns = e->left_ns = 0;
        if (e->pid > 0)
                return;
        log_error("there is no process for the engine: %s", strerror(errno));
        close(e->control);
        e->control = -1;
        e->pid = 0;
        ends(&e->patience, now_ns);
}

/* It knows of no ring: of those that are written, and those that are over but not read.
 */
void engine_is_there(struct supervisor *s)
{
        s->engine.is_ready = s->engine.was_ready = true;
        for (unsigned i = 0; i < CHILDREN; i++)
                s->children[i].is_told = false;
        tell_all(s);
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

void engine_end(struct supervisor *s, bool at_once, int64_t now_ns)
{
        struct control_message stop = { .kind = CONTROL_STOP, .number = at_once };

        if (s->engine.pid == 0 || s->engine.kill_ns || !s->engine.is_ready)
                return;
        if (!control_send(s->engine.control, &stop, NULL))
                log_warning("the engine cannot be told to end: %s", strerror(errno));
        s->engine.kill_ns = now_ns + ENGINE_ENDS;
}

/* ---- ends ---- */

static const char *how_ended(int status, char text[64])
{
        if (WIFSIGNALED(status))
                snprintf(text, 64, "was killed by signal %d (%s)", WTERMSIG(status),
                         strsignal(WTERMSIG(status)));
        else
                snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
        return text;
}

static long long ms_until(int64_t then_ns, int64_t now_ns)
{
        return (then_ns - now_ns) / NS_PER_MS;
}

static struct slot *slot_of(struct supervisor *s, const struct child *c)
{
        for (unsigned i = 0; i < s->slots.count; i++)
                if (s->slots.slots[i].child == c)
                        return &s->slots.slots[i];
        return NULL;
}

/* Its own word is not enough: it may have been taken over. */
static bool is_gone(const struct slot *slot, int status)
{
        char name[IF_NAMESIZE];

        return WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CAPTURE_LOST &&
               slot->index && !if_indextoname(slot->index, name);
}

/* It ended by itself. Its place in the group is kept until the next one has joined. */
static void replace_worker(struct supervisor *s, struct slot *slot, int status,
                           int64_t now_ns)
{
        char how[64];

        slot->child = NULL;
        if (is_gone(slot, status)) {
                slot_lost(slot, now_ns);
        } else {
                s->common->supervisor.worker_restarts++;
                slot->restarts++;
                ends(&slot->patience, now_ns);
                log_warning("the capture of %s %s; the next one begins in %lld ms",
                            slot->interface, how_ended(status, how),
                            ms_until(slot->patience.due_ns, now_ns));
        }
        if (slot->patience.due_ns <= now_ns)
                slot_again(s, slot, now_ns);
}

static void worker_ended(struct supervisor *s, struct child *c, int status,
                         int64_t now_ns)
{
        struct slot *slot = slot_of(s, c);

        c->pid = 0;
        if (slot && !s->stopping)
                replace_worker(s, slot, status, now_ns);
        leave_group(c);
        tell_over(s, c);
}

static void engine_ended(struct supervisor *s, int status, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        bool was_told = e->kill_ns, has_begun = e->is_ready;
        char how[64];

        e->pid = 0;
        engine_hangs_up(s, now_ns);
        if (s->stopping || !e->was_ready) {
                s->is_done = true;
                s->status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
                if (WIFSIGNALED(status))
                        log_error("the engine %s", how_ended(status, how));
                return;
        }
        if (s->offered) {
                log_error("the engine ended during a reload: everything stays as it was");
                reload_drop(s);
        }
        e->patience.due_ns = now_ns;
        if (was_told)
                return;
        s->common->supervisor.engine_restarts++;
        ends(&e->patience, now_ns);
        log_warning("the engine %s; the next one begins in %lld ms and goes on from the "
                    "last snapshot",
                    how_ended(status, how), ms_until(e->patience.due_ns, now_ns));
        if (!has_begun)
                reload_undo(s, now_ns);
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

static bool is_hung(const struct supervisor *s, int64_t beat_ns, int64_t started_ns,
                    int64_t now_ns)
{
        if (beat_ns == 0)
                return now_ns - started_ns > STARTS;
        return beat_ns <
               now_ns - s->setup->config.limits.hung_ns; /* it may be any number */
}

/* Gives no sign of life, or was told to end and takes too long. */
static void end_hung(struct supervisor *s, pid_t pid, bool *is_killed, const char *what)
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
                        end_hung(s, c->pid, &c->is_killed, "a capture that was to end");
        }
        for (unsigned i = 0; i < s->slots.count; i++) {
                struct slot *slot = &s->slots.slots[i];
                struct child *c = slot->child;
                if (c && c->pid &&
                    is_hung(s, ring_heartbeat(c->ring), slot->patience.started_ns,
                            now_ns))
                        end_hung(s, c->pid, &c->is_killed, slot->interface);
        }
}

static void look_after_engine(struct supervisor *s, int64_t now_ns)
{
        struct engine_child *e = &s->engine;
        int64_t beat_ns = atomic_load(&s->common->engine_beat_ns);

        if (e->pid == 0)
                return;
        if (e->kill_ns ? now_ns > e->kill_ns
                       : (e->left_ns && now_ns - e->left_ns > ENGINE_LEAVES) ||
                             is_hung(s, beat_ns, e->patience.started_ns, now_ns))
                end_hung(s, e->pid, &e->is_killed, "the engine");
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

/* For those who ask the engine. */
static void share_slots(struct supervisor *s)
{
        struct common_page *common = s->common;

        common->slot_count = s->slots.count;
        for (unsigned i = 0; i < s->slots.count; i++) {
                const struct slot *slot = &s->slots.slots[i];
                snprintf(common->slots[i].name, sizeof(common->slots[i].name), "%s",
                         slot->interface);
                common->slots[i].of_interface = i - slot->first;
                common->slots[i].ring = slot->child ? slot->child->number : 0;
                common->slots[i].is_open = slot->child;
                common->slots[i].restarts = slot->restarts;
        }
}

void children_look_after(struct supervisor *s, int64_t now_ns)
{
        reap(s, now_ns);
        look_after_workers(s, now_ns);
        look_after_engine(s, now_ns);
        if (!s->stopping) {
                links_look_after(s, now_ns);
                start_what_is_due(s, now_ns);
        }
        tell_all(s);
        share_slots(s);
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
