/* SPDX-License-Identifier: MIT */
#include "observe/form_multipart.h"

#define LINE_START 3 /* "\n--" */

static bool starts_nocase(struct slice s, const char *prefix)
{
        struct slice head = slice_str(prefix);

        return s.len >= head.len && slice_equal_nocase(slice_first(s, head.len), head);
}

/*
 * Takes one parameter (`; name=value`, RFC 9110 5.6.6) off the front of a header's
 * value. The value may be quoted: *value is then what stands between the quotes,
 * escapes included.
 */
static bool next_parameter(struct slice *rest, struct slice *name, struct slice *value)
{
        *rest = slice_from(*rest, slice_find(*rest, ';') + 1);
        if (rest->len == 0)
                return false;
        size_t end = 0;
        while (end < rest->len && rest->data[end] != '=' && rest->data[end] != ';')
                end++;
        *name = slice_trim(slice_first(*rest, end));
        *value = slice_none();
        if (end == rest->len || rest->data[end] == ';') {
                *rest = slice_from(*rest, end);
                return true;
        }
        *rest = slice_trim(slice_from(*rest, end + 1));
        if (rest->len && rest->data[0] == '"') {
                for (end = 1; end < rest->len && rest->data[end] != '"'; end++)
                        end += rest->data[end] == '\\' && end + 1 < rest->len;
                *value = slice_of(rest->data + 1, end - 1);
                *rest = slice_from(*rest, end + 1);
        } else {
                end = slice_find(*rest, ';');
                *value = slice_trim(slice_first(*rest, end));
                *rest = slice_from(*rest, end);
        }
        return true;
}

struct slice form_multipart_boundary(struct slice content_type)
{
        struct slice rest = content_type, name, value;

        while (next_parameter(&rest, &name, &value))
                if (slice_equal_nocase(name, slice_str("boundary")))
                        return value.len && value.len <= MULTIPART_BOUNDARY_MAX
                                   ? value
                                   : slice_none();
        return slice_none();
}

/* ---- the head of a part ---- */

/* The name of a field, of which browsers and libraries escape quotes in two ways. */
static int find_name(const struct form_values *v, struct slice name)
{
        uint8_t plain[FORM_NAME_MAX];
        size_t len = 0;

        while (name.len && len < sizeof(plain)) {
                size_t taken = 1;
                uint8_t byte = name.data[0];
                if (byte == '\\' && name.len > 1) {
                        byte = name.data[1];
                        taken = 2;
                } else if (starts_nocase(name, "%22")) {
                        byte = '"';
                        taken = 3;
                }
                plain[len++] = byte;
                name = slice_from(name, taken);
        }
        return name.len ? -1 : form_values_find(v, slice_of(plain, len));
}

/* The number of the field in a Content-Disposition value; -1: passed over. */
static int find_field(struct slice disposition, const struct form_values *v)
{
        struct slice rest = disposition, name, value;
        int number = -1;

        if (!starts_nocase(disposition, "form-data"))
                return -1;
        while (next_parameter(&rest, &name, &value)) {
                if (slice_equal_nocase(name, slice_str("name")))
                        number = find_name(v, value);
                else if (starts_nocase(name, "filename"))
                        return -1;
        }
        return number;
}

/* Takes a line off the front of *rest, without its end. */
static struct slice next_line(struct slice *rest)
{
        size_t end = slice_find(*rest, '\n');
        struct slice line = slice_first(*rest, end);

        *rest = slice_from(*rest, end + 1);
        if (line.len && line.data[line.len - 1] == '\r')
                line.len--;
        return line;
}

/*
 * Takes the head of a part off the front of *part. False when it has no end, or none
 * within the cap.
 */
static bool read_head(struct slice *part, const struct form_values *v, int *number)
{
        static const char field[] = "content-disposition:";
        struct slice rest = slice_first(*part, MULTIPART_HEAD_MAX);

        *number = -1;
        while (slice_find(rest, '\n') < rest.len) {
                struct slice line = next_line(&rest);
                if (line.len == 0) {
                        *part = slice_from(*part, (size_t)(rest.data - part->data));
                        return true;
                }
                if (starts_nocase(line, field))
                        *number = find_field(
                            slice_trim(slice_from(line, sizeof(field) - 1)), v);
        }
        return false;
}

/* ---- parts ---- */

struct delimiter {
        uint8_t text[LINE_START + MULTIPART_BOUNDARY_MAX]; /* "\n--boundary" */
        size_t len;
};

/*
 * Takes all before the next delimiter off the front of *rest, and the delimiter. False
 * when there is none.
 */
static bool next_part(struct slice *rest, const struct delimiter *d, struct slice *part)
{
        const uint8_t *at =
            rest->len ? memmem(rest->data, rest->len, d->text, d->len) : NULL;

        if (!at)
                return false;
        *part = slice_first(*rest, (size_t)(at - rest->data));
        *rest = slice_from(*rest, part->len + d->len);
        /* The line end belongs to the delimiter. */
        if (part->len && part->data[part->len - 1] == '\r')
                part->len--;
        return true;
}

static bool read_part(struct slice part, struct form_values *v)
{
        int number;

        /* The rest of the boundary's line: blanks at the most. */
        next_line(&part);
        if (!read_head(&part, v, &number))
                return false;
        if (number >= 0 && v->values[number].rank == FORM_VALUE_ABSENT)
                form_value_put_all(form_value_begin(v, (unsigned)number, 0), part);
        return true;
}

/* Past the text before the first boundary, which may begin the body. */
static bool find_first(struct slice *rest, const struct delimiter *d)
{
        struct slice first = slice_of(d->text + 1, d->len - 1), before;

        if (!slice_starts_with(*rest, first))
                return next_part(rest, d, &before);
        *rest = slice_from(*rest, first.len);
        return true;
}

enum form_result form_multipart_read(struct slice body, struct slice boundary, bool cut,
                                     struct form_values *v)
{
        struct delimiter d = { .text = "\n--", .len = LINE_START + boundary.len };
        enum form_result early = cut ? FORM_CUT : FORM_MALFORMED;
        struct slice rest = body, part;

        if (boundary.len == 0 || boundary.len > MULTIPART_BOUNDARY_MAX)
                return FORM_MALFORMED;
        memcpy(d.text + LINE_START, boundary.data, boundary.len);
        if (!find_first(&rest, &d))
                return early;
        while (!slice_starts_with(rest, slice_str("--"))) {
                if (!next_part(&rest, &d, &part))
                        return early;
                if (!read_part(part, v))
                        return FORM_MALFORMED;
        }
        return FORM_OK;
}
