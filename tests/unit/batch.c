/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "app/batch.h"

/* Whole, in their order, each once; also after the memory has moved and been used again.
 */
static void test_what_is_put_is_taken(void **state)
{
        const struct record *records[BATCH_RECORDS];
        struct batch b = { .count = 0 };
        int64_t next = 0;

        (void)state;
        assert_int_equal(batch_take(&b, records), 0);
        for (unsigned round = 0; round < 40; round++) {
                unsigned count = round % BATCH_RECORDS + 1;
                for (unsigned i = 0; i < count; i++) {
                        struct {
                                struct record record;
                                char text[16];
                        } r = { { .size = sizeof(r), .end_ns = next + i }, "abc" };
                        assert_int_equal(batch_put(&b, &r.record),
                                         i + 1 == BATCH_RECORDS);
                }
                assert_int_equal(batch_take(&b, records), count);
                assert_int_equal(b.count, 0);
                for (unsigned i = 0; i < count; i++) {
                        assert_int_equal(records[i]->end_ns, next++);
                        assert_string_equal((const char *)(records[i] + 1), "abc");
                }
        }
        batch_free(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_put_is_taken) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
