/* SPDX-License-Identifier: MIT */
#include "observe/shape.h"

#include "unit/unit.h"

static struct headers table;

/* The shape of a request with these lines. */
static uint64_t shape_of(bool proxy, const char *method, const char *lines)
{
        struct slice slots[HEADER_SLOTS_FIXED] = { { 0 } }, rest = slice_str(lines), line;
        struct hash_key key = hash_key_fixed();
        struct shape shape;

        headers_init(&table);
        shape_begin(&shape, proxy);
        while (slice_next(&rest, '\n', &line)) {
                size_t colon = slice_find(line, ':');
                struct slice name = slice_first(line, colon);
                struct slice value = slice_trim(slice_from(line, colon + 1));
                const struct header_kind *kind = headers_find(&table, name);
                if (kind && kind->slot != HEADER_SLOT_NONE)
                        slots[kind->slot] = value;
                shape_line(&shape, kind, name, value);
        }
        return shape_end(&shape, &key, slice_str(method), slots);
}

static uint64_t h2_shape_of(bool proxy, const char *connection, uint32_t order)
{
        struct slice slots[HEADER_SLOTS_FIXED] = { { 0 } };
        struct hash_key key = hash_key_fixed();
        struct shape shape;

        shape_begin(&shape, proxy);
        shape_http2(&shape, slice_str(connection), order);
        return shape_end(&shape, &key, slice_str("GET"), slots);
}

static void test_http2(void **state)
{
        uint64_t one = h2_shape_of(false, "1:65536 w100", 0x1234);

        (void)state;
        assert_true(one == h2_shape_of(false, "1:65536 w100", 0x1234));
        assert_true(one != h2_shape_of(false, "1:65536 w101", 0x1234));
        assert_true(one != h2_shape_of(false, "1:65536 w100", 0x1243));
        assert_true(one != h2_shape_of(false, "1:65536 w100", 0x81234));
        assert_true(one != h2_shape_of(false, NULL, 0x1234));
        assert_true(h2_shape_of(false, "", 0) != h2_shape_of(false, NULL, 0));
        /* Behind a proxy it is the proxy's. */
        assert_true(h2_shape_of(true, "1:65536 w100", 0x1234) ==
                    h2_shape_of(true, NULL, 0));
}

struct pair {
        bool proxy, same;
        const char *left, *right;
};

static void check(const struct pair *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                uint64_t left = shape_of(rows[i].proxy, "GET", rows[i].left);
                uint64_t right = shape_of(rows[i].proxy, "GET", rows[i].right);
                if ((left == right) != rows[i].same)
                        fail_msg("row %zu: %s", i, rows[i].left);
                assert_true(left && right);
        }
}

static void test_what_counts(void **state)
{
        static const struct pair rows[] = {
                /* Order and names. */
                { false, false, "A: 1\nB: 1", "B: 1\nA: 1" },
                { true, false, "A: 1\nB: 1", "B: 1\nA: 1" },
                { false, false, "A: 1\nB: 1", "A: 1" },
                { false, false, "AB: 1", "A: 1\nB: 1" },
                { false, true, "A: 1", "A: 2" },
                /* Case, but for proxies, which may change it. */
                { false, false, "Accept: x", "accept: x" },
                { true, true, "Accept: x", "accept: x" },
                { false, false, "X-Own-Header: x", "x-own-header: x" },
                { true, true, "X-Own-Header: x", "x-own-header: x" },
                /* Values that clients rarely vary. */
                { true, false, "Accept-Encoding: gzip", "Accept-Encoding: br" },
                { true, false, "TE: trailers", "TE: gzip" },
                { true, false, "Upgrade-Insecure-Requests: 1",
                  "Upgrade-Insecure-Requests: 0" },
                { true, true, "User-Agent: a", "User-Agent: b" },
                { true, true, "Accept-Language: de", "Accept-Language: en" },
                { true, false, "Accept: text/html", "Accept: text/html,*/*" },
                { true, true, "Accept: image/png", "Accept: image/webp" },
                /* A proxy's own. */
                { false, false, "Host: a\nA: 1", "A: 1" },
                { true, true, "Host: a\nConnection: close\nUpgrade: h2c\nA: 1", "A: 1" },
                { false, false, "Connection: close\nA: 1", "A: 1" },
        };

        (void)state;
        check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Each of them beside a request without it, on both sides of a proxy. */
static void test_what_is_left_out(void **state)
{
        static const char *const names[] = {
                "Forwarded",       "Via",
                "X-Forwarded-For", "X-Forwarded-Whatever",
                "X-Real-IP",       "X-Request-Id",
                "Traceparent",     "Cookie",
                "Referer",         "Origin",
                "Authorization",   "Content-Type",
                "Content-Length",  "Content-Extra",
                "If-None-Match",   "If-Anything",
                "Range",           "Cache-Control",
                "CACHE-CONTROL",   "x-forwarded-port",
        };
        char lines[128];

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                for (int proxy = 0; proxy < 2; proxy++) {
                        strcpy(lines, "A: 1\n");
                        strcat(strcat(lines, names[i]), ": x\nB: 1");
                        if (shape_of(proxy, "GET", lines) !=
                            shape_of(proxy, "GET", "A: 1\nB: 1"))
                                fail_msg("%s", names[i]);
                }
}

/* Each kind of request has shapes of its own. Lines that differ are left out ones. */
static void test_kinds(void **state)
{
        uint64_t form =
            shape_of(true, "POST", "Content-Type: application/x-www-form-urlencoded");
        uint64_t multipart =
            shape_of(true, "POST", "Content-Type: multipart/form-data; b=x");
        uint64_t json = shape_of(true, "POST", "Content-Type: application/json");
        uint64_t got =
            shape_of(true, "GET", "Content-Type: application/x-www-form-urlencoded");
        uint64_t html = shape_of(true, "GET", "Accept: text/html");
        uint64_t image = shape_of(true, "GET", "Accept: image/png");
        uint64_t fetch = shape_of(true, "GET", "Accept: application/json");
        uint64_t any = shape_of(true, "GET", "Accept: */*");
        uint64_t mode = shape_of(true, "GET", "Accept: */*\nSec-Fetch-Mode: cors");
        uint64_t other = shape_of(true, "GET", "Accept: */*\nSec-Fetch-Mode: no-cors");

        (void)state;
        assert_int_equal(form, multipart);
        assert_int_not_equal(form, json);
        assert_int_equal(json, got);
        assert_int_not_equal(html, image);
        assert_int_not_equal(fetch, image);
        assert_int_not_equal(fetch, html);
        assert_int_equal(image, any);
        assert_int_not_equal(mode, other);
}

/* The text is capped, and the kind still counts behind it. */
static void test_bounded(void **state)
{
        static char lines[40000];
        uint64_t form, other;

        (void)state;
        for (int i = 0; i < 500; i++)
                strcat(lines,
                       "A-Header-With-A-Name-That-Is-Longer-Than-All-Those-People-Have"
                       "-Ever-Seen: x\n");
        strcat(lines, "Content-Type: multipart/form-data");
        form = shape_of(true, "POST", lines);
        other = shape_of(true, "GET", lines);
        assert_int_not_equal(form, other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_counts),      cmocka_unit_test(test_http2),
                cmocka_unit_test(test_what_is_left_out), cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
