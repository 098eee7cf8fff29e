/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"
#include "detect/quota.h"

static uint64_t visitor(unsigned n)
{
        struct hash_key key = hash_key_fixed();

        return hash_u64(&key, n);
}

static unsigned takes(struct quota *q, unsigned n, unsigned times)
{
        unsigned taken = 0;

        while (times--)
                taken += quota_take(q, visitor(n));
        return taken;
}

static void everybody_has_sixteen_in_three_hours(void **state)
{
        struct quota q;
        (void)state;

        assert_true(quota_init(&q, 0));
        quota_advance(&q, 5 * QUOTA_SPELL_NS);
        assert_int_equal(takes(&q, 1, 15), 15);
        assert_int_equal(takes(&q, 2, 1000), QUOTA_MAX);
        assert_int_equal(takes(&q, 1, 10), 1);
        quota_advance(&q, 6 * QUOTA_SPELL_NS - 1);
        assert_int_equal(takes(&q, 1, 10), 0);
        quota_advance(&q, 6 * QUOTA_SPELL_NS);
        assert_int_equal(takes(&q, 1, 1000), QUOTA_MAX);
        /* Hours that were are not begun again. */
        quota_advance(&q, 5 * QUOTA_SPELL_NS);
        assert_int_equal(takes(&q, 1, 10), 0);
        quota_free(&q);
}

/* As quota.h says, at two counts a visitor: few lose theirs to those who take much. */
static void those_who_take_much_take_it_from_few(void **state)
{
        enum { VISITORS = 100000, EACH = 5, GREEDY = VISITORS / 100 };
        struct quota q;
        unsigned refused = 0;
        (void)state;

        assert_true(quota_init(&q, 4 * VISITORS));
        assert_int_equal(q.width, 2 * VISITORS);
        quota_advance(&q, QUOTA_SPELL_NS);
        for (unsigned i = 0; i < GREEDY; i++)
                assert_true(takes(&q, VISITORS + i, 1000) <= QUOTA_MAX);
        for (unsigned i = 0; i < VISITORS; i++)
                refused += takes(&q, i, EACH) < EACH;
        assert_in_range(refused, 0, VISITORS / 10000);
        quota_free(&q);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everybody_has_sixteen_in_three_hours),
                cmocka_unit_test(those_who_take_much_take_it_from_few),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
