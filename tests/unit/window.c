/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/window.h"

#define SECOND INT64_C(1000000000)

/* What cells hold, and all nine panes of it side by side. */
struct fixture {
        struct budget budget;
        struct counters counters;
        struct window_store store;
        struct window_counts counts;
        struct window_bytes bytes;
        struct window_clock clock;
        uint64_t count_of[WINDOW_PANES], bytes_of[WINDOW_PANES];
        int64_t pane;
};

static void begin(struct fixture *f)
{
        *f = (struct fixture){ .pane = 1000 };
        assert_true(budget_init(&f->budget, 1 << 20));
        window_store_init(&f->store, &f->budget, &f->counters);
        window_clock_init(&f->clock, 8 * SECOND);
        window_clock_set(&f->clock, f->pane * SECOND);
}

static void end(struct fixture *f)
{
        window_counts_clear(&f->store, &f->counts);
        window_bytes_clear(&f->store, &f->bytes);
        assert_int_equal(f->budget.pages.used, 0);
        budget_free(&f->budget);
}

static void go_on(struct fixture *f, int64_t panes)
{
        int64_t to = f->pane + panes,
                from = panes > WINDOW_PANES ? to - WINDOW_PANES : f->pane;

        window_counts_rotate(&f->store, &f->counts, from, to);
        window_bytes_rotate(&f->store, &f->bytes, from, to);
        for (int64_t pane = from + 1; pane <= to; pane++)
                f->count_of[pane % WINDOW_PANES] = f->bytes_of[pane % WINDOW_PANES] = 0;
        f->pane = to;
        window_clock_set(&f->clock, to * SECOND);
}

static void add(struct fixture *f, int64_t age, uint64_t bytes)
{
        int64_t pane = f->pane - age;

        window_counts_add(&f->store, &f->counts, pane);
        window_bytes_add(&f->store, &f->bytes, pane, bytes);
        f->count_of[pane % WINDOW_PANES]++;
        f->bytes_of[pane % WINDOW_PANES] += bytes;
}

/* At the beginning of a pane the oldest one counts as a whole. */
static void compare(struct fixture *f)
{
        uint64_t count = 0, bytes = 0;

        for (unsigned i = 0; i < WINDOW_PANES; i++) {
                count += f->count_of[i];
                bytes += f->bytes_of[i];
        }
        assert_float_equal(window_counts_value(&f->store, &f->counts, &f->clock), count,
                           0);
        assert_true(window_bytes_value(&f->store, &f->bytes) == bytes);
        window_clock_set(&f->clock, f->pane * SECOND + SECOND / 2);
        assert_float_equal(window_counts_value(&f->store, &f->counts, &f->clock),
                           count - f->count_of[(f->pane - 8) % WINDOW_PANES] / 2.0, 0);
        window_clock_set(&f->clock, f->pane * SECOND);
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

/* Of all sizes, from a few bytes to more than 32 bits have, in quiet and busy panes. */
static void cells_hold_what_came_whatever_its_size(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed < 400; seed++) {
                struct fixture f;
                uint64_t random = seed;
                begin(&f);
                for (unsigned i = 0; i < 600; i++) {
                        unsigned bits = (unsigned)(next(&random) % (seed % 34 + 1));
                        unsigned burst = next(&random) % 60 ? 1 : (unsigned)seed;
                        int64_t age = (int64_t)(next(&random) % WINDOW_PANES);
                        for (unsigned k = 0; k < burst; k++)
                                add(&f, age,
                                    next(&random) >> (31 - bits % 32)
                                                         << (bits > 31 ? 8 : 0));
                        compare(&f);
                        if (next(&random) % 8 == 0)
                                go_on(&f, (int64_t)(next(&random) % 3 + 1));
                        if (next(&random) % 200 == 0)
                                go_on(&f, (int64_t)(next(&random) % 20 + 1));
                        compare(&f);
                }
                assert_int_equal(f.counters.windows_refused, 0);
                end(&f);
        }
}

/* Bytes of the one block that there is; 0: none. */
static uint32_t block_size(const struct fixture *f)
{
        uint32_t size = 0;

        for (uint32_t n = 1; n <= f->budget.pages.touched; n++) {
                const struct budget_page *page = slab_at(&f->budget.descriptors, n);
                if (page->used)
                        size += page->used * f->budget.class[page->size_class].size;
        }
        return size;
}

static void few_requests_take_no_block_for_counts(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned i = 0; i < 9 * 15; i++)
                add(&f, i % WINDOW_PANES, 0);
        compare(&f);
        assert_int_equal(block_size(&f), 0);
        add(&f, 3, 0);
        assert_int_equal(block_size(&f), 16);
        for (unsigned i = 16; i < 255; i++)
                add(&f, 3, 0);
        assert_int_equal(block_size(&f), 16);
        add(&f, 3, 0);
        assert_int_equal(block_size(&f), 40);
        compare(&f);
        go_on(&f, 9);
        compare(&f);
        assert_int_equal(block_size(&f), 0);
        end(&f);
}

static void bytes_take_a_block_as_wide_as_they_need(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        add(&f, 1, 0xffffff);
        add(&f, 0, 1000);
        assert_int_equal(block_size(&f), 0);
        go_on(&f, 8); /* the older one is gone */
        add(&f, 0, 65535);
        assert_int_equal(block_size(&f), 0);
        add(&f, 1, 7);
        add(&f, 2, 8);
        add(&f, 3, 9);
        assert_int_equal(block_size(&f), 16); /* with that of eight panes ago: five */
        compare(&f);
        add(&f, 4, 10);
        assert_int_equal(block_size(&f), 24);
        compare(&f);
        add(&f, 1, 65535 - 7);
        assert_int_equal(block_size(&f), 24);
        add(&f, 1, 1);
        assert_int_equal(block_size(&f), 32);
        add(&f, 1, 0xffffff - 65536);
        assert_int_equal(block_size(&f), 32);
        add(&f, 1, 1);
        assert_int_equal(block_size(&f), 56);
        compare(&f);
        go_on(&f, 9);
        compare(&f);
        assert_int_equal(block_size(&f), 0);
        end(&f);
}

static void a_few_panes_hold_20_bits_each(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned age = 0; age < 3; age++)
                add(&f, age, 1);
        add(&f, 2, 0xfffff - 1);
        assert_int_equal(block_size(&f), 16);
        compare(&f);
        add(&f, 2, 1);
        assert_int_equal(block_size(&f), 32);
        compare(&f);
        end(&f);
}

static uint64_t refuse_all(struct fixture *f, uint32_t taken[100])
{
        unsigned page = budget_class_of(&f->budget, BUDGET_PAGE), count = 0;

        while ((taken[count] = budget_take(&f->budget, page, BUDGET_GROWTH)))
                assert_true(++count < 100);
        return count;
}

static void a_sixth_pane_is_not_lost_without_a_block(void **state)
{
        struct fixture f;
        uint32_t taken[100];

        (void)state;
        begin(&f);
        for (unsigned age = 0; age < 5; age++)
                add(&f, age, 1000);
        uint64_t count = refuse_all(&f, taken);
        add(&f, 5, 1000);
        assert_true(window_bytes_value(&f.store, &f.bytes) == 6000);
        window_bytes_add(&f.store, &f.bytes, f.pane - 6, 0xfffff);
        assert_true(window_bytes_value(&f.store, &f.bytes) == 4000 + 0xfffff);
        assert_int_equal(f.counters.windows_refused, 2);
        while (count)
                budget_give(&f.budget, taken[--count]);
        end(&f);
}

static void no_cell_overflows(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        window_bytes_add(&f.store, &f.bytes, f.pane, UINT64_MAX);
        window_bytes_add(&f.store, &f.bytes, f.pane, UINT64_MAX);
        window_bytes_add(&f.store, &f.bytes, f.pane - 1, 1);
        assert_true(window_bytes_value(&f.store, &f.bytes) == UINT64_C(1) << 48);
        end(&f);
}

static void what_the_budget_refuses_is_counted_low(void **state)
{
        struct fixture f;
        uint32_t taken[100];

        (void)state;
        begin(&f);
        uint64_t count = refuse_all(&f, taken);
        for (unsigned i = 0; i < 20; i++)
                add(&f, 0, 1000);
        assert_float_equal(window_counts_value(&f.store, &f.counts, &f.clock), 15, 0);
        add(&f, 1, 1000);
        add(&f, 2, 1000);
        assert_true(window_bytes_value(&f.store, &f.bytes) == 22000);
        window_bytes_add(&f.store, &f.bytes, f.pane, 0xffffff);
        assert_true(window_bytes_value(&f.store, &f.bytes) <= 2 * 0xffffff);
        assert_int_equal(f.counters.windows_refused, 5 + 2);
        while (count)
                budget_give(&f.budget, taken[--count]);
        window_counts_clear(&f.store, &f.counts);
        end(&f);
}

/* A transaction that stands for several, in all widths and over their bounds. */
static void some_at_once_are_as_many_one_by_one(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed < 200; seed++) {
                struct fixture f;
                uint64_t random = seed;
                begin(&f);
                for (unsigned i = 0; i < 300; i++) {
                        unsigned some = 1U << next(&random) % 7;
                        int64_t pane = f.pane - (int64_t)(next(&random) % WINDOW_PANES);
                        window_counts_add_some(&f.store, &f.counts, pane, some);
                        f.count_of[pane % WINDOW_PANES] += some;
                        compare(&f);
                        if (next(&random) % 16 == 0)
                                go_on(&f, (int64_t)(next(&random) % 4 + 1));
                }
                assert_int_equal(f.counters.windows_refused, 0);
                end(&f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cells_hold_what_came_whatever_its_size),
                cmocka_unit_test(few_requests_take_no_block_for_counts),
                cmocka_unit_test(bytes_take_a_block_as_wide_as_they_need),
                cmocka_unit_test(a_few_panes_hold_20_bits_each),
                cmocka_unit_test(a_sixth_pane_is_not_lost_without_a_block),
                cmocka_unit_test(no_cell_overflows),
                cmocka_unit_test(some_at_once_are_as_many_one_by_one),
                cmocka_unit_test(what_the_budget_refuses_is_counted_low),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
