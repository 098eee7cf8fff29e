/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "app/hold.h"

static struct record record_at(int64_t end_ns)
{
        return (struct record){ .size = sizeof(struct record), .end_ns = end_ns };
}

static void test_waits(void **state)
{
        struct hold h;

        (void)state;
        hold_init(&h, 50, RECORD_SIZE_MAX);
        assert_null(hold_take(&h, INT64_MAX));
        for (int64_t i = 0; i < 3; i++) {
                struct record r = record_at(100 + i);
                assert_true(hold_put(&h, &r));
        }
        assert_null(hold_take(&h, 149));
        assert_int_equal(hold_take(&h, 151)->end_ns, 100);
        assert_int_equal(hold_take(&h, 151)->end_ns, 101);
        assert_null(hold_take(&h, 151));
        assert_int_equal(hold_take(&h, INT64_MAX)->end_ns, 102);
        assert_null(hold_take(&h, INT64_MAX));
        hold_free(&h);
}

/* Memory has a cap however long it goes on, and nothing is lost or changes places. */
static void test_is_bounded(void **state)
{
        struct hold h;
        int64_t next = 0;

        (void)state;
        hold_init(&h, 1000000, RECORD_SIZE_MAX);
        for (int64_t i = 0; i < 10000; i++) {
                struct record r = record_at(i);
                while (!hold_put(&h, &r))
                        assert_int_equal(hold_take(&h, INT64_MAX)->end_ns, next++);
                assert_in_range(h.records.cap, 0, 4 * RECORD_SIZE_MAX);
        }
        assert_true(next > 0);
        for (const struct record *r; (r = hold_take(&h, INT64_MAX));)
                assert_int_equal(r->end_ns, next++);
        assert_int_equal(next, 10000);
        hold_free(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_waits),
                cmocka_unit_test(test_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
