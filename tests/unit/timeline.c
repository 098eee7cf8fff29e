/* SPDX-License-Identifier: MIT */
/* Packets are named by a letter and stamped in seconds; the handler writes both down. */
#include "unit/unit.h"

#include "app/timeline.h"
#include "base/clock.h"

struct world {
        struct timeline timeline;
        struct counters counters;
        struct buf told;
};

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct world *w = context;

        assert_int_equal(frame->link, 1);
        assert_int_equal(frame->wire_length, 99);
        buf_printf(&w->told, "%.*s@%lld ", (int)frame->captured.len, frame->captured.data,
                   (long long)(frame->time_ns / NS_PER_SEC));
}

static void on_step_back(void *context, int64_t from_ns, int64_t to_ns)
{
        struct world *w = context;

        buf_printf(&w->told, "back:%lld->%lld ", (long long)(from_ns / NS_PER_SEC),
                   (long long)(to_ns / NS_PER_SEC));
}

static void begin(struct world *w)
{
        struct timeline_handler handler = { on_frame, on_step_back, w };

        *w = (struct world){ 0 };
        timeline_init(&w->timeline, &handler, &w->counters);
}

static void end(struct world *w, const char *told)
{
        timeline_finish(&w->timeline);
        assert_slice(buf_slice(&w->told), told);
        timeline_free(&w->timeline);
        buf_free(&w->told);
}

static void packet(struct world *w, const char *name, int64_t seconds)
{
        char bytes[8];
        struct capture_frame frame = { seconds * NS_PER_SEC,
                                       slice_of(bytes, strlen(name)), 99, 1 };

        memcpy(bytes, name, strlen(name));
        timeline_frame(&w->timeline, &frame);
        memset(bytes, '?', sizeof(bytes)); /* the frame is only borrowed */
}

static void test_ordinary_packets(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        packet(&w, "a", 1000);
        packet(&w, "b", 1001);
        packet(&w, "c", 990);
        packet(&w, "d", 1300);
        end(&w, "a@1000 b@1001 c@990 d@1300 ");
        assert_int_equal(w.counters.time_outliers, 0);
}

static void test_one_wrong_stamp(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        packet(&w, "a", 1000);
        packet(&w, "b", 999000);
        packet(&w, "c", 1001);
        packet(&w, "d", 3);
        packet(&w, "e", 1002);
        end(&w, "a@1000 b@1000 c@1001 d@1001 e@1002 ");
        assert_int_equal(w.counters.time_outliers, 2);
        assert_int_equal(w.counters.time_steps_back, 0);
}

static void test_a_quiet_night(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        packet(&w, "a", 1000);
        packet(&w, "b", 40000);
        packet(&w, "c", 40001);
        packet(&w, "d", 80000);
        end(&w, "a@1000 b@40000 c@40001 d@80000 ");
        assert_int_equal(w.counters.time_outliers, 0);
}

static void test_the_clock_was_set_back(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        packet(&w, "a", 90000);
        packet(&w, "b", 1000);
        packet(&w, "c", 1001);
        end(&w, "a@90000 back:90000->1000 b@1000 c@1001 ");
        assert_int_equal(w.counters.time_steps_back, 1);
}

static void test_time_without_packets(void **state)
{
        struct world w;

        (void)state;
        begin(&w);
        assert_true(timeline_advance(&w.timeline, 7) == 7);
        packet(&w, "a", 1000);
        /* A packet after a quiet hour, and the wall clock agrees with it. */
        packet(&w, "b", 4600);
        assert_true(timeline_advance(&w.timeline, 4601 * NS_PER_SEC) ==
                    4601 * NS_PER_SEC);
        assert_true(timeline_advance(&w.timeline, 4000 * NS_PER_SEC) ==
                    4601 * NS_PER_SEC);
        end(&w, "a@1000 b@4600 ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ordinary_packets),
                cmocka_unit_test(test_one_wrong_stamp),
                cmocka_unit_test(test_a_quiet_night),
                cmocka_unit_test(test_the_clock_was_set_back),
                cmocka_unit_test(test_time_without_packets),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
