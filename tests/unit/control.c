/* SPDX-License-Identifier: MIT */
#include "app/control.h"

#include "unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static int set_up(void **state)
{
        (void)state;
        return control_pair(ends) ? 0 : -1;
}

static int tear_down(void **state)
{
        (void)state;
        for (int i = 0; i < 2; i++)
                if (ends[i] >= 0)
                        close(ends[i]);
        return 0;
}

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

static void test_messages_come_in_their_order(void **state)
{
        struct control_message sent = { CONTROL_OVER, 7, 3 }, got;
        int fds[2];

        (void)state;
        assert_int_equal(control_receive(ends[1], &got, fds), CONTROL_NONE);
        assert_true(control_send(ends[0], &sent, NULL));
        sent.number = 8;
        assert_true(control_send(ends[0], &sent, NULL));
        assert_int_equal(control_receive(ends[1], &got, fds), CONTROL_MESSAGE);
        assert_int_equal(got.number, 7);
        assert_int_equal(got.generation, 3);
        assert_int_equal(fds[0], -1);
        assert_int_equal(control_receive(ends[1], &got, fds), CONTROL_MESSAGE);
        assert_int_equal(got.number, 8);
        assert_int_equal(control_receive(ends[1], &got, fds), CONTROL_NONE);
}

static void test_descriptors_go_along(void **state)
{
        struct control_message message = { .kind = CONTROL_RING };
        int given[2], fds[2];
        char byte;

        (void)state;
        assert_int_equal(pipe(given), 0);
        assert_true(control_send(ends[0], &message, given));
        assert_int_equal(control_receive(ends[1], &message, fds), CONTROL_MESSAGE);
        assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(read(given[0], &byte, 1), 1);
        assert_int_equal(byte, 'x');
        for (int i = 0; i < 2; i++) {
                close(given[i]);
                close(fds[i]);
        }
}

static void test_what_is_malformed_leaves_no_descriptor_open(void **state)
{
        struct control_message message = { .kind = CONTROL_KINDS };
        int given[2], fds[2];

        (void)state;
        assert_int_equal(pipe(given), 0);
        assert_true(control_send(ends[0], &message, given));
        int next = dup(ends[0]);
        close(next);
        assert_int_equal(control_receive(ends[1], &message, fds), CONTROL_BAD);
        assert_false(is_open(next));
        assert_int_equal(send(ends[0], "short", 5, 0), 5);
        assert_int_equal(control_receive(ends[1], &message, fds), CONTROL_BAD);
        char longer[sizeof(message) + 1] = { CONTROL_OVER };
        assert_int_equal(send(ends[0], longer, sizeof(longer), 0), sizeof(longer));
        assert_int_equal(control_receive(ends[1], &message, fds), CONTROL_BAD);
        close(given[0]);
        close(given[1]);
}

static void test_the_other_end_is_gone(void **state)
{
        struct control_message message = { .kind = CONTROL_STOP };
        int fds[2];

        (void)state;
        close(ends[0]);
        ends[0] = -1;
        assert_int_equal(control_receive(ends[1], &message, fds), CONTROL_CLOSED);
        assert_false(control_send(ends[1], &message, NULL));
}

/* Nobody reads: the sender is told, and never waits. */
static void test_nobody_waits(void **state)
{
        struct control_message message = { .kind = CONTROL_OVER };
        int sent = 0;

        (void)state;
        while (control_send(ends[0], &message, NULL))
                sent++;
        assert_true(sent > 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_messages_come_in_their_order),
                TEST(test_descriptors_go_along),
                TEST(test_what_is_malformed_leaves_no_descriptor_open),
                TEST(test_the_other_end_is_gone),
                TEST(test_nobody_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
