/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "subject.h"

static void test_verdicts(void **state)
{
        static const struct {
                const char *member;
                enum subject_verdict verdict;
                const char *text;
        } cases[] = {
                { "ip:203.0.113.9", SUBJECT_GOOD, "203.0.113.9" },
                { "ip:2001:DB8::9", SUBJECT_GOOD, "2001:db8::9" },
                { "ip:::ffff:203.0.113.9", SUBJECT_GOOD, "203.0.113.9" },
                { "prefix:2001:db8::/64", SUBJECT_GOOD, "2001:db8::/64" },
                { "prefix:203.0.113.0/24", SUBJECT_GOOD, "203.0.113.0/24" },
                { "prefix:11.0.0.0/8", SUBJECT_GOOD, "11.0.0.0/8" },
                { "prefix:2a00::/16", SUBJECT_GOOD, "2a00::/16" },
                { "ip:10.1.2.3", SUBJECT_GOOD, "10.1.2.3" },
                { "session:0123456789abcdef0123456789abcdef", SUBJECT_GOOD,
                  "0123456789abcdef0123456789abcdef" },
                { "account:anna@example.org", SUBJECT_GOOD, "anna@example.org" },
                { "ja4:t13d1516h2_8daaf6152771_b186095e22b6", SUBJECT_GOOD,
                  "t13d1516h2_8daaf6152771_b186095e22b6" },
                { "shape:a:b", SUBJECT_GOOD, "a:b" },

                { "", SUBJECT_BAD, NULL },
                { "ip", SUBJECT_BAD, NULL },
                { "ip:", SUBJECT_BAD, NULL },
                { ":203.0.113.9", SUBJECT_BAD, NULL },
                { "host:203.0.113.9", SUBJECT_BAD, NULL },
                { "ip:203.0.113.0/24", SUBJECT_BAD, NULL },
                { "ip:203.0.113.9 }; flush ruleset", SUBJECT_BAD, NULL },
                { "ip:203.0.113.9\n", SUBJECT_BAD, NULL },
                { "ip:203.0.113.09", SUBJECT_BAD, NULL },
                { "ip:fe80::1%eth0", SUBJECT_BAD, NULL },
                { "ip:example.org", SUBJECT_BAD, NULL },
                { "prefix:203.0.113.9", SUBJECT_BAD, NULL },
                { "prefix:203.0.113.9/24", SUBJECT_BAD, NULL },
                { "prefix:203.0.113.9/33", SUBJECT_BAD, NULL },
                { "session:", SUBJECT_BAD, NULL },
                { "session:a b", SUBJECT_BAD, NULL },
                { "session:a;clear map x", SUBJECT_BAD, NULL },
                { "session:a\nb", SUBJECT_BAD, NULL },
                { "session:\xc3\xa4", SUBJECT_BAD, NULL },

                { "ip:127.0.0.1", SUBJECT_PROTECTED, NULL },
                { "ip:127.255.0.9", SUBJECT_PROTECTED, NULL },
                { "ip:::ffff:127.0.0.1", SUBJECT_PROTECTED, NULL },
                { "ip:::1", SUBJECT_PROTECTED, NULL },
                { "ip:::", SUBJECT_PROTECTED, NULL },
                { "ip:0.0.0.0", SUBJECT_PROTECTED, NULL },
                { "prefix:127.0.0.0/16", SUBJECT_PROTECTED, NULL },
                { "prefix:0.0.0.0/0", SUBJECT_PROTECTED, NULL },
                { "prefix:::/0", SUBJECT_PROTECTED, NULL },
                { "prefix:::/64", SUBJECT_PROTECTED, NULL },
                { "prefix:64.0.0.0/2", SUBJECT_PROTECTED, NULL },
                { "prefix:128.0.0.0/7", SUBJECT_PROTECTED, NULL },
                { "prefix:2000::/3", SUBJECT_PROTECTED, NULL },
                { "prefix:2a00::/15", SUBJECT_PROTECTED, NULL },
                { "ip:fe80::1", SUBJECT_PROTECTED, NULL },
                { "ip:169.254.169.254", SUBJECT_PROTECTED, NULL },
                { "ip:224.0.0.18", SUBJECT_PROTECTED, NULL },
                { "ip:ff02::1", SUBJECT_PROTECTED, NULL },
                { "ip:255.255.255.255", SUBJECT_PROTECTED, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct subject subject;
                struct buf text = { 0 };
                enum subject_verdict got =
                    subject_parse(slice_str(cases[i].member), &subject);
                if (got != cases[i].verdict)
                        fail_msg("%s: verdict %d", cases[i].member, (int)got);
                if (got != SUBJECT_GOOD)
                        continue;
                subject_put(&subject, &text);
                if (!slice_is(buf_slice(&text), cases[i].text))
                        fail_msg("%s", cases[i].member);
                buf_free(&text);
        }
}

static void test_length(void **state)
{
        char member[SUBJECT_TEXT_MAX + 16] = "session:";
        struct subject subject;

        (void)state;
        memset(member + 8, 'a', SUBJECT_TEXT_MAX + 1);
        assert_int_equal(subject_parse(slice_of(member, 8 + SUBJECT_TEXT_MAX), &subject),
                         SUBJECT_GOOD);
        assert_int_equal(
            subject_parse(slice_of(member, 8 + SUBJECT_TEXT_MAX + 1), &subject),
            SUBJECT_BAD);
}

/* Whether or not an address is written as a network: the same thing to refuse. */
static void test_equal(void **state)
{
        struct subject a, b;

        (void)state;
        subject_parse(slice_str("ip:203.0.113.9"), &a);
        subject_parse(slice_str("ip:::ffff:203.0.113.9"), &b);
        assert_true(subject_equal(&a, &b));
        subject_parse(slice_str("ip:203.0.113.8"), &b);
        assert_false(subject_equal(&a, &b));
        subject_parse(slice_str("session:a"), &a);
        subject_parse(slice_str("account:a"), &b);
        assert_false(subject_equal(&a, &b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdicts),
                cmocka_unit_test(test_length),
                cmocka_unit_test(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
