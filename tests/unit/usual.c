/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

#include <math.h>

#define DAY (86400 * NS_PER_SEC)

static double share(const struct usual_values *v, unsigned bucket)
{
        double shares[USUAL_BUCKETS];

        usual_shares(v, shares);
        return shares[bucket];
}

static void a_transaction_is_worth_half_after_a_week(void **state)
{
        struct usual_values v = { 0 };
        (void)state;

        for (unsigned i = 0; i < 400; i++)
                usual_add(&v, 3, WORLD_BEGIN);
        assert_true(usual_is_known(&v));
        for (unsigned i = 0; i < 100; i++)
                usual_add(&v, 4, WORLD_BEGIN + 7 * DAY);
        assert_float_equal(share(&v, 3), (200 + 10 / 64.0) / 310, 1e-12);
        assert_float_equal(share(&v, 4), (100 + 10 / 64.0) / 310, 1e-12);
        assert_float_equal(share(&v, 5), (10 / 64.0) / 310, 1e-12);
        /* A late one has the weight of its time. */
        for (unsigned i = 0; i < 80; i++)
                usual_add(&v, 5, WORLD_BEGIN - 7 * DAY);
        assert_float_equal(share(&v, 5), (20 + 10 / 64.0) / 330, 1e-12);
        /* Two more weeks with a single one: 320 + 1 are not enough any more. */
        usual_add(&v, 5, WORLD_BEGIN + 21 * DAY);
        assert_false(usual_is_known(&v));
}

static void shares_sum_to_one_whatever_the_time(void **state)
{
        struct usual_values v = { 0 };
        uint32_t seed = 1;
        (void)state;

        /* 20 years, with silences of up to 3: the weights are rescaled on the way. */
        for (int64_t day = 0; day < 20 * 365;) {
                double sum = 0;
                seed = seed * 1664525 + 1013904223;
                day += seed >> 24 == 0 ? seed >> 12 & 1023 : seed >> 30;
                usual_add(&v, seed >> 10 & 63, WORLD_BEGIN + day * DAY);
                for (unsigned k = 0; k < USUAL_BUCKETS; k++)
                        sum += share(&v, k);
                assert_float_equal(sum, 1, 1e-9);
                assert_true(isfinite(v.all) && v.all > 0);
        }
        assert_true(v.base_ns > WORLD_BEGIN);
}

static const char rules_text[] =
    "rules:\n"
    "  - name: a\n"
    "    where: page == profile\n"
    "    per_each: [client.ip, session]\n"
    "    when: skew(target, 1h) > 1000 or skew(target, 2h) > 1000\n"
    "  - name: b\n"
    "    where: page == profile\n"
    "    per: client.prefix\n"
    "    when: skew(target, status == 404, 1h) > 1000\n"
    "exempt:\n"
    "  - { when: client.ip == 198.51.100.66, until: 2100-01-01, comment: own }\n";

static void each_transaction_teaches_once(void **state)
{
        struct world *w = world_new(rules_text);
        const struct usual_values *v = w->engine->usual.values;
        (void)state;

        assert_int_equal(w->rules->usual_count, 2);
        world_view(w, 0, "198.51.100.1", 1);
        assert_float_equal(v[0].all, 1, 0);
        assert_float_equal(v[1].all, 0, 0);
        world_hit(w, (struct hit){ .client = "198.51.100.1",
                                   .page = PAGE_PROFILE,
                                   .target = "t",
                                   .session = "s",
                                   .status = 404 });
        assert_float_equal(v[0].all, 2, 0);
        assert_float_equal(v[1].all, 1, 0);
        /* Not of this page; without the field; exempt. */
        world_hit(w, (struct hit){
                         .client = "198.51.100.1", .page = PAGE_SEARCH, .target = "t" });
        world_hit(w, (struct hit){ .client = "198.51.100.1", .page = PAGE_PROFILE });
        world_view(w, 0, "198.51.100.66", 1);
        assert_float_equal(v[0].all, 2, 0);
        world_free(w);
}

static void who_has_no_key_teaches_too(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: a\n"
                                    "    where: page == profile\n"
                                    "    per: session\n"
                                    "    when: skew(target, 1h) > 1000\n");
        (void)state;

        world_view(w, 0, "198.51.100.1", 1);
        assert_float_equal(w->engine->usual.values[0].all, 1, 0);
        assert_int_equal(w->engine->tables[0].index.count, 0);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_transaction_is_worth_half_after_a_week),
                cmocka_unit_test(shares_sum_to_one_whatever_the_time),
                cmocka_unit_test(each_transaction_teaches_once),
                cmocka_unit_test(who_has_no_key_teaches_too),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
