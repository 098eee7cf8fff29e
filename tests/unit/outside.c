/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include <unistd.h>

/* Answers as they are set; counts the questions. */
static struct hosts_answer answer;
static unsigned questions;

static struct hosts_answer answer_hosts(void *context, const struct ip *ip,
                                        int64_t now_ns)
{
        (void)context, (void)ip;
        assert_true(now_ns >= WORLD_BEGIN);
        questions++;
        return answer;
}

static const char rules[] =
    "rules:\n"
    "  - { name: passed, where: bot.check == passed, per: client.ip, when: count(1m) >= "
    "1 }\n"
    "  - { name: failed, where: bot.check == failed, per: client.ip, when: count(1m) >= "
    "1 }\n"
    "  - { name: pending, where: bot.check == pending, per: client.ip, when: count(1m) "
    ">= 1 }\n"
    "  - { name: unknown, where: bot.check == unknown, per: client.ip, when: count(1m) "
    ">= 1 }\n"
    "  - { name: missing, where: not present(bot.check), per: client.ip, when: count(1m) "
    ">= 1 }\n"
    "  - { name: verified, where: bot.verified, per: client.ip, when: count(1m) >= 1 }\n";

/* The rules that are raised, in their order. */
static const char *raised(struct world *w)
{
        static char names[200];
        size_t used = 0;

        names[0] = 0;
        buf_put_byte(&w->told, 0);
        for (const char *at = (const char *)w->told.data; (at = strstr(at, "raised "));) {
                at += strlen("raised ");
                int len = (int)strcspn(at, " ");
                used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s",
                                         used ? " " : "", len, at);
        }
        return names;
}

static const char *hit(const struct outside_sources *sources, const char *client,
                       const char *family, bool claimed)
{
        struct world *w = world_new_outside(world_site, rules, 64 << 20, 100, *sources);

        questions = 0;
        world_hit(w, (struct hit){ .client = client,
                                   .family = family,
                                   .flags = claimed ? RECORD_BOT_CLAIMED : 0 });
        const char *names = raised(w);
        world_free(w);
        return names;
}

static struct crawlers *make_crawlers(void)
{
        char folder[] = "/tmp/unit-outside-XXXXXX", path[64];
        static const char *const files[][2] = { { "googlebot", "192.0.2.0/24\n" },
                                                { "gptbot",
                                                  "192.0.2.0/24\n10.7.0.0/16\n" } };
        struct diag *diag = diag_new();

        assert_non_null(mkdtemp(folder));
        for (unsigned i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, files[i][0]);
                FILE *file = fopen(path, "w");
                fputs(files[i][1], file);
                fclose(file);
        }
        snprintf(path, sizeof(path), "%s/hosts~", folder);
        FILE *file = fopen(path, "w");
        fputs("googlebot: googlebot.com\nbingbot: search.msn.com\n", file);
        fclose(file);
        struct crawlers *c = crawlers_read(folder, path, diag);
        assert_non_null(c);
        unlink(path);
        for (unsigned i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, files[i][0]);
                unlink(path);
        }
        rmdir(folder);
        diag_free(&diag);
        return c;
}

static void expect(const struct outside_sources *s, const char *client,
                   const char *family, const char *expected, unsigned asked)
{
        assert_string_equal(hit(s, client, family, true), expected);
        assert_int_equal(questions, asked);
}

static void by_ranges_alone(void **state)
{
        struct crawlers *c = make_crawlers();
        struct outside_sources s = { .crawlers = c };

        (void)state;
        expect(&s, "192.0.2.9", "googlebot", "passed verified", 0);
        expect(&s, "198.51.100.9", "googlebot", "failed", 0);
        expect(&s, "198.51.100.9", "gptbot", "failed", 0);
        /* Names are promised, and nobody can be asked for them. */
        expect(&s, "198.51.100.9", "bingbot", "unknown", 0);
        expect(&s, "192.0.2.9", "curl", "unknown", 0);
        expect(&s, "192.0.2.9", NULL, "unknown", 0);
        /* A proxy that the site map does not know. */
        expect(&s, "10.0.0.9", "googlebot", "unknown", 0);
        expect(&s, "10.7.0.9", "gptbot", "passed verified", 0);
        crawlers_free(&c);
}

static void by_names(void **state)
{
        struct crawlers *c = make_crawlers();
        struct outside_sources s = { .crawlers = c, .hosts = answer_hosts };
        uint64_t google = crawler_host_bit(crawlers_find(c, slice_str("googlebot")));

        (void)state;
        answer = (struct hosts_answer){ HOSTS_KNOWN, google };
        expect(&s, "198.51.100.9", "googlebot", "passed verified", 1);
        expect(&s, "198.51.100.9", "bingbot", "failed", 1);
        /* Once a transaction, and not at all where ranges tell or no name is promised. */
        expect(&s, "192.0.2.9", "googlebot", "passed verified", 0);
        expect(&s, "198.51.100.9", "gptbot", "failed", 0);
        expect(&s, "198.51.100.9", "curl", "unknown", 0);
        expect(&s, "10.0.0.9", "googlebot", "unknown", 0);
        answer = (struct hosts_answer){ HOSTS_KNOWN, 0 };
        expect(&s, "198.51.100.9", "googlebot", "failed", 1);
        answer = (struct hosts_answer){ HOSTS_PENDING, 0 };
        expect(&s, "198.51.100.9", "googlebot", "pending", 1);
        answer = (struct hosts_answer){ HOSTS_UNKNOWN, 0 };
        expect(&s, "198.51.100.9", "googlebot", "unknown", 1);
        answer = (struct hosts_answer){ HOSTS_UNKNOWN, google };
        expect(&s, "198.51.100.9", "googlebot", "passed verified", 1);
        expect(&s, "198.51.100.9", "bingbot", "unknown", 1);
        crawlers_free(&c);
}

static void who_claims_nothing_is_not_checked(void **state)
{
        struct crawlers *c = make_crawlers();
        struct outside_sources s = { .crawlers = c, .hosts = answer_hosts };

        (void)state;
        assert_string_equal(hit(&s, "192.0.2.9", "googlebot", false), "missing");
        assert_int_equal(questions, 0);
        crawlers_free(&c);
        s = (struct outside_sources){ 0 };
        assert_string_equal(hit(&s, "192.0.2.9", "googlebot", true), "unknown");
}

static void systems_and_countries_are_keys(void **state)
{
        static const char text[] =
            "rules:\n"
            "  - { name: system, where: page == profile, per: client.asn,"
            " when: 'distinct(client.ip, 10m) >= 3' }\n"
            "  - { name: country, where: client.country == 'NL',"
            " per: [client.country, client.asn], when: count(10m) >= 4 }\n"
            "  - { name: elsewhere, where: not present(client.asn) and"
            " not present(client.country), per: client.ip, when: count(10m) >= 1 }\n";
        char path[] = "/tmp/unit-outside-XXXXXX", command[200];
        struct diag *diag = diag_new();
        struct geo *geo[2];

        (void)state;
        close(mkstemp(path));
        for (unsigned i = 0; i < 2; i++) {
                snprintf(command, sizeof(command),
                         "/usr/bin/python3 tools/mmdb.py %s 6 24 %s", path,
                         i ? "country 203.0.113.0/24=NL"
                           : "asn 203.0.113.0/25=4200000001 203.0.113.128/25=64501");
                assert_int_equal(system(command), 0);
                geo[i] = geo_read(path, i ? GEO_COUNTRY : GEO_ASN, diag);
                assert_non_null(geo[i]);
        }
        unlink(path);
        diag_free(&diag);
        struct world *w = world_new_outside(
            world_site, text, 64 << 20, 100,
            (struct outside_sources){ .asn = geo[0], .country = geo[1] });
        world_view(w, 0, "203.0.113.1", 1);
        world_view(w, 1, "203.0.113.200", 1);
        world_view(w, 2, "203.0.113.2", 1);
        world_view(w, 3, "198.51.100.3", 1);
        world_view(w, 4, "203.0.113.3", 1);
        world_view(w, 5, "203.0.113.3", 1);
        world_expect(w,
                     "raised elsewhere client.ip=198.51.100.3 n=0 at=3\n"
                     "raised system client.asn=4200000001 n=0 at=4\n"
                     "raised country client.country|client.asn=NL|4200000001 n=0 at=5\n");
        world_free(w);
        geo_free(&geo[0]);
        geo_free(&geo[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(by_ranges_alone),
                cmocka_unit_test(by_names),
                cmocka_unit_test(who_claims_nothing_is_not_checked),
                cmocka_unit_test(systems_and_countries_are_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
