/* SPDX-License-Identifier: MIT */
/*
 * form_body - what holds of every body, whatever its kind. The first byte of the input
 * says how much of the body is missing at its end.
 */
#ifndef FUZZ_FORM_BODY_H
#define FUZZ_FORM_BODY_H

#include "base/check.h"
#include "observe/form_values.h"

#include <stdlib.h>

typedef enum form_result form_body_read_fn(struct slice body, bool cut,
                                           struct form_values *);

static inline void form_body_check(form_body_read_fn *read, const uint8_t *data,
                                   size_t size)
{
        static const char *const wanted[] = { "email", "user.email", "a.b.c", "phone",
                                              "a b" };
        static struct form_values v, again;
        struct form_names names = { .count = 5 };

        if (size == 0)
                return;
        for (unsigned i = 0; i < names.count; i++)
                names.names[i] = slice_str(wanted[i]);
        struct slice body = slice_of(data + 1, size - 1);
        bool cut = data[0] & 1;
        form_values_begin(&v, &names);
        enum form_result result = read(body, cut, &v);
        CHECK(result != FORM_CUT || cut);
        form_values_begin(&again, &names);
        CHECK(read(body, cut, &again) == result);
        for (unsigned i = 0; i < names.count; i++) {
                struct slice text = form_value_text(&v, i);
                CHECK(text.len <= FORM_VALUE_MAX);
                CHECK(slice_equal(text, form_value_text(&again, i)));
                /* No value grows when the body is said to be cut. */
                if (cut && !slice_is_none(text)) {
                        form_values_begin(&again, &names);
                        read(body, false, &again);
                        CHECK(!slice_is_none(form_value_text(&again, i)));
                        form_values_begin(&again, &names);
                        read(body, cut, &again);
                }
        }
}

#endif
