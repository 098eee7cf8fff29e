/* SPDX-License-Identifier: MIT */
#include "observe/record_check.h"

#include "base/clock.h"
#include "base/sample.h"
#include "observe/observe.h"
#include "observe/record_build.h"
#include "unit/unit.h"

#include <stdlib.h>

#define NOW (INT64_C(1795431600) * NS_PER_SEC)

static const char map[] =
    "client: { trusted_proxies: [10.0.0.0/8], header: X-Forwarded-For,\n"
    "          prefix: { ipv4: 16, ipv6: 48 } }\n"
    "session: { cookie: sid }\n"
    "pages:\n"
    "  - { name: profile, path: \"/in/{target}\" }\n"
    "  - { name: signup_form, method: GET, path: /signup }\n"
    "  - { name: signup, method: POST, path: /signup,\n"
    "      form: { email: email, name: name, phone: phone } }\n";

static uint64_t block[RECORD_SIZE_MAX / 8];
static struct record *const record = (struct record *)block;
static struct site *site;
static struct record_limits limits;

static int set_up(void **state)
{
        struct diag *diag = diag_new();

        (void)state;
        site = site_parse("site.yaml", slice_str(map), diag);
        assert_non_null(site);
        diag_free(&diag);
        assert_int_equal(site_want_header(site, slice_str("DNT")), 0);
        limits = record_limits_of(site, NOW + NS_PER_SEC);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        site_free(&site);
        return 0;
}

static void set_client(const char *text)
{
        assert_true(ip_parse(slice_str(text), &record->client));
        bool v4 = ip_is_v4(&record->client);
        record->client_host = network_of(&record->client, v4 ? 128 : 64);
        record->client_prefix = network_of(&record->client, v4 ? 112 : 48);
}

/* A record with one text of each kind, and nothing wrong with it. */
static size_t make(void)
{
        struct record_builder b = { record, 0, false };

        record_begin(&b);
        record->start_ns = NOW - 5 * NS_PER_MS;
        record->end_ns = NOW;
        record->duration_ns = 5 * NS_PER_MS;
        record->latency_ns = 0;
        set_client("203.0.113.9");
        record->page = 1;
        record->status = 200;
        record->version_major = record->version_minor = 1;
        record->header_count = 1;
        record->tcp_shape = tcp_shape_of(slice_of("\2\4\5\xb4\1\3\3\7", 8), 64240, 60);
        for (unsigned i = 0; i < RECORD_TEXTS; i++)
                record_put(&b, i, slice_str("text"));
        record_put_header(&b, 0, slice_str(""));
        record_end(&b);
        return record->size;
}

static void assert_fault(const char *expected)
{
        const char *fault = record_fault(record, record->size, &limits);

        if (!fault || strcmp(fault, expected) != 0)
                fail_msg("the fault is %s, not %s", fault ? fault : "none", expected);
        assert_false(record_is_sound(record, record->size, &limits));
}

static void assert_sound(void)
{
        const char *fault = record_fault(record, record->size, &limits);

        if (fault)
                fail_msg("a fault: %s", fault);
        assert_true(record_is_sound(record, record->size, &limits));
}

/* Sets a field of a sound record to a value, and says what comes of it. */
#define WITH(field, value, expected)            \
        do {                                    \
                make();                         \
                record->field = (value);        \
                if (expected)                   \
                        assert_fault(expected); \
                else                            \
                        assert_sound();         \
        } while (0)
#define SOUND ((const char *)NULL)

static void test_sizes(void **state)
{
        size_t size = make();

        (void)state;
        assert_sound();
        assert_string_equal(record_fault(record, size - 8, &limits), "size");
        assert_string_equal(record_fault(record, size + 8, &limits), "size");
        assert_string_equal(record_fault(record, 0, &limits), "size");
        assert_string_equal(record_fault(record, sizeof(*record) - 8, &limits), "size");
        WITH(size, sizeof(*record) - 8, "size");
        WITH(size, (uint32_t)(size + 4), "size");
        WITH(size, RECORD_SIZE_MAX + 8, "size");
        WITH(size, RECORD_SIZE_MAX, SOUND);
        WITH(size, UINT32_MAX, "size");
        /* Not even the size is read of what is too short to have one. */
        void *nothing = malloc(1);
        assert_string_equal(record_fault(nothing, 1, &limits), "size");
        free(nothing);
}

static void test_numbers(void **state)
{
        (void)state;
        WITH(flags, RECORD_ALL_FLAGS, SOUND);
        WITH(flags, RECORD_ALL_FLAGS + 1, "flags");
        WITH(flags, UINT32_C(1) << 31, "flags");
        WITH(page, 0, SOUND);
        WITH(page, (uint16_t)(limits.pages - 1), SOUND);
        WITH(page, (uint16_t)limits.pages, "page");
        WITH(page, UINT16_MAX, "page");
        WITH(sample_shift, SAMPLE_SHIFT_MAX, SOUND);
        WITH(sample_shift, SAMPLE_SHIFT_MAX + 1, "sample_shift");
        WITH(sample_shift, UINT8_MAX, "sample_shift");
        WITH(status, 0, SOUND);
        WITH(status, 999, SOUND);
        WITH(status, 1000, "status");
        WITH(version_minor, 9, SOUND);
        WITH(version_minor, 10, "version");
        WITH(version_major, 0, "version");
        WITH(version_major, 3, "version");
        WITH(version_major, 2, "version"); /* 2.1 */
        make();
        record->version_major = 2;
        record->version_minor = 0;
        assert_sound();
}

/* What any value does. */
static void test_numbers_without_limits(void **state)
{
        (void)state;
        make();
        record->request_bytes = record->response_bytes = UINT64_MAX;
        record->target_number = record->http_shape = record->software = UINT64_MAX;
        record->request_kind = record->connection_request = UINT32_MAX;
        record->cookies = UINT16_MAX;
        record->peer_port = record->server_port = record->client_port = UINT16_MAX;
        memset(&record->peer, 0xff, sizeof(record->peer));
        memset(&record->server, 0, sizeof(record->server));
        assert_sound();
}

static void test_times(void **state)
{
        (void)state;
        WITH(end_ns, limits.newest_ns, SOUND);
        WITH(end_ns, limits.newest_ns + 1, "times");
        WITH(end_ns, -1, "times");
        WITH(end_ns, INT64_MIN, "times");
        WITH(end_ns, INT64_MAX, "times");
        WITH(start_ns, limits.newest_ns, SOUND); /* stamped out of order */
        WITH(start_ns, limits.newest_ns + 1, "times");
        WITH(start_ns, 0, SOUND);
        WITH(start_ns, -1, "times");
        WITH(start_ns, INT64_MAX, "times");
        WITH(duration_ns, -1, SOUND);
        WITH(duration_ns, -2, "times");
        WITH(duration_ns, RECORD_TIME_MAX, SOUND);
        WITH(duration_ns, INT64_MAX, "times");
        WITH(latency_ns, -1, SOUND);
        WITH(latency_ns, -2, "times");
        WITH(latency_ns, INT64_MIN, "times");
        WITH(latency_ns, RECORD_TIME_MAX + 1, "times");
        /* The engine has its own bound, whatever the caller takes for the newest. */
        struct record_limits before = limits;
        limits.newest_ns = INT64_MAX;
        WITH(end_ns, RECORD_TIME_MAX, SOUND);
        WITH(end_ns, RECORD_TIME_MAX + 1, "times");
        limits = before;
}

static void test_networks(void **state)
{
        (void)state;
        WITH(client_host.bits, 64, "networks");
        WITH(client_host.bits, 255, "networks");
        WITH(client_host.ip.bytes[15], 8, "networks");
        WITH(client_prefix.bits, 111, "networks");
        WITH(client_prefix.bits, 0, "networks");
        WITH(client_prefix.bits, 129, "networks");
        WITH(client_prefix.bits, 255, "networks");
        WITH(client_prefix.ip.bytes[15], 1, "networks"); /* a bit behind the prefix */
        WITH(client.bytes[12], 204, "networks");         /* of another visitor */
        make();
        set_client("2001:db8:1:2::7");
        assert_sound();
        record->client_host.bits = 128;
        assert_fault("networks");
        make();
        set_client("2001:db8:1:2::7");
        record->client_prefix.bits = 112; /* that of the other family */
        assert_fault("networks");
}

static void test_tcp_shapes(void **state)
{
        (void)state;
        WITH(tcp_shape, ((struct tcp_shape){ 0 }), SOUND);
        WITH(tcp_shape.count, 17, "tcp_shape");
        WITH(tcp_shape.count, 63, "tcp_shape");
        WITH(tcp_shape.hops, 65, "tcp_shape");
}

static void test_texts(void **state)
{
        (void)state;
        for (unsigned i = 0; i < RECORD_TEXTS; i++) {
                size_t size = make();
                uint32_t end = (uint32_t)size;
                WITH(texts[i].offset, 0, "texts"); /* none, with a length */
                WITH(texts[i], ((struct record_span){ 0, 0 }), SOUND);
                WITH(texts[i].offset, 1, "texts");
                WITH(texts[i].offset, sizeof(struct record) - 1, "texts");
                WITH(texts[i].offset, sizeof(struct record), SOUND);
                WITH(texts[i].offset, end - 4, SOUND);
                WITH(texts[i].offset, end - 3, "texts");
                WITH(texts[i].offset, UINT32_MAX, "texts");
                WITH(texts[i].offset, UINT32_MAX - 3, "texts"); /* the end wraps */
                WITH(texts[i].len, UINT32_MAX, "texts");
                WITH(texts[i], ((struct record_span){ end, 0 }), SOUND);
                WITH(texts[i], ((struct record_span){ end + 1, 0 }), "texts");
                WITH(texts[i], ((struct record_span){ 64, UINT32_MAX - 63 }), "texts");
        }
}

static void test_headers(void **state)
{
        uint32_t end = (uint32_t)make();

        (void)state;
        WITH(header_count, RECORD_HEADERS, SOUND);
        WITH(header_count, RECORD_HEADERS + 1, "headers");
        WITH(header_count, UINT8_MAX, "headers");
        for (unsigned i = 0; i < RECORD_HEADERS; i++) {
                WITH(headers[i], ((struct record_span){ end - 1, 1 }), SOUND);
                WITH(headers[i], ((struct record_span){ end - 1, 2 }), "headers");
                WITH(headers[i], ((struct record_span){ 0, 1 }), "headers");
                WITH(headers[i], ((struct record_span){ 8, 1 }), "headers");
        }
}

/* Each text as long as it can come out of observe, and one byte longer. */
static void test_lengths_of_texts(void **state)
{
        static const struct {
                enum record_text which;
                uint32_t cap;
        } rows[] = {
                { RECORD_METHOD, 4096 },         { RECORD_USER_AGENT, 4096 },
                { RECORD_SESSION, 4096 },        { RECORD_UA_FAMILY, 64 },
                { RECORD_UA_VERSION, 4096 },     { RECORD_EMAIL_DOMAIN, 253 },
                { RECORD_EMAIL_CANONICAL, 318 }, { RECORD_EMAIL_SKELETON, 128 },
                { RECORD_NAME_SKELETON, 256 },   { RECORD_PHONE_PREFIX, 6 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                for (uint32_t more = 0; more < 2; more++) {
                        make();
                        record->size = RECORD_SIZE_MAX;
                        record->texts[rows[i].which].len = rows[i].cap + more;
                        if (more)
                                assert_fault("texts");
                        else
                                assert_sound();
                }
        make();
        record->size = RECORD_SIZE_MAX;
        record->headers[0].len = 4096;
        assert_sound();
        record->headers[0].len = 4097;
        assert_fault("headers");
}

static void test_unanswered(void **state)
{
        struct unanswered u = { .begin_ns = NOW };

        (void)state;
        assert_true(unanswered_is_sound(&u, sizeof(u), NOW));
        assert_false(unanswered_is_sound(&u, sizeof(u) - 1, NOW));
        assert_false(unanswered_is_sound(&u, sizeof(u) + 8, NOW));
        assert_false(unanswered_is_sound(&u, sizeof(u), NOW - 1));
        u.begin_ns = -1;
        assert_false(unanswered_is_sound(&u, sizeof(u), NOW));
        u.begin_ns = RECORD_TIME_MAX + 1;
        assert_false(unanswered_is_sound(&u, sizeof(u), INT64_MAX));
}

/* ---- what observe makes ---- */

static struct counters counters;

static void fill(char *text, size_t size, char with)
{
        memset(text, with, size - 1);
        text[size - 1] = '\0';
}

static const struct record *observe_one(struct observe *o, const char *method,
                                        struct slice target, struct slice header,
                                        const char *body)
{
        static char longest[70000];
        fill(longest, sizeof(longest), 'x');
        struct http_header request[] = {
                { slice_of("cookie", 6), slice_of("sid=a", 5) },
                { slice_of("x-forwarded-for", 15), header },
                { slice_of("user-agent", 10), slice_str(longest) },
                { slice_of("referer", 7), slice_str(longest) },
                { slice_of("dnt", 3), slice_str(longest) },
                { slice_of("host", 4), slice_str(longest) },
                { slice_of("content-type", 12),
                  slice_of("application/x-www-form-urlencoded", 33) },
        };
        struct http_header response[] = {
                { slice_of("set-cookie", 10), slice_of("sid=b", 5) },
        };
        struct transaction t = { .method = slice_str(method),
                                 .target = target,
                                 .version_major = 1,
                                 .version_minor = 1,
                                 .request_first_ns = NOW,
                                 .request_last_ns = NOW - 7, /* out of order */
                                 .request_bytes = UINT64_MAX,
                                 .request_body = slice_str(body),
                                 .request_headers = { request, 7 },
                                 .response_headers = { response, 1 },
                                 .response_first_ns = NOW - 8,
                                 .response_last_ns = NOW - 9,
                                 .response_bytes = UINT64_MAX,
                                 .response_complete = true,
                                 .unanswered = true,
                                 .pipelined = true,
                                 .status = 999 };

        assert_true(ip_parse(slice_str("10.0.0.1"), &t.client.ip));
        return observe_transaction(o, &t);
}

/* Every field as long as it may be, and what of it the record holds is sound. */
static void test_what_observe_makes_is_sound(void **state)
{
        static const char *const clients[] = { "203.0.113.9", "2001:db8::7", "?", "" };
        static char target[9000] = "/in/";
        struct hash_key key = hash_key_fixed();
        struct observe *o = observe_new(site, &key, &counters);
        struct buf body = { 0 };

        (void)state;
        memset(target + 4, '7', sizeof(target) - 5);
        buf_put_str(&body, "email=");
        for (int i = 0; i < 64; i++)
                buf_put_byte(&body, (uint8_t)('a' + i % 26));
        buf_put_str(&body, "%40");
        for (int i = 0; i < 249; i++)
                buf_put_byte(&body, i % 62 == 61 ? '.' : 'd');
        buf_put_str(&body, ".com&phone=%2B49123456789&name=");
        for (int i = 0; i < 400; i++)
                buf_put_byte(&body, (uint8_t)('a' + i % 26));
        buf_put_byte(&body, 0);
        observe_forms(o, 65536, NULL);
        for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++)
                for (int sign_up = 0; sign_up < 2; sign_up++) {
                        const struct record *r =
                            observe_one(o, sign_up ? "POST" : "GET",
                                        slice_str(sign_up ? "/signup" : target),
                                        slice_str(clients[i]), (const char *)body.data);
                        assert_non_null(r);
                        const char *fault = record_fault(r, r->size, &limits);
                        if (fault)
                                fail_msg("%s", fault);
                        assert_int_equal(record_text(r, RECORD_USER_AGENT).len, 4096);
                        assert_int_equal(record_text(r, RECORD_EMAIL_DOMAIN).len,
                                         sign_up ? 253 : 0);
                        assert_int_equal(record_text(r, RECORD_NAME_SKELETON).len > 0,
                                         sign_up);
                }
        buf_free(&body);
        observe_free(&o);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_numbers_without_limits),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_networks),
                cmocka_unit_test(test_tcp_shapes),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_lengths_of_texts),
                cmocka_unit_test(test_unanswered),
                cmocka_unit_test(test_what_observe_makes_is_sound),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
