/* SPDX-License-Identifier: MIT */
/*
 * form_world - a reader of one kind of body, and what it must find.
 *
 * Each body is read as it is, from memory that ends where it ends, and cut behind every
 * byte: what a cut one gives must be what the whole one gives, or nothing.
 */
#ifndef UNIT_FORM_WORLD_H
#define UNIT_FORM_WORLD_H

#include "unit/unit.h"

#include "base/buf.h"
#include "observe/form_values.h"

#include <stdlib.h>

typedef enum form_result form_reader_fn(struct slice body, bool cut,
                                        struct form_values *);

struct form_case {
        const char *body;
        const char *found; /* "email=a@b|phone=1", in the order of the names */
        enum form_result result;
};

/* What each reader is asked for; the index of a value is that of its name. */
static const struct form_names form_world_names = {
        .count = 6,
        .names = { SLICE("email"), SLICE("user.email"), SLICE("user[email]"),
                   SLICE("phone"), SLICE("a b"), SLICE("q\"t") },
};
enum { EMAIL = 0, PHONE = 3 };

static inline void form_world_repeat(struct buf *body, const char *text, unsigned times)
{
        while (times--)
                buf_put_str(body, text);
}

static inline void form_world_print(const struct form_values *v, struct buf *out)
{
        buf_clear(out);
        for (unsigned i = 0; i < v->names->count; i++) {
                struct slice text = form_value_text(v, i);
                if (slice_is_none(text))
                        continue;
                if (out->len)
                        buf_put_byte(out, '|');
                buf_put_slice(out, v->names->names[i]);
                buf_put_byte(out, '=');
                buf_put_slice(out, text);
        }
        buf_put_byte(out, '\0');
}

/* From a copy of just its length, so that a sanitizer sees one byte too many. */
static inline enum form_result form_world_read(form_reader_fn *read, struct slice body,
                                               bool cut, struct form_values *v)
{
        uint8_t *copy = malloc(body.len ? body.len : 1);

        assert_non_null(copy);
        if (body.len)
                memcpy(copy, body.data, body.len);
        form_values_begin(v, &form_world_names);
        enum form_result result = read(slice_of(copy, body.len), cut, v);
        free(copy);
        return result;
}

static inline void form_world_cut(form_reader_fn *read, const struct form_case *c)
{
        struct form_values whole, part;
        struct slice body = slice_str(c->body);

        form_world_read(read, body, false, &whole);
        for (size_t len = 0; len < body.len; len++) {
                form_world_read(read, slice_first(body, len), true, &part);
                for (unsigned i = 0; i < form_world_names.count; i++) {
                        struct slice text = form_value_text(&part, i);
                        if (slice_is_none(text) ||
                            slice_equal(text, form_value_text(&whole, i)))
                                continue;
                        fail_msg("cut at %zu: '%.*s' in %s", len, (int)text.len,
                                 (const char *)text.data, c->body);
                }
        }
}

/* Without the cutting: for cases in which a later value takes an earlier one's place. */
static inline void form_world_check_whole(form_reader_fn *read,
                                          const struct form_case *cases, size_t count)
{
        struct form_values values;
        struct buf found = { 0 };

        for (size_t i = 0; i < count; i++) {
                enum form_result result =
                    form_world_read(read, slice_str(cases[i].body), false, &values);
                form_world_print(&values, &found);
                if (strcmp((const char *)found.data, cases[i].found) != 0 ||
                    result != cases[i].result)
                        fail_msg("%s\n gives %d %s\n not   %d %s", cases[i].body,
                                 (int)result, (const char *)found.data,
                                 (int)cases[i].result, cases[i].found);
        }
        buf_free(&found);
}

static inline void form_world_check(form_reader_fn *read, const struct form_case *cases,
                                    size_t count)
{
        form_world_check_whole(read, cases, count);
        for (size_t i = 0; i < count; i++)
                form_world_cut(read, &cases[i]);
}

#endif
