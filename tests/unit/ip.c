/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/ip.h"

static const char *canonical(const char *text)
{
        static char out[IP_TEXT_MAX];
        struct ip ip;

        if (!ip_parse(slice_str(text), &ip))
                return "none";
        ip_format(&ip, out);
        return out;
}

static void test_addresses(void **state)
{
        (void)state;
        assert_string_equal(canonical("192.0.2.1"), "192.0.2.1");
        assert_string_equal(canonical("::ffff:192.0.2.1"), "192.0.2.1");
        assert_string_equal(canonical("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
        assert_string_equal(canonical("2001:db8:0:1:0:0:0:1"), "2001:db8:0:1::1");
        assert_string_equal(canonical("::"), "::");
        assert_string_equal(canonical("0.0.0.0"), "0.0.0.0");
        assert_string_equal(canonical("255.255.255.255"), "255.255.255.255");
        assert_string_equal(canonical("192.0.2.256"), "none");
        assert_string_equal(canonical("192.0.2"), "none");
        assert_string_equal(canonical("[::1]"), "none");
        assert_string_equal(canonical("fe80::1%eth0"), "none");
        assert_string_equal(canonical(""), "none");
        assert_false(ip_parse(slice_of("1.2.3.4\0", 8), &(struct ip){ 0 }));
}

static const char *network_text(const char *text)
{
        static char out[NETWORK_TEXT_MAX];
        struct network network;

        if (!network_parse(slice_str(text), &network, NULL))
                return "none";
        network_format(&network, out);
        return out;
}

static void test_networks(void **state)
{
        bool host_bits;
        struct network network;

        (void)state;
        assert_string_equal(network_text("203.0.113.0/24"), "203.0.113.0/24");
        assert_string_equal(network_text("203.0.113.77/24"), "203.0.113.0/24");
        assert_string_equal(network_text("203.0.113.77"), "203.0.113.77");
        assert_string_equal(network_text("0.0.0.0/0"), "0.0.0.0/0");
        assert_string_equal(network_text("2001:db8:1:2:3::/64"), "2001:db8:1:2::/64");
        assert_string_equal(network_text("::/0"), "::/0");
        assert_string_equal(network_text("203.0.113.0/33"), "none");
        assert_string_equal(network_text("2001:db8::/129"), "none");
        assert_string_equal(network_text("203.0.113.0/"), "none");
        assert_string_equal(network_text("203.0.113.0/2x"), "none");
        assert_true(network_parse(slice_str("10.1.2.3/8"), &network, &host_bits));
        assert_true(host_bits);
        assert_true(network_parse(slice_str("10.0.0.0/8"), &network, &host_bits));
        assert_false(host_bits);
}

static bool contains(const char *text, const char *address)
{
        struct network network;
        struct ip ip;

        assert_true(network_parse(slice_str(text), &network, NULL));
        assert_true(ip_parse(slice_str(address), &ip));
        return network_contains(&network, &ip);
}

static void test_contains(void **state)
{
        (void)state;
        assert_true(contains("10.0.0.0/8", "10.255.0.1"));
        assert_false(contains("10.0.0.0/8", "11.0.0.0"));
        assert_true(contains("192.0.2.128/25", "192.0.2.129"));
        assert_false(contains("192.0.2.128/25", "192.0.2.127"));
        assert_true(contains("192.0.2.1", "192.0.2.1"));
        assert_false(contains("192.0.2.1", "192.0.2.0"));
        assert_true(contains("0.0.0.0/0", "203.0.113.1"));
        assert_false(contains("0.0.0.0/0", "2001:db8::1"));
        assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
        assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
}

static void test_private(void **state)
{
        static const char *const private[] = { "10.1.2.3",    "127.0.0.1",
                                               "172.16.0.1",  "172.31.255.255",
                                               "192.168.1.1", "169.254.0.1",
                                               "100.64.0.1",  "::1",
                                               "fd00::1",     "fe80::1" };
        static const char *const public[] = { "9.255.255.255", "11.0.0.1",
                                              "172.15.0.1",    "172.32.0.1",
                                              "192.169.0.1",   "100.128.0.1",
                                              "198.51.100.1",  "2001:db8::1",
                                              "fec0::1" };
        struct ip ip;

        (void)state;
        for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
                assert_true(ip_parse(slice_str(private[i]), &ip));
                assert_true(ip_is_private(&ip));
        }
        for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
                assert_true(ip_parse(slice_str(public[i]), &ip));
                assert_false(ip_is_private(&ip));
        }
}

static struct network network(const char *text)
{
        struct network n;

        assert_true(network_parse(slice_str(text), &n, NULL));
        return n;
}

static void test_overlap(void **state)
{
        static const struct {
                const char *a, *b;
                bool overlap;
        } rows[] = {
                { "8.0.0.0/5", "10.0.0.0/8", true },
                { "16.0.0.0/5", "10.0.0.0/8", false },
                { "192.0.2.0/25", "192.0.2.128/25", false },
                { "192.0.2.0/24", "192.0.2.255", true },
                { "192.0.2.0/24", "192.0.3.0", false },
                { "192.0.2.1", "192.0.2.1", true },
                { "192.0.2.1", "192.0.2.2", false },
                { "2001:db8::/64", "2001:db8::1:0:0:1", true },
                { "2001:db8::/64", "2001:db8:0:1::", false },
                { "::/0", "10.0.0.0/8", true }, /* IPv4 is mapped into IPv6 */
                { "0.0.0.0/0", "2001:db8::1", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct network a = network(rows[i].a), b = network(rows[i].b);
                if (networks_overlap(&a, &b) != rows[i].overlap ||
                    networks_overlap(&b, &a) != rows[i].overlap)
                        fail_msg("%s and %s", rows[i].a, rows[i].b);
        }
}

static void test_networks_with_private_addresses(void **state)
{
        static const char *const with[] = {
                "8.0.0.0/5",   "10.1.0.0/16",     "0.0.0.0/0",
                "172.0.0.0/8", "192.168.1.77",    "::/64",
                "fc00::/8",    "fe80::1:0:0/112", "f000::/4"
        };
        static const char *const without[] = { "8.0.0.0/7",     "12.0.0.0/6",
                                               "172.32.0.0/11", "192.0.2.0/24",
                                               "2000::/3",      "2001:db8::/64" };

        (void)state;
        for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
                struct network n = network(with[i]);
                if (!network_has_private(&n))
                        fail_msg("%s", with[i]);
        }
        for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
                struct network n = network(without[i]);
                if (network_has_private(&n))
                        fail_msg("%s", without[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_networks),
                cmocka_unit_test(test_contains),
                cmocka_unit_test(test_private),
                cmocka_unit_test(test_overlap),
                cmocka_unit_test(test_networks_with_private_addresses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
