/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "base/check.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

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

/* What the other workers share with the supervisor is not for this one. */
static void forget_others(struct supervisor *s, const struct child *own,
                          const struct capture *keeps)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (&s->children[i] != own)
                        ring_free(&s->children[i].ring);
        slots_forget(&s->slots, keeps);
        slots_forget(&s->next, keeps);
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

/* Nobody would notice from now on if it hung. */
static void on_orphaned(int number)
{
        (void)number;
        alarm(ENGINE_ENDS_SECONDS);
}

static void end_without_parent(const struct supervisor *s)
{
        signal(SIGUSR1, on_orphaned);
        signal(SIGALRM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        if (getppid() != s->pid) /* it was gone before */
                on_orphaned(SIGUSR1);
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
        end_without_parent(s);
        notify_close(&s->notify);
        for (unsigned i = 0; i < CHILDREN; i++)
                child_drop(&s->children[i]);
        slots_forget(&s->slots, NULL);
        slots_forget(&s->next, NULL);
        return engine_process_run(&options);
}

pid_t fork_worker(struct supervisor *s, struct child *c, struct capture *capture,
                  int64_t after_ns)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(in_worker(s, c, capture, after_ns));
        return pid;
}

pid_t fork_engine(struct supervisor *s, const int pair[2])
{
        pid_t pid = fork();

        if (pid == 0) {
                close(pair[0]);
                _exit(in_engine(s, pair[1]));
        }
        return pid;
}
