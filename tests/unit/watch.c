/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"
#include "detect/watch.h"

#define SEC NS_PER_SEC

static const char id[INCIDENT_ID_MAX] = "01JDABCDEFGHJKMNPQRSTVWXYZ";

struct world {
        struct budget budget;
        struct watch watch;
        uint64_t evicted;
};

static void begin(struct world *w, uint32_t max)
{
        memset(w, 0, sizeof(*w));
        assert_true(budget_init(&w->budget, 1 << 20));
        w->budget.index_room = 1 << 20;
        assert_true(watch_init(&w->watch, &w->budget, 1 << 18, max, &w->evicted));
}

static void end(struct world *w)
{
        watch_free(&w->watch);
        budget_free(&w->budget);
}

static struct enforcement told(const struct watched *w)
{
        struct enforcement e = { .is_known = false };

        watched_add(w, &e);
        return e;
}

static void what_tells_and_what_does_not(void **state)
{
        static const struct {
                int64_t begin_ms;
                enum watch_outcome outcome;
                bool changes;
                enum block_state state;
                unsigned requests, refused;
                int64_t first_ms;
        } rows[] = {
                { 0, WATCH_SERVED, false, BLOCK_SILENT, 0, 0, -1 },    /* what put it */
                { -50, WATCH_REFUSED, false, BLOCK_SILENT, 0, 0, -1 }, /* began before */
                { 1000, WATCH_SERVED, false, BLOCK_SILENT, 1, 0, -1 }, /* in flight */
                { 10000, WATCH_SERVED, false, BLOCK_SILENT, 2, 0, -1 },
                { 10500, WATCH_UNKNOWN, false, BLOCK_SILENT, 3, 0, -1 },
                { 11000, WATCH_REFUSED, true, BLOCK_REFUSED, 4, 1, 11000 },
                { 9000, WATCH_REFUSED, false, BLOCK_REFUSED, 5, 2, 9000 }, /* late word */
                { 10001, WATCH_SERVED, true, BLOCK_IGNORED, 6, 2, 9000 },
                { 12000, WATCH_REFUSED, false, BLOCK_IGNORED, 7, 3, 9000 },
                { 60000, WATCH_SERVED, false, BLOCK_IGNORED, 7, 3,
                  9000 }, /* it is over */
        };
        struct world w;
        (void)state;

        begin(&w, 10);
        assert_false(watch_is_on(&w.watch, 0));
        assert_true(watch_put(&w.watch, 7, id, 100 * SEC, 160 * SEC, 1));
        assert_true(watch_is_on(&w.watch, 159 * SEC));
        assert_false(watch_is_on(&w.watch, 160 * SEC));
        struct watched *watched = watch_find(&w.watch, 7);
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                assert_int_equal(watched_note(watched,
                                              100 * SEC + rows[i].begin_ms * NS_PER_MS,
                                              10 * SEC, rows[i].outcome),
                                 rows[i].changes);
                struct enforcement e = told(watched);
                assert_true(e.is_known);
                assert_int_equal(e.state, rows[i].state);
                assert_int_equal(e.requests, rows[i].requests);
                assert_int_equal(e.refused, rows[i].refused);
                assert_int_equal(e.first_refusal_ms, rows[i].first_ms);
        }
        end(&w);
}

static void a_block_that_is_extended_goes_on(void **state)
{
        struct world w;
        (void)state;

        begin(&w, 10);
        watch_put(&w.watch, 7, id, 100 * SEC, 160 * SEC, 1);
        watched_note(watch_find(&w.watch, 7), 120 * SEC, 10 * SEC, WATCH_REFUSED);
        watch_put(&w.watch, 7, id, 150 * SEC, 155 * SEC, 1); /* never shortened */
        assert_non_null(watch_running(&w.watch, 7, 159 * SEC));
        watch_put(&w.watch, 7, id, 159 * SEC, 300 * SEC, 1);
        assert_int_equal(watch_running(&w.watch, 7, 299 * SEC)->refused, 1);
        assert_null(watch_running(&w.watch, 7, 300 * SEC));
        /* What was seen is kept for the last word, and forgotten with the next block. */
        assert_int_equal(watch_find(&w.watch, 7)->refused, 1);
        watch_put(&w.watch, 7, id, 300 * SEC, 400 * SEC, 1);
        assert_int_equal(watch_find(&w.watch, 7)->refused, 0);
        assert_int_equal(watch_find(&w.watch, 7)->since_ns, 300 * SEC);
        assert_int_equal(w.watch.index.count, 1);
        end(&w);
}

static void when_it_is_full_the_one_that_ends_first_goes(void **state)
{
        struct world w;
        (void)state;

        begin(&w, 4);
        for (unsigned i = 1; i <= 4; i++)
                watch_put(&w.watch, i, id, 100 * SEC, (200 + (i == 3 ? 0 : i)) * SEC, 1);
        watch_put(&w.watch, 5, id, 101 * SEC, 300 * SEC, 1);
        assert_null(watch_find(&w.watch, 3));
        assert_int_equal(w.evicted, 1);
        assert_int_equal(w.watch.index.count, 4);
        /* Those whose block is over go first, and do not count. */
        watch_put(&w.watch, 6, id, 202 * SEC, 300 * SEC, 1);
        assert_null(watch_find(&w.watch, 1));
        assert_int_equal(w.evicted, 1);
        end(&w);
}

static void what_is_long_over_is_forgotten(void **state)
{
        struct world w;
        (void)state;

        begin(&w, 1000);
        for (unsigned i = 1; i <= 100; i++)
                watch_put(&w.watch, i, id, 100 * SEC, 200 * SEC, 1);
        for (unsigned i = 101; i <= 400; i++)
                watch_put(&w.watch, i, id, 3800 * SEC, 9000 * SEC, 1);
        assert_true(w.watch.index.count < 320);
        assert_int_equal(w.evicted, 0);
        end(&w);
}

static void the_worst_of_several_is_told(void **state)
{
        struct enforcement e = { .is_known = false };
        struct watched w[3] = {
                { .refusal_ns = INT64_MAX, .requests = 1 },
                { .refusal_ns = 3 * NS_PER_MS, .requests = 2, .refused = 2 },
                { .refusal_ns = 2 * NS_PER_MS,
                  .requests = 9,
                  .refused = 1,
                  .is_ignored = true }
        };
        (void)state;

        watched_add(&w[0], &e);
        assert_int_equal(e.state, BLOCK_SILENT);
        watched_add(&w[1], &e);
        assert_int_equal(e.state, BLOCK_REFUSED);
        assert_int_equal(e.first_refusal_ms, 3);
        watched_add(&w[2], &e);
        watched_add(&w[1], &e);
        assert_int_equal(e.state, BLOCK_IGNORED);
        assert_int_equal(e.requests, 14);
        assert_int_equal(e.refused, 5);
        assert_int_equal(e.first_refusal_ms, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_tells_and_what_does_not),
                cmocka_unit_test(a_block_that_is_extended_goes_on),
                cmocka_unit_test(when_it_is_full_the_one_that_ends_first_goes),
                cmocka_unit_test(what_is_long_over_is_forgotten),
                cmocka_unit_test(the_worst_of_several_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
