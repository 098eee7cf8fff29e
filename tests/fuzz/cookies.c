/* SPDX-License-Identifier: MIT */
/*
 * Each line as Cookie, as Set-Cookie and as a date. Values lie in their line; a date that
 * is taken is the same when it is written out and read again.
 */
#include "observe/cookies.h"

#include "base/check.h"

#include <stdio.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES = 3 };

static const struct cookie_names names = { { SLICE("a"), SLICE("sid"), SLICE("A") },
                                           NAMES };

static void check_values(const struct slice *values, struct slice all)
{
        for (unsigned i = 0; i < NAMES; i++)
                if (!slice_is_none(values[i]))
                        CHECK(values[i].len > 0 && values[i].data >= all.data &&
                              values[i].data + values[i].len <= all.data + all.len);
}

static void check_date(struct slice line)
{
        char text[64];
        int64_t seconds, again;
        struct tm tm;

        if (!cookies_date(line, &seconds))
                return;
        time_t when = (time_t)seconds;
        CHECK(gmtime_r(&when, &tm));
        CHECK(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm));
        /* The 31st of December 9999 and a little is past the last year. */
        if (tm.tm_year + 1900 > 9999)
                return;
        CHECK(cookies_date(slice_str(text), &again) && again == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice all = slice_of(data, size), rest = all, line;
        struct slice asked[NAMES] = { { NULL, 0 } }, set[NAMES] = { { NULL, 0 } };

        while (slice_next(&rest, '\n', &line)) {
                struct slice before[NAMES];
                memcpy(before, asked, sizeof(before));
                CHECK(cookies_read(line, &names, asked) <= line.len);
                /* The first of several counts. */
                for (unsigned i = 0; i < NAMES; i++)
                        CHECK(slice_is_none(before[i]) ||
                              before[i].data == asked[i].data);
                cookies_read_set(line, &names, 1700000000000000000, set);
                check_values(asked, all);
                check_values(set, all);
                check_date(line);
        }
        return 0;
}
