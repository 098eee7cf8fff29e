/* SPDX-License-Identifier: MIT */
#include "observe/email.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

struct address {
        const char *text, *domain, *canonical, *skeleton;
};

static const struct address addresses[] = {
        { "john.smith83@Example.ORG", "example.org", "john.smith83@example.org",
          "l.ld2" },
        { " \tJohn+news@example.org\r\n", "example.org", "john@example.org", "l+l" },
        { "J.o.h.n+x.y+z@gmail.com", "gmail.com", "john@gmail.com", "l.l.l.l+l.l+l" },
        { "john.s@GoogleMail.com", "googlemail.com", "johns@gmail.com", "l.l" },
        { "j.o@mail.gmail.com", "mail.gmail.com", "j.o@mail.gmail.com", "l.l" },
        { "+tag@example.org", "example.org", "+tag@example.org", "+l" },
        { "a1b22c333@x.y", "x.y", "a1b22c333@x.y", "ld1ld2ld3" },
        { "0123456789012@x", "x", "0123456789012@x", "d13" },
        { "m\xc3\xbcller_7@b\xc3\xbc"
          "cher.de",
          "b\xc3\xbc"
          "cher.de",
          "m\xc3\xbcller_7@b\xc3\xbc"
          "cher.de",
          "l_d1" },
        { "-._=@a-b.c", "a-b.c", "-._=@a-b.c", "-._=" },
};

static const char *const no_addresses[] = {
        "",
        "anna",
        "@x.y",
        "a@",
        "a@b@c.d",
        "a b@x.y",
        "a@x y",
        "a@.x",
        "a@x.",
        "a@x..y",
        "a@[::1]",
        "a\n@x.y",
        "a@x.y, b@x.y",
        /* a local part of 65 bytes */
        "01234567890123456789012345678901234567890123456789012345678901234@x.y",
};

static void test_addresses(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
                const struct address *a = &addresses[i];
                uint8_t canonical[EMAIL_MAX], skeleton[EMAIL_SKELETON_MAX];
                struct email e;

                assert_true(email_parse(slice_str(a->text), &e));
                assert_slice(e.domain, a->domain);
                assert_slice(slice_of(canonical, email_canonical(&e, canonical)),
                             a->canonical);
                assert_slice(slice_of(skeleton, email_skeleton(&e, skeleton)),
                             a->skeleton);
        }
}

static void test_no_addresses(void **state)
{
        struct email e;

        (void)state;
        for (size_t i = 0; i < sizeof(no_addresses) / sizeof(*no_addresses); i++)
                if (email_parse(slice_str(no_addresses[i]), &e))
                        fail_msg("'%s' is taken for an address", no_addresses[i]);
}

/* The largest there is, and one byte more. */
static void test_largest(void **state)
{
        char text[EMAIL_MAX + 2];
        uint8_t canonical[EMAIL_MAX], skeleton[EMAIL_SKELETON_MAX];
        struct email e;

        (void)state;
        memset(text, 'a', sizeof(text));
        for (unsigned i = 0; i < EMAIL_LOCAL_MAX; i += 2)
                text[i] = '1';
        text[EMAIL_LOCAL_MAX] = '@';
        assert_true(email_parse(slice_of(text, EMAIL_MAX), &e));
        assert_int_equal(e.domain.len, EMAIL_DOMAIN_MAX);
        assert_int_equal(email_canonical(&e, canonical), EMAIL_MAX);
        assert_int_equal(email_skeleton(&e, skeleton), EMAIL_LOCAL_MAX / 2 * 3);
        assert_false(email_parse(slice_of(text, EMAIL_MAX + 1), &e));
}

static void test_names(void **state)
{
        static const char *const names[][2] = {
                { "Anna", "l" },
                { "  Anna  Maria\tLee-Jones 3rd ", "l l l-l d1l" },
                { "M\xc3\xbcller", "l" },
                { "user 123456", "l d6" },
                { "O'Neil", "l'l" },
                { "", "" },
                { " \t ", "" },
        };
        uint8_t out[NAME_SKELETON_MAX];
        char text[2000];

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                assert_slice(slice_of(out, name_skeleton(slice_str(names[i][0]), out)),
                             names[i][1]);
        memset(text, '.', sizeof(text));
        assert_int_equal(name_skeleton(slice_of(text, sizeof(text)), out),
                         NAME_SKELETON_MAX);
}

static void test_phones(void **state)
{
        static const char *const phones[][2] = {
                { "+4915112345678", "491511" },
                { " + 49 (151) 1234-5678 ", "491511" },
                { "0049 151 / 123.456", "491511" },
                { "(+49) (0)151 123456", "491511" },
                { "+1 (212) 555-0100", "121255" },
                { "+1234567", "123456" },
                { "+123456", NULL },           /* too short */
                { "+1234567890123456", NULL }, /* too long */
                { "0151 12345678", NULL },     /* in which country? */
                { "4915112345678", NULL },
                { "+0151123456", NULL },
                { "+49 151 CALL ME", NULL },
                { "", NULL },
                { "+", NULL },
        };
        uint8_t out[PHONE_PREFIX];

        (void)state;
        for (size_t i = 0; i < sizeof(phones) / sizeof(*phones); i++) {
                bool found = phone_prefix(slice_str(phones[i][0]), out);
                if (found != (phones[i][1] != NULL))
                        fail_msg("'%s'", phones[i][0]);
                if (found)
                        assert_memory_equal(out, phones[i][1], PHONE_PREFIX);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses), cmocka_unit_test(test_no_addresses),
                cmocka_unit_test(test_largest),   cmocka_unit_test(test_names),
                cmocka_unit_test(test_phones),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
