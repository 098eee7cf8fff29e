/* SPDX-License-Identifier: MIT */
#include "observe/visitor.h"

#include "unit/unit.h"

static const char *const proxies[] = { "127.0.0.0/8", "10.0.0.0/8", "10.1.0.0/16",
                                       "::1",         "fd00::/8",   "192.0.2.7" };

static struct trusted trusted;

static int set_up(void **state)
{
        struct network networks[6];

        (void)state;
        for (int i = 0; i < 6; i++)
                assert_true(network_parse(slice_str(proxies[i]), &networks[i], NULL));
        trusted_init(&trusted, networks, 6);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        trusted_free(&trusted);
        return 0;
}

static struct ip ip_of(const char *text)
{
        struct ip ip;

        assert_true(ip_parse(slice_str(text), &ip));
        return ip;
}

static void test_trusted(void **state)
{
        static const struct {
                const char *ip;
                bool trusted;
        } rows[] = {
                { "10.0.0.0", true },
                { "10.255.255.255", true },
                { "10.1.2.3", true },
                { "9.255.255.255", false },
                { "11.0.0.0", false },
                { "127.0.0.1", true },
                { "128.0.0.0", false },
                { "192.0.2.7", true },
                { "192.0.2.6", false },
                { "192.0.2.8", false },
                { "::1", true },
                { "::2", false },
                { "::", false },
                { "fd00::", true },
                { "fe00::", false },
                { "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true },
                { "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false },
                { "::ffff:10.0.0.1", true },
        };

        (void)state;
        /* The /16 lies inside the /8: five ranges are left of six networks. */
        assert_int_equal(trusted.count, 5);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct ip ip = ip_of(rows[i].ip);
                if (trusted_has(&trusted, &ip) != rows[i].trusted)
                        fail_msg("%s", rows[i].ip);
        }
}

static void test_networks_with_trusted_addresses(void **state)
{
        static const struct {
                const char *network;
                bool overlaps;
        } rows[] = {
                { "8.0.0.0/5", true },
                { "9.0.0.0/8", false },
                { "11.0.0.0/8", false },
                { "10.1.2.0/24", true },
                { "192.0.2.0/24", true },
                { "192.0.2.8/29", false },
                { "192.0.2.7", true },
                { "128.0.0.0/2", false },
                { "fd00::9:0:0:0/64", true },
                { "fc00::/8", false },
                { "::/64", true },
                { "2000::/3", false },
                { "0.0.0.0/0", true },
                { "::/0", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct network n;
                assert_true(network_parse(slice_str(rows[i].network), &n, NULL));
                if (trusted_overlaps(&trusted, &n) != rows[i].overlaps)
                        fail_msg("%s", rows[i].network);
        }
}

static void test_nobody_is_trusted(void **state)
{
        struct trusted nobody;
        struct ip ip = ip_of("127.0.0.1");
        struct network network = { 0 };

        (void)state;
        trusted_init(&nobody, NULL, 0);
        assert_false(trusted_has(&nobody, &ip));
        assert_false(trusted_overlaps(&nobody, &network));
        trusted_free(&nobody);
}

static void test_everybody_is_trusted(void **state)
{
        struct trusted all;
        struct network network;
        struct ip low = ip_of("::"),
                  high = ip_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

        (void)state;
        assert_true(network_parse(slice_str("::/0"), &network, NULL));
        trusted_init(&all, &network, 1);
        assert_true(trusted_has(&all, &low) && trusted_has(&all, &high));
        trusted_free(&all);
}

static void test_syntax(void **state)
{
        (void)state;
        assert_int_equal(visitor_syntax_of(slice_str("x-forwarded-for")), VISITOR_LIST);
        assert_int_equal(visitor_syntax_of(slice_str("X-Original-Forwarded-For")),
                         VISITOR_LIST);
        assert_int_equal(visitor_syntax_of(slice_str("FORWARDED")), VISITOR_FORWARDED);
        assert_int_equal(visitor_syntax_of(slice_str("X-Real-IP")), VISITOR_SINGLE);
        assert_int_equal(visitor_syntax_of(slice_str("CF-Connecting-IP")),
                         VISITOR_SINGLE);
}

/* One row a sentence: header lines between bars, then who it is. */
struct row {
        enum visitor_syntax syntax;
        const char *peer;
        const char *lines; /* NULL: no such header; `|` between lines */
        const char *ip;
        bool uncertain;
        unsigned port;
};

#define LIST VISITOR_LIST
#define FWD  VISITOR_FORWARDED
#define ONE  VISITOR_SINGLE

static const struct row rows[] = {
        /* A peer that is not trusted is the visitor, whatever he writes. */
        { LIST, "203.0.113.9", "198.51.100.7", "203.0.113.9", false, 999 },
        { LIST, "203.0.113.9", NULL, "203.0.113.9", false, 999 },
        /* From the right, while it is trusted. */
        { LIST, "10.0.0.1", "198.51.100.7", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "198.51.100.7, 10.0.0.2 ,127.0.0.1", "198.51.100.7", false,
          0 },
        { LIST, "10.0.0.1", "garbage, 198.51.100.7", "198.51.100.7", false, 0 },
        { LIST, "::1", "2001:db8::7", "2001:db8::7", false, 0 },
        { LIST, "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7", false, 0 },
        /* Several lines are one list, in order. */
        { LIST, "10.0.0.1", "1.1.1.1|198.51.100.7", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "198.51.100.7|10.0.0.2", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "198.51.100.7,10.0.0.3|10.0.0.2|", "198.51.100.7", false, 0 },
        /* Empty elements do not count. */
        { LIST, "10.0.0.1", ",198.51.100.7,, ,", "198.51.100.7", false, 0 },
        /* Malformed, trusted to the end, or none at all: the last good address. */
        { LIST, "10.0.0.1", NULL, "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9", true, 0 },
        { LIST, "10.0.0.1", "198.51.100.7, unknown", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2", true, 0 },
        { LIST, "10.0.0.1", "198.51.100.7 10.0.0.2", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.256", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.07", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.7.", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "1.2.3.4.5", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "fe80::1%eth0", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "\"198.51.100.7\"", "10.0.0.1", true, 999 },
        /* Ports and brackets. */
        { LIST, "10.0.0.1", "198.51.100.7:41022", "198.51.100.7", false, 41022 },
        { LIST, "10.0.0.1", "198.51.100.7:", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.7:65536", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "[2001:db8::7]", "2001:db8::7", false, 0 },
        { LIST, "10.0.0.1", "[2001:db8::7]:443", "2001:db8::7", false, 443 },
        { LIST, "10.0.0.1", "[2001:db8::7", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "[2001:db8::7]443", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "[198.51.100.7]", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "[]", "10.0.0.1", true, 999 },
        /* IPv4-mapped addresses are IPv4. */
        { LIST, "10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "198.51.100.7, [::ffff:10.9.9.9]:80", "198.51.100.7", false,
          0 },
        /* Forwarded. */
        { FWD, "10.0.0.1", "for=198.51.100.7", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "FOR=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7",
          false, 0 },
        { FWD, "10.0.0.1", "proto=https; For=\"198.51.100.7:4711\"", "198.51.100.7",
          false, 4711 },
        { FWD, "10.0.0.1", "for=\"[2001:db8::7]:4711\"", "2001:db8::7", false, 4711 },
        { FWD, "10.0.0.1", "for=\"[2001:db8::7]:_port\"", "2001:db8::7", false, 0 },
        { FWD, "10.0.0.1", "for=\"\\1\\9\\8.51.100.7\"", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=1.1.1.1, for=198.51.100.7, for=10.0.0.2", "198.51.100.7",
          false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7|for=10.0.0.2", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7;ext=\"a,b;for=1.1.1.1\"", "198.51.100.7",
          false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7;ext=\"\\\",for=1.1.1.1\"", "198.51.100.7",
          false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7;ext=\"a,\\\"b\"", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7;", "198.51.100.7", false, 0 },
        /* What a visitor breaks on the left does not reach the right. */
        { FWD, "10.0.0.1", "for=\"evil, for=198.51.100.7", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=\"evil, for=\"[2001:db8::7]:80\"", "2001:db8::7", false,
          80 },
        { FWD, "10.0.0.1", "for=198.51.100.7, for=unknown", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=198.51.100.7, for=_hidden, for=10.0.0.2", "10.0.0.2",
          true, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7;for=1.1.1.1", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "proto=https", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7\"x", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"\\", "10.0.0.1", true, 999 },
        /* IPv4 in IPv6, quoted or not; colons outside of quotes, as some proxies write.
         */
        { FWD, "10.0.0.1", "for=\"[::ffff:198.51.100.7]\"", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=\"[::ffff:198.51.100.7]:80\"", "198.51.100.7", false,
          80 },
        { FWD, "10.0.0.1", "for=198.51.100.7, for=\"[::ffff:10.0.0.2]\"", "198.51.100.7",
          false, 0 },
        { FWD, "10.0.0.1", "for=2001:db8::7", "2001:db8::7", false, 0 },
        { FWD, "10.0.0.1", "for=[2001:db8::7]:80", "2001:db8::7", false, 80 },
        { FWD, "10.0.0.1", "for=198.51.100.7:80", "198.51.100.7", false, 80 },
        { FWD, "fd00::1", "for=\"[2001:db8::7]\";by=\"[fd00::1]:443\"", "2001:db8::7",
          false, 0 },
        /* Several lines with several elements each; the order of the pairs is free. */
        { FWD, "10.0.0.1",
          "for=1.1.1.1, "
          "by=10.0.0.9;for=198.51.100.7|proto=http;host=\"a,b\";for=10.0.0.3,"
          "for=10.0.0.2;by=_x",
          "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=198.51.100.7|,|\t , ", "198.51.100.7", false, 0 },
        /* Who does not want to be named is not: in any writing, with a port too. */
        { FWD, "10.0.0.1", "for=\"unknown\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=UNKNOWN", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"unknown:80\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"_hidden:80\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=198.51.100.7, for=unknown|for=10.0.0.2", "10.0.0.2", true,
          0 },
        /* obfport: an underscore and more; nothing else that is no number. */
        { FWD, "10.0.0.1", "for=\"198.51.100.7:_a.b-c_9\"", "198.51.100.7", false, 0 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7:_\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7:_a!\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7:http\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7:-1\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7:000080\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"[2001:db8::7]:\"", "10.0.0.1", true, 999 },
        /* Zones belong to the proxy's own links: no visitor comes from one. */
        { FWD, "10.0.0.1", "for=\"[fe80::1%25eth0]\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"[fe80::1%eth0]:80\"", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "[fe80::1%eth0]:80", "10.0.0.1", true, 999 },
        { ONE, "10.0.0.1", "fe80::1%eth0", "10.0.0.1", true, 999 },
        /* Garbage. */
        { FWD, "10.0.0.1", ";for=198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "=;for=198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", " =1;for=198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "fork=198.51.100.7", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7\\\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=198.51.100.7;secret=\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"[2001:db8::7]]\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"[[2001:db8::7]]\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"[2001:db8::7:80\"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1", "for=\"198.51.100.7 \"", "10.0.0.1", true, 999 },
        { FWD, "10.0.0.1",
          "for=\"0000000000000000000000000000000000000000000000000000000198.51.100.7\"",
          "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "\xff\xfe", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "198.51.100.7\x01", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "for=198.51.100.7", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "http://198.51.100.7/", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "3325256711", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "0xc6.51.100.7", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "+198.51.100.7", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", ":80", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "2001:db8::7:8:9:a:b:c:d", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "2001:db8:::7", "10.0.0.1", true, 999 },
        { LIST, "10.0.0.1", "_hidden", "10.0.0.1", true, 999 },
        /* Port 0 is as good as none. */
        { LIST, "10.0.0.1", "198.51.100.7:0", "198.51.100.7", false, 0 },
        { LIST, "10.0.0.1", "198.51.100.7:65535", "198.51.100.7", false, 65535 },
        /* Headers with one address. */
        { ONE, "::1", "2001:db8::7", "2001:db8::7", false, 0 },
        { ONE, "10.0.0.1", "[2001:db8::7]:443", "2001:db8::7", false, 443 },
        { ONE, "10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7", false, 0 },
        { ONE, "10.0.0.1", "198.51.100.7:41022", "198.51.100.7", false, 41022 },
        { ONE, "10.0.0.1", "", "10.0.0.1", true, 999 },
        { ONE, "10.0.0.1", "unknown", "10.0.0.1", true, 999 },
        { ONE, "10.0.0.1", "198.51.100.7|198.51.100.7", "10.0.0.1", true, 999 },
        { ONE, "203.0.113.9", "198.51.100.7", "203.0.113.9", false, 999 },
        { ONE, "10.0.0.1", "198.51.100.7", "198.51.100.7", false, 0 },
        { ONE, "10.0.0.1", "198.51.100.7, 1.1.1.1", "10.0.0.1", true, 999 },
        { ONE, "10.0.0.1", "198.51.100.7|1.1.1.1", "10.0.0.1", true, 999 },
        { ONE, "10.0.0.1", "10.0.0.9", "10.0.0.9", true, 0 },
        { ONE, "10.0.0.1", NULL, "10.0.0.1", true, 999 },
        /* Without `header` no header is read. */
        { VISITOR_NO_HEADER, "10.0.0.1", "198.51.100.7", "10.0.0.1", true, 999 },
        { VISITOR_NO_HEADER, "203.0.113.9", NULL, "203.0.113.9", false, 999 },
};

static struct visitor find(const struct row *row)
{
        struct slice lines[8], rest = slice_str(row->lines);
        struct ip peer = ip_of(row->peer);
        unsigned count = 0;

        while (slice_next(&rest, '|', &lines[count]))
                count++;
        return visitor_find(&trusted, row->syntax, &peer, 999, lines, count);
}

static void test_visitors(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct visitor v = find(&rows[i]);
                struct ip expected = ip_of(rows[i].ip);
                char text[IP_TEXT_MAX];
                ip_format(&v.ip, text);
                if (!ip_equal(&v.ip, &expected) || v.uncertain != rows[i].uncertain ||
                    v.port != rows[i].port)
                        fail_msg("row %zu, %s: %s, uncertain %d, port %d", i,
                                 rows[i].lines ? rows[i].lines : "(none)", text,
                                 v.uncertain, v.port);
                assert_int_equal(v.trusted, trusted_has(&trusted, &v.ip));
        }
}

/* The walk ends after VISITOR_HOPS elements, wherever it is then. */
static void test_hops_are_bounded(void **state)
{
        char list[4096] = "198.51.100.7";
        struct row row = { LIST, "10.0.0.1", list, "", false, 0 };
        struct ip expected = ip_of("198.51.100.7");

        (void)state;
        for (int i = 0; i < VISITOR_HOPS - 1; i++)
                strcat(list, ",10.0.0.2");
        struct visitor v = find(&row);
        assert_true(ip_equal(&v.ip, &expected) && !v.uncertain);
        strcat(list, ",10.0.0.2");
        v = find(&row);
        expected = ip_of("10.0.0.2");
        assert_true(ip_equal(&v.ip, &expected) && v.uncertain);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_trusted),
                cmocka_unit_test(test_networks_with_trusted_addresses),
                cmocka_unit_test(test_nobody_is_trusted),
                cmocka_unit_test(test_everybody_is_trusted),
                cmocka_unit_test(test_syntax),
                cmocka_unit_test(test_visitors),
                cmocka_unit_test(test_hops_are_bounded),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
