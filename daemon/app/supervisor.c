/* SPDX-License-Identifier: MIT */
#include "app/supervisor.h"

#include "app/supervisor_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MESSAGES = 2 * CHILDREN }; /* of the engine, in a turn */

#define TURN         (100 * NS_PER_MS)
#define STATUS_EVERY (10 * NS_PER_SEC)

/* ---- signals ---- */

static volatile sig_atomic_t stop_signals, hangup_signal;

static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

static void on_signal(int number)
{
        if (number == SIGHUP)
                hangup_signal = 1;
        else if (number != SIGCHLD)
                stop_signals++;
}

sigset_t supervisor_signals(void)
{
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
                sigaddset(&set, handled[i]);
        return set;
}

/* They come only while the loop waits (ppoll). */
static void handle_signals(void)
{
        struct sigaction action = { .sa_handler = on_signal };
        sigset_t set = supervisor_signals();

        sigprocmask(SIG_BLOCK, &set, NULL);
        for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
                sigaction(handled[i], &action, NULL);
}

/* ---- the engine's messages ---- */

static void announce(const struct supervisor *s)
{
        const char *filter = s->setup->config.capture.filter;

        for (unsigned i = 0; i < s->slots.count; i++) {
                const struct capture *capture = s->slots.slots[i].capture;
                if (s->slots.slots[i].first == i)
                        log_info("capturing on %s (%s)%s%s", capture_name(capture),
                                 capture_link_name(capture_link(capture)),
                                 filter ? ", filter: " : "", filter ? filter : "");
        }
}

static void warn_of_root(const struct setup *setup)
{
        if (geteuid() == 0 && setup->config.admin.confine && !setup->config.admin.user)
                log_warning("this goes on as root: there is no user " CONFINE_USER
                            "; 'useradd --system " CONFINE_USER "' makes one");
}

static void on_ready(struct supervisor *s, int64_t now_ns)
{
        bool is_first = !s->engine.was_ready;

        engine_is_there(s);
        reload_settled(s);
        if (!is_first)
                return;
        announce(s);
        warn_of_root(s->setup);
        slots_start(s, 0, now_ns);
        notify_send(&s->notify, "READY=1");
}

static void on_message(struct supervisor *s, const struct control_message *message,
                       int64_t now_ns)
{
        switch (message->kind) {
        case CONTROL_READY:
                if (!s->engine.is_ready)
                        on_ready(s, now_ns);
                break;
        case CONTROL_REFUSED:
                worker_refused(s, message->number);
                break;
        case CONTROL_RELOADED:
                reload_answered(s, message->number, now_ns);
                break;
        case CONTROL_WANT_RELOAD:
                hangup_signal = 1;
                break;
        default: /* ours to say */
                break;
        }
}

static void close_all(const int fds[2])
{
        for (int i = 0; i < 2; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

/* An engine that says more than there is to say must not keep us from all else. */
void engine_listen(struct supervisor *s, unsigned most, int64_t now_ns)
{
        enum control_result result = CONTROL_MESSAGE;
        struct control_message message;
        int fds[2];

        for (unsigned i = 0; i < most && s->engine.control >= 0; i++) {
                result = control_receive(s->engine.control, &message, fds);
                if (result == CONTROL_NONE)
                        return;
                if (result == CONTROL_CLOSED)
                        engine_hangs_up(s, now_ns);
                if (result != CONTROL_MESSAGE)
                        continue;
                close_all(fds);
                on_message(s, &message, now_ns);
        }
}

/* ---- the service manager ---- */

struct rates {
        uint64_t requests, packets, drops;
};

static struct rates rates_of(const struct supervisor *s)
{
        struct rates sum = { s->common->ended.requests, s->common->ended.packets,
                             s->common->ended.kernel_drops };
        struct worker_page page;

        for (unsigned i = 0; i < CHILDREN; i++) {
                if (!s->children[i].ring)
                        continue;
                ring_shared_copy(s->children[i].ring, &page);
                sum.requests += page.counters.requests;
                sum.packets += page.counters.packets;
                sum.drops += page.counters.kernel_drops;
        }
        return sum;
}

/* What an engine that died had not yet added up is missing for a while. */
static double per_second(uint64_t now, uint64_t before, double seconds)
{
        return now > before ? (double)(now - before) / seconds : 0;
}

static void tell_status(struct supervisor *s, int64_t now_ns)
{
        struct rates now = rates_of(s);
        double seconds = (double)(now_ns - s->status_ns) / NS_PER_SEC;

        if (s->status_ns)
                notify_send(&s->notify,
                            "STATUS=%u captures: %.0f packets/s, %.0f requests/s, %llu "
                            "packets dropped; %llu incidents raised",
                            workers_running(s),
                            per_second(now.packets, s->packets, seconds),
                            per_second(now.requests, s->requests, seconds),
                            (unsigned long long)now.drops,
                            (unsigned long long)s->common->engine.incidents_raised);
        s->requests = now.requests;
        s->packets = now.packets;
        s->status_ns = now_ns;
}

static void tell_manager(struct supervisor *s, int64_t now_ns)
{
        if (s->notify.interval_ns && now_ns - s->watchdog_ns >= s->notify.interval_ns) {
                notify_send(&s->notify, "WATCHDOG=1");
                s->watchdog_ns = now_ns;
        }
        if (now_ns - s->status_ns >= STATUS_EVERY)
                tell_status(s, now_ns);
}

/* ---- the loop ---- */

static bool rings_hold_something(const struct supervisor *s)
{
        for (unsigned i = 0; i < CHILDREN; i++)
                if (s->children[i].ring && ring_used(s->children[i].ring) > 0)
                        return true;
        return false;
}

/* Captures first, so that what they saw is in the rings; then the engine. */
static void stop(struct supervisor *s, int64_t now_ns)
{
        if (!s->stopping) {
                s->stopping = true;
                notify_send(&s->notify, "STOPPING=1");
                slots_end(&s->slots, INT64_MAX, now_ns);
                slots_close(&s->next);
        }
        if (stop_signals > 1)
                workers_kill(s);
        if (workers_running(s) > 0)
                return;
        if (s->engine.pid == 0 && stop_signals == 1 && !s->engine.is_last &&
            (s->engine.owes || rings_hold_something(s)))
                engine_start(s, now_ns); /* the last one, for what is left */
        else if (s->engine.pid == 0)
                s->is_done = true;
        else
                engine_end(s, STOP_FOR_GOOD, now_ns);
}

static void handle(struct supervisor *s, int64_t now_ns)
{
        if (hangup_signal && !s->stopping) {
                hangup_signal = 0;
                s->reload_again = true;
        }
        if (s->reload_again && !s->stopping)
                reload_begin(s, now_ns);
        reload_look_after(s, now_ns);
        if (stop_signals)
                stop(s, now_ns);
}

static void wait_a_turn(const struct supervisor *s)
{
        struct pollfd engine = { .fd = s->engine.control, .events = POLLIN };
        struct timespec turn = { 0, TURN };
        sigset_t none;

        sigemptyset(&none);
        ppoll(&engine, 1, &turn, &none);
}

static void serve(struct supervisor *s)
{
        engine_start(s, clock_monotonic_ns());
        while (!s->is_done) {
                wait_a_turn(s);
                int64_t now_ns = clock_monotonic_ns();
                s->common->supervisor.clock_jumps +=
                    steady_tick(&s->steady, clock_wall_ns(), clock_boot_ns());
                engine_listen(s, MESSAGES, now_ns);
                children_look_after(s, now_ns);
                workers_agree(s, now_ns);
                handle(s, now_ns);
                tell_manager(s, now_ns);
        }
}

/* ---- making ---- */

static bool make_common(struct supervisor *s)
{
        s->common = mmap(NULL, sizeof(*s->common), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s->common != MAP_FAILED)
                return true;
        log_error("there is no memory: %s", strerror(errno));
        return false;
}

static bool become(const struct setup *setup)
{
        char error[CONFINE_ERROR_MAX];

        if (!setup->config.admin.confine || confine_user(setup->config.admin.user, error))
                return true;
        log_error("%s", error);
        return false;
}

/* A reload may name files that nobody has named yet: all may be read that the user may.
 */
static bool confine_self(struct supervisor *s)
{
        const struct config *config = &s->setup->config;
        struct confine_paths paths;
        char error[CONFINE_ERROR_MAX];

        if (!confine_paths_make(&paths, s->line, s->setup))
                return false;
        confine_paths_add_all(&paths);
        struct confine_options options = {
                .role = CONFINE_SUPERVISOR,
                .off = !config->admin.confine,
                .core_dumps = config->admin.core_dumps,
                .paths = paths.paths,
                .path_count = paths.count,
        };
        bool good = confine(&options, error);
        if (!good)
                log_error("%s", error);
        confine_paths_free(&paths);
        return good;
}

int supervisor_run(const struct command_line *line, const struct setup *setup)
{
        struct supervisor *s = calloc(1, sizeof(*s));
        int status = EXIT_FAILED;

        CHECK(s);
        s->line = line;
        s->setup = setup;
        children_init(s);
        notify_open(&s->notify);
        if (!slots_make(&s->slots, setup)) {
                status = EXIT_MISTAKE;
        } else if (become(setup) && slots_open(&s->slots, setup, NULL) &&
                   make_common(s) && confine_paths_make(&s->paths, line, setup) &&
                   run_observe_key(&setup->config, &s->observe_key) && confine_self(s)) {
                handle_signals();
                serve(s);
                status = s->status;
        }
        slots_close(&s->slots);
        confine_paths_free(&s->paths);
        children_free(s);
        notify_close(&s->notify);
        reload_forget(s);
        if (s->own_setup)
                check_free(s->own_setup);
        free(s->own_setup);
        free(s);
        return status;
}
