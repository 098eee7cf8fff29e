/* SPDX-License-Identifier: MIT */
/*
 * bench-ring - what a message of 400 bytes costs to pass through a ring.
 *
 * In one process: put, publish and take in batches of 64. Between two: a child puts as
 * fast as it can, publishes every 64 and waits where the ring is full; the reader sleeps
 * where it is empty. With both on one core, the switches between them are in the figure.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ring.h"

enum { SIZE = 400, BATCH = 64, BYTES = 4 << 20, MESSAGES = 10000000 };

static void report(const char *what, int64_t ns)
{
        double each = (double)ns / MESSAGES;

        printf("%-16s %8.1f ns a message  %12.0f messages/s\n", what, each, 1e9 / each);
}

static void take(struct ring *r)
{
        uint8_t copy[SIZE];
        struct ring_message m;
        enum ring_result result;

        while ((result = ring_take(r, &m, copy, sizeof(copy))) == RING_EMPTY) {
                struct pollfd p = { ring_wake_fd(r), POLLIN, 0 };
                if (ring_sleep(r))
                        poll(&p, 1, -1);
                ring_wake_clear(r);
        }
        CHECK(result == RING_MESSAGE && m.size == SIZE);
}

static void put_all(struct ring *r)
{
        uint8_t bytes[SIZE] = { 0 };

        for (unsigned i = 1; i <= MESSAGES; i++) {
                while (!ring_put(r, i, bytes, SIZE)) {
                        ring_publish(r);
                        sched_yield();
                }
                if (i % BATCH == 0)
                        ring_publish(r);
        }
        ring_publish(r);
}

static void within_one(void)
{
        struct ring *r = ring_new(BYTES, 0);
        uint8_t bytes[SIZE] = { 0 };

        CHECK(r && MESSAGES % BATCH == 0);
        int64_t begin_ns = clock_monotonic_ns();
        for (unsigned i = 0; i < MESSAGES; i += BATCH) {
                for (unsigned k = 0; k < BATCH; k++)
                        CHECK(ring_put(r, k, bytes, SIZE));
                ring_publish(r);
                for (unsigned k = 0; k < BATCH; k++)
                        take(r);
        }
        report("one process", clock_monotonic_ns() - begin_ns);
        ring_free(&r);
}

static void between_two(void)
{
        struct ring *r = ring_new(BYTES, 0);

        CHECK(r);
        int64_t begin_ns = clock_monotonic_ns();
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
                put_all(r);
                _exit(0);
        }
        for (unsigned i = 0; i < MESSAGES; i++)
                take(r);
        report("two processes", clock_monotonic_ns() - begin_ns);
        CHECK(waitpid(child, NULL, 0) == child);
        ring_free(&r);
}

int main(void)
{
        within_one();
        between_two();
        return 0;
}
