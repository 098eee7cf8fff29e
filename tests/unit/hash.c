/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"

/* Key 00 01 .. 0f and message 00 01 .. n-1, as in the SipHash paper's appendix. */
static uint64_t vector(size_t n)
{
        struct hash_key key = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
        uint8_t message[64];

        for (size_t i = 0; i < sizeof(message); i++)
                message[i] = (uint8_t)i;
        return hash_bytes(&key, message, n);
}

static void test_known_answer(void **state)
{
        (void)state;
        assert_true(vector(0) == 0xabac0158050fc4dcULL);
}

static void test_every_byte_and_the_length_count(void **state)
{
        struct hash_key key = hash_key_fixed();
        uint8_t zeros[40] = { 0 };

        (void)state;
        for (size_t len = 0; len < 40; len++) {
                uint64_t plain = hash_bytes(&key, zeros, len);
                assert_true(plain != hash_bytes(&key, zeros, len + 1));
                for (size_t i = 0; i < len; i++) {
                        zeros[i] = 1;
                        assert_true(plain != hash_bytes(&key, zeros, len));
                        zeros[i] = 0;
                }
        }
}

static void test_integers_are_eight_bytes(void **state)
{
        struct hash_key key = hash_key_fixed();
        uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

        (void)state;
        assert_true(hash_u64(&key, 0x0807060504030201ULL) == hash_bytes(&key, bytes, 8));
}

static void test_keys_matter(void **state)
{
        struct hash_key a = hash_key_random(), b = hash_key_random();

        (void)state;
        assert_true(hash_u64(&a, 7) != hash_u64(&b, 7));
        assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_answer),
                cmocka_unit_test(test_every_byte_and_the_length_count),
                cmocka_unit_test(test_integers_are_eight_bytes),
                cmocka_unit_test(test_keys_matter),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
