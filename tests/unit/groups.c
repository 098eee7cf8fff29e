/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"
#include "detect/groups.h"
#include "detect/involved.h"

#define RULE  UINT64_C(7)
#define OTHER UINT64_C(8)

static const char a_id[] = "01AAAAAAAAAAAAAAAAAAAAAAAA";
static const char b_id[] = "01BBBBBBBBBBBBBBBBBBBBBBBB";
static const char c_id[] = "01CCCCCCCCCCCCCCCCCCCCCCCC";

static struct budget budget;
static struct tags groups;
static uint64_t evicted;

static int set_up(void **state)
{
        (void)state;
        assert_true(budget_init(&budget, 8 << 20));
        return tags_init(&groups, &budget, 1 << 20, 10000, &evicted) ? 0 : 1;
}

static int tear_down(void **state)
{
        (void)state;
        tags_free(&groups);
        budget_free(&budget);
        return 0;
}

/* Members n .. n + count - 1, each with a session and an address of its own. */
static unsigned members(unsigned n, unsigned count, struct group_member *out)
{
        struct hash_key key = hash_key_fixed();

        for (unsigned i = 0; i < count; i++)
                out[i] = (struct group_member){ { hash_u64(&key, n + i), 0,
                                                  hash_u64(&key, 100000 + n + i) } };
        return count;
}

static void expect(uint64_t rule, unsigned n, unsigned count, int64_t now_ns,
                   const char *expected)
{
        static struct group_member some[2000];
        char group[INCIDENT_ID_MAX];

        memcpy(group, c_id, sizeof(group));
        members(n, count, some);
        groups_find(&groups, rule, some, count, now_ns, group);
        assert_string_equal(group, expected);
}

static void join(unsigned n, unsigned count, const char *group, int64_t now_ns)
{
        static struct group_member some[2000];

        groups_join(&groups, RULE, some, members(n, count, some), group, now_ns);
}

static void half_of_the_participants_make_it_the_same(void **state)
{
        (void)state;

        expect(RULE, 0, 5, 1, c_id);
        join(0, 10, a_id, 1);
        expect(RULE, 0, 10, 1, a_id);
        expect(RULE, 5, 10, 1, a_id); /* five of ten */
        expect(RULE, 6, 10, 1, c_id); /* four of ten */
        expect(RULE, 8, 3, 1, a_id);  /* two of three */
        expect(OTHER, 0, 10, 1, c_id);
}

static void one_aspect_in_common_is_enough(void **state)
{
        struct group_member one;
        char group[INCIDENT_ID_MAX] = "01CCCCCCCCCCCCCCCCCCCCCCCC";
        (void)state;

        join(0, 1, a_id, 1);
        members(0, 1, &one);
        one.carriers[0] = 99; /* a new session at the same address */
        groups_find(&groups, RULE, &one, 1, 1, group);
        assert_string_equal(group, a_id);
}

static void the_first_group_keeps_its_members(void **state)
{
        (void)state;

        join(0, 4, a_id, 1);
        join(2, 4, b_id, 2); /* 2 and 3 stay where they were */
        expect(RULE, 2, 2, 2, a_id);
        expect(RULE, 4, 2, 2, b_id);
        expect(RULE, 0, 6, 2, a_id); /* four against two */
        expect(RULE, 2, 4, 2, a_id); /* two against two: the older one */
}

static void a_group_is_forgotten_with_its_members(void **state)
{
        (void)state;

        join(0, 4, a_id, 1);
        expect(RULE, 0, 4, GROUPS_TTL, a_id);
        expect(RULE, 0, 4, 1 + GROUPS_TTL, c_id);
        join(0, 2, a_id, 1 + GROUPS_TTL / 2); /* two of them are seen again */
        expect(RULE, 0, 4, 1 + GROUPS_TTL, a_id);
        expect(RULE, 0, 5, 1 + GROUPS_TTL, c_id);
}

static void no_participants_are_no_group(void **state)
{
        (void)state;

        join(0, 4, a_id, 1);
        expect(RULE, 0, 0, 1, c_id);
}

static void very_many_participants(void **state)
{
        (void)state;

        join(0, INVOLVED_MAX, a_id, 1);
        expect(RULE, 0, INVOLVED_MAX, 1, a_id);
        expect(RULE, 500, INVOLVED_MAX, 1, a_id);
        expect(RULE, 501, INVOLVED_MAX, 1, c_id);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(half_of_the_participants_make_it_the_same,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_aspect_in_common_is_enough, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(the_first_group_keeps_its_members, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_group_is_forgotten_with_its_members,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_participants_are_no_group, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(very_many_participants, set_up,
                                                tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
