/* SPDX-License-Identifier: MIT */
#include "observe/crawlers.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/unit-crawlers-XXXXXX";
static struct buf said;

static void put(const char *name, const char *text)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static int set_up(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(folder));
        return 0;
}

static int empty_folder(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s/* %s/.h*", folder, folder);
        return system(command);
}

static int tear_down(void **state)
{
        empty_folder(state);
        rmdir(folder);
        buf_free(&said);
        return 0;
}

static struct crawlers *finish(struct crawlers *c, struct diag *diag)
{
        buf_clear(&said);
        diag_print(diag, &said);
        buf_put_byte(&said, 0);
        assert_int_equal(c == NULL, diag_errors(diag) > 0);
        diag_free(&diag);
        return c;
}

static struct crawlers *load(const char *hosts)
{
        struct diag *diag = diag_new();

        return finish(crawlers_read(folder, hosts, diag), diag);
}

static struct crawlers *parse(const char *text)
{
        struct diag *diag = diag_new();

        return finish(crawlers_parse("hosts.yaml", slice_str(text), diag), diag);
}

static bool said_is(const char *expected)
{
        char text[600];
        size_t used = 0;

        /* The folder's name is another each time. */
        for (const char *at = (const char *)said.data; *at && used < sizeof(text) - 1;)
                if (strncmp(at, folder, strlen(folder)) == 0)
                        at += strlen(folder);
                else
                        text[used++] = *at++;
        text[used] = 0;
        assert_string_equal(text, expected);
        return true;
}

static bool owns(const struct crawlers *c, const char *family, const char *address)
{
        const struct crawler *crawler = crawlers_find(c, slice_str(family));
        struct ip ip;

        assert_non_null(crawler);
        assert_true(ip_parse(slice_str(address), &ip));
        return crawler_owns(crawler, &ip);
}

static void a_file_for_each_family(void **state)
{
        (void)state;
        put("googlebot.json", "{\"prefixes\": [{\"ipv4Prefix\": \"192.0.2.0/25\"}]}");
        put("googlebot.txt", "192.0.2.128/26\n");
        put("mail.ru", "198.51.100.0/24\n");
        put("gptbot.txt", "203.0.113.0/24\n");
        put("gptbot.txt~", "all\n");
        put(".hidden", "all\n");
        char path[128];
        snprintf(path, sizeof(path), "%s/old", folder);
        assert_int_equal(mkdir(path, 0700), 0);
        struct crawlers *c = load(NULL);
        assert_non_null(c);
        assert_true(owns(c, "googlebot", "192.0.2.1"));
        assert_true(owns(c, "googlebot", "192.0.2.129"));
        assert_false(owns(c, "googlebot", "192.0.2.200"));
        assert_false(owns(c, "googlebot", "203.0.113.1"));
        assert_true(owns(c, "mail.ru", "198.51.100.1"));
        assert_true(owns(c, "gptbot", "203.0.113.1"));
        assert_null(crawlers_find(c, slice_str("gpt")));
        assert_null(crawlers_find(c, slice_str("gptbots")));
        assert_null(crawlers_find(c, slice_str("old")));
        assert_null(crawlers_find(c, slice_none()));
        assert_false(crawlers_have_hosts(c));
        const char *file;
        assert_slice(crawlers_ranged(c, 0, &file), "googlebot");
        assert_slice(crawlers_ranged(c, 2, &file), "mail.ru");
        assert_true(slice_is_none(crawlers_ranged(c, 3, &file)));
        crawlers_free(&c);
        assert_null(c);
}

static void mistakes_of_files(void **state)
{
        (void)state;
        put("Googlebot.txt", "192.0.2.0/24\n");
        put("gptbot.txt", "192.0.2.0/24\nno\n");
        assert_null(load(NULL));
        said_is("/Googlebot.txt: 'Googlebot' is no family, as ua.family has them: small "
                "letters, digits, . _ -\n"
                "/gptbot.txt:2:1: 'no' is no network, as 192.0.2.0/24 is\n");
        struct diag *diag = diag_new();
        assert_null(crawlers_read("/nowhere/at/all", NULL, diag));
        diag_free(&diag);
}

static void names_by_whole_labels(void **state)
{
        static const struct {
                const char *name;
                bool first, second;
        } rows[] = {
                { "crawl-66-249-66-1.googlebot.com", true, false },
                { "CRAWL.GoogleBot.COM.", true, false },
                { "googlebot.com", true, false },
                { "notgooglebot.com", false, false },
                { "crawl.googlebot.com.example.net", false, false },
                { "googlebot.com.evil.org", false, false },
                { "-googlebot.com", false, false },
                { ".googlebot.com", true, false },
                { "com", false, false },
                { "", false, false },
                { ".", false, false },
                { "msnbot-1.search.msn.com", false, true },
                { "search.msn.com.", false, true },
                { "www.msn.com", false, false },
                { "a.shared.example", true, true },
        };
        struct crawlers *c = parse("googlebot: [GoogleBot.com, shared.example]\n"
                                   "bingbot: [search.msn.com, shared.example]\n");

        (void)state;
        assert_non_null(c);
        assert_true(crawlers_have_hosts(c));
        uint64_t google = crawler_host_bit(crawlers_find(c, slice_str("googlebot")));
        uint64_t bing = crawler_host_bit(crawlers_find(c, slice_str("bingbot")));
        assert_true(google && bing && google != bing);
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                uint64_t found = crawlers_match_host(c, slice_str(rows[i].name));
                if (found !=
                    ((rows[i].first ? google : 0) | (rows[i].second ? bing : 0))) {
                        print_error("%s\n", rows[i].name);
                        fail();
                }
        }
        crawlers_free(&c);
}

static void mistakes_of_domains(void **state)
{
        struct buf text = { 0 };

        (void)state;
        assert_null(parse("googlebot: [com, .x.com, a..b, \"a b.c\", x.com]\n"
                          "Bing: x.com\n"));
        said_is("hosts.yaml:1:13: 'com' is no domain, as googlebot.com is\n"
                "hosts.yaml:1:18: '.x.com' is no domain, as googlebot.com is\n"
                "hosts.yaml:1:26: 'a..b' is no domain, as googlebot.com is\n"
                "hosts.yaml:1:33: 'a b.c' is no domain, as googlebot.com is\n"
                "hosts.yaml:2:1: 'Bing' is no family, as ua.family has them: small "
                "letters, digits, . _ -\n");
        assert_null(parse("[googlebot.com]\n"));
        said_is("hosts.yaml: is no map from families to domains\n");
        for (unsigned i = 0; i < CRAWLERS_BY_NAME; i++)
                buf_printf(&text, "bot%u: x%u.example\n", i, i);
        buf_put_byte(&text, 0);
        struct crawlers *c = parse((const char *)text.data);
        assert_non_null(c);
        assert_int_equal(crawlers_match_host(c, slice_str("x63.example")), UINT64_C(1)
                                                                               << 63);
        crawlers_free(&c);
        text.len--;
        buf_put_str(&text, "more: y.example\n");
        buf_put_byte(&text, 0);
        assert_null(parse((const char *)text.data));
        said_is("hosts.yaml:65:1: more than 64 families with domains\n");
        buf_free(&text);
}

static bool are_same(const char *a, const char *b)
{
        struct crawlers *x = parse(a), *y = parse(b);
        bool same = crawlers_have_same_hosts(x, y);

        assert_int_equal(crawlers_have_same_hosts(y, x), same);
        crawlers_free(&x);
        crawlers_free(&y);
        return same;
}

static void hosts_are_compared(void **state)
{
        (void)state;
        assert_true(are_same("a: [x.com, y.com]\nb: z.com\n", "a: [X.com, y.com]\n"
                                                              "b: z.com\n"));
        assert_false(are_same("a: x.com\nb: z.com\n", "b: z.com\na: x.com\n"));
        assert_false(are_same("a: x.com\n", "a: x.com\nb: z.com\n"));
        assert_false(are_same("a: x.com\n", "b: x.com\n"));
        assert_false(are_same("a: x.com\n", "a: y.com\n"));
        assert_false(are_same("a: x.com\n", "a: [x.com, y.com]\n"));
}

static void the_shipped_table_can_be_read(void **state)
{
        (void)state;
        struct crawlers *c = load("../rules/lists/crawler-hosts.yaml");
        assert_non_null(c);
        assert_int_equal(crawlers_match_host(c, slice_str("x.search.msn.com")) &
                             crawler_host_bit(crawlers_find(c, slice_str("bingbot"))),
                         crawler_host_bit(crawlers_find(c, slice_str("bingbot"))));
        /* Anybody's machine. */
        assert_int_equal(crawlers_match_host(c, slice_str("1.bc.googleusercontent.com")),
                         0);
        crawlers_free(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(a_file_for_each_family, empty_folder),
                cmocka_unit_test_teardown(mistakes_of_files, empty_folder),
                cmocka_unit_test(names_by_whole_labels),
                cmocka_unit_test(mistakes_of_domains),
                cmocka_unit_test(hosts_are_compared),
                cmocka_unit_test(the_shipped_table_can_be_read),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
