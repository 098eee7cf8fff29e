/* SPDX-License-Identifier: MIT */
#include "observe/form_urlencoded.h"

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one decoded byte off the front; `text` is not empty. */
static uint8_t next_byte(struct slice *text)
{
        uint8_t byte = text->data[0];
        int high, low;

        if (byte == '%' && text->len >= 3 && (high = hex_value(text->data[1])) >= 0 &&
            (low = hex_value(text->data[2])) >= 0) {
                *text = slice_from(*text, 3);
                return (uint8_t)(high << 4 | low);
        }
        *text = slice_from(*text, 1);
        return byte == '+' ? ' ' : byte;
}

static bool is_plain(struct slice text)
{
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] == '%' || text.data[i] == '+')
                        return false;
        return true;
}

/* The number of the name, which may be written in escapes; -1 when not wanted. */
static int find_name(const struct form_values *v, struct slice name)
{
        uint8_t plain[FORM_NAME_MAX];
        size_t len = 0;

        if (name.len > 3 * FORM_NAME_MAX)
                return -1;
        if (is_plain(name))
                return form_values_find(v, name);
        while (name.len && len < sizeof(plain))
                plain[len++] = next_byte(&name);
        return name.len ? -1 : form_values_find(v, slice_of(plain, len));
}

static void read_field(struct slice field, struct form_values *v)
{
        size_t equals = slice_find(field, '=');
        int number = find_name(v, slice_first(field, equals));

        if (number < 0 || v->values[number].rank != FORM_VALUE_ABSENT)
                return;
        struct form_value *value = form_value_begin(v, (unsigned)number, 0);
        for (struct slice rest = slice_from(field, equals + 1); rest.len && !value->cut;)
                form_value_put(value, next_byte(&rest));
}

enum form_result form_urlencoded_read(struct slice body, bool cut, struct form_values *v)
{
        while (body.len) {
                size_t end = slice_find(body, '&');
                if (end == body.len && cut)
                        return FORM_CUT;
                read_field(slice_first(body, end), v);
                body = slice_from(body, end + 1);
        }
        return cut ? FORM_CUT : FORM_OK;
}
