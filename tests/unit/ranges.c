/* SPDX-License-Identifier: MIT */
#include "observe/ranges.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has(const struct ranges *r, const char *address)
{
        struct ip ip;

        assert_true(ip_parse(slice_str(address), &ip));
        return ranges_contain(r, &ip);
}

static struct ranges parse(const char *text)
{
        struct ranges r = { 0 };
        struct diag *diag = diag_new();

        assert_true(ranges_add(&r, "list", slice_str(text), diag));
        assert_int_equal(diag_errors(diag), 0);
        diag_free(&diag);
        ranges_seal(&r);
        return r;
}

static void refuse(const char *text, const char *expected)
{
        struct ranges r = { 0 };
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        assert_false(ranges_add(&r, "list", slice_str(text), diag));
        diag_print(diag, &said);
        buf_put_byte(&said, 0);
        assert_string_equal((const char *)said.data, expected);
        diag_free(&diag);
        buf_free(&said);
        ranges_free(&r);
}

static void lines(void **state)
{
        struct ranges r = parse("# from the owner's page\n"
                                "192.0.2.0/24 # the first\r\n"
                                "\n"
                                "\t203.0.113.7\n"
                                "2001:db8:4000::/36");

        (void)state;
        assert_int_equal(r.count, 3);
        assert_true(has(&r, "192.0.2.0"));
        assert_true(has(&r, "192.0.2.255"));
        assert_true(has(&r, "::ffff:192.0.2.1"));
        assert_false(has(&r, "192.0.1.255"));
        assert_false(has(&r, "192.0.3.0"));
        assert_true(has(&r, "203.0.113.7"));
        assert_false(has(&r, "203.0.113.6"));
        assert_false(has(&r, "203.0.113.8"));
        assert_true(has(&r, "2001:db8:4fff::1"));
        assert_false(has(&r, "2001:db8:5000::1"));
        ranges_free(&r);
}

static void json_as_search_engines_publish_it(void **state)
{
        struct ranges r = parse(
            "\n{\n  \"creationTime\": \"2026-11-20T23:00:00\",\n  \"prefixes\": [\n"
            "    {\"ipv6Prefix\": \"2001:db8:4860::/64\"},\n"
            "    {\"ipv4Prefix\": \"192.0.2.0/27\", \"service\": \"crawl\"}\n  ]\n}\n");

        (void)state;
        assert_true(has(&r, "192.0.2.31"));
        assert_false(has(&r, "192.0.2.32"));
        assert_true(has(&r, "2001:db8:4860::7"));
        assert_false(has(&r, "2001:db8:4860:1::7"));
        ranges_free(&r);
}

/* A large one that holds small ones, some of them twice, in any order. */
static void networks_that_nest(void **state)
{
        struct ranges r = parse("198.51.100.64/26\n198.51.100.0/24\n198.51.100.7\n"
                                "198.51.0.0/16\n198.51.0.0/16\n198.52.0.0/24\n"
                                "198.51.255.0/24\n");

        (void)state;
        assert_int_equal(r.count, 2);
        assert_true(has(&r, "198.51.100.200"));
        assert_true(has(&r, "198.51.255.255"));
        assert_true(has(&r, "198.52.0.1"));
        assert_false(has(&r, "198.52.1.1"));
        assert_false(has(&r, "198.50.255.255"));
        ranges_free(&r);
}

static void the_same_answers_as_one_by_one(void **state)
{
        struct network networks[300];
        struct buf text = { 0 };

        (void)state;
        srand(7);
        for (unsigned i = 0; i < 300; i++) {
                uint8_t v4[4] = { 10, (uint8_t)(rand() % 4), (uint8_t)rand(),
                                  (uint8_t)rand() };
                struct ip ip = ip_from_v4(v4);
                char line[NETWORK_TEXT_MAX];
                networks[i] = network_of(&ip, (uint8_t)(112 + rand() % 17));
                buf_put(&text, line, network_format(&networks[i], line));
                buf_put_byte(&text, '\n');
        }
        buf_put_byte(&text, 0);
        struct ranges r = parse((const char *)text.data);
        for (unsigned n = 0; n < 20000; n++) {
                uint8_t v4[4] = { 10, (uint8_t)(rand() % 5), (uint8_t)rand(),
                                  (uint8_t)rand() };
                struct ip ip = ip_from_v4(v4);
                bool expected = false;
                for (unsigned i = 0; i < 300; i++)
                        expected |= network_contains(&networks[i], &ip);
                assert_int_equal(ranges_contain(&r, &ip), expected);
        }
        ranges_free(&r);
        buf_free(&text);
}

static void mistakes_have_a_line(void **state)
{
        (void)state;
        refuse("# all\n192.0.2.0/24\n192.0.2.0/33\n\nhost.example\n192.0.2.1/24\n",
               "list:3:1: '192.0.2.0/33' is no network, as 192.0.2.0/24 is\n"
               "list:5:1: 'host.example' is no network, as 192.0.2.0/24 is\n"
               "list:6:1: '192.0.2.1/24' has bits behind its prefix\n");
        refuse("0.0.0.0/0\n10.0.0.0/7\n::/0\n2000::/3\n11.0.0.0/8\n",
               "list:1:1: '0.0.0.0/0' is wider than any crawler's network\n"
               "list:2:1: '10.0.0.0/7' is wider than any crawler's network\n"
               "list:3:1: '::/0' is wider than any crawler's network\n"
               "list:4:1: '2000::/3' is wider than any crawler's network\n");
        refuse("", "list: has no network in it\n");
        refuse("# nothing\n", "list: has no network in it\n");
}

static void mistakes_of_json(void **state)
{
        (void)state;
        refuse("{\"prefixes\": [\n{\"ipv4Prefix\": \"192.0.2.0/24\"},\n"
               "{\"ipv4Prefix\": \"192.0.2.0/x\"}]}",
               "list:3:1: '192.0.2.0/x' is no network, as 192.0.2.0/24 is\n");
        refuse("{\"prefixes\": [{\"ipPrefix\": \"192.0.2.0/24\"}, 7]}",
               "list: an entry of 'prefixes' has neither an ipv4Prefix nor an "
               "ipv6Prefix\n");
        refuse("{\"prefixes\": {}}", "list: has no list 'prefixes'\n");
        refuse("[]", "list: has no list 'prefixes'\n");
        refuse("{\"prefixes\": []}", "list: has no network in it\n");
        refuse("{\"prefixes\": [\n{\"ipv4Prefix\": 7}\n]}",
               "list: an entry of 'prefixes' has neither an ipv4Prefix nor an "
               "ipv6Prefix\n");
        refuse("{\n\"prefixes\": [,]}", "list:2:1: no JSON: unexpected token near ','\n");
}

static void a_pipe_is_not_waited_for(void **state)
{
        char path[] = "/tmp/unit-ranges-XXXXXX";
        struct ranges r = { 0 };
        struct diag *diag = diag_new();

        (void)state;
        close(mkstemp(path));
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_false(ranges_read(&r, path, diag));
        assert_int_equal(diag_errors(diag), 1);
        unlink(path);
        assert_false(ranges_read(&r, path, diag));
        assert_int_equal(diag_errors(diag), 2);
        diag_free(&diag);
        ranges_free(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines),
                cmocka_unit_test(json_as_search_engines_publish_it),
                cmocka_unit_test(networks_that_nest),
                cmocka_unit_test(the_same_answers_as_one_by_one),
                cmocka_unit_test(mistakes_have_a_line),
                cmocka_unit_test(mistakes_of_json),
                cmocka_unit_test(a_pipe_is_not_waited_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
