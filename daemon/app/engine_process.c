/* SPDX-License-Identifier: MIT */
#include "app/engine_process.h"

#include "app/control.h"
#include "app/run.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MESSAGES = 4096 }; /* between two looks at anything else */

static const struct timeval tick = { 0, 100000 }, soon = { 0, 1000 };

/* Packets may be so much newer than our clock: that of another machine's mirror. */
#define NEWER_MAX (300 * NS_PER_SEC)

/* A capture that is further behind is not waited for: it is slower than its traffic, or
   lies. */
#define BEHIND_MAX (5 * NS_PER_SEC)

#define ADVICE_FIRST    (60 * NS_PER_SEC)
#define ADVICE_INTERVAL (3600 * NS_PER_SEC)

struct waker {
        const struct ring *ring;
        struct event *event;
};

struct process {
        struct run run;
        const struct engine_process_options *options;
        struct merge *merge;
        struct waker wakers[MERGE_RINGS];
        unsigned waker_count;
        struct event *control, *timer, *again;
        struct admin *admin;
        char names[COMMON_SLOTS][80]; /* of workers, for those who ask */
        struct counters total;
        struct steady steady;
        struct setup *setup;   /* of the last reload; NULL: that of the start */
        struct setup *pending; /* taken up when the rings of before are over */
        unsigned pending_generation;
        struct control_message next; /* a reload that waits for that; kind 0: none */
        unsigned
            told_refused; /* number of the last ring that the supervisor was told of */
        int64_t advice_due_ns;
        bool is_stopping, stops_at_once;
        int status;
};

static void tell(struct process *p, enum control_kind kind, unsigned number)
{
        struct control_message message = { .kind = kind, .number = number };

        /* It is asked again when it does not answer; nothing hangs on one message. */
        if (!control_send(p->options->control, &message, NULL))
                log_warning("the supervisor does not listen");
}

/* ---- a reload ---- */

static void drop_setup(struct setup **setup)
{
        if (*setup) {
                check_free(*setup);
                free(*setup);
        }
        *setup = NULL;
}

/* The rings of before are over, or were not concerned. False: everything stays. */
static bool take_up(struct process *p)
{
        struct setup *setup = p->pending;

        p->pending = NULL;
        if (!run_reload_privacy(&p->run, &setup->config) || !run_reload(&p->run, setup)) {
                drop_setup(&setup);
                return false;
        }
        log_set_level((enum log_level)setup->config.log.level);
        merge_go_on(p->merge, p->pending_generation, setup->site);
        drop_setup(&p->setup);
        p->setup = setup;
        admin_reloaded(p->admin, ADMIN_RELOAD_TAKEN, slice_none());
        log_info("reload: taken up; %u rules", rules_count(setup->rules));
        return true;
}

/* The workers have the new site map already. */
static void take_up_or_end(struct process *p)
{
        if (take_up(p))
                return;
        log_error("the new rules cannot be taken up in place: the engine starts again "
                  "with them");
        p->status = EXIT_FAILED;
        event_base_loopbreak(p->run.loop);
}

/* The supervisor has read the same files and found nothing wrong with them. */
static void begin_reload(struct process *p, const struct control_message *message)
{
        struct setup *setup = calloc(1, sizeof(*setup));
        struct buf messages = { 0 };

        CHECK(setup);
        bool good = check_load(&p->run.line->check, setup, &messages);
        buf_free(&messages);
        if (!good) {
                free(setup);
                tell(p, CONTROL_RELOADED, false);
                return;
        }
        drop_setup(&p->pending);
        p->pending = setup;
        bool at_once = message->generation == p->pending_generation;
        /* Later on it would be too late to say no. */
        good = at_once ? take_up(p) : run_may_reload_privacy(&p->run, &setup->config);
        if (good)
                p->pending_generation = message->generation;
        else
                drop_setup(&p->pending);
        tell(p, CONTROL_RELOADED, good);
}

/* trawlctl asks: what is wrong with the files it is told at once. */
static void want_reload(void *context)
{
        struct process *p = context;
        struct setup *setup = calloc(1, sizeof(*setup));
        struct buf messages = { 0 };

        CHECK(setup);
        if (check_load(&p->run.line->check, setup, &messages)) {
                check_free(setup);
                tell(p, CONTROL_WANT_RELOAD, 0);
        } else {
                log_error("reload: mistakes in the files: the old rules stay");
                p->run.counters.reloads_failed++;
                admin_reloaded(p->admin, ADMIN_RELOAD_MISTAKES, buf_slice(&messages));
        }
        free(setup);
        buf_free(&messages);
}

/* One after the other: the rings of one must be over before the next one counts. */
static void take_up_when_due(struct process *p)
{
        struct control_message next = p->next;

        if (!p->pending || !merge_is_done(p->merge))
                return;
        take_up_or_end(p);
        p->next.kind = 0;
        if (next.kind)
                begin_reload(p, &next);
}

static void ask_for_reload(struct process *p, const struct control_message *message)
{
        if (p->pending)
                p->next = *message;
        else
                begin_reload(p, message);
}

/* ---- rings ---- */

/* The next engine has no use for rings of before a reload, which only we still read. */
static bool is_ready_to_stop(const struct process *p, bool has_more)
{
        return !p->pending &&
               (p->stops_at_once || (!has_more && merge_is_done(p->merge)));
}

static void read_rings(struct process *p)
{
        int64_t newest_ns = steady_time(&p->steady, clock_wall_ns()) + NEWER_MAX;
        bool has_more = merge_read(p->merge, p->run.pipeline, newest_ns,
                                   clock_monotonic_ns(), MESSAGES);
        unsigned number;

        pipeline_settle(p->run.pipeline);
        output_flush(&p->run.output, true);
        if (merge_refused(p->merge, &number) && number != p->told_refused) {
                p->told_refused = number;
                tell(p, CONTROL_REFUSED, number);
        }
        take_up_when_due(p);
        if (p->is_stopping && is_ready_to_stop(p, has_more))
                event_base_loopexit(p->run.loop, &soon); /* answers go out first */
        else if (has_more || !merge_sleep(p->merge))
                event_active(p->again, EV_TIMEOUT, 0);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        read_rings(context);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
        struct process *p = context;

        (void)what;
        for (unsigned i = 0; i < p->waker_count; i++)
                if (event_get_fd(p->wakers[i].event) == fd)
                        ring_wake_clear((struct ring *)(uintptr_t)p->wakers[i].ring);
        read_rings(p);
}

/* The merge is about to close the ring's descriptors. */
static void on_gone(void *context, const struct ring *ring)
{
        struct process *p = context;

        for (unsigned i = 0; i < p->waker_count; i++) {
                if (p->wakers[i].ring != ring)
                        continue;
                event_free(p->wakers[i].event);
                p->wakers[i] = p->wakers[--p->waker_count];
                return;
        }
}

static void add_ring(struct process *p, const struct control_message *message,
                     const int fds[2])
{
        struct ring *ring =
            fds[0] < 0 ? NULL : ring_open(fds[0], fds[1], sizeof(struct worker_page));

        if (!ring || !merge_add(p->merge, ring, message->number, message->generation,
                                clock_monotonic_ns())) {
                log_error("a capture's ring cannot be used");
                tell(p, CONTROL_REFUSED, message->number);
                return;
        }
        struct waker *waker = &p->wakers[p->waker_count++];
        waker->ring = ring;
        waker->event =
            event_new(p->run.loop, ring_wake_fd(ring), EV_READ | EV_PERSIST, on_wake, p);
        CHECK(waker->event && event_add(waker->event, NULL) == 0);
        event_active(p->again, EV_TIMEOUT, 0);
}

/* ---- the supervisor ---- */

static void stop(struct process *p, uint32_t how)
{
        p->is_stopping = true;
        p->stops_at_once = how == STOP_AT_ONCE;
        p->run.hands_over = how != STOP_FOR_GOOD;
        if (p->run.hands_over)
                admin_reloaded(p->admin, ADMIN_RELOAD_HANDED, slice_none());
        else
                admin_reloaded(p->admin, ADMIN_RELOAD_FAILED,
                               slice_str("the daemon ends\n"));
        event_active(p->again, EV_TIMEOUT, 0);
}

static void on_closed(struct process *p)
{
        log_warning("the supervisor is gone: the engine ends");
        event_del(p->control);
        merge_all_are_over(p->merge);
        stop(p, STOP_FOR_GOOD);
}

static void on_message(struct process *p, const struct control_message *message,
                       const int fds[2])
{
        switch (message->kind) {
        case CONTROL_RING:
                add_ring(p, message, fds);
                break;
        case CONTROL_OVER:
                merge_is_over(p->merge, message->number);
                event_active(p->again, EV_TIMEOUT, 0);
                break;
        case CONTROL_RELOAD:
                ask_for_reload(p, message);
                break;
        case CONTROL_STAYS:
                admin_reloaded(p->admin, ADMIN_RELOAD_FAILED,
                               slice_str("the daemon's log says why\n"));
                break;
        case CONTROL_STOP:
                stop(p, message->number);
                break;
        default: /* ours to say */
                break;
        }
}

static void on_control(evutil_socket_t fd, short what, void *context)
{
        struct process *p = context;
        struct control_message message;
        int fds[2];

        (void)what;
        for (;;) {
                switch (control_receive(fd, &message, fds)) {
                case CONTROL_NONE:
                        return;
                case CONTROL_BAD:
                        break;
                case CONTROL_CLOSED:
                        on_closed(p);
                        return;
                case CONTROL_MESSAGE:
                        on_message(p, &message, fds);
                        break;
                }
        }
}

/* ---- time ---- */

static void share_counters(struct process *p)
{
        struct common_page *common = p->options->common;

        merge_counters(p->merge, &p->run.others);
        counters_add(&p->run.others, &common->supervisor);
        common->engine = p->run.counters;
        p->total = p->run.counters;
        counters_add(&p->total, &p->run.others);
        atomic_store_explicit(&common->engine_beat_ns, clock_monotonic_ns(),
                              memory_order_relaxed);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct process *p = context;

        (void)fd, (void)what;
        steady_tick(&p->steady, clock_wall_ns(), clock_boot_ns());
        share_counters(p);
        read_rings(p); /* from here on the setup may be another one */
        pipeline_sampled(p->run.pipeline, merge_sample_shift(p->merge));
        int64_t now_ns = steady_time(&p->steady, clock_wall_ns());
        int64_t wait_ns = p->run.setup->config.limits.merge_wait_ns;
        pipeline_advance(p->run.pipeline, merge_time(p->merge, now_ns - wait_ns));
        output_flush(&p->run.output, true);
        state_tick(&p->run.state, p->run.pipeline);
        if (privacy_tick(p->run.privacy, clock_wall_ns()))
                log_info("the next privacy key is in use: sessions and accounts have "
                         "other names from now on");
        if (clock_monotonic_ns() >= p->advice_due_ns)
                p->advice_due_ns += run_advise(&p->run) ? ADVICE_INTERVAL : ADVICE_FIRST;
}

/* ---- for those who ask ---- */

static void add_up(struct front_use *sum, const struct front_use *use)
{
        sum->flows += use->flows;
        sum->reassembly += use->reassembly;
        sum->http += use->http;
        sum->fragments += use->fragments;
        sum->hellos += use->hellos;
}

/* Workers of one interface stand together: the first brings the interface's row. */
static void add_interface(const struct common_slot *slot, struct figures *f)
{
        struct figures_interface *last =
            f->interface_count ? &f->interfaces[f->interface_count - 1] : NULL;

        if (!last || strcmp(last->name, slot->name) != 0) {
                figures_add_interface(f, &(struct figures_interface){
                                             .name = slot->name,
                                             .is_open = true,
                                             .kernel_drops = slot->kernel_drops,
                                             .interface_drops = slot->interface_drops,
                                         });
                last = &f->interfaces[f->interface_count - 1];
        }
        last->is_open &= slot->is_open;
}

/* Its name and restarts are the supervisor's word, the rest what it says of itself. */
static void add_worker(struct process *p, unsigned number, struct front_use *use,
                       struct figures *f)
{
        const struct common_slot *slot = &p->options->common->slots[number];
        struct ring *ring = merge_find(p->merge, slot->ring);
        struct figures_worker worker = { .name = p->names[number],
                                         .restarts = slot->restarts };
        struct worker_page page = { 0 };

        if (ring) {
                ring_shared_copy(ring, &page);
                worker.ring_bytes = ring_bytes(ring);
                worker.ring_fill = ring_used(ring);
                worker.ring_drops = ring_drops(ring);
        }
        snprintf(p->names[number], sizeof(p->names[number]), "%s/%u", slot->name,
                 slot->of_interface);
        add_interface(slot, f);
        figures_add_worker(f, &worker);
        add_up(use, &page.use);
}

static void look(void *context, struct figures *f)
{
        struct process *p = context;
        unsigned count = p->options->common->slot_count;
        struct front_use use = { 0 };

        share_counters(p);
        figures_of_run(&p->run, f);
        f->counters = &p->total;
        for (unsigned i = 0; i < count && i < COMMON_SLOTS; i++)
                add_worker(p, i, &use, f);
        figures_add_front(f, &p->run.setup->config, count, &use);
}

static bool open_admin(struct process *p)
{
        struct admin_options options = { .loop = p->run.loop,
                                         .config = &p->run.setup->config,
                                         .counters = &p->run.counters,
                                         .figures = look,
                                         .reload = want_reload,
                                         .context = p };

        p->admin = admin_new(&options);
        return p->admin;
}

/* ---- making ---- */

static struct event *watch(struct process *p, int fd, event_callback_fn callback)
{
        struct event *event = event_new(
            p->run.loop, fd, fd < 0 ? EV_PERSIST : EV_READ | EV_PERSIST, callback, p);

        CHECK(event);
        return event;
}

static void make(struct process *p)
{
        const struct setup *setup = p->options->setup;
        struct merge_options merge = {
                .wait_ns = setup->config.limits.merge_wait_ns,
                .oldest_ns = NEWER_MAX + BEHIND_MAX,
                .counters = &p->run.counters,
                .ended = &p->options->common->ended,
                .site = setup->site,
                .generation = p->options->generation,
                .gone = on_gone,
                .gone_context = p,
        };

        p->merge = merge_new(&merge);
        p->pending_generation = p->options->generation;
        p->again = watch(p, -1, on_again);
        p->control = watch(p, p->options->control, on_control);
        p->timer = watch(p, -1, on_tick);
        CHECK(event_add(p->control, NULL) == 0 && event_add(p->timer, &tick) == 0);
        p->advice_due_ns = clock_monotonic_ns() + ADVICE_FIRST;
}

static void release(struct process *p)
{
        admin_free(&p->admin);
        merge_free(&p->merge);
        event_free(p->again);
        event_free(p->control);
        event_free(p->timer);
}

static bool confine_self(const struct engine_process_options *options)
{
        const struct config *config = &options->setup->config;
        struct confine_options confined = {
                .role = CONFINE_ENGINE,
                .off = !config->admin.confine,
                .core_dumps = config->admin.core_dumps,
                .paths = options->paths->paths,
                .path_count = options->paths->count,
        };
        char error[CONFINE_ERROR_MAX];

        if (confine(&confined, error))
                return true;
        log_error("the engine: %s", error);
        return false;
}

static void serve(struct process *p)
{
        share_counters(p);
        tell(p, CONTROL_READY, 0);
        event_base_dispatch(p->run.loop);
        merge_hand_on_taken(p->merge, p->run.pipeline);
        share_counters(p);
        run_finish(&p->run);
        share_counters(p);
}

int engine_process_run(const struct engine_process_options *options)
{
        struct process *p = calloc(1, sizeof(*p));
        int status = EXIT_FAILED;

        CHECK(p);
        p->options = options;
        p->steady = options->steady;
        if (run_begin(&p->run, options->line, options->setup, true)) {
                p->run.has_no_front = true;
                counters_add(&p->run.counters, &options->common->engine);
                if (run_prepare(&p->run)) {
                        make(p);
                        if (open_admin(p) && confine_self(options)) {
                                serve(p);
                                status = p->status;
                        }
                        release(p);
                }
                run_release(&p->run);
        }
        drop_setup(&p->setup);
        drop_setup(&p->pending);
        close(options->control);
        free(p);
        return status;
}
