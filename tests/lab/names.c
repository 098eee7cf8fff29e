/* SPDX-License-Identifier: MIT */
#include "names.h"
#include "world.h"

#include <ctype.h>

/* The commonest of many is common, as names are, and there are many different ones. */
static void test_names_are_skewed(void **state)
{
        enum { PEOPLE = 4000 };
        static struct name all[PEOPLE];
        unsigned most = 0, different = 0;

        (void)state;
        for (unsigned i = 0; i < PEOPLE; i++)
                all[i] = name_of(dice_name(1, "somebody", i));
        for (unsigned i = 0; i < PEOPLE; i++) {
                unsigned same = 0, before = 0;
                for (unsigned j = 0; j < PEOPLE; j++)
                        if (strcmp(all[i].last, all[j].last) == 0) {
                                same++;
                                before += j < i;
                        }
                most = same > most ? same : most;
                different += before == 0;
        }
        assert_in_range(most, 15, 200);
        assert_in_range(different, 1000, PEOPLE);
        struct name again = name_of(dice_name(1, "somebody", 7));
        assert_string_equal(again.first, all[7].first);
        assert_true(isupper((unsigned char)again.first[0]));
}

static void test_mail(void **state)
{
        struct world w = WORLD("seed=1");
        struct dice d = dice_of(1, 1);
        unsigned gmail = 0, dots = 0, digits = 0;

        (void)state;
        for (unsigned i = 0; i < 2000; i++) {
                struct name name = name_of(dice_bits(&d));
                char text[EMAIL_MAX_TEXT];
                name_email(&name, &w.p->people.mail, &d, text);
                char *at = strchr(text, '@');
                assert_non_null(at);
                assert_ptr_equal(strrchr(text, '@'), at);
                assert_true(at > text && strchr(at, '.'));
                for (const char *c = text; *c; c++)
                        assert_true(islower((unsigned char)*c) ||
                                    isdigit((unsigned char)*c) || strchr("._@-", *c));
                gmail += strcmp(at, "@gmail.com") == 0;
                *at = '\0';
                dots += strchr(text, '.') != NULL;
                digits += isdigit((unsigned char)text[strlen(text) - 1]) != 0;
        }
        assert_in_range(gmail, 820, 1020);  /* 46 % */
        assert_in_range(dots, 700, 1100);   /* 44 % by the patterns' weights */
        assert_in_range(digits, 650, 1050); /* 41 % */
        parameters_free(&w.set);
}

static void test_phone(void **state)
{
        struct dice d = dice_of(1, 2);
        char text[20];

        (void)state;
        for (unsigned i = 0; i < 100; i++) {
                name_phone(&d, text);
                assert_int_equal(strlen(text), 14);
                assert_int_equal(strspn(text + 1, "0123456789"), 13);
                assert_int_equal(text[0], '+');
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_are_skewed),
                cmocka_unit_test(test_mail),
                cmocka_unit_test(test_phone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
