/* SPDX-License-Identifier: MIT */
#include "unit/window_oracle.h"

#include "detect/steps.h"

static const char walk_rules[] = "rules:\n"
                                 "  - name: walk\n"
                                 "    where: page == profile\n"
                                 "    per: client.ip\n"
                                 "    when: sequential(target.number, 8m) >= 0\n";

static void view(struct world *w, int64_t at_ms, uint64_t number, bool numeric)
{
        struct world_record r;

        world_make_record(&(struct hit){ .at_ms = at_ms,
                                         .client = "198.51.100.1",
                                         .page = PAGE_PROFILE },
                          &r);
        r.record.target_number = number;
        r.record.flags |= numeric ? RECORD_TARGET_NUMERIC : 0;
        engine_record(w->engine, &r.record);
}

/* What sequential() is for the one key; NaN when it is missing. */
static double now(struct world *w)
{
        struct table *t = &w->engine->tables[0];
        uint64_t hash;

        assert_true(table_key(t, &w->engine->facts, &hash));
        struct value v = table_value(t, table_at(t, table_find(t, hash)),
                                     &w->rules->rules[0].aggregates[0]);
        return v.type == VALUE_MISSING ? NAN : v.number;
}

/* The numbers of one key, a second each. */
static double walk(const uint64_t *numbers, unsigned count)
{
        struct world *w = world_new(walk_rules);

        for (unsigned i = 0; i < count; i++)
                view(w, i * 1000, numbers[i], true);
        double share = now(w);
        world_free(w);
        return share;
}

#define WALK(...)                               \
        walk((const uint64_t[]){ __VA_ARGS__ }, \
             sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void small_steps_of_the_commoner_sign_count(void **state)
{
        (void)state;

        assert_true(isnan(WALK(5)));
        assert_float_equal(WALK(5, 6), 1, 0);
        assert_float_equal(WALK(6, 5), 1, 0);
        assert_float_equal(WALK(100, 116), 1, 0);
        assert_float_equal(WALK(100, 117), 0, 0);
        assert_float_equal(WALK(1, 2, 3, 4, 500), 0.75, 0);
        assert_float_equal(WALK(1, 2, 1, 2, 1), 0.5, 0);
        assert_float_equal(WALK(9, 8, 7, 8), 2 / 3.0, 1e-12);
}

static void the_same_number_again_is_no_step(void **state)
{
        (void)state;

        assert_true(isnan(WALK(5, 5, 5)));
        assert_float_equal(WALK(5, 5, 6, 6, 6, 900), 0.5, 0);
}

static void what_a_double_cannot_tell_is_passed_over(void **state)
{
        const uint64_t most = UINT64_C(1) << 53;
        (void)state;

        assert_float_equal(WALK(most - 1, most), 1, 0);
        assert_true(isnan(WALK(most * 4, most * 4 + 4096)));
        /* 5 to 6 is a step, whatever stood between them. */
        assert_float_equal(WALK(5, most * 2, 6), 1, 0);
        struct world *w = world_new(walk_rules);
        view(w, 0, 5, true);
        view(w, 1000, 0, false);
        view(w, 2000, 6, true);
        assert_float_equal(now(w), 1, 0);
        world_free(w);
}

static void a_silence_ends_the_walk(void **state)
{
        struct world *w = world_new(walk_rules);
        (void)state;

        view(w, 0, 5, true);
        view(w, 479999, 6, true);
        assert_float_equal(now(w), 1, 0);
        view(w, 479999 + 480000, 7, true);
        assert_true(isnan(now(w)));
        world_free(w);
}

/* The chance that the header states, out of ten thousand. */
static void a_reader_at_random_hardly_walks(void **state)
{
        struct world *w = world_new(walk_rules);
        uint64_t random = 1;
        double sum = 0;
        (void)state;

        for (unsigned i = 0; i < 40000; i++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                view(w, i * 40, (random >> 33) * 10000 >> 31, true);
                if (i >= 20000)
                        sum += now(w) / 20000;
        }
        printf("share of small steps out of 10,000 at random: %.2f %% of one sign\n",
               100 * sum);
        assert_true(sum > 0.0014 && sum < 0.0024);
        world_free(w);
}

/* ---- the definition ---- */

static unsigned known;

static void give_number(struct oracle *o, struct oracle_past *p)
{
        static uint64_t walker = 1000;

        p->numeric = oracle_draw(o, 12) != 0;
        p->number =
            oracle_draw(o, 3) ? walker += oracle_draw(o, 8) - 2 : oracle_draw(o, 5000);
        if (oracle_draw(o, 20) == 0)
                p->number = UINT64_C(1) << 60;
}

static void compare(const struct oracle_question *q, const struct rule_aggregate *a,
                    double actual)
{
        const struct oracle_past *last = NULL;
        unsigned up = 0, down = 0, all = 0;

        for (unsigned i = 0; i < q->oracle->count; i++) {
                const struct oracle_past *p = &q->oracle->past[i];
                if (!oracle_meets(q, p))
                        continue;
                if (last && !oracle_is_inside(q, last->end_ns, p->now_ns))
                        last = NULL;
                if (!p->numeric || p->number > UINT64_C(1) << 53 ||
                    !oracle_is_inside(q, p->end_ns, p->now_ns))
                        continue;
                if (last && last->number != p->number &&
                    oracle_is_inside(q, p->end_ns, oracle_now(q))) {
                        int64_t step = (int64_t)p->number - (int64_t)last->number;
                        up += step > 0 && step <= 16;
                        down += step < 0 && step >= -16;
                        all++;
                }
                last = p;
        }
        oracle_same(a, actual, all ? (double)(up > down ? up : down) / all : NAN);
        known += all > 0;
}

static void sequential_is_as_defined(void **state)
{
        (void)state;

        oracle_run("rules:\n"
                   "  - name: a\n"
                   "    where: page == profile\n"
                   "    per_each: [client.ip, all]\n"
                   "    when: >\n"
                   "      sequential(target.number, 8s) > 2 or\n"
                   "      sequential(target.number, status == 404, 1m) > 2\n",
                   5000, give_number, compare);
        assert_true(known > 3000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(small_steps_of_the_commoner_sign_count),
                cmocka_unit_test(the_same_number_again_is_no_step),
                cmocka_unit_test(what_a_double_cannot_tell_is_passed_over),
                cmocka_unit_test(a_silence_ends_the_walk),
                cmocka_unit_test(a_reader_at_random_hardly_walks),
                cmocka_unit_test(sequential_is_as_defined),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
