/* SPDX-License-Identifier: MIT */
#include "observe/record.h"

#include "base/clock.h"
#include "observe/record_build.h"
#include "unit/unit.h"

#include <stdlib.h>

static uint64_t block[RECORD_SIZE_MAX / 8];
static struct record_builder builder = { (struct record *)block, 0, false };

static size_t reverse(void *context, const char *type, struct slice raw, char out[256])
{
        size_t len = strlen(type);

        assert_ptr_equal(context, &builder);
        memcpy(out, type, len);
        out[len++] = '-';
        for (size_t i = raw.len; i > 0; i--)
                out[len++] = (char)raw.data[i - 1];
        return len;
}

static void assert_printed(pseudonym_fn *pseudonym, const char *page,
                           const char *expected)
{
        struct buf out = { 0 };

        record_print(builder.record, page, pseudonym, &builder, slice_none(), &out);
        buf_put_byte(&out, '\0');
        assert_string_equal((char *)out.data, expected);
        buf_free(&out);
}

static struct record *begin(void)
{
        record_begin(&builder);
        struct record *r = builder.record;
        assert_true(ip_parse(slice_str("203.0.113.9"), &r->peer));
        assert_true(ip_parse(slice_str("10.0.0.5"), &r->server));
        assert_true(ip_parse(slice_str("2001:db8::7"), &r->client));
        r->peer_port = 41022;
        r->server_port = 8080;
        r->version_minor = 1;
        r->end_ns = 1795431600 * NS_PER_SEC + 123456789;
        r->duration_ns = -1;
        record_put(&builder, RECORD_METHOD, slice_str("GET"));
        return r;
}

/* The keys and their order are a contract. */
static void test_all_keys(void **state)
{
        struct record *r = begin();

        (void)state;
        r->request_bytes = 412;
        r->status = 200;
        r->response_bytes = 18231;
        r->duration_ns = 1834000;
        r->http_shape = 0x00ab;
        r->flags = RECORD_CLIENT_UNCERTAIN;
        record_put(&builder, RECORD_DOMAIN, slice_str("Example.org"));
        record_put(&builder, RECORD_HOST, slice_str("example.org"));
        record_put(&builder, RECORD_RAW_PATH, slice_str("/in//anna"));
        record_put(&builder, RECORD_PATH, slice_str("/in/anna"));
        record_put(&builder, RECORD_QUERY, slice_str("x=\"\xff"));
        record_put(&builder, RECORD_TARGET, slice_str("anna"));
        record_put(&builder, RECORD_SESSION, slice_str("abc"));
        record_put(&builder, RECORD_SESSION_WAS, slice_str("old"));
        record_put(&builder, RECORD_ACCOUNT, slice_str("12"));
        record_put(&builder, RECORD_USER_AGENT, slice_str("curl"));
        record_put(&builder, RECORD_REFERER, slice_str("http://r/"));
        record_end(&builder);
        assert_printed(
            reverse, "profile",
            "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\",\"source\":{\"ip\":\"203.0."
            "113.9\","
            "\"port\":41022},\"destination\":{\"ip\":\"10.0.0.5\",\"port\":8080},"
            "\"client\":{\"ip\":\"2001:db8::7\"},\"http\":{\"version\":\"1.1\","
            "\"request\":{"
            "\"method\":\"GET\",\"bytes\":412,\"referrer\":\"http://r/\"},\"response\":{"
            "\"status_code\":200,\"bytes\":18231}},\"url\":{\"domain\":\"Example.org\","
            "\"path\":\"/in//anna\",\"query\":\"x=\\\"\xef\xbf\xbd\"},\"user_agent\":{"
            "\"original\":\"curl\"},\"event\":{\"duration\":1834000},\"trawlwatch\":{"
            "\"page\":\"profile\",\"target\":\"anna\",\"session\":\"session-cba\","
            "\"account\":\"account-21\",\"http_shape\":\"00000000000000ab\","
            "\"client_uncertain\":true}}\n");
}

/* A missing value has no key; an empty one has. */
static void test_missing(void **state)
{
        struct record *r = begin();

        (void)state;
        r->version_minor = 0;
        record_put(&builder, RECORD_QUERY, slice_str(""));
        record_end(&builder);
        assert_printed(
            NULL, "other",
            "{\"@timestamp\":\"2026-11-23T11:00:00.123456Z\",\"source\":{\"ip\":\"203.0."
            "113.9\","
            "\"port\":41022},\"destination\":{\"ip\":\"10.0.0.5\",\"port\":8080},"
            "\"client\":{\"ip\":\"2001:db8::7\"},\"http\":{\"version\":\"1.0\","
            "\"request\":{"
            "\"method\":\"GET\",\"bytes\":0}},\"url\":{\"query\":\"\"},\"trawlwatch\":{"
            "\"page\":\"other\"}}\n");
}

static void test_http2(void **state)
{
        struct record *r = begin();

        (void)state;
        r->version_major = 2;
        r->version_minor = 0;
        record_end(&builder);
        struct buf out = { 0 };
        record_print(r, "other", NULL, NULL, slice_none(), &out);
        assert_non_null(memmem(out.data, out.len, "\"http\":{\"version\":\"2\",", 21));
        buf_free(&out);
}

static void test_texts_of_all_lengths(void **state)
{
        uint8_t text[200];

        (void)state;
        for (int i = 0; i < 200; i++)
                text[i] = (uint8_t)(i + 1);
        for (size_t len = 0; len <= sizeof(text); len++) {
                /* Exactly as long: one byte too many is seen by a sanitizer. */
                uint8_t *copy = malloc(len ? len : 1);
                memcpy(copy, text, len);
                struct record *r = begin();
                record_put(&builder, RECORD_PATH, slice_of(copy, len));
                record_put(&builder, RECORD_QUERY, slice_str("q"));
                record_end(&builder);
                free(copy);
                assert_int_equal(record_text(r, RECORD_PATH).len, len);
                assert_memory_equal(record_text(r, RECORD_PATH).data, text, len);
                assert_slice(record_text(r, RECORD_QUERY), "q");
                assert_int_equal(r->size % 8, 0);
                assert_false(builder.cut);
        }
}

/* All texts and headers at their cap do not fit: what comes last is cut. */
static void test_full(void **state)
{
        static uint8_t text[RECORD_TEXT_CAP + 1];
        struct record *r = begin();

        (void)state;
        /* What a form says is short by itself. */
        for (int i = 0; i < RECORD_TEXTS; i++)
                record_put(
                    &builder, (enum record_text)i,
                    slice_of(text, i < RECORD_EMAIL_DOMAIN ? RECORD_TEXT_CAP : 320));
        assert_false(builder.cut);
        for (unsigned i = 0; i < RECORD_HEADERS; i++)
                record_put_header(&builder, i, slice_of(text, sizeof(text)));
        record_end(&builder);
        assert_true(builder.cut);
        assert_int_equal(r->size, RECORD_SIZE_MAX);
        assert_int_equal(r->headers[0].len, RECORD_TEXT_CAP);
        assert_int_equal(r->headers[RECORD_HEADERS - 1].len, 0);
        for (unsigned i = 0; i < RECORD_HEADERS; i++)
                assert_true(r->headers[i].offset + r->headers[i].len <= r->size);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_http2),
                cmocka_unit_test(test_all_keys),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_texts_of_all_lengths),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
