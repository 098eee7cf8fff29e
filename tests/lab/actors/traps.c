/* SPDX-License-Identifier: MIT */
#include "fake_lab.h"
#include "sources.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROFILES 50000

static struct lab *run(const char *entry)
{
        char text[1024];

        snprintf(text, sizeof text,
                 "seed: 5\nsite: { profiles: 50000 }\ntraps:\n  - %s\n", entry);
        return fake_run(traps_begin, text);
}

/* ---- questions ---- */

static void assert_trap(const struct lab *lab, const char *class)
{
        assert_int_equal(lab->groups, 1);
        assert_string_equal(lab->group[1].class, class);
        assert_int_equal(lab->group[1].side, SIDE_TRAP);
        assert_true(lab->count > 0);
        for (size_t i = 0; i < lab->count; i++)
                assert_int_equal(lab->sent[i].group, 1);
}

static const char *software(const struct sent *s)
{
        return software_name(s->software);
}

static const char *set_session(const struct sent *s)
{
        return s->set_session[0] ? s->set_session : NULL;
}

/* Sent or set. */
static const char *any_session(const struct sent *s)
{
        return s->set_session[0] ? s->set_session : s->session[0] ? s->session : NULL;
}

static const char *browser(const struct sent *s)
{
        static char text[300000][12];
        static unsigned next;
        char *t = text[next++ % 300000];

        snprintf(t, sizeof text[0], "%u", s->browser);
        return t;
}

static const char *target(const struct sent *s)
{
        static char text[300000][12];
        static unsigned next;
        char *t = text[next++ % 300000];

        snprintf(t, sizeof text[0], "%d", s->target);
        return fake_is_profile(s) ? t : NULL;
}

static const char *domain(const struct sent *s)
{
        return s->email[0] ? strchr(s->email, '@') + 1 : NULL;
}

static size_t posts(const struct lab *lab)
{
        size_t count = 0;

        for (size_t i = 0; i < lab->count; i++)
                count += lab->sent[i].method == METHOD_POST;
        return count;
}

static size_t count_kind(const struct lab *lab, enum request_kind kind)
{
        size_t count = 0;

        for (size_t i = 0; i < lab->count; i++)
                count += lab->sent[i].kind == kind;
        return count;
}

static double lasts_h(const struct lab *lab)
{
        return (double)(lab->sent[lab->count - 1].at_ns - lab->sent[0].at_ns) / 3600e9;
}

/* ---- people ---- */

static void test_cgnat_is_many_people_behind_one_address(void **state)
{
        struct lab *lab = run("{ class: trap-cgnat, begin: 18h, people: 300 }");
        double views = (double)fake_views(lab);

        (void)state;
        assert_trap(lab, "trap-cgnat");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, browser), 300);
        assert_in_range(fake_distinct(lab, any_session), 300, 400);
        assert_int_equal(fake_distinct(lab, software), 3);
        assert_true(views / 300 > 1 && views / 300 < 3);
        assert_true(lasts_h(lab) > 4 && lasts_h(lab) < 6);
        assert_true(lab->sent[0].at_ns - BEGIN_NS >= 18 * HOUR_NS);
        fake_free(&lab);
}

static void test_a_company_has_one_browser(void **state)
{
        struct lab *lab = run("{ class: trap-company, begin: 8h, people: 400 }");

        (void)state;
        assert_trap(lab, "trap-company");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, browser), 400);
        assert_int_equal(fake_distinct(lab, software), 1);
        assert_true(lasts_h(lab) < 11);
        fake_free(&lab);
}

static void test_a_recruiter_reads_much_and_comes_back_to_some(void **state)
{
        struct lab *lab =
            run("{ class: trap-recruiter, begin: 8h, visits: 4, views: 100 }");

        (void)state;
        assert_trap(lab, "trap-recruiter");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, browser), 4);
        assert_in_range(fake_distinct(lab, set_session), 0, 3);
        assert_in_range(fake_views(lab), 360, 400); /* some are there from a list */
        assert_in_range(fake_distinct(lab, target), 200, 385);
        assert_true(lasts_h(lab) > 3 && lasts_h(lab) < 14);
        assert_true(count_kind(lab, REQUEST_IMAGE) > 100);
        fake_free(&lab);
}

static void test_a_viral_profile_is_seen_first_by_all(void **state)
{
        struct lab *lab = run("{ class: trap-viral, begin: 12h, people: 500 }");
        bool *was = calloc(200000, sizeof *was);
        size_t i = 0;
        const struct sent *s;
        int32_t viral = -1;

        (void)state;
        assert_trap(lab, "trap-viral");
        while ((s = fake_view(lab, &i))) {
                if (was[s->browser])
                        continue;
                was[s->browser] = true;
                viral = viral < 0 ? s->target : viral;
                assert_int_equal(s->target, viral);
                assert_string_equal(s->referer, "");
        }
        assert_int_equal(fake_distinct(lab, browser), 500);
        assert_true(fake_distinct(lab, fake_from) > 400);
        free(was);
        fake_free(&lab);
}

static void test_a_release_is_one_software_at_many_homes(void **state)
{
        struct lab *lab = run("{ class: trap-release, begin: 1h, people: 1500, "
                              "addresses: 1500, software: copied }");

        (void)state;
        assert_trap(lab, "trap-release");
        assert_int_equal(fake_distinct(lab, software), 1);
        assert_int_equal(fake_distinct(lab, browser), 1500);
        assert_true(fake_distinct(lab, fake_from) > 1400);
        fake_free(&lab);
}

/* Visits that began in these hours. */
static size_t between(const struct lab *lab, int64_t from_h, int64_t to_h)
{
        bool *was = calloc(200000, sizeof *was);
        size_t count = 0;

        for (size_t i = 0; i < lab->count; i++) {
                const struct sent *s = &lab->sent[i];
                int64_t at_ns = s->at_ns - BEGIN_NS;

                if (was[s->browser])
                        continue;
                was[s->browser] = true;
                count += at_ns >= from_h * HOUR_NS && at_ns < to_h * HOUR_NS;
        }
        free(was);
        return count;
}

static void test_a_crowd_comes_when_people_do(void **state)
{
        struct lab *lab = run("{ class: trap-vpn, begin: 0s, lasts: 23h, people: 2000 }");
        const struct numbers *day = &lab->parameters->people.day;
        double night = 0, evening = 0, seen;

        (void)state;
        assert_trap(lab, "trap-vpn");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(day->count, 24);
        for (unsigned i = 0; i < 4; i++) {
                night += day->of[1 + i];
                evening += day->of[18 + i];
        }
        seen = (double)between(lab, 18, 22) / (double)between(lab, 1, 5);
        assert_true(evening / night > 1.5);
        assert_true(seen > evening / night * 0.6 && seen < evening / night * 1.6);
        fake_free(&lab);
}

static void test_no_pictures_for_those_who_do_not_see_them(void **state)
{
        struct lab *lab = run("{ class: trap-accessible, begin: 2h, people: 80 }");

        (void)state;
        assert_trap(lab, "trap-accessible");
        for (enum request_kind kind = REQUEST_STYLE; kind <= REQUEST_IMAGE; kind++)
                assert_int_equal(count_kind(lab, kind), 0);
        assert_true(fake_views(lab) > 80);
        fake_free(&lab);
}

static void test_the_application_asks_for_json_only(void **state)
{
        struct lab *lab = run("{ class: trap-app, begin: 2h, people: 50 }");
        char path[SITE_PATH_MAX];

        (void)state;
        assert_trap(lab, "trap-app");
        assert_int_equal(lab->count, 50 * 15);
        for (size_t i = 0; i < lab->count; i++) {
                site_path(lab->site, PAGE_PROFILE_API, (uint32_t)lab->sent[i].target,
                          path);
                assert_string_equal(lab->sent[i].path, path);
                assert_int_equal(lab->sent[i].kind, REQUEST_FETCH);
        }
        fake_free(&lab);
}

static void test_browsers_fetch_results_before_anybody_asks(void **state)
{
        struct lab *lab = run("{ class: trap-prefetch, begin: 2h, people: 100 }");

        (void)state;
        assert_trap(lab, "trap-prefetch");
        assert_int_equal(fake_distinct(lab, software), 1);
        assert_true(count_kind(lab, REQUEST_PREFETCH) > 200);
        for (size_t i = 0; i < lab->count; i++)
                if (lab->sent[i].kind == REQUEST_PREFETCH)
                        assert_true(lab->sent[i].target >= 0);
        fake_free(&lab);
}

static void test_a_proxy_takes_the_cookies(void **state)
{
        struct lab *lab = run("{ class: trap-stripped, begin: 8h, people: 100 }");

        (void)state;
        assert_trap(lab, "trap-stripped");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, fake_session), 0);
        assert_true(fake_distinct(lab, set_session) > 200);
        fake_free(&lab);
}

/* ---- sign-ups ---- */

static void test_a_classroom_signs_up_at_once(void **state)
{
        struct lab *lab = run("{ class: trap-classroom, begin: 9h }");

        (void)state;
        assert_trap(lab, "trap-classroom");
        assert_int_equal(posts(lab), 30);
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, software), 1);
        assert_int_equal(fake_distinct(lab, domain), 1);
        assert_true(lasts_h(lab) < 0.25);
        fake_free(&lab);
}

static void test_a_conference_signs_up_within_the_hour(void **state)
{
        struct lab *lab = run("{ class: trap-conference, begin: 9h }");

        (void)state;
        assert_trap(lab, "trap-conference");
        assert_int_equal(posts(lab), 150);
        assert_int_equal(fake_distinct(lab, fake_from), 6);
        assert_int_equal(fake_distinct(lab, software), 3);
        assert_true(fake_distinct(lab, domain) > 3);
        assert_true(lasts_h(lab) > 0.6 && lasts_h(lab) < 1.6);
        fake_free(&lab);
}

static void test_a_family_shares_a_mailbox(void **state)
{
        struct lab *lab = run("{ class: trap-family, begin: 9h }");
        size_t tagged = 0;

        (void)state;
        assert_trap(lab, "trap-family");
        assert_int_equal(posts(lab), 5);
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, domain), 1);
        for (size_t i = 0; i < lab->count; i++)
                tagged += strchr(lab->sent[i].email, '+') != NULL;
        assert_int_equal(tagged, 5);
        fake_free(&lab);
}

/* ---- programs ---- */

static void test_previews_follow_popularity(void **state)
{
        struct lab *lab = run("{ class: trap-preview, begin: 0s }");

        (void)state;
        assert_trap(lab, "trap-preview");
        assert_string_equal(software(&lab->sent[0]), "facebook-preview");
        assert_int_equal(fake_distinct(lab, fake_from), 20);
        assert_int_equal(fake_distinct(lab, set_session), 0);
        assert_true(fabs((double)fake_views(lab) / (3 * 60 * 23) - 1) < 0.15);
        assert_true(fake_distinct(lab, target) < fake_views(lab));
        fake_free(&lab);
}

static void test_a_crawler_comes_from_its_range(void **state)
{
        struct lab *lab =
            run("{ class: trap-crawler, begin: 1h, lasts: 2h, addresses: 30, "
                "range: 198.51.100.16 }");

        (void)state;
        assert_trap(lab, "trap-crawler");
        assert_int_equal(fake_distinct(lab, fake_from), 30);
        for (size_t i = 0; i < lab->count; i++) {
                unsigned last = 0;

                assert_int_equal(sscanf(lab->sent[i].from, "198.51.100.%u", &last), 1);
                assert_in_range(last, 16, 45);
        }
        assert_true(fabs((double)fake_views(lab) / 7200 - 1) < 0.1);
        fake_free(&lab);
}

static void test_an_archive_reads_from_the_address_that_is_said(void **state)
{
        struct lab *lab = run("{ class: trap-archive, begin: 1h, profiles: 500, "
                              "range: 203.0.113.9 }");

        (void)state;
        assert_trap(lab, "trap-archive");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_string_equal(lab->sent[0].from, "203.0.113.9");
        assert_int_equal(fake_distinct(lab, target), 500);
        fake_free(&lab);
}

static void test_health_checks_are_on_the_dot(void **state)
{
        struct lab *lab =
            run("{ class: trap-health, begin: 0s, addresses: 1, lasts: 1h }");
        char path[SITE_PATH_MAX];

        (void)state;
        assert_trap(lab, "trap-health");
        site_path(lab->site, PAGE_HEALTH, 0, path);
        assert_in_range(lab->count, 719, 720);
        for (size_t i = 1; i < lab->count; i++) {
                assert_true(lab->sent[i].at_ns - lab->sent[i - 1].at_ns == 5000000000);
                assert_string_equal(lab->sent[i].path, path);
        }
        fake_free(&lab);
}

static void test_feeds_are_mostly_unchanged(void **state)
{
        struct lab *lab =
            run("{ class: trap-feed, begin: 0s, addresses: 40, lasts: 6h }");
        size_t unchanged = 0;

        (void)state;
        assert_trap(lab, "trap-feed");
        for (size_t i = 0; i < lab->count; i++)
                unchanged += lab->sent[i].status == 304;
        assert_true(fabs((double)unchanged / (double)lab->count - 0.9) < 0.03);
        assert_true(fabs((double)lab->count / (40 * 8 * 12) - 1) < 0.1);
        fake_free(&lab);
}

static void test_a_partner_looks_at_the_same_profiles(void **state)
{
        struct lab *lab = run("{ class: trap-partner, begin: 0s, things: 60 }");

        (void)state;
        assert_trap(lab, "trap-partner");
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        assert_int_equal(fake_distinct(lab, target), 60);
        assert_true(fake_views(lab) > 60 * 14);
        fake_free(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cgnat_is_many_people_behind_one_address),
                cmocka_unit_test(test_a_company_has_one_browser),
                cmocka_unit_test(test_a_recruiter_reads_much_and_comes_back_to_some),
                cmocka_unit_test(test_a_viral_profile_is_seen_first_by_all),
                cmocka_unit_test(test_a_release_is_one_software_at_many_homes),
                cmocka_unit_test(test_a_crowd_comes_when_people_do),
                cmocka_unit_test(test_no_pictures_for_those_who_do_not_see_them),
                cmocka_unit_test(test_the_application_asks_for_json_only),
                cmocka_unit_test(test_browsers_fetch_results_before_anybody_asks),
                cmocka_unit_test(test_a_proxy_takes_the_cookies),
                cmocka_unit_test(test_a_classroom_signs_up_at_once),
                cmocka_unit_test(test_a_conference_signs_up_within_the_hour),
                cmocka_unit_test(test_a_family_shares_a_mailbox),
                cmocka_unit_test(test_previews_follow_popularity),
                cmocka_unit_test(test_a_crawler_comes_from_its_range),
                cmocka_unit_test(test_an_archive_reads_from_the_address_that_is_said),
                cmocka_unit_test(test_health_checks_are_on_the_dot),
                cmocka_unit_test(test_feeds_are_mostly_unchanged),
                cmocka_unit_test(test_a_partner_looks_at_the_same_profiles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
