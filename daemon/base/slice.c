/* SPDX-License-Identifier: MIT */
#include "base/slice.h"

static uint8_t lower(uint8_t c)
{
        return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
        if (a.len != b.len)
                return false;
        for (size_t i = 0; i < a.len; i++)
                if (lower(a.data[i]) != lower(b.data[i]))
                        return false;
        return true;
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
        while (s.len && is_blank(s.data[0]))
                s = slice_from(s, 1);
        while (s.len && is_blank(s.data[s.len - 1]))
                s.len--;
        return s;
}

bool slice_next(struct slice *rest, uint8_t separator, struct slice *part)
{
        if (slice_is_none(*rest))
                return false;
        size_t end = slice_find(*rest, separator);
        *part = slice_first(*rest, end);
        *rest = end < rest->len ? slice_from(*rest, end + 1) : slice_none();
        return true;
}

bool slice_to_u64(struct slice s, uint64_t *value)
{
        uint64_t sum = 0;

        if (s.len == 0)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                uint8_t digit = (uint8_t)(s.data[i] - '0');
                if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
                        return false;
                sum = sum * 10 + digit;
        }
        *value = sum;
        return true;
}
