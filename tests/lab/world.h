/* SPDX-License-Identifier: MIT */
/*
 * world - parameters for tests, by what `-o` would say.
 */
#ifndef TESTS_LAB_WORLD_H
#define TESTS_LAB_WORLD_H

#include "parameters.h"
#include "unit/unit.h"

#include <stdio.h>

struct world {
        struct parameter_set *set;
        const struct parameters *p;
};

/* `settings` ends with a NULL. A mistake in them fails the test. */
static inline struct world world_of(const char *const *settings)
{
        struct world w = { .set = parameters_new(NULL, NULL) };
        struct diag *diag = diag_new();

        for (; *settings; settings++)
                parameters_set(w.set, *settings, diag);
        w.p = parameters_values(w.set, diag);
        if (diag_errors(diag)) {
                struct buf text = { 0 };
                diag_print(diag, &text);
                print_error("%.*s", (int)text.len, (const char *)text.data);
                buf_free(&text);
        }
        assert_int_equal(diag_errors(diag), 0);
        diag_free(&diag);
        return w;
}

#define WORLD(...) world_of((const char *const[]){ __VA_ARGS__, NULL })

#endif
