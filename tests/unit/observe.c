/* SPDX-License-Identifier: MIT */
/* From a transaction, written as text, to what the record says about it. */
#include "observe/observe.h"

#include "base/clock.h"
#include "base/sample.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static const char map[] =
    "client:\n"
    "  trusted_proxies: [10.0.0.0/8]\n"
    "  header: X-Forwarded-For\n"
    "  prefix: { ipv4: 16, ipv6: 48 }\n"
    "session: { cookie: [sid, PHPSESSID], header: Authorization }\n"
    "account: { cookie: uid, header: X-User, response_header: X-Account }\n"
    "proxy_headers: X-Balancer\n"
    "pages:\n"
    "  - name: asset\n"
    "    path: [\"/static/**\", \"**.css\"]\n"
    "  - name: profile\n"
    "    path: [\"/in/{target}\", \"/p?id={target}\", \"/n/{target:int}\"]\n"
    "  - { name: signup_form, method: GET, path: /signup }\n"
    "  - name: signup\n"
    "    method: POST\n"
    "    path: /signup\n"
    "  - name: join\n"
    "    method: [PUT, MOVE]\n"
    "    path: /join\n"
    "    form: { email: [email, user.email], name: first+last }\n"
    "    accepted: status in [201, 303]\n"
    "  - { name: catch, path: \"/in/**\" }\n";

static struct site *site;
static struct observe *observe;
static struct counters counters;

static int set_up(void **state)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct hash_key key = hash_key_fixed();

        (void)state;
        site = site_parse("site.yaml", slice_str(map), diag);
        diag_print(diag, &said);
        buf_put_byte(&said, '\0');
        if (!site)
                fail_msg("%s", (char *)said.data);
        buf_free(&said);
        diag_free(&diag);
        assert_int_equal(site_want_header(site, slice_str("DNT")), 0);
        assert_int_equal(site_want_header(site, slice_str("User-Agent")), 1);
        counters = (struct counters){ 0 };
        observe = observe_new(site, &key, &counters);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        observe_free(&observe);
        observe_free(&observe);
        site_free(&site);
        return 0;
}

/* "GET /path", then "Name: value" lines; the same for the response, if any. */
struct exchange {
        struct transaction t;
        struct http_header request[16], response[16];
};

static struct http_headers read_lines(const char *text, struct http_header *lines)
{
        struct slice rest = slice_str(text), line;
        uint32_t count = 0;

        while (slice_next(&rest, '\n', &line)) {
                size_t colon = slice_find(line, ':');
                lines[count].name = slice_first(line, colon);
                lines[count++].value = slice_trim(slice_from(line, colon + 1));
        }
        return (struct http_headers){ lines, count };
}

static void make(struct exchange *x, const char *request, const char *headers,
                 uint16_t status, const char *response)
{
        struct slice line = slice_str(request), method;

        memset(x, 0, sizeof(*x));
        slice_next(&line, ' ', &method);
        x->t = (struct transaction){ .method = method,
                                     .target = line,
                                     .version_minor = 1,
                                     .request_first_ns = 1795431600 * NS_PER_SEC,
                                     .request_last_ns = 1795431600 * NS_PER_SEC + 1000,
                                     .request_bytes = 412,
                                     .status = status };
        assert_true(ip_parse(slice_str("10.0.0.1"), &x->t.client.ip));
        assert_true(ip_parse(slice_str("10.0.0.5"), &x->t.server.ip));
        x->t.client.port = 41022;
        x->t.server.port = 8080;
        x->t.request_headers = read_lines(headers, x->request);
        if (status == 0)
                return;
        x->t.response_headers = read_lines(response, x->response);
        x->t.response_complete = true;
        x->t.response_first_ns = x->t.request_last_ns + 500;
        x->t.response_last_ns = x->t.request_first_ns + 1834000;
        x->t.response_bytes = 18231;
}

static const struct record *look(const char *request, const char *headers,
                                 uint16_t status, const char *response)
{
        struct exchange x;

        make(&x, request, headers, status, response);
        return observe_transaction(observe, &x.t);
}

static void assert_text(const struct record *r, enum record_text which,
                        const char *expected)
{
        struct slice text = record_text(r, which);

        if (slice_is_none(text) != (expected == NULL) ||
            (expected && !slice_is(text, expected)))
                fail_msg("text %d is '%.*s', not '%s'", which, (int)text.len,
                         text.data ? (const char *)text.data : "(none)",
                         expected ? expected : "(none)");
}

static void test_user_agents(void **state)
{
        static const char chrome[] =
            "User-Agent: Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/120.0.6099.71 "
            "Safari/537.36";
        struct diag *diag = diag_new();
        struct agent_list *list =
            agent_list_parse("list", slice_str("Googlebot\\/\tgooglebot\n"), diag);
        struct hash_key key = hash_key_fixed();
        struct agents *agents = agents_new(list, &key, 64, &counters);
        const struct record *r = look("GET /", chrome, 200, NULL);

        (void)state;
        /* Nobody has asked yet. */
        assert_text(r, RECORD_UA_FAMILY, NULL);
        assert_text(r, RECORD_UA_VERSION, NULL);
        observe_agents(observe, agents);
        for (int i = 0; i < 2; i++) {
                r = look("GET /", chrome, 200, NULL);
                assert_text(r, RECORD_UA_FAMILY, "chrome");
                assert_text(r, RECORD_UA_VERSION, "120.0");
                assert_false(r->flags & RECORD_BOT_CLAIMED);
        }
        r = look("GET /", "User-Agent: Googlebot/2.1", 200, NULL);
        assert_text(r, RECORD_UA_FAMILY, "googlebot");
        assert_text(r, RECORD_UA_VERSION, "2.1");
        assert_true(r->flags & RECORD_BOT_CLAIMED);
        r = look("GET /", "User-Agent: x", 200, NULL);
        assert_text(r, RECORD_UA_FAMILY, NULL);
        assert_text(r, RECORD_UA_VERSION, NULL);
        r = look("GET /", "Accept: x", 200, NULL);
        assert_text(r, RECORD_UA_FAMILY, NULL);
        assert_false(r->flags & RECORD_BOT_CLAIMED);
        assert_int_equal(counters.agents_classified, 3);
        assert_int_equal(counters.agents_cached, 1);
        observe_agents(observe, NULL);
        agents_free(&agents);
        agent_list_free(&list);
        diag_free(&diag);
}

/* A proxy's SYN says nothing of the visitor; his place on the connection stays. */
static void test_connection(void **state)
{
        struct exchange x;
        const struct record *r;

        (void)state;
        make(&x, "GET /", "X-Forwarded-For: 198.51.100.7", 200, NULL);
        x.t.tcp_shape = tcp_shape_of(slice_none(), 1024, 64);
        x.t.connection_request = 7;
        x.t.pipelined = true;
        r = observe_transaction(observe, &x.t);
        assert_true(tcp_shape_is_none(&r->tcp_shape));
        assert_int_equal(r->connection_request, 7);
        assert_true(r->flags & RECORD_PIPELINED);
        assert_true(ip_parse(slice_str("203.0.113.9"), &x.t.client.ip));
        x.t.pipelined = false;
        r = observe_transaction(observe, &x.t);
        assert_int_equal(r->tcp_shape.window, 1024);
        assert_false(r->flags & RECORD_PIPELINED);
}

static const char *page_of(const struct record *r)
{
        const struct value_names *names = site_page_names(site);

        return names->name(names->context, r->page);
}

static void test_everything(void **state)
{
        const struct record *r = look("GET /in//%61nna/?x=1",
                                      "Host: Example.ORG:8080\n"
                                      "X-Forwarded-For: 1.1.1.1, 198.51.100.7\n"
                                      "User-Agent: curl/8\n"
                                      "Referer: https://example.org/search\n"
                                      "Cookie: a=1; sid=abc; uid=7\n"
                                      "DNT: 1",
                                      200, "Server: nginx");
        struct ip ip;
        char text[NETWORK_TEXT_MAX];

        (void)state;
        assert_string_equal(page_of(r), "profile");
        assert_text(r, RECORD_METHOD, "GET");
        assert_text(r, RECORD_HOST, "example.org");
        assert_text(r, RECORD_DOMAIN, "Example.ORG");
        assert_text(r, RECORD_RAW_PATH, "/in//%61nna/");
        assert_text(r, RECORD_PATH, "/in/anna/");
        assert_text(r, RECORD_QUERY, "x=1");
        assert_text(r, RECORD_TARGET, "anna");
        assert_text(r, RECORD_SESSION, "abc");
        assert_text(r, RECORD_SESSION_WAS, NULL);
        assert_text(r, RECORD_ACCOUNT, "7");
        assert_text(r, RECORD_USER_AGENT, "curl/8");
        assert_text(r, RECORD_REFERER, "https://example.org/search");
        assert_int_equal(r->flags, RECORD_REFERER_SAME_SITE | RECORD_RESPONSE_COMPLETE |
                                       RECORD_SESSION_SENT);
        assert_int_equal(r->start_ns, 1795431600 * NS_PER_SEC);
        assert_int_equal(r->end_ns, r->start_ns + 1834000);
        assert_int_equal(r->duration_ns, 1834000);
        assert_int_equal(r->latency_ns, 500);
        assert_true(ip_parse(slice_str("198.51.100.7"), &ip) &&
                    ip_equal(&ip, &r->client));
        network_format(&r->client_host, text);
        assert_string_equal(text, "198.51.100.7");
        network_format(&r->client_prefix, text);
        assert_string_equal(text, "198.51.0.0/16");
        assert_int_equal(r->peer_port, 41022);
        assert_int_equal(r->client_port, 0);
        assert_int_equal(r->server_port, 8080);
        assert_int_equal(r->status, 200);
        assert_int_equal(r->cookies, 3);
        assert_int_equal(r->version_minor, 1);
        assert_int_equal(r->request_bytes, 412);
        assert_int_equal(r->response_bytes, 18231);
        assert_int_not_equal(r->http_shape, 0);
        assert_int_equal(r->header_count, 2);
        assert_slice(record_span_text(r, r->headers[0]), "1");
        assert_slice(record_span_text(r, r->headers[1]), "curl/8");
        assert_int_equal(r->size % 8, 0);
}

static void test_nothing(void **state)
{
        const struct record *r = look("GET /", NULL, 0, NULL);

        (void)state;
        assert_string_equal(page_of(r), "other");
        for (int i = RECORD_HOST; i < RECORD_TEXTS; i++)
                if (i != RECORD_RAW_PATH && i != RECORD_PATH)
                        assert_text(r, (enum record_text)i, NULL);
        assert_true(slice_is_none(record_span_text(r, r->headers[0])));
        assert_int_equal(r->duration_ns, -1);
        assert_int_equal(r->latency_ns, -1);
        assert_int_equal(r->end_ns, r->start_ns + 1000);
        assert_int_equal(r->response_bytes, 0);
        assert_int_equal(r->flags, RECORD_CLIENT_UNCERTAIN | RECORD_CLIENT_TRUSTED);
}

static void test_pages(void **state)
{
        static const struct {
                const char *request, *page, *target;
        } rows[] = {
                { "GET /static/x", "asset", NULL },
                { "GET /in/anna.css", "asset", NULL }, /* the first match wins */
                { "GET /in/anna", "profile", "anna" },
                { "POST /in/anna", "profile", "anna" }, /* without method any matches */
                { "GET /in/anna/x", "catch", NULL },
                { "GET /in", "catch", NULL },
                { "GET /In/anna", "other", NULL },
                { "GET /in/J%c3%bcrgen", "profile",
                  "J\xc3\xbcrgen" }, /* one space of targets */
                { "GET /p?id=J%C3%BCrgen", "profile", "J\xc3\xbcrgen" },
                { "GET /p?id=a+b", "profile", "a b" },
                { "GET /in/a+b", "profile", "a+b" },
                { "GET /p?x", "other", NULL },
                { "GET /p?id=7#x", "profile", "7" },
                { "GET /in/anna#x?y", "profile", "anna" },
                { "GET /n/0042", "profile", "0042" },
                { "GET /n/x", "other", NULL },
                { "GET /signup", "signup_form", NULL },
                { "HEAD /signup", "signup_form", NULL }, /* GET includes HEAD */
                { "POST /signup/", "signup", NULL },
                { "PUT /signup", "other", NULL },
                { "PUT /join", "join", NULL },
                { "MOVE /join", "join", NULL },
                { "put /join", "other", NULL },
                { "GET http://other.example/in/anna?x", "profile", "anna" },
                { "CONNECT example.org:443", "other", NULL },
                { "OPTIONS *", "other", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct record *r = look(rows[i].request, "Host: h", 200, NULL);
                if (strcmp(page_of(r), rows[i].page) != 0)
                        fail_msg("%s is %s", rows[i].request, page_of(r));
                assert_text(r, RECORD_TARGET, rows[i].target);
        }
}

static void test_target_numbers(void **state)
{
        const struct record *r = look("GET /n/0042", NULL, 0, NULL);

        (void)state;
        assert_true(r->flags & RECORD_TARGET_NUMERIC);
        assert_int_equal(r->target_number, 42);
        r = look("GET /in/4x", NULL, 0, NULL);
        assert_false(r->flags & RECORD_TARGET_NUMERIC);
        r = look("GET /n/18446744073709551616", NULL, 0, NULL);
        assert_false(r->flags & RECORD_TARGET_NUMERIC);
}

static void test_hosts(void **state)
{
        const struct record *r =
            look("GET http://Proxy.example:80/in/anna", "Host: other.example", 200, NULL);

        (void)state;
        assert_text(r, RECORD_HOST, "proxy.example");
        assert_text(r, RECORD_DOMAIN, "Proxy.example");
        assert_text(r, RECORD_RAW_PATH, "/in/anna");
        r = look("CONNECT example.org:443", "Host: h", 200, NULL);
        assert_text(r, RECORD_HOST, "example.org");
        assert_text(r, RECORD_RAW_PATH, NULL);
        assert_text(r, RECORD_PATH, NULL);
        r = look("GET /", "Host:", 200, NULL);
        assert_text(r, RECORD_HOST, NULL);
        /* The first of several counts. */
        r = look("GET /", "Host: a\nHost: b", 200, NULL);
        assert_text(r, RECORD_HOST, "a");
}

static void test_same_site(void **state)
{
        static const struct {
                const char *headers;
                bool same;
        } rows[] = {
                { "Host: example.org\nReferer: https://EXAMPLE.org:8443/x", true },
                { "Host: example.org:8080\nReferer: http://example.org", true },
                { "Host: example.org\nReferer: https://www.example.org/", false },
                { "Host: example.org\nReferer: /x", false },
                { "Host: example.org", false },
                { "Referer: https://example.org/", false },
                { "Host:\nReferer: https:///x", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct record *r = look("GET /", rows[i].headers, 200, NULL);
                if (!!(r->flags & RECORD_REFERER_SAME_SITE) != rows[i].same)
                        fail_msg("%s", rows[i].headers);
        }
}

static void test_sessions(void **state)
{
        static const struct {
                const char *request, *response, *session, *was;
        } rows[] = {
                { "Cookie: sid=a", NULL, "a", NULL },
                { "Cookie: PHPSESSID=b; sid=a", NULL, "a", NULL },
                { "Cookie: PHPSESSID=b\nCookie: sid=a", NULL, "a", NULL },
                { "Cookie: PHPSESSID=b", NULL, "b", NULL },
                { "Authorization: Bearer tok.en", NULL, "tok.en", NULL },
                { "Authorization: Bearer   tok.en", NULL, "tok.en", NULL },
                { "Authorization: token", NULL, "token", NULL },
                { "Authorization: Bearer x\nCookie: PHPSESSID=b", NULL, "b", NULL },
                { "X: y", NULL, NULL, NULL },
                /* What the response sets is the session; what was is kept. */
                { "Cookie: sid=a", "Set-Cookie: sid=n; Path=/", "n", "a" },
                { "Cookie: sid=a", "set-cookie: sid=a; Path=/", "a", NULL },
                { "X: y", "Set-Cookie: sid=n", "n", NULL },
                { "Cookie: PHPSESSID=b", "Set-Cookie: sid=n", "n", "b" },
                /* The first configured name still counts for the requests after it. */
                { "Cookie: sid=a", "Set-Cookie: PHPSESSID=n", "a", NULL },
                /* A deletion is not a session. */
                { "Cookie: sid=a", "Set-Cookie: sid=; Max-Age=0", "a", NULL },
                { "Cookie: sid=a",
                  "Set-Cookie: sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", NULL },
                { "Cookie: sid=a", "Set-Cookie: sid=; Max-Age=0\nSet-Cookie: sid=n", "n",
                  "a" },
                { "X: y", "Set-Cookie: sid=", NULL, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct record *r =
                    look("GET /", rows[i].request, 200, rows[i].response);
                assert_text(r, RECORD_SESSION, rows[i].session);
                assert_text(r, RECORD_SESSION_WAS, rows[i].was);
                assert_int_equal((r->flags & RECORD_SESSION_SENT) != 0,
                                 rows[i].request[0] != 'X');
        }
}

/* A page that nobody looks at is seen where it changes the session. */
static void test_changes_of_sessions_alone(void **state)
{
        static const char set[] = "Set-Cookie: sid=n";
        bool pages[32] = { false };
        (void)state;

        observe_only(observe, pages);
        assert_null(look("GET /", "Cookie: sid=a", 200, set));
        observe_sessions(observe);
        const struct record *r = look("GET /", "Cookie: sid=a", 200, set);
        assert_non_null(r);
        assert_text(r, RECORD_SESSION, "n");
        assert_text(r, RECORD_SESSION_WAS, "a");
        assert_null(look("GET /", "Cookie: sid=n", 200, set));
        assert_null(look("GET /", "X: y", 200, set));
        assert_null(look("GET /", "Cookie: sid=a", 200, "Set-Cookie: other=n"));
        assert_null(look("GET /", "Cookie: sid=a", 200, "X: y"));
        observe_only(observe, NULL);
}

static void test_accounts(void **state)
{
        static const struct {
                const char *request, *response, *account;
        } rows[] = {
                { "Cookie: uid=7", NULL, "7" },
                { "X-User: John Smith", NULL, "John Smith" },
                { "Cookie: uid=7\nX-User: x", NULL, "7" },
                { "X: y", "X-Account: 9", "9" },
                { "X: y", "X-Account:", NULL },
                { "X-User: x", "X-Account: 9", "x" },
                { "X-User: x", "Set-Cookie: uid=8", "8" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_text(look("GET /", rows[i].request, 200, rows[i].response),
                            RECORD_ACCOUNT, rows[i].account);
}

static void test_signup_accepted(void **state)
{
        static const struct {
                const char *request;
                uint16_t status;
                bool accepted;
        } rows[] = {
                { "POST /signup", 200, true },  { "POST /signup", 302, true },
                { "POST /signup", 399, true },  { "POST /signup", 400, false },
                { "POST /signup", 500, false }, { "POST /signup", 0, false },
                { "GET /signup", 200, false },  { "GET /in/anna", 200, false },
                { "PUT /join", 201, true },     { "PUT /join", 303, true },
                { "PUT /join", 200, false },    { "PUT /join", 0, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct record *r =
                    look(rows[i].request, "Host: h", rows[i].status, NULL);
                if (!!(r->flags & RECORD_SIGNUP_ACCEPTED) != rows[i].accepted)
                        fail_msg("%s %u", rows[i].request, rows[i].status);
        }
}

static void test_visitor_lines_and_counter(void **state)
{
        uint64_t before = counters.visitors_uncertain;
        struct ip ip;

        (void)state;
        const struct record *r =
            look("GET /", "X-Forwarded-For: 198.51.100.7\nx-forwarded-for: 10.0.0.2", 200,
                 NULL);
        assert_true(ip_parse(slice_str("198.51.100.7"), &ip) &&
                    ip_equal(&ip, &r->client));
        assert_int_equal(counters.visitors_uncertain, before);
        r = look("GET /", "X-Forwarded-For: unknown", 200, NULL);
        assert_true(r->flags & RECORD_CLIENT_UNCERTAIN);
        assert_int_equal(counters.visitors_uncertain, before + 1);
        r = look("GET /", "X-Forwarded-For: 2001:db8:1:2:3::4", 200, NULL);
        char text[NETWORK_TEXT_MAX];
        network_format(&r->client_host, text);
        assert_string_equal(text, "2001:db8:1:2::/64");
        network_format(&r->client_prefix, text);
        assert_string_equal(text, "2001:db8:1::/48");
}

/* More lines than are kept: the last ones count, as the list is read from there. */
static void test_many_visitor_lines(void **state)
{
        struct http_header lines[100];
        struct exchange x;
        struct ip ip;

        (void)state;
        make(&x, "GET /", NULL, 200, NULL);
        for (int i = 0; i < 100; i++) {
                lines[i].name = slice_str("X-Forwarded-For");
                lines[i].value = slice_str(i < 97    ? "1.1.1.1"
                                           : i == 97 ? "2.2.2.2"
                                                     : "10.0.0.2");
        }
        x.t.request_headers = (struct http_headers){ lines, 100 };
        assert_true(ip_parse(slice_str("2.2.2.2"), &ip));
        const struct record *r = observe_transaction(observe, &x.t);
        assert_true(ip_equal(&ip, &r->client));
}

static void test_long_texts_are_cut(void **state)
{
        size_t len = 3 * RECORD_TEXT_CAP;
        char *headers = calloc(1, len + 32);
        uint64_t before = counters.records_truncated;

        (void)state;
        memcpy(headers, "User-Agent: ", 12);
        memset(headers + 12, 'x', len);
        const struct record *r = look("GET /", headers, 200, NULL);
        assert_int_equal(r->texts[RECORD_USER_AGENT].len, RECORD_TEXT_CAP);
        assert_int_equal(counters.records_truncated, before + 1);
        headers[12 + RECORD_TEXT_CAP] = '\0';
        r = look("GET /", headers, 200, NULL);
        assert_int_equal(r->texts[RECORD_USER_AGENT].len, RECORD_TEXT_CAP);
        assert_int_equal(counters.records_truncated, before + 1);
        free(headers);
}

/* Nothing of one transaction is left in the next. */
static void test_no_memory(void **state)
{
        struct record *first, *again;

        (void)state;
        const struct record *r = look("GET /in/anna?x", "Host: h\nDNT: 1", 0, NULL);
        first = malloc(r->size);
        memcpy(first, r, r->size);
        look("POST /signup",
             "Host: other\nCookie: sid=a; uid=7\nX-Forwarded-For: 1.1.1.1", 200,
             "Set-Cookie: sid=b");
        r = look("GET /in/anna?x", "Host: h\nDNT: 1", 0, NULL);
        again = malloc(r->size);
        memcpy(again, r, r->size);
        assert_int_equal(first->size, again->size);
        assert_memory_equal(first, again, first->size);
        free(first);
        free(again);
}

static void test_times_out_of_order(void **state)
{
        struct exchange x;

        (void)state;
        make(&x, "GET /", NULL, 200, NULL);
        x.t.response_first_ns = x.t.request_first_ns - 5;
        x.t.response_last_ns = x.t.request_first_ns - 5;
        const struct record *r = observe_transaction(observe, &x.t);
        assert_int_equal(r->duration_ns, 0);
        assert_int_equal(r->latency_ns, 0);
}

/* What a site map makes of a connection whose PROXY header was seen or not. */
static struct record visitor_of(const char *map_text, const struct transaction *t)
{
        struct diag *diag = diag_new();
        struct hash_key key = hash_key_fixed();
        struct site *own = site_parse("site.yaml", slice_str(map_text), diag);

        assert_non_null(own);
        struct observe *o = observe_new(own, &key, &counters);
        struct record r = *observe_transaction(o, t);
        observe_free(&o);
        site_free(&own);
        diag_free(&diag);
        return r;
}

static void assert_visitor(const char *map_text, const struct transaction *t,
                           const char *address, uint16_t port, bool uncertain)
{
        struct record r = visitor_of(map_text, t);
        char text[IP_TEXT_MAX];

        assert_slice(slice_of(text, ip_format(&r.client, text)), address);
        assert_int_equal(r.client_port, port);
        assert_int_equal(!!(r.flags & RECORD_CLIENT_UNCERTAIN), uncertain);
}

static void test_announced_visitors(void **state)
{
        static const char plain[] = "client: { trusted_proxies: [10.0.0.0/8] }\n";
        static const char header[] =
            "client: { trusted_proxies: [10.0.0.0/8], header: X-Forwarded-For }\n";
        static const char both[] = "client: { trusted_proxies: [10.0.0.0/8], "
                                   "header: X-Forwarded-For, proxy_protocol: always }\n";
        struct exchange x;

        (void)state;
        make(&x, "GET /in/anna", "X-Forwarded-For: 203.0.113.9", 200, "");
        assert_visitor(plain, &x.t, "10.0.0.1", 41022, true);
        assert_visitor(header, &x.t, "203.0.113.9", 0, false);
        assert_visitor(both, &x.t, "203.0.113.9", 0, true);

        x.t.is_proxied = x.t.is_announced = true;
        x.t.announced = (struct endpoint){ .port = 4660 };
        assert_true(ip_parse(slice_str("198.51.100.7"), &x.t.announced.ip));
        assert_visitor(plain, &x.t, "198.51.100.7", 4660, false);
        /* A proxy before the proxy: the header goes on from the announced one. */
        assert_visitor(header, &x.t, "198.51.100.7", 4660, false);
        assert_true(ip_parse(slice_str("10.1.1.1"), &x.t.announced.ip));
        assert_visitor(header, &x.t, "203.0.113.9", 0, false);

        assert_visitor(both, &x.t, "203.0.113.9", 0, false);

        x.t.is_announced = false; /* LOCAL: the proxy speaks for itself */
        assert_visitor(plain, &x.t, "10.0.0.1", 41022, true);
}

/* :authority is what Host is in HTTP/1, and comes before it. */
static void test_http2(void **state)
{
        struct http_header lines[] = {
                { SLICE(":authority"), SLICE("me@Example.org:8080") },
                { SLICE("user-agent"), SLICE("curl") },
                { SLICE("host"), SLICE("other.org") },
        };
        struct exchange x;

        (void)state;
        make(&x, "GET /in/anna", "", 0, NULL);
        x.t.version_major = 2;
        x.t.version_minor = 0;
        x.t.request_headers = (struct http_headers){ lines, 3 };
        const struct record *r = observe_transaction(observe, &x.t);
        assert_int_equal(r->version_major, 2);
        assert_text(r, RECORD_HOST, "example.org");
        assert_true(
            ip_parse(slice_str("203.0.113.9"), &x.t.client.ip)); /* no proxy of ours */
        uint64_t without = observe_transaction(observe, &x.t)->http_shape;
        x.t.h2_shape = slice_str("1:65536");
        assert_true(observe_transaction(observe, &x.t)->http_shape != without);
}

/* ---- what is left out for want of time ---- */

/* 203.0.113.`i`, behind the proxy that peers are in these tests. */
static const char *of_visitor(unsigned i)
{
        static char line[64];

        snprintf(line, sizeof(line), "X-Forwarded-For: 203.0.113.%u", i);
        return line;
}

static void test_visitors_are_sampled_behind_a_proxy(void **state)
{
        struct exchange x;
        unsigned kept = 0;

        (void)state;
        counters = (struct counters){ 0 };
        observe_sample(observe, 2);
        for (unsigned i = 0; i < 200; i++) {
                make(&x, "GET /in/anna", of_visitor(i), 200, NULL);
                bool wanted = observe_visitor_wanted(observe, &x.t);
                assert_int_equal(counters.requests_sampled_out, 2 * (i - kept) + !wanted);
                const struct record *r = observe_transaction(observe, &x.t);
                assert_int_equal(r != NULL, wanted);
                if (!r)
                        continue;
                kept++;
                assert_int_equal(r->sample_shift, 2);
                assert_true(observe_rank(observe, &r->client) >= 2);
        }
        assert_in_range(kept, 30, 70);
        observe_sample(observe, 0);
        make(&x, "GET /in/anna", of_visitor(0), 200, NULL);
        assert_int_equal(observe_transaction(observe, &x.t)->sample_shift, 0);
}

/* Who is a trusted proxy is many; who is not is what its address says. */
static void test_ranks(void **state)
{
        struct exchange x;
        struct ip proxy, peer;

        (void)state;
        assert_true(ip_parse(slice_str("10.1.2.3"), &proxy));
        assert_int_equal(observe_rank(observe, &proxy), SAMPLE_ALWAYS);
        observe_sample(observe, 1);
        for (unsigned i = 0; i < 100; i++) {
                char text[32];
                snprintf(text, sizeof(text), "198.51.100.%u", i);
                assert_true(ip_parse(slice_str(text), &peer));
                /* What a visitor says of others is not believed. */
                make(&x, "GET /in/anna", of_visitor(i), 200, NULL);
                x.t.client.ip = peer;
                assert_int_equal(observe_visitor_wanted(observe, &x.t),
                                 observe_rank(observe, &peer) >= 1);
                /* A PROXY header's client is. */
                x.t.client.ip = proxy;
                x.t.is_announced = true;
                x.t.announced.ip = peer;
                assert_int_equal(observe_visitor_wanted(observe, &x.t),
                                 observe_rank(observe, &peer) >= 1);
        }
        observe_sample(observe, 0);
}

static void test_bodies_and_shapes_are_left_out(void **state)
{
        static const char form[] = "Content-Type: application/x-www-form-urlencoded";
        struct exchange x;

        (void)state;
        counters = (struct counters){ 0 };
        observe_forms(observe, 1000, NULL);
        make(&x, "PUT /join", form, 201, NULL);
        assert_int_equal(observe_body_wanted(observe, &x.t, BODY_OF_REQUEST), 1000);
        assert_true(look("GET /in/anna", "Accept: x", 200, NULL)->http_shape != 0);
        uint64_t software = look("GET /signup", "Accept: x", 200, NULL)->software;
        observe_reduce(observe, true);
        assert_int_equal(observe_body_wanted(observe, &x.t, BODY_OF_REQUEST), 0);
        assert_int_equal(counters.bodies_skipped, 1);
        assert_int_equal(counters.shapes_skipped, 0);
        assert_true(look("GET /in/anna", "Accept: x", 200, NULL)->http_shape == 0);
        assert_int_equal(counters.shapes_skipped, 1);
        /* Or it would seem that somebody else was served the form. */
        assert_true(software != 0);
        assert_true(look("GET /signup", "Accept: x", 200, NULL)->software == software);
        assert_true(look("PUT /join", form, 201, NULL)->flags & RECORD_SIGNUP_ACCEPTED);
        assert_int_equal(counters.body_bytes_skipped, 412);
        observe_reduce(observe, false);
        assert_true(look("GET /in/anna", "Accept: x", 200, NULL)->http_shape != 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_announced_visitors),
                cmocka_unit_test(test_user_agents),
                cmocka_unit_test(test_connection),
                cmocka_unit_test(test_http2),
                cmocka_unit_test(test_everything),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_target_numbers),
                cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_same_site),
                cmocka_unit_test(test_sessions),
                cmocka_unit_test(test_changes_of_sessions_alone),
                cmocka_unit_test(test_accounts),
                cmocka_unit_test(test_signup_accepted),
                cmocka_unit_test(test_visitor_lines_and_counter),
                cmocka_unit_test(test_many_visitor_lines),
                cmocka_unit_test(test_long_texts_are_cut),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_times_out_of_order),
                cmocka_unit_test(test_visitors_are_sampled_behind_a_proxy),
                cmocka_unit_test(test_ranks),
                cmocka_unit_test(test_bodies_and_shapes_are_left_out),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
