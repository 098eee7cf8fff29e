/* SPDX-License-Identifier: MIT */
/*
 * How the supervisor treats an engine that does not keep to what is agreed. The engine is
 * a process that only waits; the time is made up. What honest ones do is tested with the
 * real daemon (tests/e2e/test_processes.py).
 */
#include "app/supervisor_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW (1000 * NS_PER_SEC)

struct world {
        struct supervisor s;
        struct setup setup;
        struct common_page common;
        int engine_end; /* of the line */
};

static pid_t one_that_waits(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        assert_true(pid > 0);
        return pid;
}

static int begin(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        int line[2];

        CHECK(w);
        w->s.engine.pid = one_that_waits(); /* without the line: its end is the test's */
        CHECK(control_pair(line));
        w->setup.config.limits.hung_ns = 5 * NS_PER_SEC;
        w->s.setup = &w->setup;
        w->s.common = &w->common;
        w->s.notify.fd = -1;
        w->s.links_ns = INT64_MAX / 2;
        children_init(&w->s);
        w->s.engine.control = line[0];
        w->s.engine.is_ready = w->s.engine.was_ready = true;
        w->s.engine.patience.started_ns = NOW;
        w->engine_end = line[1];
        *state = w;
        return 0;
}

static int end(void **state)
{
        struct world *w = *state;

        if (w->s.engine.pid) {
                kill(w->s.engine.pid, SIGKILL);
                assert_int_equal(waitpid(w->s.engine.pid, NULL, 0), w->s.engine.pid);
        }
        if (w->s.engine.control >= 0)
                close(w->s.engine.control);
        close(w->engine_end);
        free(w);
        return 0;
}

static void beat(struct world *w, int64_t ns)
{
        atomic_store(&w->common.engine_beat_ns, ns);
}

static void test_an_engine_that_says_too_much_is_not_listened_to_for_ever(void **state)
{
        struct world *w = *state;
        struct control_message message = { .kind = CONTROL_REFUSED, .number = 99 };
        unsigned sent = 0, left = 0;
        int fds[2];

        while (control_send(w->engine_end, &message, NULL))
                sent++;
        assert_true(sent > 3);
        engine_listen(&w->s, 3, NOW);
        while (control_receive(w->s.engine.control, &message, fds) == CONTROL_MESSAGE)
                left++;
        assert_int_equal(left, sent - 3);
}

/* It still beats, but can be told nothing any more. */
static void test_an_engine_that_hangs_up_and_stays_is_killed(void **state)
{
        struct world *w = *state;

        close(w->engine_end);
        w->engine_end = -1;
        engine_listen(&w->s, 3, NOW);
        assert_int_equal(w->s.engine.control, -1); /* else the loop would never wait */
        assert_false(w->s.engine.is_ready);
        beat(w, NOW + 5 * NS_PER_SEC);
        children_look_after(&w->s, NOW + 5 * NS_PER_SEC);
        assert_false(w->s.engine.is_killed);
        beat(w, NOW + 6 * NS_PER_SEC);
        children_look_after(&w->s, NOW + 6 * NS_PER_SEC);
        assert_true(w->s.engine.is_killed);
        assert_int_equal(w->common.supervisor.children_hung, 1);
}

static void test_a_beat_may_be_any_number(void **state)
{
        struct world *w = *state;

        beat(w, NOW - 5 * NS_PER_SEC);
        children_look_after(&w->s, NOW);
        assert_false(w->s.engine.is_killed);
        beat(w, INT64_MIN);
        children_look_after(&w->s, NOW);
        assert_true(w->s.engine.is_killed);
}

/* The engine may name a worker again and again before that one is gone. */
static void test_a_worker_is_refused_once(void **state)
{
        struct world *w = *state;
        struct child *worker = &w->s.children[1];
        int status;

        worker->pid = one_that_waits();
        worker->number = 7;
        worker_refused(&w->s, 8);
        assert_false(worker->is_killed);
        worker_refused(&w->s, 7);
        assert_true(worker->is_killed);
        assert_int_equal(waitpid(worker->pid, NULL, 0), worker->pid);
        worker->pid = one_that_waits();
        worker_refused(&w->s, 7);
        kill(worker->pid, SIGTERM); /* the first that it gets */
        assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
        assert_int_equal(WTERMSIG(status), SIGTERM);
        worker->pid = 0;
}

/* What the rings hold is for it: the stop waits until it has begun, and heard of them. */
static void test_an_engine_that_begins_is_stopped_when_it_has(void **state)
{
        struct world *w = *state;
        struct control_message message;
        int fds[2];

        w->s.stopping = true;
        w->s.engine.is_ready = false;
        engine_end(&w->s, STOP_FOR_GOOD, NOW);
        assert_int_equal(control_receive(w->engine_end, &message, fds), CONTROL_NONE);
        children_look_after(&w->s, NOW + 30 * NS_PER_SEC);
        assert_false(w->s.engine.is_killed);
        engine_is_there(&w->s);
        engine_end(&w->s, STOP_FOR_GOOD, NOW + 30 * NS_PER_SEC);
        assert_int_equal(control_receive(w->engine_end, &message, fds), CONTROL_MESSAGE);
        assert_int_equal(message.kind, CONTROL_STOP);
        engine_end(&w->s, STOP_FOR_GOOD, NOW + 30 * NS_PER_SEC);
        assert_int_equal(control_receive(w->engine_end, &message, fds), CONTROL_NONE);
        children_look_after(&w->s, NOW + 60 * NS_PER_SEC);
        assert_true(w->s.engine.is_killed);
}

#define LOST   W_EXITCODE(WORKER_CAPTURE_LOST, 0)
#define LO     1u          /* the number of that interface, in every namespace */
#define NOBODY 0x7ffffff0u /* of none */

/* Whose worker has died before, so that the next one is not due at once. */
static struct slot *slot_on(struct world *w, unsigned interface)
{
        struct slot *slot = &w->s.slots.slots[0];

        *slot = (struct slot){ .interface = "nosuch0", .index = interface, .group = -1 };
        slot->patience.wait_ns = NS_PER_SEC;
        slot->patience.started_ns = NOW - 2 * NS_PER_SEC;
        w->s.slots.count = 1;
        return slot;
}

/* A link goes down before its interface goes, some time before on a busy machine: what
   the worker says is looked at until then. One that says so of an interface that is there
   after two seconds has died like any other. */
static void test_that_an_interface_is_gone_is_looked_at(void **state)
{
        struct world *w = *state;
        struct slot *slot = slot_on(w, LO);

        slot_worker_ended(&w->s, slot, LOST, NOW);
        assert_true(slot->patience.due_ns > NOW);
        slot_again(&w->s, slot, slot->patience.due_ns - 1);
        int64_t then_ns = slot->patience.due_ns;
        unsigned looks = 0;
        for (; then_ns < NOW + 2 * NS_PER_SEC; then_ns = slot->patience.due_ns) {
                slot_again(&w->s, slot, then_ns);
                assert_int_equal(w->common.supervisor.worker_restarts, 0);
                assert_true(slot->patience.due_ns > then_ns);
                looks++;
        }
        assert_in_range(looks, 5, 20);
        slot_again(&w->s, slot, then_ns);
        assert_int_equal(w->common.supervisor.worker_restarts, 1);
        assert_int_equal(slot->restarts, 1);
        assert_int_equal(slot->patience.due_ns, then_ns + NS_PER_SEC);
        assert_false(slot->is_missing);

        slot = slot_on(w, LO);
        slot_worker_ended(&w->s, slot, LOST, NOW);
        slot_again(&w->s, slot, slot->patience.due_ns);
        slot->index = NOBODY;
        slot_again(&w->s, slot, slot->patience.due_ns);
        assert_int_equal(w->common.supervisor.worker_restarts, 1);
        assert_true(slot->is_missing);

        slot = slot_on(w, NOBODY);
        slot_worker_ended(&w->s, slot, LOST, NOW);
        assert_int_equal(w->common.supervisor.worker_restarts, 1);
        assert_true(slot->is_missing);

        slot = slot_on(w, NOBODY); /* and what is no such word is a death */
        slot_worker_ended(&w->s, slot, SIGSEGV, NOW);
        assert_int_equal(w->common.supervisor.worker_restarts, 2);
}

/* By one worker of two: the other has not heard of it yet. */
static void test_a_reload_takes_an_interface_that_a_worker_has_lost(void **state)
{
        struct world *w = *state;
        struct slots next = { .count = 2 };

        slot_on(w, NOBODY);
        w->s.slots.slots[1] = w->s.slots.slots[0];
        w->s.slots.slots[1].doubted_ns = NOW;
        w->s.slots.count = 2;
        for (unsigned i = 0; i < 2; i++)
                next.slots[i] = (struct slot){ .interface = "nosuch0", .group = -1 };
        assert_true(slots_open(&next, w->s.setup, &w->s.slots));
        assert_true(next.slots[0].is_missing && next.slots[1].is_missing);
        w->s.slots.slots[1].doubted_ns = 0;
        assert_false(slots_open(&next, w->s.setup, &w->s.slots));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        const struct CMUnitTest tests[] = {
                TEST(test_an_engine_that_says_too_much_is_not_listened_to_for_ever),
                TEST(test_an_engine_that_hangs_up_and_stays_is_killed),
                TEST(test_a_beat_may_be_any_number),
                TEST(test_a_worker_is_refused_once),
                TEST(test_an_engine_that_begins_is_stopped_when_it_has),
                TEST(test_that_an_interface_is_gone_is_looked_at),
                TEST(test_a_reload_takes_an_interface_that_a_worker_has_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
