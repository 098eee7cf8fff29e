/* SPDX-License-Identifier: MIT */
/*
 * One process and one event loop: captures, alerts, signals (capture.workers: 0). For
 * debugging; supervisor.c is the way that traffic is read.
 */
#include "app/run.h"

#include "app/admin.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        BATCH = 1024, /* frames of one interface before another may speak */
        SOURCES_MAX = 64,
};

/* How often time passes for flows and incidents on quiet links. */
static const struct timeval tick = { 0, 100000 };

/* A word about traffic without any request: when it is looked for, and how often said. */
#define ADVICE_FIRST    (60 * NS_PER_SEC)
#define ADVICE_INTERVAL (3600 * NS_PER_SEC)

struct live;

struct source {
        struct live *live;
        struct capture *capture;
        struct event *readable;
        uint64_t kernel_drops, interface_drops;
};

struct live {
        struct run run;
        struct source sources[SOURCES_MAX];
        struct text_list interfaces; /* their names, which outlive them */
        unsigned source_count, open_count;
        struct event *timer;
        struct event *signals[3];
        struct log_limit drop_limit;
        int64_t advice_due_ns;
        struct setup *reloaded; /* what the last SIGHUP took up, or NULL */
        struct admin *admin;    /* NULL while there is none */
        bool stopping;
        int status;
};

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct source *source = context;

        pipeline_frame(source->live->run.pipeline, frame);
}

/* An interface is gone; the daemon ends when it was the last. */
static void close_source(struct source *source)
{
        struct live *live = source->live;

        event_free(source->readable);
        source->readable = NULL;
        capture_close(&source->capture);
        if (--live->open_count > 0)
                return;
        log_error("no interface is left to capture from");
        live->status = EXIT_FAILED;
        event_base_loopbreak(live->run.loop);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct source *source = context;

        (void)fd, (void)what;
        enum capture_result result =
            capture_read(source->capture, BATCH, on_frame, source);
        pipeline_settle(source->live->run.pipeline);
        output_flush(&source->live->run.output, true);
        if (result == CAPTURE_ERROR) {
                log_error("%s", capture_error(source->capture));
                close_source(source);
        }
}

static void note_drops(struct live *live, struct source *source)
{
        struct counters *counters = &live->run.counters;
        uint64_t kernel, interface;

        if (!source->capture || !capture_drops(source->capture, &kernel, &interface))
                return;
        uint64_t new =
            kernel - source->kernel_drops + interface - source->interface_drops;
        counters->kernel_drops += kernel - source->kernel_drops;
        counters->interface_drops += interface - source->interface_drops;
        source->kernel_drops = kernel;
        source->interface_drops = interface;
        if (new &&log_limit_pass(&live->drop_limit, clock_monotonic_ns()))
                log_warning(
                    "%s: %llu packets dropped by the kernel, %llu by the interface "
                    "since the start; raise capture.buffer or narrow the filter",
                    capture_name(source->capture), (unsigned long long)kernel,
                    (unsigned long long)interface);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct live *live = context;
        const struct config *config = &live->run.setup->config;

        (void)fd, (void)what;
        for (unsigned i = 0; i < live->source_count; i++)
                note_drops(live, &live->sources[i]);
        /* Packets up to this old may still be on their way through the kernel. */
        pipeline_advance(live->run.pipeline,
                         clock_wall_ns() - config->limits.merge_wait_ns);
        output_flush(&live->run.output, true);
        state_tick(&live->run.state, live->run.pipeline);
        if (privacy_tick(live->run.privacy, clock_wall_ns()))
                log_info("the next privacy key is in use: sessions and accounts have "
                         "other names from now on");
        if (clock_monotonic_ns() >= live->advice_due_ns)
                live->advice_due_ns +=
                    run_advise(&live->run) ? ADVICE_INTERVAL : ADVICE_FIRST;
}

/*
 * The kernel hands packets over in blocks, at the latest after capture.timeout: what
 * passed before the signal is waited for. A second signal does not wait.
 */
static void on_stop(evutil_socket_t fd, short what, void *context)
{
        struct live *live = context;
        int64_t wait_ns = 3 * live->run.setup->config.capture.timeout_ns + 20 * NS_PER_MS;
        struct timeval wait = { wait_ns / NS_PER_SEC, wait_ns % NS_PER_SEC / NS_PER_US };

        (void)fd, (void)what;
        if (live->stopping)
                event_base_loopbreak(live->run.loop);
        else
                event_base_loopexit(live->run.loop, &wait);
        live->stopping = true;
}

/* `messages` gets what was logged. */
static enum admin_reload take_up(struct live *live, struct setup *setup,
                                 struct buf *messages)
{
        struct buf text = { 0 };

        config_print_changed(&live->run.setup->config, &setup->config, RELOAD_CAPTURE,
                             RELOAD_RESTART, &text);
        if (!run_reload(&live->run, setup)) {
                log_error("SIGHUP: the old rules stay");
                check_free(setup);
                free(setup);
                buf_free(&text);
                return ADMIN_RELOAD_FAILED;
        }
        log_set_level((enum log_level)setup->config.log.level);
        if (text.len) {
                log_warning("these options count only after a restart: %.*s",
                            (int)text.len, (const char *)text.data);
                buf_printf(messages, "these options count only after a restart: %.*s\n",
                           (int)text.len, (const char *)text.data);
        }
        log_info("SIGHUP: taken up; %u rules", rules_count(setup->rules));
        buf_free(&text);
        if (live->reloaded) {
                check_free(live->reloaded);
                free(live->reloaded);
        }
        live->reloaded = setup;
        return ADMIN_RELOAD_TAKEN;
}

static enum admin_reload read_again(struct live *live, struct buf *messages)
{
        struct setup *setup = calloc(1, sizeof(*setup));

        CHECK(setup);
        bool good = check_load(&live->run.line->check, setup, messages);
        log_text(good ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, buf_slice(messages));
        if (good && !run_reload_privacy(&live->run, &setup->config)) {
                log_error("SIGHUP: no privacy key: everything stays as it is");
                check_free(setup);
                free(setup);
                return ADMIN_RELOAD_FAILED;
        }
        if (good)
                return take_up(live, setup, messages);
        log_error("SIGHUP: mistakes in the files: the old rules stay");
        free(setup);
        return ADMIN_RELOAD_MISTAKES;
}

/* Everything is read first; a mistake leaves everything as it is. */
static void reload(void *context)
{
        struct live *live = context;
        struct buf messages = { 0 };
        enum admin_reload result = read_again(live, &messages);

        live->run.counters.reloads += result == ADMIN_RELOAD_TAKEN;
        live->run.counters.reloads_failed += result != ADMIN_RELOAD_TAKEN;
        admin_reloaded(live->admin, result, buf_slice(&messages));
        buf_free(&messages);
}

static void on_hangup(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        reload(context);
}

/* For whoever asks how we are: a figures_fn. */
static void look(void *context, struct figures *figures)
{
        const struct live *live = context;

        figures_of_run(&live->run, figures);
        for (unsigned i = 0; i < live->source_count; i++) {
                const struct source *source = &live->sources[i];
                const char *name = live->interfaces.items[i];
                figures_add_interface(
                    figures, &(struct figures_interface){ name, source->capture != NULL,
                                                          source->kernel_drops,
                                                          source->interface_drops });
        }
}

static bool open_admin(struct live *live)
{
        live->admin =
            admin_new(&(struct admin_options){ .loop = live->run.loop,
                                               .config = &live->run.setup->config,
                                               .counters = &live->run.counters,
                                               .figures = look,
                                               .reload = reload,
                                               .context = live });
        return live->admin;
}

static bool open_source(struct live *live, const char *interface)
{
        struct source *source = &live->sources[live->source_count];
        struct capture_options options = run_capture_options(&live->run.setup->config);
        char error[CAPTURE_ERROR_MAX];

        source->live = live;
        source->capture = capture_open_live(interface, &options, error);
        if (!source->capture) {
                log_error("%s", error);
                return false;
        }
        live->source_count++;
        text_list_add(&live->interfaces, interface);
        if (!run_link_is_known(source->capture, error)) {
                log_error("%s", error);
                return false;
        }
        source->readable = event_new(live->run.loop, capture_fd(source->capture),
                                     EV_READ | EV_PERSIST, on_readable, source);
        CHECK(source->readable && event_add(source->readable, NULL) == 0);
        live->open_count++;
        return true;
}

static bool open_sources(struct live *live)
{
        const struct text_list *interfaces = &live->run.setup->config.capture.interfaces;

        if (interfaces->count == 0 || interfaces->count > SOURCES_MAX) {
                log_error(
                    "capture.interfaces names %u interfaces; one to %d are possible",
                    interfaces->count, SOURCES_MAX);
                return false;
        }
        for (unsigned i = 0; i < interfaces->count; i++)
                if (!open_source(live, interfaces->items[i]))
                        return false;
        return true;
}

static void announce(const struct live *live)
{
        const char *filter = live->run.setup->config.capture.filter;

        for (unsigned i = 0; i < live->source_count; i++) {
                const struct capture *capture = live->sources[i].capture;
                log_info("capturing on %s (%s)%s%s", capture_name(capture),
                         capture_link_name(capture_link(capture)),
                         filter ? ", filter: " : "", filter ? filter : "");
        }
}

static void watch_signals(struct live *live)
{
        static const struct {
                int number;
                event_callback_fn callback;
        } signals[] = { { SIGTERM, on_stop },
                        { SIGINT, on_stop },
                        { SIGHUP, on_hangup } };

        for (int i = 0; i < 3; i++) {
                live->signals[i] = evsignal_new(live->run.loop, signals[i].number,
                                                signals[i].callback, live);
                CHECK(live->signals[i] && event_add(live->signals[i], NULL) == 0);
        }
        live->timer = event_new(live->run.loop, -1, EV_PERSIST, on_tick, live);
        CHECK(live->timer && event_add(live->timer, &tick) == 0);
}

static void release(struct live *live)
{
        admin_free(&live->admin);
        text_list_clear(&live->interfaces);
        for (unsigned i = 0; i < live->source_count; i++) {
                if (live->sources[i].readable)
                        event_free(live->sources[i].readable);
                capture_close(&live->sources[i].capture);
        }
        for (int i = 0; i < 3; i++)
                if (live->signals[i])
                        event_free(live->signals[i]);
        if (live->timer)
                event_free(live->timer);
}

int run_live(const struct command_line *line, const struct setup *setup)
{
        struct live *live = calloc(1, sizeof(*live));

        CHECK(live);
        if (!run_begin(&live->run, line, setup, true)) {
                free(live);
                return EXIT_FAILED;
        }
        live->advice_due_ns = clock_monotonic_ns() + ADVICE_FIRST;
        bool prepared = open_sources(live) && open_admin(live) && run_prepare(&live->run);
        if (prepared) {
                watch_signals(live);
                announce(live);
                event_base_dispatch(live->run.loop);
        }
        release(live);
        if (prepared)
                run_finish(&live->run);
        run_release(&live->run);
        if (live->reloaded)
                check_free(live->reloaded);
        free(live->reloaded);
        int status = prepared ? live->status : EXIT_FAILED;
        free(live);
        return status;
}
