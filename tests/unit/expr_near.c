/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/expr_world.h"

#include <math.h>

/* Every count is 30, every distinct 60; a mean is missing. */
static struct value read(void *context, const struct aggregate *a)
{
        (void)context;
        if (strcmp(a->function->name, "count") == 0)
                return (struct value){ .type = VALUE_NUMBER, .number = 30 };
        if (strcmp(a->function->name, "distinct") == 0)
                return (struct value){ .type = VALUE_NUMBER, .number = 60 };
        return (struct value){ .type = VALUE_MISSING };
}

static void shares(void **state)
{
        static const struct {
                const char *text;
                double share;
                const char *measure; /* NULL: none */
                double value, threshold;
        } cases[] = {
                { "count(1m) >= 60", 0.5, "count(1m)", 30, 60 },
                { "count(1m) > 60", 0.5, "count(1m)", 30, 60 },
                { "60 <= count(1m)", 0.5, "count(1m)", 30, 60 },
                { "60 < count(1m)", 0.5, "count(1m)", 30, 60 },
                { "count(1m) >= 30", 1, "count(1m)", 30, 30 },
                { "count(1m) >= 10", 1, "count(1m)", 30, 10 },
                { "count(1m) >= 0", 1, "count(1m)", 30, 0 },
                { "distinct(path, 1m) / count(1m) > 4", 0.5,
                  "distinct(path, 1m) / count(1m)", 2, 4 },
                /* The farthest of an `and`, the nearest of an `or`. */
                { "count(1m) >= 60 and distinct(path, 1m) >= 240", 0.25,
                  "distinct(path, 1m)", 60, 240 },
                { "count(1m) >= 60 or distinct(path, 1m) >= 240", 0.5, "count(1m)", 30,
                  60 },
                { "count(1m) >= 60 and (count(1h) >= 300 or distinct(path, 1m) >= 75)",
                  0.5, "count(1m)", 30, 60 },
                /* What only a transaction can tell counts as met. */
                { "status == 200 and count(1m) >= 60", 0.5, "count(1m)", 30, 60 },
                { "count(1m) >= 10 and status == 200", 1, "count(1m)", 30, 10 },
                { "status == 404", 1, NULL, 0, 0 },
                /* What cannot grow towards its bound is met or not. */
                { "count(1m) < 60 and distinct(path, 1m) >= 120", 0.5,
                  "distinct(path, 1m)", 60, 120 },
                { "count(1m) < 10 and distinct(path, 1m) >= 120", 0, NULL, 0, 0 },
                { "not count(1m) >= 60", 1, NULL, 0, 0 },
                { "count(1m) == 30", 1, NULL, 0, 0 },
                { "count(1m) == 31", 0, NULL, 0, 0 },
                { "mean(status, 1m) >= 5", 0, "mean(status, 1m)", 0, 5 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct expr_subject subject = { .aggregate = read };
                struct diag *diag = diag_new();
                struct expr *expr =
                    expr_parse(slice_str(cases[i].text), (struct place){ "-", 1, 1 },
                               true, &world, VALUE_BOOL, diag);
                struct buf measure = { 0 };
                if (!expr) {
                        diag_print(diag, &measure);
                        fail_msg("%s: %.*s", cases[i].text, (int)measure.len,
                                 (const char *)measure.data);
                }
                struct expr_near near = expr_near(expr, &subject);
                if (fabs(near.share - cases[i].share) > 1e-9 ||
                    near.value != cases[i].value || near.threshold != cases[i].threshold)
                        fail_msg("%s: %g of %g is %g", cases[i].text, near.value,
                                 near.threshold, near.share);
                assert_int_equal(near.measure != NULL, cases[i].measure != NULL);
                if (near.measure) {
                        expr_print(near.measure, &measure);
                        assert_slice(buf_slice(&measure), cases[i].measure);
                }
                buf_free(&measure);
                expr_free(&expr);
                diag_free(&diag);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(shares) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
