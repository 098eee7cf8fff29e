/* SPDX-License-Identifier: MIT */
#include "fake_lab.h"
#include "sources.h"
#include "unit/unit.h"

#include <stdlib.h>

static const char farm[] =
    "seed: 5\nsite: { profiles: 50000 }\nattackers:\n"
    "  - { class: farm, begin: 2h, signups: 60, signup_rate: 120/h, "
    "delay: 6h, delay_spread: 1h, each: 40, pause: 10s }\n";

/* The birth of the account that asks here. */
static const struct sent *birth_of(const struct lab *lab, const struct sent *view)
{
        for (const struct sent *s = lab->sent; s < view; s++)
                if (s->set_account[0] && strcmp(s->set_account, view->account) == 0)
                        return s;
        return NULL;
}

static bool was_used_by_a_birth(const struct lab *lab, const char *from)
{
        for (size_t i = 0; i < lab->count; i++)
                if (!fake_is_profile(&lab->sent[i]) &&
                    strcmp(lab->sent[i].from, from) == 0)
                        return true;
        return false;
}

static void test_accounts_read_hours_later_from_elsewhere(void **state)
{
        struct lab *lab = fake_run(farm_begin, farm);
        size_t i = 0, born = 0;
        const struct sent *s;

        (void)state;
        assert_int_equal(lab->groups, 1);
        assert_string_equal(lab->group[1].class, "farm");
        for (size_t k = 0; k < lab->count; k++)
                born += lab->sent[k].set_account[0] != '\0';
        assert_in_range(born, 50, 60);
        while ((s = fake_view(lab, &i))) {
                const struct sent *birth = birth_of(lab, s);

                assert_int_equal(s->group, 1);
                assert_non_null(birth);
                assert_string_equal(s->session, birth->set_session);
                assert_true(s->at_ns - birth->at_ns >= 6 * HOUR_NS);
                assert_ptr_not_equal(s->software, birth->software);
                assert_false(was_used_by_a_birth(lab, s->from));
        }
        assert_int_equal(fake_distinct(lab, fake_account), born);
        fake_free(&lab);
}

static void test_accounts_partition_what_they_read(void **state)
{
        struct lab *lab = fake_run(farm_begin, farm);
        bool *seen = calloc(50000, sizeof *seen);
        size_t i = 0, views = 0;
        const struct sent *s;

        (void)state;
        while ((s = fake_view(lab, &i))) {
                assert_false(seen[s->target]);
                seen[s->target] = true;
                views++;
        }
        assert_int_equal(views, 40 * fake_distinct(lab, fake_account));
        free(seen);
        fake_free(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accounts_read_hours_later_from_elsewhere),
                cmocka_unit_test(test_accounts_partition_what_they_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
