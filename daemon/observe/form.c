/* SPDX-License-Identifier: MIT */
#include "observe/form.h"

#include "base/check.h"
#include "observe/form_json.h"
#include "observe/form_multipart.h"
#include "observe/form_urlencoded.h"

#include <stdlib.h>

struct form_reader {
        struct content *content;
        struct counters *counters;
        struct form_values values;
        uint8_t joined[FORM_KINDS][FORM_PARTS_MAX * (FORM_VALUE_MAX + 1)];
};

/* ---- what the site map says ---- */

/* The number of a name, which is added where it is new; -1 when there are too many. */
static int take_name(struct form_names *names, struct slice name)
{
        for (unsigned i = 0; i < names->count; i++)
                if (slice_equal(names->names[i], name))
                        return (int)i;
        if (names->count == FORM_NAMES_MAX)
                return -1;
        names->names[names->count] = name;
        return (int)names->count++;
}

const char *form_add(struct form *form, enum form_kind kind, struct slice text)
{
        unsigned *count = &form->fields[kind].count;
        struct form_choice choice = { 0 };
        struct slice part;

        if (*count == FORM_CHOICES_MAX)
                return "has more than 8 choices";
        if (text.len == 0 || text.data[text.len - 1] == '+')
                return "has a '+' without a field on both sides";
        while (slice_next(&text, '+', &part)) {
                part = slice_trim(part);
                if (part.len == 0)
                        return "has a '+' without a field on both sides";
                if (part.len > FORM_NAME_MAX)
                        return "names a field in more than 128 bytes";
                if (choice.count == FORM_PARTS_MAX)
                        return "joins more than 4 fields";
                int name = take_name(&form->names, part);
                if (name < 0)
                        return "is past the 16 different fields that a form may have";
                choice.parts[choice.count++] = (uint8_t)name;
        }
        form->fields[kind].choices[(*count)++] = choice;
        return NULL;
}

/* ---- reading ---- */

struct form_reader *form_reader_new(size_t body_max, struct counters *counters)
{
        struct form_reader *r = calloc(1, sizeof(*r));

        CHECK(r);
        r->content = content_new(body_max);
        r->counters = counters;
        return r;
}

void form_reader_free(struct form_reader **reader)
{
        if (!*reader)
                return;
        content_free(&(*reader)->content);
        free(*reader);
        *reader = NULL;
}

void form_reader_forget(struct form_reader *r)
{
        content_forget(r->content);
}

/* *cut is set when the end of the plain text is not the body's. */
static struct slice unfold(struct form_reader *r, struct slice encoding,
                           struct slice bytes, bool *cut)
{
        struct slice plain;

        switch (content_decode(r->content, encoding, bytes, &plain)) {
        case CONTENT_OK:
                break;
        case CONTENT_CUT:
                *cut = true;
                break;
        case CONTENT_BOMB:
                r->counters->content_bombs++;
                *cut = true;
                break;
        case CONTENT_BAD:
                r->counters->content_malformed++;
                *cut = true;
                break;
        case CONTENT_UNKNOWN:
                r->counters->content_unknown++;
                break;
        }
        return plain;
}

struct slice form_plain(struct form_reader *r, struct slice encoding, struct slice bytes)
{
        bool cut;

        return unfold(r, encoding, bytes, &cut);
}

/* The media type without its parameters. */
static struct slice media_type(struct slice content_type)
{
        return slice_trim(slice_first(content_type, slice_find(content_type, ';')));
}

static bool is_json(struct slice type)
{
        struct slice suffix = slice_str("+json");

        return slice_equal_nocase(type, slice_str("application/json")) ||
               slice_equal_nocase(type, slice_str("text/json")) ||
               (type.len > suffix.len &&
                slice_equal_nocase(slice_from(type, type.len - suffix.len), suffix));
}

/* False when it is of no kind that we read. */
static bool read_by_type(struct form_reader *r, struct slice content_type,
                         struct slice plain, bool cut, enum form_result *result)
{
        struct slice type = media_type(content_type);

        if (slice_equal_nocase(type, slice_str("application/x-www-form-urlencoded")))
                *result = form_urlencoded_read(plain, cut, &r->values);
        else if (slice_equal_nocase(type, slice_str("multipart/form-data")))
                *result = form_multipart_read(
                    plain, form_multipart_boundary(content_type), cut, &r->values);
        else if (is_json(type))
                *result = form_json_read(plain, cut, &r->values);
        else
                return false;
        return true;
}

/* The parts of a choice that are there, joined by blanks; none when there are none. */
static struct slice join(const struct form_values *v, const struct form_choice *choice,
                         uint8_t *out)
{
        size_t len = 0;

        for (unsigned i = 0; i < choice->count; i++) {
                struct slice part = form_value_text(v, choice->parts[i]);
                if (part.len == 0)
                        continue;
                if (len)
                        out[len++] = ' ';
                memcpy(out + len, part.data, part.len);
                len += part.len;
        }
        return len ? slice_of(out, len) : slice_none();
}

static struct slice choose(struct form_reader *r, const struct form *form,
                           enum form_kind kind)
{
        struct slice answer = slice_none();

        for (unsigned i = 0; i < form->fields[kind].count && slice_is_none(answer); i++)
                answer =
                    join(&r->values, &form->fields[kind].choices[i], r->joined[kind]);
        return answer;
}

bool form_read(struct form_reader *r, const struct form *form,
               const struct form_body *body, struct slice answers[FORM_KINDS])
{
        enum form_result result;
        bool cut = body->cut;

        r->counters->form_bodies++;
        r->counters->form_bodies_cut += cut;
        struct slice plain = unfold(r, body->encoding, body->bytes, &cut);
        form_values_begin(&r->values, &form->names);
        if (slice_is_none(plain))
                return false;
        if (!read_by_type(r, body->type, plain, cut, &result)) {
                r->counters->form_unknown_type++;
                return false;
        }
        r->counters->form_malformed += result == FORM_MALFORMED;
        r->counters->form_too_deep += result == FORM_TOO_DEEP;
        for (unsigned kind = 0; kind < FORM_KINDS; kind++)
                answers[kind] = choose(r, form, kind);
        return true;
}
