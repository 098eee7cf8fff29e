/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/crc32c.h"

/* RFC 3720 appendix B.4. */
static void test_vectors(void **state)
{
        uint8_t zeros[32] = { 0 }, ones[32], rising[32];

        (void)state;
        memset(ones, 0xff, sizeof(ones));
        for (int i = 0; i < 32; i++)
                rising[i] = (uint8_t)i;
        assert_int_equal(crc32c(0, slice_of(zeros, 32)), 0x8a9136aa);
        assert_int_equal(crc32c(0, slice_of(ones, 32)), 0x62a8ab43);
        assert_int_equal(crc32c(0, slice_of(rising, 32)), 0x46dd794e);
        assert_int_equal(crc32c(0, slice_str("123456789")), 0xe3069283);
        assert_int_equal(crc32c(0, slice_str("")), 0);
}

static void test_both_ways_in_parts(void **state)
{
        uint8_t bytes[100];

        (void)state;
        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 37 + 11);
        uint32_t whole = crc32c(0, slice_of(bytes, sizeof(bytes)));
        for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
                uint32_t head = crc32c(0, slice_of(bytes, cut));
                struct slice tail = slice_of(bytes + cut, sizeof(bytes) - cut);
                assert_int_equal(crc32c(head, tail), whole);
                assert_int_equal(crc32c_portable(head, tail), whole);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_both_ways_in_parts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
