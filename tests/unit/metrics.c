/* SPDX-License-Identifier: MIT */
#include "app/metrics.h"

#include "unit/unit.h"

#include <stdlib.h>

static char *text_of(struct buf *b)
{
        buf_put_byte(b, 0);
        return (char *)b->data;
}

static void labels_are_escaped(void **state)
{
        static const struct {
                const char *raw, *label;
        } cases[] = {
                { "plain", "plain" },
                { "a\"b", "a\\\"b" },
                { "a\\b", "a\\\\b" },
                { "a\nb", "a\\nb" },
                { "\xff", "\xef\xbf\xbd" },
                { "caf\xc3\xa9", "caf\xc3\xa9" },
                { "", "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = { 0 };
                metrics_put_label(&out, cases[i].raw);
                assert_string_equal(text_of(&out), cases[i].label);
                buf_free(&out);
        }
}

/* One that is not there is not printed, not even its head. */
static void only_what_is_there_is_printed(void **state)
{
        struct counters counters = { .packets = 7 };
        struct figures *f = calloc(1, sizeof(*f));
        struct buf out = { 0 };

        (void)state;
        f->counters = &counters;
        f->sample_shift = 3;
        metrics_print(f, &out);
        char *text = text_of(&out);
        assert_non_null(strstr(text, "\ntrawlwatch_visitors_one_in 8\n"));
        assert_non_null(strstr(text, "# HELP trawlwatch_packets_total packets read\n"
                                     "# TYPE trawlwatch_packets_total counter\n"
                                     "trawlwatch_packets_total 7\n"));
        assert_null(strstr(text, "ring_fill"));
        assert_null(strstr(text, "redis_up"));
        assert_null(strstr(text, "flows_open"));
        assert_null(strstr(text, "evaluation"));
        assert_null(strstr(text, "rule_"));
        buf_free(&out);
        free(f);
}

static void workers_and_interfaces_are_labels(void **state)
{
        struct counters counters = { 0 };
        struct figures *f = calloc(1, sizeof(*f));
        struct buf out = { 0 };

        (void)state;
        f->counters = &counters;
        figures_add_worker(f, &(struct figures_worker){ "0", 4096, 128, 3, 1 });
        figures_add_worker(f, &(struct figures_worker){ "1", 4096, 0, 0, 0 });
        figures_add_interface(f, &(struct figures_interface){ "a\"b", true, 5, 6 });
        metrics_print(f, &out);
        char *text = text_of(&out);
        assert_non_null(strstr(text, "trawlwatch_ring_fill_bytes{worker=\"0\"} 128\n"
                                     "trawlwatch_ring_fill_bytes{worker=\"1\"} 0\n"));
        assert_non_null(strstr(text, "trawlwatch_ring_drops_total{worker=\"0\"} 3\n"));
        assert_non_null(
            strstr(text, "trawlwatch_capture_restarts_total{worker=\"0\"} 1\n"));
        assert_non_null(
            strstr(text, "trawlwatch_interface_open{interface=\"a\\\"b\"} 1\n"));
        assert_non_null(strstr(
            text,
            "trawlwatch_interface_dropped_total{interface=\"a\\\"b\",by=\"kernel\"} 5\n"
            "trawlwatch_interface_dropped_total{interface=\"a\\\"b\",by=\"interface\"} "
            "6\n"));
        buf_free(&out);
        free(f);
}

static void figures_past_their_room_are_left_out(void **state)
{
        struct figures *f = calloc(1, sizeof(*f));

        (void)state;
        for (unsigned i = 0; i < 1000; i++) {
                figures_add_worker(f, &(struct figures_worker){ .name = "w" });
                figures_add_interface(f, &(struct figures_interface){ .name = "i" });
                figures_add_budget(f, "b", 1, 2);
        }
        assert_int_equal(f->worker_count, FIGURES_WORKERS);
        assert_int_equal(f->interface_count, FIGURES_INTERFACES);
        assert_int_equal(f->budget_count, FIGURES_BUDGETS);
        free(f);
}

static void histograms_are_cumulative(void **state)
{
        struct counters counters = { 0 };
        struct histogram h = { 0 };
        struct figures *f = calloc(1, sizeof(*f));
        struct buf out = { 0 };

        (void)state;
        histogram_add(&h, 300);
        histogram_add(&h, 400);
        histogram_add(&h, 2000);
        histogram_add(&h, INT64_C(20000000000)); /* past the last edge */
        f->counters = &counters;
        f->evaluation = &h;
        metrics_print(f, &out);
        char *text = text_of(&out);
        assert_non_null(
            strstr(text, "# TYPE trawlwatch_evaluation_seconds histogram\n"
                         "trawlwatch_evaluation_seconds_bucket{le=\"1e-07\"} 0\n"
                         "trawlwatch_evaluation_seconds_bucket{le=\"2.5e-07\"} 0\n"
                         "trawlwatch_evaluation_seconds_bucket{le=\"5e-07\"} 2\n"
                         "trawlwatch_evaluation_seconds_bucket{le=\"1e-06\"} 2\n"
                         "trawlwatch_evaluation_seconds_bucket{le=\"2.5e-06\"} 3\n"));
        assert_non_null(strstr(text,
                               "_bucket{le=\"0.01\"} 3\n"
                               "trawlwatch_evaluation_seconds_bucket{le=\"+Inf\"} 4\n"
                               "trawlwatch_evaluation_seconds_sum 20.0000027\n"
                               "trawlwatch_evaluation_seconds_count 4\n"));
        buf_free(&out);
        free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(labels_are_escaped),
                cmocka_unit_test(only_what_is_there_is_printed),
                cmocka_unit_test(workers_and_interfaces_are_labels),
                cmocka_unit_test(figures_past_their_room_are_left_out),
                cmocka_unit_test(histograms_are_cumulative),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
