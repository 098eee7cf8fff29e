/* SPDX-License-Identifier: MIT */
#include "app/notify.h"

#include "base/clock.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *name)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t len = strlen(name);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

        memcpy(address.sun_path, name, len);
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                         0);
        return fd;
}

static void require(int manager, const char *text)
{
        char got[1024] = "";
        ssize_t len = recv(manager, got, sizeof(got) - 1, 0);

        assert_int_equal(len, strlen(text));
        assert_string_equal(got, text);
}

static void tell(const char *name)
{
        struct notify n;
        int manager = listen_at(name);
        char usec[32];

        setenv("NOTIFY_SOCKET", name, 1);
        snprintf(usec, sizeof(usec), "%d", 3000000);
        setenv("WATCHDOG_USEC", usec, 1);
        notify_open(&n);
        assert_int_equal(n.interval_ns, 1500 * NS_PER_MS);
        /* No child of ours speaks for us. */
        assert_null(getenv("NOTIFY_SOCKET"));
        notify_send(&n, "STATUS=%d captures", 3);
        require(manager, "STATUS=3 captures");
        notify_close(&n);
        notify_send(&n, "READY=1");
        close(manager);
}

static void test_a_path_and_an_abstract_name(void **state)
{
        char path[64], name[64];

        (void)state;
        snprintf(path, sizeof(path), "/tmp/trawlwatch-notify-%d", getpid());
        snprintf(name, sizeof(name), "@trawlwatch-notify-%d", getpid());
        tell(path);
        unlink(path);
        tell(name);
}

static void test_the_watchdog_of_another_process(void **state)
{
        struct notify n;
        int manager = listen_at("@trawlwatch-notify-other");

        (void)state;
        setenv("NOTIFY_SOCKET", "@trawlwatch-notify-other", 1);
        setenv("WATCHDOG_USEC", "3000000", 1);
        setenv("WATCHDOG_PID", "1", 1);
        notify_open(&n);
        assert_int_equal(n.interval_ns, 0);
        notify_close(&n);
        close(manager);
}

static void test_nobody_asked_or_listens(void **state)
{
        struct notify n;

        (void)state;
        notify_open(&n);
        assert_int_equal(n.fd, -1);
        notify_send(&n, "READY=1");
        setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
        notify_open(&n);
        assert_int_equal(n.fd, -1);
        setenv("NOTIFY_SOCKET", "relative", 1);
        notify_open(&n);
        assert_int_equal(n.fd, -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_path_and_an_abstract_name),
                cmocka_unit_test(test_the_watchdog_of_another_process),
                cmocka_unit_test(test_nobody_asked_or_listens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
