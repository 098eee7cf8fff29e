/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/cipher_names.h"

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(cipher_name(0x0000), "TLS_NULL_WITH_NULL_NULL");
        assert_string_equal(cipher_name(0x000a), "TLS_RSA_WITH_3DES_EDE_CBC_SHA");
        assert_string_equal(cipher_name(0x1301), "TLS_AES_128_GCM_SHA256");
        assert_string_equal(cipher_name(0x5600), "TLS_FALLBACK_SCSV");
        assert_string_equal(cipher_name(0xc02b),
                            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_string_equal(cipher_name(0xccae),
                            "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256");
        assert_null(cipher_name(0x1a1a));
        assert_null(cipher_name(0xffff));
        assert_null(cipher_name(0x0100));
}

/* A row that is out of order would not be found. */
static void test_every_row_is_found(void **state)
{
        unsigned found = 0;

        (void)state;
        for (unsigned i = 0; i < 65536; i++)
                found += cipher_name((uint16_t)i) != NULL;
        assert_int_equal(found, 245);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_every_row_is_found),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
