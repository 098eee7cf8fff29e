/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/hash.h"
#include "detect/sketch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
        struct sketch sketch;
        uint32_t words[SKETCH_REGISTERS];
};

static void begin(struct fixture *f)
{
        memset(f, 0, sizeof(*f));
        sketch_init(&f->sketch);
}

static void add(struct fixture *f, const struct hash_key *key, uint64_t value,
                int64_t pane)
{
        sketch_add(&f->sketch, f->words, (uint32_t)(hash_u64(key, value) >> 32), pane);
}

/* Relative RMSE over seeds; values spread over all panes, each twice. */
static double rmse(uint64_t n, unsigned seeds, double *bias)
{
        struct fixture *f = malloc(sizeof(*f));
        double squares = 0, sum = 0;

        assert_non_null(f);
        for (unsigned seed = 0; seed < seeds; seed++) {
                struct hash_key key = { seed * 7919 + 1, n };
                begin(f);
                for (uint64_t i = 0; i < n; i++)
                        add(f, &key, i, (int64_t)(i & 7));
                for (uint64_t i = 0; i < n && i < 1000; i++)
                        add(f, &key, i, (int64_t)(i & 3));
                double error = sketch_estimate(&f->sketch) / (double)n - 1;
                squares += error * error;
                sum += error;
        }
        free(f);
        *bias = sum / seeds;
        return sqrt(squares / seeds);
}

static void the_error_is_within_three_percent(void **state)
{
        static const struct {
                uint64_t n;
                unsigned seeds;
        } rows[] = { { 200, 500 },
                     { 1000, 400 },
                     { 10000, 300 },
                     { 100000, 200 },
                     { 1000000, 60 } };
        (void)state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                double bias, error = rmse(rows[i].n, rows[i].seeds, &bias);
                printf("%8llu values, %u seeds: RMSE %.2f %%, bias %+.2f %%\n",
                       (unsigned long long)rows[i].n, rows[i].seeds, error * 100,
                       bias * 100);
                assert_true(error < 0.03);
                /* Better than theory by much would be a broken test. */
                assert_true(error > 0.002);
                assert_true(fabs(bias) < 4 * 0.023 / sqrt(rows[i].seeds));
        }
}

static void panes_are_forgotten_one_by_one(void **state)
{
        struct hash_key key = { 1, 2 };
        struct fixture f, fresh;
        (void)state;

        begin(&f);
        for (int64_t pane = 0; pane < 20; pane++) {
                if (pane)
                        sketch_rotate(&f.sketch, f.words, pane - 1, pane);
                for (uint64_t i = 0; i < 300; i++)
                        add(&f, &key, (uint64_t)pane * 300 + i, pane);
                /* The same as one that only ever saw the newest eight. */
                begin(&fresh);
                for (int64_t p = pane > 7 ? pane - 7 : 0; p <= pane; p++)
                        for (uint64_t i = 0; i < 300; i++)
                                add(&fresh, &key, (uint64_t)p * 300 + i, p);
                assert_memory_equal(f.sketch.histogram, fresh.sketch.histogram,
                                    sizeof(f.sketch.histogram));
                assert_true(sketch_estimate(&f.sketch) == sketch_estimate(&fresh.sketch));
        }
        sketch_flatten(&f.sketch, f.words);
        assert_true(sketch_estimate(&f.sketch) == sketch_estimate(&fresh.sketch));
        sketch_rotate(&f.sketch, f.words, 19, 27);
        assert_true(sketch_estimate(&f.sketch) == 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_error_is_within_three_percent),
                cmocka_unit_test(panes_are_forgotten_one_by_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
