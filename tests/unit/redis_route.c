/* SPDX-License-Identifier: MIT */
/* What needs no server; the rest is in tests/e2e/test_redis_{tls,sentinel,cluster}.py. */
#include "unit/unit.h"

#include "alert/redis_lookup_priv.h"
#include "alert/redis_route.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

static void test_redirections(void **state)
{
        static const struct {
                const char *error, *name;
                uint16_t port;
                bool is_ask;
        } cases[] = {
                { "MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381, false },
                { "ASK 3999 127.0.0.1:6381", "127.0.0.1", 6381, true },
                { "MOVED 1 node-2.example:1", "node-2.example", 1, false },
                { "MOVED 1 2001:db8::1:6381", "2001:db8::1", 6381, false },
                { "MOVED 1 :6381", "peer", 6381, false },
                { "ASK 1 ?:6381", "peer", 6381, true },
                { "MOVED 1 h:7 hostname=x", "h", 7, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct redis_host to = { 0 };
                bool is_ask = !cases[i].is_ask;
                assert_true(redis_redirect_parse(cases[i].error, "peer", &to, &is_ask));
                assert_string_equal(to.name, cases[i].name);
                assert_int_equal(to.port, cases[i].port);
                assert_int_equal(is_ask, cases[i].is_ask);
        }
}

static void test_no_redirections(void **state)
{
        static const char *const cases[] = {
                "",
                "MOVED",
                "MOVED 1",
                "MOVED 1 h",
                "MOVED 1 h:",
                "MOVED 1 h:0",
                "MOVED 1 h:65536",
                "MOVED 1 h:x",
                "MOVEDX 1 h:7",
                "ERR MOVED 1 h:7",
                "ASKING 1 h:7",
                "TRYAGAIN 1 h:7",
        };
        char too_long[400] = "MOVED 1 ";
        struct redis_host to;
        bool is_ask;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_false(redis_redirect_parse(cases[i], "peer", &to, &is_ask));
        memset(too_long + 8, 'a', 300);
        strcpy(too_long + 8 + 256, ":7");
        assert_false(redis_redirect_parse(too_long, "peer", &to, &is_ask));
        strcpy(too_long + 8 + 255, ":7");
        assert_true(redis_redirect_parse(too_long, "peer", &to, &is_ask));
        assert_int_equal(strlen(to.name), 255);
}

static void test_words_of_errors(void **state)
{
        (void)state;
        assert_true(redis_error_is("NOPERM this user", "NOPERM"));
        assert_true(redis_error_is("TRYAGAIN", "TRYAGAIN"));
        assert_false(redis_error_is("NOPERMX", "NOPERM"));
        assert_false(redis_error_is("ERR NOPERM", "NOPERM"));
}

static void test_lookup(void **state)
{
        struct redis_lookup *lookup = redis_lookup_new();
        struct redis_address to[REDIS_ADDRESSES];
        struct redis_host v4 = { "127.0.0.1", 7 }, v6 = { "::1", 8 },
                          path = { "/run/r.sock", 0 }, bad = { "", 9 };
        const char *why = NULL;
        struct sockaddr_in in;
        struct sockaddr_un un;

        (void)state;
        memset(bad.name, 'a', 70);     /* no label may be so long: no server is asked */
        for (int i = 0; i < 40; i++) { /* more hosts than are kept */
                v4.port = (uint16_t)(i + 1);
                assert_int_equal(redis_lookup_find(lookup, &v4, 0, to, &why), 1);
                memcpy(&in, &to[0].socket, sizeof(in));
                assert_int_equal(in.sin_family, AF_INET);
                assert_int_equal(ntohs(in.sin_port), i + 1);
        }
        assert_int_equal(redis_lookup_find(lookup, &v6, 0, to, &why), 1);
        assert_int_equal(to[0].socket.ss_family, AF_INET6);
        assert_int_equal(redis_lookup_find(lookup, &path, 0, to, &why), 1);
        memcpy(&un, &to[0].socket, sizeof(un));
        assert_string_equal(un.sun_path, "/run/r.sock");
        assert_int_equal(redis_lookup_find(lookup, &bad, 0, to, &why), 0);
        assert_non_null(why);
        redis_lookup_free(&lookup);
}

/* --- a route to places that are not there --- */

struct heard {
        struct event_base *base;
        unsigned downs;
        char why[1024];
};

static void on_up(void *context)
{
        (void)context;
        fail();
}

static void on_reply(void *context, const struct redisReply *reply)
{
        (void)context, (void)reply;
        fail();
}

static void on_down(void *context, const char *why)
{
        struct heard *heard = context;

        heard->downs++;
        snprintf(heard->why, sizeof(heard->why), "%s", why);
        event_base_loopbreak(heard->base);
}

/* Ports of this host at which nobody listens. */
static void closed_ports(uint16_t *ports, unsigned count)
{
        int fds[8];

        for (unsigned i = 0; i < count; i++) {
                struct sockaddr_in in = { .sin_family = AF_INET };
                socklen_t len = sizeof(in);
                in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                fds[i] = socket(AF_INET, SOCK_STREAM, 0);
                assert_int_equal(bind(fds[i], (struct sockaddr *)&in, len), 0);
                getsockname(fds[i], (struct sockaddr *)&in, &len);
                ports[i] = ntohs(in.sin_port);
        }
        for (unsigned i = 0; i < count; i++)
                close(fds[i]);
}

static void expect_down(const char *url_text, const char *part)
{
        struct heard heard = { .base = event_base_new() };
        const struct redis_route_handler handler = { on_up, on_reply, on_down, &heard };
        struct redis_url url;

        assert_null(redis_url_parse(url_text, &url));
        struct redis_route *route =
            redis_route_new(&url, heard.base, INT64_C(5000000000), &handler);
        for (unsigned round = 1; round <= 2; round++) {
                redis_route_open(route);
                assert_int_equal(heard.downs, round - 1); /* never at once */
                event_base_dispatch(heard.base);
                assert_int_equal(heard.downs, round);
                if (!strstr(heard.why, part))
                        fail_msg("'%s' is not in '%s'", part, heard.why);
        }
        redis_route_open(route); /* closed in the middle: nothing is heard */
        redis_route_close(route);
        event_base_loop(heard.base, EVLOOP_NONBLOCK);
        assert_int_equal(heard.downs, 2);
        redis_route_free(&route);
        event_base_free(heard.base);
}

static void test_nobody_is_there(void **state)
{
        uint16_t ports[2];
        char url[200], part[200];

        (void)state;
        closed_ports(ports, 2);
        snprintf(url, sizeof(url), "redis://127.0.0.1:%u", ports[0]);
        expect_down(url, "Connection refused; is it running");
        snprintf(url, sizeof(url), "redis://127.0.0.1:%u,127.0.0.1:%u", ports[0],
                 ports[1]);
        snprintf(part, sizeof(part), "127.0.0.1:%u: Connection refused", ports[1]);
        expect_down(url, part);
        snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u/m", ports[0]);
        snprintf(part, sizeof(part), "sentinel 127.0.0.1:%u: Connection refused",
                 ports[0]);
        expect_down(url, part);
        expect_down("unix:/no/such/socket", "No such file or directory; is it running");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_redirections),
                cmocka_unit_test(test_no_redirections),
                cmocka_unit_test(test_words_of_errors),
                cmocka_unit_test(test_lookup),
                cmocka_unit_test(test_nobody_is_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
