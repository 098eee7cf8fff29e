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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_networks),
                cmocka_unit_test(test_contains),
                cmocka_unit_test(test_private),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
