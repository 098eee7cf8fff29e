/* SPDX-License-Identifier: MIT */
#include "observe/site.h"

#include "base/clock.h"
#include "observe/record.h"
#include "unit/unit.h"

#include <stdio.h>

/* Loads a map; `said` gets what was printed. */
static struct site *load(const char *text, struct buf *said)
{
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(text), diag);

        buf_clear(said);
        diag_print(diag, said);
        buf_put_byte(said, '\0');
        diag_free(&diag);
        return site;
}

struct mistake {
        const char *map, *said;
};

static const struct mistake mistakes[] = {
        { "page: []",
          "site.yaml:1:1: unknown key 'page' in a site map (did you mean 'pages'?)\n" },
        { "[]", "site.yaml:1:1: a site map is a map of keys and values, not a list\n" },
        { "client: { headr: X }",
          "site.yaml:1:11: unknown key 'headr' in client (did you mean 'header'?)\n" },
        { "client:\n  trusted_proxies: [10.0.0.0/8, 10.0.0.300, 10.0.0.0/33]",
          "site.yaml:2:33: trusted_proxies: '10.0.0.300' is no address or network\n"
          "site.yaml:2:45: trusted_proxies: '10.0.0.0/33' is no address or network\n" },
        { "client: { trusted_proxies: 10.0.0.1, header: \"X Y\" }",
          "site.yaml:1:47: header: 'X Y' cannot be the name of a header\n" },
        { "client: { prefix: { ipv4: 33, ipv6: 0, ipv5: 3 } }",
          "site.yaml:1:40: unknown key 'ipv5' in prefix (did you mean 'ipv4'?)\n" },
        { "client: { prefix: { ipv4: 33 } }",
          "site.yaml:1:27: prefix.ipv4: 33 is out of range (1 to 32)\n" },
        { "client: { prefix: { ipv6: 129 } }",
          "site.yaml:1:27: prefix.ipv6: 129 is out of range (1 to 128)\n" },
        { "proxy_protocol: allways", "site.yaml:1:17: proxy_protocol: 'allways' is not "
                                     "one of auto, always, never (did you "
                                     "mean 'always'?)\n" },
        { "session: sid",
          "site.yaml:1:10: session is a map of keys and values, not a text\n" },
        { "session: {}", "site.yaml:1:10: session names no cookie and no header\n" },
        { "session: { cookie: [sid, \"a b\"] }",
          "site.yaml:1:27: cookie: 'a b' cannot be the name of a cookie\n" },
        { "session: { response_header: X-Session }",
          "site.yaml:1:12: unknown key 'response_header' in session\n" },
        { "account: { cookie: [a,b,c,d,e,f,g,h,i] }",
          "site.yaml:1:37: cookie: more than 8 names\n" },
        { "proxy_headers: [X-A, {}]",
          "site.yaml:1:22: proxy_headers: one value is needed, not a map\n" },
        { "block_private: maybe", "site.yaml:1:16: block_private: 'maybe' is neither" },
        { "timezone: Europe/Brelin", "site.yaml:1:11: timezone: this system does not "
                                     "know 'Europe/Brelin' (a name as in "
                                     "/usr/share/zoneinfo, from the package tzdata)\n" },
        { "timezone: ../../etc/passwd",
          "site.yaml:1:11: timezone: this system does not know" },
        { "pages: {}", "site.yaml:1:8: pages: a list of pages is needed\n" },
        { "pages: [x]",
          "site.yaml:1:9: a page is a map of keys and values, not a text\n" },
        { "pages:\n  - path: /x", "site.yaml:2:5: a page needs a name\n" },
        { "pages:\n  - name: x", "site.yaml:2:5: a page needs a path\n" },
        { "pages:\n  - name: x\n    path: []", "site.yaml:3:11: a page needs a path\n" },
        { "pages:\n  - name: other\n    path: /x",
          "site.yaml:2:11: name: 'other' is the page of requests that match no page\n" },
        { "pages:\n  - { name: x, path: /x }\n  - { name: x, path: /y }",
          "site.yaml:3:13: name: there is a page 'x' already\n" },
        { "pages:\n  - { name: 2x, path: /x }",
          "site.yaml:2:13: name: '2x' must be letters, digits, '_' and '-', begin with a "
          "letter "
          "and be no word of the rule language\n" },
        { "pages:\n  - { name: not, path: /x }",
          "site.yaml:2:13: name: 'not' must be letters" },
        { "pages:\n  - { name: a-, path: /x }",
          "site.yaml:2:13: name: 'a-' must be letters" },
        { "pages:\n  - name: x\n    path: [/a, \"/in/{who}\"]",
          "site.yaml:3:21: path: only {target} and {target:int} may stand in braces\n" },
        { "pages:\n  - name: profile\n    path: /in/{taget}",
          "site.yaml:3:15: path: only {target} and {target:int} may stand in braces\n" },
        { "pages:\n  - name: x\n    path: /x\n    accepted: client.ip == 10.0.0.1",
          "site.yaml:4:15: unknown field 'client.ip' (of the response only status may "
          "stand here)\n" },
        { "pages:\n  - name: x\n    path: in/anna",
          "site.yaml:3:11: path: a path template begins with '/' or '**'\n" },
        { "pages:\n  - { name: x, path: /x, method: [GET, post] }",
          "site.yaml:2:40: method: 'post' is no method (GET, POST, ...)\n" },
        { "pages:\n  - { name: x, path: /x, form: { mail: m } }",
          "site.yaml:2:34: unknown key 'mail' in form (did you mean 'email'?)\n" },
        { "pages:\n  - { name: x, path: /x, form: { name: a+ } }",
          "site.yaml:2:40: name: 'a+' has a '+' without a field on both sides\n" },
        { "pages:\n  - name: x\n    path: /x\n    accepted: statsu == 200",
          "site.yaml:4:15: unknown field 'statsu' (did you mean 'status'?)\n" },
        { "pages:\n  - name: x\n    path: /x\n    accepted: status == 200 and "
          "response.body contains "
          "'ok'",
          "site.yaml:4:33: response.body is kept only for pages with form:\n" },
        { "pages:\n  - { name: x, path: /x, form: { email: \"a+b+c+d+e\" } }",
          "site.yaml:2:42: email: 'a+b+c+d+e' joins more than 4 fields\n" },
        { "pages:\n  - { name: x, path: /x, form: { phone: [1,2,3,4,5,6,7,8,9] } }",
          "site.yaml:2:58: phone: '9' has more than 8 choices\n" },
        { "pages:\n  - name: x\n    path: /x\n    accepted: status", "site.yaml:4:15: " },
};

static void test_mistakes(void **state)
{
        struct buf said = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
                struct site *site = load(mistakes[i].map, &said);
                if (site ||
                    strstr((char *)said.data, mistakes[i].said) != (char *)said.data)
                        fail_msg("%s\nsays %s", mistakes[i].map, (char *)said.data);
        }
        buf_free(&said);
}

/* All mistakes of a file come out of one run, in its order. */
static void test_all_mistakes_at_once(void **state)
{
        struct buf said = { 0 };

        (void)state;
        assert_null(load("pages:\n"
                         "  - { name: a, path: x }\n"
                         "  - { name: a, pth: /x, path: y }\n"
                         "client: { trusted_proxies: [no] }\n",
                         &said));
        assert_string_equal(
            (char *)said.data,
            "site.yaml:2:22: path: a path template begins with '/' or '**'\n"
            "site.yaml:3:13: name: there is a page 'a' already\n"
            "site.yaml:3:16: unknown key 'pth' in a page (did you mean 'path'?)\n"
            "site.yaml:3:31: path: a path template begins with '/' or '**'\n"
            "site.yaml:4:29: trusted_proxies: 'no' is no address or network\n");
        buf_free(&said);
}

static void test_warnings(void **state)
{
        static const struct mistake warnings[] = {
                { "client: { trusted_proxies: [10.0.0.1/8] }",
                  "site.yaml:1:29: warning: trusted_proxies: '10.0.0.1/8' is read as "
                  "10.0.0.0/8\n" },
                { "client: { trusted_proxies: [0.0.0.0/0] }",
                  "site.yaml:1:29: warning: trusted_proxies: with 0.0.0.0/0 every "
                  "visitor chooses "
                  "his own address\n" },
                { "client: { header: X-Real-IP }",
                  "site.yaml:1:19: warning: header is never read: there are no "
                  "trusted_proxies\n" },
                { "pages: [{ name: profile, path: /in/anna }]",
                  "site.yaml:1:32: warning: page 'profile' has no {target}: rules that "
                  "count "
                  "targets see none\n" },
                { "client: { proxy_protocol: never }", "" },
                { "client: { proxy_protocol: always }", "" },
                { "", "" },
        };
        struct buf said = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
                struct site *site = load(warnings[i].map, &said);
                assert_non_null(site);
                assert_string_equal((char *)said.data, warnings[i].said);
                site_free(&site);
        }
        buf_free(&said);
}

static void test_a_file_that_is_not_there(void **state)
{
        struct diag *diag = diag_new();

        (void)state;
        assert_null(site_read("/nonexistent/site.yaml", diag));
        assert_int_equal(diag_errors(diag), 1);
        diag_free(&diag);
}

static void test_pages(void **state)
{
        struct buf said = { 0 };
        struct site *site = load("pages:\n  - { name: jobs, path: /jobs }\n"
                                 "  - { name: profile, path: \"/in/{target}\" }\n",
                                 &said);
        const struct value_names *names = site_page_names(site);

        (void)state;
        /* `other`, then the file's in its order, then the well-known ones. */
        assert_int_equal(names->find(names->context, slice_str("other")), 0);
        assert_int_equal(names->find(names->context, slice_str("jobs")), 1);
        assert_int_equal(names->find(names->context, slice_str("profile")), 2);
        assert_int_equal(names->find(names->context, slice_str("home")), 3);
        assert_int_equal(names->find(names->context, slice_str("health")), 11);
        assert_int_equal(names->find(names->context, slice_str("job")), -1);
        assert_string_equal(names->name(names->context, 2), "profile");
        assert_null(names->name(names->context, 12));
        assert_null(names->name(names->context, -1));
        assert_true(site_page_is_defined(site, 0) && site_page_is_defined(site, 2));
        assert_false(site_page_is_defined(site, 3) || site_page_is_defined(site, 12));
        site_free(&site);
        assert_null(site);
        site_free(&site);
        buf_free(&said);
}

static void test_other_keys(void **state)
{
        struct buf said = { 0 };
        struct site *site = load("block_private: yes\ntimezone: Europe/Berlin\n"
                                 "client: { trusted_proxies: 192.0.2.0/24 }\n",
                                 &said);
        struct ip in, out;

        (void)state;
        if (!site)
                fail_msg("%s", (char *)said.data);
        assert_true(site_blocks_private(site));
        assert_true(ip_parse(slice_str("192.0.2.9"), &in) &&
                    ip_parse(slice_str("10.0.0.1"), &out));
        assert_true(site_is_trusted_proxy(site, &in));
        assert_false(site_is_trusted_proxy(site, &out));
        /* The last second of winter time in 2026, and the first of summer time. */
        assert_int_equal(site_utc_offset_ns(site, 1774745999 * NS_PER_SEC),
                         3600 * NS_PER_SEC);
        assert_int_equal(site_utc_offset_ns(site, 1774746000 * NS_PER_SEC),
                         7200 * NS_PER_SEC);
        site_free(&site);
        site = load("", &said);
        assert_false(site_blocks_private(site) || site_is_trusted_proxy(site, &in));
        assert_int_equal(site_utc_offset_ns(site, 1774746000 * NS_PER_SEC), 0);
        site_free(&site);
        buf_free(&said);
}

static void test_wanted_headers(void **state)
{
        struct buf said = { 0 };
        struct site *site = load("", &said);
        char name[32];

        (void)state;
        assert_int_equal(site_want_header(site, slice_str("Accept")), 0);
        assert_int_equal(site_want_header(site, slice_str("DNT")), 1);
        assert_int_equal(site_want_header(site, slice_str("aCCept")), 0);
        assert_int_equal(site_want_header(site, slice_str("")), -1);
        assert_int_equal(site_want_header(site, slice_str("a b")), -1);
        for (int i = 2; i < RECORD_HEADERS; i++) {
                snprintf(name, sizeof(name), "X-Own-%d", i);
                assert_int_equal(site_want_header(site, slice_str(name)), i);
        }
        assert_int_equal(site_want_header(site, slice_str("X-One-More")), -1);
        assert_int_equal(site_want_header(site, slice_str("dnt")), 1);
        site_free(&site);
        buf_free(&said);
}

static void test_shipped_map(void **state)
{
        static const char *const pages[] = { "home",  "asset",       "profile", "search",
                                             "login", "signup_form", "signup",  "feed",
                                             "api",   "health" };
        static const char *const proxies[] = { "127.0.0.1", "::1", "10.1.2.3",
                                               "172.31.0.1", "192.168.9.9" };
        struct diag *diag = diag_new();
        struct site *site = site_read("../rules/sites/profile-network.yaml", diag);
        struct buf said = { 0 };
        struct ip ip;

        (void)state;
        diag_print(diag, &said);
        buf_put_byte(&said, '\0');
        assert_string_equal((char *)said.data, "");
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                const struct value_names *names = site_page_names(site);
                int page = names->find(names->context, slice_str(pages[i]));
                assert_true(page > 0 && site_page_is_defined(site, (unsigned)page));
        }
        for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
                assert_true(ip_parse(slice_str(proxies[i]), &ip));
                assert_true(site_is_trusted_proxy(site, &ip));
        }
        assert_true(ip_parse(slice_str("172.32.0.1"), &ip));
        assert_false(site_is_trusted_proxy(site, &ip));
        site_free(&site);
        diag_free(&diag);
        buf_free(&said);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_all_mistakes_at_once),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_a_file_that_is_not_there),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_other_keys),
                cmocka_unit_test(test_wanted_headers),
                cmocka_unit_test(test_shipped_map),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
