/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/digest.h"

static void assert_digest(const char *algorithm, const char *text, const char *expected)
{
        struct digest *d = digest_new(algorithm);
        char hex[65];

        assert_non_null(d);
        for (int again = 0; again < 2; again++) {
                memset(hex, 0, sizeof(hex));
                digest_hex(d, slice_str(text), strlen(expected) / 2, hex);
                assert_string_equal(hex, expected);
        }
        digest_free(&d);
        assert_null(d);
        digest_free(&d);
}

/* RFC 1321 A.5, FIPS 180-2 B.1 */
static void test_published(void **state)
{
        (void)state;
        assert_digest("MD5", "", "d41d8cd98f00b204e9800998ecf8427e");
        assert_digest("MD5", "abc", "900150983cd24fb0d6963f7d28e17f72");
        assert_digest("SHA256", "abc",
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_digest("SHA256", "abc", "ba7816bf8f01");
}

static void test_unknown(void **state)
{
        (void)state;
        assert_null(digest_new("no such digest"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published),
                cmocka_unit_test(test_unknown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
