/* SPDX-License-Identifier: MIT */
#include "fake_lab.h"
#include "person.h"
#include "sources.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SITE "seed: 5\nsite: { profiles: 50000 }\nattackers:\n"

static struct lab *run(const char *entry)
{
        char text[1024];

        snprintf(text, sizeof text, SITE "  - %s\n", entry);
        return fake_run(scrape_begin, text);
}

/* ---- questions ---- */

static void assert_no_profile_twice(const struct lab *lab)
{
        bool *seen = calloc(50000, sizeof *seen);
        const struct sent *s;
        size_t i = 0;

        while ((s = fake_view(lab, &i))) {
                if (s->target < 0)
                        continue;
                assert_false(seen[s->target]);
                seen[s->target] = true;
        }
        free(seen);
}

static double lasts_s(const struct lab *lab)
{
        return (double)(lab->sent[lab->count - 1].at_ns - lab->sent[0].at_ns) / 1e9;
}

static size_t count_kind(const struct lab *lab, enum request_kind kind)
{
        size_t count = 0;

        for (size_t i = 0; i < lab->count; i++)
                count += lab->sent[i].kind == kind;
        return count;
}

static uint32_t position_of(const struct site *site, int32_t profile)
{
        for (uint32_t i = 0; i < site_profiles(site); i++)
                if (site_at_position(site, i) == (uint32_t)profile)
                        return i;
        fail_msg("profile %d has no position", profile);
        return 0;
}

/* The address without its last number. */
static const char *prefix(const struct sent *s)
{
        static char text[200000][16];
        static unsigned next;
        char *t = text[next++ % 200000];
        const char *dot = strrchr(s->from, '.');

        snprintf(t, sizeof text[0], "%.*s", dot ? (int)(dot - s->from) : 15, s->from);
        return t;
}

static const char *set_session(const struct sent *s)
{
        return s->set_session[0] ? s->set_session : NULL;
}

/* ---- one address ---- */

static void test_one_address_keeps_its_rate_and_counts_up(void **state)
{
        struct lab *lab = run("{ class: scrape-address, begin: 10h, rate: 30/m, "
                              "profiles: 600, order: sequential }");
        uint32_t at = position_of(lab->site, lab->sent[0].target);

        (void)state;
        assert_int_equal(lab->groups, 1);
        assert_string_equal(lab->group[1].class, "scrape-address");
        assert_int_equal(lab->group[1].side, SIDE_ATTACKER);
        assert_true(lab->group[1].at_ns == BEGIN_NS + 10 * HOUR_NS);
        assert_non_null(strstr(lab->group[1].parameters, "sequential"));
        assert_int_equal(lab->count, 600);
        assert_int_equal(fake_distinct(lab, fake_from), 1);
        for (size_t i = 0; i < 600; i++) {
                const struct sent *s = &lab->sent[i];

                assert_int_equal(s->group, 1);
                assert_int_equal(s->target,
                                 site_at_position(lab->site, (at + i) % 50000));
                assert_true(s->at_ns - lab->sent[0].at_ns == (int64_t)i * 2000000000);
                assert_true(s->status == 200 || s->status == 404);
                assert_int_equal(software_class(s->software), SOFTWARE_LIBRARY);
                assert_string_equal(s->referer, "");
        }
        fake_free(&lab);
}

static void test_a_kept_cookie_is_sent_back_and_a_dropped_one_is_not(void **state)
{
        const char *const entries[] = {
                "{ class: scrape-address, begin: 10h, profiles: 50, session: kept }",
                "{ class: scrape-address, begin: 10h, profiles: 50, session: dropped }",
                "{ class: scrape-address, begin: 10h, profiles: 50, session: none }",
        };
        const size_t sent[] = { 1, 0, 0 }, set[] = { 1, 50, 0 };

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                struct lab *lab = run(entries[i]);

                assert_int_equal(fake_distinct(lab, fake_session), sent[i]);
                assert_int_equal(fake_distinct(lab, set_session), set[i]);
                fake_free(&lab);
        }
}

static void test_a_browser_fetches_what_pages_bring_a_copy_does_not(void **state)
{
        struct lab *lab = run("{ class: scrape-address, begin: 10h, profiles: 50, "
                              "software: browser, assets: yes, referers: yes }");

        (void)state;
        size_t last = lab->count - 1; /* the page whose parts come last */

        while (!fake_is_profile(&lab->sent[last]))
                last--;
        assert_int_equal(fake_views(lab), 50);
        assert_int_equal(count_kind(lab, REQUEST_NAVIGATION), 50);
        assert_true(count_kind(lab, REQUEST_IMAGE) >= 40); /* but for what is gone */
        assert_true(count_kind(lab, REQUEST_STYLE) >= 1);  /* once, then in the cache */
        assert_true(count_kind(lab, REQUEST_STYLE) <= lab->parameters->site.styles);
        assert_string_equal(lab->sent[0].referer, "");
        assert_string_equal(lab->sent[lab->count - 1].referer, lab->sent[last].path);
        fake_free(&lab);

        lab =
            run("{ class: scrape-address, begin: 10h, profiles: 50, software: copied }");
        assert_int_equal(lab->count, 50);
        assert_int_equal(count_kind(lab, REQUEST_NAVIGATION), 50);
        assert_string_equal(software_name(lab->sent[0].software), "copied-chrome");
        fake_free(&lab);
}

static void test_revisits_and_guesses_are_parts_of_the_views(void **state)
{
        struct lab *lab = run("{ class: scrape-address, begin: 1h, profiles: 3000, "
                              "rate: 10/s, revisits: 0.3, guesses: 0.2 }");
        size_t i = 0, views = fake_views(lab), guesses = 0, again = 0;
        bool *seen = calloc(50000, sizeof *seen);
        const struct sent *s;

        (void)state;
        while ((s = fake_view(lab, &i))) {
                guesses += s->target < 0;
                again += s->target >= 0 && seen[s->target];
                if (s->target >= 0)
                        seen[s->target] = true;
                assert_true(s->target >= 0 || s->status == 404);
        }
        assert_int_equal(views - guesses - again, 3000);
        assert_true(fabs((double)guesses / (double)views - 0.2) < 0.03);
        assert_true(fabs((double)again / (double)views - 0.8 * 0.3) < 0.03);
        free(seen);
        fake_free(&lab);
}

static void test_people_s_gaps_are_replayed_at_the_rate(void **state)
{
        struct lab *lab = run("{ class: scrape-address, begin: 0s, profiles: 4000, "
                              "rate: 20/m, timing: human }");
        double logs = 0, squares = 0, n = (double)lab->count - 1;

        (void)state;
        for (size_t i = 1; i < lab->count; i++) {
                double gap =
                    log((double)(lab->sent[i].at_ns - lab->sent[i - 1].at_ns) / 1e9);

                logs += gap / n;
                squares += gap * gap / n;
        }
        assert_true(fabs(lasts_s(lab) / 12000 - 1) < 0.15);
        assert_true(fabs(sqrt(squares - logs * logs) - 1.2) < 0.08);
        fake_free(&lab);
}

/* Searches and slow pages are within the rate, which is that of views. */
static void test_a_browser_that_searches_keeps_its_rate(void **state)
{
        struct lab *lab = run("{ class: scrape-address, begin: 0s, profiles: 4000, "
                              "rate: 40/m, timing: human, software: browser, "
                              "assets: yes, searches: yes, revisits: 0.2 }");

        (void)state;
        assert_true(fake_views(lab) > 4800);
        assert_true(fabs(60 * (double)fake_views(lab) / lasts_s(lab) / 40 - 1) < 0.1);
        fake_free(&lab);
}

/* ---- many addresses ---- */

static void test_a_network_is_one_network(void **state)
{
        struct lab *lab = run("{ class: scrape-network, begin: 10h, addresses: 50, "
                              "profiles: 2000, rate: 60/m }");

        (void)state;
        assert_int_equal(fake_distinct(lab, fake_from), 50);
        assert_int_equal(fake_distinct(lab, prefix), 1);
        assert_int_equal(fake_distinct(lab, fake_session), 50);
        assert_int_equal(fake_views(lab), 2000);
        assert_true(fabs(lasts_s(lab) / 2000 - 1) < 0.1);
        assert_no_profile_twice(lab);
        fake_free(&lab);
}

struct per_address {
        char from[46];
        unsigned views, connections;
};

static unsigned most_views_of_an_address(const struct lab *lab, unsigned *least)
{
        struct per_address *all = calloc(lab->count + 1, sizeof *all);
        size_t count = 0, i = 0, k;
        unsigned most = 0;
        const struct sent *s;

        while ((s = fake_view(lab, &i))) {
                for (k = 0; k < count && strcmp(all[k].from, s->from) != 0; k++)
                        ;
                if (k == count)
                        memcpy(all[count++].from, s->from, sizeof s->from);
                all[k].views++;
        }
        *least = UINT32_MAX;
        for (k = 0; k < count; k++) {
                most = all[k].views > most ? all[k].views : most;
                *least = all[k].views < *least ? all[k].views : *least;
        }
        free(all);
        return most;
}

static void test_addresses_take_turns_and_partition_the_site(void **state)
{
        struct lab *lab = run("{ class: scrape-addresses, begin: 2h, addresses: 300, "
                              "profiles: 3000, rate: 30/m }");
        unsigned least, most = most_views_of_an_address(lab, &least);
        size_t i = 0, views = 0;
        const struct sent *s, *last[9] = { NULL };

        (void)state;
        assert_int_equal(fake_distinct(lab, fake_from), 300);
        assert_true(fake_distinct(lab, prefix) > 100);
        assert_int_equal(least, 10);
        assert_int_equal(most, 10);
        assert_no_profile_twice(lab);
        /* A new connection each, without the last one's cookie. */
        while ((s = fake_view(lab, &i))) {
                const struct sent **before = &last[s->browser % 9];

                assert_string_equal(s->session, "");
                assert_true(*before == NULL || (*before)->browser != s->browser ||
                            (*before)->connection != s->connection);
                *before = s;
                views++;
        }
        assert_int_equal(views, 3000);
        assert_true(fabs(lasts_s(lab) / 6000 - 1) < 0.1);
        fake_free(&lab);
}

static void test_a_great_many_addresses(void **state)
{
        struct lab *lab = run("{ class: scrape-addresses, begin: 0s, addresses: 20000, "
                              "profiles: 40000, rate: 1/s, workers: 40 }");

        (void)state;
        assert_int_equal(fake_distinct(lab, fake_from), 20000);
        assert_int_equal(fake_views(lab), 40000);
        assert_no_profile_twice(lab);
        fake_free(&lab);
}

static void test_residential_addresses_are_those_of_people(void **state)
{
        struct lab *lab = fake_run(
            scrape_begin, "seed: 5\npeople: { count: 500 }\nsite: { profiles: 50000 }\n"
                          "attackers:\n  - { class: scrape-addresses, begin: 2h, "
                          "addresses: 50, profiles: 100, rate: 1/s }\n");
        uint64_t homes = (uint64_t)((double)people_population(lab->parameters) /
                                    lab->parameters->place.household);
        size_t found = 0;

        (void)state;
        for (size_t i = 0; i < 50; i++)
                for (uint64_t home = 0; home < homes; home++) {
                        struct address a =
                            person_home(lab, home, BEGIN_NS / (24 * HOUR_NS));
                        char text[46];

                        address_text(&a, text);
                        found += strcmp(text, lab->sent[i].from) == 0;
                }
        assert_int_equal(found, 50);
        fake_free(&lab);
}

static void test_accounts_keep_their_session_over_addresses(void **state)
{
        struct lab *lab =
            run("{ class: scrape-accounts, begin: 2h, accounts: 20, "
                "addresses: 400, rotate: 10, profiles: 4000, order: shuffled }");
        const struct sent *first[256] = { NULL }, *s;
        size_t i = 0;

        (void)state;
        assert_int_equal(fake_distinct(lab, fake_account), 20);
        assert_int_equal(fake_distinct(lab, fake_session), 20);
        assert_in_range(fake_distinct(lab, fake_from), 380, 400);
        while ((s = fake_view(lab, &i))) {
                const struct sent **of = &first[s->browser];

                *of = *of ? *of : s;
                assert_string_equal(s->account, (*of)->account);
                assert_string_equal(s->session, (*of)->session);
        }
        assert_no_profile_twice(lab);
        fake_free(&lab);
}

static void test_sittings_are_as_people_have_them(void **state)
{
        struct lab *lab = run("{ class: scrape-slow, addresses: 400, each: 8 }");
        unsigned least, most = most_views_of_an_address(lab, &least);
        size_t i = 0, searches = 0;
        const struct sent *s;
        char search[SITE_PATH_MAX];

        (void)state;
        site_path(lab->site, PAGE_SEARCH, 1, search);
        *strpbrk(search, "?=1") = '\0';
        assert_int_equal(fake_views(lab), 400 * 8);
        assert_int_equal(fake_distinct(lab, fake_from), 400);
        assert_int_equal(least, 8);
        assert_int_equal(most, 8);
        assert_no_profile_twice(lab);
        while ((s = fake_view(lab, &i)))
                assert_memory_equal(s->referer, search, strlen(search));
        for (i = 0; i < lab->count; i++)
                searches += strncmp(lab->sent[i].path, search, strlen(search)) == 0;
        assert_in_range(searches, 400, 400 * 8);
        assert_true(count_kind(lab, REQUEST_IMAGE) > 2500);
        /* All day long, and one version of one browser. */
        assert_true(lasts_s(lab) > 20 * 3600.0);
        for (i = 0; i < lab->count; i++)
                assert_ptr_equal(lab->sent[i].software, lab->sent[0].software);
        fake_free(&lab);
}

/* ---- who knows thresholds ---- */

/* The most different profiles that one of these values had in a window. */
static unsigned most_in(const struct lab *lab, fake_value_fn *value, double window_s)
{
        unsigned most = 0;

        for (size_t i = 0; i < lab->count; i++) {
                const char *of = value(&lab->sent[i]);
                unsigned count = 0;

                for (size_t k = i; of && k < lab->count; k++) {
                        const struct sent *s = &lab->sent[k];

                        if ((double)(s->at_ns - lab->sent[i].at_ns) / 1e9 >= window_s)
                                break;
                        count +=
                            fake_is_profile(s) && value(s) && strcmp(value(s), of) == 0;
                }
                most = count > most ? count : most;
        }
        return most;
}

static void test_the_adaptive_one_stays_below(void **state)
{
        struct lab *lab =
            run("{ class: scrape-adaptive, begin: 1h, addresses: 6, workers: 2, "
                "rate: 1/s, lasts: 2h, assets: no, margin: 0.1, address_10m: 60, "
                "address_1h: 150, session_10m: 30, session_1h: 100 }");
        size_t views = fake_views(lab);

        (void)state;
        assert_true(most_in(lab, fake_from, 600) <= 54);
        assert_true(most_in(lab, fake_from, 3600) <= 135);
        assert_true(most_in(lab, fake_session, 600) <= 27);
        assert_true(most_in(lab, fake_session, 3600) <= 90);
        /* And takes what it may: 6 addresses, 135 an hour, two hours. */
        assert_in_range(views, 1400, 6 * 135 * 2 + 10);
        /* A session is used as far as it goes, not thrown away. */
        assert_in_range(fake_distinct(lab, fake_session), views / 27, views / 9);
        assert_no_profile_twice(lab);
        fake_free(&lab);
}

/* ---- when, and where ---- */

static void test_a_version_is_chosen_by_name(void **state)
{
        struct lab *lab = run("{ class: scrape-address, profiles: 5, begin: 1h, "
                              "software: chrome-windows older }");

        (void)state;
        assert_string_equal(software_name(lab->sent[0].software), "firefox-windows");
        fake_free(&lab);
}

static void test_entries_begin_each_day_or_on_one(void **state)
{
        struct lab *lab =
            fake_run(scrape_begin,
                     "seed: 5\ndays: 3\nsite: { profiles: 50000 }\nattackers:\n"
                     "  - { class: scrape-address, count: 2, begin: 4h, within: 2h, "
                     "profiles: 5 }\n"
                     "  - { class: scrape-network, day: 2, begin: 7h, profiles: 5 }\n");

        (void)state;
        assert_int_equal(lab->groups, 7);
        for (uint32_t i = 1; i <= 7; i++) {
                int64_t at_ns = lab->group[i].at_ns - BEGIN_NS;

                if (strcmp(lab->group[i].class, "scrape-network") == 0)
                        assert_true(at_ns == (24 + 7) * HOUR_NS);
                else
                        assert_in_range(at_ns % (24 * HOUR_NS), 4 * HOUR_NS, 6 * HOUR_NS);
        }
        fake_free(&lab);
}

static void test_in_an_application_profiles_come_as_json(void **state)
{
        const char *app = "seed: 5\nsite: { profiles: 50000, app: yes }\nattackers:\n"
                          "  - { class: scrape-address, begin: 4h, profiles: 20, "
                          "software: %s, assets: %s }\n";
        char text[512], api[SITE_PATH_MAX], home[SITE_PATH_MAX];
        struct lab *lab;

        (void)state;
        snprintf(text, sizeof text, app, "browser", "yes");
        lab = fake_run(scrape_begin, text);
        site_path(lab->site, PAGE_HOME, 0, home);
        assert_string_equal(lab->sent[0].path, home);
        assert_int_equal(count_kind(lab, REQUEST_NAVIGATION), 1);
        assert_int_equal(count_kind(lab, REQUEST_FETCH), 20);
        fake_free(&lab);

        snprintf(text, sizeof text, app, "library", "no");
        lab = fake_run(scrape_begin, text);
        assert_int_equal(lab->count, 20);
        site_path(lab->site, PAGE_PROFILE_API, (uint32_t)lab->sent[0].target, api);
        assert_string_equal(lab->sent[0].path, api);
        fake_free(&lab);
}

static void test_the_same_seed_gives_the_same_day(void **state)
{
        const char *entry = "{ class: scrape-accounts, profiles: 300 }";
        struct lab *one = run(entry), *two = run(entry);

        (void)state;
        assert_int_equal(one->count, two->count);
        for (size_t i = 0; i < one->count; i++) {
                assert_true(one->sent[i].at_ns == two->sent[i].at_ns);
                assert_string_equal(one->sent[i].path, two->sent[i].path);
                assert_string_equal(one->sent[i].from, two->sent[i].from);
        }
        fake_free(&one);
        fake_free(&two);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_address_keeps_its_rate_and_counts_up),
                cmocka_unit_test(
                    test_a_kept_cookie_is_sent_back_and_a_dropped_one_is_not),
                cmocka_unit_test(test_a_browser_fetches_what_pages_bring_a_copy_does_not),
                cmocka_unit_test(test_revisits_and_guesses_are_parts_of_the_views),
                cmocka_unit_test(test_people_s_gaps_are_replayed_at_the_rate),
                cmocka_unit_test(test_a_browser_that_searches_keeps_its_rate),
                cmocka_unit_test(test_a_network_is_one_network),
                cmocka_unit_test(test_addresses_take_turns_and_partition_the_site),
                cmocka_unit_test(test_a_great_many_addresses),
                cmocka_unit_test(test_residential_addresses_are_those_of_people),
                cmocka_unit_test(test_accounts_keep_their_session_over_addresses),
                cmocka_unit_test(test_sittings_are_as_people_have_them),
                cmocka_unit_test(test_the_adaptive_one_stays_below),
                cmocka_unit_test(test_a_version_is_chosen_by_name),
                cmocka_unit_test(test_entries_begin_each_day_or_on_one),
                cmocka_unit_test(test_in_an_application_profiles_come_as_json),
                cmocka_unit_test(test_the_same_seed_gives_the_same_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
