/* SPDX-License-Identifier: MIT */
/*
 * trawl-enforce - refuse at the door whom Trawlwatch has blocked.
 *
 *      Redis --> follow --> copy --> keep --> target
 *                what is    what     what     nftables, HAProxy,
 *                blocked    differs  is due   nginx
 *
 * It ends with SIGTERM or SIGINT, and leaves the target as it is: a set of nftables runs
 * out by itself, maps and files stay until it is started again. SIGHUP writes all anew.
 */
#include "follow.h"
#include "keep.h"
#include "options.h"
#include "target_dry.h"
#include "target_haproxy.h"
#include "target_nftables.h"
#include "target_nginx.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COALESCE     (2 * NS_PER_MS)  /* what comes together is written together */
#define BATCHES      (20 * NS_PER_MS) /* between two */
#define ONCE_TIMEOUT (10 * NS_PER_SEC)
#define BEAT_FIELDS  24

struct enforce {
        struct options options;
        struct event_base *base;
        struct event *timer;
        int64_t timer_ns; /* when it fires */
        struct follow *follow;
        struct copy *copy;
        struct keep *keep;
        struct target_kind kind;
        void *target;
        char name[128];

        /* of the last complete copy, and since */
        uint64_t bad, protected_ones, others;
        int64_t complete_ns; /* wall clock; 0: never */
        struct log_limit bad_limit, room_limit;
        char since[CLOCK_TEXT_MAX], synced[CLOCK_TEXT_MAX];
        char numbers[8][24];
        char host[256];
        const char *beat[BEAT_FIELDS + 1];

        int64_t give_up_ns; /* --once */
        enum exit_status status;
};

/* --- the target --- */

static void open_haproxy(struct enforce *e)
{
        const struct options *o = &e->options;

        e->target = target_haproxy_open(o->place, o->maps);
        e->kind = target_haproxy_kind;
        for (int i = 0; i < SUBJECT_KINDS; i++)
                if (o->maps[i])
                        e->kind.kinds |= SUBJECT_BIT(i);
}

static bool open_target(struct enforce *e)
{
        const struct options *o = &e->options;

        switch (o->target) {
        case TARGET_NFTABLES:
                e->kind = target_nftables_kind;
                if (!o->is_dry)
                        e->target = target_nftables_open(o->place, o->is_reject);
                break;
        case TARGET_HAPROXY:
                open_haproxy(e);
                break;
        case TARGET_NGINX:
                e->target = target_nginx_open(o->place, o->reload, NGINX_RELOAD_TIME);
                e->kind = target_nginx_kind;
                break;
        case TARGET_NONE:
                break;
        }
        if (!e->target && !o->is_dry) {
                fprintf(stderr, "trawl-enforce: %s\n",
                        o->target == TARGET_NGINX
                            ? "--reload takes 1 to 15 words"
                            : "the kernel's firewall cannot be had; run it as root or "
                              "with CAP_NET_ADMIN");
                e->status = o->target == TARGET_NGINX ? EXIT_USAGE : EXIT_FAILED;
                return false;
        }
        if (o->is_dry)
                e->kind = target_dry(&e->kind);
        snprintf(e->name, sizeof(e->name), "%s %.100s", e->kind.name, o->place);
        return true;
}

static void close_target(struct enforce *e)
{
        struct target_nftables *nftables = e->target;
        struct target_haproxy *haproxy = e->target;
        struct target_nginx *nginx = e->target;

        if (e->options.target == TARGET_NFTABLES)
                target_nftables_close(&nftables);
        else if (e->options.target == TARGET_HAPROXY)
                target_haproxy_close(&haproxy);
        else
                target_nginx_close(&nginx);
}

/* --- when the target is looked after --- */

static void wake(struct enforce *e, int64_t at_ns)
{
        int64_t left = at_ns - clock_monotonic_ns();
        struct timeval t;

        if (e->timer_ns && e->timer_ns <= at_ns)
                return;
        if (left < 0)
                left = 0;
        if (left > 60 * NS_PER_SEC)
                left = 60 * NS_PER_SEC;
        t = (struct timeval){ left / NS_PER_SEC, left % NS_PER_SEC / NS_PER_US };
        e->timer_ns = clock_monotonic_ns() + left;
        evtimer_add(e->timer, &t);
}

static void end_once(struct enforce *e, int64_t now)
{
        if (keep_is_synced(e->keep)) {
                event_base_loopbreak(e->base);
        } else if (now > e->give_up_ns) {
                fprintf(stderr, "trawl-enforce: not up to date after 10 s\n");
                e->status = EXIT_FAILED;
                event_base_loopbreak(e->base);
        }
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct enforce *e = context;
        int64_t now = clock_monotonic_ns();

        (void)fd;
        (void)what;
        e->timer_ns = 0;
        int64_t next = keep_run(e->keep, now, follow_time_ms(e->follow));
        if (e->options.is_once)
                end_once(e, now);
        if (e->options.is_once && next > now + NS_PER_SEC)
                next = now + NS_PER_SEC;
        wake(e, next);
}

/* --- what Redis says --- */

static void on_begin(void *context)
{
        struct enforce *e = context;

        e->bad = e->protected_ones = e->others = 0;
        copy_begin_round(e->copy);
}

static void on_block(void *context, struct slice member, int64_t end_ms)
{
        struct enforce *e = context;
        struct subject subject;

        switch (subject_parse(member, &subject)) {
        case SUBJECT_BAD:
                e->bad++;
                return;
        case SUBJECT_PROTECTED:
                e->protected_ones++;
                return;
        case SUBJECT_GOOD:
                break;
        }
        if (!(e->kind.kinds & SUBJECT_BIT(subject.kind))) {
                e->others++;
                return;
        }
        if (end_ms > follow_time_ms(e->follow))
                copy_put(e->copy, &subject, end_ms);
        else
                copy_drop(e->copy, &subject);
        wake(e, clock_monotonic_ns() + COALESCE);
}

static void say_what_was_left_out(struct enforce *e)
{
        uint64_t beyond = copy_count(e->copy).beyond;
        int64_t now = clock_monotonic_ns();

        if (e->bad + e->protected_ones && log_limit_pass(&e->bad_limit, now))
                log_warning("%" PRIu64 " blocks are no address, network or word, %" PRIu64
                            " would cut this host off: left out; who writes to "
                            "%s:blocks?",
                            e->bad, e->protected_ones, e->options.follow.prefix);
        if (beyond && log_limit_pass(&e->room_limit, now))
                log_warning("more blocks than --max %" PRIu32 ": %" PRIu64
                            " found no room since the start",
                            e->options.max, beyond);
}

static void on_complete(void *context)
{
        struct enforce *e = context;

        copy_end_round(e->copy);
        if (!e->complete_ns)
                log_info("%s: %" PRIu32 " blocks to be kept, %" PRIu64
                         " not for this target",
                         e->name, copy_count(e->copy).wanted, e->others);
        e->complete_ns = clock_wall_ns();
        say_what_was_left_out(e);
        keep_ready(e->keep);
        wake(e, clock_monotonic_ns());
}

static const char *number(struct enforce *e, unsigned i, uint64_t value)
{
        snprintf(e->numbers[i], sizeof(e->numbers[i]), "%" PRIu64, value);
        return e->numbers[i];
}

static const char *const *on_heartbeat(void *context)
{
        struct enforce *e = context;
        struct copy_counts counts = copy_count(e->copy);
        const char *const fields[BEAT_FIELDS] = {
                "version",   TRAWLWATCH_VERSION,
                "host",      e->host,
                "target",    e->name,
                "blocks",    number(e, 0, counts.held),
                "since",     e->since,
                "synced",    e->synced,
                "state",     keep_is_synced(e->keep) ? "synced" : "behind",
                "others",    number(e, 1, e->others),
                "bad",       number(e, 2, e->bad + follow_bad_messages(e->follow)),
                "protected", number(e, 3, e->protected_ones),
                "beyond",    number(e, 4, counts.beyond),
                "failures",  number(e, 5, keep_failures(e->keep)),
        };

        if (e->complete_ns)
                clock_format(e->complete_ns, e->synced);
        memcpy(e->beat, fields, sizeof(fields));
        return e->beat;
}

/* --- start and end --- */

static void on_end(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        event_base_loopbreak(context);
}

static void on_hup(evutil_socket_t fd, short what, void *context)
{
        struct enforce *e = context;

        (void)fd;
        (void)what;
        follow_again(e->follow);
        keep_refresh(e->keep);
        wake(e, clock_monotonic_ns());
}

static void run(struct enforce *e)
{
        struct event *term = evsignal_new(e->base, SIGTERM, on_end, e->base);
        struct event *interrupt = evsignal_new(e->base, SIGINT, on_end, e->base);
        struct event *hup = evsignal_new(e->base, SIGHUP, on_hup, e);

        CHECK(term && interrupt && hup);
        evsignal_add(term, NULL);
        evsignal_add(interrupt, NULL);
        evsignal_add(hup, NULL);
        e->give_up_ns = clock_monotonic_ns() + ONCE_TIMEOUT;
        wake(e, clock_monotonic_ns());
        event_base_dispatch(e->base);
        event_free(term);
        event_free(interrupt);
        event_free(hup);
}

static void start(struct enforce *e)
{
        const struct options *o = &e->options;
        struct keep_options keep = { &e->kind, e->target, e->name,
                                     o->target == TARGET_NGINX ? o->reload_every_ns
                                                               : BATCHES };
        struct follow_handler handler = { on_begin, on_block, on_complete, on_heartbeat,
                                          e };

        gethostname(e->host, sizeof(e->host) - 1);
        clock_format(clock_wall_ns(), e->since);
        e->base = event_base_new();
        CHECK(e->base);
        e->timer = evtimer_new(e->base, on_timer, e);
        CHECK(e->timer);
        e->keep = keep_new(&keep, e->copy);
        e->follow = follow_new(&o->follow, e->base, &handler);
        run(e);
        follow_free(&e->follow);
        keep_free(&e->keep);
        event_free(e->timer);
        event_base_free(e->base);
}

int main(int argc, char **argv)
{
        static struct enforce e;

        signal(SIGPIPE, SIG_IGN);
        log_set_program("trawl-enforce");
        e.status = options_read(&e.options, argc, argv);
        if (e.status == EXIT_DONE && !e.options.is_over && open_target(&e)) {
                log_set_level((enum log_level)e.options.config.log.level);
                e.copy = copy_new(e.options.max, e.kind.ends_itself);
                if (e.copy) {
                        start(&e);
                } else {
                        fprintf(stderr, "trawl-enforce: no room for --max %" PRIu32 "\n",
                                e.options.max);
                        e.status = EXIT_FAILED;
                }
        }
        copy_free(&e.copy);
        if (e.target)
                close_target(&e);
        options_free(&e.options);
        return (int)e.status;
}
