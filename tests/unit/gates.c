/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/gates.h"

enum { RULES = 100, WHERES = 5, MOST = 1000 };

struct fixture {
        struct rule rule[RULES];
        unsigned numbers[RULES], wheres[WHERES];
        struct rules rules;
        struct table_plan plan;
        struct gates gates;
};

static void begin(struct fixture *f, unsigned count)
{
        *f = (struct fixture){ .rules.rules = f->rule,
                               .plan = { .rules = f->numbers,
                                         .wheres = f->wheres,
                                         .rule_count = count,
                                         .where_count = WHERES } };
        for (unsigned i = 0; i < WHERES; i++)
                f->wheres[i] = 10 + i;
        for (unsigned i = 0; i < count; i++) {
                f->numbers[i] = i;
                f->rule[i].where = 10 + i * 7 / 3 % WHERES;
                f->rule[i].least = i % 11 == 0 ? 0 : (i / 16 + 1) * 20 + i % 16 + 0.5;
        }
        assert_true(gates_init(&f->gates, &f->rules, &f->plan, MOST));
}

static bool is_let_in(const struct fixture *f, unsigned i, uint64_t met, uint32_t count)
{
        return met >> (f->rule[i].where - 10) & 1 &&
               (count >= MOST || count >= f->rule[i].least);
}

static void compare(const struct fixture *f, uint64_t met, uint32_t transactions)
{
        unsigned next = gates_next(&f->gates, 0, met, transactions);

        for (unsigned i = 0; i < f->plan.rule_count; i++) {
                if (!is_let_in(f, i, met, transactions))
                        continue;
                assert_int_equal(next, i);
                next = gates_next(&f->gates, i + 1, met, transactions);
        }
        assert_int_equal(next, f->plan.rule_count);
}

static void rules_are_let_in_as_if_each_were_asked(void **state)
{
        static const unsigned counts[] = { 0, 1, 15, 16, 17, RULES };

        (void)state;
        for (unsigned c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
                struct fixture f;
                begin(&f, counts[c]);
                for (uint64_t met = 0; met < 1 << WHERES; met++)
                        for (uint32_t transactions = 0; transactions < 200;
                             transactions++)
                                compare(&f, met, transactions);
                gates_free(&f.gates);
        }
}

/* Who has as many as can be counted may have had any number. */
static void a_full_count_opens_all(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, RULES);
        f.rule[3].least = 1e18;
        gates_free(&f.gates);
        assert_true(gates_init(&f.gates, &f.rules, &f.plan, MOST));
        compare(&f, (1 << WHERES) - 1, MOST - 1);
        compare(&f, (1 << WHERES) - 1, MOST);
        gates_free(&f.gates);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_are_let_in_as_if_each_were_asked),
                cmocka_unit_test(a_full_count_opens_all),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
