/* SPDX-License-Identifier: MIT */
#include "observe/zone.h"

#include "base/check.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY  INT64_C(86400)
#define LAST (INT64_C(4102444800)) /* 2100-01-01 */

static int32_t offset_at(int64_t seconds)
{
        time_t when = (time_t)seconds;
        struct tm local;

        return localtime_r(&when, &local) ? (int32_t)local.tm_gmtoff : 0;
}

/* The first second in (from, to] that has the offset of `to`. */
static int64_t change_between(int64_t from, int64_t to)
{
        int32_t offset = offset_at(to);

        while (to - from > 1) {
                int64_t middle = from + (to - from) / 2;
                if (offset_at(middle) == offset)
                        to = middle;
                else
                        from = middle;
        }
        return to;
}

static void add(struct zone *t, int64_t from_s, int32_t offset_s)
{
        if (t->count < ZONE_CHANGES)
                t->changes[t->count++] = (struct zone_change){ from_s, offset_s };
}

/* No zone has changed twice within a week since 1970. */
static void look_through(struct zone *t)
{
        int32_t offset = offset_at(0);

        add(t, 0, offset);
        for (int64_t day = 0; day < LAST; day += 7 * DAY) {
                int32_t next = offset_at(day + 7 * DAY);
                if (next == offset)
                        continue;
                add(t, change_between(day, day + 7 * DAY), next);
                offset = next;
        }
}

/* Compiled data, not a folder or one of the tables beside it (tzfile(5)). */
static bool is_known(const char *name)
{
        char file[256], magic[4] = "";

        if (name[0] == '/' || name[0] == '\0' || strstr(name, ".."))
                return false;
        int len = snprintf(file, sizeof(file), "/usr/share/zoneinfo/%s", name);
        FILE *data = len > 0 && (size_t)len < sizeof(file) ? fopen(file, "rb") : NULL;
        if (!data)
                return false;
        bool good = fread(magic, 1, 4, data) == 4 && memcmp(magic, "TZif", 4) == 0;
        fclose(data);
        return good;
}

bool zone_load(struct zone *t, const char *name)
{
        const char *set = getenv("TZ");
        char *before = set ? strdup(set) : NULL;

        *t = (struct zone){ 0 };
        if (strcmp(name, "UTC") == 0 || !is_known(name)) {
                free(before);
                return strcmp(name, "UTC") == 0;
        }
        t->changes = calloc(ZONE_CHANGES, sizeof(*t->changes));
        CHECK(t->changes);
        setenv("TZ", name, 1);
        tzset();
        look_through(t);
        if (before)
                setenv("TZ", before, 1);
        else
                unsetenv("TZ");
        tzset();
        free(before);
        return true;
}

void zone_free(struct zone *t)
{
        free(t->changes);
        *t = (struct zone){ 0 };
}

int64_t zone_offset_ns(const struct zone *t, int64_t time_ns)
{
        int64_t seconds = time_ns / NS_PER_SEC;
        unsigned low = 0, high = t->count;

        if (t->count == 0)
                return 0;
        while (high - low > 1) {
                unsigned middle = (low + high) / 2;
                if (t->changes[middle].from_s <= seconds)
                        low = middle;
                else
                        high = middle;
        }
        return t->changes[low].offset_s * NS_PER_SEC;
}
