/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as an expression. What is accepted has a value, and its
 * canonical text is accepted too and prints the same.
 */
#include "lang/expr.h"

#include "../unit/expr_world.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct expr *parse(struct slice text, struct diag *diag)
{
        return expr_parse(text, (struct place){ "fuzz", 1, 1 }, true, &world,
                          VALUE_MISSING, diag);
}

static void evaluate(const struct expr *expr)
{
        struct counters counters = { 0 };
        struct expr_subject subject = { &some_visit, world_aggregate, NULL, &counters };
        struct value value = expr_value(expr, &subject);

        CHECK(value.type == VALUE_MISSING || value.type == expr_type(expr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct diag *diag = diag_new();
        struct buf first = { 0 }, second = { 0 };
        struct expr *expr = parse(slice_of(data, size), diag);

        if (expr) {
                evaluate(expr);
                expr_print(expr, &first);
                expr_free(&expr);
                expr = parse(buf_slice(&first), diag);
                CHECK(expr);
                expr_print(expr, &second);
                CHECK(slice_equal(buf_slice(&first), buf_slice(&second)));
        } else {
                CHECK(diag_errors(diag) > 0);
                diag_print(diag, &first);
        }
        expr_free(&expr);
        buf_free(&first);
        buf_free(&second);
        diag_free(&diag);
        return 0;
}
