/* SPDX-License-Identifier: MIT */
#include "observe/cookies.h"

#include "base/clock.h"
#include "observe/text.h"

/* Splits `name=value`; false for what has no name. */
static bool split_pair(struct slice pair, struct slice *name, struct slice *value)
{
        size_t equals = slice_find(pair, '=');

        if (equals == pair.len)
                return false;
        *name = slice_trim(slice_first(pair, equals));
        *value = slice_trim(slice_from(pair, equals + 1));
        return name->len > 0;
}

static bool is_empty(struct slice value)
{
        return value.len == 0 || slice_is(value, "\"\"");
}

unsigned cookies_read(struct slice line, const struct cookie_names *names,
                      struct slice *values)
{
        struct slice pair, name, value;
        unsigned count = 0;

        while (slice_next(&line, ';', &pair)) {
                if (!split_pair(pair, &name, &value))
                        continue;
                count++;
                for (unsigned i = 0; i < names->count; i++)
                        if (slice_is_none(values[i]) &&
                            text_equal(name, names->names[i]) && !is_empty(value))
                                values[i] = value;
        }
        return count;
}

/* Proleptic Gregorian, 400-year eras that begin in March. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
        year -= month <= 2;
        int64_t era = year / 400, of_era = year - era * 400;
        int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date {
        int hour, minute, second, day, month, year;
        bool has_time, has_day, has_month, has_year;
};

/* The digits at *at, from `min` to `max` of them; -1 when there are fewer or more. */
static int date_number(struct slice token, size_t *at, size_t min, size_t max)
{
        size_t digits = 0;
        int value = 0;

        while (*at < token.len && digits <= max && token.data[*at] >= '0' &&
               token.data[*at] <= '9') {
                value = value * 10 + (token.data[(*at)++] - '0');
                digits++;
        }
        return digits >= min && digits <= max ? value : -1;
}

static bool date_time(struct slice token, struct date *d)
{
        int parts[3];
        size_t at = 0;

        for (int i = 0; i < 3; i++) {
                parts[i] = date_number(token, &at, 1, 2);
                if (parts[i] < 0 ||
                    (i < 2 && (at == token.len || token.data[at++] != ':')))
                        return false;
        }
        d->hour = parts[0];
        d->minute = parts[1];
        d->second = parts[2];
        return true;
}

static bool date_month(struct slice token, struct date *d)
{
        static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

        if (token.len < 3)
                return false;
        for (int i = 0; i < 12; i++)
                if (slice_equal_nocase(slice_first(token, 3),
                                       slice_of(months + 3 * i, 3))) {
                        d->month = i + 1;
                        return true;
                }
        return false;
}

/* The first token of each shape is taken, in the order that the RFC gives. */
static void date_token(struct slice token, struct date *d)
{
        size_t at = 0;

        if (!d->has_time && date_time(token, d)) {
                d->has_time = true;
                return;
        }
        int value = date_number(token, &at, 1, 2);
        if (!d->has_day && value >= 0) {
                d->day = value;
                d->has_day = true;
                return;
        }
        if (!d->has_month && date_month(token, d)) {
                d->has_month = true;
                return;
        }
        at = 0;
        value = date_number(token, &at, 2, 4);
        if (!d->has_year && value >= 0) {
                d->year = value >= 70 && value <= 99 ? value + 1900
                          : value <= 69              ? value + 2000
                                                     : value;
                d->has_year = true;
        }
}

static bool is_date_delimiter(uint8_t c)
{
        return c == 0x09 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
               (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

bool cookies_date(struct slice text, int64_t *seconds)
{
        struct date d = { 0 };
        size_t at = 0;

        while (at < text.len) {
                size_t from = at;
                while (at < text.len && !is_date_delimiter(text.data[at]))
                        at++;
                if (at > from)
                        date_token(slice_of(text.data + from, at - from), &d);
                else
                        at++;
        }
        if (!d.has_time || !d.has_day || !d.has_month || !d.has_year || d.day < 1 ||
            d.day > 31 || d.year < 1601 || d.hour > 23 || d.minute > 59 || d.second > 59)
                return false;
        *seconds = days_from_civil(d.year, d.month, d.day) * 86400 + d.hour * 3600 +
                   d.minute * 60 + d.second;
        return true;
}

/* RFC 6265 5.2.2: what is not a number is ignored; `-` alone is none. */
static bool max_age(struct slice value, bool *ended)
{
        bool negative = value.len && value.data[0] == '-';
        struct slice digits = slice_from(value, negative);
        bool zero = true;

        if (digits.len == 0)
                return false;
        for (size_t i = 0; i < digits.len; i++) {
                if (digits.data[i] < '0' || digits.data[i] > '9')
                        return false;
                zero &= digits.data[i] == '0';
        }
        *ended = negative || zero;
        return true;
}

/* Whether the attributes after the pair say that the cookie is over. */
static bool is_over(struct slice attributes, int64_t now_ns)
{
        bool by_age = false, over_by_age = false, over_by_date = false;
        struct slice attribute, name, value;
        int64_t seconds;

        while (slice_next(&attributes, ';', &attribute)) {
                if (!split_pair(attribute, &name, &value))
                        continue;
                if (slice_equal_nocase(name, slice_str("max-age")))
                        by_age |= max_age(value, &over_by_age);
                else if (slice_equal_nocase(name, slice_str("expires")) &&
                         cookies_date(value, &seconds))
                        over_by_date = seconds <= now_ns / NS_PER_SEC;
        }
        return by_age ? over_by_age : over_by_date;
}

void cookies_read_set(struct slice line, const struct cookie_names *names, int64_t now_ns,
                      struct slice *values)
{
        struct slice pair, name, value;

        if (!slice_next(&line, ';', &pair) || !split_pair(pair, &name, &value))
                return;
        for (unsigned i = 0; i < names->count; i++) {
                if (!slice_equal(name, names->names[i]))
                        continue;
                values[i] =
                    is_empty(value) || is_over(line, now_ns) ? slice_none() : value;
        }
}
