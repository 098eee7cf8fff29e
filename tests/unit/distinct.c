/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"
#include "detect/distinct.h"
#include "detect/window.h"

#define MINUTE (INT64_C(60) * 1000000000)

enum { WINDOWS = 3 };

static const int64_t windows_ns[WINDOWS] = { MINUTE, 10 * MINUTE, 60 * MINUTE };

/* The same values in sets that share, and in sets that each have a plan of their own. */
struct fixture {
        struct budget budget;
        struct counters counters;
        struct distinct_store store;
        struct distinct_plan plan, alone[WINDOWS];
        struct distinct set, single[WINDOWS];
        struct window_clock clock[WINDOWS];
        unsigned member[WINDOWS];
        struct hash_key key;
        int64_t now_ns;
};

static void begin(struct fixture *f, uint64_t budget)
{
        *f = (struct fixture){ .key = hash_key_fixed(), .now_ns = 1000 * MINUTE };
        assert_true(budget_init(&f->budget, budget));
        distinct_store_init(&f->store, &f->budget, &f->counters);
        for (unsigned w = 0; w < WINDOWS; w++) {
                assert_true(distinct_plan_add(&f->plan, windows_ns[w]));
                assert_true(distinct_plan_add(&f->alone[w], windows_ns[w]));
                window_clock_init(&f->clock[w], windows_ns[w]);
                window_clock_set(&f->clock[w], f->now_ns);
        }
        for (unsigned w = 0; w < WINDOWS; w++)
                while (f->plan.pane[f->member[w]] * f->plan.unit_ns !=
                       f->clock[w].pane_ns)
                        f->member[w]++;
}

static void end(struct fixture *f)
{
        distinct_clear(&f->store, &f->plan, &f->set);
        for (unsigned w = 0; w < WINDOWS; w++)
                distinct_clear(&f->store, &f->alone[w], &f->single[w]);
        assert_int_equal(f->budget.pages.used, 0);
        budget_free(&f->budget);
}

static int64_t unit_now(const struct fixture *f, const struct distinct_plan *p)
{
        return f->now_ns / p->unit_ns;
}

static void go_to(struct fixture *f, int64_t now_ns)
{
        int64_t from[WINDOWS];

        f->now_ns = now_ns;
        for (unsigned w = 0; w < WINDOWS; w++) {
                from[w] = f->clock[w].pane;
                window_clock_set(&f->clock[w], now_ns);
        }
        for (unsigned w = 0; w < WINDOWS; w++) {
                if (f->clock[w].pane == from[w])
                        continue;
                distinct_rotate(&f->store, &f->plan, &f->set, f->member[w], from[w],
                                f->clock[w].pane, unit_now(f, &f->plan));
                distinct_rotate(&f->store, &f->alone[w], &f->single[w], 0, from[w],
                                f->clock[w].pane, unit_now(f, &f->alone[w]));
        }
}

static void add(struct fixture *f, uint64_t value, int64_t time_ns)
{
        uint64_t hash = hash_u64(&f->key, value);

        distinct_add(&f->store, &f->plan, &f->set, hash, time_ns / f->plan.unit_ns,
                     unit_now(f, &f->plan));
        for (unsigned w = 0; w < WINDOWS; w++)
                distinct_add(&f->store, &f->alone[w], &f->single[w], hash,
                             time_ns / f->alone[w].unit_ns, unit_now(f, &f->alone[w]));
}

static double shared(const struct fixture *f, unsigned w)
{
        return distinct_value(&f->store, &f->plan, &f->set, f->member[w],
                              unit_now(f, &f->plan));
}

static double alone(const struct fixture *f, unsigned w)
{
        return distinct_value(&f->store, &f->alone[w], &f->single[w], 0,
                              unit_now(f, &f->alone[w]));
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

/* Bursts and silences; values that return, some of them late. */
static void a_shared_set_shows_what_sets_of_their_own_show(void **state)
{
        unsigned parted = 0, exact = 0;

        (void)state;
        for (uint64_t seed = 0; seed < 300; seed++) {
                struct fixture f;
                uint64_t random = seed, values = 1 + seed * 8;
                begin(&f, 16 << 20);
                for (unsigned i = 0; i < 1500; i++) {
                        uint64_t silence = next(&random) % 400;
                        int64_t step = silence == 0   ? 20 * MINUTE
                                       : silence < 10 ? MINUTE
                                                      : MINUTE / 60;
                        go_to(&f, f.now_ns + step);
                        int64_t late = next(&random) % 4 ? 0 : MINUTE / 2;
                        add(&f, next(&random) % values, f.now_ns - late);
                        for (unsigned w = 0; w < WINDOWS; w++)
                                assert_float_equal(shared(&f, w), alone(&f, w), 0);
                        parted += f.set.kind == DISTINCT_PARTED;
                        exact += f.set.kind != DISTINCT_PARTED;
                }
                end(&f);
        }
        assert_true(parted > 1000 && exact > 1000);
}

static void values_leave_with_the_pane_they_were_last_seen_in(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 1 << 20);
        add(&f, 1, f.now_ns);
        add(&f, 2, f.now_ns);
        go_to(&f, f.now_ns + 30 * MINUTE);
        add(&f, 2, f.now_ns);
        assert_float_equal(shared(&f, 0), 1, 0);
        assert_float_equal(shared(&f, 1), 1, 0);
        assert_float_equal(shared(&f, 2), 2, 0);
        go_to(&f, f.now_ns + 31 * MINUTE);
        assert_float_equal(shared(&f, 2), 1, 0);
        go_to(&f, f.now_ns + 61 * MINUTE);
        assert_float_equal(shared(&f, 2), 0, 0);
        assert_int_equal(f.budget.pages.used, 0);
        end(&f);
}

static void one_value_takes_no_block(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 1 << 20);
        for (unsigned i = 0; i < 50; i++)
                add(&f, 7, f.now_ns);
        assert_float_equal(shared(&f, 2), 1, 0);
        assert_int_equal(f.budget.pages.used, 0);
        end(&f);
}

static void a_set_that_cannot_grow_counts_too_few(void **state)
{
        struct fixture f;
        uint32_t taken[1000];
        unsigned count = 0;

        (void)state;
        begin(&f, 1 << 20);
        while ((taken[count] =
                    budget_take(&f.budget, f.store.registers_class, BUDGET_GROWTH)))
                assert_true(++count < 1000);
        for (uint64_t i = 0; i < 700; i++)
                add(&f, i, f.now_ns);
        for (unsigned w = 0; w < WINDOWS; w++)
                assert_float_equal(shared(&f, w), 1, 0);
        assert_true(f.counters.sketches_refused > 0);
        while (count)
                budget_give(&f.budget, taken[--count]);
        for (uint64_t i = 0; i < 700; i++)
                add(&f, i, f.now_ns);
        assert_in_range(shared(&f, 2), 650, 750);
        go_to(&f, f.now_ns + 61 * MINUTE);
        assert_float_equal(shared(&f, 2), 0, 0);
        end(&f);
}

static void windows_without_a_common_unit_do_not_share(void **state)
{
        struct distinct_plan p = { 0 };

        (void)state;
        assert_true(distinct_plan_add(&p, 60 * MINUTE));
        assert_false(distinct_plan_add(&p, 7 * MINUTE / 60));
        assert_false(distinct_plan_add(&p, MINUTE / 60));
        /* One that is hardly shorter reaches further back at times: no view of it. */
        assert_false(distinct_plan_add(&p, 59 * MINUTE));
        assert_false(distinct_plan_add(&p, 61 * MINUTE));
        assert_int_equal(p.windows, 1);
        assert_true(distinct_plan_add(&p, 24 * 60 * MINUTE));
        assert_true(distinct_plan_add(&p, 10 * MINUTE));
        assert_int_equal(p.windows, 3);
        assert_int_equal(p.pane[0], 24 * 6);
        assert_int_equal(p.pane[1], 6);
        assert_int_equal(p.pane[2], 1);
        /* The shortest and the longest that rules ask for of one key. */
        assert_true(distinct_plan_add(&p, 2 * MINUTE));
        assert_int_equal(p.pane[0], 24 * 30);
        assert_int_equal(p.pane[3], 1);
}

static void a_flat_copy_has_the_values_of_its_window(void **state)
{
        struct fixture f;
        struct distinct flat;

        (void)state;
        for (unsigned count = 1; count <= 700; count += 233) {
                begin(&f, 4 << 20);
                for (uint64_t i = 0; i < count; i++)
                        add(&f, i, f.now_ns);
                go_to(&f, f.now_ns + 20 * MINUTE);
                for (uint64_t i = 0; i < 5; i++)
                        add(&f, i + 1000, f.now_ns);
                distinct_copy_flat(&f.store, &f.plan, &f.set, f.member[0],
                                   unit_now(&f, &f.plan), &flat);
                assert_float_equal(distinct_value(&f.store, &distinct_flat, &flat, 0, 0),
                                   5, 0);
                distinct_clear(&f.store, &distinct_flat, &flat);
                distinct_copy_flat(&f.store, &f.plan, &f.set, f.member[2],
                                   unit_now(&f, &f.plan), &flat);
                distinct_add(&f.store, &distinct_flat, &flat, hash_u64(&f.key, 1000), 0,
                             0);
                assert_float_equal(distinct_value(&f.store, &distinct_flat, &flat, 0, 0),
                                   shared(&f, 2), 0);
                distinct_clear(&f.store, &distinct_flat, &flat);
                end(&f);
        }
}

static uint64_t bytes_taken(const struct budget *b)
{
        uint64_t bytes = 0;

        for (uint32_t n = 1; n <= b->pages.touched; n++) {
                const struct budget_page *page = slab_at(&b->descriptors, n);
                bytes += (uint64_t)page->used * b->class[page->size_class].size;
        }
        return bytes;
}

/* Exact at every size of block, and in little more than seven bytes a value. */
static void values_are_exact_until_there_is_a_sketch(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 4 << 20);
        for (uint64_t i = 0; i < DISTINCT_EXACT; i++) {
                distinct_add(&f.store, &f.plan, &f.set, hash_u64(&f.key, i),
                             unit_now(&f, &f.plan), unit_now(&f, &f.plan));
                for (unsigned w = 0; w < WINDOWS; w++)
                        assert_float_equal(shared(&f, w), i + 1, 0);
                assert_true(bytes_taken(&f.budget) <= i * 8 * 3 / 2 + 16);
        }
        for (uint64_t i = 0; i < DISTINCT_EXACT; i++)
                add(&f, i, f.now_ns);
        assert_float_equal(shared(&f, 0), DISTINCT_EXACT, 0);
        assert_int_equal(f.set.kind, DISTINCT_VALUES);
        add(&f, DISTINCT_EXACT, f.now_ns);
        assert_int_equal(f.set.kind, DISTINCT_PARTED);
        assert_in_range(shared(&f, 0), 490, 536);
        /* The longest window alone is full; in the shortest one there is room again. */
        go_to(&f, f.now_ns + 2 * MINUTE);
        add(&f, 7, f.now_ns);
        assert_float_equal(shared(&f, 0), 1, 0);
        go_to(&f, f.now_ns + 70 * MINUTE);
        assert_int_equal(f.set.kind, DISTINCT_EMPTY);
        assert_int_equal(f.budget.pages.used, 0);
        end(&f);
}

static void a_full_set_that_cannot_part_stays_as_it_is(void **state)
{
        struct fixture f;
        uint32_t taken[20000];
        unsigned count = 0;

        (void)state;
        begin(&f, 1 << 18);
        for (uint64_t i = 0; i < DISTINCT_EXACT; i++)
                distinct_add(&f.store, &f.plan, &f.set, hash_u64(&f.key, i),
                             unit_now(&f, &f.plan), unit_now(&f, &f.plan));
        while ((taken[count] = budget_take(&f.budget, f.store.parted_classes[WINDOWS - 2],
                                           BUDGET_GROWTH)))
                assert_true(++count < 20000);
        distinct_add(&f.store, &f.plan, &f.set, hash_u64(&f.key, DISTINCT_EXACT),
                     unit_now(&f, &f.plan), unit_now(&f, &f.plan));
        assert_int_equal(f.counters.sketches_refused, 1);
        for (unsigned w = 0; w < WINDOWS; w++)
                assert_float_equal(shared(&f, w), DISTINCT_EXACT, 0);
        while (count)
                budget_give(&f.budget, taken[--count]);
        end(&f);
}

/* From one plan to another, with as many values as fit and with more. */
static void a_set_is_carried_to_another_plan(void **state)
{
        (void)state;
        for (unsigned count = 1; count <= 700; count += count < 512 ? 511 : 1) {
                struct fixture f;
                struct distinct_plan plan = { 0 };
                struct distinct to = { 0 };
                begin(&f, 4 << 20);
                assert_true(distinct_plan_add(&plan, 10 * MINUTE));
                assert_true(distinct_plan_add(&plan, 120 * MINUTE));
                for (uint64_t i = 0; i < count; i++)
                        add(&f, i, f.now_ns);
                double had = shared(&f, 1);
                distinct_carry(&f.store, &f.plan, &f.set, f.member[1],
                               unit_now(&f, &f.plan), &plan, &to, 1, unit_now(&f, &plan));
                double carried =
                    distinct_value(&f.store, &plan, &to, 1, unit_now(&f, &plan));
                assert_float_equal(carried, had, 0);
                assert_true(count > DISTINCT_EXACT || carried == count);
                distinct_clear(&f.store, &plan, &to);
                end(&f);
        }
}

/*
 * Values that come and go in all sizes of blocks: each is there once, wherever the others
 * that have gone left room for it.
 */
static void a_value_is_found_again_whatever_has_gone(void **state)
{
        enum { VALUES = 500, MINUTES = 200 };
        int64_t seen[VALUES] = { 0 };
        uint64_t random = 7;
        struct fixture f;

        (void)state;
        begin(&f, 1 << 22);
        for (unsigned minute = 1; minute < MINUTES; minute++) {
                go_to(&f, f.now_ns + MINUTE);
                int64_t pane = f.clock[2].pane, left = 0;
                unsigned some = next(&random) % 60;
                for (unsigned i = 0; i < some; i++) {
                        unsigned value = next(&random) % (minute % 70 * 7 + 1);
                        seen[value] = pane;
                        add(&f, value, f.now_ns);
                        add(&f, value, f.now_ns);
                }
                for (unsigned i = 0; i < VALUES; i++)
                        left += seen[i] && pane - seen[i] < WINDOW_NEWEST;
                assert_float_equal(alone(&f, 2), (double)left, 0);
                assert_float_equal(shared(&f, 2), (double)left, 0);
        }
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_shared_set_shows_what_sets_of_their_own_show),
                cmocka_unit_test(values_leave_with_the_pane_they_were_last_seen_in),
                cmocka_unit_test(one_value_takes_no_block),
                cmocka_unit_test(a_set_that_cannot_grow_counts_too_few),
                cmocka_unit_test(windows_without_a_common_unit_do_not_share),
                cmocka_unit_test(a_flat_copy_has_the_values_of_its_window),
                cmocka_unit_test(values_are_exact_until_there_is_a_sketch),
                cmocka_unit_test(a_full_set_that_cannot_part_stays_as_it_is),
                cmocka_unit_test(a_set_is_carried_to_another_plan),
                cmocka_unit_test(a_value_is_found_again_whatever_has_gone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
