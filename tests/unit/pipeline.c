/* SPDX-License-Identifier: MIT */
/*
 * Frames into the whole pipeline: each strange one moves its own counter, and a
 * good one comes out as a request.
 */
#include "unit/unit.h"

#include "app/pipeline.h"
#include "base/clock.h"

#include <stdio.h>

#define MACS "02000000000102000000000a"
#define TCP                                    \
        "1f90c0de000003e8000007d0501800000000" \
        "0000"

struct world {
        struct setup setup;
        struct counters counters;
        struct buf requests;
        struct pipeline *pipeline;
        int64_t now_ns;
};

static size_t no_pseudonym(void *context, const char *type, struct slice raw,
                           char out[256])
{
        (void)context, (void)type, (void)raw, (void)out;
        return 0;
}

static void on_incident(void *context, const struct incident *incident)
{
        (void)context, (void)incident;
}

static void begin_with(struct world *w, bool verify, const char *tunnel_source)
{
        struct check_request request = { .site = "../rules/sites/profile-network.yaml" };
        struct buf messages = { 0 };

        *w = (struct world){ .now_ns = INT64_C(1795431600) * NS_PER_SEC };
        check_add_rules(&request, "none");
        assert_true(check_load(&request, &w->setup, &messages));
        w->setup.config.capture.checksums = verify ? CHECKSUMS_VERIFY : CHECKSUMS_IGNORE;
        text_list_clear(&w->setup.config.capture.tunnel_sources);
        text_list_add(&w->setup.config.capture.tunnel_sources, tunnel_source);
        struct pipeline_options options = {
                .setup = &w->setup,
                .flow_key = hash_key_fixed(),
                .engine_key = hash_key_fixed(),
                .pseudonym = no_pseudonym,
                .incident = on_incident,
                .requests = &w->requests,
                .counters = &w->counters,
        };
        w->pipeline = pipeline_new(&options);
        assert_non_null(w->pipeline);
        buf_free(&messages);
        check_request_free(&request);
}

static void begin(struct world *w, bool verify)
{
        begin_with(w, verify, "any");
}

static void end(struct world *w)
{
        pipeline_free(&w->pipeline);
        check_free(&w->setup);
        buf_free(&w->requests);
}

/* `cut`: bytes that the snapshot length took off the end. */
static void feed(struct world *w, const char *hex, size_t cut)
{
        uint8_t bytes[1024];
        size_t len = 0;

        for (; hex[0] && hex[1]; hex += 2) {
                unsigned value;
                assert_int_equal(sscanf(hex, "%2x", &value), 1);
                bytes[len++] = (uint8_t)value;
        }
        struct capture_frame frame = { w->now_ns, slice_of(bytes, len - cut),
                                       (uint32_t)len, 1 };
        w->now_ns += NS_PER_MS;
        pipeline_frame(w->pipeline, &frame);
}

static void test_each_strange_frame_has_its_counter(void **state)
{
        struct world w;
        struct counters *c = &w.counters;
        char deep[512] = MACS "8100";

        (void)state;
        begin(&w, true);
        feed(&w,
             MACS "0806"
                  "0001080006040001",
             0);
        assert_int_equal(c->frames_not_ip, 1);
        feed(&w,
             MACS "0800"
                  "4500001400004000400100000a000001c0000201",
             0);
        assert_int_equal(c->frames_not_tcp, 1);
        feed(&w,
             MACS "0800"
                  "4500002800002000400600000a000001c0000201" TCP,
             0);
        assert_int_equal(c->fragments, 1);
        feed(&w,
             MACS "0800"
                  "4500002800004000400600000a000001c0000201" TCP,
             5);
        assert_int_equal(c->frames_truncated, 1);
        feed(&w,
             MACS "0800"
                  "4400002800004000400600000a000001c0000201" TCP,
             0);
        assert_int_equal(c->frames_malformed, 1);
        for (int i = 0; i < 30; i++)
                strcat(deep, "00018100");
        feed(&w, deep, 0);
        assert_int_equal(c->frames_too_deep, 1);
        feed(&w,
             MACS "0800"
                  "4500002800004000400600000a000001c0000201" TCP,
             0);
        assert_int_equal(c->checksum_errors, 1);
        assert_int_equal(c->packets, 7);
        assert_int_equal(c->segments, 0);
        end(&w);
}

static void test_a_request_comes_out(void **state)
{
        struct world w;
        char hex[512] = MACS "0800"
                             "4500003a00004000400600000a000001c0000201" TCP;

        (void)state;
        begin(&w, false);
        for (const char *c = "GET / HTTP/1.1\r\n\r\n"; *c; c++)
                sprintf(hex + strlen(hex), "%02x", *c);
        feed(&w, hex, 0);
        assert_int_equal(w.counters.segments, 1);
        /* A mirror's copy brings nothing new, nor does a retransmission later. */
        feed(&w, hex, 0);
        assert_int_equal(w.counters.packets_duplicated, 1);
        w.now_ns += NS_PER_SEC;
        feed(&w, hex, 0);
        assert_int_equal(w.counters.packets_duplicated, 1);
        assert_int_equal(w.counters.segments_retransmitted, 1);
        pipeline_finish(w.pipeline);
        assert_int_equal(w.counters.requests, 1);
        assert_non_null(strstr((const char *)w.requests.data, "\"path\":\"/\""));
        /* What is cut off is counted. */
        feed(&w, hex, 4);
        assert_int_equal(w.counters.segments_truncated, 1);
        end(&w);
}

/* A segment in GRE of 198.51.100.7: by what the option says, a request or a counter. */
static void test_tunnel_sources(void **state)
{
        static const struct {
                const char *source;
                bool is_believed;
        } rows[] = { { "any", true },
                     { "198.51.100.0/24", true },
                     { "192.0.2.10", false },
                     { "none", false } };
        char hex[512] = MACS "0800"
                             "4500000000004000ff2f0000c6336407c6336408"
                             "00000800"
                             "4500003a00004000400600000a000001c0000201" TCP;

        (void)state;
        for (const char *c = "GET / HTTP/1.1\r\n\r\n"; *c; c++)
                sprintf(hex + strlen(hex), "%02x", *c);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct world w;
                begin_with(&w, false, rows[i].source);
                feed(&w, hex, 0);
                assert_int_equal(w.counters.segments, rows[i].is_believed);
                assert_int_equal(w.counters.frames_tunnel_refused, !rows[i].is_believed);
                assert_int_equal(w.counters.packets, 1);
                end(&w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_strange_frame_has_its_counter),
                cmocka_unit_test(test_a_request_comes_out),
                cmocka_unit_test(test_tunnel_sources),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
