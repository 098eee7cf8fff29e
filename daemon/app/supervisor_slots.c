/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOKS_FOR   (200 * NS_PER_MS) /* an interface that is gone */
#define DOUBTS      (2 * NS_PER_SEC)  /* ... that is there still, when a worker says so */
#define WORKER_ENDS (5 * NS_PER_SEC)  /* how long one may take to end */

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

void slots_forget(struct slots *slots, const struct capture *keeps)
{
        for (unsigned i = 0; i < slots->count; i++)
                if (slots->slots[i].capture != keeps)
                        capture_close(&slots->slots[i].capture);
}

void slots_close(struct slots *slots)
{
        slots_forget(slots, NULL);
        slots->count = 0;
}

static struct slot *first_of(struct slots *slots, const char *interface)
{
        for (unsigned i = 0; i < slots->count; i++)
                if (slots->slots[i].first == i &&
                    strcmp(slots->slots[i].interface, interface) == 0)
                        return &slots->slots[i];
        return NULL;
}

/* One worker may have said so while the others have not heard of it. */
static bool may_be_away(const struct slots *now, const char *interface)
{
        for (unsigned i = 0; now && i < now->count; i++)
                if ((now->slots[i].is_missing || now->slots[i].doubted_ns) &&
                    strcmp(now->slots[i].interface, interface) == 0)
                        return true;
        return false;
}

static void carry_over(struct slot *slot, bool is_first, struct slots *now)
{
        struct slot *old = now ? first_of(now, slot->interface) : NULL;

        if (!old)
                return;
        slot->index = old->index;
        memcpy(slot->link, old->link, sizeof(slot->link));
        slot->is_down = old->is_down;
        if (is_first)
                slot->drops = old->drops;
}

bool slots_open(struct slots *slots, const struct setup *setup, struct slots *now)
{
        char error[CAPTURE_ERROR_MAX];

        for (unsigned i = 0; i < slots->count; i++) {
                struct slot *slot = &slots->slots[i];
                carry_over(slot, slot->first == i, now);
                if (slot_open(slots, slot, setup, error))
                        continue;
                slot->is_missing = may_be_away(now, slot->interface);
                if (slot->is_missing)
                        continue;
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
        struct child *c = child_free_one(s);

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
        snprintf(c->interface, sizeof(c->interface), "%s", slot->interface);
        pid_t pid = fork_worker(s, c, slot->capture, after_ns);
        capture_close(&slot->capture);
        if (pid < 0) {
                log_error("there is no process for a capture: %s", strerror(errno));
                child_drop(c);
                return NULL;
        }
        c->pid = pid;
        child_tell_ring(s, c);
        return c;
}

static void slot_start(struct supervisor *s, struct slot *slot, int64_t after_ns,
                       int64_t now_ns)
{
        patience_begins(&slot->patience, now_ns);
        slot->child = start_worker(s, slot, after_ns);
        if (!slot->child)
                patience_ends(&slot->patience, now_ns);
}

void slots_start(struct supervisor *s, int64_t after_ns, int64_t now_ns)
{
        for (unsigned i = 0; i < s->slots.count; i++)
                if (s->slots.slots[i].capture)
                        slot_start(s, &s->slots.slots[i], after_ns, now_ns);
}

/* The one that speaks for all of its interface. */
static bool is_first(const struct slots *slots, const struct slot *slot)
{
        return &slots->slots[slot->first] == slot;
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
                patience_ends(&slot->patience, now_ns);
        else
                slot->patience.due_ns = now_ns;
}

void slot_lost(struct slots *slots, struct slot *slot, int64_t now_ns)
{
        if (is_first(slots, slot))
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

static void count_restart(struct supervisor *s, struct slot *slot, const char *how,
                          int64_t now_ns)
{
        s->common->supervisor.worker_restarts++;
        slot->restarts++;
        patience_ends(&slot->patience, now_ns);
        log_warning("the capture of %s %s; the next one begins in %lld ms",
                    slot->interface, how, patience_left_ms(&slot->patience, now_ns));
}

static bool is_there(const struct slot *slot)
{
        char name[IF_NAMESIZE];

        return slot->index && if_indextoname(slot->index, name);
}

/* A worker said that its interface is gone; some time later that can be seen. */
static void look_at_doubt(struct supervisor *s, struct slot *slot, int64_t now_ns)
{
        int64_t since_ns = slot->doubted_ns;
        bool there = is_there(slot);

        if (there && now_ns - since_ns < DOUBTS) {
                slot->patience.due_ns = now_ns + LOOKS_FOR;
                return;
        }
        slot->doubted_ns = 0;
        if (there)
                count_restart(s, slot, "has lost its interface, which is there", now_ns);
        else
                slot_lost(&s->slots, slot, since_ns);
}

/* One that is gone is said once. */
static void open_again(struct supervisor *s, struct slot *slot, int64_t now_ns)
{
        char error[CAPTURE_ERROR_MAX];

        if (!slot_open(&s->slots, slot, s->setup, error)) {
                if (!slot->is_missing && is_first(&s->slots, slot))
                        log_warning("%s; looking for it until it is there", error);
                slot->is_missing = true;
                slot->patience.due_ns = now_ns + LOOKS_FOR;
                return;
        }
        if (slot->is_missing && is_first(&s->slots, slot))
                log_info("%s: capturing again", capture_name(slot->capture));
        slot->is_missing = false;
        slot_start(s, slot, 0, now_ns);
}

void slot_again(struct supervisor *s, struct slot *slot, int64_t now_ns)
{
        if (slot->doubted_ns && now_ns >= slot->patience.due_ns)
                look_at_doubt(s, slot, now_ns);
        if (now_ns >= slot->patience.due_ns)
                open_again(s, slot, now_ns);
}

/*
 * That its interface is gone is not believed: the worker may have been taken over. Nor is
 * it a lie when the interface is still there, as its link goes before it does: by as long
 * as the kernel waits for all its processors, which is some when they are busy.
 */
void slot_worker_ended(struct supervisor *s, struct slot *slot, int status,
                       int64_t now_ns)
{
        bool says_lost = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CAPTURE_LOST;
        char how[HOW_ENDED_MAX];

        slot->child = NULL;
        if (says_lost && slot->index) {
                slot->doubted_ns = now_ns;
                slot->patience.due_ns = now_ns;
        } else {
                count_restart(s, slot, how_ended(status, how), now_ns);
        }
        slot_again(s, slot, now_ns);
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

/* ---- for those who ask the engine ---- */

static struct drops drops_of(const struct child *c)
{
        struct worker_page page;

        ring_shared_copy(c->ring, &page);
        return (struct drops){ page.counters.kernel_drops,
                               page.counters.interface_drops };
}

static void add_drops(struct drops *sum, struct drops drops)
{
        sum->kernel += drops.kernel;
        sum->interface += drops.interface;
}

void slots_add_drops(struct slots *slots, const struct child *c)
{
        struct slot *slot = first_of(slots, c->interface);

        if (slot)
                add_drops(&slot->drops, drops_of(c));
}

/* Of all its workers, with those that ended and those that a reload sends away. */
static struct drops drops_so_far(const struct supervisor *s, const struct slot *first)
{
        struct drops sum = first->drops;

        for (unsigned i = 0; i < CHILDREN; i++) {
                const struct child *c = &s->children[i];
                if (c->pid && strcmp(c->interface, first->interface) == 0)
                        add_drops(&sum, drops_of(c));
        }
        return sum;
}

void slots_share(struct supervisor *s)
{
        struct common_page *common = s->common;

        common->slot_count = s->slots.count;
        for (unsigned i = 0; i < s->slots.count; i++) {
                const struct slot *slot = &s->slots.slots[i];
                struct common_slot *shared = &common->slots[i];
                snprintf(shared->name, sizeof(shared->name), "%s", slot->interface);
                shared->of_interface = i - slot->first;
                shared->ring = slot->child ? slot->child->number : 0;
                shared->is_open = slot->child;
                shared->restarts = slot->restarts;
                if (slot->first != i)
                        continue;
                struct drops drops = drops_so_far(s, slot);
                shared->kernel_drops = drops.kernel;
                shared->interface_drops = drops.interface;
        }
}
