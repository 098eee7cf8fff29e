/* SPDX-License-Identifier: MIT */
#include "base/sample.h"

#include "unit/unit.h"

static const struct hash_key some = { 11, 12 };

static struct ip address(uint32_t i)
{
        uint8_t bytes[4] = { 198, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

        return ip_from_v4(bytes);
}

/* Half of them, a quarter, an eighth: within five standard errors. */
static void each_rank_has_its_share(void **state)
{
        enum { MANY = 1 << 20 };
        unsigned in[SAMPLE_SHIFT_MAX + 1] = { 0 };

        (void)state;
        for (uint32_t i = 0; i < MANY; i++) {
                struct ip ip = address(i);
                uint8_t rank = sample_rank(&some, &ip);
                assert_in_range(rank, 0, SAMPLE_SHIFT_MAX);
                for (unsigned shift = 0; shift <= rank; shift++)
                        in[shift]++;
        }
        for (unsigned shift = 0; shift <= SAMPLE_SHIFT_MAX; shift++) {
                double expected = (double)(MANY >> shift), off = in[shift] - expected;
                assert_true(off * off <= 25 * expected);
        }
}

static void a_visitor_of_ipv6_is_a_64(void **state)
{
        struct ip a, b;
        unsigned differ = 0;

        (void)state;
        for (uint8_t i = 0; i < 200; i++) {
                assert_true(ip_parse(slice_str("2001:db8:7:0::"), &a));
                b = a;
                a.bytes[7] = b.bytes[7] = i;
                b.bytes[15] = 1;
                b.bytes[8] = i;
                assert_int_equal(sample_rank(&some, &a), sample_rank(&some, &b));
                a.bytes[6]++;
                differ += sample_rank(&some, &a) != sample_rank(&some, &b);
        }
        assert_in_range(differ, 100, 180);
}

static void ranks_hang_on_the_key(void **state)
{
        struct hash_key other = { 11, 13 };
        struct hash_key own = sample_key(&some), of_other = sample_key(&other);
        unsigned differ = 0;

        (void)state;
        assert_memory_not_equal(&own, &some, sizeof(own));
        assert_int_not_equal(own.k0, own.k1);
        for (uint32_t i = 0; i < 200; i++) {
                struct ip ip = address(i);
                differ += sample_rank(&own, &ip) != sample_rank(&of_other, &ip);
        }
        assert_in_range(differ, 100, 180);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_rank_has_its_share),
                cmocka_unit_test(a_visitor_of_ipv6_is_a_64),
                cmocka_unit_test(ranks_hang_on_the_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
