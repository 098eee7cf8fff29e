/* SPDX-License-Identifier: MIT */
#include "signup.h"

#include "fake_lab.h"
#include "sources.h"
#include "unit/unit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct lab *run(const char *entry)
{
        char text[1024];

        snprintf(text, sizeof text, "seed: 5\nattackers:\n  - %s\n", entry);
        return fake_run(signup_begin, text);
}

/* ---- questions ---- */

/* The next sign-up that is sent. */
static const struct sent *sign_up(const struct lab *lab, size_t *i)
{
        while (*i < lab->count)
                if (lab->sent[(*i)++].method == METHOD_POST)
                        return &lab->sent[*i - 1];
        return NULL;
}

static size_t sign_ups(const struct lab *lab)
{
        size_t i = 0, count = 0;

        while (sign_up(lab, &i))
                count++;
        return count;
}

/* The form that the same visitor fetched before, or NULL. */
static const struct sent *form_of(const struct lab *lab, const struct sent *post)
{
        char form[SITE_PATH_MAX];

        site_path(lab->site, PAGE_SIGNUP_FORM, 0, form);
        for (const struct sent *s = lab->sent; s < post; s++)
                if (s->browser == post->browser && s->method == METHOD_GET &&
                    strcmp(s->path, form) == 0)
                        return s;
        return NULL;
}

static const char *domain(const struct sent *s)
{
        return s->email[0] ? strchr(s->email, '@') + 1 : NULL;
}

static const char *email(const struct sent *s)
{
        return s->email[0] ? s->email : NULL;
}

static const char *prefix(const struct sent *s)
{
        static char text[10000][16];
        static unsigned next;
        char *t = text[next++ % 10000];
        const char *dot = strrchr(s->from, '.');

        snprintf(t, sizeof text[0], "%.*s", dot ? (int)(dot - s->from) : 15, s->from);
        return t;
}

/* Letters become a, digits 9, runs of each one: what a pattern leaves. */
static const char *skeleton(const struct sent *s)
{
        static char text[10000][32];
        static unsigned next;
        char *t = text[next++ % 10000];
        size_t used = 0;

        if (!s->email[0])
                return NULL;
        for (const char *c = s->email; *c != '@'; c++) {
                char sign = isdigit((unsigned char)*c)   ? '9'
                            : isalpha((unsigned char)*c) ? 'a'
                                                         : *c;

                if (used == 0 || t[used - 1] != sign)
                        t[used++] = sign;
        }
        t[used] = '\0';
        return t;
}

static double per_hour(const struct lab *lab)
{
        double s = (double)(lab->sent[lab->count - 1].at_ns - lab->sent[0].at_ns) / 1e9;

        return (double)(sign_ups(lab) - 1) / s * 3600;
}

/* ---- tests ---- */

static void test_a_burst_of_one_network(void **state)
{
        struct lab *lab = run("{ class: signup-network, begin: 3h, addresses: 30, "
                              "signups: 120, signup_rate: 240/h, refused: 0.1 }");
        const struct sent *s;
        size_t i = 0, accepted = 0;

        (void)state;
        assert_string_equal(lab->group[1].class, "signup-network");
        assert_int_equal(lab->group[1].side, SIDE_ATTACKER);
        assert_int_equal(sign_ups(lab), 120);
        assert_int_equal(fake_distinct(lab, fake_from), 30);
        assert_int_equal(fake_distinct(lab, prefix), 1);
        assert_int_equal(fake_distinct(lab, email), 120);
        assert_true(fabs(per_hour(lab) / 240 - 1) < 0.1);
        while ((s = sign_up(lab, &i))) {
                const struct sent *form = form_of(lab, s);

                assert_non_null(form);
                /* Always as long, from the answer with the form on. */
                assert_in_range(s->at_ns - form->at_ns, 4000000000, 8000000000);
                assert_string_equal(s->session, form->set_session);
                assert_string_equal(s->referer, form->path);
                assert_int_equal(s->kind, REQUEST_FORM);
                assert_true(s->email[0] && s->name[0]);
                accepted += s->status == 303;
                if (s->status == 303)
                        assert_true(s->set_session[0] && s->set_account[0]);
                else
                        assert_true(s->status == 422 && !s->set_account[0]);
        }
        assert_in_range(accepted, 98, 118);
        fake_free(&lab);
}

static void test_residential_addresses_are_anywhere(void **state)
{
        struct lab *lab = run("{ class: signup-residential, begin: 3h, addresses: 200, "
                              "signups: 200 }");

        (void)state;
        assert_int_equal(fake_distinct(lab, fake_from), 200);
        assert_true(fake_distinct(lab, prefix) > 100);
        fake_free(&lab);
}

static void test_one_inbox_has_many_spellings(void **state)
{
        struct lab *lab = run("{ class: signup-mailbox, begin: 3h, signups: 150 }");
        char inbox[64] = "";
        const struct sent *s;
        size_t i = 0;

        (void)state;
        while ((s = sign_up(lab, &i))) {
                char plain[64];
                size_t used = 0;

                for (const char *c = s->email; *c != '@' && *c != '+'; c++)
                        if (*c != '.')
                                plain[used++] = *c;
                plain[used] = '\0';
                if (inbox[0] == '\0')
                        strcpy(inbox, plain);
                assert_string_equal(plain, inbox);
                assert_string_equal(domain(s), "gmail.com");
        }
        assert_true(fake_distinct(lab, email) > 145);
        fake_free(&lab);
}

/* Where a dot makes another address, one inbox has tags alone. */
static void test_a_dot_counts_at_most_providers(void **state)
{
        struct lab *lab = run("{ class: signup-mailbox, begin: 3h, signups: 50, "
                              "inboxes: fastmail.com }");
        char inbox[64] = "";
        const struct sent *s;
        size_t i = 0;

        (void)state;
        while ((s = sign_up(lab, &i))) {
                size_t length = strcspn(s->email, "+");

                assert_int_equal(s->email[length], '+');
                if (inbox[0] == '\0')
                        memcpy(inbox, s->email, length);
                assert_memory_equal(s->email, inbox, length);
                assert_int_equal(strlen(inbox), length);
        }
        assert_int_equal(fake_distinct(lab, email), 50);
        fake_free(&lab);
}

static void test_one_pattern_over_many_domains(void **state)
{
        struct lab *lab = run("{ class: signup-skeleton, begin: 3h, signups: 200, "
                              "made_domains: 40 }");

        (void)state;
        assert_int_equal(fake_distinct(lab, skeleton), 1);
        assert_in_range(fake_distinct(lab, domain), 36, 40);
        fake_free(&lab);

        /* Another burst has another one, of five. */
        lab = run("{ class: signup-skeleton, count: 12, signups: 10 }");
        assert_in_range(fake_distinct(lab, skeleton), 3, 5);
        fake_free(&lab);
}

static void test_disposable_domains_are_those_that_are_said(void **state)
{
        struct lab *lab = run("{ class: signup-disposable, begin: 3h, signups: 100, "
                              "domains: 'one.example, two.example' }");
        const struct sent *s;
        size_t i = 0;

        (void)state;
        while ((s = sign_up(lab, &i)))
                assert_true(strcmp(domain(s), "one.example") == 0 ||
                            strcmp(domain(s), "two.example") == 0);
        assert_int_equal(fake_distinct(lab, domain), 2);
        fake_free(&lab);
}

static void test_the_form_is_skipped_or_sent_at_once(void **state)
{
        struct lab *lab = run("{ class: signup-unformed, begin: 3h, signups: 80 }");
        const struct sent *s;
        size_t i = 0;

        (void)state;
        assert_int_equal(lab->count, 80);
        assert_int_equal(sign_ups(lab), 80);
        fake_free(&lab);

        lab = run("{ class: signup-unformed, begin: 3h, signups: 80, form: 1 }");
        assert_int_equal(lab->count, 160);
        while ((s = sign_up(lab, &i)))
                assert_true(s->at_ns - form_of(lab, s)->at_ns < 3000000000);
        fake_free(&lab);
}

static void test_a_drip_is_slow(void **state)
{
        struct lab *lab = run("{ class: signup-drip, begin: 0s }");

        (void)state;
        assert_in_range(sign_ups(lab), 60, 100);
        assert_true(fabs(per_hour(lab) / 5 - 1) < 0.3);
        fake_free(&lab);
}

static void test_people_take_their_time_over_a_form(void **state)
{
        struct lab *lab = run("{ class: signup-residential, begin: 1h, signups: 400, "
                              "signup_rate: 20/m, fill: 40s, fills: human }");
        unsigned below = 0, total = 0;
        const struct sent *s;
        size_t i = 0;

        (void)state;
        while ((s = sign_up(lab, &i))) {
                below += s->at_ns - form_of(lab, s)->at_ns < 40500000000;
                total++;
        }
        assert_int_equal(total, 400);
        assert_in_range(below, 160, 240); /* its median */
        fake_free(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_burst_of_one_network),
                cmocka_unit_test(test_residential_addresses_are_anywhere),
                cmocka_unit_test(test_one_inbox_has_many_spellings),
                cmocka_unit_test(test_a_dot_counts_at_most_providers),
                cmocka_unit_test(test_one_pattern_over_many_domains),
                cmocka_unit_test(test_disposable_domains_are_those_that_are_said),
                cmocka_unit_test(test_the_form_is_skipped_or_sent_at_once),
                cmocka_unit_test(test_a_drip_is_slow),
                cmocka_unit_test(test_people_take_their_time_over_a_form),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
