/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

#define ANSWERS      (60 * NS_PER_SEC) /* the engine reads all files again */
#define MOMENT_AHEAD (10 * NS_PER_MS)

static void setup_drop(struct setup **setup)
{
        if (*setup) {
                check_free(*setup);
                free(*setup);
        }
        *setup = NULL;
}

static struct setup *read_files(struct supervisor *s)
{
        struct setup *setup = calloc(1, sizeof(*setup));
        struct buf messages = { 0 };

        CHECK(setup);
        bool good = check_load(&s->line->check, setup, &messages);
        log_text(good ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, buf_slice(&messages));
        buf_free(&messages);
        if (good)
                return setup;
        free(setup);
        return NULL;
}

static void warn_of_restart(const struct supervisor *s, const struct setup *setup)
{
        struct buf names = { 0 };

        config_print_changed(&s->setup->config, &setup->config, RELOAD_RESTART,
                             RELOAD_RESTART, &names);
        if (names.len)
                log_warning("these options count only after a restart: %.*s",
                            (int)names.len, (const char *)names.data);
        buf_free(&names);
}

static bool differs(const struct supervisor *s, const struct setup *setup,
                    enum config_reload reload)
{
        struct buf names = { 0 };

        config_print_changed(&s->setup->config, &setup->config, reload, reload, &names);
        bool any = names.len;
        buf_free(&names);
        return any;
}

/* The captures of the new workers; they wait, with what comes meanwhile. */
static bool prepare_workers(struct supervisor *s, const struct setup *setup)
{
        s->changes_records = !front_is_same(s->setup, setup);
        s->replaces_workers = differs(s, setup, RELOAD_CAPTURE) || s->changes_records;
        return !s->replaces_workers ||
               (slots_make(&s->next, setup) && slots_open(&s->next, setup, &s->slots));
}

/* The engine may read only what was named when it began; and there may be none to ask,
   as it cannot begin with what the reload mends. */
static bool needs_an_engine(struct supervisor *s, const struct setup *setup)
{
        return s->engine.pid == 0 || differs(s, setup, RELOAD_ENGINE) ||
               (s->setup->config.admin.confine &&
                confine_paths_grow(&s->paths, &s->next_paths));
}

/* The old workers read to one moment, the new ones on from it. They hear of it before it
   is there, so that none has read further. */
static void replace_workers(struct supervisor *s, int64_t now_ns)
{
        int64_t moment_ns = clock_wall_ns() + MOMENT_AHEAD;

        slots_end(&s->slots, moment_ns, now_ns);
        s->slots = s->next;
        s->next.count = 0;
        slots_start(s, moment_ns, now_ns);
}

static void ready(struct supervisor *s)
{
        notify_send(&s->notify, "READY=1");
}

static void settled(struct supervisor *s)
{
        s->common->supervisor.reloads++;
        ready(s);
}

static void all_stays(struct supervisor *s, const char *why)
{
        struct control_message stays = { .kind = CONTROL_STAYS };

        s->common->supervisor.reloads_failed++;
        log_error("SIGHUP: %s: the old rules stay", why);
        engine_tell(s, &stays, NULL);
        ready(s);
}

static void before_drop(struct before *before)
{
        setup_drop(&before->own);
        confine_paths_free(&before->paths);
        *before = (struct before){ 0 };
}

/* From now on that setup is the one of all children that begin. Returns the one before.
 */
static struct before exchange(struct supervisor *s, const struct before *next,
                              int64_t now_ns)
{
        struct before old = { s->setup, s->own_setup, s->paths };

        s->leaving = old.setup;
        s->setup = next->setup;
        s->own_setup = next->own;
        s->paths = next->paths;
        s->generation += s->changes_records;
        if (s->replaces_workers) {
                replace_workers(s, now_ns);
        } else {
                slots_rename(&s->slots, s->setup);
        }
        s->leaving = NULL;
        return old;
}

static void take_up(struct supervisor *s, struct setup *setup, bool is_settled,
                    int64_t now_ns)
{
        struct before next = { setup, setup, s->next_paths };

        s->next_paths = (struct confine_paths){ 0 };
        struct before old = exchange(s, &next, now_ns);
        if (is_settled || s->before.setup)
                before_drop(&old);
        else
                s->before = old;
        log_set_level((enum log_level)setup->config.log.level);
        log_info("SIGHUP: taken up%s%s", s->replaces_workers ? ", by new captures" : "",
                 is_settled ? "" : ", by a new engine");
        if (is_settled)
                settled(s);
}

void reload_begin(struct supervisor *s, int64_t now_ns)
{
        if (s->offered || !s->engine.was_ready ||
            (s->engine.pid != 0 && (!s->engine.is_ready || s->engine.kill_ns))) {
                s->reload_again = true;
                return;
        }
        s->reload_again = false;
        notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
                    (long long)(clock_monotonic_ns() / NS_PER_US));
        struct setup *setup = read_files(s);
        if (!setup || !confine_paths_make(&s->next_paths, s->line, setup) ||
            !prepare_workers(s, setup)) {
                confine_paths_free(&s->next_paths);
                setup_drop(&setup);
                all_stays(s, "mistakes in the files");
                return;
        }
        warn_of_restart(s, setup);
        if (needs_an_engine(s, setup)) {
                bool workers_stay = !s->replaces_workers;
                take_up(s, setup, false, now_ns);
                if (s->engine.pid == 0)
                        s->engine.patience.due_ns = now_ns;
                engine_end(s, workers_stay ? STOP_AT_ONCE : STOP_HANDS_OVER, now_ns);
                return;
        }
        struct control_message reload = { .kind = CONTROL_RELOAD,
                                          .generation =
                                              s->generation + s->changes_records };
        s->offered = setup;
        s->offered_ns = now_ns;
        engine_tell(s, &reload, NULL); /* if it does not hear it, see reload_look_after */
}

void reload_look_after(struct supervisor *s, int64_t now_ns)
{
        if (!s->offered || now_ns - s->offered_ns < ANSWERS)
                return;
        reload_drop(s, "the engine gives no answer and is replaced");
        s->common->supervisor.children_hung++;
        kill(s->engine.pid, SIGKILL);
}

void reload_answered(struct supervisor *s, bool is_taken_up, int64_t now_ns)
{
        struct setup *setup = s->offered;

        if (!setup)
                return;
        if (!is_taken_up) {
                reload_drop(s, "the engine cannot take them up");
                return;
        }
        s->offered = NULL;
        take_up(s, setup, true, now_ns);
}

void reload_drop(struct supervisor *s, const char *why)
{
        slots_close(&s->next);
        confine_paths_free(&s->next_paths);
        setup_drop(&s->offered);
        all_stays(s, why);
}

void reload_settled(struct supervisor *s)
{
        if (s->before.setup)
                settled(s);
        before_drop(&s->before);
}

void reload_forget(struct supervisor *s)
{
        before_drop(&s->before);
        setup_drop(&s->offered);
        confine_paths_free(&s->next_paths);
}

void reload_undo(struct supervisor *s, int64_t now_ns)
{
        if (!s->before.setup || !prepare_workers(s, s->before.setup))
                return;
        struct before failed = exchange(s, &s->before, now_ns);
        s->before = (struct before){ 0 };
        before_drop(&failed);
        s->common->supervisor.reloads_failed++;
        ready(s);
        log_set_level((enum log_level)s->setup->config.log.level);
        log_error("no engine begins with what the reload has read (see above): back to "
                  "what was before; mend it and reload again");
}
