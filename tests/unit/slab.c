/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/slab.h"

static void test_numbers_and_cap(void **state)
{
        struct slab slab;

        (void)state;
        assert_true(slab_init(&slab, 20, 3));
        uint32_t a = slab_take(&slab), b = slab_take(&slab), c = slab_take(&slab);
        assert_true(a && b && c && a != b && b != c && a != c);
        assert_int_equal(slab_take(&slab), 0);
        assert_int_equal(slab_number(&slab, slab_at(&slab, b)), b);
        memset(slab_at(&slab, b), 0xff, 20);
        slab_give(&slab, b);
        assert_int_equal(slab.used, 2);
        /* The last one freed comes first, and clean. */
        assert_int_equal(slab_take(&slab), b);
        for (int i = 0; i < 20; i++)
                assert_int_equal(((uint8_t *)slab_at(&slab, b))[i], 0);
        slab_free(&slab);
}

static void test_idle_capacity_is_not_touched(void **state)
{
        struct slab slab;

        (void)state;
        assert_true(slab_init(&slab, 4096, 1000000)); /* 4 GB of address space */
        assert_true(slab_take(&slab) != 0);
        assert_true(slab_bytes(&slab) <= 3 * 4096);
        slab_free(&slab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_and_cap),
                cmocka_unit_test(test_idle_capacity_is_not_touched),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
