/* SPDX-License-Identifier: MIT */
/* A printed site map is the same site map. */
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "observe/observe.h"
#include "observe/site.h"

static const char full[] =
    "client:\n"
    "  trusted_proxies: [10.0.0.0/8, \"::ffff:192.0.2.7\", 2001:db8::1/64]\n"
    "  header: X-Real-IP\n"
    "  prefix: { ipv4: 16 }\n"
    "proxy_protocol: never\n"
    "session: { header: Authorization, cookie: [sid, PHPSESSID] }\n"
    "account: { response_header: X-Account, cookie: uid, header: [X-User, X-Id] }\n"
    "proxy_headers: X-Balancer\n"
    "block_private: yes\n"
    "timezone: UTC\n"
    "pages:\n"
    "  - name: asset\n"
    "    path: [\"/static/**\", \"**.css\"]\n"
    "  - { name: profile, path: [\"/in/{target}\", \"/p?id={target}\", \"/it's\"] }\n"
    "  - { name: join, method: [PUT, MOVE, GET], path: /join, form: { email: "
    "[\"user[email]\", a], name: first+last },\n"
    "      accepted: \"not (status!=201 or response.body contains 'no''t')\" }\n"
    "  - { name: signup, method: POST, path: /signup, form: {} }\n"
    "  - { name: yes, path: /yes }\n";

static struct site *parse(const char *text)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct site *site = site_parse("site.yaml", slice_str(text), diag);

        diag_print(diag, &said);
        if (!site)
                fail_msg("%.*s\n%s", (int)said.len, (const char *)said.data, text);
        buf_free(&said);
        diag_free(&diag);
        return site;
}

static char *print(const struct site *site)
{
        struct buf out = { 0 };

        site_print(site, &out);
        buf_put_byte(&out, 0);
        return (char *)out.data;
}

/* Everything that a record says, of requests that touch every key of the map. */
static void describe(struct site *site, struct buf *out)
{
        static const char *const clients[] = { "10.1.2.3", "192.0.2.7", "192.0.2.8",
                                               "2001:db8::77", "2001:db8:0:1::1" };
        static const char *const targets[] = { "/in/anna", "/p?id=7", "/it's", "/x.css",
                                               "/join",    "/signup", "/yes",  "/" };
        static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "MOVE" };
        static const struct http_header lines[] = {
                { SLICE("Host"), SLICE("a.example") },
                { SLICE("X-Real-IP"), SLICE("203.0.113.9") },
                { SLICE("X-Balancer"), SLICE("b") },
                { SLICE("Authorization"), SLICE("Bearer t") },
                { SLICE("Cookie"), SLICE("PHPSESSID=p; sid=s; uid=u") },
                { SLICE("X-Id"), SLICE("i") },
                { SLICE("Content-Type"), SLICE("application/x-www-form-urlencoded") },
        };
        static const struct http_header answer[] = {
                { SLICE("X-Account"), SLICE("acc") },
        };
        struct counters counters = { 0 };
        struct hash_key key = hash_key_fixed();
        struct observe *observe = observe_new(site, &key, &counters);
        const struct value_names *names = site_page_names(site);

        observe_forms(observe, 4096, NULL);
        for (unsigned i = 0; i < 5 * 8 * 5 * 2 * 2; i++) {
                struct transaction t = {
                        .method = slice_str(methods[i % 5]),
                        .target = slice_str(targets[i / 5 % 8]),
                        .version_major = 1,
                        .version_minor = 1,
                        .request_headers = { lines, 7 },
                        .request_body =
                            SLICE("user%5Bemail%5D=x%40a.example&a=b@b.example"
                                  "&first=A&last=B"),
                        .status = i / 200 % 2 ? 201 : 302,
                        .response_headers = { answer, i % 3 == 0 },
                        .response_body = i / 400 ? slice_str("no't") : slice_str("yes"),
                        .response_complete = true,
                };
                assert_true(ip_parse(slice_str(clients[i / 40 % 5]), &t.client.ip));
                t.request_body_cut = false;
                if (observe_body_wanted(observe, &t, BODY_OF_RESPONSE) == 0)
                        t.response_body = slice_none();
                if (observe_body_wanted(observe, &t, BODY_OF_REQUEST) == 0)
                        t.request_body = slice_none();
                const struct record *r = observe_transaction(observe, &t);
                record_print(r, names->name(names->context, r->page), NULL, NULL,
                             slice_none(), out);
                buf_printf(out, "%u\n", r->client_prefix.bits);
        }
        buf_printf(out, "%d\n", site_blocks_private(site));
        observe_free(&observe);
}

static void check(const char *text)
{
        struct site *first = parse(text);
        char *printed = print(first);
        struct site *second = parse(printed);
        char *again = print(second);
        struct buf a = { 0 }, b = { 0 };

        assert_string_equal(printed, again);
        describe(first, &a);
        describe(second, &b);
        buf_put_byte(&a, 0);
        buf_put_byte(&b, 0);
        assert_string_equal((const char *)a.data, (const char *)b.data);
        buf_free(&a);
        buf_free(&b);
        free(printed);
        free(again);
        site_free(&first);
        site_free(&second);
}

static void printed_maps_are_the_same(void **state)
{
        struct buf shipped = { 0 };

        (void)state;
        check(full);
        check("{}");
        check("pages: []");
        check("client: { trusted_proxies: [] }");
        FILE *file = fopen("../rules/sites/profile-network.yaml", "re");
        assert_non_null(file);
        buf_reserve(&shipped, 65536);
        shipped.len = fread(shipped.data, 1, 65535, file);
        fclose(file);
        buf_put_byte(&shipped, 0);
        check((const char *)shipped.data);
        buf_free(&shipped);
}

static void the_form_is_canonical(void **state)
{
        struct site *site = parse(full);
        char *printed = print(site);

        (void)state;
        assert_string_equal(
            printed,
            "client:\n"
            "  trusted_proxies: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/64']\n"
            "  header: 'X-Real-IP'\n"
            "  proxy_protocol: never\n"
            "  prefix: { ipv4: 16, ipv6: 64 }\n"
            "session:\n"
            "  header: ['Authorization']\n"
            "  cookie: ['sid', 'PHPSESSID']\n"
            "account:\n"
            "  response_header: ['X-Account']\n"
            "  cookie: ['uid']\n"
            "  header: ['X-User', 'X-Id']\n"
            "proxy_headers: ['X-Balancer']\n"
            "block_private: true\n"
            "timezone: 'UTC'\n"
            "pages:\n"
            "  - name: asset\n"
            "    path: ['/static/**', '**.css']\n"
            "  - name: profile\n"
            "    path: ['/in/{target}', '/p?id={target}', '/it''s']\n"
            "  - name: join\n"
            "    method: ['PUT', 'MOVE', 'GET']\n"
            "    path: ['/join']\n"
            "    form:\n"
            "      email: ['user[email]', 'a']\n"
            "      name: ['first+last']\n"
            "    accepted: 'not (status != 201 or response.body contains \"no''t\")'\n"
            "  - name: signup\n"
            "    method: ['POST']\n"
            "    path: ['/signup']\n"
            "    form: {}\n"
            "  - name: yes\n"
            "    path: ['/yes']\n");
        free(printed);
        site_free(&site);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(printed_maps_are_the_same),
                cmocka_unit_test(the_form_is_canonical),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
