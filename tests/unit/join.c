/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"
#include "detect/join.h"

#include <stdio.h>

#define NOW (1795431600 * NS_PER_SEC)

static struct join join;
static struct record record;

static int set_up(void **state)
{
        struct hash_key key = hash_key_fixed();

        (void)state;
        assert_true(join_init(&join, &key, 1024, 600 * NS_PER_SEC));
        memset(&record, 0, sizeof(record));
        assert_true(ip_parse(slice_str("10.0.0.1"), &record.peer));
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        join_free(&join);
        return 0;
}

static struct tcp_shape syn; /* of the hellos that are said */

static void say_hello(const char *address, uint16_t port, const char *ja4,
                      int64_t time_ns)
{
        struct hello hello = { .time_ns = time_ns, .alpn = slice_str("h2") };

        assert_true(ip_parse(slice_str(address), &hello.client.ip));
        hello.client.port = port;
        snprintf(hello.ja4, sizeof(hello.ja4), "%s", ja4);
        snprintf(hello.ja3, sizeof(hello.ja3), "%s", ja4);
        join_hello(&join, &hello, &syn);
}

/* "none", the JA4, or the JA4 and a question mark where it is uncertain. */
static void assert_joined(const char *address, uint16_t port, int64_t time_ns,
                          const char *expected)
{
        char text[JA4_TEXT_SIZE + 1];
        bool uncertain;

        assert_true(ip_parse(slice_str(address), &record.client));
        record.client_port = port;
        record.start_ns = time_ns;
        const struct fingerprint *f = join_find(&join, &record, &uncertain);
        snprintf(text, sizeof(text), "%s%s", f ? f->ja4 : "none", uncertain ? "?" : "");
        assert_string_equal(text, expected);
}

static void test_exact(void **state)
{
        (void)state;
        say_hello("198.51.100.7", 4000, "firefox", NOW);
        say_hello("198.51.100.7", 4001, "curl", NOW);
        assert_joined("198.51.100.7", 4000, NOW, "firefox");
        assert_joined("198.51.100.7", 4001, NOW, "curl");
        /* A connection is used for hours; the port comes round with another hello. */
        assert_joined("198.51.100.7", 4000, NOW + 7200 * NS_PER_SEC, "firefox");
        say_hello("198.51.100.7", 4000, "curl", NOW + 8000 * NS_PER_SEC);
        assert_joined("198.51.100.7", 4000, NOW + 8001 * NS_PER_SEC, "curl");
}

static void test_by_address(void **state)
{
        (void)state;
        assert_joined("198.51.100.7", 0, NOW, "none");
        say_hello("198.51.100.7", 4000, "firefox", NOW);
        say_hello("198.51.100.7", 4001, "firefox", NOW + NS_PER_SEC);
        assert_joined("198.51.100.7", 0, NOW + 2 * NS_PER_SEC, "firefox");
        assert_joined("198.51.100.7", 9, NOW + 2 * NS_PER_SEC, "firefox");
        assert_joined("198.51.100.8", 0, NOW + 2 * NS_PER_SEC, "none");

        say_hello("198.51.100.7", 4002, "curl", NOW + 3 * NS_PER_SEC);
        assert_joined("198.51.100.7", 0, NOW + 4 * NS_PER_SEC, "curl?");
        assert_joined("198.51.100.7", 4001, NOW + 4 * NS_PER_SEC, "firefox");
        say_hello("198.51.100.9", 4000, "curl", NOW);
        say_hello("198.51.100.9", 4001, "firefox", NOW + NS_PER_MS);
        say_hello("198.51.100.9", 4002, "curl", NOW + 2 * NS_PER_MS);
        say_hello("198.51.100.9", 4003, "firefox", NOW + 3 * NS_PER_MS);
        assert_joined("198.51.100.9", 0, NOW + NS_PER_SEC, "firefox?");
        /* The older one has run out; then the other too. */
        assert_joined("198.51.100.7", 0, NOW + 602 * NS_PER_SEC, "curl");
        assert_joined("198.51.100.7", 0, NOW + 604 * NS_PER_SEC, "none");
}

/* Two systems with one program: the SYN tells them apart, and goes with the hello. */
static void test_the_shape_of_the_syn(void **state)
{
        struct tcp_shape linux_syn = tcp_shape_of(slice_of("\2\4\5\264", 4), 64240, 60);
        struct tcp_shape other_syn = tcp_shape_of(slice_of("\2\4\5\264", 4), 65535, 120);
        bool uncertain;

        (void)state;
        syn = linux_syn;
        say_hello("198.51.100.7", 4000, "chrome", NOW);
        syn = other_syn;
        say_hello("198.51.100.7", 4001, "chrome", NOW + NS_PER_SEC);
        syn = (struct tcp_shape){ 0 };
        assert_joined("198.51.100.7", 4000, NOW + 2 * NS_PER_SEC, "chrome");
        const struct fingerprint *f = join_find(&join, &record, &uncertain);
        assert_memory_equal(&f->tcp_shape, &linux_syn, sizeof(linux_syn));
        assert_joined("198.51.100.7", 0, NOW + 2 * NS_PER_SEC, "chrome?");
        f = join_find(&join, &record, &uncertain);
        assert_memory_equal(&f->tcp_shape, &other_syn, sizeof(other_syn));
}

/* A hello may not speak for what was sent before it. */
static void test_not_from_the_future(void **state)
{
        (void)state;
        say_hello("198.51.100.7", 4000, "curl", NOW);
        assert_joined("198.51.100.7", 0, NOW - 5 * NS_PER_SEC, "none");
        assert_joined("198.51.100.7", 4000, NOW - 5 * NS_PER_SEC, "none");
        assert_joined("198.51.100.7", 4000, NOW - NS_PER_SEC / 2, "curl");
}

/* Nobody between: what is seen in the clear was not TLS. */
static void test_without_a_proxy(void **state)
{
        (void)state;
        say_hello("198.51.100.7", 4000, "curl", NOW);
        assert_true(ip_parse(slice_str("198.51.100.7"), &record.peer));
        assert_joined("198.51.100.7", 4000, NOW, "none");
}

/* A flood of hellos: the newest are known, the memory is what it was. */
static void test_flood(void **state)
{
        char address[32], name[32];
        unsigned known = 0;

        (void)state;
        for (unsigned i = 0; i < 200000; i++) {
                snprintf(address, sizeof(address), "203.%u.%u.%u", i >> 16, i >> 8 & 255,
                         i & 255);
                snprintf(name, sizeof(name), "client %u", i);
                say_hello(address, (uint16_t)i, name, NOW + i * NS_PER_MS);
        }
        for (unsigned i = 200000 - 256; i < 200000; i++) {
                bool uncertain;
                snprintf(address, sizeof(address), "203.%u.%u.%u", i >> 16, i >> 8 & 255,
                         i & 255);
                snprintf(name, sizeof(name), "client %u", i);
                assert_true(ip_parse(slice_str(address), &record.client));
                record.client_port = (uint16_t)i;
                record.start_ns = NOW + 201 * NS_PER_SEC;
                const struct fingerprint *f = join_find(&join, &record, &uncertain);
                /* Forgotten perhaps, never another's. */
                if (f)
                        assert_string_equal(f->ja4, name);
                known += f != NULL;
        }
        assert_in_range(known, 240, 256);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_exact, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_by_address, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_from_the_future, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_the_shape_of_the_syn, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_without_a_proxy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
