/* SPDX-License-Identifier: MIT */
#include "app/worker.h"

#include "app/confine.h"
#include "app/exit_status.h"
#include "app/load.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 1024 }; /* frames between two looks at anything else */

/* Packets come from the kernel by the block: at most so much later than their stamp. */
#define ON_THE_WAY (30 * NS_PER_MS)

#define FLOW_BYTES   512
#define OTHER_MEMORY (256u << 20)

static const struct timeval tick = { 0, 50000 };

struct worker {
        const struct worker_options *options;
        struct event_base *loop;
        struct event *readable, *timer, *terminate, *end;
        struct front *front;
        struct message_writer writer;
        struct worker_page *page;
        struct steady steady;
        uint64_t kernel_drops, interface_drops;
        unsigned frames; /* of the last read */
        struct load load;
        uint64_t lost;                 /* at the last tick */
        int64_t ticked_ns, reading_ns; /* when that was; spent since on what was read */
        bool has_more;                 /* the last read did not come to an end */
        int64_t all_read_ns; /* wall clock, steady: what the kernel had then is read */
        bool is_ending;
        bool is_past;    /* a frame that is for the next one has come */
        int64_t stop_ns; /* what is later is not read, and there is no next one */
        int status;
};

static void look_at_clock(struct worker *w)
{
        steady_tick(&w->steady, clock_wall_ns(), clock_boot_ns());
}

/* The supervisor may have said so before the signal comes. */
static int64_t until_ns(const struct worker *w)
{
        int64_t ns = atomic_load_explicit(&w->page->until_ns, memory_order_relaxed);

        return ns < w->stop_ns ? ns : w->stop_ns;
}

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct worker *w = context;
        struct capture_frame steady = *frame;

        w->frames++;
        if (frame->time_ns > until_ns(w)) {
                w->is_past = true;
                return;
        }
        if (frame->time_ns <= w->options->after_ns)
                return;
        steady.time_ns = steady_stamp(&w->steady, frame->time_ns);
        front_frame(w->front, &steady);
}

static void publish(struct worker *w)
{
        ring_publish(w->options->ring);
        ring_beat(w->options->ring, clock_monotonic_ns());
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct worker *w = context;
        int64_t begin_ns = clock_monotonic_ns();

        (void)fd, (void)what;
        look_at_clock(w);
        int64_t now_ns = steady_time(&w->steady, clock_wall_ns());
        w->frames = 0;
        enum capture_result result =
            capture_read(w->options->capture, BATCH, on_frame, w);
        w->has_more = w->frames >= BATCH;
        if (!w->has_more)
                w->all_read_ns = now_ns;
        publish(w);
        w->reading_ns += clock_monotonic_ns() - begin_ns;
        if (result == CAPTURE_ERROR) {
                log_warning("%s", capture_error(w->options->capture));
                w->status = WORKER_CAPTURE_LOST;
                event_base_loopbreak(w->loop);
        }
}

static void note_drops(struct worker *w)
{
        struct counters *counters = &w->page->counters;
        uint64_t kernel, interface;

        if (!capture_drops(w->options->capture, &kernel, &interface))
                return;
        counters->kernel_drops += kernel - w->kernel_drops;
        counters->interface_drops += interface - w->interface_drops;
        w->kernel_drops = kernel;
        w->interface_drops = interface;
}

static uint64_t lost(const struct worker *w)
{
        return w->page->counters.kernel_drops + w->page->counters.interface_drops +
               w->page->counters.ring_full;
}

static unsigned in_1000(uint64_t part, uint64_t whole)
{
        return whole ? (unsigned)(part * 1000 / whole) : 0;
}

static unsigned wanted_level(struct worker *w, int64_t now_ns)
{
        const struct ring *ring = w->options->ring;
        int64_t tick_ns = now_ns - w->ticked_ns;
        struct load_seen seen = {
                .lost = lost(w) - w->lost,
                .ring = in_1000(ring_used(ring), ring_bytes(ring)),
                .busy = in_1000((uint64_t)w->reading_ns, (uint64_t)tick_ns),
                .is_behind = w->has_more,
                .in_force = (unsigned)w->page->level,
        };

        w->lost = lost(w);
        w->ticked_ns = now_ns;
        w->reading_ns = 0;
        return load_tick(&w->load, &seen, now_ns);
}

/* What is left out is agreed on: a visitor may come to several captures. */
static void look_at_load(struct worker *w)
{
        struct worker_page *page = w->page;

        if (w->options->setup->config.limits.overload == OVERLOAD_AUTO)
                page->level_wanted = wanted_level(w, clock_monotonic_ns());
        uint64_t level =
            page->level > page->level_wanted ? page->level : page->level_wanted;
        front_set_load(w->front, (unsigned)level);
        page->sample_shift = front_sample_shift(w->front);
}

/* Also true of one that has an error to tell. */
static bool is_readable(const struct worker *w)
{
        struct pollfd capture = { .fd = capture_fd(w->options->capture),
                                  .events = POLLIN };

        return poll(&capture, 1, 0) != 0;
}

/*
 * Up to where the records are complete. A worker that had no processor for a while may
 * come here before it has read what waits: that counts, not the clock.
 */
static void tell_time(struct worker *w, int64_t now_ns)
{
        if (!is_readable(w))
                w->all_read_ns = now_ns;
        message_time(&w->writer, w->all_read_ns -
                                     2 * w->options->setup->config.capture.timeout_ns -
                                     ON_THE_WAY);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct worker *w = context;
        const struct config *config = &w->options->setup->config;

        (void)fd, (void)what;
        look_at_clock(w);
        note_drops(w);
        look_at_load(w);
        front_look(w->front, &w->page->use);
        int64_t now_ns = steady_time(&w->steady, clock_wall_ns());
        front_advance(w->front, now_ns - config->limits.merge_wait_ns);
        tell_time(w, now_ns);
        publish(w);
}

static void end_later(struct worker *w, int64_t wait_ns)
{
        struct timeval wait = { wait_ns / NS_PER_SEC, wait_ns % NS_PER_SEC / NS_PER_US };

        event_add(w->end, &wait);
}

/* Of a full buffer all that is due is read; who takes too long for it is killed. */
static void on_end(evutil_socket_t fd, short what, void *context)
{
        struct worker *w = context;

        (void)fd, (void)what;
        if (w->has_more && !w->is_past)
                end_later(w, NS_PER_MS);
        else
                event_base_loopbreak(w->loop);
}

/* What passed before until_ns may still be on its way through the kernel. */
static void on_terminate(evutil_socket_t fd, short what, void *context)
{
        struct worker *w = context;

        (void)fd, (void)what;
        if (w->is_ending)
                return;
        w->is_ending = true;
        if (until_ns(w) == INT64_MAX)
                w->stop_ns = clock_wall_ns();
        end_later(w, 3 * w->options->setup->config.capture.timeout_ns + ON_THE_WAY);
}

/* One that is told to end while it begins has a capture, too, that it is to read. */
static void allow_to_terminate(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool make(struct worker *w)
{
        struct front_options front = {
                .setup = w->options->setup,
                .flow_key = hash_key_random(),
                .observe_key = w->options->observe_key,
                .takes_all = w->options->takes_all,
                .sink = message_sink(&w->writer),
                .counters = &w->page->counters,
        };

        w->front = front_new(&front);
        w->writer.front = w->front;
        if (!w->front) {
                log_error("%s: the memory for the limits of a capture cannot be "
                          "reserved; lower limits.flows, limits.reassembly or "
                          "limits.http_memory",
                          capture_name(w->options->capture));
                return false;
        }
        w->loop = event_base_new();
        CHECK(w->loop);
        w->readable = event_new(w->loop, capture_fd(w->options->capture),
                                EV_READ | EV_PERSIST, on_readable, w);
        w->timer = event_new(w->loop, -1, EV_PERSIST, on_tick, w);
        w->terminate = evsignal_new(w->loop, SIGTERM, on_terminate, w);
        w->end = evtimer_new(w->loop, on_end, w);
        CHECK(w->end);
        CHECK(w->readable && event_add(w->readable, NULL) == 0);
        CHECK(w->timer && event_add(w->timer, &tick) == 0);
        CHECK(w->terminate && event_add(w->terminate, NULL) == 0);
        return true;
}

/* What the limits of one worker add up to, and as much again for the rest. */
static uint64_t memory_of(const struct config *config)
{
        uint64_t sum = config->limits.flows * FLOW_BYTES + config->limits.reassembly +
                       config->limits.http_memory + config->limits.hello_memory +
                       config->limits.fragments;

        return 2 * sum + OTHER_MEMORY;
}

/* From here on nothing is opened any more. */
static bool confine_self(const struct worker *w)
{
        const struct config *config = &w->options->setup->config;
        struct confine_options options = {
                .role = CONFINE_WORKER,
                .off = !config->admin.confine,
                .core_dumps = config->admin.core_dumps,
                .memory = memory_of(config),
        };
        char error[CONFINE_ERROR_MAX];

        if (confine(&options, error))
                return true;
        log_error("%s: %s", capture_name(w->options->capture), error);
        return false;
}

static void release(struct worker *w)
{
        event_free(w->readable);
        event_free(w->timer);
        event_free(w->terminate);
        event_free(w->end);
        event_base_free(w->loop);
        front_free(&w->front);
        message_writer_free(&w->writer);
}

int worker_run(const struct worker_options *options)
{
        struct worker w = {
                .options = options,
                .writer = { .ring = options->ring },
                .page = ring_shared(options->ring),
                .steady = options->steady,
                .stop_ns = INT64_MAX,
        };

        w.writer.counters = &w.page->counters;
        if (!make(&w) || !confine_self(&w))
                return EXIT_FAILED;
        w.ticked_ns = clock_monotonic_ns();
        look_at_load(&w);
        publish(&w);
        allow_to_terminate();
        event_base_dispatch(w.loop);
        if (w.status == 0)
                front_finish(w.front);
        publish(&w);
        release(&w);
        return w.status;
}
