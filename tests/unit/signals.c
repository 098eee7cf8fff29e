/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/signals.h"

#define AT (INT64_C(1795431600) * NS_PER_SEC)

static const struct signal_row rows[] = { { 4, 0 }, { 1, 0 }, { 2.5, 1 } };
#define ROWS 3

static struct budget budget;
static unsigned class;
static struct signals signals;

static int set_up(void **state)
{
        (void)state;
        assert_true(budget_init(&budget, 1 << 20));
        class = budget_class_of(&budget, signals_size(ROWS));
        signals = (struct signals){ 0 };
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        signals_clear(&signals, &budget);
        assert_int_equal(budget.pages.used, 0);
        budget_free(&budget);
        return 0;
}

static void hold(unsigned number, int64_t now_ns)
{
        assert_true(signals_hold(&signals, &budget, class, number, now_ns));
}

static void expect(int64_t now_ns, double score, unsigned families)
{
        double actual = signals_score(&signals, &budget, rows, ROWS, now_ns);

        if (actual != score) {
                print_error("%.17g is not %.17g\n", actual, score);
                fail();
        }
        assert_int_equal(signals_families(&signals, &budget, rows, ROWS, now_ns),
                         families);
}

static void a_weight_halves_every_30_minutes(void **state)
{
        (void)state;

        expect(AT, 0, 0);
        hold(0, AT);
        expect(AT, 4, 1);
        expect(AT + SIGNAL_HALF_LIFE, 2, 1);
        expect(AT + 2 * SIGNAL_HALF_LIFE, 1, 1);
        /* It holds again: the whole weight, not the sum. */
        hold(0, AT + 2 * SIGNAL_HALF_LIFE);
        expect(AT + 2 * SIGNAL_HALF_LIFE, 4, 1);
        expect(AT + 3 * SIGNAL_HALF_LIFE, 2, 1);
}

static void a_family_counts_once_by_its_largest(void **state)
{
        (void)state;

        hold(1, AT);
        expect(AT, 1, 1);
        hold(0, AT);
        expect(AT, 4, 1);
        hold(2, AT);
        expect(AT, 6.5, 2);
        /* After 90 minutes the small one, held anew, is the largest of its family. */
        hold(1, AT + 3 * SIGNAL_HALF_LIFE);
        expect(AT + 3 * SIGNAL_HALF_LIFE, 1 + 2.5 / 8, 2);
}

static void a_family_stands_for_four_halvings(void **state)
{
        (void)state;

        hold(0, AT);
        hold(2, AT + 1);
        expect(AT + SIGNAL_STANDS,
               signals_score(&signals, &budget, rows, ROWS, AT + SIGNAL_STANDS), 2);
        assert_int_equal(
            signals_families(&signals, &budget, rows, ROWS, AT + SIGNAL_STANDS + 1), 1);
        assert_int_equal(
            signals_families(&signals, &budget, rows, ROWS, AT + SIGNAL_STANDS + 2), 0);
}

static void a_late_transaction_turns_nothing_back(void **state)
{
        (void)state;

        hold(0, AT);
        hold(0, AT - SIGNAL_HALF_LIFE);
        expect(AT, 4, 1);
        expect(AT - 1, 4, 1);
}

static void without_room_a_signal_is_refused(void **state)
{
        unsigned page = budget_class_of(&budget, BUDGET_PAGE);
        uint32_t taken[65], count = 0;
        (void)state;

        while ((taken[count] = budget_take(&budget, page, BUDGET_GROWTH)))
                count++;
        assert_false(signals_hold(&signals, &budget, class, 0, AT));
        expect(AT, 0, 0);
        while (count)
                budget_give(&budget, taken[--count]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_weight_halves_every_30_minutes, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_family_counts_once_by_its_largest,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_family_stands_for_four_halvings, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_late_transaction_turns_nothing_back,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_room_a_signal_is_refused, set_up,
                                                tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
