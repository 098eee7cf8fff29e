/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
        struct timespec now;

        clock_gettime(id, &now);
        return (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

int64_t clock_wall_ns(void)
{
        return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
        return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
        return read_clock(CLOCK_BOOTTIME);
}

static char *put_padded(char *at, unsigned value, int width)
{
        for (int i = width - 1; i >= 0; i--) {
                at[i] = (char)('0' + value % 10);
                value /= 10;
        }
        return at + width;
}

/* Days since 1970 to a date of the Gregorian calendar (400-year eras from March). */
static char *put_date(char *at, int64_t days)
{
        int64_t shifted = days + 719468;
        int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
        unsigned day = (unsigned)(shifted - era * 146097);
        unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
        unsigned of_year = day - (365 * year + year / 4 - year / 100);
        unsigned march = (5 * of_year + 2) / 153;
        unsigned month = march < 10 ? march + 3 : march - 9;

        at = put_padded(at, (unsigned)(year + era * 400 + (month <= 2)), 4);
        *at++ = '-';
        at = put_padded(at, month, 2);
        *at++ = '-';
        return put_padded(at, of_year - (153 * march + 2) / 5 + 1, 2);
}

size_t clock_format(int64_t time_ns, char text[CLOCK_TEXT_MAX])
{
        int64_t seconds = time_ns / NS_PER_SEC, rest = time_ns % NS_PER_SEC;

        if (rest < 0) {
                seconds--;
                rest += NS_PER_SEC;
        }
        int64_t days = seconds / 86400, of_day = seconds % 86400;
        if (of_day < 0) {
                days--;
                of_day += 86400;
        }
        char *at = put_date(text, days);
        *at++ = 'T';
        at = put_padded(at, (unsigned)(of_day / 3600), 2);
        *at++ = ':';
        at = put_padded(at, (unsigned)(of_day / 60 % 60), 2);
        *at++ = ':';
        at = put_padded(at, (unsigned)(of_day % 60), 2);
        *at++ = '.';
        at = put_padded(at, (unsigned)(rest / 1000), 6);
        *at++ = 'Z';
        *at = '\0';
        return (size_t)(at - text);
}

int64_t clock_parse(struct slice text)
{
        char copy[CLOCK_TEXT_MAX];
        struct tm tm = { 0 };

        if (text.len == 0 || text.len >= sizeof(copy))
                return 0;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
        if (!rest || tm.tm_year < 70 || tm.tm_year >= 300)
                return 0;
        int64_t ns = 0, unit = NS_PER_SEC / 10;
        if (*rest == '.')
                for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
                        ns += (*rest - '0') * unit;
        return (int64_t)timegm(&tm) * NS_PER_SEC + ns;
}
